// Lines of labels.
#include <array>
#include <cmath>

#include "eval/audit.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t repeats_max = 1000;

Result<std::optional<double>> number_at(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<double>();
  if (value->is_bool()) return std::optional<double>(value->get_bool() ? 1 : 0);
  if (!value->is_number())
    return fail(Code::invalid_argument, "$.{}: expected a number, not {}", key,
                json::dump(*value).substr(0, 60));
  return std::optional<double>(value->to_number<double>());
}

Result<std::optional<bool>> human_at(const json::Object& object) {
  const auto number = TRY(number_at(object, "human"));
  if (!number) return std::optional<bool>();
  if (*number != 0 && *number != 1)
    return fail(Code::invalid_argument, "$.human: expected 0 or 1, not {}", *number);
  return std::optional<bool>(*number == 1);
}

Result<std::string> text_at(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_int64() || value->is_uint64()) return json::dump(*value);
  if (!value->is_string())
    return fail(Code::invalid_argument, "$.{}: expected a text, not {}", key,
                json::dump(*value).substr(0, 60));
  return std::string(value->get_string());
}

Result<std::vector<double>> repeats_at(const json::Object& object) {
  std::vector<double> repeats;
  const json::Value* list = object.if_contains("repeats");
  if (list == nullptr || list->is_null()) return repeats;
  if (!list->is_array() || list->get_array().size() > repeats_max)
    return fail(Code::invalid_argument, "$.repeats: expected a list of at most {} verdicts",
                repeats_max);
  for (const json::Value& repeat : list->get_array()) {
    if (!repeat.is_number() && !repeat.is_bool())
      return fail(Code::invalid_argument, "$.repeats[{}]: expected a number", repeats.size());
    repeats.push_back(repeat.is_bool() ? (repeat.get_bool() ? 1 : 0) : repeat.to_number<double>());
  }
  return repeats;
}

Result<void> check_keys(const json::Object& object) {
  static const std::vector<std::string_view> known{"id",      "human",  "judge",   "swapped",
                                                   "repeats", "length", "cluster", "case"};
  for (const auto& member : object) {
    const std::string_view key = member.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view nearest = json::nearest(key, known);
    return fail(Code::invalid_argument, "$.{}: unknown key{}", key,
                nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
  }
  return {};
}

}  // namespace

Result<AuditLabel> parse_label(const json::Value& value) {
  if (!value.is_object()) return fail(Code::invalid_argument, "$: expected an object");
  const json::Object& object = value.get_object();
  TRY(check_keys(object));
  AuditLabel label;
  label.id = TRY(text_at(object, "id"));
  label.human = TRY(human_at(object));
  label.judge = TRY(number_at(object, "judge"));
  label.swapped = TRY(number_at(object, "swapped"));
  label.repeats = TRY(repeats_at(object));
  label.length = TRY(number_at(object, "length"));
  label.cluster = TRY(text_at(object, "cluster"));
  if (const json::Value* golden = object.if_contains("case")) {
    label.golden = TRY(parse_golden(*golden).within("$.case"));
    identify(*label.golden);
    if (label.id.empty()) label.id = label.golden->id;
    for (const char* key : {"document", "conversation"})
      if (label.cluster.empty()) label.cluster = label.golden->metadata_text(key);
    if (!label.length && label.golden->actual_output)
      label.length = static_cast<double>(label.golden->actual_output->size());
  }
  if (label.id.empty()) return fail(Code::invalid_argument, "$.id: is required");
  if (!label.judge && !label.golden)
    return fail(Code::invalid_argument,
                "$.judge: is required, or a 'case' that a judge can be run on");
  return label;
}

}  // namespace slipway::eval
