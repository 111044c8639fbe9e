#include "trace/detail/selection.hpp"

#include <charconv>
#include <cmath>

#include "core/clock.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

std::optional<int> compare_times(std::string_view a, std::string_view b) {
  constexpr std::size_t shortest = 19;  // "2026-11-23T08:00:00"
  if (a.size() < shortest || b.size() < shortest || a[10] != 'T' || b[10] != 'T') return {};
  const auto x = parse_time(a), y = parse_time(b);
  if (!x || !y) return {};
  return *x < *y ? -1 : (*y < *x ? 1 : 0);
}

/// Numbers with numbers, times with times, text with text; anything else has no order.
std::optional<int> compare(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.to_number<double>(), y = b.to_number<double>();
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  if (a.is_string() && b.is_string()) {
    if (const auto order = compare_times(a.get_string(), b.get_string())) return order;
    const int order = std::string_view(a.get_string()).compare(std::string_view(b.get_string()));
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  if (a.is_bool() && b.is_bool())
    return static_cast<int>(a.get_bool()) - static_cast<int>(b.get_bool());
  return {};
}

bool equals(const json::Value& value, const json::Value& operand) {
  if (value.is_array())
    return std::any_of(value.get_array().begin(), value.get_array().end(),
                       [&](const json::Value& one) { return equals(one, operand); });
  const auto order = compare(value, operand);
  return order ? *order == 0 : value == operand;
}

bool contains(const json::Value& value, const json::Value& operand) {
  if (value.is_string() && operand.is_string())
    return std::string_view(value.get_string()).find(std::string_view(operand.get_string())) !=
           std::string_view::npos;
  return value.is_array() && equals(value, operand);
}

bool is_one_of(const json::Value& value, const std::vector<json::Value>& operands) {
  return std::any_of(operands.begin(), operands.end(),
                     [&](const json::Value& operand) { return equals(value, operand); });
}

bool holds(const Condition& condition, const json::Value& value) {
  const bool is_missing = value.is_null();
  if (condition.one_of)
    return value.is_string() && condition.one_of->contains(std::string_view(value.get_string()));
  const json::Value& operand = condition.operands.front();
  const auto ordered = [&](auto&& test) {
    const auto order = compare(value, operand);
    return order && test(*order);
  };
  switch (condition.comparison) {
    case Comparison::eq: return is_missing ? operand.is_null() : equals(value, operand);
    case Comparison::ne: return is_missing ? !operand.is_null() : !equals(value, operand);
    case Comparison::in: return !is_missing && is_one_of(value, condition.operands);
    case Comparison::nin: return is_missing || !is_one_of(value, condition.operands);
    case Comparison::exists: return (operand.is_bool() && operand.get_bool()) == !is_missing;
    case Comparison::contains: return !is_missing && contains(value, operand);
    case Comparison::gt: return ordered([](int order) { return order > 0; });
    case Comparison::gte: return ordered([](int order) { return order >= 0; });
    case Comparison::lt: return ordered([](int order) { return order < 0; });
    case Comparison::lte: return ordered([](int order) { return order <= 0; });
  }
  return false;
}

template <typename T>
json::Value value_or_null(const std::optional<T>& value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

json::Value member_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value == nullptr ? json::Value(nullptr) : *value;
}

json::Value texts(const std::vector<std::string>& all) {
  json::Array array;
  for (const std::string& one : all) array.emplace_back(one);
  return array;
}

json::Value run_field(const Run& run, std::string_view field) {
  if (field.starts_with("metadata.")) return member_of(run.metadata, field.substr(9));
  if (field.starts_with("attributes.")) return member_of(run.attributes, field.substr(11));
  const Usage usage = run.usage.value_or(Usage());
  if (field == "id") return json::Value(run.id);
  if (field == "trace_id") return json::Value(run.trace_id);
  if (field == "parent_id") return value_or_null(run.parent_id);
  if (field == "reference_example_id") return value_or_null(run.reference_example_id);
  if (field == "project") return json::Value(run.project);
  if (field == "name") return json::Value(run.name);
  if (field == "kind") return json::Value(json::name(run.kind));
  if (field == "status") return json::Value(json::name(run.status));
  if (field == "error") return value_or_null(run.error);
  if (field == "start_time") return json::Value(time_text(run.start));
  if (field == "end_time" && run.end) return json::Value(time_text(*run.end));
  if (field == "latency_ms") return value_or_null(run.latency_ms());
  if (field == "first_token_ms") return value_or_null(run.first_token_ms());
  if (field == "tag" || field == "tags") return texts(run.tags);
  if (field == "session_id") return value_or_null(run.session_id);
  if (field == "user_id") return value_or_null(run.user_id);
  if (field == "provider") return value_or_null(run.provider);
  if (field == "model") return value_or_null(run.model);
  if (field == "key") return value_or_null(run.key);
  if (field == "prompt") return value_or_null(run.prompt);
  if (field == "input_tokens") return json::Value(usage.input_tokens);
  if (field == "output_tokens") return json::Value(usage.output_tokens);
  if (field == "total_tokens") return json::Value(usage.total_tokens);
  if (field == "cost_usd" && run.cost) return json::Value(run.cost->total.dollars());
  return nullptr;
}

}  // namespace

Result<std::optional<Cursor>> parse_cursor(const Query& query) {
  if (query.cursor.empty()) return std::optional<Cursor>();
  std::int64_t parts[3] = {};
  const char* at = query.cursor.data();
  const char* const end = at + query.cursor.size();
  bool is_sound = true;
  for (int i = 0; i < 3 && is_sound; ++i) {
    const auto [next, error] = std::from_chars(at, end, parts[i]);
    is_sound = error == std::errc() && (i == 2 ? next == end : next != end && *next == '.');
    at = next + 1;
  }
  if (!is_sound || parts[0] != static_cast<std::int64_t>(query.sort))
    return fail(Code::invalid_argument, "cursor: '{}' is not of this list and order",
                query.cursor.substr(0, 100));
  return std::optional(Cursor{parts[1], parts[2]});
}

std::string cursor_text(const Query& query, const Cursor& cursor) {
  return fmt::format("{}.{}.{}", static_cast<int>(query.sort), cursor.value, cursor.n);
}

bool matches(const Filter& filter, const Lookup& field) {
  if (const auto* condition = std::get_if<Condition>(&filter.node))
    return holds(*condition, field(condition->field));
  const auto& combination = std::get<Combination>(filter.node);
  const auto judge = [&](const Filter& one) { return matches(one, field); };
  const auto begin = combination.filters.begin(), end = combination.filters.end();
  switch (combination.kind) {
    case Combination::Kind::all: return std::all_of(begin, end, judge);
    case Combination::Kind::any: return std::any_of(begin, end, judge);
    case Combination::Kind::none: return std::none_of(begin, end, judge);
  }
  return false;
}

Lookup lookup_in(const Run& run) {
  return [&run](std::string_view field) { return run_field(run, field); };
}

}  // namespace slipway::trace::detail
