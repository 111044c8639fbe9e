#include "eval/detail/request_text.hpp"

#include <cstring>

#include "core/json_value_end.hpp"
#include "core/unicode.hpp"
#include "eval/detail/plain_bytes.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t none = std::string_view::npos;

bool is_at(std::string_view text, std::size_t at, char c) {
  return at < text.size() && text[at] == c;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
    ++at;
  return at;
}

/// What `\c` in a JSON string stands for; 0: nothing this short.
char unescaped(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

/// Of one line, as far as they are read.
struct RequestText::Members {
  std::string_view line, known;
  bool has_case = false, has_metric = false, has_replies = false;
  std::size_t kept = 0;  ///< Up to here the line is in `rest_`.
};

void RequestText::forget() {
  replies_.reset();
  memory_.release();
  rest_.clear();
  case_text_ = metric_text_ = {};
  is_known_case_ = false;
}

void RequestText::take(std::string_view line, std::string_view known) {
  forget();
  if (take_members(line, known)) return;
  forget();
  rest_ = line;
}

/// False: something is there twice, or is no JSON; then nothing is taken.
bool RequestText::take_members(std::string_view line, std::string_view known) {
  Members members{.line = line, .known = known};
  std::size_t at = skip_blanks(line, 0);
  if (!is_at(line, at, '{')) return false;
  do {
    at = take_member(members, skip_blanks(line, at + 1));
    if (at == none) return false;
    at = skip_blanks(line, at);
  } while (is_at(line, at, ','));
  rest_ += line.substr(members.kept);
  return is_at(line, at, '}');
}

/// Behind the member whose key begins at `at`.
std::size_t RequestText::take_member(Members& members, std::size_t at) {
  const std::string_view line = members.line;
  if (!is_at(line, at, '"')) return none;
  const std::size_t key_end = line.find('"', at + 1);
  if (key_end == none) return none;
  const std::string_view key = line.substr(at + 1, key_end - at - 1);
  if (key.find('\\') != none) return none;
  at = skip_blanks(line, key_end + 1);
  if (!is_at(line, at, ':')) return none;
  const std::size_t begin = skip_blanks(line, at + 1);
  const auto replace_until = [&](std::size_t end, std::string_view by) {
    rest_ += line.substr(members.kept, begin - members.kept);
    rest_ += by;
    return members.kept = end;
  };
  if (key == "case") {
    if (std::exchange(members.has_case, true)) return none;
    // A known golden is an object, so where its text stands it is the whole value.
    is_known_case_ = !members.known.empty() && line.substr(begin).starts_with(members.known);
    if (is_known_case_) return replace_until(begin + members.known.size(), "null");
    const std::size_t end = json::value_end(line, begin);
    if (is_at(line, begin, '{')) case_text_ = line.substr(begin, end - begin);
    return end;
  }
  if (key == "metric") {
    if (std::exchange(members.has_metric, true)) return none;
    const std::size_t end = json::value_end(line, begin);
    metric_text_ = line.substr(begin, end - begin);
    return metric_text_.empty() ? none : replace_until(end, "null");
  }
  if (key == "replies") {
    if (std::exchange(members.has_replies, true)) return none;
    if (const std::size_t end = take_replies(line, begin); end != none)
      return replace_until(end, "{}");
    replies_.reset();
  }
  return json::value_end(line, begin);
}

/// Behind the object of lists of texts at `at`; none if it is anything else, or not certainly JSON.
std::size_t RequestText::take_replies(std::string_view line, std::size_t at) {
  constexpr std::size_t steps_usual = 8;
  if (!is_at(line, at, '{')) return none;
  replies_.emplace(&memory_);
  replies_->reserve(steps_usual);
  at = skip_blanks(line, at + 1);
  if (is_at(line, at, '}')) return at + 1;
  for (;;) {
    at = take_text(line, at);
    if (at == none) return none;
    const std::string_view step(text_.data(), text_bytes_);
    json::Value& texts = (*replies_)[step];
    texts = json::Array(&memory_);
    at = skip_blanks(line, at);
    if (!is_at(line, at, ':')) return none;
    at = take_texts(line, skip_blanks(line, at + 1), texts.get_array());
    if (at == none) return none;
    at = skip_blanks(line, at);
    if (is_at(line, at, '}')) return at + 1;
    if (!is_at(line, at, ',')) return none;
    at = skip_blanks(line, at + 1);
  }
}

std::size_t RequestText::take_texts(std::string_view line, std::size_t at, json::Array& texts) {
  if (!is_at(line, at, '[')) return none;
  at = skip_blanks(line, at + 1);
  if (is_at(line, at, ']')) return at + 1;
  for (;;) {
    at = take_text(line, at);
    if (at == none) return none;
    texts.emplace_back(std::string_view(text_.data(), text_bytes_));
    at = skip_blanks(line, at);
    if (is_at(line, at, ']')) return at + 1;
    if (!is_at(line, at, ',')) return none;
    at = skip_blanks(line, at + 1);
  }
}

/// Puts the JSON string at `at` into `text_`. None where it is no string, and where it has what a
/// parser should look at: escapes by number, control characters, bytes that are not UTF-8.
std::size_t RequestText::take_text(std::string_view line, std::size_t at) {
  if (!is_at(line, at, '"')) return none;
  ++at;
  if (text_.size() < line.size() + block_bytes) text_.resize(line.size() + block_bytes);
  char* const text = text_.data();
  std::size_t size = 0;
  while (at < line.size()) {
    if (at + block_bytes <= line.size()) {
      // All of the block is copied, and what is not plain is written over.
      std::memcpy(text + size, line.data() + at, block_bytes);
      const std::size_t plain = plain_bytes(line.data() + at);
      at += plain;
      size += plain;
      if (plain == block_bytes) continue;
    }
    const char c = line[at];
    if (is_plain(c)) {
      text[size++] = c;
      ++at;
    } else if (c == '"') {
      text_bytes_ = size;
      return unicode::is_valid_utf8(std::string_view(text, size)) ? at + 1 : none;
    } else {
      const char meant = c == '\\' && at + 1 < line.size() ? unescaped(line[at + 1]) : '\0';
      if (meant == 0) return none;
      text[size++] = meant;
      at += 2;
    }
  }
  return none;
}

}  // namespace slipway::eval
