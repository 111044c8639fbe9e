// The host: slots of threads that have something to do, workers that do it, a clock for those that
// wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include "agents/detail/host_store.hpp"
#include "core/guarded.hpp"

namespace slipway::agents::detail {

/// A run that is to be done, or is being done.
struct Job {
  RunRow row;
  StartRun start;
  AgentPtr agent;  ///< Null: the thread's.
  bool may_have_begun = false;
  bool has_first = false;  ///< `row.first` is known.
  bool is_wake = false;
  bool rolls_back = false;                ///< When it has stopped.
  bool is_running = false;                ///< A worker has it.
  bool is_timed = false;                  ///< Waits for its time, no worker has it.
  bool may_sleep = false;                 ///< What it is stands on disk as it is.
  RunStatus before = RunStatus::pending;  ///< If it is refused, it is as it was.
  std::stop_source stop;
};
using JobPtr = std::shared_ptr<Job>;

/// A thread that somebody runs or follows. One whose run waits for its time is forgotten like one
/// without a run; its timer knows the run then.
struct Slot {
  explicit Slot(std::string thread_) : thread(std::move(thread_)) {}
  const std::string thread;
  JobPtr active;
  std::deque<JobPtr> queue;
  bool is_starting = false;
  std::condition_variable_any changed;
  std::uint64_t changes = 0;
  // Events
  std::deque<Event> recent;
  std::uint64_t recent_from = 0;  ///< All from this id on are in `recent`.
  std::uint64_t last_id = 0;
  std::shared_ptr<const std::vector<Event>> past;  ///< Durable ones before `past_until`.
  std::uint64_t past_until = 0;
  std::map<std::string, RunResult> results;  ///< Of the newest runs.
  std::uint64_t used = 0;                    ///< When it was asked for last.
};
using SlotPtr = std::shared_ptr<Slot>;

class OwnHost final : public Host {
 public:
  OwnHost(Options options, std::unique_ptr<HostStore> store);
  ~OwnHost() override;
  /// What was open when the last process ended goes on.
  Result<void> recover();
  /// Of agents that were put; before anything else is asked.
  Result<void> read_names();

  Result<AgentInfo> put_agent(const std::string& name, const std::string& yaml) override;
  Result<void> declare_agents(std::vector<DeclaredAgent> agents) override;
  Result<AgentInfo> agent(const std::string& name) override;
  Result<AgentPtr> loaded_agent(const std::string& name) override;
  Result<std::vector<AgentInfo>> agents() override;
  std::vector<std::string> agent_names() const override;
  Result<void> remove_agent(const std::string& name) override;

  Result<ThreadInfo> create_thread(const std::string& agent, const std::string& id,
                                   json::Object metadata) override;
  Result<ThreadInfo> thread(const std::string& id) override;
  Result<std::vector<ThreadInfo>> threads(const ThreadFilter& filter) override;
  Result<ThreadInfo> set_metadata(const std::string& thread, json::Object metadata) override;
  Result<void> remove_thread(const std::string& id) override;
  Result<ThreadInfo> copy_thread(const std::string& id) override;
  Result<Value> state(const std::string& thread) override;

  Result<RunInfo> start(StartRun start) override;
  Result<RunResult> wait(const Context& context, const std::string& run) override;
  Result<RunInfo> run(const std::string& id) override;
  Result<RunResult> result(const std::string& run) override;
  Result<std::vector<RunInfo>> runs(const std::string& thread, int limit, int offset) override;
  Result<RunInfo> cancel(const Context& context, const std::string& run, bool rollback) override;
  Result<void> remove_run(const std::string& run) override;
  Result<std::optional<Event>> next_event(const Context& context, const std::string& thread,
                                          const std::string& run, std::uint64_t seen) override;

 private:
  struct Declared {
    AgentInfo info;
    AgentPtr agent;
  };
  using Lock = std::unique_lock<std::mutex>;

  std::int64_t now_ms() const;
  // Agents
  LoadOptions load_options(const std::map<std::string, std::string>& texts);
  Result<AgentPtr> loaded_with_lock(const std::string& name);
  Result<const Declared*> tool_agent(const std::string& name);
  // Slots; with the lock held.
  /// Fails as the disk, of a thread whose run waits for its time.
  Result<SlotPtr> slot_of(const std::string& thread, Lock& lock);
  void forget_idle();
  JobPtr find_job(const Slot& slot, const std::string& run) const;
  void activate_next(const SlotPtr& slot);
  void make_ready(const SlotPtr& slot);
  void stop_job(const SlotPtr& slot, const JobPtr& job, bool rollback);
  void set_timer(std::int64_t wake_ms, const std::string& thread, std::string run = {});
  void drop_timers(const std::string& thread);
  void begin_to_watch();
  void keep_later(RunRow row);
  void keep_unkept();
  /// The run that waits for its time and has no slot; "": there is none.
  std::string run_asleep(const std::string& thread) const;
  static JobPtr job_of(RunRow row);
  // Starting
  Result<JobPtr> prepare(StartRun start);
  Result<void> admit(const Slot& slot, Multitask multitask, const std::string& run) const;
  void make_room(const SlotPtr& slot, Multitask multitask, Lock& lock);
  // Running
  void work();
  RunResult do_job(const SlotPtr& slot, const JobPtr& job);
  void wait_for_time(const SlotPtr& slot, const JobPtr& job, const RunResult& result);
  void end_job(const SlotPtr& slot, const JobPtr& job, RunResult result);
  void take_back(const JobPtr& job);
  void keep_open_answers(const std::string& thread, ResumeOptions& resume);
  void deliver(const SlotPtr& slot, const std::string& run, Event event);
  void watch_time();
  void wake(const std::string& thread, Lock& lock);
  Result<std::vector<Event>> past_events(const std::string& thread);
  void await(Slot& slot, Lock& lock, const Context& context);
  static void tell(Slot& slot);

  const Options options_;
  std::unique_ptr<HostStore> store_;
  std::mutex agents_mutex_;  // Guards what follows.
  std::map<std::string, Declared> declared_;
  std::map<std::string, Declared> loaded_;  ///< Of those that were put.
  struct Names {
    std::set<std::string> declared, put;
  };
  Guarded<Names> names_;
  bool waits_ = options_.waits_for_agents;  ///< For agents, before it recovers.

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable has_ready_, has_timer_;
  std::map<std::string, SlotPtr> slots_;
  std::deque<SlotPtr> ready_;
  std::set<std::pair<std::int64_t, std::string>> timers_;
  struct Timer {
    std::int64_t wake_ms = 0;
    std::string run;  ///< Has no slot; "": none, or in the slot.
  };
  std::map<std::string, Timer> timer_of_;  ///< Of a thread: one at most.
  std::map<std::string, RunRow> unkept_;   ///< Ends of runs that are to be written yet.
  std::int64_t keep_again_ms_ = 0;
  std::size_t slots_looked_at_ = 256;  ///< As many as there must be to look for idle ones.
  std::size_t pending_ = 0;            ///< In queues.
  std::uint64_t uses_ = 0;
  bool is_closing_ = false;
  std::size_t idle_workers_ = 0;
  std::vector<std::thread> workers_;  ///< Begun when runs would wait; and so the next.
  std::thread timer_;
};

/// What a run is to do, as it is kept; and back.
std::string encode_job(const StartRun& start);
StartRun decode_job(const std::string& job);

}  // namespace slipway::agents::detail
