// Tables as Parquet files, for those who look at runs with pandas, DuckDB or Spark.
//
// Source: apache/parquet-format 2.10. Written are flat tables of optional columns: one data page a
// column and row group, PLAIN values, RLE levels, ZSTD.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.hpp"

namespace slipway::trace {

class ParquetWriter {
 public:
  enum class Type {
    text,
    json,     ///< Text too, and marked as JSON.
    integer,  ///< 64 bits.
    number,
    time,  ///< Nanoseconds since 1970 in UTC, as an integer.
    boolean
  };
  struct Column {
    std::string name;
    Type type = Type::text;
  };
  /// Of its column's type; nothing is null.
  using Cell = std::variant<std::monostate, std::string, std::int64_t, double, bool>;
  /// Gets the file front to back.
  using Out = std::function<Result<void>(std::string_view bytes)>;

  ParquetWriter(std::vector<Column> columns, Out out);

  /// `row`: one cell a column. Fails: as `out`.
  Result<void> add(std::vector<Cell> row);
  /// Writes what is left and the table of contents; nothing may follow. Fails: as `out`.
  Result<void> finish();
  std::int64_t rows() const { return rows_; }

 private:
  struct Chunk {
    std::int64_t offset = 0, plain_size = 0, packed_size = 0;
  };
  struct Group {
    std::int64_t rows = 0;
    std::vector<Chunk> chunks;
  };
  /// What has been added of a column since the last row group.
  struct Pending {
    std::vector<bool> present;
    std::string values;
    std::vector<bool> bits;  ///< Of booleans.
  };

  Result<void> put(std::string_view bytes);
  Result<void> write_group();
  Result<Chunk> write_chunk(const Pending& pending);
  std::string footer() const;

  const std::vector<Column> columns_;
  const Out out_;
  std::vector<Pending> pending_;
  std::size_t pending_rows_ = 0, pending_bytes_ = 0;
  std::vector<Group> groups_;
  std::int64_t rows_ = 0, written_ = 0;
};

}  // namespace slipway::trace
