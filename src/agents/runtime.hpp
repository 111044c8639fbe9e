// Runs agents in threads, keeps what they did, goes on where they stopped.
//
//   auto runtime = TRY(Runtime::open({.data = folder}));
//   RunResult result = runtime->run(context, agent, input, {.thread = "t1"});
//   if (result.status == Status::interrupted)
//     result = runtime->resume(context, "t1", {.answers = {{result.interrupts[0].id, answer}}});
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/event.hpp"
#include "agents/graph.hpp"
#include "agents/model.hpp"
#include "agents/tool.hpp"
#include "budgets/ledger.hpp"
#include "core/clock.hpp"
#include "core/context.hpp"

namespace slipway::agents {

enum class Status : std::uint8_t { done, failed, interrupted, cancelled };
BOOST_DESCRIBE_ENUM(Status, done, failed, interrupted, cancelled)

/// When a run is on disk. `exit` is refused if a tool has an effect.
enum class Durability : std::uint8_t { step, exit, none };
BOOST_DESCRIBE_ENUM(Durability, step, exit, none)

struct RunError {
  std::string kind, message;
  std::string node;  ///< Of the outermost agent; empty: of none.
};

struct Interrupt {
  std::string id, node, path;
  std::string kind;  ///< human, approval, budget, effect
  Value value;
  std::int64_t expires_ms = 0;  ///< Since 1970; 0: never.
  Value json() const;
};

struct TraceTask {
  std::string node;
  int index = -1;  ///< -1: not mapped.
  int attempt = 1;
  Value writes;
};
struct TraceStep {
  int step = 0;
  std::string checkpoint;
  Value state;
  std::vector<TraceTask> tasks;
};

struct RunResult {
  std::string thread, run;
  Status status = Status::failed;
  Value state, output;  ///< Each key's value knows its sources (`Value::taint`).
  std::optional<RunError> error;
  std::vector<RunError> errors;
  std::vector<Interrupt> interrupts;
  std::int64_t tokens = 0, calls = 0, reserved_peak = 0;
  double usd = 0;
  bool is_finished_early = false;
  std::string checkpoint;
  std::optional<std::vector<TraceStep>> steps;
  std::optional<Value> starts;
  /// When something goes on by itself: a timer, an answer that is late; ms since 1970, 0: never.
  std::int64_t wake_ms = 0;
  /// With `waits` off: it stands at a timer. Its status is `interrupted`; `resume` goes on.
  bool is_waiting = false;
  bool is_refused = false;  ///< Nothing was written or done: what was asked for cannot be.
  int steps_made = 0;       ///< Supersteps of this call.
  /// As section 11 of the contract has it.
  Value json() const;
};

struct RunOptions {
  std::string thread, run;  ///< Empty: new ones.
  Durability durability = Durability::step;
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  std::optional<Budget> budget;  ///< Instead of the agent's.
  bool trace = false;
  bool waits = true;   ///< For timers; else it comes back with `is_waiting`.
  EventSink on_event;  ///< May be empty.
  RunPlacePtr place;   ///< May be null.
  /// Goes on with `run` if the thread has begun it already: after a crash.
  bool may_have_begun = false;
};

struct ResumeOptions {
  std::vector<std::pair<std::string, Value>> answers;  ///< By the interrupt's id.
  std::optional<Value> answer;                         ///< Of the only one that waits.
  std::string answered_by;
  std::string checkpoint;    ///< Goes on from there, on a new branch.
  std::optional<Value> set;  ///< With `as`: written as if that node had finished.
  std::string as;
  /// Nodes that become ready beside what is: alone, or with `set` and then without `as`.
  std::vector<std::string> go_to;
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  bool trace = false;
  bool waits = true;
  EventSink on_event;
  RunPlacePtr place;
  bool is_wake = false;  ///< Its time has come; nobody asked for it.
  /// Names this resume. One that the thread knows already only goes on: after a crash.
  std::string name;
};

struct HistoryEntry {
  std::string checkpoint, parent, run;
  std::string source;  ///< input, step, fork
  int step = 0;
  Value state;
  std::vector<std::string> next;
  std::vector<Interrupt> interrupts;
  std::int64_t time_ms = 0;  ///< Since 1970; of an old log, when its run began.
  Value json() const;
};

/// Safe to use from many threads; a thread of an agent is run by one at a time.
class Runtime {
 public:
  struct Options {
    std::filesystem::path data;  ///< Empty: in memory only.
    ToolRegistry tools;
    /// Models that are not scripted.
    std::function<Result<std::shared_ptr<Model>>(const ModelSpec&)> open_model;
    Collections rag;
    std::function<Outcome<Value>(const Context&, const CodeBody&, const Value& args)> code;
    /// Budgets beyond the agents' own: a call of a model must have room in those that it matches
    /// too. May be null; must outlive the runtime.
    budgets::Ledger* budgets = nullptr;
    /// Agents of threads whose agent is not in memory. By default from what the thread keeps.
    std::function<Result<AgentPtr>(const std::string& source)> load;
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  static Result<std::unique_ptr<Runtime>> open(Options options);
  virtual ~Runtime() = default;

