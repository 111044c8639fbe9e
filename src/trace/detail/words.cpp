#include "trace/detail/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/json_value_end.hpp"
#include "core/unicode.hpp"
#include "trace/detail/packing.hpp"

namespace slipway::trace::detail {

namespace {

constexpr Term term_bits = (1ull << 48) - 1;
constexpr std::uint64_t word_seed = 1, attribute_seed = 2;
constexpr std::size_t attribute_bytes_max = 200;
/// A longer row of letters is no word of a language; its beginning stands for it.
constexpr std::size_t word_bytes_max = 256;

/// Of a byte: 0 where no word is, or more than ASCII, else the letter in lower case.
constexpr std::array<char, 256> ascii_letters = [] {
  std::array<char, 256> letters{};
  for (int c = 0; c < 128; ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
      letters[static_cast<std::size_t>(c)] = static_cast<char>(c);
    if (c >= 'A' && c <= 'Z') letters[static_cast<std::size_t>(c)] = static_cast<char>(c + 32);
  }
  return letters;
}();

bool is_word(char32_t c) {
  return unicode::is_letter(c) || unicode::is_number(c) || unicode::is_mark(c);
}

/// What is read of a word; no memory is asked for, since every text that comes goes through here.
class Word {
 public:
  bool is_empty() const { return size_ == 0; }
  bool is_full() const { return size_ >= word_bytes_max; }
  /// All letters of ASCII that `text` begins with; gives their number.
  std::size_t take(std::string_view text) {
    std::size_t taken = 0, size = size_;
    for (; taken < text.size(); ++taken) {
      const char letter = ascii_letters[static_cast<unsigned char>(text[taken])];
      if (letter == 0) break;
      if (size < word_bytes_max) bytes_[size++] = letter;
    }
    size_ = size;
    return taken;
  }
  void add(char32_t code_point) {
    std::string bytes;
    unicode::append(bytes, code_point);
    size_ += bytes.copy(bytes_.data() + size_, bytes.size());
  }
  std::string_view text() const { return {bytes_.data(), size_}; }
  void clear() { size_ = 0; }

 private:
  static constexpr std::size_t character_bytes_max = 4;
  std::array<char, word_bytes_max + character_bytes_max> bytes_;
  std::size_t size_ = 0;
};

template <typename Sink>
void split(std::string_view text, const Sink& sink) {
  Word word;
  const auto end = [&] {
    if (!word.is_empty()) sink(word.text());
    word.clear();
  };
  for (std::size_t at = word.take(text); at < text.size(); at += word.take(text.substr(at))) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      end();
      ++at;
      continue;
    }
    const unicode::Decoded one = unicode::decode(text, at);
    at += one.bytes;
    if (!one.valid || !is_word(one.code_point)) {
      end();
    } else if (unicode::is_cjk(one.code_point)) {
      end();
      word.add(one.code_point);
      end();
    } else if (!word.is_full()) {
      word.add(unicode::to_lower(one.code_point));
    }
  }
  end();
}

std::string canonical(const json::Value& value) {
  if (value.is_string()) return "s" + std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "b1" : "b0";
  if (!value.is_number()) return {};
  const auto number = value.to_number<double>();
  return fmt::format("n{}", number == 0 ? 0.0 : number);
}

/// Reads the JSON of a payload as far as its texts. It was parsed when it came.
class TextScanner {
 public:
  explicit TextScanner(std::string_view json) : json_(json) {}

  template <typename Sink>
  void scan(const Sink& sink) {
    while (at_ < json_.size()) {
      const char c = json_[at_];
      if (c == '"') {
        string(sink);
      } else if ((c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f') {
        const std::size_t end = std::min(json_.find_first_of(",]} \t\r\n", at_), json_.size());
        sink(json_.substr(at_, end - at_));
        at_ = end;
      } else {
        ++at_;
      }
    }
  }

 private:
  template <typename Sink>
  void string(const Sink& sink) {
    const std::size_t begin = at_;
    at_ = json::value_end(json_, begin);
    const std::string_view quoted = json_.substr(begin, at_ - begin);
    std::size_t next = at_;
    while (next < json_.size() && (json_[next] == ' ' || json_[next] == '\n' ||
                                   json_[next] == '\t' || json_[next] == '\r'))
      ++next;
    if (next < json_.size() && json_[next] == ':') return;  // The name of a member.
    if (quoted.size() < 2) return;
    if (quoted.find('\\') == std::string_view::npos)
      return sink(quoted.substr(1, quoted.size() - 2));
    const auto value = json::parse(quoted);
    if (value && value->is_string()) sink(std::string_view(value->get_string()));
  }

  std::string_view json_;
  std::size_t at_ = 0;
};

}  // namespace

void split_words(std::string_view text, const std::function<void(std::string_view)>& sink) {
  split(text, sink);
}

Term word_term(std::string_view word) { return hash64(word, word_seed) & term_bits; }

void add_words(std::string_view text, Terms& out) {
  split(text, [&](std::string_view word) { out.push_back(word_term(word)); });
}

void for_each_text(std::string_view bytes, bool is_text,
                   const std::function<void(std::string_view)>& sink) {
  if (is_text) return sink(bytes);
  TextScanner(bytes).scan(sink);
}

std::optional<Term> attribute_term(std::string_view field, const json::Value& value) {
  const std::string text = canonical(value);
  if (text.empty() || text.size() > attribute_bytes_max) return {};
  std::string key(field);
  key += '\0';
  key += text;
  return hash64(key, attribute_seed) & term_bits;
}

namespace {

void add_attribute(const std::string& field, const json::Value& value, Terms& out) {
  if (value.is_array()) {
    for (const json::Value& one : value.get_array()) add_attribute(field, one, out);
  } else if (const auto term = attribute_term(field, value)) {
    out.push_back(*term);
  }
}

}  // namespace

void add_attributes(std::string_view prefix, const json::Object& object, Terms& out) {
  for (const auto& [key, value] : object)
    add_attribute(std::string(prefix) + std::string(key), value, out);
}

void add_words_of(const json::Value& value, Terms& out) {
  if (value.is_object()) {
    for (const auto& [key, one] : value.get_object()) add_words_of(one, out);
  } else if (value.is_array()) {
    for (const json::Value& one : value.get_array()) add_words_of(one, out);
  } else if (value.is_string()) {
    add_words(std::string_view(value.get_string()), out);
  } else if (!value.is_null()) {
    add_words(json::dump(value), out);
  }
}

void sort_terms(Terms& terms) {
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

bool has_phrase(const Terms& words, const Terms& phrase) {
  return std::search(words.begin(), words.end(), phrase.begin(), phrase.end()) != words.end();
}

Terms phrase_terms(const std::vector<std::string>& phrase) {
  Terms terms;
  for (const std::string& word : phrase) add_words(word, terms);
  return terms;
}

}  // namespace slipway::trace::detail
