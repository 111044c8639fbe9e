// Where runs stand, as LangSmith's clients want to know it: the ids of their projects, their
// orders, their ancestors.
#pragma once

#include <map>
#include <string>

#include "trace/detail/langsmith_wire.hpp"
#include "trace/sessions.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

/// For the runs of one reply: asks for each project and each tree once.
class Places {
 public:
  /// Both must outlive it.
  static Result<Places> make(const Context& context, TraceStore& store, Sessions& sessions);
  Result<LangSmithPlace> of(const Context& context, const Run& run);

 private:
  Places(TraceStore& store, Sessions& sessions) : sessions_(&sessions), orders_(store) {}
  Sessions* sessions_;
  std::map<std::string, std::string> session_ids_;  ///< By name.
  DottedOrders orders_;
};

}  // namespace slipway::trace::detail
