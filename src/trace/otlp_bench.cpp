// How many spans a second one core decodes into runs, by form and size of span.
//
//   otlp_bench [SECONDS]      prints one JSON line for each case
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "trace/otlp.hpp"

namespace {

using namespace slipway;

constexpr std::size_t spans_per_request = 512;  // The SDKs' batch.

trace::RunPatch small_span(std::size_t number) {
  trace::RunPatch run;
  run.trace_id = fmt::format("{:032x}", number / 8 + 1);
  run.id = fmt::format("{:016x}", number + 1);
  run.parent_id = fmt::format("{:016x}", number / 2 + 1);
  run.project = "shop";
  run.name = "GET /orders/{id}";
  run.start = 1'700'000'000'000'000'000 + static_cast<std::int64_t>(number);
  run.end = *run.start + 1'234'567;
  run.status = trace::Status::ok;
  run.attributes = {{"http.request.method", "GET"},
                    {"url.path", "/orders/17"},
                    {"http.response.status_code", 200},
                    {"otel.kind", "server"},
                    {"otel.scope.name", "opentelemetry.instrumentation.asgi"},
                    {"otel.scope.version", "0.66b2"},
                    {"otel.resource.service.name", "shop"},
                    {"otel.resource.telemetry.sdk.language", "python"},
                    {"otel.resource.telemetry.sdk.name", "opentelemetry"},
                    {"otel.resource.telemetry.sdk.version", "1.45.2"}};
  return run;
}

trace::RunPatch gen_ai_span(std::size_t number) {
  trace::RunPatch run = small_span(number);
  run.name = "chat gpt-4o";
  const std::string words(600, 'w');
  run.attributes.erase("url.path");
  run.attributes.erase("http.request.method");
  run.attributes["gen_ai.operation.name"] = "chat";
  run.attributes["gen_ai.provider.name"] = "openai";
  run.attributes["gen_ai.request.model"] = "gpt-4o";
  run.attributes["gen_ai.response.model"] = "gpt-4o-2024-08-06";
  run.attributes["gen_ai.request.temperature"] = 0.2;
  run.attributes["gen_ai.response.id"] = "chatcmpl-0123456789";
  run.attributes["gen_ai.response.finish_reasons"] = json::Array{"stop"};
  run.attributes["gen_ai.usage.input_tokens"] = 812;
  run.attributes["gen_ai.usage.output_tokens"] = 120;
  run.attributes["gen_ai.usage.cache_read.input_tokens"] = 512;
  run.attributes["gen_ai.conversation.id"] = "session-17";
  run.attributes["user.id"] = "user-17";
  run.attributes["gen_ai.input.messages"] =
      fmt::format(R"([{{"role":"system","parts":[{{"type":"text","content":"{}"}}]}},)"
                  R"({{"role":"user","parts":[{{"type":"text","content":"{}"}}]}}])",
                  words, words);
  run.attributes["gen_ai.output.messages"] =
      fmt::format(R"([{{"role":"assistant","parts":[{{"type":"text","content":"{}"}}]}}])", words);
  return run;
}

void measure(const std::string& name, trace::RunPatch (*make)(std::size_t),
             std::chrono::duration<double> least) {
  std::vector<trace::RunPatch> runs;
  for (std::size_t i = 0; i < spans_per_request; ++i) runs.push_back(make(i));
  for (const auto format : {trace::OtlpFormat::protobuf, trace::OtlpFormat::json}) {
    const std::string body = trace::encode_otlp_traces(runs, format);
    const auto begin = std::chrono::steady_clock::now();
    std::chrono::duration<double> took{};
    std::size_t spans = 0;
    while (took < least) {
      const auto batch = trace::decode_otlp_traces(body, format, "");
      if (!batch || batch->runs.size() != runs.size()) {
        std::cerr << "otlp_bench: " << (batch ? batch->message : batch.error().message()) << "\n";
        std::exit(1);
      }
      spans += batch->runs.size();
      took = std::chrono::steady_clock::now() - begin;
    }
    std::cout << json::dump(json::Object{
                     {"span", name},
                     {"format", format == trace::OtlpFormat::json ? "json" : "protobuf"},
                     {"bytes_per_span", body.size() / spans_per_request},
                     {"spans_per_second",
                      static_cast<std::int64_t>(static_cast<double>(spans) / took.count())}})
              << "\n";
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::chrono::duration<double> least(count > 1 ? std::atof(arguments[1]) : 1.0);
  measure("small", small_span, least);
  measure("gen_ai", gen_ai_span, least);
  return 0;
}
