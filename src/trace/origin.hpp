// Where a run of our own stands and whom it belongs to, as the request that caused it says.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "http/message.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

/// What is empty was not said.
struct Origin {
  std::string trace_id;      ///< W3C's 32 hex digits, or the UUID of LangSmith's client.
  std::string parent_id;     ///< Empty: its run is the root of the trace.
  std::string parent_order;  ///< LangSmith's dotted order of that parent.
  std::string project, user_id, session_id;
  std::string key;     ///< Name of the API key.
  std::string prompt;  ///< "greeting@3": the prompt and version that the call was made of.
};

/// What says the prompt; set by what filled it in, whatever the client sent.
inline constexpr std::string_view prompt_header = "x-slipway-prompt";

/// `langsmith-trace` before `traceparent` (which the server has read); the project also by
/// LangSmith's `baggage`; then `x-slipway-project`, `-user`, `-session`, which go before what a
/// body says. Anything unsound is as if it were not there.
Origin origin_of(const http::Request& request);
/// `user`, or `metadata.user_id`, and `metadata.session_id` of a JSON body, where headers said
/// nothing. Each at most 512 bytes.
void take_body(Origin& origin, std::string_view body);
/// The same of the two members, as they are written; empty: not there.
void take_members(Origin& origin, std::string_view user, std::string_view metadata);

/// A new run below an origin.
struct Place {
  std::string id;            ///< 16 hex digits; a UUID below a run of LangSmith.
  std::string dotted_order;  ///< Empty below others.
};
Place new_place(const Origin& origin, Nanoseconds start, Random& random = system_random());
/// What runs within that run are below.
Origin below(const Origin& origin, const Place& place);
/// The patch of a run there: ids, project, user, session, start.
RunPatch patch_at(const Origin& origin, const Place& place, Nanoseconds start);

/// W3C's header for a call that goes on from that run.
std::string traceparent_of(const Origin& origin, const Place& place);

inline Nanoseconds nanoseconds(Clock::Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace slipway::trace
