// OTLP in: trace export requests in protobuf or JSON become runs, whatever GenAI convention their
// attributes follow (OTel old and new, OpenInference, Traceloop, Vercel AI, Langfuse, LangSmith).
// Source: opentelemetry-proto 1.x, docs/specification.md of the protocol.
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
  std::int64_t rejected = 0;  ///< Spans without sound ids.
  std::string message;        ///< Why; for partial_success.
};

/// `project` is that of the request's header, if there is one; else resources name theirs.
/// Fails: invalid_argument (the body is no export request; names the byte or the path).
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

/// An export request of these runs, for another collector.
std::string encode_otlp_traces(const std::vector<RunPatch>& runs, OtlpFormat format);

}  // namespace slipway::trace
