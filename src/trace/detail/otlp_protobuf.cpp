// Source: opentelemetry/proto/{collector/trace,trace,resource,common}/v1/*.proto 1.10; the numbers
// below are theirs.
#include "core/base64.hpp"
#include "core/hex.hpp"
#include "trace/detail/otlp_span.hpp"

namespace slipway::trace::detail {

namespace {

class ProtobufTraces {
 public:
  ProtobufTraces(std::string_view body, const std::string& project)
      : body_(body), project_(project), fault_(body) {}

  Result<OtlpBatch> read() {
    WireReader reader(body_, fault_);
    for (WireField field; reader.next(field);)
      if (field.is_bytes(1)) read_resource_spans(field.bytes);
    if (fault_.is_set()) return fault_.error();
    return spans_.take();
  }

 private:
  void read_resource_spans(std::string_view message);
  void read_scope_spans(std::string_view message, const OtlpSurroundings& of_resource);
  void read_scope(std::string_view message, json::Object& around);
  void read_span(std::string_view message, const OtlpSurroundings& around);
  void read_part(const WireField& field, OtlpSpan& span);
  void read_event(std::string_view message, OtlpSpan& span);
  void read_link(std::string_view message, OtlpSpan& span);
  void read_attribute(std::string_view message, json::Object& attributes, std::size_t depth);
  json::Value read_value(std::string_view message, std::size_t depth);
  json::Value read_array(std::string_view message, std::size_t depth);
  json::Value read_map(std::string_view message, std::size_t depth);
  void count_value(std::string_view at) {
    if (!spans_.count_value()) fault_.set(at.data(), too_many_values);
  }

  std::string_view body_;
  const std::string& project_;
  WireFault fault_;
  OtlpSpans spans_;
  bool is_too_deep_ = false;  ///< Something in the span that is read.
  bool is_too_wide_ = false;  ///< The same.
  std::size_t copied_of_resource_ = 0, copied_ = 0;
};

void ProtobufTraces::read_resource_spans(std::string_view message) {
  json::Object attributes;
  json::Object others;
  WireField field;
  WireReader first(message, fault_);
  while (first.next(field)) {
    if (field.is_bytes(3) && !field.bytes.empty())
      others["otel.resource_schema_url"] = utf8_text(field.bytes);
    if (!field.is_bytes(1)) continue;
    WireReader resource(field.bytes, fault_);
    while (resource.next(field)) {
      if (field.is_bytes(1)) read_attribute(field.bytes, attributes, 0);
      if (field.is_varint(2) && field.value != 0)
        others["otel.resource_dropped_attributes_count"] = field.value;
    }
  }
  OtlpSurroundings around = surroundings_of(std::move(attributes), project_);
  for (auto& [key, value] : others) around.attributes[key] = std::move(value);
  copied_of_resource_ = bytes_of(around);
  WireReader second(message, fault_);
  while (second.next(field))
    if (field.is_bytes(2)) read_scope_spans(field.bytes, around);
}

void ProtobufTraces::read_scope(std::string_view message, json::Object& around) {
  json::Object attributes;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (field.is_bytes(1)) around["otel.scope.name"] = utf8_text(field.bytes);
    if (field.is_bytes(2)) around["otel.scope.version"] = utf8_text(field.bytes);
    if (field.is_bytes(3)) read_attribute(field.bytes, attributes, 0);
    if (field.is_varint(4) && field.value != 0)
      around["otel.scope.dropped_attributes_count"] = field.value;
  }
  for (auto& [key, value] : attributes)
    around[std::string(scope_attribute_prefix).append(key)] = std::move(value);
}

void ProtobufTraces::read_scope_spans(std::string_view message,
                                      const OtlpSurroundings& of_resource) {
  OtlpSurroundings around;
  around.outer = &of_resource;
  WireField field;
  WireReader first(message, fault_);
  while (first.next(field)) {
    if (field.is_bytes(1)) read_scope(field.bytes, around.attributes);
    if (field.is_bytes(3) && !field.bytes.empty())
      around.attributes["otel.scope.schema_url"] = utf8_text(field.bytes);
  }
  copied_ = copied_of_resource_ + bytes_of(around);
  WireReader second(message, fault_);
  while (second.next(field))
    if (field.is_bytes(2)) read_span(field.bytes, around);
}

void ProtobufTraces::read_span(std::string_view message, const OtlpSurroundings& around) {
  if (!spans_.count_span()) return fault_.set(message.data(), too_many_spans);
  OtlpSpan span;
  is_too_deep_ = is_too_wide_ = false;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    switch (field.type) {
      case WireType::bytes: read_part(field, span); break;
      case WireType::fixed64:
        if (field.number == 7) span.start = field.value;
        if (field.number == 8) span.end = field.value;
        break;
      case WireType::fixed32:
        if (field.number == 16) span.flags = field.value;
        break;
      case WireType::varint:
        if (field.number == 6) span.kind = field.value;
        if (field.number == 10) span.dropped_attributes = field.value;
        if (field.number == 12) span.dropped_events = field.value;
        if (field.number == 14) span.dropped_links = field.value;
        break;
    }
  }
  if (is_too_wide_)
    span.problem = fmt::format("it has more than {} attributes", attributes_per_span_max);
  if (is_too_deep_)
    span.problem = fmt::format("a value is nested more than {} levels deep", value_depth_max);
  if (!fault_.is_set() && !spans_.add(std::move(span), around, copied_))
    fault_.set(message.data(), too_much_copied);
}

