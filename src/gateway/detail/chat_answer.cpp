// The answer of a conversation: relayed, translated, held back until it is checked, or made here.
#include <algorithm>

#include "core/json_members.hpp"
#include "gateway/detail/budget_error.hpp"
#include "gateway/detail/chat_call.hpp"
#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;

constexpr std::chrono::milliseconds heartbeat{15'000};

std::string dollars(double cost) { return fmt::format("{:.9f}", cost); }

/// Takes out of the request what a local model refuses by this name; false when there is no such
/// thing in it, so that dropping comes to an end.
bool drop_parameter(dialects::ChatRequest& request, std::string_view name) {
  const auto drop = [](auto& member) {
    const bool was_there = member != std::decay_t<decltype(member)>();
    member = {};
    return was_there;
  };
  if (name == "tools" || name == "tool_choice") {
    request.tool_choice = dialects::ToolChoice::automatic;
    return !std::exchange(request.tools, {}).empty();
  }
  if (name == "response_format")
    return std::exchange(request.response_format, {}).kind != dialects::ResponseKind::text;
  if (name == "logprobs" || name == "top_logprobs")
    return drop(request.logprobs) | drop(request.top_logprobs);
  if (name == "logit_bias") return drop(request.logit_bias);
  if (name == "min_p") return drop(request.min_p);
  if (name == "frequency_penalty") return drop(request.frequency_penalty);
  if (name == "presence_penalty") return drop(request.presence_penalty);
  if (name == "reasoning_effort") return drop(request.reasoning_effort);
  if (name == "reasoning_tokens" || name == "thinking") return drop(request.reasoning_tokens);
  if (name == "parallel_tool_calls") return drop(request.parallel_tool_calls);
  return false;
}

}  // namespace

// --- Streams
// ------------------------------------------------------------------------------------------

void ConversationCall::send(std::string bytes) {
  if (bytes.empty()) return;
  if (!is_committed_) {
    is_committed_ = true;
    record_.deployment = try_.deployment != nullptr ? try_.deployment->name() : "";
    note_answer();
    http::Headers headers = answer_headers();
    headers.set("Content-Type", "text/event-stream; charset=utf-8");
    headers.set("Cache-Control", "no-cache");
    headers.set("X-Accel-Buffering", "no");
    exchange_->begin(200, std::move(headers));
    exchange_->set_heartbeat(heartbeat);
  }
  answer_bytes_ += bytes.size();
  if (keeps_reply()) {
    record_.reply.events_of = codec_.dialect();
    record_.reply.add(bytes);
  }
  exchange_->write(std::move(bytes));
}

void ConversationCall::end_stream() {
  settle_budget();
  if (is_gone()) return;
  http::Headers trailers;
  if (const auto cost = this->cost()) trailers.set("x-slipway-cost-usd", dollars(*cost));
  exchange_->note("output_tokens", std::to_string(record_.usage.output_tokens));
  exchange_->end(std::move(trailers));
}

std::optional<Failure> ConversationCall::take_piece(std::string_view piece) {
  if (watch_) {
    std::string out;
    out.reserve(piece.size());
    watch_->feed(piece, out);
    send(std::move(out));
    if (watch_->has_failed()) return unusable(*try_.deployment, watch_->error());
    return over_budget(received_tokens());
  }
  auto events = decoder_->feed(piece);
  if (!events) return unusable(*try_.deployment, events.error().message());
  return take_events(*std::move(events));
}

std::optional<Failure> ConversationCall::take_events(std::vector<ChatEvent> events) {
  for (ChatEvent& event : events) {
    if (event.kind == EventKind::start) {
      if (try_.deployment->place() == Place::remote) record_.answered_model = event.model;
      if (try_.deployment->place() == Place::pipeline)
        if (const auto told = json::parse(std::exchange(event.data, {}))) note_pipeline(*told);
      event.model = record_.model;
    }
    if (event.kind == EventKind::usage) {
      record_.usage = event.usage;
      has_usage_ = true;
    }
    if (assembler_) assembler_->add(event);
    if (event.kind == EventKind::text) answer_bytes_ += event.text.size();
    if (!event.text.empty()) {
      ++written_pieces_;
      written_bytes_ += event.text.size();
    }
    if (!holds_output_) pass_event(std::move(event));
  }
  return over_budget(received_tokens());
}

void ConversationCall::pass_event(ChatEvent event) {
  if (!mask_) {
    send(encoder_->encode(event));
    return;
  }
  for (const ChatEvent& masked : mask_->feed(std::move(event))) send(encoder_->encode(masked));
}

