#include "gateway/detail/chat_call.hpp"

#include <algorithm>
#include <charconv>

#include "core/json_members.hpp"
#include "dialects/splice.hpp"
#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::Dialect;

constexpr std::int64_t output_tokens_guess = 256;

bool is_openai(Dialect dialect) {
  return dialect == Dialect::openai || dialect == Dialect::openai_completions;
}

std::int64_t whole_number(std::string_view value, std::int64_t fallback) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  constexpr std::int64_t most = 1'000'000'000;  // Sums of it must not overflow.
  if (error != std::errc() || end != value.data() + value.size() || number < 0) return fallback;
  return std::min(number, most);
}

}  // namespace

ConversationCall::ConversationCall(Engine& engine, http::ExchangePtr exchange, ChatCall call)
    : Call(engine, std::move(exchange), std::move(call.caller)),
      codec_(*call.codec),
      body_(exchange_->request().body) {
  record_.task = "chat";
  record_.dialect = std::string(json::name(codec_.dialect()));
}

// --- The request
// --------------------------------------------------------------------------------------

void ConversationCall::start() {
  if (!look_at_body()) return;
  if (record_.model.empty()) {
    refuse({400, "invalid_request", "model: is required; GET /v1/models lists the names", "model"});
    return;
  }
  spending_.demand.has_output = true;
  std::string_view user, metadata;
  json::Members members(body_);
  for (json::Member one; members.next(one);) {
    look_at_length(one.key, one.value);
    if (one.key == "service_tier") record_.service_tier = json::unquoted(one.value);
    if (one.key == "user") user = one.value;
    if (one.key == "metadata") metadata = one.value;
  }
  trace::take_members(record_.origin, user, metadata);
  if (codec_.dialect() == Dialect::anthropic) user = json::member(metadata, "user_id");
  user_ = json::unquoted(user);
  const std::string model = record_.model;
  const std::int64_t output = spending_.demand.output_tokens.value_or(output_tokens_guess);
  if (!admit(model, guess_tokens(body_.size()) + output, user_)) return;
  for (const DeploymentPtr& deployment : candidates_.list)
    if (deployment->config().task != models::ModelTask::chat) {
      refuse({400, "invalid_request",
              fmt::format("model '{}' does not chat; it is for {}", deployment->name(),
                          json::name(deployment->config().task)),
              "model"});
      return;
    }
  output_guards_ = guards_for(plan_->guards(), model, Phase::output, models::ModelTask::chat);
  holds_output_ = std::any_of(output_guards_.begin(), output_guards_.end(),
                              [](const auto& guard) { return guard->needs_whole(); });
  if (candidates_.route != nullptr && candidates_.route->cache) cache_ = &*candidates_.route->cache;
  check_guards();
}

/// How much may be written, as the caller says.
void ConversationCall::look_at_length(std::string_view key, std::string_view value) {
  constexpr std::int64_t absent = -1, choices_max = 128;
  Demand& demand = spending_.demand;
  if (is_output_limit(codec_.dialect(), key)) {
    const std::int64_t said = whole_number(value, absent);
    if (said != absent) demand.output_tokens = std::max(demand.output_tokens.value_or(0), said);
  }
  if (key == "n" || key == "best_of")
    demand.choices = std::clamp(whole_number(value, 1), demand.choices, choices_max);
}

bool ConversationCall::look_at_body() {
  auto glance = dialects::glance(body_);
  if (!glance) {
    refuse({400, "invalid_request", glance.error().message(), ""});
    return false;
  }
  record_.model = std::move(glance->model);
  record_.streamed = is_stream_ = glance->stream;
  model_begin_ = glance->model_begin;
  model_end_ = glance->model_end;
  return true;
}

std::string ConversationCall::asked() const {
  if (!request_ || (!is_altered_ && !has_masked_input())) return body_;
  std::vector<dialects::Unsupported> ignored;
  return json::dump(codec_.encode_request(*request_, ignored));
}

Result<void> ConversationCall::understand() {
  if (request_) return {};
  const auto value = TRY(json::parse(body_));
  auto request = TRY(codec_.decode_request(value));
  is_stream_ = request.stream;
  request_ = std::move(request);
  return {};
}

void ConversationCall::check_guards() {
  const GuardList guards =
      guards_for(plan_->guards(), record_.model, Phase::input, models::ModelTask::chat);
  if (!guards.empty() || cache_ != nullptr) {
    if (const auto understood = understand(); !understood) {
      refuse(wire_error(understood.error()));
      return;
    }
  }
  if (guards.empty()) {
    look_into_cache();
    return;
  }
  guard_input(models::ModelTask::chat, input_texts(*request_), [this](bool is_altered) {
    is_altered_ = is_altered;
    look_into_cache();
  });
}

