#include "agents/detail/thread_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "agents/detail/committer.hpp"
#include "agents/detail/schema.hpp"
#include "core/files.hpp"
#include "core/guarded.hpp"

namespace slipway::agents::detail {

namespace {

class MemoryStore final : public ThreadStore {
 public:
  Result<std::unique_ptr<ThreadLog>> open_log(const std::string& thread, Durability,
                                              bool may_make) override {
    if (!may_make) return fail(Code::not_found, "there is no thread '{}'", thread);
    return make_memory_log();
  }
  Result<void> keep_agent(const std::string&, const AgentPtr&) override { return {}; }
  Result<std::string> agent_source(const std::string& thread) override {
    return fail(Code::not_found, "there is no thread '{}'", thread);
  }
  Result<void> name_run(const std::string& run, const std::string& thread) override {
    runs_.with([&](auto& runs) { runs[run] = thread; });
    return {};
  }
  Result<std::string> thread_of_run(const std::string& run) override {
    return runs_.with([&](auto& runs) -> Result<std::string> {
      const auto found = runs.find(run);
      if (found == runs.end()) return fail(Code::not_found, "there is no run '{}'", run);
      return found->second;
    });
  }
  Result<std::optional<Value>> find_cached(const std::string& key, std::int64_t now_ms) override {
    return cache_.with([&](auto& cache) -> std::optional<Value> {
      const auto found = cache.find(key);
      if (found == cache.end() || found->second.expires_ms <= now_ms) return std::nullopt;
      return found->second.value;
    });
  }
  Result<void> keep_cached(const std::string& key, const Value& value, std::int64_t now_ms,
                           std::int64_t expires_ms) override {
    cache_.with([&](auto& cache) {
      constexpr std::size_t entries_max = 10'000;
      if (cache.size() >= entries_max)
        std::erase_if(cache, [&](const auto& e) { return e.second.expires_ms <= now_ms; });
      if (cache.size() < entries_max) cache[key] = {value, expires_ms};
    });
    return {};
  }
  bool is_durable() const override { return false; }
  Result<void> remove(const std::string& thread) override {
    runs_.with([&](auto& runs) {
      std::erase_if(runs, [&](const auto& run) { return run.second == thread; });
    });
    return {};
  }

 private:
  struct Cached {
    Value value;
    std::int64_t expires_ms = 0;
  };
  Guarded<std::map<std::string, std::string>> runs_;
  Guarded<std::map<std::string, Cached>> cache_;
};

class DiskLog final : public ThreadLog {
 public:
  DiskLog(store::Database& database, Committer& committer, std::int64_t thread, std::int64_t seq)
      : database_(database), committer_(committer), thread_(thread), seq_(seq) {}

  Result<std::uint64_t> append(const Value& record, bool syncs) override {
    Committer::Row row{.thread = thread_};
    row.record = dump(take_out_values(record, row.values));
    std::vector<Committer::Row> rows;
    rows.push_back(std::move(row));
    // Numbers are given in the order in which records are written.
    const std::lock_guard lock(mutex_);
    // Whether one that failed stands there is not known, so neither is the next number.
    if (broken_) return *broken_;
    rows.front().seq = seq_ + 1;
    if (auto written = committer_.write(std::move(rows), syncs); !written) {
      broken_ = written.error();
      return *broken_;
    }
    return static_cast<std::uint64_t>(++seq_);
  }

  Result<void> append_all(const std::vector<Value>& records) {
    std::vector<Committer::Row> rows;
    const std::lock_guard lock(mutex_);
    for (const Value& record : records) {
      Committer::Row row{.thread = thread_,
                         .seq = seq_ + static_cast<std::int64_t>(rows.size()) + 1};
      row.record = dump(take_out_values(record, row.values));
      rows.push_back(std::move(row));
    }
    const auto count = static_cast<std::int64_t>(rows.size());
    TRY(committer_.write(std::move(rows), true));
    seq_ += count;
    return {};
  }

  Result<void> sync() override { return committer_.sync(); }

