// One SQLite database: the only authority of a Slipway instance. Everything else can be rebuilt
// from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::store {

/// One step of a module's schema. Versions of a module count 1, 2, 3 ...; a released step never
/// changes.
struct Migration {
  std::string_view module;
  int version = 1;
  std::string_view sql;
};

class Connection;

/// A prepared statement of one connection; a loan from its cache, returned at the end of the scope.
/// Parameters and columns count from 0. Not thread safe.
class Statement {
 public:
  struct State;  ///< What the database keeps behind it.

  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);  ///< Copied.
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, const std::string& text) {
    return bind(index, std::string_view(text));
  }
  Statement& bind_blob(int index, std::string_view bytes);  ///< Borrowed until the next reset.
  Statement& bind_null(int index);
  Statement& bind(int index, const std::optional<std::string>& text);

  /// True when a row is there to read; false at the end. Errors of bind surface here.
  /// Fails: conflict (a constraint), unavailable (busy beyond the timeout, disk full, I/O),
  /// invalid_argument (the file is damaged), forbidden (read-only), cancelled, deadline_exceeded,
  /// internal (SQL).
  Result<bool> step();
  /// Steps to the end.
  Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  ///< Valid until the next step.
  std::string_view blob(int column) const;  ///< Valid until the next step.
  bool is_null(int column) const;

 private:
  friend class Connection;
  explicit Statement(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One thread's door to the database for the time of a read or a transaction.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Result<Statement> prepare(std::string_view sql) = 0;
  virtual Result<void> execute(
      std::string_view sql) = 0;  ///< No parameters, no rows; may be several statements.
  virtual std::int64_t last_insert_id() const = 0;
  virtual std::int64_t changes() const = 0;
  /// A number that no other write transaction has had (random, 64 bits): for what must happen once
  /// per transaction. 0 in a read.
  virtual std::int64_t transaction_id() const = 0;

 protected:
  static Statement make_statement(std::unique_ptr<Statement::State> state);
};

/// Safe to use from many threads: one writer at a time, readers see the snapshot of their start
/// (WAL).
class Database {
 public:
  struct Options {
    /// The file; ":memory:" for tests (a private temporary file without fsync, gone with the
    /// object).
    std::filesystem::path path;
    std::chrono::milliseconds busy_timeout{
        30'000};                  ///< How long a writer waits for another process.
    std::size_t readers_max = 8;  ///< Open read connections.
    bool durable = true;          ///< fsync at each commit (synchronous=FULL).
  };
  /// Creates the file and its folder, checks the header, runs the missing migrations in one
  /// transaction. Fails: unavailable, forbidden, invalid_argument (not a database of ours),
  /// conflict (made by a newer version).
  static Result<std::unique_ptr<Database>> open(Options options,
                                                const std::vector<Migration>& migrations);
  virtual ~Database() = default;

  /// Runs `body` inside BEGIN IMMEDIATE .. COMMIT; an error rolls back and is returned. Waits for
  /// other writers, in this process until the context ends, for other processes `busy_timeout` at
  /// most. Do not nest (internal). What returned success is on disk. `read` may be called inside;
  /// it sees the state before.
  virtual Result<void> write(const Context& context,
                             const std::function<Result<void>(Connection&)>& body) = 0;
  /// Runs `body` in a read snapshot. Waits for one of the `readers_max` connections.
  virtual Result<void> read(const Context& context,
                            const std::function<Result<void>(Connection&)>& body) = 0;

  /// A consistent copy while others write. Fails as a write of that file.
  virtual Result<void> backup(const Context& context, const std::filesystem::path& target) = 0;
  /// Empties the write-ahead log into the file. What was deleted is then nowhere on disk, since
  /// deleted bytes are overwritten with zeros. A reader that began before keeps the log from being
  /// emptied: then the next call does it.
  virtual Result<void> settle(const Context& context) = 0;
  /// PRAGMA integrity_check and foreign_key_check: one line per fault, empty when sound.
  virtual Result<std::vector<std::string>> check(const Context& context) = 0;
  virtual const std::filesystem::path& path() const = 0;
};

}  // namespace slipway::store
