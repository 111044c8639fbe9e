#include "gateway/detail/task_call.hpp"

#include <algorithm>
#include <numeric>

#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::EmbeddingDialect;
using dialects::EmbeddingReply;
using dialects::RerankDialect;
using dialects::RerankReply;
using models::Provider;

EmbeddingDialect embedding_dialect(const Deployment& deployment) {
  return deployment.config().provider == Provider::cohere ? EmbeddingDialect::cohere
                                                          : EmbeddingDialect::openai;
}

/// Of text; a token counts as four.
std::size_t bytes_of(const dialects::EmbeddingRequest& request) {
  constexpr std::size_t bytes_per_token = 4;
  std::size_t bytes = 0;
  for (const auto& input : request.inputs) {
    bytes += input.tokens.size() * bytes_per_token;
    for (const auto& part : input.parts) bytes += part.text.size();
  }
  return bytes;
}

// What of a reply a run keeps. Vectors are for nobody to read.
json::Value shown(const EmbeddingReply& reply) {
  json::Object object{{"model", reply.model},
                      {"embeddings", reply.vectors.size()},
                      {"input_tokens", reply.input_tokens}};
  if (!reply.vectors.empty()) object["dimension"] = reply.vectors.front().size();
  return object;
}

json::Value shown(const RerankReply& reply) {
  json::Array results;
  for (const auto& hit : reply.hits)
    results.push_back(json::Object{{"index", hit.index}, {"relevance_score", hit.score}});
  return json::Object{{"results", std::move(results)}};
}

/// As Cohere counts: a question with up to a hundred documents, of which one that is long is
/// several.
std::int64_t search_units_of(const dialects::RerankRequest& request) {
  constexpr std::int64_t documents_per_unit = 100, tokens_per_document = 500;
  std::int64_t documents = 0;
  for (const std::string& document : request.documents)
    documents += 1 + estimate_tokens(document) / tokens_per_document;
  return (documents + documents_per_unit - 1) / documents_per_unit;
}

json::Value shown(const CountReply& reply) {
  return json::Object{{"input_tokens", reply.input_tokens}, {"estimated", reply.estimated}};
}

std::string dollars(double cost) { return fmt::format("{:.9f}", cost); }

}  // namespace

template <typename Reply>
bool TaskCall<Reply>::begin(const std::string& model, models::ModelTask task, std::int64_t tokens) {
  trace::take_body(record_.origin, exchange_->request().body);
  if (!admit(model, tokens, "")) {
    return false;
  }
  for (const DeploymentPtr& deployment : candidates_.list)
    if (deployment->config().task != task) {
      refuse({400, "invalid_request",
              fmt::format("model '{}' is for {}, not for {}", deployment->name(),
                          json::name(deployment->config().task), json::name(task)),
              "model"});
      return false;
    }
  return true;
}

template <typename Reply>
void TaskCall<Reply>::tell(Reply reply) {
  settle_budget();
  note_answer();
  if (keeps_reply()) record_.reply.add(json::dump(shown(reply)));
  Outcome<Reply> outcome;
  outcome.reply = std::move(reply);
  outcome.headers = answer_headers();
  if (const auto cost = this->cost()) outcome.headers.set("x-slipway-cost-usd", dollars(*cost));
  if (!is_gone()) std::exchange(done_, nullptr)(std::move(outcome));
  answered();
}

template <typename Reply>
void TaskCall<Reply>::tell_failure(const dialects::WireError& error, http::Headers headers) {
  Outcome<Reply> outcome;
  outcome.error = error;
  outcome.budget = std::move(spending_.told);
  outcome.headers = std::move(headers);
  std::exchange(done_, nullptr)(std::move(outcome));
}

template <typename Reply>
void TaskCall<Reply>::tell_local(const DeploymentPtr& deployment, Result<Reply> reply) {
  if (reply)
    tell(*std::move(reply));
  else
    try_failed(failure_of_local(*deployment, reply.error()));
}