  Result<std::vector<Value>> read() const override {
    std::vector<Value> records;
    TRY(database_.read({}, [&](store::Connection& connection) -> Result<void> {
      auto rows =
          TRY(connection.prepare("SELECT record FROM agents_log WHERE thread = ? ORDER BY seq"));
      rows.bind(0, thread_);
      auto values = TRY(connection.prepare("SELECT value FROM agents_values WHERE hash = ?"));
      const auto find = [&](const std::string& hash) -> Result<std::string> {
        values.reset();
        values.bind_blob(0, hash);
        if (!TRY(values.step()))
          return fail(Code::unavailable, "agents.db misses a value; it is damaged");
        return std::string(values.blob(0));
      };
      while (TRY(rows.step()))
        records.push_back(TRY(put_in_values(TRY(parse_json(rows.text(0))), find)));
      return {};
    }));
    return records;
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(seq_);
  }

  Result<void> undo(std::uint64_t kept) override {
    TRY(database_.write({}, [&](store::Connection& connection) -> Result<void> {
      auto take = TRY(connection.prepare(
          R"(UPDATE agents_log SET record = '{"k":"undone"}' WHERE thread = ? AND seq > ?)"));
      take.bind(0, thread_).bind(1, static_cast<std::int64_t>(kept));
      return take.run();
    }));
    return committer_.sync();
  }

 private:
  store::Database& database_;
  Committer& committer_;
  const std::int64_t thread_;
  mutable std::mutex mutex_;
  std::int64_t seq_;
  std::optional<Error> broken_;  ///< The first record that could not be written: none follows.
};

/// Writes once, when a run ends (durability `exit`).
class LateLog final : public ThreadLog {
 public:
  explicit LateLog(std::unique_ptr<DiskLog> disk, std::uint64_t written)
      : disk_(std::move(disk)), written_(written) {}

  Result<std::uint64_t> append(const Value& record, bool) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(record);
    const std::uint64_t number = written_ + waiting_.size();
    if (record.at("k") == Value("end")) {
      TRY(disk_->append_all(waiting_));
      written_ = number;
      waiting_.clear();
    }
    return number;
  }
  Result<void> sync() override { return {}; }
  Result<std::vector<Value>> read() const override {
    std::vector<Value> records = TRY(disk_->read());
    const std::lock_guard lock(mutex_);
    records.insert(records.end(), waiting_.begin(), waiting_.end());
    return records;
  }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(mutex_);
    return written_ + waiting_.size();
  }
  Result<void> undo(std::uint64_t kept) override {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = kept > written_ ? kept - written_ : 0; i < waiting_.size(); ++i)
      waiting_[i] = Value::map({{"k", "undone"}});
    return disk_->undo(kept);
  }

 private:
  std::unique_ptr<DiskLog> disk_;
  mutable std::mutex mutex_;
  std::uint64_t written_;
  std::vector<Value> waiting_;
};

/// One process at a time has the agents of a data folder.
class DataLock {
 public:
  static Result<std::unique_ptr<DataLock>> take(const std::filesystem::path& data) {
    TRY(make_directories(data));
    const std::string path = (data / "agents.lock").string();
    auto lock = std::make_unique<DataLock>();
    lock->file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock->file_ < 0)
      return fail(errno == EACCES || errno == EROFS ? Code::forbidden : Code::unavailable,
                  "cannot open {}: {}", path, std::strerror(errno));
    if (::flock(lock->file_, LOCK_EX | LOCK_NB) != 0)
      return fail(Code::conflict,
                  "another process runs the agents of {}; wait for it or stop it first",
                  data.string());
    return lock;
  }
  DataLock() = default;
  ~DataLock() {
    if (file_ >= 0) ::close(file_);
  }
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

 private:
  int file_ = -1;
};

