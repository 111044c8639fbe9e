// Names of requests and traces: taken from the client when they are sound, else made.
#pragma once

#include "core/clock.hpp"
#include "http/message.hpp"

namespace slipway::http::detail {

/// Fills id, trace_id and parent_span_id from the headers.
void identify(Request& request, Random& random);

}  // namespace slipway::http::detail