template class TaskCall<EmbeddingReply>;
template class TaskCall<RerankReply>;
template class TaskCall<CountReply>;

// --- Embeddings
// ---------------------------------------------------------------------------------------

EmbeddingCall::EmbeddingCall(Engine& engine, http::ExchangePtr exchange, EmbedCall call,
                             Done<EmbeddingReply> done)
    : TaskCall(engine, std::move(exchange), std::move(call.caller), std::move(done)),
      request_(std::move(call.request)) {
  record_.task = "embed";
  record_.dialect = request_.from == EmbeddingDialect::cohere ? "cohere" : "openai";
}

void EmbeddingCall::start() {
  const std::size_t bytes = bytes_of(request_);
  if (!begin(request_.model, models::ModelTask::embed, guess_tokens(bytes))) return;
  if (!has_texts_for_guards()) return;
  guard_input(models::ModelTask::embed, input_texts(request_), [this](bool) { try_next(); });
}

std::int64_t EmbeddingCall::input_tokens() const {
  std::int64_t tokens = 0;
  for (const auto& input : request_.inputs) {
    tokens += static_cast<std::int64_t>(input.tokens.size());
    for (const auto& part : input.parts) tokens += estimate_tokens(part.text);
  }
  return tokens;
}

/// Tokens are a text that no guardrail can read.
bool EmbeddingCall::has_texts_for_guards() {
  const GuardList guards =
      guards_for(plan_->guards(), record_.model, Phase::input, models::ModelTask::embed);
  if (guards.empty()) return true;
  for (std::size_t i = 0; i < request_.inputs.size(); ++i) {
    if (request_.inputs[i].tokens.empty()) continue;
    refuse({400, "guardrail_refused",
            fmt::format("input[{}]: guardrail '{}' reads texts; send the text, not its tokens", i,
                        guards.front()->name),
            "input"});
    return false;
  }
  return true;
}

std::string EmbeddingCall::asked() const {
  if (!has_masked_input()) return TaskCall::asked();
  std::vector<dialects::Unsupported> ignored;
  return json::dump(
      dialects::encode_embedding_request(EmbeddingDialect::openai, request_, ignored));
}

std::optional<Failure> EmbeddingCall::prepare(const Deployment& deployment,
                                              http::ClientRequest& request) {
  const auto dialect = embedding_dialect(deployment);
  request =
      deployment.request(dialect == EmbeddingDialect::cohere ? "/embed" : "/embeddings", try_.key);
  dialects::EmbeddingRequest asked = request_;
  asked.model = deployment.model();
  std::vector<dialects::Unsupported> unsupported;
  request.body = json::dump(dialects::encode_embedding_request(dialect, asked, unsupported));
  return drop(deployment, unsupported);
}

void EmbeddingCall::take_answer(Try& attempt) {
  const auto value = json::parse(attempt.body);
  auto reply =
      value ? dialects::decode_embedding_reply(embedding_dialect(*attempt.deployment), *value)
            : Result<EmbeddingReply>(value.error());
  if (!reply) {
    try_failed(unusable(*attempt.deployment, reply.error().message()));
    return;
  }
  record_.answered_model = reply->model;
  reply->model = record_.model;
  record_.usage.input_tokens = reply->input_tokens;
  if (reply->input_tokens == 0) {
    record_.usage.input_tokens = guess_tokens(bytes_of(request_));
    record_.usage_estimated = true;
  }
  tell(*std::move(reply));
}

