#include "http/detail/identity.hpp"

#include <algorithm>

#include "http/trace_parent.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::size_t id_bytes_max = 128;

/// It comes back in a header and stands in logs: nothing that could be more than a name there.
bool is_sound_id(std::string_view id) {
  const auto is_id_character = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:/+=").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= id_bytes_max &&
         std::all_of(id.begin(), id.end(), is_id_character);
}

}  // namespace

void identify(Request& request, Random& random) {
  const std::string_view id = request.headers.get("x-request-id");
  request.id = is_sound_id(id) ? std::string(id) : make_id("req", system_clock(), random);
  if (auto parent = parse_traceparent(request.headers.get("traceparent"))) {
    request.trace_id = std::move(parent->trace_id);
    request.parent_span_id = std::move(parent->span_id);
  } else {
    request.trace_id = make_trace_id(random);
  }
}

}  // namespace slipway::http::detail
