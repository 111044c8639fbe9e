#include "eval/detail/cells.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/json_exact.hpp"
#include "core/unicode.hpp"
#include "eval/detail/python_literal.hpp"

namespace slipway::eval::detail {

namespace {

struct Column {
  std::string_view name;
  CellKind kind;
};

constexpr Column native_columns[] = {{"id", CellKind::text},
                                     {"input", CellKind::text},
                                     {"expected_output", CellKind::text},
                                     {"actual_output", CellKind::text},
                                     {"context", CellKind::list},
                                     {"retrieval_context", CellKind::list},
                                     {"retrieved_ids", CellKind::list},
                                     {"relevance", CellKind::grades},
                                     {"tools_called", CellKind::tools},
                                     {"expected_tools", CellKind::tools},
                                     {"latency_ms", CellKind::number},
                                     {"cost_usd", CellKind::number},
                                     {"trace_id", CellKind::text},
                                     {"metadata", CellKind::object},
                                     {"slipway", CellKind::object}};
constexpr Column deepeval_columns[] = {{"input", CellKind::text},
                                       {"actual_output", CellKind::text},
                                       {"expected_output", CellKind::text},
                                       {"context", CellKind::list},
                                       {"retrieval_context", CellKind::list},
                                       {"name", CellKind::text},
                                       {"comments", CellKind::text},
                                       {"source_file", CellKind::text},
                                       {"tools_called", CellKind::tools},
                                       {"expected_tools", CellKind::tools},
                                       {"token_cost", CellKind::number},
                                       {"input_token_count", CellKind::number},
                                       {"output_token_count", CellKind::number},
                                       {"additional_metadata", CellKind::object},
                                       {"custom_column_key_values", CellKind::object},
                                       {"expectations", CellKind::object},
                                       {"expected_labels", CellKind::object}};
constexpr Column ragas_columns[] = {{"user_input", CellKind::text},
                                    {"response", CellKind::text},
                                    {"reference", CellKind::text},
                                    {"retrieved_contexts", CellKind::list},
                                    {"reference_contexts", CellKind::list},
                                    {"retrieved_context_ids", CellKind::list},
                                    {"reference_context_ids", CellKind::list},
                                    {"reference_tool_calls", CellKind::object},
                                    {"question", CellKind::text},
                                    {"answer", CellKind::text},
                                    {"ground_truth", CellKind::text},
                                    {"contexts", CellKind::list},
                                    {"ground_truths", CellKind::list},
                                    {"slipway", CellKind::object}};
constexpr Column langsmith_columns[] = {
    {"id", CellKind::text},         {"inputs", CellKind::object}, {"outputs", CellKind::object},
    {"metadata", CellKind::object}, {"split", CellKind::list},    {"splits", CellKind::list}};
constexpr Column squad_columns[] = {{"id", CellKind::text},
                                    {"title", CellKind::text},
                                    {"question", CellKind::text},
                                    {"context", CellKind::text},
                                    {"answers", CellKind::object}};

json::Array split(std::string_view text, char divider) {
  json::Array items;
  for (;;) {
    const std::size_t end = text.find(divider);
    items.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return items;
    text.remove_prefix(end + 1);
  }
}

/// A JSON or Python value, where the text is one.
std::optional<json::Value> literal(std::string_view text) {
  const std::string_view trimmed = unicode::trim(text);
  if (trimmed.empty() || (trimmed.front() != '[' && trimmed.front() != '{')) return std::nullopt;
  if (auto value = json::parse_exact(trimmed)) return *std::move(value);
  if (auto value = parse_python_literal(trimmed)) return *std::move(value);
  return std::nullopt;
}

bool is_text(const json::Value& value) { return value.is_string(); }

json::Value list_of(std::string_view text) {
  if (auto value = literal(text); value && value->is_array())
    if (const json::Array& items = value->get_array();
        std::all_of(items.begin(), items.end(), is_text))
      return *std::move(value);
  return split(text, '|');
}

json::Value tool_named(std::string_view name) {
  return json::Object{{"name", std::string(unicode::trim(name))}};
}

Result<json::Value> tools_of(std::string_view text) {
  if (auto value = literal(text)) {
    if (value->is_object()) return json::Value(json::Array{*value});
    json::Array tools;
    for (const json::Value& item : value->get_array())
      tools.push_back(item.is_string() ? tool_named(item.get_string()) : item);
    return json::Value(std::move(tools));
  }
  json::Array tools;
  for (const json::Value& piece : split(text, ';')) {
    const std::string_view one = unicode::trim(piece.get_string());
    if (one.empty()) continue;
    if (one.front() != '{') {
      tools.push_back(tool_named(one));
      continue;
    }
    auto tool = literal(one);
    if (!tool)
      return fail(Code::invalid_argument,
                  "'{}' is no JSON; write names divided by ';', or one JSON list of tools",
                  one.substr(0, 60));
    tools.push_back(*std::move(tool));
  }
  return json::Value(std::move(tools));
}

Result<json::Value> number_of(std::string_view text) {
  const std::string_view trimmed = unicode::trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error != std::errc() || end != trimmed.data() + trimmed.size() || !std::isfinite(number))
    return fail(Code::invalid_argument, "expected a number, got '{}'", trimmed.substr(0, 60));
  // As JSON reads it: whole ones are whole.
  if (auto whole = json::parse_exact(trimmed)) return *std::move(whole);
  return json::Value(number);
}

Result<json::Value> grades_of(std::string_view text) {
  if (auto value = literal(text)) {
    if (value->is_object()) return *std::move(value);
    if (!value->is_array())
      return fail(Code::invalid_argument, "expected grades by id, as {{\"guide.md\": 1}}");
  }
  const json::Value ids = list_of(text);
  json::Object grades;
  for (const json::Value& id : ids.get_array()) grades[unicode::trim(id.get_string())] = 1;
  return json::Value(std::move(grades));
}

}  // namespace

