// Cursors of lists, and filters that are judged row by row.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trace/detail/stored_run.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

/// Where a walk stands: behind the row `n` whose sort value is `value`.
struct Cursor {
  std::int64_t value = 0, n = 0;
};
/// Fails: invalid_argument (not of this order).
Result<std::optional<Cursor>> parse_cursor(const Query& query);
std::string cursor_text(const Query& query, const Cursor& cursor);

/// The value of a field that a filter names; null when it is missing.
using Lookup = std::function<json::Value(std::string_view field)>;
bool matches(const Filter& filter, const Lookup& field);
/// Of a run's JSON, "metadata.KEY" and "attributes.KEY".
Lookup lookup_in(const Run& run);

}  // namespace slipway::trace::detail
