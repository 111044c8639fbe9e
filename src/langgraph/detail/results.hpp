// What the tasks of past supersteps gave.
#pragma once

#include <map>
#include <string>

#include "langgraph/detail/threads.hpp"

namespace slipway::langgraph::detail {

/// Of a thread, as its log tells them. For one reading of it.
class Results {
 public:
  /// Reads the whole log. `agent` outlives it.
  static Result<Results> read(Core& core, const ThreadView& thread, const agents::Agent& agent);
  /// Into the tasks of a state at a checkpoint, those that have ended.
  void put_into(Value& state, const Lineage::Point& point) const;

 private:
  explicit Results(const agents::Agent& agent) : agent_(agent) {}
  void take(const agents::Event& event);

  const agents::Agent& agent_;
  std::string at_;  ///< The checkpoint that tasks start from.
  std::map<std::string, std::map<std::string, Value>> by_checkpoint_;
};

}  // namespace slipway::langgraph::detail
