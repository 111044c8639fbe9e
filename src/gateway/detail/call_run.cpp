#include "gateway/detail/call_run.hpp"

#include "core/json_members.hpp"
#include "core/unicode.hpp"
#include "dialects/codec.hpp"
#include "gateway/detail/reply_cache.hpp"
#include "gateway/prices.hpp"

namespace slipway::gateway::detail {

namespace {

constexpr double nanoseconds_per_second = 1e9;

trace::Nanoseconds after(trace::Nanoseconds start, double seconds) {
  return start + static_cast<trace::Nanoseconds>(seconds * nanoseconds_per_second);
}

struct Shape {
  trace::Kind kind;
  std::string_view verb;  ///< As OpenTelemetry calls the operation.
};

Shape shape_of(const CallRecord& record) {
  // A pipeline is a tree of its own: what its models used is told there.
  if (record.provider == "pipeline") return {trace::Kind::chain, "chat"};
  if (record.task == "embed") return {trace::Kind::embedding, "embeddings"};
  if (record.task == "rerank") return {trace::Kind::reranker, "rerank"};
  if (record.task == "count_tokens") return {trace::Kind::llm, "count_tokens"};
  return {trace::Kind::llm, "chat"};
}

/// The events of a stream as the reply that they tell; their text when they tell none.
std::optional<trace::Payload> reply_of_stream(const std::string& events, dialects::Dialect dialect,
                                              std::string_view model) {
  const dialects::Codec& codec = dialects::codec(dialect);
  const auto decoder = codec.stream_decoder();
  ReplyAssembler assembler;
  // One that was broken off has told what it has told.
  for (auto decoded : {decoder->feed(events), decoder->finish()})
    if (decoded)
      for (const dialects::ChatEvent& event : *decoded) assembler.add(event);
  dialects::ChatReply reply = assembler.take();
  if (reply.choices.empty()) return {};
  reply.model = model;
  dialects::ChatRequest request;
  request.model = model;
  return trace::Payload{json::dump(codec.encode_reply(request, reply)), false};
}

std::optional<trace::Payload> payload_of(CallPayload&& said, std::string_view model) {
  if (said.text.empty()) return {};
  if (said.events_of)
    if (auto reply = reply_of_stream(said.text, *said.events_of, model)) return reply;
  if (said.text.size() < said.whole_bytes)
    return trace::cut_text(std::move(said.text), CallPayload::bytes_max, said.whole_bytes);
  if (!unicode::is_valid_utf8(said.text)) return {};
  const bool is_text = !json::is_valid(said.text);
  return trace::Payload{std::move(said.text), is_text};
}

json::Array attempts_of(const CallRecord& record) {
  json::Array attempts;
  for (const AttemptRecord& attempt : record.attempts) {
    json::Object one{{"deployment", attempt.deployment},
                     {"status", attempt.status},
                     {"ms", attempt.seconds * 1000}};
    if (!attempt.error.empty()) one["error"] = attempt.error;
    attempts.push_back(std::move(one));
  }
  return attempts;
}

json::Array guards_of(const CallRecord& record) {
  json::Array guards;
  for (const GuardRecord& guard : record.guards)
    guards.push_back(json::Object{{"guardrail", guard.guardrail},
                                  {"phase", json::name(guard.phase)},
                                  {"verdict", json::name(guard.verdict)},
                                  {"reason", guard.reason}});
  return guards;
}

void describe(const CallRecord& record, json::Object& metadata) {
  metadata["task"] = record.task;
  metadata["requested_model"] = record.model;
  metadata["dialect"] = record.dialect;
  metadata["stream"] = record.streamed;
  metadata["request_id"] = record.request_id;
  metadata["http_status"] = record.status;
  if (!record.deployment.empty()) metadata["deployment"] = record.deployment;
  if (!record.error_code.empty()) metadata["error_code"] = record.error_code;
  if (!record.attempts.empty()) metadata["attempts"] = attempts_of(record);
  if (!record.guards.empty()) metadata["guardrails"] = guards_of(record);
  if (!record.pipeline.run.empty()) {
    metadata["agent_thread"] = record.pipeline.thread;
    metadata["agent_run"] = record.pipeline.run;
  }
  if (record.cache != CacheResult::none) metadata["cache"] = json::name(record.cache);
  if (record.queue_seconds > 0) metadata["queue_ms"] = record.queue_seconds * 1000;
  metadata["overhead_ms"] = record.overhead_seconds * 1000;
  if (record.budget) metadata["budget"] = *record.budget;
  for (const auto& [key, payload] :
       {std::pair("inputs_bytes", &record.request), std::pair("outputs_bytes", &record.reply)})
    if (payload->text.size() < payload->whole_bytes) metadata[key] = payload->whole_bytes;
}

class CallDraft final : public trace::Draft {
 public:
  explicit CallDraft(CallRecord record) : record_(std::move(record)) {}
  std::size_t bytes() const override {
    return sizeof(CallRecord) + record_.request.text.capacity() + record_.reply.text.capacity();
  }
  void make(std::vector<trace::RunPatch>& runs) override {
    runs.push_back(run_of(std::move(record_)));
  }

 private:
  CallRecord record_;
};

}  // namespace

trace::RunPatch run_of(CallRecord record) {
  const trace::Nanoseconds start = trace::nanoseconds(record.began);
  trace::RunPatch run = trace::patch_at(record.origin, record.place, start);
  const Shape shape = shape_of(record);
  run.kind = shape.kind;
  run.name = fmt::format("{} {}", shape.verb, record.model);
  run.end = after(start, record.seconds);
  if (record.first_token_seconds > 0) run.first_token = after(start, record.first_token_seconds);
  run.status = record.error_code.empty() ? trace::Status::ok : trace::Status::error;
  if (!record.error_code.empty())
    run.error = record.error_message.empty() ? record.error_code : record.error_message;
  describe(record, run.metadata);
  const bool is_cached = record.cache == CacheResult::hit || record.cache == CacheResult::semantic;
  if (is_cached) run.cost.total = 0;  // Nobody was asked.
  if (!record.provider.empty() && shape.kind != trace::Kind::chain && !is_cached) {
    run.provider = record.provider;
    run.model = record.answered_model.empty() ? record.wire_model : record.answered_model;
    run.request_model = record.priced_model;
    if (record.task != "count_tokens") run.usage = sent_usage(record);
  }
  if (!record.service_tier.empty()) run.service_tier = record.service_tier;
  run.inputs = payload_of(std::move(record.request), record.model);
  run.outputs = payload_of(std::move(record.reply), record.model);
  return run;
}

std::unique_ptr<trace::Draft> draft_of(CallRecord record) {
  return std::make_unique<CallDraft>(std::move(record));
}

}  // namespace slipway::gateway::detail

namespace slipway::gateway {

void CallPayload::add(std::string_view piece) {
  whole_bytes += piece.size();
  text.append(piece.substr(0, bytes_max - std::min(bytes_max, text.size())));
}

}  // namespace slipway::gateway
