// The first rows of a query in its order, out of all parts.
#pragma once

#include <functional>

#include "core/context.hpp"
#include "trace/detail/matching.hpp"

namespace slipway::trace::detail {

struct Hit {
  std::int64_t value = 0, n = 0;  ///< What the order is made of.
  std::size_t part = 0, row = 0;
};

/// One more than `query.limit` at most, in order, from the cursor on. Fails: invalid_argument (the
/// cursor, or damaged), and when the context ends.
Result<std::vector<Hit>> best_rows(const Context& context, Table table, const Query& query,
                                   const View& view);

/// Calls `visit(part, row)` for all that match, in no order.
Result<void> for_each_match(const Context& context, Table table, const Query& query,
                            const View& view,
                            const std::function<void(const Part&, std::size_t)>& visit);

}  // namespace slipway::trace::detail
