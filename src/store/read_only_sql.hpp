// Questions to databases that are not ours, in SQL that somebody else wrote: a model, most likely.
// What only reads is answered, everything else is refused by the engine itself.
//
// SQLite: the file is opened read-only; an authorizer lets SELECT, reading and functions through,
// and PRAGMAs that describe tables; no ATTACH, no extensions. PostgreSQL: a session of its own in a
// READ ONLY transaction; the extended protocol, which takes one statement; SELECT, WITH, VALUES,
// TABLE, SHOW and EXPLAIN only; functions that read the server's files, reach other servers, end
// sessions or run SQL out of texts are refused by name, so give it a role that may only read.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::store {

struct SqlLimits {
  std::size_t rows_max = 100;
  std::size_t bytes_max = 4u << 20;  ///< Of all values together, about.
  std::chrono::milliseconds timeout{30'000};
};

struct SqlRows {
  std::vector<std::string> columns;
  std::vector<json::Array> rows;
  bool is_cut = false;  ///< There were more rows, or bytes.
};

/// Safe to use from many threads: each query has a connection of its own.
class ReadOnlySql {
 public:
  virtual ~ReadOnlySql() = default;
  /// `params`: a list, or of SQLite also a map of names; null: none. What JSON has no word for is a
  /// text: blobs in hexadecimal digits, dates, numbers beyond a double's digits. Fails: forbidden
  /// (it does not only read), invalid_argument (the SQL, the params), not_found (no such file),
  /// unavailable (the server), deadline_exceeded, cancelled, unsupported (no client library).
  virtual Result<SqlRows> query(const Context& context, std::string_view sql,
                                const json::Value& params) = 0;
};

std::unique_ptr<ReadOnlySql> read_only_sqlite(std::filesystem::path file, SqlLimits limits);
/// `dsn`: "postgresql://user@host/name" or "host=... dbname=...". It is never shown.
std::unique_ptr<ReadOnlySql> read_only_postgres(std::string dsn, SqlLimits limits);

}  // namespace slipway::store
