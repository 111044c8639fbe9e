// Events of a run as they come, over HTTP.
#pragma once

#include "api/detail/agent_routes.hpp"

namespace slipway::api::detail {

/// Answers the call with the events of the run after `path.after`, each with its `id`, until the
/// run is over or waits for a person. Fails: unavailable; then nothing was answered.
Result<void> follow_run(const http::Call& call, const AgentServices& services,
                        const EventsPath& path);

}  // namespace slipway::api::detail