Result<EmbeddingReply> EmbeddingCall::embed(const DeploymentPtr& deployment) {
  const Context context = exchange_->context().with_timeout(deployment->timeouts().total);
  const auto embedder = TRY(plan_->catalog().embedder(context, deployment->name()));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < request_.inputs.size(); ++i) {
    const auto& input = request_.inputs[i];
    std::string text;
    if (!input.tokens.empty())
      return fail(Code::unsupported, "input[{}]: a local model takes texts, not tokens", i);
    for (const auto& part : input.parts) {
      if (part.kind != dialects::PartKind::text)
        return fail(Code::unsupported, "input[{}]: this model takes texts only", i);
      text += part.text;
    }
    texts.push_back(std::move(text));
  }
  if (request_.dimensions &&
      static_cast<std::size_t>(*request_.dimensions) != embedder->dimension())
    return fail(Code::unsupported, "dimensions: model '{}' has {} and cannot change it",
                deployment->name(), embedder->dimension());
  const bool is_query = request_.purpose == "search_query";
  models::Usage usage;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  EmbeddingReply reply;
  reply.vectors = TRY(embedder->embed(
      context, views, is_query ? models::TextRole::query : models::TextRole::document, &usage));
  reply.model = record_.model;
  reply.input_tokens = usage.embedding_tokens;
  return reply;
}

void EmbeddingCall::ask_local(const DeploymentPtr& deployment) {
  auto reply = embed(deployment);
  if (reply) record_.usage.input_tokens = reply->input_tokens;
  tell_local(deployment, std::move(reply));
}

// --- Reranking
// ----------------------------------------------------------------------------------------

RerankingCall::RerankingCall(Engine& engine, http::ExchangePtr exchange, RerankCall call,
                             Done<RerankReply> done)
    : TaskCall(engine, std::move(exchange), std::move(call.caller), std::move(done)),
      request_(std::move(call.request)) {
  record_.task = "rerank";
  record_.dialect = "cohere";
}

void RerankingCall::start() {
  std::size_t bytes = request_.query.size();
  for (const std::string& document : request_.documents) bytes += document.size();
  spending_.demand.search_units = search_units_of(request_);
  if (!begin(request_.model, models::ModelTask::rerank, guess_tokens(bytes))) return;
  guard_input(models::ModelTask::rerank, input_texts(request_), [this](bool) { try_next(); });
}

std::string RerankingCall::asked() const {
  if (!has_masked_input()) return TaskCall::asked();
  std::vector<dialects::Unsupported> ignored;
  return json::dump(dialects::encode_rerank_request(RerankDialect::cohere_v2, request_, ignored));
}

/// The query is read with every document.
std::int64_t RerankingCall::input_tokens() const {
  std::int64_t tokens =
      estimate_tokens(request_.query) * static_cast<std::int64_t>(request_.documents.size());
  for (const std::string& document : request_.documents) tokens += estimate_tokens(document);
  return tokens;
}

std::optional<Failure> RerankingCall::prepare(const Deployment& deployment,
                                              http::ClientRequest& request) {
  request = deployment.request("/rerank", try_.key);
  dialects::RerankRequest asked = request_;
  asked.model = deployment.model();
  std::vector<dialects::Unsupported> unsupported;
  request.body =
      json::dump(dialects::encode_rerank_request(RerankDialect::cohere_v2, asked, unsupported));
  return drop(deployment, unsupported);
}

void RerankingCall::take_answer(Try& attempt) {
  const auto value = json::parse(attempt.body);
  auto reply = value ? dialects::decode_rerank_reply(*value, request_.documents.size())
                     : Result<RerankReply>(value.error());
  if (!reply) {
    try_failed(unusable(*attempt.deployment, reply.error().message()));
    return;
  }
  note_usage(*reply);
  tell(*std::move(reply));
}

void RerankingCall::note_usage(const RerankReply& reply) {
  record_.usage.input_tokens = reply.input_tokens;
  record_.more_usage.search_units = reply.search_units;
  if (reply.input_tokens != 0 || reply.search_units != 0) return;
  record_.more_usage.search_units = search_units_of(request_);
  record_.usage_estimated = true;
}

