// Where a run stands among the traces, and how its followers know it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "trace/origin.hpp"

namespace slipway::agents {

struct RunPlace {
  std::string run;       ///< Its name for who follows it; empty: the thread's own.
  trace::Origin origin;  ///< Of who asked for it. No trace id: its trace is its own.
};
using RunPlacePtr = std::shared_ptr<const RunPlace>;

/// Of who asks for a run over HTTP, as its headers say: `langsmith-trace` or `traceparent`,
/// project, user, session. Nothing: they say nothing.
std::optional<trace::Origin> run_origin(const http::Request& request);

}  // namespace slipway::agents
