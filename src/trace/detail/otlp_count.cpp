// Metrics and logs are only counted. Source: opentelemetry/proto/{metrics,logs}/v1/*.proto.
#include "trace/detail/otlp_json.hpp"
#include "trace/detail/otlp_span.hpp"

namespace slipway::trace {

namespace {

using detail::JsonMessage;
using detail::JsonName;
using detail::JsonPath;
using detail::WireFault;
using detail::WireField;
using detail::WireReader;

/// Calls `each` with the bytes of every message of that number.
template <typename Each>
void for_each(std::string_view message, std::uint32_t number, WireFault& fault, Each each) {
  WireReader reader(message, fault);
  for (WireField field; reader.next(field);)
    if (field.is_bytes(number)) each(field.bytes);
}

/// All fields, so that what is no message is found.
std::int64_t count_fields(std::string_view message, std::uint32_t number, WireFault& fault) {
  std::int64_t count = 0;
  for_each(message, number, fault, [&](std::string_view item) {
    ++count;
    for_each(item, 0, fault, [](std::string_view) {});
  });
  return count;
}

/// Gauge, sum, histogram, exponential histogram and summary keep their points in field 1.
std::int64_t count_points(std::string_view metric, WireFault& fault) {
  std::int64_t count = 0;
  WireReader reader(metric, fault);
  for (WireField field; reader.next(field);)
    for (const std::uint32_t kind : {5U, 7U, 9U, 10U, 11U})
      if (field.is_bytes(kind)) count += count_fields(field.bytes, 1, fault);
  return count;
}

Result<std::int64_t> count_protobuf(std::string_view body, OtlpSignal signal) {
  WireFault fault(body);
  std::int64_t count = 0;
  for_each(body, 1, fault, [&](std::string_view of_resource) {
    for_each(of_resource, 2, fault, [&](std::string_view of_scope) {
      if (signal == OtlpSignal::logs)
        count += count_fields(of_scope, 2, fault);
      else
        for_each(of_scope, 2, fault,
                 [&](std::string_view metric) { count += count_points(metric, fault); });
    });
  });
  if (fault.is_set()) return fault.error();
  return count;
}

Result<void> count_json_points(const JsonMessage& metric, std::int64_t& count) {
  for (const JsonName kind :
       {JsonName{"gauge", "gauge"}, JsonName{"sum", "sum"}, JsonName{"histogram", "histogram"},
        JsonName{"exponentialHistogram", "exponential_histogram"}, JsonName{"summary", "summary"}})
    TRY(metric.message(kind, [&](const JsonMessage& data) {
      return data.messages({"dataPoints", "data_points"}, [&](const JsonMessage&) -> Result<void> {
        ++count;
        return {};
      });
    }));
  return {};
}

struct JsonNames {
  JsonName of_resource, of_scope, items;
};

Result<std::int64_t> count_json(std::string_view body, OtlpSignal signal) {
  const bool is_logs = signal == OtlpSignal::logs;
  const JsonNames names = is_logs ? JsonNames{{"resourceLogs", "resource_logs"},
                                              {"scopeLogs", "scope_logs"},
                                              {"logRecords", "log_records"}}
                                  : JsonNames{{"resourceMetrics", "resource_metrics"},
                                              {"scopeMetrics", "scope_metrics"},
                                              {"metrics", "metrics"}};
  boost::json::monotonic_resource memory;
  const json::Value value = TRY(detail::parse_otlp_json(body, &memory));
  const JsonPath root;
  if (!value.is_object()) return JsonMessage::expected(root, "an object", value);
  std::int64_t count = 0;
  const auto read_item = [&](const JsonMessage& item) -> Result<void> {
    if (!is_logs) return count_json_points(item, count);
    ++count;
    return {};
  };
  TRY(JsonMessage(value.get_object(), root)
          .messages(names.of_resource, [&](const JsonMessage& of_resource) {
            return of_resource.messages(names.of_scope, [&](const JsonMessage& of_scope) {
              return of_scope.messages(names.items, read_item);
            });
          }));
  return count;
}

Result<std::int64_t> count(std::string_view body, OtlpFormat format, OtlpSignal signal) {
  return format == OtlpFormat::json ? count_json(body, signal) : count_protobuf(body, signal);
}

}  // namespace

Result<std::int64_t> count_otlp_metrics(std::string_view body, OtlpFormat format) {
  return count(body, format, OtlpSignal::metrics);
}

Result<std::int64_t> count_otlp_logs(std::string_view body, OtlpFormat format) {
  return count(body, format, OtlpSignal::logs);
}

}  // namespace slipway::trace