Result<RerankReply> RerankingCall::rerank(const DeploymentPtr& deployment) {
  const Context context = exchange_->context().with_timeout(deployment->timeouts().total);
  const auto reranker = TRY(plan_->catalog().reranker(context, deployment->name()));
  models::Usage usage;
  const std::vector<std::string_view> passages(request_.documents.begin(),
                                               request_.documents.end());
  const auto scores = TRY(reranker->rerank(context, request_.query, passages, &usage));
  RerankReply reply;
  for (std::size_t i = 0; i < scores.size(); ++i) reply.hits.push_back({i, scores[i]});
  std::stable_sort(reply.hits.begin(), reply.hits.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  if (request_.top_n && static_cast<std::size_t>(*request_.top_n) < reply.hits.size())
    reply.hits.resize(static_cast<std::size_t>(*request_.top_n));
  reply.search_units = usage.search_units;
  reply.input_tokens = usage.rerank_tokens;
  return reply;
}

void RerankingCall::ask_local(const DeploymentPtr& deployment) {
  auto reply = rerank(deployment);
  if (reply) note_usage(*reply);
  tell_local(deployment, std::move(reply));
}

// --- Counting tokens
// ----------------------------------------------------------------------------------

CountingCall::CountingCall(Engine& engine, http::ExchangePtr exchange, CountCall call,
                           Done<CountReply> done)
    : TaskCall(engine, std::move(exchange), std::move(call.caller), std::move(done)),
      request_(std::move(call.request)) {
  record_.task = "count_tokens";
  record_.dialect = "anthropic";
}

void CountingCall::start() {
  if (!begin(request_.model, models::ModelTask::chat, 0)) return;
  // What is counted leaves the house as what is asked does.
  guard_input(models::ModelTask::chat, input_texts(request_), [this](bool) { choose(); });
}

void CountingCall::choose() {
  // Those that cannot count are not asked; when nobody can, a guess is better than nothing.
  auto& list = candidates_.list;
  const auto first = list.front();
  std::erase_if(list, [](const DeploymentPtr& one) {
    return one->place() == Place::remote && one->config().provider != Provider::anthropic;
  });
  if (list.empty()) {
    try_.deployment = first;
    tell(guess());
    return;
  }
  try_next();
}

CountReply CountingCall::guess() const {
  std::size_t bytes = 0;
  for (const auto& message : request_.messages)
    for (const auto& part : message.parts) bytes += part.text.size();
  for (const auto& tool : request_.tools)
    bytes += tool.name.size() + tool.description.size() + json::dump(tool.parameters).size();
  return {guess_tokens(bytes), true};
}

std::string CountingCall::asked() const {
  if (!has_masked_input()) return TaskCall::asked();
  std::vector<dialects::Unsupported> ignored;
  return json::dump(dialects::encode_count_tokens(request_, ignored));
}

std::optional<Failure> CountingCall::prepare(const Deployment& deployment,
                                             http::ClientRequest& request) {
  request = deployment.request("/messages/count_tokens", try_.key);
  dialects::ChatRequest asked = request_;
  asked.model = deployment.model();
  std::vector<dialects::Unsupported> unsupported;
  request.body = json::dump(dialects::encode_count_tokens(asked, unsupported));
  return drop(deployment, unsupported);
}

void CountingCall::take_answer(Try& attempt) {
  const auto value = json::parse(attempt.body);
  const auto* object = value ? value->if_object() : nullptr;
  const auto* tokens = object != nullptr ? object->if_contains("input_tokens") : nullptr;
  if (tokens == nullptr || !tokens->is_int64()) {
    try_failed(unusable(*attempt.deployment, "its answer has no input_tokens"));
    return;
  }
  tell({tokens->get_int64(), false});
}

/// With template and tools, as it would be asked.
Result<CountReply> CountingCall::count(const DeploymentPtr& deployment) {
  const Context context = exchange_->context().with_timeout(deployment->timeouts().total);
  const auto model = TRY(engine_.chat_model(*plan_, context, *deployment, pipeline_call()));
  const std::size_t tokens = TRY(model->count_prompt(request_));
  const bool is_exact = deployment->config().provider == models::Provider::llama;
  return CountReply{static_cast<std::int64_t>(tokens), !is_exact};
}

void CountingCall::ask_local(const DeploymentPtr& deployment) {
  tell_local(deployment, count(deployment));
}

}  // namespace slipway::gateway::detail
