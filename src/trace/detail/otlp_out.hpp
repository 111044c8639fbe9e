// Runs as OTLP has them, before they are written in one form or the other.
#pragma once

#include <string>
#include <vector>

#include "trace/run.hpp"

namespace slipway::trace::detail {

struct OutLink {
  std::string trace_id, span_id, trace_state;
  json::Object attributes;
  std::uint64_t dropped_attributes = 0, flags = 0;
};

struct OutSpan {
  std::string trace_id, span_id, parent_id;  ///< Hexadecimal; the parent's may be empty.
  std::string name, trace_state, status_message;
  std::uint64_t kind = 1, status_code = 0, start = 0, end = 0, flags = 0;
  std::uint64_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  json::Object attributes;
  std::vector<Event> events;
  std::vector<OutLink> links;
};

struct OutScope {
  std::string name, version, schema_url;
  json::Object attributes;
  std::uint64_t dropped_attributes = 0;
  std::vector<OutSpan> spans;
};

struct OutResource {
  json::Object attributes;
  std::string schema_url;
  std::uint64_t dropped_attributes = 0;
  std::vector<OutScope> scopes;
};

/// Spans of one resource and scope together, in the order of their first.
std::vector<OutResource> spans_of(const std::vector<RunPatch>& runs);

}  // namespace slipway::trace::detail