void ConversationCall::take_answer(Try& attempt) {
  if (watch_) {
    if (!watch_->has_ended()) {
      try_failed(unusable(*attempt.deployment, "its stream ended before its end"));
      return;
    }
    record_.usage = watch_->usage();
    record_.more_usage = watch_->more_usage();
    record_.answered_model = watch_->answered_model();
    if (!watch_->service_tier().empty()) record_.service_tier = watch_->service_tier();
    has_usage_ = watch_->has_usage();
    guess_missing_usage(answer_bytes_);
    end_stream();
    answered();
    return;
  }
  if (is_relayed_) {
    take_relayed(attempt);
    return;
  }
  if (is_stream_) {
    auto events = decoder_->finish();
    if (!events) {
      try_failed(unusable(*attempt.deployment, events.error().message()));
      return;
    }
    take_events(*std::move(events));
    guess_missing_usage(answer_bytes_);
    if (holds_output_) {
      check_reply(assembler_->take());
      return;
    }
    if (mask_) mask_->record(record_.guards);
    if (assembler_) remember(assembler_->take());
    end_stream();
    answered();
    return;
  }
  const auto value = json::parse(attempt.body);
  parse_usage(wire_->dialect(), json::member(attempt.body, "usage"), &record_.more_usage);
  auto reply = value ? wire_->decode_reply(*value) : Result<dialects::ChatReply>(value.error());
  if (!reply)
    try_failed(unusable(*attempt.deployment, reply.error().message()));
  else
    take_reply(*std::move(reply));
}

// --- Whole answers
// ------------------------------------------------------------------------------------

/// The upstream's bytes, but for the model's name.
void ConversationCall::take_relayed(Try& attempt) {
  const std::string& body = attempt.body;
  std::string_view model, usage, tier;
  bool is_object = false;
  json::Members members(body);
  for (json::Member one; members.next(one);) {
    is_object = true;
    if (one.key == "model") model = one.value;
    if (one.key == "usage") usage = one.value;
    if (one.key == "service_tier") tier = one.value;
  }
  if (!is_object) {
    try_failed(unusable(*attempt.deployment, "its answer is no JSON object"));
    return;
  }
  const auto parsed = parse_usage(wire_->dialect(), usage, &record_.more_usage);
  record_.answered_model = json::unquoted(model);
  if (tier.starts_with('"')) record_.service_tier = json::unquoted(tier);
  if (parsed) record_.usage = *parsed;
  has_usage_ = parsed.has_value();
  guess_missing_usage(body.size());
  settle_budget();
  note_answer();
  http::Response response;
  response.headers = answer_headers();
  response.headers.set("Content-Type", "application/json");
  if (const auto cost = this->cost()) response.headers.set("x-slipway-cost-usd", dollars(*cost));
  if (model.starts_with('"')) {
    const auto begin = static_cast<std::size_t>(model.data() - body.data());
    const std::string name = json::quoted(record_.model);
    response.body.reserve(body.size() + name.size());
    response.body.append(body, 0, begin);
    response.body += name;
    response.body.append(body, begin + model.size(), std::string::npos);
  } else {
    response.body = std::move(attempt.body);
  }
  if (keeps_reply()) record_.reply.add(response.body);
  if (!is_gone()) exchange_->reply(std::move(response));
  answered();
}

void ConversationCall::take_reply(dialects::ChatReply reply) {
  if (try_.deployment->place() == Place::remote) record_.answered_model = reply.model;
  reply.model = record_.model;
  record_.usage = reply.usage;
  has_usage_ = reply.usage.input_tokens + reply.usage.output_tokens > 0;
  std::size_t bytes = 0;
  for (const std::string& text : output_texts(reply)) bytes += text.size();
  guess_missing_usage(bytes);
  check_reply(std::move(reply));
}

Failure ConversationCall::refused_output(const std::string& reason) const {
  // The next draw may be better, and so may another model.
  Failure failure = unusable(*try_.deployment, reason);
  failure.error.code = "guardrail_refused";
  failure.is_fault = false;
  return failure;
}

void ConversationCall::check_reply(dialects::ChatReply reply) {
  if (output_guards_.empty()) {
    // First remembered: who has an answer and asks again is answered from the cache.
    if (cache_ != nullptr) remember(reply);
    deliver(reply);
    answered();
    return;
  }
  if (const auto refusal = check_output(output_guards_, reply, record_.guards)) {
    try_failed(refused_output(*refusal));
    return;
  }
  auto texts = output_texts(reply);
  const auto kept = std::make_shared<dialects::ChatReply>(std::move(reply));
  ask_hooks({Phase::output, output_guards_, 0, std::move(texts), false,
             [this, kept](const Hooks& hooks, std::optional<std::string> refusal) {
               if (refusal) {
                 try_failed(refused_output(*refusal));
                 return;
               }
               if (hooks.is_altered) set_output_texts(*kept, hooks.texts);
               if (cache_ != nullptr) remember(*kept);
               deliver(*kept);
               answered();
             }});
}

void ConversationCall::deliver(const dialects::ChatReply& reply) {
  settle_budget();
  if (is_gone()) return;
  if (is_stream_) {
    for (const ChatEvent& event : events_of(reply)) send(encoder_->encode(event));
    end_stream();
    return;
  }
  note_answer();
  http::Response response;
  response.headers = answer_headers();
  response.headers.set("Content-Type", "application/json");
  if (const auto cost = this->cost()) response.headers.set("x-slipway-cost-usd", dollars(*cost));
  response.body = json::dump(codec_.encode_reply(*request_, reply));
  if (keeps_reply()) record_.reply.add(response.body);
  exchange_->reply(std::move(response));
}

