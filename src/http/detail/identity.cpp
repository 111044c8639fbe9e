#include "http/detail/identity.hpp"

#include <algorithm>

namespace slipway::http::detail {

namespace {

constexpr std::size_t id_bytes_max = 128;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

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

std::optional<TraceParent> parse_traceparent(std::string_view value) {
  constexpr std::size_t size = 55;  // "00-" + 32 + "-" + 16 + "-" + 2
  if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  const std::string_view version = value.substr(0, 2);
  const std::string_view trace = value.substr(3, 32);
  const std::string_view span = value.substr(36, 16);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(span) || !is_hex(value.substr(53, 2)))
    return {};
  if (version == "ff" || is_zero(trace) || is_zero(span)) return {};
  const bool is_longer = value.size() > size;
  if (is_longer && (version == "00" || value[size] != '-')) return {};
  return TraceParent{std::string(trace), std::string(span)};
}

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
