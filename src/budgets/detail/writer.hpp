// The thread that writes the books: what waits while it commits shares the next commit.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "budgets/detail/books.hpp"
#include "core/guarded.hpp"
#include "core/pool.hpp"

namespace slipway::budgets::detail {

/// Safe to use from many threads.
class Writer {
 public:
  struct Options {
    store::Database& database;  ///< Must outlive it.
    const Clock& clock;
    std::function<void()> on_fired;  ///< Alerts were kept to be delivered.
  };
  struct Job {
    std::function<Result<void>(Books&)> run;  ///< Again, if the commit failed and it must happen.
    std::function<void(Result<void>)> done;   ///< Once, when it is on disk or cannot be.
    bool must_happen = false;                 ///< Waits until the disk takes it.
  };

  Writer(Options options, DefinitionsPtr definitions);
  /// Writes what waits, though not for long if the disk does not take it.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Fails into `done`: unavailable, when too many wait.
  void submit(Job job);
  /// Waits for the job. Not from a `done`.
  Result<void> write(std::function<Result<void>(Books&)> run);

  DefinitionsPtr definitions() const;
  /// Whether there is any budget; of no cost.
  bool has_budgets() const { return has_budgets_.load(std::memory_order_relaxed); }

 private:
  void work();
  Result<void> commit(std::deque<Job>& jobs);
  void tell(std::deque<Job>& jobs, const Result<void>& outcome);
  void set_definitions(DefinitionsPtr definitions);

  const Options options_;
  Guarded<DefinitionsPtr> definitions_;
  std::atomic<bool> has_budgets_{false};
  Accounts accounts_;  // Of the thread.
  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::deque<Job> jobs_;
  bool is_ending_ = false;
  Pool tellers_;
  std::thread thread_;  // Last: it uses all above.
};

}  // namespace slipway::budgets::detail
