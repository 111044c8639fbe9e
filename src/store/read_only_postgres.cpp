#include <poll.h>

#include <charconv>
#include <cmath>

#include "core/unicode.hpp"
#include "store/detail/postgres_library.hpp"
#include "store/detail/sql_words.hpp"
#include "store/read_only_sql.hpp"

namespace slipway::store {

namespace {

using detail::PostgresLibrary;

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

/// One connection and what is asked over it; ends with the object.
class Session {
 public:
  Session(const PostgresLibrary& pq, const Context& context) : pq_(pq), context_(context) {}
  ~Session() {
    if (connection_ != nullptr) pq_.finish(connection_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<void> connect(const std::string& dsn);
  struct Statement {
    const char* sql;
    const json::Array* params = nullptr;
    const SqlLimits* limits = nullptr;
  };
  Result<SqlRows> run(const Statement& statement);

 private:
  /// Until the socket can be read (or written). Fails: deadline_exceeded, cancelled.
  Result<void> wait(short events) const;
  Result<PGresult*> next() const;
  Error error(const PGresult* result) const;
  void take_row(const PGresult* result, const SqlLimits& limits, SqlRows& found);
  json::Value value(const PGresult* result, int column) const;
  void cancel() const;

  const PostgresLibrary& pq_;
  const Context& context_;
  PGconn* connection_ = nullptr;
  std::size_t bytes_ = 0;
};

Result<void> Session::wait(short events) const {
  for (;;) {
    TRY(context_.check());
    pollfd watched{pq_.socket(connection_), events, 0};
    constexpr std::chrono::milliseconds step{50};  // A stop request has no descriptor here.
    const auto pause = std::min(context_.remaining(step), step);
    if (poll(&watched, 1, static_cast<int>(pause.count()) + 1) > 0) return {};
  }
}

Result<void> Session::connect(const std::string& dsn) {
  char* said = nullptr;
  PQconninfoOption* parsed = pq_.parse(dsn.c_str(), &said);
  if (parsed == nullptr)  // What it said may hold a password.
    return fail(Code::invalid_argument,
                "the DSN cannot be read; write postgresql://USER@HOST/DATABASE");
  pq_.free_parsed(parsed);
  const char* names[] = {"dbname", "client_encoding", "application_name", nullptr};
  const char* values[] = {dsn.c_str(), "UTF8", "slipway", nullptr};
  connection_ = pq_.connect(names, values, 1);
  if (connection_ == nullptr) return fail(Code::unavailable, "no memory for a connection");
  if (pq_.status(connection_) == CONNECTION_BAD) return error(nullptr);
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = pq_.connect_poll(connection_)) {
    if (state == PGRES_POLLING_FAILED) return error(nullptr);
    TRY(wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT));
  }
  pq_.set_nonblocking(connection_, 1);
  return {};
}

Error Session::error(const PGresult* result) const {
  const char* state = result == nullptr ? nullptr : pq_.error_field(result, PG_DIAG_SQLSTATE);
  const char* said = result == nullptr ? nullptr : pq_.error_field(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = one_line(said != nullptr ? said : pq_.error_message(connection_));
  const std::string_view code = state == nullptr ? "" : state;
  if (code == "25006" || code == "42501" || code == "25001")
    return fail(Code::forbidden, "only statements that read are allowed: {}", message);
  if (code == "57014") return fail(Code::deadline_exceeded, "{}", message);
  if (code.empty() && message.find("authentication failed") != std::string::npos)
    return fail(Code::unauthenticated, "{}", message);
  if (code.empty() || code.starts_with("08") || code.starts_with("57") || code.starts_with("53"))
    return fail(Code::unavailable, "{}", message);
  return fail(Code::invalid_argument, "{} (SQLSTATE {})", message, code);
}

Result<PGresult*> Session::next() const {
  while (pq_.flush(connection_) == 1) TRY(wait(POLLIN | POLLOUT));
  while (pq_.is_busy(connection_) != 0) {
    TRY(wait(POLLIN));
    if (pq_.consume(connection_) == 0) return error(nullptr);
  }
  return pq_.result(connection_);
}

void Session::cancel() const {
  PGcancel* cancel = pq_.get_cancel(connection_);
  if (cancel == nullptr) return;
  char said[256];
  (void)pq_.cancel(cancel, said, sizeof said);
  pq_.free_cancel(cancel);
}

json::Value Session::value(const PGresult* result, int column) const {
  if (pq_.is_null(result, 0, column) != 0) return nullptr;
  const std::string_view text(pq_.value(result, 0, column),
                              static_cast<std::size_t>(pq_.length(result, 0, column)));
  // Of pg_type: bool; int8, int2, int4, oid; float4, float8, numeric; json, jsonb.
  constexpr Oid boolean = 16, wholes[] = {20, 21, 23, 26}, reals[] = {700, 701, 1700};
  constexpr Oid documents[] = {114, 3802};
  constexpr std::size_t digits_of_double = 15;
  const Oid type = pq_.type(result, column);
  const auto is_of = [&](const auto& types) {
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
  };
  const char* end = text.data() + text.size();
  if (type == boolean) return text == "t";
  if (std::int64_t whole = 0; is_of(wholes) && std::from_chars(text.data(), end, whole).ptr == end)
    return whole;
  if (double real = 0; is_of(reals) && (type != reals[2] || text.size() <= digits_of_double) &&
                       std::from_chars(text.data(), end, real).ptr == end && std::isfinite(real))
    return real;
  if (is_of(documents))
    if (auto parsed = json::parse(text)) return *std::move(parsed);
  if (!unicode::is_valid_utf8(text)) return json::Value(detail::hexadecimal(text));
  return json::Value(text);
}

void Session::take_row(const PGresult* result, const SqlLimits& limits, SqlRows& found) {
  const int columns = pq_.columns(result);
  for (int i = 0; i < columns; ++i)
    bytes_ += static_cast<std::size_t>(pq_.length(result, 0, i)) + sizeof(void*);
  found.is_cut = found.rows.size() == limits.rows_max || bytes_ > limits.bytes_max;
  if (found.is_cut) return;
  json::Array row;
  for (int i = 0; i < columns; ++i) row.push_back(value(result, i));
  found.rows.push_back(std::move(row));
}

Result<SqlRows> Session::run(const Statement& statement) {
  std::vector<std::string> texts;
  std::vector<const char*> values;
  const std::size_t count = statement.params == nullptr ? 0 : statement.params->size();
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const json::Value& param = (*statement.params)[i];
    texts.push_back(param.is_string() ? std::string(param.get_string()) : json::dump(param));
    if (texts.back().find('\0') != std::string::npos)
      return fail(Code::invalid_argument, "param {} has a zero byte in it", i + 1);
    values.push_back(param.is_null() ? nullptr : texts.back().c_str());
  }
  if (pq_.send(connection_, statement.sql, static_cast<int>(count), nullptr, values.data(), nullptr,
               nullptr, 0) == 0)
    return error(nullptr);
  pq_.single_rows(connection_);
  SqlRows found;
  std::optional<Error> failed;
  for (;;) {
    auto got = next();
    if (!got) {
      cancel();
      return std::move(got.error());
    }
    PGresult* result = *got;
    if (result == nullptr) break;
    const ExecStatusType status = pq_.result_status(result);
    if (found.columns.empty())
      for (int i = 0; i < pq_.columns(result); ++i) found.columns.emplace_back(pq_.name(result, i));
    const SqlLimits none;
    if (status == PGRES_SINGLE_TUPLE)
      take_row(result, statement.limits == nullptr ? none : *statement.limits, found);
    else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && !failed)
      failed = error(result);
    pq_.clear(result);
    if (found.is_cut) {
      cancel();
      return found;
    }
    // A COPY would wait for data for ever; its beginning is refused before, so this is the end.
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
      return fail(Code::forbidden, "COPY is not allowed here");
  }
  if (failed) return *std::move(failed);
  return found;
}

class ReadOnlyPostgres final : public ReadOnlySql {
 public:
  ReadOnlyPostgres(std::string dsn, SqlLimits limits) : dsn_(std::move(dsn)), limits_(limits) {}

