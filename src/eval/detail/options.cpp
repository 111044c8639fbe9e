#include "eval/detail/options.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::eval {

namespace {

Error wrong(const MetricInfo& metric, const OptionInfo& option, std::string_view what,
            const json::Value& value) {
  return fail(Code::invalid_argument, "metric '{}', option '{}': expected {}, got {}", metric.name,
              option.name, what, json::dump(value));
}

bool is_text_of(const OptionInfo& option, const json::Value& value) {
  if (!value.is_string()) return false;
  return option.choices.empty() ||
         std::find(option.choices.begin(), option.choices.end(),
                   std::string_view(value.get_string())) != option.choices.end();
}

Result<void> check_number(const MetricInfo& metric, const OptionInfo& option,
                          const json::Value& value) {
  const bool is_whole = option.kind == OptionKind::whole;
  const double number = value.is_number() ? value.to_number<double>() : NAN;
  if (!(number >= option.min && number <= option.max) || (is_whole && std::trunc(number) != number))
    return wrong(metric, option,
                 fmt::format("{} in {}..{}", is_whole ? "a whole number" : "a number", option.min,
                             option.max),
                 value);
  return {};
}

Result<void> check_texts(const MetricInfo& metric, const OptionInfo& option,
                         const json::Value& value) {
  const std::string what = option.choices.empty()
                               ? "a list of texts"
                               : fmt::format("a list of: {}", fmt::join(option.choices, ", "));
  if (!value.is_array()) return wrong(metric, option, what, value);
  for (const json::Value& item : value.get_array())
    if (!is_text_of(option, item)) return wrong(metric, option, what, item);
  return {};
}

Result<void> check_pair(const MetricInfo& metric, const OptionInfo& option,
                        const json::Value& value) {
  const bool is_pair =
      value.is_array() && value.get_array().size() == 2 &&
      std::all_of(value.get_array().begin(), value.get_array().end(), [](const json::Value& item) {
        return item.is_number() && std::isfinite(item.to_number<double>());
      });
  if (!is_pair) return wrong(metric, option, "two numbers", value);
  const double first = value.get_array()[0].to_number<double>();
  const double second = value.get_array()[1].to_number<double>();
  if (option.name == "weights" && !(first >= 0 && second >= 0 && first + second > 0))
    return wrong(metric, option, "two weights from 0, one above it", value);
  if (option.name != "weights" && !(first < second))
    return wrong(metric, option, "[low, high] with low below high", value);
  return {};
}

Result<void> check_option(const MetricInfo& metric, const OptionInfo& option,
                          const json::Value& value) {
  switch (option.kind) {
    case OptionKind::number:
    case OptionKind::whole: return check_number(metric, option, value);
    case OptionKind::flag:
      if (!value.is_bool()) return wrong(metric, option, "true or false", value);
      return {};
    case OptionKind::text:
      if (!value.is_string()) return wrong(metric, option, "a text", value);
      return {};
    case OptionKind::choice:
      if (!is_text_of(option, value))
        return wrong(metric, option, fmt::format("one of: {}", fmt::join(option.choices, ", ")),
                     value);
      return {};
    case OptionKind::texts: return check_texts(metric, option, value);
    case OptionKind::pair: return check_pair(metric, option, value);
  }
  return {};
}

}  // namespace

OptionInfo flag(std::string name, std::string meaning) {
  return {.name = std::move(name),
          .kind = OptionKind::flag,
          .fallback = "false",
          .meaning = std::move(meaning),
          .choices = {}};
}

OptionInfo choice(std::string name, std::vector<std::string> choices, std::string meaning) {
  std::string fallback = choices.front();
  return {.name = std::move(name),
          .kind = OptionKind::choice,
          .fallback = std::move(fallback),
          .meaning = std::move(meaning),
          .choices = std::move(choices)};
}

OptionInfo whole(std::string name, std::string fallback, std::string meaning, double min,
                 double max) {
  return {.name = std::move(name),
          .kind = OptionKind::whole,
          .fallback = std::move(fallback),
          .meaning = std::move(meaning),
          .choices = {},
          .min = min,
          .max = max};
}

OptionInfo positive(std::string name, std::string fallback, std::string meaning) {
  constexpr double least = 1e-6, most = 1e6;
  return {.name = std::move(name),
          .kind = OptionKind::number,
          .fallback = std::move(fallback),
          .meaning = std::move(meaning),
          .choices = {},
          .min = least,
          .max = most};
}

OptionInfo text(std::string name, std::string meaning) {
  return {.name = std::move(name),
          .kind = OptionKind::text,
          .fallback = "",
          .meaning = std::move(meaning),
          .choices = {}};
}

OptionInfo texts(std::string name, std::string fallback, std::string meaning,
                 std::vector<std::string> choices) {
  return {.name = std::move(name),
          .kind = OptionKind::texts,
          .fallback = std::move(fallback),
          .meaning = std::move(meaning),
          .choices = std::move(choices)};
}

OptionInfo pair(std::string name, std::string fallback, std::string meaning) {
  return {.name = std::move(name),
          .kind = OptionKind::pair,
          .fallback = std::move(fallback),
          .meaning = std::move(meaning),
          .choices = {}};
}

OptionInfo supported_from() {
  return {.name = "supported_from",
          .kind = OptionKind::number,
          .fallback = "0.5",
          .meaning =
              "from which support on a sentence counts as carried, where a yes or no is "
              "needed (local)",
          .choices = {},
          .min = 0,
          .max = 1};
}

Result<void> check_options(const MetricInfo& metric, const json::Object& options) {
  for (const auto& [key, value] : options) {
    const std::string_view name = key;
    const auto found = std::find_if(metric.options.begin(), metric.options.end(),
                                    [&](const OptionInfo& option) { return option.name == name; });
    if (found != metric.options.end()) {
      TRY(check_option(metric, *found, value));
      continue;
    }
    std::vector<std::string_view> known = {"threshold", "strict_mode"};
    for (const OptionInfo& option : metric.options) known.push_back(option.name);
    const std::string_view hint = json::nearest(name, known);
    return fail(Code::invalid_argument, "metric '{}' has no option '{}'; {}", metric.name, name,
                hint.empty() ? fmt::format("it has: {}", fmt::join(known, ", "))
                             : fmt::format("did you mean '{}'?", hint));
  }
  return {};
}

}  // namespace slipway::eval
