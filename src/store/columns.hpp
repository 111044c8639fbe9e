// Columns and parameters that may be null, as optionals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/database.hpp"

namespace slipway::store {

inline std::optional<std::string> optional_text(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::string(row.text(column));
}

inline std::optional<std::int64_t> optional_integer(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

inline std::optional<double> optional_real(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.real(column);
}

/// Of a column that holds 0 or 1.
inline std::optional<bool> optional_flag(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column) != 0;
}

/// Numbers and flags; `Statement::bind` takes texts that may be missing by itself.
template <typename T>
Statement& bind_optional(Statement& statement, int index, const std::optional<T>& value) {
  return value ? statement.bind(index, *value) : statement.bind_null(index);
}

}  // namespace slipway::store
