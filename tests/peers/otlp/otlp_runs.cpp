// Reads an OTLP request from standard input.
//
//   otlp_runs decode protobuf|json            prints {"runs": [...], "rejected", "message"}
//   otlp_runs reencode protobuf|json OTHER    writes the same spans in the form OTHER
//   otlp_runs reply SIGNAL protobuf|json N    writes the reply to a request, N items rejected
//   otlp_runs error protobuf|json             writes an error
//   otlp_runs count SIGNAL protobuf|json      prints how many items there are
#include <iostream>
#include <iterator>

#include "trace/otlp.hpp"

namespace {

using namespace slipway;

trace::OtlpFormat format_of(std::string_view word) {
  return word == "json" ? trace::OtlpFormat::json : trace::OtlpFormat::protobuf;
}

trace::OtlpSignal signal_of(std::string_view word) {
  if (word == "metrics") return trace::OtlpSignal::metrics;
  return word == "logs" ? trace::OtlpSignal::logs : trace::OtlpSignal::traces;
}

template <typename T>
void set(json::Object& out, std::string_view key, const std::optional<T>& value) {
  if (value) out[key] = json::to(*value);
}

json::Value payload(const trace::Payload& payload) {
  return json::Object{{"bytes", payload.bytes}, {"is_text", payload.is_text}};
}

json::Object usage(const trace::SentUsage& sent) {
  json::Object out;
  set(out, "input", sent.input);
  set(out, "output", sent.output);
  set(out, "total", sent.total);
  set(out, "cache_read", sent.cache_read);
  set(out, "cache_write", sent.cache_write);
  set(out, "cache_write_1h", sent.cache_write_1h);
  set(out, "reasoning", sent.reasoning);
  set(out, "input_audio", sent.input_audio);
  set(out, "output_audio", sent.output_audio);
  out["convention"] = json::name(sent.convention);
  return out;
}

json::Object run_json(const trace::RunPatch& run) {
  json::Object out{{"id", run.id}, {"trace_id", run.trace_id}};
  set(out, "parent_id", run.parent_id);
  set(out, "project", run.project);
  set(out, "name", run.name);
  set(out, "error", run.error);
  set(out, "session_id", run.session_id);
  set(out, "user_id", run.user_id);
  set(out, "provider", run.provider);
  set(out, "model", run.model);
  set(out, "request_model", run.request_model);
  set(out, "service_tier", run.service_tier);
  set(out, "kind", run.kind);
  set(out, "status", run.status);
  set(out, "start", run.start);
  set(out, "end", run.end);
  set(out, "first_token", run.first_token);
  if (run.inputs) out["inputs"] = payload(*run.inputs);
  if (run.outputs) out["outputs"] = payload(*run.outputs);
  json::Array events;
  for (const trace::Event& event : run.events)
    events.push_back(
        json::Object{{"name", event.name}, {"time", event.time}, {"attributes", event.attributes}});
  out["events"] = std::move(events);
  out["tags"] = json::to(run.tags);
  out["metadata"] = run.metadata;
  out["attributes"] = run.attributes;
  out["usage"] = usage(run.usage);
  set(out, "cost", run.cost.total);
  return out;
}

int give_up(const Error& error) {
  std::cerr << error.message() << "\n";
  return 1;
}

int decode(const std::string& body, std::string_view format) {
  auto batch = trace::decode_otlp_traces(body, format_of(format), "");
  if (!batch) return give_up(batch.error());
  json::Array runs;
  for (const trace::RunPatch& run : batch->runs) runs.push_back(run_json(run));
  std::cout << json::dump(
      json::Object{{"runs", runs}, {"rejected", batch->rejected}, {"message", batch->message}});
  return 0;
}

int reencode(const std::string& body, std::string_view format, std::string_view other) {
  auto batch = trace::decode_otlp_traces(body, format_of(format), "");
  if (!batch) return give_up(batch.error());
  std::cout << trace::encode_otlp_traces(batch->runs, format_of(other));
  return 0;
}

int count(const std::string& body, trace::OtlpSignal signal, trace::OtlpFormat format) {
  auto counted = signal == trace::OtlpSignal::logs ? trace::count_otlp_logs(body, format)
                                                   : trace::count_otlp_metrics(body, format);
  if (!counted) return give_up(counted.error());
  std::cout << *counted;
  return 0;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count_of_arguments);
  const std::string& mode = words.at(0);
  if (mode == "reply") {
    const std::int64_t rejected = std::stoll(words.at(3));
    std::cout << trace::otlp_reply(signal_of(words.at(1)), format_of(words.at(2)), rejected,
                                   rejected == 0 ? "" : "span 'a' is rejected");
    return 0;
  }
  if (mode == "error") {
    std::cout << trace::otlp_error(format_of(words.at(1)), 3, "not valid protobuf at byte 7");
    return 0;
  }
  const std::string body((std::istreambuf_iterator<char>(std::cin)), {});
  if (mode == "decode") return decode(body, words.at(1));
  if (mode == "reencode") return reencode(body, words.at(1), words.at(2));
  return count(body, signal_of(words.at(1)), format_of(words.at(2)));
}
