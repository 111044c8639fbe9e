// Where runs stand, as LangSmith's clients want to know it: the ids of their projects, their
// orders, their ancestors.
#pragma once

#include <map>
#include <string>

#include "trace/detail/langsmith_wire.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

/// For the runs of one reply: asks for each project and each tree once.
class Places {
 public:
  /// What `services` refers to must outlive it.
  static Result<Places> make(const Context& context, const Services& services);
  /// Asks for the feedback, attachments and shares of these runs, all at once.
  Result<void> learn(const Context& context, const std::vector<Run>& runs);
  Result<LangSmithPlace> of(const Context& context, const Run& run);

 private:
  explicit Places(const Services& services)
      : services_(services), sessions_(&services.sessions), orders_(services.store) {}
  Services services_;
  Sessions* sessions_;
  std::map<std::string, std::string> session_ids_;  ///< By name.
  DottedOrders orders_;
  // By run id.
  std::map<std::string, std::string> feedback_, attachments_, shares_;
};

}  // namespace slipway::trace::detail
