// Tools that say how a call goes on, while it does.
#pragma once

#include "agents/tool.hpp"

namespace slipway::agents {

class TellingTool : public Tool {
 public:
  /// Reaches who follows the run as event `custom`, which is not kept: a map, {progress, total?,
  /// message?}. From any thread, in order, not after the call has ended. Empty: nobody listens.
  using Tell = std::function<void(const Value&)>;
  virtual ToolResult call_telling(const Context& context, const ToolCall& call,
                                  const Tell& tell) = 0;
  ToolResult call(const Context& context, const ToolCall& call) final {
    return call_telling(context, call, {});
  }
};

}  // namespace slipway::agents
