// Columns that may be null.
#pragma once

#include <cstdint>
#include <optional>

#include "store/database.hpp"

namespace slipway::langgraph::detail {

inline std::optional<std::int64_t> number_in(const store::Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

inline void bind_number(store::Statement& row, int index,
                        const std::optional<std::int64_t>& number) {
  if (number)
    row.bind(index, *number);
  else
    row.bind_null(index);
}

}  // namespace slipway::langgraph::detail
