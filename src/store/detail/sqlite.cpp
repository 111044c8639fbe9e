// SQLite behind `Connection`.
//
// Waiting: SQLite's own busy timeout cannot be interrupted, so a busy handler sleeps in short steps
// and asks the context; a progress handler does the same for long statements. Both make SQLite give
// up with SQLITE_BUSY or SQLITE_INTERRUPT, and `error` asks the context first for the reason.
// Statements are cached by their SQL: the same few dozen texts run again and again, and preparing
// costs ten times as much as a lookup by key.
#include "store/detail/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <thread>

#include "core/clock.hpp"
#include "core/fault.hpp"

namespace slipway::store {

namespace {

constexpr std::size_t idle_statements_max = 256;
constexpr int progress_steps = 4000;  // About 50 us between looks at the clock.
// Five vectors of 384 floats fill a page of 8 KiB; of 4 KiB pages a quarter would stay empty.
constexpr int page_bytes = 8192;
constexpr int journal_bytes_kept = 64 << 20;

std::string head_of(std::string_view sql) {
  std::string head;
  for (const char c : sql.substr(0, 60)) head += c == '\n' ? ' ' : c;
  return sql.size() > 60 ? head + "..." : head;
}

}  // namespace

struct Statement::State {
  SqliteConnection* connection = nullptr;
  sqlite3_stmt* handle = nullptr;
  std::string sql;
  std::optional<Error> bind_error;
  bool stepped = false;

