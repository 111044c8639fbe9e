#include "trace/detail/json_text.hpp"

#include <cmath>

namespace slipway::trace::detail {

std::string dollars_text(Picodollars amount) {
  constexpr std::uint64_t per_dollar = 1'000'000'000'000;
  const bool is_negative = amount.value < 0;
  const std::uint64_t size = is_negative ? 0 - static_cast<std::uint64_t>(amount.value)
                                         : static_cast<std::uint64_t>(amount.value);
  std::string text = fmt::format("{}{}", is_negative ? "-" : "", size / per_dollar);
  if (size % per_dollar == 0) return text;
  text += fmt::format(".{:012}", size % per_dollar);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string& ObjectText::name(std::string_view name) {
  if (!is_first_) out_ += ',';
  is_first_ = false;
  out_ += '"';
  out_ += name;
  out_ += "\":";
  return out_;
}

std::string& ObjectText::foreign_name(std::string_view name) {
  if (!is_first_) out_ += ',';
  is_first_ = false;
  out_ += json::quoted(name);
  out_ += ':';
  return out_;
}

void ObjectText::text(std::string_view name, const std::optional<std::string>& value) {
  if (value)
    text(name, std::string_view(*value));
  else
    raw(name, "null");
}

void ObjectText::count(std::string_view name, std::int64_t value) {
  fmt::format_to(std::back_inserter(this->name(name)), "{}", value);
}

void ObjectText::number(std::string_view name, std::optional<double> value) {
  if (value && std::isfinite(*value))
    fmt::format_to(std::back_inserter(this->name(name)), "{}", *value);
  else
    raw(name, "null");
}

}  // namespace slipway::trace::detail
