// Calls of tools in a format that shows one block after the other, while the pieces may come from
// one that mixes them.
#pragma once

#include <deque>
#include <string>

#include "dialects/chat.hpp"

namespace slipway::dialects::detail {

/// The pieces of what calls wait behind the one that is shown.
class CallQueue {
 public:
  struct Waiting {
    std::size_t index = 0;
    ToolCall call;
  };

  /// True: the call may be shown at once. False: it waits, since the one that is shown has not all
  /// of its arguments yet.
  bool open(std::size_t index, const ToolCall& call);
  /// True: the piece belongs to the call that is shown.
  bool add(std::size_t index, const std::string& piece);
  /// What waits, in order, and forgets it: the one that is shown is complete.
  std::deque<Waiting> flush();

 private:
  bool is_open_ = false;
  std::size_t open_ = 0;
  std::string arguments_;  ///< Of the call that is shown.
  std::deque<Waiting> waiting_;
};

}  // namespace slipway::dialects::detail
