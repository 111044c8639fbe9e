// The budget of a run: reserved before a call, settled after it; one for all branches, maps,
// retries, sub-agents and resumes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "agents/detail/run_state.hpp"
#include "core/context.hpp"

namespace slipway::agents::detail {

/// Safe to use from many threads.
class Purse {
 public:
  explicit Purse(Budget budget) : budget_(std::move(budget)) {}

  enum class Answer { granted, spent, cancelled };
  /// Waits while it does not fit and open reservations may return some.
  Answer reserve(const Context& context, const Usage& wish);
  void settle(const Usage& reserved, const Usage& used);
  /// What an earlier process had settled, or left open: that is spent in full.
  void restore(const Usage& settled, std::int64_t peak);
  void add_limit(const Usage& more);
  /// That of a node of this run, by its path; made when it is first asked for.
  Purse& of_node(const std::string& path, const Budget& budget);

  Usage settled() const;
  Usage reserved() const;
  std::int64_t peak() const;
  /// Whether its time is over; no answer gives more of that.
  bool is_late() const;
  /// Time counts while the run is worked on: not while it stands at a question or a timer, nor
  /// while no process has it. `timer` tells ms and never goes back. No task runs meanwhile.
  void begin_work(std::function<std::int64_t()> timer);
  void end_work();
  /// What was worked by earlier processes, all of it.
  void restore_work(std::int64_t ms) { worked_ms_ = ms; }
  std::int64_t worked_ms() const;
  /// {tokens?, usd?, calls?} that are left.
  Value left() const;
  const Budget& budget() const { return budget_; }
  Budget limits() const;

 private:
  bool fits(const Usage& wish) const;
  Budget budget_;
  mutable std::mutex mutex_;
  std::condition_variable_any returned_;
  Usage settled_, reserved_;
  int open_ = 0;
  std::int64_t peak_ = 0;
  std::map<std::string, std::unique_ptr<Purse>> nodes_;
  std::function<std::int64_t()> timer_;
  std::atomic<std::int64_t> worked_ms_ = 0, working_since_ = -1;
  const Purse* run_ = nullptr;  ///< Of a node's: whose time counts.
  std::int64_t begun_ms_ = 0;   ///< Of a node's: of the run's time.
};

}  // namespace slipway::agents::detail
