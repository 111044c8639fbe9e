// One writer connection, a few readers, all over the same file in WAL mode.
//
// SQLite allows one writer at a time, so the process has one writer connection and a queue in front
// of it: waiting on a condition variable costs nothing and can be cancelled, waiting in SQLite is a
// sleep. Readers are opened when first needed and kept.
#include "store/database.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <system_error>

#include "core/clock.hpp"
#include "core/files.hpp"
#include "store/detail/sqlite.hpp"

namespace slipway::store {

namespace {

/// Waits for `ready` under `lock`; wakes for the deadline and the stop token of the context.
template <typename Ready>
Result<void> wait_for(const Context& context, std::condition_variable_any& changed,
                      std::unique_lock<std::mutex>& lock, Ready ready) {
  if (ready()) return {};
  if (context.deadline())
    changed.wait_until(lock, context.stop(), *context.deadline(), ready);
  else
    changed.wait(lock, context.stop(), ready);
  if (!ready()) {
    TRY(context.check());
    return fail(Code::deadline_exceeded, "the time allowed for this call is over");
  }
  return {};
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(Options options) : options_(std::move(options)), file_(options_.path) {}
  ~SqliteDatabase() override {
    readers_.clear();
    writer_.reset();
    if (scratch_.empty()) return;
    std::error_code ignored;  // A file left in the temporary folder harms nobody.
    std::filesystem::remove_all(scratch_, ignored);
  }

  Result<void> start(const std::vector<Migration>& migrations) {
    if (options_.path == ":memory:") {
      TRY(make_scratch());
    } else {
      if (file_.has_parent_path()) TRY(make_directories(file_.parent_path()));
      std::error_code ignored;
      if (std::filesystem::is_directory(file_, ignored))
        return fail(Code::invalid_argument, "{} is a folder, not a database file", file_.string());
    }
    const Context context;
    writer_ = TRY(open_connection(context, false));
    return migrate(*writer_, options_.path, migrations);
  }

  Result<void> write(const Context& context,
                     const std::function<Result<void>(Connection&)>& body) override {
    TRY(context.check());
    TRY(take_writer(context));
    const Returned back{[&] { return_writer(); }};
    const SqliteConnection::Use use(*writer_, context);
    return writer_->in_write(body);
  }

  Result<void> read(const Context& context,
                    const std::function<Result<void>(Connection&)>& body) override {
    TRY(context.check());
    std::unique_ptr<SqliteConnection> reader = TRY(take_reader(context));
    const Returned back{[&] { return_reader(std::move(reader)); }};
    const SqliteConnection::Use use(*reader, context);
    return reader->in_read(body);
  }

  Result<void> settle(const Context& context) override {
    TRY(context.check());
    TRY(take_writer(context));
    const Returned back{[&] { return_writer(); }};
    const SqliteConnection::Use use(*writer_, context);
    return writer_->execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  Result<void> backup(const Context& context, const std::filesystem::path& target) override;
  Result<std::vector<std::string>> check(const Context& context) override;
  const std::filesystem::path& path() const override { return options_.path; }

 private:
  struct Returned {
    std::function<void()> give;
    ~Returned() { give(); }
  };

  Result<void> make_scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      return fail(Code::unavailable, "cannot make the temporary folder {}: {}", pattern,
                  std::strerror(errno));
    scratch_ = pattern;
    file_ = scratch_ / "memory.db";
    return {};
  }

  Result<std::unique_ptr<SqliteConnection>> open_connection(const Context& context,
                                                            bool query_only) {
    using Sync = SqliteConnection::Options::Sync;
    const Sync sync =
        !scratch_.empty() ? Sync::off : (options_.durable ? Sync::full : Sync::normal);
    return SqliteConnection::open(context, {.path = file_,
                                            .busy_timeout = options_.busy_timeout,
                                            .sync = sync,
                                            .query_only = query_only});
  }

  Result<void> take_writer(const Context& context) {
    std::unique_lock lock(mutex_);
    if (writing_thread_ == std::this_thread::get_id())
      return fail(Code::internal, "a write inside a write of {}", options_.path.string());
    TRY(wait_for(context, changed_, lock, [&] { return writing_thread_ == std::thread::id(); }));
    writing_thread_ = std::this_thread::get_id();
    return {};
  }

  void return_writer() {
    {
      const std::lock_guard lock(mutex_);
      writing_thread_ = std::thread::id();
    }
    changed_.notify_all();  // One variable for writers and readers: both kinds may wait.
  }

  Result<std::unique_ptr<SqliteConnection>> take_reader(const Context& context) {
    {
      std::unique_lock lock(mutex_);
      TRY(wait_for(context, changed_, lock,
                   [&] { return !readers_.empty() || readers_used_ < options_.readers_max; }));
      ++readers_used_;
      if (!readers_.empty()) {
        auto reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
      }
    }
    auto opened = open_connection(context, true);
    if (!opened) return_reader(nullptr);
    return opened;
  }

  /// One that rests keeps the pages that it has read; the others, which are taken after it, none.
  void return_reader(std::unique_ptr<SqliteConnection> reader) {
    {
      std::unique_lock lock(mutex_);
      const bool is_first = readers_.empty();
      if (reader && !is_first) {
        lock.unlock();
        reader->forget_pages();
        lock.lock();
      }
      --readers_used_;
      if (reader) readers_.insert(is_first ? readers_.end() : readers_.begin(), std::move(reader));
    }
    changed_.notify_all();
  }

  const Options options_;
  std::filesystem::path file_;
  std::filesystem::path scratch_;  ///< Folder of a ":memory:" database, else empty.
  std::unique_ptr<SqliteConnection> writer_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::thread::id writing_thread_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;  ///< Those not in use.
  std::size_t readers_used_ = 0;
};

Result<void> sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int number = errno;
  if (fd >= 0) ::close(fd);
  if (!synced)
    return fail(Code::unavailable, "cannot sync {}: {}", folder.string(), std::strerror(number));
  return {};
}

Result<void> SqliteDatabase::backup(const Context& context, const std::filesystem::path& target) {
  std::error_code failed;
  if (std::filesystem::equivalent(target, file_, failed))
    return fail(Code::invalid_argument, "{} is the database itself; name another file",
                target.string());
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  TRY(make_directories(folder));
  const auto temporary =
      folder / fmt::format(".{}.{:016x}.tmp", target.filename().string(), system_random().next());
  // Inside a read transaction the source stands still, so writers cannot make the copy start again.
  Result<void> copied = read(context, [&](Connection& connection) {
    return static_cast<SqliteConnection&>(connection).copy_to(context, temporary);
  });
  if (copied) {
    std::filesystem::rename(temporary, target, failed);
    if (!failed) return sync_folder(folder);
    copied = fail(Code::unavailable, "cannot rename {} to {}: {}", temporary.string(),
                  target.string(), failed.message());
  }
  for (const char* suffix : {"", "-journal", "-wal", "-shm"})
    std::filesystem::remove(temporary.string() + suffix, failed);
  return copied;
}

Result<std::vector<std::string>> SqliteDatabase::check(const Context& context) {
  std::vector<std::string> faults;
  Result<void> done = read(context, [&](Connection& connection) -> Result<void> {
    Statement integrity = TRY(connection.prepare("PRAGMA integrity_check(100)"));
    while (TRY(integrity.step()))
      if (integrity.text(0) != "ok") faults.emplace_back(integrity.text(0));
    Statement keys = TRY(connection.prepare("PRAGMA foreign_key_check"));
    while (TRY(keys.step()))
      faults.push_back(fmt::format("row {} of {} refers to a missing row of {}", keys.integer(1),
                                   keys.text(0), keys.text(2)));
    return {};
  });
  // Damage can be such that even the check cannot go on: that is a finding, not a failure.
  if (!done && done.error().code() == Code::invalid_argument)
    faults.push_back(done.error().message());
  else if (!done)
    return done.error();
  return faults;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(Options options,
                                                 const std::vector<Migration>& migrations) {
  SLIPWAY_ASSERT(options.readers_max > 0);
  auto database = std::make_unique<SqliteDatabase>(std::move(options));
  TRY(database->start(migrations));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace slipway::store
