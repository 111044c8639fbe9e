#include <sqlite3.h>

#include <algorithm>
#include <cmath>

#include "core/ascii.hpp"
#include "core/unicode.hpp"
#include "store/detail/sql_words.hpp"
#include "store/read_only_sql.hpp"
#include "store/sql_syntax.hpp"

namespace slipway::store {

namespace {

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, Close>;
using Prepared = std::unique_ptr<sqlite3_stmt, Close>;

bool is_one_of(const char* word, std::initializer_list<std::string_view> words) {
  const std::string lower = ascii::lower(word == nullptr ? "" : word);
  return std::find(words.begin(), words.end(), lower) != words.end();
}

int authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION:  // Those of the shell and of extensions that touch files, or pointers.
      return is_one_of(second, {"load_extension", "readfile", "writefile", "edit", "fileio_ls",
                                "lsdir", "fts3_tokenizer", "zipfile", "sqlar_uncompress",
                                "sqlite_dbpage", "generate_blob"})
                 ? SQLITE_DENY
                 : SQLITE_OK;
    case SQLITE_PRAGMA:
      return is_one_of(first, {"table_info", "table_xinfo", "table_list", "index_list",
                               "index_info", "index_xinfo", "foreign_key_list"})
                 ? SQLITE_OK
                 : SQLITE_DENY;
    default: return SQLITE_DENY;
  }
}

/// What the progress handler looks at.
struct Watch {
  const Context& context;
  static int over(void* self) { return static_cast<Watch*>(self)->context.check() ? 0 : 1; }
};

json::Value value_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT: {
      const double number = sqlite3_column_double(statement, column);
      return std::isfinite(number) ? json::Value(number) : json::Value(nullptr);
    }
    case SQLITE_NULL: return nullptr;
    default: break;
  }
  const bool is_text = sqlite3_column_type(statement, column) == SQLITE_TEXT;
  const void* bytes = sqlite3_column_blob(statement, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  const std::string_view view(bytes == nullptr ? "" : static_cast<const char*>(bytes), size);
  if (is_text && unicode::is_valid_utf8(view)) return json::Value(view);
  return json::Value(detail::hexadecimal(view));
}

class ReadOnlySqlite final : public ReadOnlySql {
 public:
  ReadOnlySqlite(std::filesystem::path file, SqlLimits limits)
      : file_(std::move(file)), limits_(limits) {}

  Result<SqlRows> query(const Context& context, std::string_view sql,
                        const json::Value& params) override {
    TRY(context.check());
    const Context narrowed = context.with_timeout(limits_.timeout);
    const Handle db = TRY(open());
    Watch watch{narrowed};
    constexpr int operations = 1000;
    sqlite3_progress_handler(db.get(), operations, &Watch::over, &watch);
    const Prepared statement = TRY(prepare(*db, narrowed, sql));
    TRY(bind(*statement, params));
    return rows(*db, *statement, narrowed);
  }