  Result<SqlRows> query(const Context& context, std::string_view sql,
                        const json::Value& params) override {
    TRY(detail::check_postgres_statement(sql));
    if (!params.is_array() && !params.is_null())
      return fail(Code::invalid_argument,
                  "params: a list is expected; PostgreSQL calls them $1, $2 ...");
    const PostgresLibrary* pq = TRY(detail::postgres_library());
    const Context narrowed = context.with_timeout(limits_.timeout);
    Session session(*pq, narrowed);
    TRY(session.connect(dsn_));
    const auto left = narrowed.remaining(limits_.timeout) + std::chrono::milliseconds(1);
    TRY(session.run({.sql = "SET default_transaction_read_only = on"}));
    TRY(session.run({.sql = fmt::format("SET statement_timeout = {}", left.count()).c_str()}));
    TRY(session.run({.sql = "SET lock_timeout = 2000"}));
    TRY(session.run({.sql = "BEGIN TRANSACTION READ ONLY"}));
    const std::string text(sql);
    const json::Array none;
    return session.run({.sql = text.c_str(),
                        .params = params.is_array() ? &params.get_array() : &none,
                        .limits = &limits_});
  }

 private:
  const std::string dsn_;
  const SqlLimits limits_;
};

}  // namespace

std::unique_ptr<ReadOnlySql> read_only_postgres(std::string dsn, SqlLimits limits) {
  return std::make_unique<ReadOnlyPostgres>(std::move(dsn), limits);
}

}  // namespace slipway::store
