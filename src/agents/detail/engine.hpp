// Supersteps: picks what is ready, runs it, merges it. Knows nothing of disks; a `Recorder` is told
// what must be kept, when it must be kept.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "agents/detail/purse.hpp"
#include "agents/detail/run_state.hpp"
#include "agents/model.hpp"
#include "agents/tool.hpp"
#include "budgets/ledger.hpp"
#include "core/clock.hpp"
#include "core/context.hpp"

namespace slipway::agents::detail {

/// Where a task stands: of which scope, which superstep, which place in merge order, and of a map
/// which item.
struct Place {
  const Scope& scope;
  int step = 0;
  std::size_t ordinal = 0;
  std::int32_t item = -1;
  /// "/3:0" or "/3:0[2]" behind the scope's own.
  std::string address() const;
};

/// What is kept of a run. Called from the threads of tasks. A failure ends the run.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// A task other than a quick one has ended: done, failed for good, or stopped with questions.
  virtual Result<void> task_ended(const Place& place, const Task& task) = 0;
  /// On disk, and synced if `leaves`, before the call is made.
  virtual Result<void> call_begins(const Place& place, const Task& task, const CallRecord& call,
                                   bool leaves) = 0;
  virtual Result<void> call_ended(const Place& place, const Task& task, const CallRecord& call) = 0;
  /// The superstep is merged; `scope` stands after it, `tasks` are those of it.
  virtual Result<void> merged(const Scope& scope,
                              const std::vector<std::unique_ptr<Task>>& tasks) = 0;
};

/// What a run asks of the world.
struct Services {
  std::function<Outcome<std::shared_ptr<Model>>(const ModelSpec&)> model;
  std::function<Outcome<std::shared_ptr<Tool>>(const ToolSpec&)> tool;
  Collections rag;
  std::function<Outcome<Value>(const Context&, const CodeBody&, const Value& args)> code;
  budgets::Ledger* budgets = nullptr;  ///< May be null.
  std::function<std::optional<Value>(const std::string& key)> find_cached;
  std::function<void(const std::string& key, const Value& value, Milliseconds ttl)> keep_cached;
  const Clock* clock = &system_clock();
};

/// Told what happens, for events and traces; may be empty.
struct Listener {
  std::function<void(const Scope&)> step_started;
  std::function<void(const Place&, const Task&)> task_started;
  std::function<void(const Place&, const Task&, const std::string& call, std::string_view text)>
      token;
  std::function<void(const Place&, const Task&, const Value&)> emitted;
  /// Before its beginning is recorded.
  std::function<void(const std::string& key, const ModelCall&)> model_called;
  std::function<void(const Scope&, const std::vector<std::unique_ptr<Task>>&)> step_finished;
};

/// What calls and people said in a run that is replayed: nothing is called.
struct Recorded {
  /// Of a task (see `task_key`) and the number of the call: its attempts, oldest first.
  std::map<std::string, std::vector<CallRecord>> calls;
  std::map<std::string, Value> answers;  ///< Of a task and a token.
};
/// "writer|-1|1/draft|2|1": node, index, visit, and those around it.
std::string task_key(const Scope& scope, const Task& task);

enum class End : std::uint8_t {
  done,
  failed,
  stopped,  ///< Open questions, or a pause.
  waiting,  ///< For a time.
  cut,      ///< The budget is spent: `finish`.
  broken    ///< Cancelled, or the recorder failed: nothing more may be done.
};

class Engine {
 public:
  struct Options {
    Context context;
    const Services& services;
    Recorder& recorder;
    Purse& purse;
    std::string thread, run;
    int branch = 0;
    int steps_max = 100;                              ///< Of the outermost scope.
    std::set<std::string> pause_before, pause_after;  ///< Nodes of the outermost scope.
    const Listener* listener = nullptr;
    RunPlacePtr place;                   ///< May be null.
    const Recorded* recorded = nullptr;  ///< A replay.
    /// Until when the run may be worked on: of `Purse::worked_ms`.
    std::optional<std::int64_t> worked_ms_max;
  };
  explicit Engine(Options options) : options_(std::move(options)) {}

  /// Goes on until it ends or stands; called again, it goes on where it stood.
  End run(Scope& scope);
  /// What ends it; while nothing runs.
  void use(Context context) { options_.context = std::move(context); }
  /// Edges of START: what is ready first.
  Outcome<bool> begin(Scope& scope);
  /// As if `node` had just finished: its edges.
  Outcome<bool> continue_from(Scope& scope, std::uint32_t node);
  /// Runs the node of `budget.finish` alone.
  End run_finish_node(Scope& scope);
  /// Why it is `broken`.
  const std::optional<Error>& broken() const { return broken_; }
  bool is_finishing() const { return is_finishing_; }
  bool is_over_time() const;
  static Failure wall_failure();
  /// Of a replay: the first call or answer that was not recorded, {node, what}; or null.
  Value missing() const;

 private:
  friend class TaskRun;
  // Supersteps
  bool is_pause(const Scope& scope, const std::vector<Ready>& chosen) const;
  void run_tasks(Scope& scope);
  std::optional<End> settle(Scope& scope);
  void note_failures(Scope& scope);
  bool record_open(Scope& scope);
  bool merge(Scope& scope);
  bool pauses_after(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks) const;

  // Edges
  struct Taken {
    std::vector<std::uint32_t> ordinary;
    std::vector<Ready> mapped;
  };
  Outcome<bool> follow(const Scope& scope, const std::vector<Edge>& edges, const Inputs& inputs,
                       Taken& taken) const;
  Outcome<bool> follow_task(Scope& scope, Task& task, Taken& taken);
  bool handle_failure(const Scope& scope, Task& task) const;
  bool find_conflict(Scope& scope);
  bool apply_all(Scope& scope, std::vector<Undo>* undo);
  void put_next(Scope& scope, Taken taken) const;
  void mark_joins(Scope& scope, const Task& task, Taken& taken) const;
  void fail_task(Scope& scope, Task& task, Failure failure) const;

  void break_with(Error error);
  void note_missing(const std::string& node, std::string what);
  bool is_broken();

  Options options_;
  mutable std::mutex mutex_;
  std::optional<Error> broken_;
  Value missing_;
  std::atomic<bool> is_broken_{false}, is_finishing_{false};
};

/// What expressions of a task see beside the keys.
class Locals {
 public:
  Locals(const Agent& agent, int step, int attempt, Value node);
  void set(std::size_t place, const Value& value) { pointers_[place] = &value; }
  void of_task(const Task& task);
  Inputs inputs(const State& state) const { return {.slots = state, .locals = pointers_}; }

 private:
  Value step_, attempt_, node_, index_;
  std::vector<const Value*> pointers_;
};

}  // namespace slipway::agents::detail
