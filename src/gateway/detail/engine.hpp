// What all calls share.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/guarded.hpp"
#include "gateway/detail/lanes.hpp"
#include "gateway/detail/limiter.hpp"
#include "gateway/detail/meters.hpp"
#include "gateway/detail/plan.hpp"
#include "gateway/detail/reply_cache.hpp"
#include "gateway/detail/timers.hpp"
#include "trace/own_prices.hpp"
#include "trace/recorder.hpp"

namespace slipway::gateway::detail {

class Call;

/// How many retries there may be in proportion to first tries, so that an outage is not answered
/// with three times the load. Safe to use from many threads.
class RetryBudget {
 public:
  void set_share(double share);
  void deposit();
  bool take();

 private:
  static constexpr double stock_first = 10, stock_max = 100;
  std::mutex mutex_;
  double share_ = 0.2;
  double stock_ = stock_first;
};

/// Safe to use from many threads. Outlives every call.
class Engine {
 public:
  Engine(Gateway::Options options, std::unique_ptr<Timers> timers, Lanes::Options lanes);
  /// Cancels all calls and waits for their ends.
  ~Engine();

  PlanPtr plan() const;
  Result<void> set_plan(Settings settings, std::shared_ptr<models::Catalog> catalog);
  /// The same settings with what is installed now; may wait for the disk.
  Result<void> look_for_installed();

  void enter(const std::shared_ptr<Call>& call);
  void leave(const Call* call);
  std::size_t running() const;

  /// A model of this process, wherever it is. May wait.
  Result<std::shared_ptr<models::ChatModel>> chat_model(const Plan& plan, const Context& context,
                                                        const Deployment& deployment,
                                                        PipelineCall call);
  /// The deployment of a pipeline; null when there is none of that name.
  DeploymentPtr pipeline(const std::string& name);
  std::vector<std::string> pipelines() const;
  /// Everything that can be asked for, in the order of the lists.
  std::vector<std::string> names() const;
  dialects::WireError unknown_model(const access::Caller& caller, const std::string& name) const;

  http::Upstream& upstream() { return *options_.upstream; }
  const Clock& clock() const { return options_.clock; }
  Random& random() { return options_.random; }
  /// For the ids of runs, which are no secrets: the system's entropy is a system call each.
  Random& ids() { return ids_; }
  Timers& timers() { return *timers_; }
  Lanes& lanes() { return *lanes_; }
  /// For calls of that deployment.
  Lanes& lanes_of(const Deployment& deployment);
  CallerLimits& callers() { return callers_; }
  RetryBudget& retries() { return retries_; }
  ReplyCache& cache() { return cache_; }
  Meters* meters() { return meters_.get(); }
  trace::Recorder* recorder() { return options_.recorder; }
  budgets::Ledger* budgets() { return options_.budgets; }
  std::shared_ptr<const trace::PriceBook> prices() const;
  void report(const CallRecord& record);

 private:
  void declare_prices(const Plan& plan);

  Gateway::Options options_;
  SeededRandom ids_{options_.random.next()};
  HealthBook book_;
  mutable std::mutex plan_mutex_;
  PlanPtr plan_;
  Guarded<std::shared_ptr<const trace::PriceBook>> declared_;  ///< Where there are no other prices.
  std::mutex look_mutex_;                                      ///< One new plan at a time.
  std::unique_ptr<Timers> timers_;
  CallerLimits callers_;
  RetryBudget retries_;
  ReplyCache cache_;
  std::unique_ptr<Meters> meters_;
  mutable std::mutex calls_mutex_;
  std::condition_variable calls_gone_;
  std::unordered_map<const Call*, std::shared_ptr<Call>> calls_;
  bool is_closing_ = false;
  // Last: their threads use all above.
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Lanes> patient_lanes_;  ///< Their threads sleep most of the time.
};

/// The gateway with the timers of a test.
Result<std::unique_ptr<Gateway>> open_gateway(Gateway::Options options,
                                              std::unique_ptr<Timers> timers);

}  // namespace slipway::gateway::detail
