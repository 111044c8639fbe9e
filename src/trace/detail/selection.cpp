#include "trace/detail/selection.hpp"

#include <charconv>
#include <cmath>

#include "core/clock.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

constexpr double nanoseconds_per_millisecond = 1e6;

std::int64_t nanoseconds(double milliseconds) {
  constexpr double most = 9.2e18;
  const double value = std::clamp(milliseconds * nanoseconds_per_millisecond, -most, most);
  return static_cast<std::int64_t>(value);
}

/// What both tables have, under their own names.
void add_common(Conditions& conditions, const Query& query, const std::string& table) {
  if (query.project) conditions.add(table + ".project = ?", {*query.project});
  if (query.status)
    conditions.add(table + ".status = ?", {static_cast<std::int64_t>(*query.status)});
  if (query.from) conditions.add(table + ".start_ns >= ?", {*query.from});
  if (query.to) conditions.add(table + ".start_ns < ?", {*query.to});
  if (query.min_latency_ms)
    conditions.add(table + ".latency_ns >= ?", {nanoseconds(*query.min_latency_ms)});
  if (query.max_latency_ms)
    conditions.add(table + ".latency_ns <= ?", {nanoseconds(*query.max_latency_ms)});
  if (query.name) conditions.add("r.name = ?", {*query.name});
  if (query.session_id) conditions.add("r.session_id = ?", {*query.session_id});
  if (query.user_id) conditions.add("r.user_id = ?", {*query.user_id});
}

constexpr std::string_view has_tag =
    "EXISTS(SELECT 1 FROM json_each(CASE {0}.rest WHEN '' THEN '{{}}' ELSE {0}.rest END, '$.tags') "
    "tag WHERE tag.value = ?)";

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
  if (field == "input_tokens") return json::Value(usage.input_tokens);
  if (field == "output_tokens") return json::Value(usage.output_tokens);
  if (field == "total_tokens") return json::Value(usage.total_tokens);
  if (field == "cost_usd" && run.cost) return json::Value(run.cost->total.dollars());
  return nullptr;
}

}  // namespace

void Conditions::add(std::string sql, std::vector<Operand> operands) {
  sql_ += sql_.empty() ? " WHERE " : " AND ";
  sql_ += sql;
  for (Operand& operand : operands) operands_.push_back(std::move(operand));
}

std::string Conditions::text() const { return sql_; }

void Conditions::bind(store::Statement& statement) const {
  for (std::size_t i = 0; i < operands_.size(); ++i)
    std::visit([&](const auto& operand) { statement.bind(static_cast<int>(i), operand); },
               operands_[i]);
}

Conditions run_conditions(const Query& query) {
  Conditions conditions;
  add_common(conditions, query, "r");
  if (query.trace_id)
    conditions.add("r.trace = (SELECT n FROM trace_traces WHERE trace_id = ?)", {*query.trace_id});
  if (query.kind) conditions.add("r.kind = ?", {static_cast<std::int64_t>(*query.kind)});
  if (query.model) conditions.add("r.model = ?", {*query.model});
  if (query.tag) conditions.add(fmt::format(fmt::runtime(has_tag), "r"), {*query.tag});
  if (!query.text.phrases.empty())
    conditions.add("r.n IN (SELECT rowid FROM trace_words WHERE trace_words MATCH ?)",
                   {match_text(query.text)});
  return conditions;
}

Conditions trace_conditions(const Query& query) {
  Conditions conditions;
  add_common(conditions, query, "t");
  // What any run of the tree may have.
  const auto any_run = [&](const std::string& condition, Conditions::Operand operand) {
    conditions.add("EXISTS(SELECT 1 FROM trace_runs x WHERE x.trace = t.n AND " + condition + ")",
                   {std::move(operand)});
  };
  if (query.trace_id) conditions.add("t.trace_id = ?", {*query.trace_id});
  if (query.kind) any_run("x.kind = ?", static_cast<std::int64_t>(*query.kind));
  if (query.model) any_run("x.model = ?", *query.model);
  if (query.tag) any_run(fmt::format(fmt::runtime(has_tag), "x"), *query.tag);
  if (!query.text.phrases.empty())
    conditions.add(
        "t.n IN (SELECT x.trace FROM trace_words JOIN trace_runs x ON x.n = trace_words.rowid "
        "WHERE trace_words MATCH ?)",
        {match_text(query.text)});
  return conditions;
}

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

Order order_of(Sort sort, std::string_view table) {
  const auto column = [&](std::string_view name) { return fmt::format("{}.{}", table, name); };
  const auto or_least = [&](std::string_view name) {
    return fmt::format("ifnull({}.{}, -1)", table, name);
  };
  switch (sort) {
    case Sort::start_time_descending: return {column("start_ns"), true};
    case Sort::start_time: return {column("start_ns"), false};
    case Sort::latency_ms: return {or_least("latency_ns"), false};
    case Sort::latency_ms_descending: return {or_least("latency_ns"), true};
    case Sort::cost_usd: return {or_least("cost"), false};
    case Sort::cost_usd_descending: return {or_least("cost"), true};
    case Sort::total_tokens: return {column("total_tokens"), false};
    case Sort::total_tokens_descending: return {column("total_tokens"), true};
  }
  return {};
}

std::string Order::text(std::string_view table) const {
  const char* const direction = is_descending ? "DESC" : "ASC";
  return fmt::format(" ORDER BY {} {}, {}.n {}", column, direction, table, direction);
}

std::string Order::beyond(std::string_view table) const {
  return fmt::format("({}, {}.n) {} (?, ?)", column, table, is_descending ? "<" : ">");
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

Lookup lookup_in(const TraceSummary& summary, const Run& root) {
  return [&](std::string_view field) -> json::Value {
    if (field == "id" || field == "trace_id") return json::Value(summary.id);
    if (field == "project") return json::Value(summary.project);
    if (field == "status") return json::Value(json::name(summary.status));
    if (field == "start_time") return json::Value(time_text(summary.start));
    if (field == "end_time" && summary.end) return json::Value(time_text(*summary.end));
    if (field == "latency_ms") {
      if (!summary.end) return nullptr;
      return json::Value(static_cast<double>(*summary.end - summary.start) /
                         nanoseconds_per_millisecond);
    }
    if (field == "run_count") return json::Value(summary.run_count);
    if (field == "error_count") return json::Value(summary.error_count);
    if (field == "model" || field == "models") return texts(summary.models);
    if (field == "input_tokens") return json::Value(summary.input_tokens);
    if (field == "output_tokens") return json::Value(summary.output_tokens);
    if (field == "total_tokens") return json::Value(summary.total_tokens);
    if (field == "cost_usd")
      return summary.cost ? json::Value(summary.cost->dollars()) : json::Value(nullptr);
    return run_field(root, field);
  };
}

std::string match_text(const TextQuery& text) {
  std::string match;
  for (const auto& phrase : text.phrases) {
    if (!match.empty()) match += " AND ";
    match += '"';
    for (std::size_t i = 0; i < phrase.size(); ++i) {
      if (i > 0) match += ' ';
      // Words hold letters and digits only; a quote would end the phrase.
      for (const char c : phrase[i])
        if (c != '"') match += c;
    }
    match += '"';
  }
  return match;
}

}  // namespace slipway::trace::detail
