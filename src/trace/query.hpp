// What lists of traces and runs are asked for, the same for both.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

enum class Sort {
  start_time_descending,
  start_time,
  latency_ms,
  latency_ms_descending,
  cost_usd,
  cost_usd_descending,
  total_tokens,
  total_tokens_descending
};
/// "-start_time". Fails: invalid_argument with the names that there are.
Result<Sort> parse_sort(const std::string& name);

enum class GroupBy { model, project, user, session, key, prompt, kind, day, hour };
BOOST_DESCRIBE_ENUM(GroupBy, model, project, user, session, key, prompt, kind, day, hour)

enum class Comparison { eq, ne, gt, gte, lt, lte, in, nin, exists, contains };

/// A condition on one field: "latency_ms", "metadata.customer", "attributes.http.method".
struct Condition {
  std::string field;
  Comparison comparison = Comparison::eq;
  /// One, or those of `in` and `nin`: strings, numbers, booleans, fit for the field. Times are
  /// RFC 3339 in UTC, to the microsecond at least; `exists` has a boolean. No nulls: a comparison
  /// with null becomes `exists`.
  std::vector<json::Value> operands;
  /// Of `in` alone, instead of operands where there are many: ids.
  std::shared_ptr<const std::set<std::string, std::less<>>> one_of;
};
struct Filter;
struct Combination {
  enum class Kind { all, any, none };  ///< $and, $or, $not
  Kind kind = Kind::all;
  std::vector<Filter> filters;
};
struct Filter {
  std::variant<Condition, Combination> node;
};
/// {"$and":[{"latency_ms":{"$gt":2000}},{"status":"error"}]}; at most 16 levels and 256 conditions.
/// Fields are `filter_fields`, "metadata.KEY", "attributes.KEY" and "feedback.KEY" (which no store
/// knows: `resolve_feedback`); other spellings of the JSON of
/// runs and summaries ("tags", "models", "usage.input_tokens", "cost.total_usd") become those.
/// Fails: invalid_argument naming the operand: "filter.$and[0].latency_ms.$gt: ...".
Result<Filter> parse_filter(const json::Value& value);
/// How a field's values are compared.
enum class FieldKind { text, number, time, kind, status };
struct FilterField {
  std::string_view name;
  FieldKind kind = FieldKind::text;
};
const std::vector<FilterField>& filter_fields();

/// Words and phrases that must all occur in one run, as they are searched: lower case, split where
/// no letter, number or mark stands, as the tokenizer "unicode61" of FTS5 does.
struct TextQuery {
  std::vector<std::vector<std::string>> phrases;  ///< One word each, or several in order.
};
/// `two words`, `"a phrase"`; a word with signs within ("gpt-4o") is a phrase of its parts. At most
/// 64 words. An open quote ends with the text.
TextQuery parse_text_query(std::string_view text);

struct Query {
  std::optional<std::string> project, name, model, session_id, user_id, tag, trace_id;
  std::optional<std::string> key, prompt;  ///< See `Run`; of traces: of any run in it.
  std::optional<Status> status;
  std::optional<Kind> kind;
  std::optional<Nanoseconds> from, to;  ///< Of the start: from <= start < to.
  std::optional<double> min_latency_ms, max_latency_ms;
  TextQuery text;
  std::optional<Filter> filter;
  Sort sort = Sort::start_time_descending;
  int limit = 50;  ///< 1..1000
  std::string cursor;
  bool with_payload = true;  ///< Of runs.
};

}  // namespace slipway::trace
