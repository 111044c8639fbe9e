#include "trace/detail/otlp_json.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "core/ascii.hpp"
#include "trace/detail/otlp_span.hpp"

namespace slipway::trace::detail {

namespace {

/// Four levels for one of an AnyValue, and those above the attributes.
constexpr std::size_t json_depth_max = 4 * value_depth_max + 32;

const std::vector<std::string_view>& span_kinds() {
  static const std::vector<std::string_view> names{"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                                   "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                                   "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
  return names;
}

const std::vector<std::string_view>& status_codes() {
  static const std::vector<std::string_view> names{"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                                   "STATUS_CODE_ERROR"};
  return names;
}

/// Numbers that are whole, as a number or in a string.
std::optional<std::int64_t> whole_number(const json::Value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double() && json::detail::is_whole<std::int64_t>(value.get_double()))
    return static_cast<std::int64_t>(value.get_double());
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> unsigned_number(const json::Value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
    return std::nullopt;
  }
  const auto number = whole_number(value);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<json::Value> double_value(const json::Value& value) {
  if (value.is_number()) return number_value(value.to_number<double>());
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return json::Value(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number_value(number);
}

/// Of either alphabet, padded or not, to the usual one with padding.
std::optional<std::string> same_base64(std::string_view text) {
  std::string out(text);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (!is_digit) return std::nullopt;
  }
  if (out.size() % 4 == 1) return std::nullopt;
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

/// An id in small letters; one that is far too long need not be kept whole to be refused.
std::string lower_id(std::string_view text) { return ascii::lower(text.substr(0, 200)); }

class JsonTraces {
 public:
  explicit JsonTraces(const std::string& project) : project_(project) {}

  Result<OtlpBatch> read(const json::Value& body) {
    const JsonPath root;
    if (!body.is_object()) return JsonMessage::expected(root, "an object", body);
    TRY(JsonMessage(body.get_object(), root)
            .messages({"resourceSpans", "resource_spans"},
                      [&](const JsonMessage& each) { return read_resource_spans(each); }));
    return spans_.take();
  }

 private:
  Result<void> read_resource_spans(const JsonMessage& message);
  Result<void> read_scope_spans(const JsonMessage& message, const OtlpSurroundings& of_resource);
  Result<void> read_scope(const JsonMessage& message, json::Object& around);
  Result<void> read_span(const JsonMessage& message, const OtlpSurroundings& around);
  Result<void> read_parts(const JsonMessage& message, OtlpSpan& span);
  Result<void> read_event(const JsonMessage& message, OtlpSpan& span);
  Result<void> read_link(const JsonMessage& message, OtlpSpan& span);
  Result<void> read_attributes(const JsonMessage& message, JsonName name, json::Object& attributes,
                               std::size_t depth);
  Result<json::Value> read_value(const JsonMessage& message, std::size_t depth);
  Result<json::Value> read_scalar(const JsonMessage& message);
  Result<json::Value> read_array(const JsonMessage& message, std::size_t depth);
  Result<void> count_value() {
    if (spans_.count_value()) return {};
    return fail(Code::invalid_argument, "{}", too_many_values);
  }

  const std::string& project_;
  OtlpSpans spans_;
  bool is_too_deep_ = false;  ///< Something in the span that is read.
  bool is_too_wide_ = false;  ///< The same.
  std::size_t copied_of_resource_ = 0, copied_ = 0;
};

Result<void> set_number(json::Object& object, std::string_view key, Result<std::uint64_t> number) {
  if (const std::uint64_t value = TRY(std::move(number)); value != 0) object[key] = value;
  return {};
}

Result<void> set_text(json::Object& object, std::string_view key, Result<std::string_view> text) {
  if (const std::string_view value = TRY(std::move(text)); !value.empty()) object[key] = value;
  return {};
}

Result<void> JsonTraces::read_resource_spans(const JsonMessage& message) {
  json::Object attributes;
  json::Object others;
  TRY(message.message({"resource", "resource"}, [&](const JsonMessage& resource) -> Result<void> {
    TRY(read_attributes(resource, {"attributes", "attributes"}, attributes, 0));
    return set_number(others, "otel.resource_dropped_attributes_count",
                      resource.number({"droppedAttributesCount", "dropped_attributes_count"}));
  }));
  TRY(set_text(others, "otel.resource_schema_url", message.text({"schemaUrl", "schema_url"})));
  OtlpSurroundings around = surroundings_of(std::move(attributes), project_);
  for (auto& [key, value] : others) around.attributes[key] = std::move(value);
  copied_of_resource_ = bytes_of(around);
  return message.messages({"scopeSpans", "scope_spans"},
                          [&](const JsonMessage& each) { return read_scope_spans(each, around); });
}

Result<void> JsonTraces::read_scope(const JsonMessage& message, json::Object& around) {
  TRY(set_text(around, "otel.scope.name", message.text({"name", "name"})));
  TRY(set_text(around, "otel.scope.version", message.text({"version", "version"})));
  TRY(set_number(around, "otel.scope.dropped_attributes_count",
                 message.number({"droppedAttributesCount", "dropped_attributes_count"})));
  json::Object attributes;
  TRY(read_attributes(message, {"attributes", "attributes"}, attributes, 0));
  for (auto& [key, value] : attributes)
    around[std::string(scope_attribute_prefix).append(key)] = std::move(value);
  return {};
}

Result<void> JsonTraces::read_scope_spans(const JsonMessage& message,
                                          const OtlpSurroundings& of_resource) {
  OtlpSurroundings around;
  around.outer = &of_resource;
  TRY(message.message({"scope", "scope"}, [&](const JsonMessage& scope) {
    return read_scope(scope, around.attributes);
  }));
  TRY(set_text(around.attributes, "otel.scope.schema_url",
               message.text({"schemaUrl", "schema_url"})));
  copied_ = copied_of_resource_ + bytes_of(around);
  return message.messages({"spans", "spans"},
                          [&](const JsonMessage& span) { return read_span(span, around); });
}

Result<void> JsonTraces::read_parts(const JsonMessage& message, OtlpSpan& span) {
  TRY(read_attributes(message, {"attributes", "attributes"}, span.attributes, 0));
  TRY(message.messages({"events", "events"},
                       [&](const JsonMessage& event) { return read_event(event, span); }));
  TRY(message.messages({"links", "links"},
                       [&](const JsonMessage& link) { return read_link(link, span); }));
  return message.message({"status", "status"}, [&](const JsonMessage& status) -> Result<void> {
    span.status_message = TRY(status.text({"message", "message"}));
    span.status_code = TRY(status.enumerator({"code", "code"}, status_codes()));
    return {};
  });
}

Result<void> JsonTraces::read_span(const JsonMessage& message, const OtlpSurroundings& around) {
  if (!spans_.count_span()) return fail(Code::invalid_argument, "{}", too_many_spans);
  OtlpSpan span;
  is_too_deep_ = is_too_wide_ = false;
  span.trace_id = lower_id(TRY(message.text({"traceId", "trace_id"})));
  span.span_id = lower_id(TRY(message.text({"spanId", "span_id"})));
  span.parent_id = lower_id(TRY(message.text({"parentSpanId", "parent_span_id"})));
  // Some clients send zeros for "none".
  if (span.parent_id.find_first_not_of('0') == std::string::npos) span.parent_id.clear();
  span.trace_state = TRY(message.text({"traceState", "trace_state"}));
  span.name = TRY(message.text({"name", "name"}));
  span.kind = TRY(message.enumerator({"kind", "kind"}, span_kinds()));
  span.start = TRY(message.number({"startTimeUnixNano", "start_time_unix_nano"}));
  span.end = TRY(message.number({"endTimeUnixNano", "end_time_unix_nano"}));
  span.flags = TRY(message.number({"flags", "flags"}));
  span.dropped_attributes =
      TRY(message.number({"droppedAttributesCount", "dropped_attributes_count"}));
  span.dropped_events = TRY(message.number({"droppedEventsCount", "dropped_events_count"}));
  span.dropped_links = TRY(message.number({"droppedLinksCount", "dropped_links_count"}));
  TRY(read_parts(message, span));
  if (is_too_wide_)
    span.problem = fmt::format("it has more than {} attributes", attributes_per_span_max);
  if (is_too_deep_)
    span.problem = fmt::format("a value is nested more than {} levels deep", value_depth_max);
  if (!spans_.add(std::move(span), around, copied_))
    return fail(Code::invalid_argument, "{}", too_much_copied);
  return {};
}

Result<void> JsonTraces::read_event(const JsonMessage& message, OtlpSpan& span) {
  TRY(count_value());
  Event event;
  event.name = TRY(message.text({"name", "name"}));
  event.time = nanoseconds_of(TRY(message.number({"timeUnixNano", "time_unix_nano"})));
  TRY(read_attributes(message, {"attributes", "attributes"}, event.attributes, 0));
  TRY(set_number(event.attributes, "otel.dropped_attributes_count",
                 message.number({"droppedAttributesCount", "dropped_attributes_count"})));
  span.events.push_back(std::move(event));
  return {};
}

Result<void> JsonTraces::read_link(const JsonMessage& message, OtlpSpan& span) {
  TRY(count_value());
  OtlpLink link;
  link.trace_id = lower_id(TRY(message.text({"traceId", "trace_id"})));
  link.span_id = lower_id(TRY(message.text({"spanId", "span_id"})));
  link.trace_state = TRY(message.text({"traceState", "trace_state"}));
  TRY(read_attributes(message, {"attributes", "attributes"}, link.attributes, 0));
  link.dropped_attributes =
      TRY(message.number({"droppedAttributesCount", "dropped_attributes_count"}));
  link.flags = TRY(message.number({"flags", "flags"}));
  span.links.push_back(to_json(std::move(link)));
  return {};
}

Result<void> JsonTraces::read_attributes(const JsonMessage& message, JsonName name,
                                         json::Object& attributes, std::size_t depth) {
  return message.messages(name, [&](const JsonMessage& attribute) -> Result<void> {
    TRY(count_value());
    if (attributes.size() >= attributes_per_span_max) {
      is_too_wide_ = true;
      return {};
    }
    const std::string_view key = TRY(attribute.text({"key", "key"}));
    json::Value value;
    TRY(attribute.message({"value", "value"}, [&](const JsonMessage& any) -> Result<void> {
      value = TRY(read_value(any, depth));
      return {};
    }));
    attributes.insert_or_assign(key, std::move(value));
    return {};
  });
}

Result<json::Value> JsonTraces::read_value(const JsonMessage& message, std::size_t depth) {
  json::Value value = TRY(read_scalar(message));
  TRY(message.message({"arrayValue", "array_value"}, [&](const JsonMessage& array) -> Result<void> {
    value = TRY(read_array(array, depth + 1));
    return {};
  }));
  TRY(message.message({"kvlistValue", "kvlist_value"}, [&](const JsonMessage& map) -> Result<void> {
    json::Object object;
    if (depth + 1 > value_depth_max)
      is_too_deep_ = true;
    else
      TRY(read_attributes(map, {"values", "values"}, object, depth + 1));
    value = std::move(object);
    return {};
  }));
  return value;
}

Result<json::Value> JsonTraces::read_scalar(const JsonMessage& message) {
  const auto wrong = [&](JsonName name, std::string_view what, const json::Value& got) {
    return JsonMessage::expected(JsonPath{&message.path(), name.camel}, what, got);
  };
  if (const JsonName name{"stringValue", "string_value"}; const auto* found = message.find(name)) {
    if (found->is_string()) return json::Value(std::string_view(found->get_string()));
    return wrong(name, "a string", *found);
  }
  if (const JsonName name{"intValue", "int_value"}; const auto* found = message.find(name)) {
    if (const auto number = whole_number(*found)) return json::Value(*number);
    return wrong(name, "a whole number of 64 bits", *found);
  }
  if (const JsonName name{"boolValue", "bool_value"}; const auto* found = message.find(name)) {
    if (found->is_bool()) return json::Value(found->get_bool());
    return wrong(name, "true or false", *found);
  }
  if (const JsonName name{"doubleValue", "double_value"}; const auto* found = message.find(name)) {
    if (auto number = double_value(*found)) return *std::move(number);
    return wrong(name, "a number", *found);
  }
  if (const JsonName name{"bytesValue", "bytes_value"}; const auto* found = message.find(name)) {
    if (found->is_string())
      if (const auto bytes = same_base64(found->get_string())) return json::Value(*bytes);
    return wrong(name, "bytes in base64", *found);
  }
  return json::Value();
}

Result<json::Value> JsonTraces::read_array(const JsonMessage& message, std::size_t depth) {
  json::Array items;
  if (depth > value_depth_max) {
    is_too_deep_ = true;
    return json::Value(items);
  }
  TRY(message.messages({"values", "values"}, [&](const JsonMessage& item) -> Result<void> {
    TRY(count_value());
    items.push_back(TRY(read_value(item, depth)));
    return {};
  }));
  return json::Value(std::move(items));
}

}  // namespace

std::string JsonPath::text() const {
  if (!parent) return "$";
  if (key.empty()) return fmt::format("{}[{}]", parent->text(), index);
  return fmt::format("{}.{}", parent->text(), key);
}

const json::Value* JsonMessage::find(JsonName name) const {
  auto found = object_.find(name.camel);
  if (found == object_.end() && name.camel != name.snake) found = object_.find(name.snake);
  return found == object_.end() || found->value().is_null() ? nullptr : &found->value();
}

Error JsonMessage::expected(const JsonPath& path, std::string_view what, const json::Value& got) {
  return json::detail::expected(path.text(), what, got);
}

Result<std::string_view> JsonMessage::text(JsonName name) const {
  const json::Value* const value = find(name);
  if (!value) return std::string_view("");
  if (!value->is_string()) return expected({&path_, name.camel}, "a string", *value);
  return std::string_view(value->get_string());
}

Result<std::uint64_t> JsonMessage::number(JsonName name) const {
  const json::Value* const value = find(name);
  if (!value) return std::uint64_t{0};
  if (const auto number = unsigned_number(*value)) return *number;
  return expected({&path_, name.camel}, "a whole number, 0 or more", *value);
}

Result<std::uint64_t> JsonMessage::enumerator(JsonName name,
                                              const std::vector<std::string_view>& names) const {
  const json::Value* const value = find(name);
  if (!value) return std::uint64_t{0};
  if (value->is_string())
    for (std::size_t i = 0; i < names.size(); ++i)
      if (value->get_string() == names[i]) return std::uint64_t{i};
  if (const auto number = unsigned_number(*value)) return *number;
  return expected({&path_, name.camel},
                  fmt::format("a number or one of {}", fmt::join(names, ", ")), *value);
}

Result<json::Value> parse_otlp_json(std::string_view body, boost::json::storage_ptr memory) {
  boost::json::parse_options options;
  options.max_depth = json_depth_max;
  boost::json::parser parser({}, options);
  parser.reset(std::move(memory));
  boost::system::error_code error;
  const std::size_t used = parser.write_some(body.data(), body.size(), error);
  if (!error && body.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    error = boost::json::error::extra_data;
  if (!error) return parser.release();
  const std::string_view before = body.substr(0, used);
  const auto last_break = before.rfind('\n');
  return fail(Code::invalid_argument, "not valid JSON at line {}, column {}: {}",
              1 + std::count(before.begin(), before.end(), '\n'),
              1 + before.size() - (last_break == std::string_view::npos ? 0 : last_break + 1),
              error.message());
}

Result<OtlpBatch> read_otlp_json(std::string_view body, const std::string& project) {
  boost::json::monotonic_resource memory;
  const json::Value value = TRY(parse_otlp_json(body, &memory));
  return JsonTraces(project).read(value);
}

}  // namespace slipway::trace::detail
