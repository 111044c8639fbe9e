// What both forms of OTLP are read into, and how it becomes a run.
//
// Attributes of the span keep their names. What the span did not send as an attribute of its own
// stands under "otel.": "otel.resource.KEY", "otel.scope.name", "otel.scope.version",
// "otel.scope.attributes.KEY", "otel.kind", "otel.links", "otel.trace_state", "otel.flags",
// "otel.status_code" (only an explicit "OK"), "otel.dropped_attributes_count" and the like.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/detail/protobuf.hpp"
#include "trace/otlp.hpp"

namespace slipway::trace::detail {

/// Bounds of what one request may unpack to, beside the bytes of its body.
inline constexpr std::size_t spans_per_request_max = 100'000;
/// Attributes, events, links and items of arrays together: each may cost 2 bytes of the body and a
/// hundred of memory.
inline constexpr std::size_t values_per_request_max = 3'000'000;
inline constexpr std::size_t attributes_per_span_max = 16'384;
inline constexpr std::size_t value_depth_max = 32;
/// Every span gets a copy of what its resource and scope say.
inline constexpr std::size_t copied_bytes_max = std::size_t{256} << 20;

inline constexpr std::string_view resource_prefix = "otel.resource.";
inline constexpr std::string_view scope_attribute_prefix = "otel.scope.attributes.";

struct OtlpSpan {
  std::string trace_id, span_id, parent_id;  ///< Lower-case hex; empty: none was sent.
  std::string name, trace_state, status_message;
  std::uint64_t kind = 0, status_code = 0, start = 0, end = 0, flags = 0;
  std::uint64_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  json::Object attributes;
  std::vector<Event> events;
  json::Array links;
  std::string problem;  ///< Not empty: the span is rejected, and why.
};

/// What all spans of a resource, or of a scope, have in common; keys begin with "otel.".
struct OtlpSurroundings {
  json::Object attributes;
  std::string project;                      ///< Of a resource.
  const OtlpSurroundings* outer = nullptr;  ///< Of a scope: its resource, which outlives it.
};
/// About what a copy of them takes.
std::size_t bytes_of(const OtlpSurroundings& around);

/// The attributes of a resource with their prefix, and the project that they name.
OtlpSurroundings surroundings_of(json::Object resource_attributes,
                                 const std::string& header_project);

/// Collects the spans of one request.
class OtlpSpans {
 public:
  /// False: there are too many of them.
  bool count_span() { return ++spans_ <= spans_per_request_max; }
  bool count_value() { return ++values_ <= values_per_request_max; }
  /// Of a scope, `copied` is the `bytes_of` it and its resource. Counts the span as rejected if it
  /// has a problem or its ids are not sound. False: too much would be copied.
  bool add(OtlpSpan span, const OtlpSurroundings& scope, std::size_t copied);
  OtlpBatch take();

 private:
  OtlpBatch batch_;
  std::size_t spans_ = 0, values_ = 0, copied_ = 0;
};
inline constexpr const char* too_many_spans =
    "more than 100000 spans in one request; send smaller batches";
inline constexpr const char* too_much_copied =
    "the attributes of resources and scopes, copied to each span, take more than 256 MiB; send "
    "smaller batches";
inline constexpr const char* too_many_values =
    "more than 3000000 attributes, events, links and items in one request; send smaller batches";

/// Bytes that are not UTF-8 are replaced by U+FFFD: no JSON text may hold them.
boost::json::string utf8_text(std::string_view bytes);
/// As proto3 writes it in JSON: NaN and the infinities are words.
json::Value number_value(double number);
/// What is beyond 2^63-1 becomes it.
Nanoseconds nanoseconds_of(std::uint64_t unsigned_time);
/// "internal" ... ; empty for the unspecified and the unknown.
std::string_view span_kind_name(std::uint64_t kind);
std::uint64_t span_kind_number(std::string_view name);
/// {"trace_id", "span_id", "trace_state"?, "attributes"?, ...}
struct OtlpLink {
  std::string trace_id, span_id, trace_state;
  json::Object attributes;
  std::uint64_t dropped_attributes = 0, flags = 0;
};
json::Value to_json(OtlpLink link);

/// Fails: invalid_argument with the byte.
Result<OtlpBatch> read_otlp_protobuf(std::string_view body, const std::string& project);
/// Fails: invalid_argument with the line and column, or the path.
Result<OtlpBatch> read_otlp_json(std::string_view body, const std::string& project);

}  // namespace slipway::trace::detail
