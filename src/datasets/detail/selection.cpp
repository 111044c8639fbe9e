#include "datasets/detail/selection.hpp"

#include <algorithm>

#include "datasets/detail/rows.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets::detail {

namespace {

using trace::FilterCall;

constexpr std::string_view comparisons[] = {"eq", "neq", "gt", "gte", "lt", "lte", "in"};
constexpr std::string_view fields[] = {
    "id", "created_at", "modified_at", "split", "dataset_split", "source_run_id", "metadata"};

Error wrong(const FilterCall& call, std::string_view why) {
  return fail(Code::invalid_argument, "filter: {}({}): {}", call.name.substr(0, 60),
              call.field.substr(0, 60), why);
}

bool is_text(const FilterCall& call) { return call.value && call.value->is_string(); }

/// What has(metadata, '{"k": "v"}') says, as an object.
Result<json::Object> members(const FilterCall& call) {
  if (!is_text(call)) return wrong(call, "a string is wanted that holds a JSON object");
  auto value = json::parse(call.value->get_string());
  if (!value || !value->is_object()) return wrong(call, "its text is no JSON object");
  return std::move(value->get_object());
}

/// Makes a filter ready: times and JSON are read once, and all that is wrong is told before rows
/// are.
Result<void> prepare(FilterCall& call) {
  if (call.name == "and" || call.name == "or" || call.name == "not") {
    if (call.parts.empty() || (call.name == "not" && call.parts.size() != 1))
      return wrong(call, call.name == "not" ? "one condition is wanted" : "is empty");
    for (FilterCall& part : call.parts) TRY(prepare(part));
    return {};
  }
  if (call.name == "exists" || call.name == "has") {
    if (call.field != "metadata") return wrong(call, "only metadata can be asked that");
    if (call.name == "has" && is_text(call) &&
        !std::string_view(call.value->get_string()).starts_with('{'))
      call.name = "exists";
    if (call.name == "has")
      call.value = TRY(members(call));
    else if (!is_text(call))
      return wrong(call, "the name of a key is wanted");
    return {};
  }
  if (std::find(std::begin(comparisons), std::end(comparisons), call.name) == std::end(comparisons))
    return wrong(call, fmt::format("is none of: and, or, not, has, exists, {}",
                                   fmt::join(comparisons, ", ")));
  const bool is_member = call.field.starts_with("metadata.");
  if (!is_member && std::find(std::begin(fields), std::end(fields), call.field) == std::end(fields))
    return wrong(call,
                 fmt::format("is none of the fields: {}, metadata.KEY", fmt::join(fields, ", ")));
  if (!call.value) return wrong(call, "a value is wanted");
  if (call.name == "in" && !call.value->is_array()) return wrong(call, "a list is wanted");
  if (call.field.ends_with("_at")) {
    if (!is_text(call)) return wrong(call, "a time is wanted");
    call.value = TRY(trace::read_langsmith_time(call.value->get_string())) / 1000;
  }
  if (call.field.ends_with("id") && is_text(call))
    call.value = trace::as_uuid(std::string(call.value->get_string()));
  return {};
}

json::Value value_of(const Example& example, const std::string& field) {
  if (field == "id") return json::Value(example.id);
  if (field == "created_at") return json::Value(example.created);
  if (field == "modified_at") return json::Value(example.modified);
  if (field == "source_run_id")
    return example.source_run_id ? json::Value(*example.source_run_id) : json::Value();
  if (field == "metadata") return example.metadata;
  constexpr std::string_view prefix = "metadata.";
  const json::Value* value = example.metadata.if_contains(
      field.starts_with(prefix) ? std::string_view(field).substr(prefix.size()) : split_key);
  return value == nullptr ? json::Value() : *value;
}

/// -1, 0, 1; nothing for what has no order.
std::optional<int> order(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.to_number<double>(), y = b.to_number<double>();
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  if (a.is_string() && b.is_string()) {
    const int sign = std::string_view(a.get_string()).compare(std::string_view(b.get_string()));
    return sign < 0 ? -1 : (sign > 0 ? 1 : 0);
  }
  return std::nullopt;
}

bool equals(const json::Value& known, const json::Value& wanted) {
  if (const auto sign = order(known, wanted)) return *sign == 0;
  if (known.is_array() && !wanted.is_array())
    return std::any_of(known.get_array().begin(), known.get_array().end(),
                       [&](const json::Value& one) { return equals(one, wanted); });
  return known == wanted;
}

bool compare(const FilterCall& call, const json::Value& known) {
  if (call.name == "eq") return equals(known, *call.value);
  if (call.name == "neq") return !equals(known, *call.value);
  if (call.name == "in")
    return std::any_of(call.value->get_array().begin(), call.value->get_array().end(),
                       [&](const json::Value& one) { return equals(known, one); });
  const auto sign = order(known, *call.value);
  if (!sign) return false;
  if (call.name == "gt") return *sign > 0;
  if (call.name == "gte") return *sign >= 0;
  return call.name == "lt" ? *sign < 0 : *sign <= 0;
}

bool holds(const FilterCall& call, const Example& example) {
  const auto one = [&](const FilterCall& part) { return holds(part, example); };
  if (call.name == "and") return std::all_of(call.parts.begin(), call.parts.end(), one);
  if (call.name == "or") return std::any_of(call.parts.begin(), call.parts.end(), one);
  if (call.name == "not") return !one(call.parts.front());
  if (call.name == "exists")
    return example.metadata.contains(std::string_view(call.value->get_string()));
  if (call.name == "has") return contains(example.metadata, call.value->get_object());
  return compare(call, value_of(example, call.field));
}

}  // namespace

Result<Selection> Selection::make(const ExampleQuery& query) {
  Selection selection;
  for (const std::string& id : query.ids) selection.ids_.insert(trace::as_uuid(id));
  selection.splits_ = query.splits;
  selection.metadata_ = query.metadata;
  if (!query.filter.empty()) {
    selection.filter_ = TRY(trace::parse_filter_calls(query.filter));
    TRY(prepare(*selection.filter_));
  }
  return selection;
}

bool Selection::takes(const Example& example) const {
  if (!ids_.empty() && !ids_.contains(example.id)) return false;
  if (!splits_.empty()) {
    const std::vector<std::string> own = example.splits();
    if (std::find_first_of(own.begin(), own.end(), splits_.begin(), splits_.end()) == own.end())
      return false;
  }
  if (!contains(example.metadata, metadata_)) return false;
  return !filter_ || holds(*filter_, example);
}

}  // namespace slipway::datasets::detail
