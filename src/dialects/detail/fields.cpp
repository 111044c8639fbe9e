#include "dialects/detail/fields.hpp"

#include <algorithm>
#include <cmath>

#include "core/excerpt.hpp"

namespace slipway::dialects::detail {

namespace {

const json::Object empty_object;

std::string quoted(const json::Value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_double()) return fmt::format("{:g}", value.get_double());
  constexpr std::size_t excerpt_bytes_max = 60;
  return excerpt(json::dump(value), excerpt_bytes_max);
}

std::string describe(std::string_view what, Range range) {
  const bool low = range.low > Range{}.low;
  const bool high = range.high < Range{}.high;
  if (low && high) return fmt::format("{} from {:g} to {:g}", what, range.low, range.high);
  if (low) return fmt::format("{} of at least {:g}", what, range.low);
  return std::string(what);
}

}  // namespace

std::string join(std::string_view path, std::string_view key) {
  if (path.empty()) return std::string(key);
  return fmt::format("{}.{}", path, key);
}

std::string at(std::string_view path, std::size_t index) {
  return fmt::format("{}[{}]", path, index);
}

Error expected(const std::string& path, std::string_view what, const json::Value& got) {
  return fail(Code::invalid_argument, "{}: expected {}, got {}", path.empty() ? "body" : path, what,
              quoted(got));
}

void merge(json::Object& object, const json::Object& more) {
  for (const auto& [key, value] : more) {
    json::Value* own = object.if_contains(key);
    if (own == nullptr) {
      object[key] = value;
    } else if (own->is_object() && value.is_object()) {
      merge(own->get_object(), value.get_object());
    }
  }
}

Fields::Fields(const json::Value& value, std::string path)
    : object_(value.if_object()), path_(std::move(path)) {
  if (object_ != nullptr) return;
  object_ = &empty_object;
  error_ = expected(path_, "an object", value);
}

const json::Value* Fields::peek(std::string_view key) const {
  const json::Value* value = object_->if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const json::Value* Fields::find(std::string_view key) {
  const auto found = object_->find(key);
  if (found == object_->end()) return nullptr;
  read_.emplace_back(found->key());
  return found->value().is_null() ? nullptr : &found->value();
}

std::string Fields::text(std::string_view key) {
  const json::Value* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    wrong(key, "a string", *value);
    return {};
  }
  return std::string(value->get_string());
}

std::string Fields::required_text(std::string_view key) {
  if (peek(key) == nullptr) refuse(fail(Code::invalid_argument, "{}: is missing", path(key)));
  return text(key);
}

std::optional<double> Fields::number(std::string_view key, Range range) {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const double number = value->to_number<double>();
    if (number >= range.low && number <= range.high) return number;
  }
  wrong(key, describe("a number", range), *value);
  return std::nullopt;
}

std::optional<std::int64_t> Fields::whole(std::string_view key, Range range) {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const double number = value->to_number<double>();
    const double limit = std::ldexp(1.0, std::numeric_limits<std::int64_t>::digits);
    if (std::trunc(number) == number && number >= std::max(range.low, -limit) &&
        number <= range.high && number < limit)
      return value->is_int64() ? value->get_int64() : static_cast<std::int64_t>(number);
  }
  wrong(key, describe("a whole number", range), *value);
  return std::nullopt;
}

std::optional<bool> Fields::flag(std::string_view key) {
  const json::Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  wrong(key, "true or false", *value);
  return std::nullopt;
}

const json::Object* Fields::object(std::string_view key) {
  const json::Value* value = find(key);
  if (value == nullptr || value->is_object()) return value ? &value->get_object() : nullptr;
  wrong(key, "an object", *value);
  return nullptr;
}

const json::Array* Fields::array(std::string_view key) {
  const json::Value* value = find(key);
  if (value == nullptr || value->is_array()) return value ? &value->get_array() : nullptr;
  wrong(key, "an array", *value);
  return nullptr;
}

std::vector<std::string> Fields::texts(std::string_view key) {
  const json::Value* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return {std::string(value->get_string())};
  if (!value->is_array()) {
    wrong(key, "a string or an array of strings", *value);
    return {};
  }
  std::vector<std::string> texts;
  for (const json::Value& item : value->get_array()) {
    if (!item.is_string()) {
      refuse(expected(at(path(key), texts.size()), "a string", item));
      return {};
    }
    texts.emplace_back(item.get_string());
  }
  return texts;
}

json::Object Fields::rest() const {
  json::Object rest;
  for (const auto& [key, value] : *object_) {
    const std::string_view name(key);
    if (!value.is_null() && std::find(read_.begin(), read_.end(), name) == read_.end())
      rest[key] = value;
  }
  return rest;
}

void Fields::refuse(Error error) {
  if (!error_) error_ = std::move(error);
}

void Fields::wrong(std::string_view key, std::string_view expectation, const json::Value& got) {
  refuse(expected(path(key), expectation, got));
}

Result<void> Fields::status() const {
  if (error_) return *error_;
  return {};
}

}  // namespace slipway::dialects::detail
