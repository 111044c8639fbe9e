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
  Value state, output;
  std::optional<RunError> error;
  std::vector<RunError> errors;
  std::vector<Interrupt> interrupts;
  std::int64_t tokens = 0, calls = 0, reserved_peak = 0;
  double usd = 0;
  bool is_finished_early = false;
  std::string checkpoint;
  std::optional<std::vector<TraceStep>> steps;
  std::optional<Value> starts;
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
};

struct ResumeOptions {
  std::vector<std::pair<std::string, Value>> answers;  ///< By the interrupt's id.
  std::optional<Value> answer;                         ///< Of the only one that waits.
  std::string answered_by;
  std::string checkpoint;    ///< Goes on from there, on a new branch.
  std::optional<Value> set;  ///< With `as`: written as if that node had finished.
  std::string as;
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  bool trace = false;
};

struct HistoryEntry {
  std::string checkpoint, parent, run;
  std::string source;  ///< input, step, fork
  int step = 0;
  Value state;
  std::vector<std::string> next;
  std::vector<Interrupt> interrupts;
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
    std::function<Outcome<Value>(const Context&, const RagBody&, const Value& asked)> rag;
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
};

}  // namespace slipway::agents
