#include "dialects/detail/call_queue.hpp"

#include <utility>

namespace slipway::dialects::detail {

bool CallQueue::open(std::size_t index, const ToolCall& call) {
  const bool must_wait = is_open_ && (!waiting_.empty() || !json::parse(arguments_));
  if (must_wait) {
    waiting_.push_back({index, call});
    return false;
  }
  is_open_ = true;
  open_ = index;
  arguments_ = call.arguments;
  return true;
}

bool CallQueue::add(std::size_t index, const std::string& piece) {
  for (Waiting& waiting : waiting_) {
    if (waiting.index != index) continue;
    waiting.call.arguments += piece;
    return false;
  }
  if (!is_open_ || open_ != index) return false;  // Of no call that began.
  arguments_ += piece;
  return true;
}

std::deque<CallQueue::Waiting> CallQueue::flush() {
  is_open_ = false;
  arguments_.clear();
  return std::exchange(waiting_, {});
}

}  // namespace slipway::dialects::detail