void ProtobufTraces::read_part(const WireField& field, OtlpSpan& span) {
  switch (field.number) {
    case 1: span.trace_id = hex::encode(field.bytes.substr(0, 100)); break;
    case 2: span.span_id = hex::encode(field.bytes.substr(0, 100)); break;
    case 3: span.trace_state = field.bytes; break;
    case 4:
      // Some clients send zeros for "none".
      span.parent_id = field.bytes.find_first_not_of('\0') == std::string_view::npos
                           ? ""
                           : hex::encode(field.bytes.substr(0, 100));
      break;
    case 5: span.name = std::string_view(utf8_text(field.bytes)); break;
    case 9: read_attribute(field.bytes, span.attributes, 0); break;
    case 11: read_event(field.bytes, span); break;
    case 13: read_link(field.bytes, span); break;
    case 15: {
      WireReader status(field.bytes, fault_);
      for (WireField part; status.next(part);) {
        if (part.is_bytes(2)) span.status_message = part.bytes;
        if (part.is_varint(3)) span.status_code = part.value;
      }
      break;
    }
    default: break;
  }
}

void ProtobufTraces::read_event(std::string_view message, OtlpSpan& span) {
  count_value(message);
  Event event;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (field.is(1, WireType::fixed64)) event.time = nanoseconds_of(field.value);
    if (field.is_bytes(2)) event.name = std::string_view(utf8_text(field.bytes));
    if (field.is_bytes(3)) read_attribute(field.bytes, event.attributes, 0);
    if (field.is_varint(4) && field.value != 0)
      event.attributes["otel.dropped_attributes_count"] = field.value;
  }
  span.events.push_back(std::move(event));
}

void ProtobufTraces::read_link(std::string_view message, OtlpSpan& span) {
  count_value(message);
  OtlpLink link;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (field.is_bytes(1)) link.trace_id = hex::encode(field.bytes.substr(0, 100));
    if (field.is_bytes(2)) link.span_id = hex::encode(field.bytes.substr(0, 100));
    if (field.is_bytes(3)) link.trace_state = field.bytes;
    if (field.is_bytes(4)) read_attribute(field.bytes, link.attributes, 0);
    if (field.is_varint(5)) link.dropped_attributes = field.value;
    if (field.is(6, WireType::fixed32)) link.flags = field.value;
  }
  span.links.push_back(to_json(std::move(link)));
}

void ProtobufTraces::read_attribute(std::string_view message, json::Object& attributes,
                                    std::size_t depth) {
  count_value(message);
  if (attributes.size() >= attributes_per_span_max) {
    is_too_wide_ = true;
    return;
  }
  std::string_view key = "";
  std::string_view value = "";
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (field.is_bytes(1)) key = field.bytes;
    if (field.is_bytes(2)) value = field.bytes;
  }
  if (!fault_.is_set()) attributes.insert_or_assign(utf8_text(key), read_value(value, depth));
}

json::Value ProtobufTraces::read_value(std::string_view message, std::size_t depth) {
  json::Value value;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (field.is_bytes(1)) value = utf8_text(field.bytes);
    if (field.is_varint(2)) value = field.value != 0;
    if (field.is_varint(3)) value = static_cast<std::int64_t>(field.value);
    if (field.is(4, WireType::fixed64)) value = number_value(field.as_double());
    if (field.is_bytes(5)) value = read_array(field.bytes, depth + 1);
    if (field.is_bytes(6)) value = read_map(field.bytes, depth + 1);
    if (field.is_bytes(7)) value = base64(field.bytes);
  }
  return value;
}

json::Value ProtobufTraces::read_array(std::string_view message, std::size_t depth) {
  if (depth > value_depth_max) {
    is_too_deep_ = true;
    return {};
  }
  json::Array items;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);) {
    if (!field.is_bytes(1)) continue;
    count_value(field.bytes);
    if (!fault_.is_set()) items.push_back(read_value(field.bytes, depth));
  }
  return items;
}

json::Value ProtobufTraces::read_map(std::string_view message, std::size_t depth) {
  if (depth > value_depth_max) {
    is_too_deep_ = true;
    return {};
  }
  json::Object object;
  WireReader reader(message, fault_);
  for (WireField field; reader.next(field);)
    if (field.is_bytes(1)) read_attribute(field.bytes, object, depth);
  return object;
}

}  // namespace

Result<OtlpBatch> read_otlp_protobuf(std::string_view body, const std::string& project) {
  return ProtobufTraces(body, project).read();
}

}  // namespace slipway::trace::detail
