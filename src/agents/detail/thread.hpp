// A thread: what its records tell, in memory. Restored by replaying them in order.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agents/detail/purse.hpp"
#include "agents/detail/records.hpp"
#include "agents/detail/run_state.hpp"

namespace slipway::agents::detail {

/// The records of one thread. Safe to use from many threads.
class ThreadLog {
 public:
  virtual ~ThreadLog() = default;
  /// Gives its number, from 1. `syncs`: on disk when it returns, with all before it.
  virtual Result<std::uint64_t> append(const Value& record, bool syncs) = 0;
  virtual Result<void> sync() = 0;
  /// All of them, in order; the first has number 1.
  virtual Result<std::vector<Value>> read() const = 0;
  virtual Result<std::uint64_t> size() const = 0;
  /// Puts `undone` in the place of what stands after the first `kept`: numbers stay.
  virtual Result<void> undo(std::uint64_t kept) = 0;
};

std::unique_ptr<ThreadLog> make_memory_log();

struct Checkpoint {
  std::uint64_t id = 0, parent = 0;
  std::string run;
  std::string source;  ///< input, step, fork
  int step = 0;
};

/// What is told of a run at its end.
struct RunEnd {
  std::string status;  ///< done, failed, interrupted, cancelled; "" : it broke off.
  std::vector<Failure> errors;
  std::vector<std::string> error_nodes;
  bool is_finished_early = false;
};

struct Thread {
  explicit Thread(std::string id_) : id(std::move(id_)) {}
  const std::string id;
  AgentPtr agent;
  std::unique_ptr<Counts> counts;
  std::unique_ptr<Scope> root;
  std::unique_ptr<Purse> purse;
  std::string run;
  int branch = 0;
  bool has_begun = true;   ///< START's edges were followed.
  std::uint64_t head = 0;  ///< Checkpoint.
  std::vector<Checkpoint> checkpoints;
  RunEnd end;
  std::string resumed_as;  ///< The name of the newest resume that has one.
  /// `Purse::worked_ms` when the run began or somebody went on with it; `limits.wall` and
  /// `limits.steps` count from there, over timers and processes.
  std::int64_t limits_from_ms = 0;
  std::shared_ptr<ThreadLog> log;
  bool is_durable = false;  ///< Its log is on disk as it goes.
  /// A record could not be written, so what is here may be ahead of the log, or behind: it is read
  /// again before anybody goes on with it.
  std::atomic<bool> is_stale{false};
  std::mutex running;              ///< Held by who runs it.
  mutable std::mutex agent_mutex;  ///< Of `agent`, for who looks while it runs.

  /// Sets or changes the agent; the state goes over by the names of keys.
  void use(AgentPtr next);
  /// Somebody goes on with the run: what limits it counts from here.
  void count_anew();
  /// What was restored from the same log.
  void take(Thread&& fresh);
};

/// A sub-agent of a `graph` node, or of a map's item, as it begins; without its input.
std::unique_ptr<Scope> make_child_scope(const Scope& outer, const Task& task, std::string address);
/// The same of a tool that is an agent: tool `tool` of the agent, call `call` of the task.
std::unique_ptr<Scope> make_tool_scope(const Scope& outer, const Task& task, std::string address,
                                       std::size_t tool, std::uint32_t call);
/// Which budget asked: the node's or the run's.
Purse& purse_of_question(Purse& run, const Scope& scope, const Task& task,
                         const std::string& token);

/// Applies records to a thread. For one thread at a time.
class Restorer {
 public:
  /// `recorded` gets what calls and people said; it may be null.
  explicit Restorer(Thread& thread, Recorded* recorded = nullptr)
      : thread_(thread), recorded_(recorded) {}
  /// What cannot be understood is left out: it was written by another version of the graph.
  void apply(const Value& record, std::uint64_t number);
  /// At the end: calls without an end count as spent.
  void finish();
  /// The scope of an address; null: there is none.
  Scope* find_scope(const std::string& address);

 private:
  struct At {
    Scope* scope = nullptr;
    Task* task = nullptr;
  };
  At find_task(const Value& record);
  Task* task_at(Scope& scope, std::size_t ordinal, std::int32_t item);
  void apply_run(const Value& record, std::uint64_t number);
  void apply_fork(const Value& record, std::uint64_t number);
  void apply_step(const Value& record, std::uint64_t number);
  void apply_scope(const Value& record);
  void apply_task(const Value& record);
  void apply_call(const Value& record);
  void apply_answer(const Value& record);
  void apply_end(const Value& record);
  void count_attempts(Scope& scope, Task& task, const Value& record, bool is_item);
  void account(const Scope& scope, const Task& task, const CallRecord& call);

  Thread& thread_;
  Recorded* const recorded_;
  struct Pending {
    Purse* of_node = nullptr;
    Usage reserved;
  };
  std::map<std::string, Pending> pending_;
  std::set<std::string> ended_;
};

}  // namespace slipway::agents::detail
