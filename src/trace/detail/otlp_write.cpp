// Export: the same spans in protobuf and in JSON.
#include "core/hex.hpp"
#include "trace/detail/otlp_out.hpp"
#include "trace/detail/otlp_span.hpp"

namespace slipway::trace {

namespace {

using detail::OutLink;
using detail::OutResource;
using detail::OutScope;
using detail::OutSpan;
using detail::WireWriter;

constexpr std::string_view dropped_key = "otel.dropped_attributes_count";

std::uint64_t dropped_of(const Event& event) {
  const auto found = event.attributes.find(dropped_key);
  return found != event.attributes.end() && found->value().is_number()
             ? found->value().to_number<std::uint64_t>()
             : 0;
}

// ---- Protobuf --------------------------------------------------------------------------------

std::string proto_attribute(std::string_view key, const json::Value& value);

std::string proto_value(const json::Value& value) {
  WireWriter any;
  WireWriter items;
  switch (value.kind()) {
    case boost::json::kind::null: break;
    case boost::json::kind::bool_: any.present_varint(2, value.get_bool() ? 1 : 0); break;
    case boost::json::kind::int64:
      any.present_varint(3, static_cast<std::uint64_t>(value.get_int64()));
      break;
    case boost::json::kind::double_: any.present_double(4, value.get_double()); break;
    // There is no unsigned number; those below 2^63 are of the other kind.
    case boost::json::kind::uint64:
      if (const std::uint64_t number = value.get_uint64(); number >> 63 == 0)
        any.present_varint(3, number);
      else
        any.present_bytes(1, json::dump(value));
      break;
    case boost::json::kind::string: any.present_bytes(1, value.get_string()); break;
    case boost::json::kind::array:
      for (const json::Value& item : value.get_array()) items.present_bytes(1, proto_value(item));
      any.present_bytes(5, items.text());
      break;
    case boost::json::kind::object:
      for (const auto& [key, item] : value.get_object())
        items.present_bytes(1, proto_attribute(key, item));
      any.present_bytes(6, items.text());
      break;
  }
  return any.take();
}

std::string proto_attribute(std::string_view key, const json::Value& value) {
  WireWriter attribute;
  attribute.bytes(1, key);
  attribute.present_bytes(2, proto_value(value));
  return attribute.take();
}

void write_attributes(WireWriter& out, std::uint32_t number, const json::Object& attributes) {
  for (const auto& [key, value] : attributes)
    if (key != dropped_key) out.present_bytes(number, proto_attribute(key, value));
}

std::string proto_event(const Event& event) {
  WireWriter out;
  out.fixed64(1, static_cast<std::uint64_t>(event.time));
  out.bytes(2, event.name);
  write_attributes(out, 3, event.attributes);
  out.varint(4, dropped_of(event));
  return out.take();
}

std::string proto_link(const OutLink& link) {
  WireWriter out;
  out.bytes(1, hex::decode(link.trace_id));
  out.bytes(2, hex::decode(link.span_id));
  out.bytes(3, link.trace_state);
  write_attributes(out, 4, link.attributes);
  out.varint(5, link.dropped_attributes);
  out.fixed32(6, static_cast<std::uint32_t>(link.flags));
  return out.take();
}

std::string proto_span(const OutSpan& span) {
  WireWriter out;
  out.bytes(1, hex::decode(span.trace_id));
  out.bytes(2, hex::decode(span.span_id));
  out.bytes(3, span.trace_state);
  out.bytes(4, hex::decode(span.parent_id));
  out.bytes(5, span.name);
  out.varint(6, span.kind);
  out.fixed64(7, span.start);
  out.fixed64(8, span.end);
  write_attributes(out, 9, span.attributes);
  out.varint(10, span.dropped_attributes);
  for (const Event& event : span.events) out.present_bytes(11, proto_event(event));
  out.varint(12, span.dropped_events);
  for (const OutLink& link : span.links) out.present_bytes(13, proto_link(link));
  out.varint(14, span.dropped_links);
  WireWriter status;
  status.bytes(2, span.status_message);
  status.varint(3, span.status_code);
  out.bytes(15, status.text());
  out.fixed32(16, static_cast<std::uint32_t>(span.flags));
  return out.take();
}

std::string proto_scope(const OutScope& scope) {
  WireWriter described;
  described.bytes(1, scope.name);
  described.bytes(2, scope.version);
  write_attributes(described, 3, scope.attributes);
  described.varint(4, scope.dropped_attributes);
  WireWriter out;
  out.bytes(1, described.text());
  for (const OutSpan& span : scope.spans) out.present_bytes(2, proto_span(span));
  out.bytes(3, scope.schema_url);
  return out.take();
}

std::string proto_request(const std::vector<OutResource>& resources) {
  WireWriter request;
  for (const OutResource& resource : resources) {
    WireWriter described;
    write_attributes(described, 1, resource.attributes);
    described.varint(2, resource.dropped_attributes);
    WireWriter out;
    out.bytes(1, described.text());
    for (const OutScope& scope : resource.scopes) out.present_bytes(2, proto_scope(scope));
    out.bytes(3, resource.schema_url);
    request.present_bytes(1, out.text());
  }
  return request.take();
}

// ---- JSON ------------------------------------------------------------------------------------

json::Array json_attributes(const json::Object& attributes);

json::Object json_value(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: break;
    case boost::json::kind::bool_: return {{"boolValue", value}};
    case boost::json::kind::int64: return {{"intValue", json::dump(value)}};
    case boost::json::kind::double_: return {{"doubleValue", value}};
    case boost::json::kind::uint64:
      return {{value.get_uint64() >> 63 == 0 ? "intValue" : "stringValue", json::dump(value)}};
    case boost::json::kind::string: return {{"stringValue", value}};
    case boost::json::kind::array: {
      json::Array items;
      for (const json::Value& item : value.get_array()) items.push_back(json_value(item));
      json::Object list;
      list["values"] = std::move(items);
      return {{"arrayValue", std::move(list)}};
    }
    case boost::json::kind::object: {
      json::Object list;
      list["values"] = json_attributes(value.get_object());
      return {{"kvlistValue", std::move(list)}};
    }
  }
  return {};
}

json::Array json_attributes(const json::Object& attributes) {
  json::Array items;
  for (const auto& [key, value] : attributes)
    if (key != dropped_key) {
      json::Object attribute;
      attribute["key"] = key;
      attribute["value"] = json_value(value);
      items.push_back(std::move(attribute));
    }
  return items;
}

void set(json::Object& out, std::string_view key, std::string_view value) {
  if (!value.empty()) out[key] = value;
}
void set(json::Object& out, std::string_view key, std::uint64_t value) {
  if (value != 0) out[key] = value;
}
void set_time(json::Object& out, std::string_view key, std::uint64_t value) {
  if (value != 0) out[key] = std::to_string(value);
}
void set(json::Object& out, const json::Object& attributes) {
  if (json::Array items = json_attributes(attributes); !items.empty())
    out["attributes"] = std::move(items);
}

json::Object json_span(const OutSpan& span) {
  json::Object out;
  out["traceId"] = span.trace_id;
  out["spanId"] = span.span_id;
  set(out, "traceState", span.trace_state);
  set(out, "parentSpanId", span.parent_id);
  set(out, "name", span.name);
  set(out, "kind", span.kind);
  set_time(out, "startTimeUnixNano", span.start);
  set_time(out, "endTimeUnixNano", span.end);
  set(out, span.attributes);
  set(out, "droppedAttributesCount", span.dropped_attributes);
  json::Array events;
  for (const Event& event : span.events) {
    json::Object each;
    set_time(each, "timeUnixNano", static_cast<std::uint64_t>(event.time));
    set(each, "name", event.name);
    set(each, event.attributes);
    set(each, "droppedAttributesCount", dropped_of(event));
    events.push_back(std::move(each));
  }
  if (!events.empty()) out["events"] = std::move(events);
  set(out, "droppedEventsCount", span.dropped_events);
  json::Array links;
  for (const OutLink& link : span.links) {
    json::Object each{{"traceId", link.trace_id}, {"spanId", link.span_id}};
    set(each, "traceState", link.trace_state);
    set(each, link.attributes);
    set(each, "droppedAttributesCount", link.dropped_attributes);
    set(each, "flags", link.flags);
    links.push_back(std::move(each));
  }
  if (!links.empty()) out["links"] = std::move(links);
  set(out, "droppedLinksCount", span.dropped_links);
  json::Object status;
  set(status, "message", span.status_message);
  set(status, "code", span.status_code);
  if (!status.empty()) out["status"] = std::move(status);
  set(out, "flags", span.flags);
  return out;
}

json::Object json_scope(const OutScope& scope) {
  json::Object described;
  set(described, "name", scope.name);
  set(described, "version", scope.version);
  set(described, scope.attributes);
  set(described, "droppedAttributesCount", scope.dropped_attributes);
  json::Object out;
  if (!described.empty()) out["scope"] = std::move(described);
  json::Array spans;
  for (const OutSpan& span : scope.spans) spans.push_back(json_span(span));
  out["spans"] = std::move(spans);
  set(out, "schemaUrl", scope.schema_url);
  return out;
}

std::string json_request(const std::vector<OutResource>& resources) {
  json::Array all;
  for (const OutResource& resource : resources) {
    json::Object described;
    set(described, resource.attributes);
    set(described, "droppedAttributesCount", resource.dropped_attributes);
    json::Object out;
    if (!described.empty()) out["resource"] = std::move(described);
    json::Array scopes;
    for (const OutScope& scope : resource.scopes) scopes.push_back(json_scope(scope));
    out["scopeSpans"] = std::move(scopes);
    set(out, "schemaUrl", resource.schema_url);
    all.push_back(std::move(out));
  }
  json::Object request;
  request["resourceSpans"] = std::move(all);
  return json::dump(request);
}

}  // namespace

std::string encode_otlp_traces(const std::vector<RunPatch>& runs, OtlpFormat format) {
  const std::vector<OutResource> resources = detail::spans_of(runs);
  return format == OtlpFormat::json ? json_request(resources) : proto_request(resources);
}

}  // namespace slipway::trace