  ~State() {
    if (handle != nullptr) connection->give_back(sql, handle);
  }
  void bound(int code) {
    if (code != SQLITE_OK && !bind_error) bind_error = connection->error(code, sql);
  }
};

Statement Connection::make_statement(std::unique_ptr<Statement::State> state) {
  return Statement(std::move(state));
}

Statement::Statement(std::unique_ptr<State> state) : state_(std::move(state)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement& Statement::bind(int index, std::int64_t value) {
  state_->bound(sqlite3_bind_int64(state_->handle, index + 1, value));
  return *this;
}

Statement& Statement::bind(int index, double value) {
  state_->bound(sqlite3_bind_double(state_->handle, index + 1, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();  // A null pointer would bind NULL.
  state_->bound(sqlite3_bind_text64(state_->handle, index + 1, data, text.size(), SQLITE_TRANSIENT,
                                    SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  state_->bound(sqlite3_bind_blob64(state_->handle, index + 1, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int index) {
  state_->bound(sqlite3_bind_null(state_->handle, index + 1));
  return *this;
}

Statement& Statement::bind(int index, const std::optional<std::string>& text) {
  return text ? bind(index, std::string_view(*text)) : bind_null(index);
}

Result<bool> Statement::step() {
  if (state_->bind_error) return *state_->bind_error;
  if (!state_->stepped) TRY(state_->connection->ready(state_->sql));
  state_->stepped = true;
  const int code = sqlite3_step(state_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    // Left as it is, another step would run it again from the start.
    sqlite3_reset(state_->handle);
    state_->stepped = false;
    return false;
  }
  Error error = state_->connection->error(code, state_->sql);
  reset();
  return error;
}

Result<void> Statement::run() {
  while (TRY(step())) {
  }
  return {};
}

void Statement::reset() {
  sqlite3_reset(state_->handle);
  state_->stepped = false;
  state_->bind_error.reset();
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(state_->handle, column);
}

double Statement::real(int column) const { return sqlite3_column_double(state_->handle, column); }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(state_->handle, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(state_->handle, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(state_->handle, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(state_->handle, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(state_->handle, column) == SQLITE_NULL;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const Context& context,
                                                                 Options options) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(std::move(options)));
  TRY(fault_point(FaultKind::database, "open"));
  const int code = sqlite3_open_v2(
      connection->options_.path.c_str(), &connection->handle_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  if (code != SQLITE_OK) return connection->error(code, "open");
  const Use use(*connection, context);
  TRY(connection->set_up(context));
  return connection;
}

Result<void> SqliteConnection::set_up(const Context& context) {
  sqlite3_busy_handler(handle_, &on_busy, this);
  sqlite3_progress_handler(handle_, progress_steps, &on_progress, this);
  // Values are data: SQL in the schema of a foreign file must not call anything.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY(execute(fmt::format("PRAGMA page_size={}", page_bytes)));
  TRY(enter_wal(context));
  constexpr std::string_view sync_names[] = {"OFF", "NORMAL", "FULL"};
  TRY(
      execute(fmt::format("PRAGMA synchronous={}; PRAGMA foreign_keys=ON; "
                          "PRAGMA journal_size_limit={}; PRAGMA cache_size=-8192; "
                          "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON",
                          sync_names[static_cast<int>(options_.sync)], journal_bytes_kept)));
  if (options_.query_only) TRY(execute("PRAGMA query_only=ON"));
  return {};
}

/// Switching a new file to WAL needs it alone, and SQLite does not call the busy handler for that.
Result<void> SqliteConnection::enter_wal(const Context& context) {
  const auto until = std::chrono::steady_clock::now() + options_.busy_timeout;
  for (;;) {
    Result<void> entered = execute("PRAGMA journal_mode=WAL");
    if (entered || entered.error().code() != Code::unavailable ||
        (sqlite3_errcode(handle_) & 0xFF) != SQLITE_BUSY ||
        std::chrono::steady_clock::now() >= until)
      return entered;
    TRY(context.check());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, statements] : idle_)
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Result<Statement> SqliteConnection::prepare(std::string_view sql) {
  auto state = std::make_unique<Statement::State>();
  state->connection = this;
  state->sql = std::string(sql);
  if (const auto found = idle_.find(state->sql); found != idle_.end() && !found->second.empty()) {
    state->handle = found->second.back();
    found->second.pop_back();
    --idle_count_;
    return make_statement(std::move(state));
  }
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &state->handle, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  if (state->handle == nullptr) return fail(Code::internal, "no SQL in '{}'", head_of(sql));
  return make_statement(std::move(state));
}

void SqliteConnection::give_back(const std::string& sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);  // Borrowed blobs end here.
  if (idle_count_ >= idle_statements_max) {
    sqlite3_finalize(statement);
    return;
  }
  idle_[sql].push_back(statement);
  ++idle_count_;
}

Result<void> SqliteConnection::ready(std::string_view sql) const {
  TRY(fault_point(FaultKind::database, sql));
  if (transaction_id_ != 0 && sqlite3_get_autocommit(handle_) != 0)
    return fail(Code::unavailable, "an earlier failure has already rolled back this transaction");
  return {};
}

Result<void> SqliteConnection::execute(std::string_view sql) {
  TRY(ready(sql));
  const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  return {};
}

std::int64_t SqliteConnection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

std::int64_t SqliteConnection::changes() const { return sqlite3_changes64(handle_); }

Result<void> SqliteConnection::in_write(const std::function<Result<void>(Connection&)>& body) {
  struct Rollback {
    SqliteConnection& connection;
    ~Rollback() {
      connection.transaction_id_ = 0;
      connection.roll_back();
    }
  };
  TRY(execute("BEGIN IMMEDIATE"));
  const Rollback rollback{*this};
  transaction_id_ = static_cast<std::int64_t>(system_random().next() | 1);
  TRY(body(*this));
  TRY(execute("COMMIT"));
  return {};
}

Result<void> SqliteConnection::in_read(const std::function<Result<void>(Connection&)>& body) {
  struct Rollback {
    SqliteConnection& connection;
    ~Rollback() { connection.roll_back(); }
  };
  {
    Statement begin = TRY(prepare("BEGIN"));
    TRY(begin.run());
  }
  const Rollback rollback{*this};
  {
    // BEGIN alone takes no snapshot; the first read does.
    Statement first = TRY(prepare("SELECT 1 FROM sqlite_schema LIMIT 1"));
    TRY(first.run());
  }
  return body(*this);
}

void SqliteConnection::roll_back() {
  if (sqlite3_get_autocommit(handle_) != 0) return;
  // It must work although the context is over; and it cannot be refused: a failed ROLLBACK means
  // that SQLite has already rolled back by itself.
  const Context* context = std::exchange(context_, nullptr);
  sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  context_ = context;
}

void SqliteConnection::forget_pages() { sqlite3_db_release_memory(handle_); }

Result<void> SqliteConnection::copy_to(const Context& context,
                                       const std::filesystem::path& target) {
  TRY(fault_point(FaultKind::database, "backup"));
  sqlite3* copy = nullptr;
  const int opened =
      sqlite3_open_v2(target.c_str(), &copy,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(copy, &sqlite3_close_v2);
  if (opened != SQLITE_OK)
    return fail(sqlite3_system_errno(copy) == EACCES ? Code::forbidden : Code::unavailable,
                "cannot create {}: {}", target.string(), sqlite3_errmsg(copy));
  sqlite3_exec(copy, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
  sqlite3_backup* backup = sqlite3_backup_init(copy, "main", handle_, "main");
  if (backup == nullptr)
    return fail(Code::unavailable, "cannot back up to {}: {}", target.string(),
                sqlite3_errmsg(copy));
  int code = SQLITE_OK;
  Result<void> alive;
  while (code == SQLITE_OK && alive) {
    code = sqlite3_backup_step(backup, 512);
    alive = context.check();
  }
  sqlite3_backup_finish(backup);
  if (!alive) return alive;
  if (code != SQLITE_DONE)
    return fail(Code::unavailable, "cannot back up to {}: {}", target.string(),
                sqlite3_errstr(code));
  return {};
}

int SqliteConnection::on_busy(void* self, int count) {
  auto& connection = *static_cast<SqliteConnection*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) connection.busy_since_ = now;
  if (now - connection.busy_since_ >= connection.options_.busy_timeout) return 0;
  if (connection.context_ != nullptr && !connection.context_->check()) return 0;
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(250 << std::min(count, 5), 5000)));
  return 1;
}

int SqliteConnection::on_progress(void* self) {
  const auto& connection = *static_cast<SqliteConnection*>(self);
  return connection.context_ != nullptr && !connection.context_->check() ? 1 : 0;
}

Error SqliteConnection::error(int code, std::string_view doing) const {
  const std::string file = options_.path.string();
  const std::string what = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      if (context_ != nullptr)
        if (Result<void> alive = context_->check(); !alive) return alive.error();
      return fail(Code::unavailable,
                  "database {} is in use by another process for more than {} ms; try again", file,
                  options_.busy_timeout.count());
    case SQLITE_FULL:
      return fail(Code::unavailable, "disk is full: cannot write database {}; free some space",
                  file);
    case SQLITE_CONSTRAINT: return fail(Code::conflict, "{} ({})", what, head_of(doing));
    case SQLITE_CORRUPT:
      return fail(Code::invalid_argument,
                  "database {} is damaged ({}); run slipway doctor, or restore a backup", file,
                  what);
    case SQLITE_NOTADB:
      return fail(Code::invalid_argument,
                  "{} is not a Slipway database; name another file, or restore a backup", file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return fail(Code::forbidden, "database {} cannot be written: {}", file, what);
    case SQLITE_CANTOPEN: {
      const int number = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
      const bool denied = number == EACCES || number == EPERM || number == EROFS;
      return fail(denied ? Code::forbidden : Code::unavailable, "cannot open database {}: {}", file,
                  number != 0 ? std::string(std::strerror(number)) : what);
    }
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL: return fail(Code::unavailable, "database {}: {}", file, what);
    case SQLITE_TOOBIG:
      return fail(Code::invalid_argument, "a value is too large for database {} ({})", file,
                  head_of(doing));
    default: return fail(Code::internal, "{} ({})", what, head_of(doing));
  }
}

}  // namespace slipway::store
