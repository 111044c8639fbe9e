// W3C's `traceparent`: the trace and the run that a caller stands in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::http {

struct TraceParent {
  std::string trace_id;  ///< 32 hex digits.
  std::string span_id;   ///< 16 hex digits.
};
/// Version 00, or what a later one shares with it; nothing: it is unsound.
std::optional<TraceParent> parse_traceparent(std::string_view value);

}  // namespace slipway::http