/// The caller's bytes, but for the model's name and the wish to be told the usage.
std::string ConversationCall::relayed_body(const Deployment& deployment) const {
  const std::string model = json::quoted(deployment.model());
  constexpr std::string_view usage_wish = R"("stream_options":{"include_usage":true},)";
  std::string body;
  body.reserve(body_.size() + model.size() + usage_wish.size());
  std::size_t done = 0;
  if (is_stream_ && is_openai(codec_.dialect()) && json::member(body_, "stream_options").empty()) {
    done = body_.find('{') + 1;
    body.append(body_, 0, done);
    body += usage_wish;
  }
  body.append(body_, done, model_begin_ - done);
  body += model;
  body.append(body_, model_end_, std::string::npos);
  return body;
}

/// No longer a reply than budgets pay for.
std::string ConversationCall::limited(std::string body, const Deployment& deployment) const {
  if (!spending_.output_limit) return body;
  const Dialect dialect = codec_.dialect();
  std::string_view key = "max_tokens";
  if (dialect == Dialect::openai_responses) key = "max_output_tokens";
  // The word that others do not know, and that newer models of its own demand.
  if (dialect == Dialect::openai && deployment.config().base_url == "https://api.openai.com/v1")
    key = "max_completion_tokens";
  return with_output_limit(std::move(body), dialect, key, *spending_.output_limit);
}

std::optional<Failure> ConversationCall::translated_body(const Deployment& deployment,
                                                         std::string& body) {
  if (const auto understood = understand(); !understood) {
    Failure failure;
    failure.error = wire_error(understood.error());
    failure.may_fall_back = false;
    failure.is_refused_by_us = true;
    return failure;
  }
  dialects::ChatRequest request = *request_;
  request.model = deployment.model();
  request.stream_usage = is_stream_;
  if (spending_.output_limit) request.max_tokens = spending_.output_limit;
  if (wire_->dialect() == Dialect::anthropic && !request.max_tokens)
    request.max_tokens = deployment.config().max_tokens;
  std::vector<dialects::Unsupported> unsupported;
  const json::Value value = wire_->encode_request(request, unsupported);
  if (auto refusal = drop(deployment, unsupported)) return refusal;
  body = json::dump(value);
  return {};
}

/// What a vendor's own client says beside the body and its server understands.
void ConversationCall::forward_headers(http::ClientRequest& request) const {
  for (const char* name : {"anthropic-version", "anthropic-beta", "openai-beta"})
    if (const std::string* value = exchange_->request().headers.find(name))
      request.headers[name] = *value;
}

std::optional<Failure> ConversationCall::prepare(const Deployment& deployment,
                                                 http::ClientRequest& request) {
  const Dialect dialect = deployment.dialect_for(codec_.dialect());
  wire_ = &dialects::codec(dialect);
  const bool is_same = dialect == codec_.dialect();
  const bool sends_body = is_same && !is_altered_;
  is_relayed_ = sends_body && output_guards_.empty() && cache_ == nullptr;
  answer_bytes_ = written_bytes_ = 0;
  written_pieces_ = 0;
  has_usage_ = false;
  request = deployment.request(deployment.chat_path(dialect), try_.key);
  if (is_same) forward_headers(request);
  if (!record_.trace_id.empty())
    request.headers.emplace("traceparent", trace::traceparent_of(record_.origin, record_.place));
  if (is_stream_) request.headers.emplace("Accept", "text/event-stream");
  if (sends_body)
    request.body = limited(relayed_body(deployment), deployment);
  else if (auto failure = translated_body(deployment, request.body))
    return failure;
  watch_.reset();
  if (is_relayed_ && is_stream_) {
    const bool hides_usage = is_openai(dialect) && json::member(body_, "stream_options").empty();
    const bool counts_text = spending_.allowance != nullptr;
    watch_.emplace(StreamWatch::Options{dialect, record_.model, hides_usage, counts_text});
    return {};
  }
  if (is_relayed_) return {};
  if (const auto understood = understand(); !understood) {
    Failure failure;
    failure.error = wire_error(understood.error());
    failure.may_fall_back = false;
    return failure;
  }
  decoder_ = wire_->stream_decoder();
  begin_stream();
  return {};
}

/// What a streamed answer goes through; nothing is sent yet.
void ConversationCall::begin_stream() {
  encoder_ = codec_.stream_encoder(*request_);
  mask_.reset();
  if (!output_guards_.empty() && !holds_output_) mask_.emplace(output_guards_);
  assembler_.reset();
  if (holds_output_ || cache_ != nullptr) assembler_.emplace();
}

}  // namespace slipway::gateway::detail