/// What is left of a thread goes; a value that another one uses stays.
constexpr std::string_view removals[] = {
    "DELETE FROM agents_values WHERE hash IN (SELECT hash FROM agents_uses WHERE thread = "
    "(SELECT number FROM agents_threads WHERE id = ?1)) AND NOT EXISTS (SELECT 1 FROM agents_uses "
    "WHERE agents_uses.hash = agents_values.hash AND thread <> "
    "(SELECT number FROM agents_threads WHERE id = ?1))",
    "DELETE FROM agents_uses WHERE thread = (SELECT number FROM agents_threads WHERE id = ?1)",
    "DELETE FROM agents_log WHERE thread = (SELECT number FROM agents_threads WHERE id = ?1)",
    "DELETE FROM agents_runs WHERE thread = ?1",
    "DELETE FROM agents_threads WHERE id = ?1",
    "DELETE FROM agents_cache WHERE thread = ?1"};

class DiskStore final : public ThreadStore {
 public:
  DiskStore(std::unique_ptr<DataLock> lock, std::unique_ptr<store::Database> database)
      : lock_(std::move(lock)), database_(std::move(database)), committer_(*database_) {}

  Result<std::unique_ptr<ThreadLog>> open_log(const std::string& thread, Durability durability,
                                              bool may_make) override {
    std::int64_t number = 0, seq = 0;
    TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
      auto find = TRY(connection.prepare(
          "SELECT number, (SELECT max(seq) FROM agents_log WHERE thread = number) "
          "FROM agents_threads WHERE id = ?"));
      find.bind(0, thread);
      if (!TRY(find.step())) return {};
      number = find.integer(0);
      seq = find.is_null(1) ? 0 : find.integer(1);
      return {};
    }));
    if (number == 0 && !may_make) return fail(Code::not_found, "there is no thread '{}'", thread);
    if (durability == Durability::none) return make_memory_log();
    if (number == 0) number = TRY(make_thread(thread));
    auto disk = std::make_unique<DiskLog>(*database_, committer_, number, seq);
    if (durability == Durability::exit)
      return std::unique_ptr<ThreadLog>(
          std::make_unique<LateLog>(std::move(disk), static_cast<std::uint64_t>(seq)));
    return std::unique_ptr<ThreadLog>(std::move(disk));
  }

  Result<void> keep_agent(const std::string& thread, const AgentPtr& agent) override {
    const std::string hash = value_hash(agent->source);
    bool is_kept = false;
    TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
      auto find = TRY(connection.prepare("SELECT source FROM agents_threads WHERE id = ?"));
      find.bind(0, thread);
      is_kept = TRY(find.step()) && !find.is_null(0) && find.blob(0) == hash;
      return {};
    }));
    if (is_kept) return {};
    return database_->write({}, [&](store::Connection& connection) -> Result<void> {
      auto keep = TRY(
          connection.prepare("INSERT OR IGNORE INTO agents_values (hash, value) VALUES (?, ?)"));
      keep.bind_blob(0, hash).bind_blob(1, agent->source);
      TRY(keep.run());
      auto use =
          TRY(connection.prepare("INSERT OR IGNORE INTO agents_uses (thread, hash) "
                                 "SELECT number, ? FROM agents_threads WHERE id = ?"));
      use.bind_blob(0, hash).bind(1, thread);
      TRY(use.run());
      auto set = TRY(connection.prepare("UPDATE agents_threads SET source = ? WHERE id = ?"));
      set.bind_blob(0, hash).bind(1, thread);
      return set.run();
    });
  }

  Result<std::string> agent_source(const std::string& thread) override {
    std::string source;
    TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
      auto find =
          TRY(connection.prepare("SELECT value FROM agents_values WHERE hash = "
                                 "(SELECT source FROM agents_threads WHERE id = ?)"));
      find.bind(0, thread);
      if (!TRY(find.step()))
        return fail(Code::not_found, "thread '{}' does not say what its agent was", thread);
      source = std::string(find.blob(0));
      return {};
    }));
    return source;
  }

  Result<void> name_run(const std::string& run, const std::string& thread) override {
    return database_->write({}, [&](store::Connection& connection) -> Result<void> {
      auto insert =
          TRY(connection.prepare("INSERT OR REPLACE INTO agents_runs (id, thread) VALUES (?, ?)"));
      insert.bind(0, run).bind(1, thread);
      return insert.run();
    });
  }

  Result<std::string> thread_of_run(const std::string& run) override {
    std::string thread;
    TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
      auto find = TRY(connection.prepare("SELECT thread FROM agents_runs WHERE id = ?"));
      find.bind(0, run);
      if (!TRY(find.step())) return fail(Code::not_found, "there is no run '{}'", run);
      thread = std::string(find.text(0));
      return {};
    }));
    return thread;
  }
  Result<std::optional<Value>> find_cached(const std::string& key, std::int64_t now_ms) override {
    std::optional<Value> value;
    TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
      auto find = TRY(
          connection.prepare("SELECT value FROM agents_cache WHERE key = ? AND expires_ms > ?"));
      find.bind(0, key).bind(1, now_ms);
      if (TRY(find.step())) value = TRY(parse_json(find.text(0)));
      return {};
    }));
    return value;
  }

  Result<void> keep_cached(const std::string& key, const Value& value, std::int64_t now_ms,
                           std::int64_t expires_ms) override {
    return database_->write({}, [&](store::Connection& connection) -> Result<void> {
      auto drop = TRY(connection.prepare("DELETE FROM agents_cache WHERE expires_ms <= ?"));
      drop.bind(0, now_ms);
      TRY(drop.run());
      auto keep = TRY(
          connection.prepare("INSERT OR REPLACE INTO agents_cache (key, value, expires_ms, thread) "
                             "VALUES (?, ?, ?, ?)"));
      keep.bind(0, key).bind(1, dump(value)).bind(2, expires_ms);
      // [value, sources, thread], see `cached_body`.
      if (value.is_list() && value.items().size() > 2)
        keep.bind(3, in_words(value.items()[2]));
      else
        keep.bind_null(3);
      return keep.run();
    });
  }
  bool is_durable() const override { return true; }

  Result<void> remove(const std::string& thread) override {
    TRY(database_->write({}, [&](store::Connection& connection) -> Result<void> {
      for (const std::string_view sql : removals) {
        auto statement = TRY(connection.prepare(sql));
        statement.bind(0, thread);
        TRY(statement.run());
      }
      return {};
    }));
    // What was deleted stood in the write-ahead log too.
    TRY(database_->settle({}));
    return committer_.sync();
  }

 private:
  Result<std::int64_t> make_thread(const std::string& id) {
    std::int64_t number = 0;
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         system_clock().now().time_since_epoch())
                         .count();
    TRY(database_->write({}, [&](store::Connection& connection) -> Result<void> {
      TRY(connection.execute("UPDATE agents_numbers SET last = last + 1"));
      auto insert =
          TRY(connection.prepare("INSERT INTO agents_threads (number, id, created_ms) "
                                 "VALUES ((SELECT last FROM agents_numbers), ?, ?)"));
      insert.bind(0, id).bind(1, static_cast<std::int64_t>(now));
      TRY(insert.run());
      number = connection.last_insert_id();
      return {};
    }));
    return number;
  }

  std::unique_ptr<DataLock> lock_;
  std::unique_ptr<store::Database> database_;
  Committer committer_;
};

}  // namespace

Result<std::unique_ptr<ThreadStore>> open_thread_store(const std::filesystem::path& data) {
  if (data.empty()) return std::unique_ptr<ThreadStore>(std::make_unique<MemoryStore>());
  auto lock = TRY(DataLock::take(data));
  auto database = TRY(
      store::Database::open({.path = data / "agents.db", .durable = false}, agent_migrations()));
  // Emptying the write-ahead log takes two syncs; done every 32 MB it does not slow supersteps.
  TRY(database->write({}, [](store::Connection& connection) -> Result<void> {
    return connection.execute("PRAGMA wal_autocheckpoint=4000");
  }));
  return std::unique_ptr<ThreadStore>(
      std::make_unique<DiskStore>(std::move(lock), std::move(database)));
}

}  // namespace slipway::agents::detail
