// Where what an MCP call causes stands among the traces, and whom it is of: as its `_meta` says.
#pragma once

#include "http/message.hpp"
#include "mcp/server.hpp"
#include "trace/origin.hpp"

namespace slipway::app::detail {

/// Where results and refusals tell what a budget has left, in `_meta`.
inline constexpr std::string_view budget_key = "slipway/budget";

/// `traceparent`, `baggage` and `langsmith-trace` of `_meta`, and `slipway/project`, `user`,
/// `session`, `run` there, as headers of a request with its trace. What is unsound is left out.
http::Request said_by(const mcp::Call& call);
/// Of a question: a trace of its own, where nobody named one.
trace::Origin origin_of(const mcp::Call& call);

}  // namespace slipway::app::detail