std::optional<CellKind> kind_of(std::string_view column, GoldenFormat format) {
  const auto find = [&](const auto& columns) -> std::optional<CellKind> {
    for (const Column& one : columns)
      if (one.name == column) return one.kind;
    return std::nullopt;
  };
  switch (format) {
    case GoldenFormat::native: return find(native_columns);
    case GoldenFormat::deepeval: return find(deepeval_columns);
    case GoldenFormat::ragas: return find(ragas_columns);
    case GoldenFormat::langsmith: return find(langsmith_columns);
    case GoldenFormat::squad: return find(squad_columns);
    case GoldenFormat::promptfoo: break;
  }
  return std::nullopt;
}

Result<json::Value> cell_value(std::string_view text, CellKind kind) {
  if (text.empty()) return json::Value();
  switch (kind) {
    case CellKind::text: return json::Value(boost::json::string(text));
    case CellKind::number: return number_of(text);
    case CellKind::list: return list_of(text);
    case CellKind::tools: return tools_of(text);
    case CellKind::grades: return grades_of(text);
    case CellKind::object: break;
  }
  if (auto value = literal(text)) return *std::move(value);
  return fail(Code::invalid_argument, "expected JSON, got '{}'", text.substr(0, 60));
}

std::string cell_text(const json::Value& value, CellKind kind, GoldenFormat format) {
  if (value.is_null()) return "";
  if (kind == CellKind::text || kind == CellKind::number)
    return value.is_string()   ? std::string(value.get_string())
           : value.is_double() ? fmt::format("{}", value.get_double())
                               : json::dump(value);
  if (kind != CellKind::list || !value.is_array()) return json::dump(value);
  std::string joined;
  for (const json::Value& item : value.get_array()) {
    if (&item != value.get_array().begin()) joined += '|';
    if (item.is_string()) joined += std::string_view(item.get_string());
  }
  if (format == GoldenFormat::deepeval) return joined;
  if (format == GoldenFormat::ragas) return json::dump(value);
  return !joined.empty() && list_of(joined) == value ? joined : json::dump(value);
}

}  // namespace slipway::eval::detail
