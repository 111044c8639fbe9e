// Metrics on production traces: a sample of them is scored as they end, the scores are feedback on
// the run and rates by the hour, and who wants to know is told when one drops.
//
// A trace is in a sample by the hash of its id alone, so that replicas and metrics score the same
// traces. What is not sampled has no score, and nothing is said of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "eval/metric.hpp"
#include "eval/online_config.hpp"
#include "eval/statistics.hpp"
#include "store/database.hpp"
#include "trace/feedback.hpp"
#include "trace/store.hpp"

namespace slipway::eval {

/// An entry with its metrics made.
struct OnlineEvaluator {
  OnlineConfig config;
  std::shared_ptr<void> keeps;  ///< What the metrics ask: a judge, evidence. May be null.
  std::vector<SuiteMetric> declared;
  std::vector<std::unique_ptr<Metric>> metrics;  ///< Beside `declared`.
};
/// `scorers` must outlive it, or be kept by its `keeps`. Fails: invalid_argument naming the metric.
Result<OnlineEvaluator> make_online_evaluator(OnlineConfig config, const Scorers& scorers);

/// One metric of one entry in one hour.
struct OnlineRate {
  std::string entry, metric, hour;  ///< "2026-11-29T02:00:00Z"
  double sample = 0;                ///< Share of the traces that is scored.
  std::int64_t n = 0;               ///< Traces with a score.
  std::int64_t errors = 0;
  std::optional<double> mean, low, high, pass_rate;  ///< With the 95 % interval of the mean.
  std::string method;
};
BOOST_DESCRIBE_STRUCT(OnlineRate, (),
                      (entry, metric, hour, sample, n, errors, mean, low, high, pass_rate, method))

/// A metric whose last hours are worse than those before by more than its margin, with certainty.
struct OnlineDrop {
  std::string entry, metric;
  double before = 0, now = 0, bound = 0, margin = 0;  ///< `bound`: the end of now's interval.
  std::int64_t n_before = 0, n_now = 0;
  std::string text() const;
};

/// The table `eval_online_scores` of the main database.
std::vector<store::Migration> online_migrations();

/// Safe to use from many threads. What waits is lost when the program ends.
class OnlineEvaluations {
 public:
  struct Options {
    store::Database& database;  ///< All of these must outlive it.
    trace::TraceStore& store;
    trace::Feedbacks& feedbacks;
    const Clock& clock = system_clock();
    std::size_t runs_max = 10'000;  ///< That wait; more are counted and left.
    /// How long a run is left alone after it ended: its other pieces may be on their way.
    std::chrono::milliseconds patience{3'000};
    std::chrono::milliseconds call_timeout{120'000};
    int keep_days = 30;  ///< Of scores in the table; feedback stays as long as its run.
    /// Told of drops, from the thread of this object, at most once an hour for each metric.
    std::function<void(const OnlineConfig&, const OnlineDrop&)> tell;
  };
  explicit OnlineEvaluations(Options options);
  ~OnlineEvaluations();
  OnlineEvaluations(const OnlineEvaluations&) = delete;
  OnlineEvaluations& operator=(const OnlineEvaluations&) = delete;

  /// From now on these score.
  void set(std::vector<OnlineEvaluator> evaluators);
  /// Ends what is being scored, and scores nothing more.
  void stop();
  /// Of what is about to be stored: never waits. Only root runs that end are kept in mind.
  void offer(const trace::RunPatch& run);
  /// Scores a run by every entry that wants it; how many pieces of feedback came of it. A run that
  /// is scored again has one opinion of each metric. Fails: as reads and writes.
  Result<int> score(const Context& context, const std::string& run_id, const std::string& trace_id);

  /// The hours that have scores, youngest first, at most `hours` back from now.
  Result<std::vector<OnlineRate>> rates(const Context& context, int hours);
  /// Compares the last three hours with the day before them. Needs 20 scores on both sides.
  Result<std::vector<OnlineDrop>> drops(const Context& context);
  /// Looks for drops and tells them; forgets old scores. Every minute, by itself.
  Result<void> watch(const Context& context);

  struct Counters {
    std::uint64_t written = 0;  ///< Feedback.
    std::uint64_t dropped = 0;  ///< Runs: too many waited, or they could not be scored.
    std::size_t waiting = 0;
  };
  Counters counters() const;

 private:
  using Evaluators = std::shared_ptr<const std::vector<OnlineEvaluator>>;
  struct Waiting {
    std::chrono::steady_clock::time_point due;
    std::string run_id, trace_id;
  };
  void work(const std::stop_token& stop);
  Result<bool> wants(const Context& context, const OnlineEvaluator& evaluator,
                     const trace::Run& run) const;
  Result<void> keep(const Context& context, const std::vector<trace::Feedback>& opinions,
                    const std::string& entry, const std::vector<Score>& scores);
  Evaluators current() const;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Evaluators evaluators_;
  std::deque<Waiting> queue_;
  std::set<std::string> known_;              ///< Runs in the queue.
  std::map<std::string, Clock::Time> told_;  ///< Drops, when last.
  std::atomic<std::uint64_t> written_{0}, dropped_{0};
  bool is_stopped_ = false;
  std::jthread thread_;  // Last: it uses all above.
};

/// Whether a trace is in a sample of that share: by its id alone.
bool is_in_sample(const std::string& trace_id, double share);

}  // namespace slipway::eval
