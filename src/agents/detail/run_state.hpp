// Where a run stands: scopes (the agent and the sub-agents that run inside it), their tasks, calls
// and open questions. All of it can be made again from a thread's records.
#pragma once

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/state.hpp"
#include "agents/tool.hpp"

namespace slipway::agents::detail {

/// How often each node of an agent was started and visited in the thread; of its sub-agents too.
struct Counts {
  explicit Counts(const Agent& agent);
  std::vector<std::atomic<std::uint32_t>> starts;
  std::vector<std::uint32_t> visits;
  /// By node; sub-agents that are tools by `of_tool`.
  std::map<std::uint32_t, std::unique_ptr<Counts>> inner;
  static std::uint32_t of_tool(std::size_t tool) {
    return 0x80000000u | static_cast<std::uint32_t>(tool);
  }
  /// "writer/draft" -> 3; nodes that never started are left out.
  void collect(const Agent& agent, const std::string& prefix, Value& out) const;
};

struct OpenQuestion {
  std::string id;
  std::string node;   ///< Of the outermost agent.
  std::string path;   ///< "writer/ask"
  std::string kind;   ///< human, approval, budget, effect
  std::string token;  ///< Which question of its task.
  Value value;
  std::int64_t expires_ms = 0;  ///< Since 1970; 0: never.
};

struct Usage {
  std::int64_t tokens = 0, calls = 0;
  double usd = 0;
  void add(const Usage& other) {
    tokens += other.tokens;
    calls += other.calls;
    usd += other.usd;
  }
};

enum class CallState : std::uint8_t { intent, done, failed, unknown };

/// One call of a model or a tool, as the ledger has it.
struct CallRecord {
  std::uint32_t number = 0;  ///< Of the task, from 0.
  bool is_model = false;
  std::string tool;  ///< Or the model.
  std::string key;   ///< Of the effect.
  std::string args_hash;
  Effect effect = Effect::pure;
  CallState state = CallState::intent;
  int attempt = 1;
  int tries = 1;  ///< How often it was begun.
  Value args;     ///< Of a tool.
  Value result;   ///< Of a model: {text, tool_calls}.
  Failure failure;
  Usage used, reserved;
  std::optional<Spending> spent;           ///< Of a tool: its price, and of models within.
  std::int64_t begun_ms = 0, took_ms = 0;  ///< Since 1970; 0: not known.
};

enum class TaskState : std::uint8_t {
  ready,
  done,
  failed,
  stopped,  ///< Has open questions, or its sub-agent has or is paused.
  waiting,  ///< For a time.
  cut       ///< The budget is spent.
};

struct Scope;

struct Task {
  std::uint32_t node = 0;
  std::int32_t index = -1;  ///< Of the mapped item.
  std::uint32_t variable = 0;
  Value item;
  TaskState state = TaskState::ready;
  bool is_continued = false;  ///< Goes on from where it stopped: no new start.
  int attempts = 0;
  std::uint32_t visit = 0;
  std::vector<Write> writes;
  Value result;  ///< Of an item of a map.
  Failure failure;
  bool is_handled = false;  ///< Failed, and an edge takes care of it.
  std::vector<OpenQuestion> questions;
  std::map<std::string, Value> answers;  ///< By token.
  std::list<CallRecord> calls;           ///< Of which some may be made at once: places stay.
  std::unique_ptr<Scope> child;
  std::map<std::uint32_t, std::unique_ptr<Scope>> tool_scopes;  ///< Sub-agents that are tools.
  std::vector<std::unique_ptr<Task>> items;                     ///< Of a map.
  bool has_items = false;                                       ///< `items` have their values.
  std::int64_t wake_ms = 0;
  bool is_recorded = false;
};

/// A task to be.
struct Ready {
  std::uint32_t node = 0;
  std::int32_t index = -1;
  std::uint32_t variable = 0;
  Value item;
};

struct Scope {
  /// Which it is: its place in the run, its path for people, and its key whatever the place.
  struct Name {
    std::string address, prefix, key;
  };
  Scope(const Agent& a, Name name, Counts& counts_)
      : agent(&a),
        graph(&a),
        address(std::move(name.address)),
        prefix(std::move(name.prefix)),
        key(std::move(name.key)),
        counts(&counts_),
        state(start_state(a)),
        visits(counts_.visits),
        base_visits(counts_.visits),
        seen(a.joins.size()) {
    for (std::size_t i = 0; i < seen.size(); ++i) seen[i].assign(a.joins[i].sources.size(), false);
  }

  const Agent* agent;
  const Agent* graph;   ///< The outermost agent, whose hash covers all that runs within.
  std::string address;  ///< "" of the outermost, else "/3:0": superstep and place of its task.
  std::string prefix;   ///< "writer/"
  std::string key;      ///< "writer|-1|2/": the same in a changed graph.
  Counts* counts;
  State state;
  std::vector<std::uint32_t> visits, base_visits;
  /// So many of its tasks run at once: `limits.parallel`, of a sub-agent no more than its share of
  /// what the agent around it may.
  std::size_t parallel = static_cast<std::size_t>(std::max(1, agent->limits.parallel));
  int step = 0;             ///< Supersteps of this run that are merged.
  std::vector<Ready> next;  ///< In merge order.
  std::vector<Ready> deferred;
  std::vector<std::vector<bool>> seen;  ///< Of each join: which sources have finished.
  std::vector<std::unique_ptr<Task>> open;
  int steps_now = 0;        ///< Supersteps since the run began or somebody went on with it.
  bool is_paused = false;   ///< Stopped at a pause: the next look passes it.
  std::int32_t index = -1;  ///< The mapped item that it is of, for scripts.
  std::string tool;         ///< The tool that it is.
  std::vector<Failure> errors;
  std::vector<std::string> error_nodes;
};

/// What runs in the next superstep; deferred nodes wait until nothing else is ready. Empty:
/// nothing.
const std::vector<Ready>& select_ready(Scope& scope);
/// Begins the superstep of `scope.next`.
void open_tasks(Scope& scope);
/// The visits of sub-agents that ran in the superstep count from now on.
void add_inner_visits(Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks);

/// The nearest time at which something goes on; 0: nothing waits.
std::int64_t wake_of(const Scope& scope);
/// All open questions, in merge order.
void collect_questions(const Scope& scope, std::vector<const OpenQuestion*>& out);
/// Who asked.
struct Asker {
  Scope* scope = nullptr;
  Task* task = nullptr;  ///< Null: nobody.
  std::size_t ordinal = 0;
  std::int32_t item = -1;
  const OpenQuestion* question = nullptr;
};
Asker find_question(Scope& scope, const std::string& id);

}  // namespace slipway::agents::detail
