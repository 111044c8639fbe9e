// Queries as SQL, and the part of them that is judged row by row.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "trace/detail/stored_run.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

/// Conditions and what they are asked with, in order.
class Conditions {
 public:
  using Operand = std::variant<std::int64_t, double, std::string>;
  void add(std::string sql, std::vector<Operand> operands);
  /// " WHERE a AND b"; empty when there are none.
  std::string text() const;
  void bind(store::Statement& statement) const;

 private:
  std::string sql_;
  std::vector<Operand> operands_;
};

/// On `trace_runs r`.
Conditions run_conditions(const Query& query);
/// On `trace_traces t LEFT JOIN trace_runs r ON r.n = t.root`.
Conditions trace_conditions(const Query& query);

/// Where a walk stands: behind the row `n` whose sort value is `value`.
struct Cursor {
  std::int64_t value = 0, n = 0;
};
/// Fails: invalid_argument (not of this order).
Result<std::optional<Cursor>> parse_cursor(const Query& query);
std::string cursor_text(const Query& query, const Cursor& cursor);

/// ORDER BY and keyset of a query. `table` is "r" or "t".
struct Order {
  std::string column;  ///< An SQL expression that is never null.
  bool is_descending = true;
  std::string text(std::string_view table) const;
  std::string beyond(std::string_view table) const;  ///< "(column, n) < (?, ?)"
};
Order order_of(Sort sort, std::string_view table);

/// The value of a field that a filter names; null when it is missing.
using Lookup = std::function<json::Value(std::string_view field)>;
bool matches(const Filter& filter, const Lookup& field);
/// Of a run's JSON, "metadata.KEY" and "attributes.KEY".
Lookup lookup_in(const Run& run);
/// The trace's own words; what it has not is looked up in its root.
Lookup lookup_in(const TraceSummary& summary, const Run& root);

/// "the words" "of a phrase" for FTS5.
std::string match_text(const TextQuery& text);

}  // namespace slipway::trace::detail
