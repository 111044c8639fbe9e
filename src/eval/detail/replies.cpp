#include "eval/detail/replies.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/ascii.hpp"
#include "core/excerpt.hpp"
#include "core/unicode.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t excerpt_bytes_max = 120;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// Without the commas that stand before a closing bracket, wherever they are.
std::string without_last_commas(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ',') {
      std::size_t next = at + 1;
      while (next < text.size() && is_blank(text[next])) ++next;
      if (next < text.size() && (text[next] == ']' || text[next] == '}')) {
        at = next - 1;
        continue;
      }
    }
    kept += text[at];
  }
  return kept;
}

std::string text_of(const json::Value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return "";
  return json::dump(value);
}

std::string text_of_statement(const json::Value& value) {
  if (value.is_object())
    for (const std::string_view key : {"statement", "claim", "text", "sentence"})
      if (const json::Value* found = value.get_object().if_contains(key)) return text_of(*found);
  return text_of(value);
}

std::optional<bool> flag_of(const json::Value& value, std::string_view word) {
  if (value.is_bool()) return value.get_bool();
  for (const std::string_view yes : {"yes", "true", "supported", "entailed", "relevant", "met"})
    if (word == yes) return true;
  for (const std::string_view no :
       {"no", "false", "unsupported", "contradicted", "unverifiable", "irrelevant", "unmet", "not"})
    if (word == no) return false;
  if (const auto number = reply_number(value)) return *number != 0;
  return std::nullopt;
}

}  // namespace

ParsedReply::ParsedReply(std::string_view text) {
  const std::size_t start = text.find('{');
  const std::size_t end = text.rfind('}');
  if (start == std::string_view::npos || end == std::string_view::npos || end < start) {
    error_ = fail(Code::invalid_argument, "the reply holds no JSON object: '{}'",
                  excerpt(text, excerpt_bytes_max));
    return;
  }
  const std::string_view object = text.substr(start, end - start + 1);
  parsed_.emplace(object);
  if (!parsed_->value()) parsed_.emplace(without_last_commas(object));
  if (parsed_->value()) return;
  error_ = fail(Code::invalid_argument, "the reply is not JSON ({}): '{}'",
                parsed_->value().error().message(), excerpt(text, excerpt_bytes_max));
}

Result<json::Object> parse_reply(std::string_view text) {
  const ParsedReply parsed(text);
  return json::Object(*TRY(parsed.object()), {});
}

std::string verdict_word(const json::Value& value) {
  if (value.is_null()) return "";
  const std::string other = value.is_string() ? "" : text_of(value);
  const std::string_view text = value.is_string() ? std::string_view(value.get_string()) : other;
  std::string word;
  for (const char c : unicode::trim(text)) {
    const char letter = ascii::lower(c);
    if (letter < 'a' || letter > 'z') break;
    word += letter;
  }
  return word == "idk" ? "borderline" : word;
}

std::optional<bool> verdict_flag(const json::Value& value) {
  return flag_of(value, verdict_word(value));
}

std::optional<double> reply_number(const json::Value& value) {
  double number = 0;
  if (value.is_number()) {
    number = value.to_number<double>();
  } else if (value.is_string()) {
    const std::string_view text = unicode::trim(std::string_view(value.get_string()));
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

Result<const json::Array*> reply_list(const json::Object& reply, std::string_view key) {
  const json::Value* list = reply.if_contains(key);
  if (!list || !list->is_array())
    return fail(Code::invalid_argument, "the reply has no list '{}': '{}'", key,
                excerpt(json::dump(reply), excerpt_bytes_max));
  return &list->get_array();
}

Result<std::vector<std::string>> reply_texts(const json::Object& reply, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::Value& item : *TRY(reply_list(reply, key)))
    texts.push_back(text_of_statement(item));
  return texts;
}

std::string reply_text(const json::Object& reply, std::string_view key) {
  const json::Value* value = reply.if_contains(key);
  return value ? text_of(*value) : "";
}

JudgeVerdict read_verdict(const json::Object& item, std::string_view flag_key) {
  static constexpr std::array subjects = {"statement", "claim", "sentence", "criterion"};
  JudgeVerdict verdict;
  for (const auto& [key, value] : item) {
    if (key == flag_key) {
      verdict.word = verdict_word(value);
      verdict.flag = flag_of(value, verdict.word);
    } else if (key == "reason") {
      verdict.reason = text_of(value);
    } else if (std::find(subjects.begin(), subjects.end(), key) != subjects.end()) {
      const bool is_place = value.is_int64() && value.get_int64() >= 0;
      if (is_place)
        verdict.place = static_cast<std::size_t>(value.get_int64());
      else
        verdict.statement = text_of(value);
    }
  }
  return verdict;
}

Result<std::vector<JudgeVerdict>> reply_verdicts(const json::Object& reply, std::string_view key,
                                                 std::string_view flag_key) {
  std::vector<JudgeVerdict> verdicts;
  for (const json::Value& item : *TRY(reply_list(reply, key))) {
    if (item.is_object())
      verdicts.push_back(read_verdict(item.get_object(), flag_key));
    else
      verdicts.push_back(JudgeVerdict{.word = verdict_word(item),
                                      .statement = "",
                                      .reason = "",
                                      .flag = verdict_flag(item),
                                      .place = std::nullopt});
  }
  return verdicts;
}

}  // namespace slipway::eval