void ConversationCall::guess_missing_usage(std::size_t output_bytes) {
  if (has_usage_) return;
  record_.usage.input_tokens = guess_tokens(body_.size());
  record_.usage.output_tokens = guess_tokens(output_bytes);
  record_.usage_estimated = true;
}

/// Of an answer that was cut off: each frame of a stream is about a token.
void ConversationCall::guess_usage() {
  if (watch_ && watch_->has_usage()) record_.usage = watch_->usage();
  if (watch_) record_.answered_model = watch_->answered_model();
  record_.usage_estimated = true;
  if (record_.usage.input_tokens == 0) record_.usage.input_tokens = guess_tokens(body_.size());
  record_.usage.output_tokens = std::max(record_.usage.output_tokens, received_tokens());
}

std::int64_t ConversationCall::received_tokens() const {
  if (watch_)
    return std::max(static_cast<std::int64_t>(watch_->frames()),
                    guess_tokens(watch_->text_bytes()));
  return std::max(written_pieces_, guess_tokens(written_bytes_));
}

void ConversationCall::tell_failure(const dialects::WireError& error, http::Headers headers) {
  if (is_committed_) {
    auto encoder = std::move(encoder_);
    if (encoder == nullptr) {
      dialects::ChatRequest request;
      request.model = record_.model;
      request.stream = true;
      encoder = codec_.stream_encoder(request);
    }
    std::string end = encoder->fail(error);
    if (spending_.told) end = budget_error_events(end, error, *spending_.told);
    exchange_->write(std::move(end));
    end_stream();
    return;
  }
  http::Response response;
  response.status = error.status;
  response.headers = std::move(headers);
  response.headers.set("Content-Type", "application/json");
  response.body =
      json::dump(spending_.told ? budget_error_body(codec_.dialect(), error, *spending_.told)
                                : codec_.encode_error(error));
  exchange_->reply(std::move(response));
}

// --- Models of this process
// ---------------------------------------------------------------------------

bool ConversationCall::take_local_event(const ChatEvent& event, const Context& context) {
  if (is_gone()) return false;
  if (record_.first_token_seconds == 0) record_.first_token_seconds = seconds_since_start();
  take_events({event});
  constexpr std::size_t queued_high = 1u << 20;
  if (is_committed_ && exchange_->queued_bytes() > queued_high)
    return exchange_->wait_drained(context).ok();
  return true;
}

Result<dialects::ChatReply> ConversationCall::converse(const DeploymentPtr& deployment,
                                                       const Context& context) {
  PipelineCall call = pipeline_call();
  call.refused = [this](budgets::Refusal refusal) { pipeline_refusal_ = std::move(refusal); };
  const auto model = TRY(engine_.chat_model(*plan_, context, *deployment, std::move(call)));
  dialects::ChatRequest request = *request_;
  request.model = record_.model;
  if (spending_.allowance != nullptr) {
    const std::int64_t paid = spending_.allowance->hold()->output_tokens;
    request.max_tokens = std::min(request.max_tokens.value_or(paid), paid);
  }
  const models::EventSink sink = [&](const ChatEvent& event) {
    return take_local_event(event, context);
  };
  for (;;) {
    auto reply = model->converse(context, request, is_stream_ ? sink : models::EventSink());
    if (reply || reply.error().code() != Code::unsupported || !may_drop()) return reply;
    // "tools: ..." names what this model cannot do.
    const std::string& message = reply.error().message();
    const std::string parameter = message.substr(0, message.find(':'));
    if (!drop_parameter(request, parameter)) return reply;
    dropped_.push_back(parameter);
  }
}

void ConversationCall::ask_local(const DeploymentPtr& deployment) {
  Failure failure;
  failure.is_refused_by_us = true;
  failure.may_fall_back = false;
  if (const auto understood = understand(); !understood) {
    failure.error = wire_error(understood.error());
    try_failed(std::move(failure));
    return;
  }
  if (auto refusal = drop(*deployment, dialects::foreign(*request_))) {
    try_failed(*std::move(refusal));
    return;
  }
  watch_.reset();
  is_relayed_ = false;
  answer_bytes_ = written_bytes_ = 0;
  written_pieces_ = 0;
  has_usage_ = false;
  begin_stream();
  const Context context =
      exchange_->context().with_timeout(deployment->timeouts().total).with_caller(caller_.name);
  auto reply = converse(deployment, context);
  if (is_gone()) {
    guess_usage();
    answered();
    return;
  }
  if (reply && deployment->place() == Place::pipeline)
    if (const json::Value* told = reply->extra.if_contains("slipway")) note_pipeline(*told);
  if (!reply) {
    try_failed(pipeline_refusal_ ? failure_of_refusal(*std::exchange(pipeline_refusal_, {}))
                                 : failure_of_local(*deployment, reply.error()));
    return;
  }
  if (!is_stream_ || holds_output_) {
    take_reply(*std::move(reply));
    return;
  }
  record_.usage = reply->usage;
  if (mask_) mask_->record(record_.guards);
  if (assembler_) remember(assembler_->take());
  end_stream();
  answered();
}

}  // namespace slipway::gateway::detail
