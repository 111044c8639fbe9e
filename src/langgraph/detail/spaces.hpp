// Name spaces of sub-agents: "sub:<task>", "sub:<task>|check:<task>" for one in the other.
#pragma once

#include <map>
#include <string>

#include "langgraph/detail/lineage.hpp"

namespace slipway::langgraph::detail {

/// As they are at one moment of a run. What it refers to outlives it.
struct Spaces {
  const Lineage* lineage = nullptr;         ///< Null: not known yet.
  int number = 0;                           ///< Of the checkpoint that open tasks start from.
  const std::map<std::string, int>& steps;  ///< Of scopes ("sub/check"): their superstep.

  /// The id of a task of a sub-agent, or of the agent itself (`scope` empty); `name` "draft[2]".
  std::string task_id(const std::string& scope, int step, const std::string& name) const;
  std::string of_scope(const std::string& scope) const;
};

}  // namespace slipway::langgraph::detail
