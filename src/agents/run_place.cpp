#include "agents/run_place.hpp"

namespace slipway::agents {

std::optional<trace::Origin> run_origin(const http::Request& request) {
  trace::Origin origin = trace::origin_of(request);
  // A trace that nobody has named is not anybody's.
  if (origin.parent_id.empty()) origin.trace_id.clear();
  origin.prompt.clear();
  const bool says_something = !origin.trace_id.empty() || !origin.project.empty() ||
                              !origin.user_id.empty() || !origin.session_id.empty();
  return says_something ? std::optional(std::move(origin)) : std::nullopt;
}

}  // namespace slipway::agents
