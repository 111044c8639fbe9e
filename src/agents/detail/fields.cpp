#include "agents/detail/fields.hpp"

#include <charconv>
#include <cmath>

#include "core/duration.hpp"

namespace slipway::agents::detail {

void Faults::error(std::string_view code, const std::string& path, std::string message) {
  error_at(code, line(path), std::move(message));
}

void Faults::warning(std::string_view code, const std::string& path, std::string message) {
  warning_at(code, line(path), std::move(message));
}

void Faults::error_at(std::string_view code, int line, std::string message) {
  has_errors_ = true;
  problems_.push_back({std::string(code), file_, line, std::move(message), false});
}

void Faults::warning_at(std::string_view code, int line, std::string message) {
  problems_.push_back({std::string(code), file_, line, std::move(message), true});
}

int Faults::line(std::string path) const {
  while (!path.empty()) {
    if (const auto found = document_.lines.find(path); found != document_.lines.end())
      return found->second;
    const auto cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return 1;
}

std::string hint(std::string_view word, const std::vector<std::string_view>& known) {
  if (const std::string_view near = json::nearest(word, known); !near.empty())
    return fmt::format("; did you mean '{}'?", near);
  constexpr std::size_t listed_max = 30;
  if (known.empty() || known.size() > listed_max) return "";
  return fmt::format("; known are: {}", fmt::join(known, ", "));
}

bool is_name(std::string_view name) {
  constexpr std::size_t bytes_max = 100;
  if (name.empty() || name.size() > bytes_max) return false;
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
                          static_cast<unsigned char>(c) >= 0x80;
    if (!is_plain) return false;
  }
  return true;
}

Fields::Fields(Faults& faults, const json::Value& value, std::string path,
               std::initializer_list<std::string_view> known)
    : faults_(faults), path_(std::move(path)) {
  if (!value.is_object()) {
    faults_.error("bad_value", path_,
                  fmt::format("a map is expected, not {}", json::kind_name(value)));
    return;
  }
  object_ = &value.get_object();
  const std::vector<std::string_view> names(known);
  for (const auto& entry : *object_) {
    const std::string_view key = entry.key();
    if (std::find(names.begin(), names.end(), key) == names.end())
      faults_.error("unknown_key", path_of(key),
                    fmt::format("unknown key '{}'{}", key, hint(key, names)));
  }
}

const json::Value* Fields::find(std::string_view key) const {
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(key);
  return found == object_->end() ? nullptr : &found->value();
}

bool Fields::require(std::string_view key) const {
  if (has(key)) return true;
  if (object_ != nullptr)
    faults_.error("missing_key", path_, fmt::format("'{}' is missing here", key));
  return false;
}

std::string Fields::text(std::string_view key, std::string fallback) const {
  const json::Value* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_number() || value->is_bool()) return in_words(from_json(*value));
  faults_.error("bad_value", path_of(key),
                fmt::format("'{}': a string is expected, not {}", key, json::kind_name(*value)));
  return fallback;
}

bool Fields::flag(std::string_view key) const {
  const json::Value* value = find(key);
  if (value == nullptr) return false;
  if (value->is_bool()) return value->get_bool();
  faults_.error("bad_value", path_of(key), fmt::format("'{}': true or false is expected", key));
  return false;
}

std::optional<std::int64_t> Fields::integer(std::string_view key, Range range) const {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= range.min && value->get_int64() <= range.max)
    return value->get_int64();
  faults_.error("bad_value", path_of(key),
                fmt::format("'{}': a whole number in {}..{} is expected, not {}", key, range.min,
                            range.max, json::dump(*value)));
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view key) const {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number() && value->to_number<double>() >= 0) return value->to_number<double>();
  faults_.error("bad_value", path_of(key),
                fmt::format("'{}': a number of 0 or more is expected", key));
  return std::nullopt;
}

std::optional<Milliseconds> Fields::duration(std::string_view key) const {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string())
    if (auto parsed = parse_duration(std::string_view(value->get_string()))) return *parsed;
  faults_.error("bad_value", path_of(key),
                fmt::format("'{}': a time like 500ms, 30s, 10m, 24h is expected, not {}", key,
                            json::dump(*value)));
  return std::nullopt;
}

std::optional<std::int64_t> Fields::bytes(std::string_view key) const {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() > 0) return value->get_int64();
  if (value->is_string()) {
    const std::string_view word = value->get_string();
    std::int64_t number = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    const std::string_view unit = word.substr(static_cast<std::size_t>(parsed.ptr - word.data()));
    int shift = -1;
    if (unit == "B" || unit.empty()) shift = 0;
    if (unit == "KB") shift = 10;
    if (unit == "MB") shift = 20;
    if (unit == "GB") shift = 30;
    if (parsed.ec == std::errc() && shift >= 0 && number > 0 && number < (1ll << 30))
      return number << shift;
  }
  faults_.error(
      "bad_value", path_of(key),
      fmt::format("'{}': a size like 512KB, 1MB is expected, not {}", key, json::dump(*value)));
  return std::nullopt;
}

std::size_t Fields::word(std::string_view key, const std::vector<std::string_view>& words) const {
  if (!has(key)) return 0;
  const std::string got = text(key);
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == got) return i;
  faults_.error("bad_value", path_of(key),
                fmt::format("'{}': '{}' is none of: {}", key, got, fmt::join(words, ", ")));
  return 0;
}

std::vector<std::string> Fields::texts(std::string_view key) const {
  const json::Value* value = find(key);
  std::vector<std::string> made;
  if (value == nullptr) return made;
  if (value->is_string()) return {std::string(value->get_string())};
  if (value->is_array())
    for (const json::Value& item : value->get_array())
      if (item.is_string())
        made.emplace_back(item.get_string());
      else
        faults_.error("bad_value", path_of(key), fmt::format("'{}': a list of strings", key));
  else
    faults_.error("bad_value", path_of(key), fmt::format("'{}': a list of strings", key));
  return made;
}

}  // namespace slipway::agents::detail
