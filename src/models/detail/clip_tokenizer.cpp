#include "models/detail/clip_tokenizer.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

struct Range {
  char32_t first, last;
};
#include "models/detail/clip_unicode_classes.inc"

enum class Kind : unsigned char { letter, number, space, other };

template <std::size_t N>
bool is_in(const Range (&ranges)[N], char32_t c) {
  const auto after =
      std::upper_bound(std::begin(ranges), std::end(ranges), c,
                       [](char32_t x, const Range& range) { return x < range.first; });
  return after != std::begin(ranges) && c <= std::prev(after)->last;
}

Kind kind_of(char32_t c) {
  if (c < 0x80) {
    const char32_t lower = c | 0x20;
    if (lower >= 'a' && lower <= 'z') return Kind::letter;
    if (c >= '0' && c <= '9') return Kind::number;
    return is_white_space(c) ? Kind::space : Kind::other;
  }
  if (is_in(letters, c)) return Kind::letter;
  if (is_in(numbers, c)) return Kind::number;
  return is_white_space(c) ? Kind::space : Kind::other;
}

/// The first of them that `text` begins with, or nothing.
template <typename Words>
std::string_view beginning(std::string_view text, const Words& words) {
  for (const std::string_view word : words)
    if (text.starts_with(word)) return word;
  return {};
}

constexpr std::array<std::string_view, 7> contractions = {"'s", "'t",  "'re", "'ve",
                                                          "'m", "'ll", "'d"};
constexpr std::array<std::string_view, 2> literals = {"<|startoftext|>", "<|endoftext|>"};

std::string valid_utf8(std::string_view text) {
  if (unicode::is_valid_utf8(text)) return std::string(text);
  std::string valid;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    unicode::append(valid, decoded.code_point);
    at += decoded.bytes;
  }
  return valid;
}

/// Canonical composition by the tables of the real library, which are older than the system's. To
/// it, marks that it does not know are characters like any other: nothing moves across them.
std::string composed(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    const bool is_new = decoded.code_point >= 0x300 && unicode::is_mark(decoded.code_point) &&
                        !is_in(combining, decoded.code_point);
    if (is_new) {
      out += unicode::nfc(text.substr(done, at - done));
      out += text.substr(at, decoded.bytes);
      done = at + decoded.bytes;
    }
    at += decoded.bytes;
  }
  return out += unicode::nfc(text.substr(done));
}

std::string with_single_blanks(std::string_view text) {
  std::string out;
  bool is_after_space = false;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    const bool is_space = is_white_space(decoded.code_point);
    if (!is_space)
      out += text.substr(at, decoded.bytes);
    else if (!is_after_space)
      out += ' ';
    is_after_space = is_space;
    at += decoded.bytes;
  }
  return out;
}

}  // namespace

std::string ClipTokenizer::normalize(std::string_view text) {
  static const BertNormalizer lower_case({.clean_text = false,
                                          .handle_chinese_chars = false,
                                          .strip_accents = false,
                                          .lowercase = true});
  std::string normalized;
  lower_case.append(with_single_blanks(composed(valid_utf8(text))), normalized);
  return normalized;
}

/// One text on its way to ids.
class ClipTokenizer::Run {
 public:
  Run(const Parts& parts, std::size_t ids_max) : parts_(parts), ids_max_(ids_max) {}

  std::vector<TokenId> text(std::string_view text) {
    for (const Part& part : parts_.raw_tokens.split(text))
      part.id ? ids_.push_back(*part.id) : raw(part.text);
    return std::move(ids_);
  }

 private:
  bool is_full() const { return ids_.size() >= ids_max_; }

  void raw(std::string_view text) {
    if (is_full()) return;
    const std::string normalized = normalize(text);
    for (const Part& part : parts_.normalized_tokens.split(normalized))
      part.id ? ids_.push_back(*part.id) : words(part.text);
  }

  /// As the pattern cuts: contractions, runs of letters, single digits, runs of all else.
  void words(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !is_full();) {
      std::string_view word = beginning(text.substr(at), contractions);
      if (word.empty() && parts_.has_literals) word = beginning(text.substr(at), literals);
      if (!word.empty() && word.front() == '<')
        runs(word);  // The byte level splits it again.
      else if (!word.empty())
        parts_.pairs.append(word, ids_);
      else
        word = run(text.substr(at));
      at += word.size();
    }
  }

  void runs(std::string_view text) {
    while (!text.empty()) text.remove_prefix(run(text).size());
  }

  /// Encodes the characters of one kind that `text` begins with, and returns them.
  std::string_view run(std::string_view text) {
    unicode::Decoded decoded = unicode::decode(text, 0);
    const Kind kind = kind_of(decoded.code_point);
    std::size_t end = decoded.bytes;
    if (kind == Kind::letter || kind == Kind::other)
      for (; end < text.size(); end += decoded.bytes) {
        decoded = unicode::decode(text, end);
        if (kind_of(decoded.code_point) != kind) break;
      }
    const std::string_view word = text.substr(0, end);
    if (kind != Kind::space) parts_.pairs.append(word, ids_);
    return word;
  }

  const Parts& parts_;
  const std::size_t ids_max_;
  std::vector<TokenId> ids_;
};

std::vector<TokenId> ClipTokenizer::encode(std::string_view text, std::size_t tokens_max) const {
  const std::size_t room = std::max(tokens_max, special_tokens()) - special_tokens();
  std::vector<TokenId> ids = Run(parts_, room).text(text);
  if (ids.size() > room) ids.resize(room);
  ids.insert(ids.begin(), parts_.before);
  ids.push_back(parts_.after);
  return ids;
}

std::size_t ClipTokenizer::count(std::string_view text) const {
  return Run(parts_, std::numeric_limits<std::size_t>::max()).text(text).size();
}

}  // namespace slipway::models::detail