  /// Input for a thread that is interrupted or failed drops its open superstep and keeps the state.
  /// What goes wrong is in the result. Waits for timers; the context ends it (`cancelled`).
  virtual RunResult run(const Context& context, const AgentPtr& agent, const Value& input,
                        const RunOptions& options) = 0;
  /// `agent` null: as before.
  virtual RunResult resume(const Context& context, const std::string& thread,
                           const ResumeOptions& options, const AgentPtr& agent = nullptr) = 0;
  /// Newest first. Fails: not_found.
  virtual Result<std::vector<HistoryEntry>> history(const std::string& thread) = 0;
  /// Runs a finished run again from what was recorded, calls nothing: {run, ok, steps, status,
  /// state, first_difference?, needs?}. `agent` null: the thread's. A changed one goes on until it
  /// needs a call or an answer that was not recorded. Fails: not_found.
  virtual Result<Value> replay(const Context& context, const std::string& run,
                               const AgentPtr& agent = nullptr) = 0;
  /// The rows of calls, oldest first. Fails: not_found.
  virtual Result<Value> ledger(const std::string& thread) = 0;

  /// What `run` would refuse before anything is written. Fails: invalid_argument.
  virtual Result<void> check_input(const AgentPtr& agent, const Value& input) = 0;
  /// The same of `resume`; also not_found, conflict.
  virtual Result<void> check_resume(const std::string& thread, const ResumeOptions& options) = 0;

  // What stands in a thread's log, also while it runs. All fail: not_found.
  /// Of the records after `record`, durable events.
  virtual Result<std::vector<Event>> events(const std::string& thread, std::uint64_t record) = 0;
  /// How many records it has.
  virtual Result<std::uint64_t> records(const std::string& thread) = 0;
  /// {agent, run, step, state, output, next, checkpoint, parent, interrupts, usage, budget}
  virtual Result<Value> state(const std::string& thread) = 0;
  /// As it was after that many records.
  virtual Result<RunResult> result(const std::string& thread, std::uint64_t records) = 0;
  virtual Result<AgentPtr> agent(const std::string& thread) = 0;

  /// Models are opened anew when they are needed next: there are others of their names.
  virtual void forget_models() = 0;

  // Of threads that do not run. Fail: not_found, conflict.
  virtual Result<void> remove(const std::string& thread) = 0;
  /// Under a new name, which must not be taken.
  virtual Result<void> copy(const std::string& thread, const std::string& to) = 0;
  /// Takes back all records after the first `records`: as if it had never been.
  virtual Result<void> undo(const std::string& thread, std::uint64_t records) = 0;
};

}  // namespace slipway::agents
