// Threads as clients see them: those of the host, and those whose first run is still to come.
#pragma once

#include <set>

#include "langgraph/detail/core.hpp"

namespace slipway::langgraph::detail {

struct ThreadView {
  std::string id, agent;  ///< Agent empty: no run yet.
  std::string status = "idle";
  Value metadata = Value::map();
  std::int64_t created_ms = 0, updated_ms = 0;
  std::string run;  ///< The newest.
};

/// Fails: not_found, invalid_argument (no UUID, and none of the host either).
Result<ThreadView> find_thread(Core& core, const Context& context, const std::string& id);
/// Newest first.
Result<std::vector<ThreadView>> list_threads(Core& core, const Context& context);
/// Makes the thread known to the host, for its first run.
Result<void> begin_thread(Core& core, const ThreadView& thread, const std::string& agent);
Result<ThreadView> set_metadata(Core& core, const Context& context, const ThreadView& thread,
                                const Value& metadata);
/// With its runs; what runs is cancelled.
Result<void> remove_thread(Core& core, const Context& context, const std::string& id);

/// The agent that a thread's state is of. Fails: not_found (it has none, or it is gone).
Result<agents::AgentPtr> agent_of(Core& core, const ThreadView& thread);
/// Empty of a thread without a run.
Result<Lineage> lineage_of(Core& core, const ThreadView& thread);
/// All that has happened in it, oldest first; of a thread without a run nothing.
Result<std::vector<agents::Event>> events_of(Core& core, const ThreadView& thread);
/// Ids of what its run waits for a person to answer.
std::set<std::string> open_interrupts(Core& core, const std::string& thread);

/// Members that clients may leave out: values, interrupts, config ...; empty: all.
Result<Value> thread_json(Core& core, const ThreadView& thread,
                          const std::vector<std::string>& select = {});
/// Of a checkpoint; null: of a thread that has none.
Result<Value> state_json(Core& core, const ThreadView& thread, const Lineage& lineage,
                         const Lineage::Point* point);

}  // namespace slipway::langgraph::detail
