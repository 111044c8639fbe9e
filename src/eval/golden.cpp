#include "eval/golden.hpp"

#include <algorithm>
#include <cmath>

#include "core/files.hpp"

namespace slipway::eval {

BOOST_DESCRIBE_STRUCT(ToolCall, (), (name, input_parameters, output, type))
BOOST_DESCRIBE_STRUCT(Golden, (),
                      (id, input, expected_output, actual_output, context, retrieval_context,
                       retrieved_ids, relevance, tools_called, expected_tools, latency_ms, cost_usd,
                       trace_id, metadata))

namespace {

/// Null is what other systems write for "there is none".
bool has_null(const json::Value& value) {
  if (!value.is_object()) return false;
  return std::any_of(value.get_object().begin(), value.get_object().end(),
                     [](const auto& member) { return member.value().is_null(); });
}

json::Value without_nulls(const json::Value& value) {
  json::Object kept;
  for (const auto& [key, item] : value.get_object())
    if (!item.is_null()) kept[key] = item;
  return kept;
}

Result<void> check_tools(std::optional<std::vector<ToolCall>>& tools, std::string_view member) {
  if (!tools) return {};
  for (std::size_t i = 0; i < tools->size(); ++i) {
    ToolCall& tool = (*tools)[i];
    if (tool.name.empty())
      return fail(Code::invalid_argument, "$.{}[{}].name: is required", member, i);
    if (tool.input_parameters.is_null()) tool.input_parameters = json::Object();
  }
  return {};
}

Result<void> check_numbers(const Golden& golden) {
  if (golden.latency_ms && *golden.latency_ms < 0)
    return fail(Code::invalid_argument, "$.latency_ms: {} is negative; give milliseconds from 0",
                *golden.latency_ms);
  if (golden.cost_usd && *golden.cost_usd < 0)
    return fail(Code::invalid_argument, "$.cost_usd: {} is negative; give dollars from 0",
                *golden.cost_usd);
  if (golden.relevance)
    for (const auto& [id, grade] : *golden.relevance)
      if (grade < 0)
        return fail(Code::invalid_argument, "$.relevance.{}: grade {} is negative; 0: not relevant",
                    id, grade);
  return {};
}

/// Whole numbers without a fraction, so that 3 and 3.0 are one golden.
json::Value number(double value) {
  constexpr double exact_max = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::fabs(value) < exact_max)
    return static_cast<std::int64_t>(value);
  return value;
}

json::Value list(const std::vector<std::string>& items) { return json::to(items); }

json::Value tools(const std::vector<ToolCall>& calls) {
  json::Array array;
  for (const ToolCall& call : calls) {
    json::Object object{{"name", call.name}, {"input_parameters", call.input_parameters}};
    if (call.output) object["output"] = *call.output;
    if (!call.type.empty()) object["type"] = call.type;
    array.push_back(std::move(object));
  }
  return array;
}

/// As `json::dump_canonical`, with numbers written as most languages write them.
void append_canonical(std::string& out, const json::Value& value) {
  if (value.is_array()) {
    out += '[';
    for (const json::Value& item : value.get_array()) {
      if (&item != value.get_array().begin()) out += ',';
      append_canonical(out, item);
    }
    out += ']';
  } else if (value.is_object()) {
    std::vector<std::string_view> keys;
    for (const auto& item : value.get_object()) keys.emplace_back(item.key());
    std::sort(keys.begin(), keys.end());
    out += '{';
    for (const std::string_view key : keys) {
      if (out.back() != '{') out += ',';
      out += json::dump(json::Value(boost::json::string(key))) + ':';
      append_canonical(out, value.get_object().at(key));
    }
    out += '}';
  } else if (value.is_double()) {
    const json::Value written = number(value.get_double());
    out += written.is_double() ? fmt::format("{}", written.get_double()) : json::dump(written);
  } else {
    out += json::dump(value);
  }
}

std::string canonical_text(const json::Object& object) {
  std::string text;
  append_canonical(text, object);
  return text;
}

}  // namespace

std::string Golden::metadata_text(std::string_view key) const {
  const json::Value* value = metadata.if_contains(key);
  if (!value) return "";
  return value->is_string() ? std::string(value->get_string()) : json::dump(*value);
}

Severity Golden::severity() const {
  return metadata_text("severity") == "critical" ? Severity::critical : Severity::normal;
}

Result<Golden> parse_golden(const json::Value& value) {
  if (has_null(value)) return parse_golden(without_nulls(value));
  Golden golden = TRY(json::from<Golden>(value));
  if (!value.get_object().contains("input"))
    return fail(Code::invalid_argument, "$.input: is required");
  TRY(check_tools(golden.tools_called, "tools_called"));
  TRY(check_tools(golden.expected_tools, "expected_tools"));
  TRY(check_numbers(golden));
  return golden;
}

json::Object to_json(const Golden& golden) {
  json::Object object;
  if (!golden.id.empty()) object["id"] = golden.id;
  object["input"] = golden.input;
  if (golden.expected_output) object["expected_output"] = *golden.expected_output;
  if (golden.actual_output) object["actual_output"] = *golden.actual_output;
  if (golden.context) object["context"] = list(*golden.context);
  if (golden.retrieval_context) object["retrieval_context"] = list(*golden.retrieval_context);
  if (golden.retrieved_ids) object["retrieved_ids"] = list(*golden.retrieved_ids);
  if (golden.relevance) {
    json::Object& grades = object["relevance"].emplace_object();
    for (const auto& [id, grade] : *golden.relevance) grades[id] = number(grade);
  }
  if (golden.tools_called) object["tools_called"] = tools(*golden.tools_called);
  if (golden.expected_tools) object["expected_tools"] = tools(*golden.expected_tools);
  if (golden.latency_ms) object["latency_ms"] = number(*golden.latency_ms);
  if (golden.cost_usd) object["cost_usd"] = number(*golden.cost_usd);
  if (!golden.trace_id.empty()) object["trace_id"] = golden.trace_id;
  if (!golden.metadata.empty()) object["metadata"] = golden.metadata;
  return object;
}

std::string canonical(const Golden& golden) {
  json::Object object = to_json(golden);
  object.erase("id");
  return canonical_text(object);
}

std::string canonical_with_id(const Golden& golden) { return canonical_text(to_json(golden)); }

void identify(Golden& golden) {
  if (!golden.id.empty()) return;
  constexpr std::size_t prefix = std::string_view("sha256:").size(), digits = 16;
  golden.id = sha256(canonical(golden)).substr(prefix, digits);
}

std::string version_of(const std::vector<Golden>& goldens) {
  std::vector<std::string> texts;
  texts.reserve(goldens.size());
  for (const Golden& golden : goldens) texts.push_back(canonical_with_id(golden));
  std::sort(texts.begin(), texts.end());
  // A newline never stands in JSON text, so no two sets give the same bytes.
  return sha256(fmt::format("{}", fmt::join(texts, "\n")));
}

}  // namespace slipway::eval
