// States of sub-agents that have begun and not ended.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "langgraph/detail/spaces.hpp"
#include "langgraph/detail/threads.hpp"

namespace slipway::langgraph::detail {

/// Those of a thread's open superstep, as its log tells them.
class InnerStates {
 public:
  /// Reads the whole log. `lineage` and `agent` outlive it.
  static Result<InnerStates> read(Core& core, const ThreadView& thread, const Lineage& lineage,
                                  const agents::Agent& agent);

  /// As `state_json`; null: there is no such sub-agent, or it has not begun.
  Value of_scope(const std::string& scope) const;
  Value of_space(const std::string& name_space) const;

 private:
  struct State {
    int step = 0;  ///< The last that has ended.
    Value values = Value::map();
    std::vector<std::string> open;  ///< Tasks.
    std::int64_t time_ms = 0;
  };
  InnerStates(const Lineage& lineage, const agents::Agent& agent)
      : lineage_(lineage), agent_(agent) {}
  void take(const agents::Event& event);
  Spaces spaces() const;

  const Lineage& lineage_;
  const agents::Agent& agent_;
  std::map<std::string, State> states_;  ///< By scope.
  std::map<std::string, int> steps_;
  std::string at_;  ///< The newest checkpoint.
};

/// Puts into the tasks of a newest state where their sub-agents stand: as a name of a checkpoint,
/// or as a state.
Result<void> put_inner_states(Core& core, const ThreadView& thread, const Lineage& lineage,
                              Value& state);
/// {"checkpoint": {"checkpoint_ns"}} instead of {"state"}.
Result<void> put_inner_names(Core& core, const ThreadView& thread, Value& state);

}  // namespace slipway::langgraph::detail
