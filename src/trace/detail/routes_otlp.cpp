// OTLP over HTTP. Source: opentelemetry-proto, docs/specification.md.
#include <array>

#include "trace/detail/faces.hpp"
#include "trace/mount.hpp"
#include "trace/otlp.hpp"

namespace slipway::trace {

namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view protobuf_type = "application/x-protobuf";

std::string_view media_type(const http::Request& request) {
  std::string_view type = request.headers.get("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

/// Nothing: a type that is neither.
std::optional<OtlpFormat> format_of(const http::Request& request) {
  const std::string_view type = media_type(request);
  if (http::equals_ignoring_case(type, json_type)) return OtlpFormat::json;
  if (http::equals_ignoring_case(type, protobuf_type) ||
      http::equals_ignoring_case(type, "application/protobuf"))
    return OtlpFormat::protobuf;
  return std::nullopt;
}

http::Response response(int status, OtlpFormat format, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type",
                       std::string(format == OtlpFormat::json ? json_type : protobuf_type)}},
          .body = std::move(body)};
}

/// As google.rpc.Code.
int grpc_code(int status) {
  switch (status) {
    case 400: return 3;
    case 401: return 16;
    case 403: return 7;
    case 404: return 5;
    case 405: return 12;
    case 413: return 8;
    case 415: return 3;
    case 429: return 8;
    case 503: return 14;
    case 504: return 4;
    default: return 13;
  }
}

http::Response refusal(const http::Request& request, int status, const std::string& why) {
  const OtlpFormat format = format_of(request).value_or(OtlpFormat::json);
  http::Response refused = response(status, format, otlp_error(format, grpc_code(status), why));
  detail::add_status_headers(refused);
  return refused;
}

std::string project_of(const http::Request& request) {
  for (const char* name : {"x-slipway-project", "langsmith-project"})
    if (const std::string_view project = request.headers.get(name); !project.empty())
      return std::string(project);
  return "";
}

Result<std::string> take_traces(Intake& intake, const http::ExchangePtr& exchange,
                                OtlpFormat format) {
  const http::Request& request = exchange->request();
  OtlpBatch batch = TRY(decode_otlp_traces(request.body, format, project_of(request)));
  intake.count_rejected(batch.rejected);
  if (!batch.runs.empty()) TRY(intake.store().ingest(exchange->context(), std::move(batch.runs)));
  return otlp_reply(OtlpSignal::traces, format, batch.rejected, batch.message);
}

Result<std::string> take(Intake& intake, const http::ExchangePtr& exchange, OtlpSignal signal,
                         OtlpFormat format) {
  const std::string& body = exchange->request().body;
  switch (signal) {
    case OtlpSignal::traces: return take_traces(intake, exchange, format);
    case OtlpSignal::metrics: TRY(count_otlp_metrics(body, format)); break;
    case OtlpSignal::logs: TRY(count_otlp_logs(body, format)); break;
  }
  return otlp_reply(signal, format, 0, "");
}

}  // namespace

void mount_otlp(http::Router& router, const Services& services) {
  const detail::Face face{services, refusal};
  const auto mount = [&](const std::string& pattern, OtlpSignal signal) {
    face.intake(
        router, "POST", pattern,
        [intake = &services.intake, signal](const http::ExchangePtr& exchange,
                                            const http::PathParameters&) -> Result<http::Response> {
          const auto format = format_of(exchange->request());
          if (!format)
            return refusal(exchange->request(), 415,
                           fmt::format("content-type: {} or {} is wanted, got '{}'", protobuf_type,
                                       json_type, media_type(exchange->request()).substr(0, 100)));
          return response(200, *format, TRY(take(*intake, exchange, signal, *format)));
        });
    face.refuse_below(router, pattern);
  };
  for (const std::string_view prefix : detail::otlp_prefixes) {
    const std::string begin(prefix);
    if (detail::takes_spans(prefix)) mount(begin, OtlpSignal::traces);
    mount(begin + "/v1/traces", OtlpSignal::traces);
    mount(begin + "/v1/metrics", OtlpSignal::metrics);
    mount(begin + "/v1/logs", OtlpSignal::logs);
  }
}

namespace detail {

http::Response otlp_refusal(const http::Request& head, int status, const std::string& why) {
  return refusal(head, status, why);
}

}  // namespace detail

}  // namespace slipway::trace
