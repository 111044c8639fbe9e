// Long work that a request starts and does not wait for: ingests, migrations. Few run at once, few
// wait, and what became of each is kept in the database.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/json.hpp"
#include "store/database.hpp"

namespace slipway::api {

/// The api_* tables; pass them to `Database::open`.
std::vector<store::Migration> migrations();

enum class JobState { queued, running, done, failed, cancelled };
BOOST_DESCRIBE_ENUM(JobState, queued, running, done, failed, cancelled)

struct JobProgress {
  std::int64_t done = 0, total = 0;
  std::string unit = "documents";
  std::string current;  ///< What was finished last.
};
BOOST_DESCRIBE_STRUCT(JobProgress, (), (done, total, unit, current))

/// A document that failed while the job went on.
struct JobFailure {
  std::string uri;
  std::string error;
};
BOOST_DESCRIBE_STRUCT(JobFailure, (), (uri, error))

struct JobInfo {
  std::string id;
  std::string kind;  ///< ingest, migrate, rollback, optimize
  std::string collection;
  JobState state = JobState::queued;
  JobProgress progress;
  json::Value result;  ///< Of a job that is done; else null.
  std::vector<JobFailure> errors;
  std::optional<std::string> error;       ///< Why it failed or was cancelled.
  std::optional<std::string> error_code;  ///< The word of it, as in problems: "conflict".
  std::string created_at;
  std::optional<std::string> started_at, finished_at;
  bool has_ended() const { return state != JobState::queued && state != JobState::running; }
};
BOOST_DESCRIBE_STRUCT(JobInfo, (),
                      (id, kind, collection, state, progress, result, errors, error, error_code,
                       created_at, started_at, finished_at))

struct JobPage {
  std::vector<JobInfo> items;  ///< Youngest first.
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(JobPage, (), (items, next_cursor))

/// What a job tells while it runs. Safe to use from many threads.
class JobReport {
 public:
  virtual ~JobReport() = default;
  virtual void progress(const JobProgress& progress) = 0;
  virtual void failed(JobFailure failure) = 0;
};

/// Gives the result. The context is stopped when the job is cancelled.
using JobWork = std::function<Result<json::Value>(const Context&, JobReport&)>;

/// Safe to use from many threads. Jobs of other processes on the same data can be seen, not
/// cancelled or watched.
class Jobs {
 public:
  struct Options {
    store::Database& database;  ///< Opened with `migrations()`; must outlive the jobs.
    const Clock& clock = system_clock();
    std::size_t running_max = 2;
    std::size_t queued_max = 64;
    std::size_t kept_max = 1000;      ///< Ended ones; the oldest are forgotten.
    std::size_t watchers_max = 64;    ///< Of one job.
    std::size_t failures_max = 1000;  ///< Of one job that are kept; more are only counted.
  };
  /// Jobs whose process has died are failed from now on. Fails: as a write of the database.
  static Result<std::unique_ptr<Jobs>> open(Options options);
  /// Cancels what waits and runs, and waits for it.
  virtual ~Jobs() = default;

  /// Fails: unavailable (too many wait already), and as a write of the database.
  virtual Result<JobInfo> submit(const Context& context, std::string kind, std::string collection,
                                 JobWork work) = 0;
  /// Fails: not_found.
  virtual Result<JobInfo> get(const Context& context, const std::string& id) = 0;
  /// Those before `cursor`. `limit` 1..1000.
  virtual Result<JobPage> list(const Context& context, int limit, const std::string& cursor) = 0;
  /// Asks a job that waits or runs to stop, and gives it; one that has ended is forgotten, and
  /// nothing is given. Fails: not_found; conflict (another process runs it).
  virtual Result<std::optional<JobInfo>> cancel(const Context& context, const std::string& id) = 0;
  /// Waits for the end and gives the result or what the job failed with. When the context ends
  /// first the job is cancelled. Fails: not_found.
  virtual Result<json::Value> wait(const Context& context, const std::string& id) = 0;

  /// Called at once with the job as it is, then at each change (of progress: ten times a second at
  /// most) until it has ended or the watcher gives false. From any thread, never two at a time; it
  /// must not wait, nor call back. Fails: not_found, rate_limited.
  using Watcher = std::function<bool(const JobInfo&)>;
  virtual Result<void> watch(const Context& context, const std::string& id, Watcher watcher) = 0;
};

}  // namespace slipway::api
