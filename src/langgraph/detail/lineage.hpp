// The history of a thread as LangGraph tells it: checkpoints with parents, sources and numbers.
//
// An input is two checkpoints there: "input", before anything has read it, and "loop", when START's
// edges have been followed. Here it is one; the first of the two is told with its own id
// (`before_input`), and going on from it is going on from the other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/runtime.hpp"
#include "langgraph/detail/messages.hpp"

namespace slipway::langgraph::detail {

/// For one reading of it.
class Lineage {
 public:
  struct Point {
    std::string id, parent;  ///< Of a checkpoint; empty: none.
    std::string run;
    std::string source;  ///< input, loop, update, fork
    int number = 0;      ///< -1 is the first input.
    std::int64_t time_ms = 0;
    Value values;  ///< As clients read it.
    std::vector<std::string> next;
    std::vector<agents::Interrupt> interrupts;
  };
  /// `history` as the runtime has it: newest first.
  Lineage(const agents::Agent& agent, std::string thread,
          const std::vector<agents::HistoryEntry>& history);

  /// Newest first.
  const std::vector<Point>& points() const { return points_; }
  const Point* find(const std::string& id) const;
  const Point* newest() const { return points_.empty() ? nullptr : &points_.front(); }
  const std::string& thread() const { return thread_; }
  /// What is added to a superstep of the newest run to get its number.
  int base() const { return base_; }

  /// Always the same of one task at one place in the history; `name` "draft" or "draft[2]".
  std::string task_id(int number, const std::string& name) const;
  /// The checkpoint that the runtime knows by an id that a client has.
  static std::string runtime_id(const std::string& id);

 private:
  std::string thread_;
  std::vector<Point> points_;
  std::map<std::string, std::size_t> places_;
  int base_ = 0;
};

/// "draft" of "draft[2]".
std::string node_name(const std::string& task);

}  // namespace slipway::langgraph::detail
