// Runs: what a client asks for, and how it is begun.
#pragma once

#include <set>

#include "langgraph/detail/threads.hpp"

namespace slipway::langgraph::detail {

/// The body of a request that begins a run, checked.
struct RunWish {
  Assistant assistant;
  Value input, command;  ///< Null: none.
  std::string checkpoint;
  std::set<std::string> modes{"values"};
  bool has_subgraphs = false;
  bool cancels_on_disconnect = false;
  bool creates_thread = false;
  bool is_kept = false;  ///< A stateless one's thread.
  agents::Multitask multitask = agents::Multitask::enqueue;
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  agents::Durability durability = agents::Durability::step;
  std::int64_t after_ms = 0;
  std::string webhook;
  std::string caller;                   ///< Name of the key: whose budgets pay.
  std::optional<trace::Origin> origin;  ///< Of who asks, for traces.
  Value metadata = Value::map();
  Value body;
};
/// Fails: invalid_argument naming the member, not_found (the assistant).
Result<RunWish> read_wish(Core& core, const Context& context, const Value& body);
/// With what the headers of the request say of its traces.
Result<RunWish> read_wish(Core& core, const Context& context, const Value& body,
                          const http::Request& request);
/// Also of joins. Fails: invalid_argument.
Result<std::set<std::string>> read_modes(const Value& modes);

struct Begun {
  agents::RunInfo run;
  RunNote note;
  agents::AgentPtr agent;
  ThreadView thread;  ///< As it was before.
  bool is_temporary = false;
  std::uint64_t from = 0;      ///< The last event of the thread before it.
  std::shared_ptr<void> hold;  ///< Its events stay while this does.
};
/// `thread` empty: a new one, which ends with the run. Fails: not_found, conflict, unavailable,
/// invalid_argument.
Result<Begun> begin_run(Core& core, const Context& context, const RunWish& wish,
                        const std::string& thread);
/// The part of it that is left when a delayed run's time has come.
Result<agents::RunInfo> start_run(Core& core, const RunWish& wish, const ThreadView& thread,
                                  const std::string& run);

/// One of a thread. Fails: not_found.
Result<agents::RunInfo> find_run(Core& core, const Context& context, const std::string& thread,
                                 const std::string& run);

struct Update {
  Value values;      ///< Null: none.
  std::string node;  ///< As if it had finished; empty: the one that wrote last.
  std::string checkpoint;
};
/// Writes to a thread's state as a client; waits. Gives the new checkpoint's id. Fails:
/// invalid_argument (the node, the values), conflict (it runs), not_found.
Result<std::string> update_state(Core& core, const Context& context, const ThreadView& thread,
                                 const Update& update);

/// Where clients find it, below the face's prefix: "/threads/T/runs/R".
std::string run_path(const agents::RunInfo& run);
/// "pending", "running", "success", "error", "interrupted".
std::string run_status(agents::RunStatus status);
/// What waiting for a run gives: the state, with "__interrupt__" or "__error__".
Value outcome_json(const agents::Agent& agent, const agents::RunResult& result);

}  // namespace slipway::langgraph::detail
