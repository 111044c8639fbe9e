#include "trace/otlp.hpp"

#include "trace/detail/otlp_span.hpp"

namespace slipway::trace {

namespace {

std::string_view rejected_name(OtlpSignal signal) {
  switch (signal) {
    case OtlpSignal::metrics: return "rejectedDataPoints";
    case OtlpSignal::logs: return "rejectedLogRecords";
    case OtlpSignal::traces: break;
  }
  return "rejectedSpans";
}

}  // namespace

Result<OtlpBatch> decode_otlp_traces(std::string_view body, OtlpFormat format,
                                     const std::string& project) {
  return format == OtlpFormat::json ? detail::read_otlp_json(body, project)
                                    : detail::read_otlp_protobuf(body, project);
}

std::string otlp_reply(OtlpSignal signal, OtlpFormat format, std::int64_t rejected,
                       const std::string& message) {
  const bool is_partial = rejected > 0 || !message.empty();
  if (format == OtlpFormat::json) {
    json::Object reply;
    if (is_partial) {
      json::Object partial;
      // 64 bits are a string in proto3's JSON.
      if (rejected > 0) partial[rejected_name(signal)] = std::to_string(rejected);
      if (!message.empty()) partial["errorMessage"] = message;
      reply["partialSuccess"] = std::move(partial);
    }
    return json::dump(reply);
  }
  detail::WireWriter partial;
  partial.varint(1, static_cast<std::uint64_t>(std::max<std::int64_t>(rejected, 0)));
  partial.bytes(2, message);
  detail::WireWriter reply;
  reply.bytes(1, partial.text());
  return reply.take();
}

std::string otlp_error(OtlpFormat format, int grpc_code, const std::string& message) {
  if (format == OtlpFormat::json)
    return json::dump(json::Object{{"code", grpc_code}, {"message", message}});
  detail::WireWriter status;
  status.varint(1, static_cast<std::uint64_t>(grpc_code));
  status.bytes(2, message);
  return status.take();
}

}  // namespace slipway::trace