 private:
  Result<Handle> open() const {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file_, ignored))
      return fail(Code::not_found, "there is no database '{}'", file_.filename().string());
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(file_.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    Handle db(raw);
    if (code != SQLITE_OK)
      return fail(Code::unavailable, "the database '{}' cannot be opened: {}",
                  file_.filename().string(), sqlite3_errstr(code));
    (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    constexpr int value_bytes_max = 64 << 20, sql_bytes_max = 1 << 20, busy_ms = 2000;
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, value_bytes_max);
    sqlite3_limit(raw, SQLITE_LIMIT_SQL_LENGTH, sql_bytes_max);
    sqlite3_limit(raw, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(raw, busy_ms);
    sqlite3_set_authorizer(raw, &authorize, nullptr);
    return db;
  }

  Error error(sqlite3& db, const Context& context, int code) const {
    switch (code & 0xff) {
      case SQLITE_AUTH:
      case SQLITE_READONLY:
      case SQLITE_PERM:
        return fail(Code::forbidden, "only statements that read are allowed: {}",
                    sqlite3_errmsg(&db));
      case SQLITE_INTERRUPT:
        if (const auto over = context.check(); !over && over.error().code() == Code::cancelled)
          return fail(Code::cancelled, "the query was cancelled");
        return fail(Code::deadline_exceeded, "the query takes longer than it may");
      case SQLITE_BUSY:
      case SQLITE_IOERR:
      case SQLITE_NOMEM: return fail(Code::unavailable, "{}", sqlite3_errmsg(&db));
      default: break;
    }
    // A function that the authorizer denies, and VACUUM, are errors like any other to SQLite.
    const std::string message = sqlite3_errmsg(&db);
    const bool is_denied = message.starts_with("not authorized") ||
                           message.find("authorization denied") != std::string::npos;
    return fail(is_denied ? Code::forbidden : Code::invalid_argument, "{}", message);
  }

  Result<Prepared> prepare(sqlite3& db, const Context& context, std::string_view sql) const {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    int code = sqlite3_prepare_v2(&db, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
    Prepared statement(raw);
    if (code != SQLITE_OK) return error(db, context, code);
    if (raw == nullptr) return fail(Code::invalid_argument, "there is no statement");
    const auto left = static_cast<int>(sql.data() + sql.size() - rest);
    sqlite3_stmt* more = nullptr;
    code = sqlite3_prepare_v2(&db, rest, left, &more, nullptr);
    const Prepared second(more);
    if (code != SQLITE_OK || more != nullptr)
      return fail(Code::forbidden, "one statement at a time is allowed");
    if (sqlite3_stmt_readonly(raw) == 0)
      return fail(Code::forbidden, "only statements that read are allowed");
    return statement;
  }

  static Result<void> bind_one(sqlite3_stmt& statement, int at, const json::Value& value) {
    int code = SQLITE_OK;
    if (value.is_null()) code = sqlite3_bind_null(&statement, at);
    if (value.is_bool()) code = sqlite3_bind_int64(&statement, at, value.get_bool() ? 1 : 0);
    if (value.is_int64()) code = sqlite3_bind_int64(&statement, at, value.get_int64());
    if (value.is_uint64() || value.is_double())
      code = sqlite3_bind_double(&statement, at, value.to_number<double>());
    if (value.is_string() || value.is_structured()) {
      const std::string text =
          value.is_string() ? std::string(value.get_string()) : json::dump(value);
      code = sqlite3_bind_text64(&statement, at, text.data(), text.size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    }
    if (code != SQLITE_OK)
      return fail(Code::invalid_argument, "param {} cannot be given: {}", at, sqlite3_errstr(code));
    return {};
  }

  static Result<void> bind(sqlite3_stmt& statement, const json::Value& params) {
    const int wanted = sqlite3_bind_parameter_count(&statement);
    if (params.is_object()) {
      for (int at = 1; at <= wanted; ++at) {
        const char* name = sqlite3_bind_parameter_name(&statement, at);
        const auto* found = name == nullptr ? nullptr : params.get_object().if_contains(name + 1);
        if (found == nullptr)
          return fail(Code::invalid_argument, "params has no '{}'",
                      name == nullptr ? std::to_string(at) : std::string(name + 1));
        TRY(bind_one(statement, at, *found));
      }
      return {};
    }
    if (!params.is_array() && !params.is_null())
      return fail(Code::invalid_argument, "params: a list or a map is expected");
    const std::size_t given = params.is_array() ? params.get_array().size() : 0;
    if (given != static_cast<std::size_t>(wanted))
      return fail(Code::invalid_argument, "the statement takes {} params, {} are given", wanted,
                  given);
    for (int at = 1; at <= wanted; ++at)
      TRY(bind_one(statement, at, params.get_array()[static_cast<std::size_t>(at - 1)]));
    return {};
  }

  Result<SqlRows> rows(sqlite3& db, sqlite3_stmt& statement, const Context& context) const {
    SqlRows found;
    const int columns = sqlite3_column_count(&statement);
    for (int i = 0; i < columns; ++i)
      found.columns.emplace_back(sqlite3_column_name(&statement, i));
    std::size_t bytes = 0;
    for (;;) {
      const int code = sqlite3_step(&statement);
      if (code == SQLITE_DONE) return found;
      if (code != SQLITE_ROW) return error(db, context, code);
      for (int i = 0; i < columns; ++i)
        bytes += sqlite3_column_type(&statement, i) >= SQLITE_TEXT
                     ? static_cast<std::size_t>(sqlite3_column_bytes(&statement, i))
                     : sizeof(double);
      found.is_cut = found.rows.size() == limits_.rows_max || bytes > limits_.bytes_max;
      if (found.is_cut) return found;
      json::Array row;
      for (int i = 0; i < columns; ++i) row.push_back(value_of(&statement, i));
      found.rows.push_back(std::move(row));
    }
  }

  const std::filesystem::path file_;
  const SqlLimits limits_;
};

}  // namespace

std::unique_ptr<ReadOnlySql> read_only_sqlite(std::filesystem::path file, SqlLimits limits) {
  return std::make_unique<ReadOnlySqlite>(std::move(file), limits);
}

Result<void> check_sqlite_statement(std::string_view sql) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE, nullptr);
  const Handle db(raw);
  if (opened != SQLITE_OK) return {};  // The statement is not to blame.
  sqlite3_set_authorizer(raw, &authorize, nullptr);
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v2(raw, sql.data(), static_cast<int>(sql.size()), &made, nullptr);
  const Prepared statement(made);
  const std::string said = code == SQLITE_OK ? "" : sqlite3_errmsg(raw);
  if (code == SQLITE_OK && made == nullptr)
    return fail(Code::invalid_argument, "there is no statement");
  if (code == SQLITE_AUTH || said.starts_with("not authorized") ||
      (code == SQLITE_OK && sqlite3_stmt_readonly(made) == 0))
    return fail(Code::forbidden, "only statements that read are allowed");
  for (const std::string_view fault : {"syntax error", "incomplete input", "unrecognized token"})
    if (said.find(fault) != std::string::npos) return fail(Code::invalid_argument, "{}", said);
  return {};  // What is not there may come.
}

}  // namespace slipway::store
