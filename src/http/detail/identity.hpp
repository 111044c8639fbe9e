// Names of requests and traces: taken from the client when they are sound, else made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "http/message.hpp"

namespace slipway::http::detail {

/// A W3C traceparent header, version 00 or what a later one shares with it.
struct TraceParent {
  std::string trace_id;
  std::string span_id;
};
std::optional<TraceParent> parse_traceparent(std::string_view value);

/// Fills id, trace_id and parent_span_id from the headers.
void identify(Request& request, Random& random);

}  // namespace slipway::http::detail
