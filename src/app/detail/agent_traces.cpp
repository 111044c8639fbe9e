#include "app/detail/agent_traces.hpp"

#include "core/files.hpp"

namespace slipway::app::detail {

namespace {

using agents::Event;
using agents::Value;

constexpr std::int64_t nanoseconds_of_ms = 1'000'000;

std::string hex_of(const std::string& text, std::size_t digits) {
  constexpr std::size_t prefix = 7;  // "sha256:"
  return sha256(text).substr(prefix, digits);
}

/// 16 hex digits; below a run of LangSmith a UUID, made of the same hash.
std::string span_id(const std::string& run, const agents::RunPlace* place,
                    const std::string& what) {
  constexpr std::size_t digits = 16, uuid_digits = 32;
  const std::string text = run + "\n" + what;
  if (place == nullptr || place->origin.parent_order.empty()) return hex_of(text, digits);
  std::string hex = hex_of(text, uuid_digits);
  hex[12] = '8';  // RFC 9562: of our own making.
  hex[16] = 'a';
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::string span_id(const Event& event, const std::string& what) {
  return span_id(event.run, event.place.get(), what);
}

std::int64_t whole(const Value& value) { return value.is_integer() ? value.integer() : 0; }

std::string task_id(const Event& event) {
  return span_id(event, fmt::format("{}|{}|{}|{}", agents::in_words(event.data.at("path")),
                                    whole(event.data.at("step")), whole(event.data.at("index")),
                                    whole(event.data.at("visit"))));
}

trace::RunPatch patch_of(const Event& event, std::string id) {
  trace::RunPatch patch;
  patch.id = std::move(id);
  patch.trace_id = trace_of_run(event.run, event.place.get());
  if (!event.place) return patch;
  const trace::Origin& origin = event.place->origin;
  if (!origin.project.empty()) patch.project = origin.project;
  if (!origin.user_id.empty()) patch.user_id = origin.user_id;
  if (!origin.session_id.empty()) patch.session_id = origin.session_id;
  return patch;
}

trace::Payload payload_of(const Value& value) { return {.bytes = agents::dump(value)}; }

void set_error(trace::RunPatch& patch, const Value& error) {
  if (!error.is_map()) return;
  patch.status = trace::Status::error;
  patch.error = fmt::format("{}: {}", agents::in_words(error.at("kind")),
                            agents::in_words(error.at("message")));
}

trace::RunPatch of_run(const std::string& thread, const Event& event, bool keeps_payloads) {
  trace::RunPatch patch = patch_of(event, span_id(event, "run"));
  patch.kind = trace::Kind::chain;
  if (!patch.session_id) patch.session_id = thread;
  patch.metadata["agent_thread"] = boost::json::string(thread);
  patch.metadata["agent_run"] = boost::json::string(event.run);
  if (event.place) {
    const trace::Origin& origin = event.place->origin;
    if (!origin.parent_id.empty()) patch.parent_id = origin.parent_id;
    if (!origin.key.empty()) patch.metadata["key"] = boost::json::string(origin.key);
  }
  if (event.type == "run.started") {
    patch.name = agents::in_words(event.data.at("agent"));
    if (event.data.at("resumed") == Value(true)) return patch;
    patch.start = event.time_ms * nanoseconds_of_ms;
    if (keeps_payloads) patch.inputs = payload_of(event.data.at("input"));
    return patch;
  }
  patch.end = event.time_ms * nanoseconds_of_ms;
  patch.status = trace::Status::ok;
  set_error(patch, event.data.at("error"));
  if (keeps_payloads) patch.outputs = payload_of(event.data.at("output"));
  patch.metadata["status"] = boost::json::string(agents::in_words(event.data.at("status")));
  return patch;
}

trace::RunPatch of_task(const Event& event, bool keeps_payloads) {
  trace::RunPatch patch = patch_of(event, task_id(event));
  patch.kind = trace::Kind::span;
  patch.parent_id = span_id(event, "run");
  patch.name = agents::in_words(event.data.at("path"));
  if (event.type == "task.started") {
    patch.start = event.time_ms * nanoseconds_of_ms;
    return patch;
  }
  patch.end = event.time_ms * nanoseconds_of_ms;
  patch.status = trace::Status::ok;
  set_error(patch, event.data.at("error"));
  if (keeps_payloads) patch.outputs = payload_of(event.data.at("writes"));
  return patch;
}

trace::RunPatch of_call(const Event& event, bool keeps_payloads) {
  const bool is_model = event.type == "model";
  trace::RunPatch patch = patch_of(event, span_of_call(event.run, event.place.get(),
                                                       {agents::in_words(event.data.at("call")),
                                                        whole(event.data.at("attempt"))}));
  patch.kind = is_model ? trace::Kind::llm : trace::Kind::tool;
  patch.parent_id = task_id(event);
  patch.name = agents::in_words(event.data.at(is_model ? "model" : "tool"));
  if (is_model) patch.model = patch.name;
  if (keeps_payloads && is_model && !event.detail.is_null())
    patch.inputs = payload_of(Value::map({{"messages", event.detail}}));
  if (keeps_payloads && !is_model) patch.inputs = payload_of(event.data.at("args"));
  if (event.data.at("state") == Value("begun")) {
    patch.start = event.time_ms * nanoseconds_of_ms;
    return patch;
  }
  const std::int64_t begun = whole(event.data.at("begun_ms"));
  patch.start = (begun > 0 ? begun : event.time_ms) * nanoseconds_of_ms;
  patch.end = *patch.start + whole(event.data.at("took_ms")) * nanoseconds_of_ms;
  patch.status = trace::Status::ok;
  set_error(patch, event.data.at("error"));
  if (keeps_payloads && is_model)
    patch.outputs = payload_of(Value::map({{"role", "assistant"},
                                           {"content", event.data.at("text")},
                                           {"tool_calls", event.data.at("tool_calls")}}));
  if (keeps_payloads && !is_model) patch.outputs = payload_of(event.data.at("result"));
  if (!is_model) return patch;
  patch.usage.input = whole(event.data.at("input_tokens"));
  patch.usage.output = whole(event.data.at("output_tokens"));
  const Value& usd = event.data.at("usage").at("usd");
  if (usd.is_number() && usd.number() > 0) patch.cost.total = usd.number();
  return patch;
}

}  // namespace

std::string span_of_call(const std::string& run, const agents::RunPlace* place,
                         const NamedCall& call) {
  return span_id(run, place, fmt::format("{}#{}", call.key, call.attempt));
}

std::string traceparent_of_call(const agents::ToolCall& call) {
  if (call.run.empty()) return "";
  const agents::RunPlace* const place = call.place.get();
  return trace::traceparent_of(
      {.trace_id = trace_of_run(call.run, place)},
      {.id = span_of_call(call.run, place, {call.effect_key, call.attempt})});
}

std::string trace_of_run(const std::string& run, const agents::RunPlace* place) {
  constexpr std::size_t digits = 32;
  if (place != nullptr && !place->origin.trace_id.empty()) return place->origin.trace_id;
  return hex_of(run, digits);
}

std::function<void(const std::string& thread, const Event& event)> trace_runs(
    trace::Recorder& recorder) {
  return [&recorder](const std::string& thread, const Event& event) {
    const bool is_run = event.type == "run.started" || event.type == "run.finished";
    const bool is_task = event.type == "task.started" || event.type == "task.finished";
    const bool is_call = event.type == "model" || event.type == "tool";
    if (!is_run && !is_task && !is_call) return;
    if (!recorder.takes(trace_of_run(event.run, event.place.get()))) return;
    const bool keeps = recorder.keeps_payloads();
    std::vector<trace::RunPatch> runs;
    if (is_run) runs.push_back(of_run(thread, event, keeps));
    if (is_task) runs.push_back(of_task(event, keeps));
    if (is_call) runs.push_back(of_call(event, keeps));
    recorder.record(std::move(runs));
  };
}

}  // namespace slipway::app::detail
