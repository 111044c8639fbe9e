// One SQLite connection: errors in our codes, a cache of statements, transactions that always end.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/database.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::store {

/// Used by one thread at a time. While a `Use` lives, waiting and long statements end with its
/// context.
class SqliteConnection final : public Connection {
 public:
  struct Options {
    std::filesystem::path path;
    std::chrono::milliseconds busy_timeout{30'000};
    enum class Sync { off, normal, full } sync = Sync::full;
    bool query_only = false;
  };
  static Result<std::unique_ptr<SqliteConnection>> open(const Context& context, Options options);
  ~SqliteConnection() override;

  Result<Statement> prepare(std::string_view sql) override;
  Result<void> execute(std::string_view sql) override;
  std::int64_t last_insert_id() const override;
  std::int64_t changes() const override;
  std::int64_t transaction_id() const override { return transaction_id_; }

  /// The context that busy waits and long statements obey. Must outlive the `Use`.
  class Use {
   public:
    Use(SqliteConnection& connection, const Context& context) : connection_(connection) {
      connection_.context_ = &context;
    }
    ~Use() { connection_.context_ = nullptr; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    SqliteConnection& connection_;
  };

  /// `BEGIN IMMEDIATE`, body, `COMMIT`; on any failure, also an exception, `ROLLBACK`.
  Result<void> in_write(const std::function<Result<void>(Connection&)>& body);
  /// The body in a snapshot that starts now.
  Result<void> in_read(const std::function<Result<void>(Connection&)>& body);
  /// Forgets the pages that it has read: between uses.
  void forget_pages();
  /// Every page into `target`, which must not exist.
  Result<void> copy_to(const Context& context, const std::filesystem::path& target);

  /// The failure of the last call in our words. `doing` is the SQL or the verb.
  Error error(int code, std::string_view doing) const;
  /// Before each statement. A full disk makes SQLite end the transaction by itself; what follows
  /// would then be committed one by one, so it is refused.
  Result<void> ready(std::string_view sql) const;
  void give_back(const std::string& sql, sqlite3_stmt* statement);

 private:
  explicit SqliteConnection(Options options) : options_(std::move(options)) {}
  Result<void> set_up(const Context& context);
  Result<void> enter_wal(const Context& context);
  void roll_back();
  static int on_busy(void* self, int count);
  static int on_progress(void* self);

  Options options_;
  sqlite3* handle_ = nullptr;
  const Context* context_ = nullptr;
  std::chrono::steady_clock::time_point busy_since_;
  std::int64_t transaction_id_ = 0;
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>> idle_;
  std::size_t idle_count_ = 0;
};

/// Brings the schema of every module in `migrations` to its newest version, in one transaction, and
/// marks the file as ours. Fails: invalid_argument (another program's database), conflict (newer).
Result<void> migrate(SqliteConnection& connection, const std::filesystem::path& path,
                     const std::vector<Migration>& migrations);

}  // namespace slipway::store
