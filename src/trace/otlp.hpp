// OTLP in: trace export requests in protobuf or JSON become runs, whatever GenAI convention their
// attributes follow (OTel old and new, OpenInference, Traceloop, Vercel AI, Langfuse, LangSmith).
// Source: opentelemetry-proto 1.x, docs/specification.md of the protocol.
//
// `RunPatch::attributes` are the span's own, as received: bytes as base64, NaN and the infinities
// as words, what is not UTF-8 repaired. What else a span says stands beside them under "otel.":
// "otel.resource.service.name", "otel.scope.name", "otel.kind", "otel.links" ... The table of
// conventions is detail/mapping.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

enum class OtlpFormat { protobuf, json };

struct OtlpBatch {
  std::vector<RunPatch> runs;
  std::int64_t rejected = 0;
  std::string message;  ///< Why; for partial_success.
};

/// `project` is that of the request's header, if there is one; else resources name theirs, else it
/// is "default". Spans without sound ids, with more than 16384 attributes or values nested more
/// than 32 deep are rejected, the others stay. Thread safe, as all functions here.
/// Fails: invalid_argument (the body is no export request; names the byte or the path; more than
/// 100000 spans, more than 3 million attributes, events, links and items together, or 256 MiB of
/// copies of what resources and scopes say).
Result<OtlpBatch> decode_otlp_traces(std::string_view body, OtlpFormat format,
                                     const std::string& project);

/// Metrics and logs: only counted. Fails: as above.
Result<std::int64_t> count_otlp_metrics(std::string_view body, OtlpFormat format);
Result<std::int64_t> count_otlp_logs(std::string_view body, OtlpFormat format);

enum class OtlpSignal { traces, metrics, logs };
/// The body of a 200: partial_success is set only when something was rejected.
std::string otlp_reply(OtlpSignal signal, OtlpFormat format, std::int64_t rejected,
                       const std::string& message);
/// google.rpc.Status.
std::string otlp_error(OtlpFormat format, int grpc_code, const std::string& message);

/// An export request of these runs, for another collector. Decoded, it gives the same runs again:
/// what their attributes do not say is added in the words of OpenTelemetry and OpenInference, and
/// ids that are none of OTLP's become some that are always the same (of a UUID: its last 8 bytes).
std::string encode_otlp_traces(const std::vector<RunPatch>& runs, OtlpFormat format);

}  // namespace slipway::trace
