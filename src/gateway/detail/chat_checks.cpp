// What a conversation passes before and after a model is asked: caches.
#include <numeric>

#include "core/duration.hpp"
#include "core/files.hpp"
#include "core/log.hpp"
#include "gateway/detail/chat_call.hpp"
#include "gateway/detail/side_payment.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::PartKind;

/// Answers that say the same in other words are nearer than this.
constexpr double same_answer_cosine = 0.9;

/// The last message, when it is a question in words alone.
dialects::Part* question_of(dialects::ChatRequest& request) {
  if (request.messages.empty()) return nullptr;
  auto& last = request.messages.back();
  if (last.role != dialects::Role::user || last.parts.size() != 1) return nullptr;
  return last.parts.front().kind == PartKind::text ? &last.parts.front() : nullptr;
}

bool is_worth_keeping(const dialects::ChatReply& reply) {
  using dialects::FinishReason;
  if (reply.choices.empty()) return false;
  for (const auto& choice : reply.choices)
    if (choice.finish_reason != FinishReason::stop &&
        choice.finish_reason != FinishReason::tool_calls)
      return false;
  return true;
}

std::string text_of(const dialects::ChatReply& reply) {
  std::string text;
  for (const std::string& one : output_texts(reply)) text += one + "\n";
  return text;
}

Clock::Time later(Clock::Time now, const std::string& ttl) {
  const auto time = parse_duration(ttl);
  return now + (time ? *time : std::chrono::milliseconds(0));
}

struct NamedEmbedder {
  std::string name;
  std::shared_ptr<models::Embedder> embedder;
};

/// By its name, or by that of its quantized form: "bge-small-en-v1.5" is installed as "...-q".
Result<NamedEmbedder> open_embedder(models::Catalog& catalog, const Context& context,
                                    const std::string& name) {
  auto embedder = catalog.embedder(context, name);
  if (embedder) return NamedEmbedder{name, *std::move(embedder)};
  if (embedder.error().code() != Code::not_found) return embedder.error();
  const std::string other = name + "-q";
  auto quantized = catalog.embedder(context, other);
  if (!quantized) return embedder.error();
  return NamedEmbedder{other, *std::move(quantized)};
}

/// What the cache embeds, as a run below the call's. Texts are in that one.
class EmbeddingRun {
 public:
  EmbeddingRun(Engine& engine, PlanPtr plan, trace::Origin origin, std::string_view purpose)
      : engine_(engine), plan_(std::move(plan)), origin_(std::move(origin)) {
    const auto start = trace::nanoseconds(engine_.clock().now());
    run_ = trace::patch_at(origin_, trace::new_place(origin_, start, engine_.ids()), start);
    run_.kind = trace::Kind::embedding;
    run_.metadata["purpose"] = purpose;
  }
  models::Usage* usage() { return &usage_; }
  trace::RunPatch end(const std::string& model, const std::optional<Error>& error) {
    run_.name = "embeddings " + model;
    run_.end = trace::nanoseconds(engine_.clock().now());
    run_.status = error ? trace::Status::error : trace::Status::ok;
    if (error) run_.error = error->message();
    if (const DeploymentPtr deployment = plan_->deployment(model)) {
      run_.provider = deployment->provider();
      run_.model = deployment->model();
      run_.request_model = deployment->priced_model();
    } else {
      run_.model = model;
    }
    if (usage_.embedding_tokens > 0) run_.usage.input = usage_.embedding_tokens;
    run_.usage.source =
        usage_.estimated ? trace::UsageSource::estimated : trace::UsageSource::provider;
    return std::move(run_);
  }

 private:
  Engine& engine_;
  const PlanPtr plan_;
  const trace::Origin origin_;
  trace::RunPatch run_;
  models::Usage usage_;
};

/// What failed without an answer was not; whether what came too late was, nobody knows.
template <typename T>
bool was_billed(const Result<T>& answer) {
  return answer || answer.error().code() == Code::deadline_exceeded;
}

}  // namespace

/// Everything that can change the answer is in the key; how it is told (streamed or not) is not.
void ConversationCall::set_cache_keys(const CacheConfig& config) {
  std::vector<dialects::Unsupported> ignored;
  dialects::ChatRequest request = *request_;
  request.stream = request.stream_usage = false;
  request.user.clear();
  request.metadata.clear();
  const auto key_of = [&] {
    const std::string who = config.per_caller ? caller_.name : "";
    return sha256(fmt::format("{}\n{}\n{}\n{}", record_.model, record_.dialect, who,
                              json::dump_canonical(codec_.encode_request(request, ignored))));
  };
  cache_key_ = key_of();
  if (!config.semantic) return;
  dialects::Part* question = question_of(request);
  if (question == nullptr || question->text.empty()) return;
  near_text_ = std::exchange(question->text, "?");
  near_key_ = key_of();
}

void ConversationCall::look_into_cache() {
  const std::string_view control = exchange_->request().headers.get("cache-control");
  if (cache_ == nullptr || control.find("no-store") != std::string_view::npos) {
    cache_ = nullptr;
    try_next();
    return;
  }
  set_cache_keys(*cache_);
  record_.cache = CacheResult::miss;
  const bool is_fresh_wanted = control.find("no-cache") != std::string_view::npos;
  if (!cache_->exact.empty() && !is_fresh_wanted)
    if (const auto reply = engine_.cache().find(cache_key_, engine_.clock().now())) {
      serve_cached(reply, CacheResult::hit);
      return;
    }
  if (cache_->semantic && !near_key_.empty() && !is_fresh_wanted) {
    look_for_near(*cache_->semantic);
    return;
  }
  engine_.cache().count(CacheResult::miss);
  try_next();
}

void ConversationCall::look_for_near(const SemanticCacheConfig& config) {
  const auto self = shared_from_this();
  on_lane(
      [this, self, &config] {
        auto question = embed_question(config);
        if (!question) {
          // A cache that cannot be asked is no reason not to answer.
          log::warning("the semantic cache of '{}' cannot be asked: {}", record_.model,
                       question.error().message());
          near_key_.clear();
          try_next();
          return;
        }
        found_near(config, *std::move(question));
      },
      [this, self](const Failure&) {
        near_key_.clear();
        try_next();
      });
}

Result<models::Vector> ConversationCall::embed_question(const SemanticCacheConfig& config) {
  const auto opened = TRY(open_embedder(plan_->catalog(), exchange_->context(), config.embedder));
  SidePayment payment = TRY(SidePayment::open({.engine = engine_,
                                               .payer = payer(),
                                               .call_id = record_.request_id,
                                               .model = opened.name,
                                               .tokens = estimate_tokens(near_text_)}));
  EmbeddingRun run(engine_, plan_, origin_below(), "semantic cache");
  auto question = opened.embedder->embed_one(exchange_->context(), near_text_,
                                             models::TextRole::query, run.usage());
  if (was_billed(question)) payment.settle(run.usage()->embedding_tokens);
  add_run(run.end(opened.name, question ? std::nullopt : std::optional(question.error())));
  return question;
}

void ConversationCall::found_near(const SemanticCacheConfig& config, models::Vector question) {
  near_question_ = std::move(question);
  const auto reply =
      engine_.cache().find_near(near_key_, near_question_, config.threshold, engine_.clock().now());
  if (reply == nullptr) {
    engine_.cache().count(CacheResult::miss);
    try_next();
    return;
  }
  if (fraction(engine_.random()) < config.check) {
    shadow_ = reply;
    try_next();
    return;
  }
  serve_cached(reply, CacheResult::semantic);
}

void ConversationCall::serve_cached(const ReplyPtr& reply, CacheResult result) {
  record_.cache = result;
  engine_.cache().count(result);
  if (is_gone()) {
    finish(499, "client_closed");
    return;
  }
  encoder_ = codec_.stream_encoder(*request_);
  dialects::ChatReply told = *reply;
  told.model = record_.model;
  record_.usage = {};  // Nobody was asked.
  deliver(told);
  finish(200, "");
}

void ConversationCall::remember(dialects::ChatReply reply) {
  if (cache_ == nullptr) return;
  if (shadow_) compare_with_cached(std::make_shared<dialects::ChatReply>(reply));
  if (!is_worth_keeping(reply)) return;
  const auto kept = std::make_shared<const dialects::ChatReply>(std::move(reply));
  const Clock::Time now = engine_.clock().now();
  if (!cache_->exact.empty()) engine_.cache().put(cache_key_, kept, later(now, cache_->exact));
  if (cache_->semantic && !near_question_.empty())
    engine_.cache().put_near(near_key_, std::move(near_question_), kept,
                             later(now, cache_->semantic->ttl));
}

/// What the semantic cache would have answered beside what the model says: equal, near, or wrong.
void ConversationCall::compare_with_cached(const ReplyPtr& reply) {
  const std::string fresh = text_of(*reply), cached = text_of(*shadow_);
  if (fresh == cached) {
    engine_.cache().count_check(false);
    return;
  }
  const auto compare = [&engine = engine_, plan = plan_, fresh, cached, origin = origin_below(),
                        is_recorded = is_recorded(), name = cache_->semantic->embedder,
                        payer = payer(), call_id = record_.request_id] {
    const auto opened = open_embedder(plan->catalog(), {}, name);
    if (!opened) return;
    auto payment = SidePayment::open({.engine = engine,
                                      .payer = payer,
                                      .call_id = call_id,
                                      .model = opened->name,
                                      .tokens = estimate_tokens(fresh) + estimate_tokens(cached)});
    if (!payment) return;
    EmbeddingRun run(engine, plan, origin, "check of the semantic cache");
    const auto vectors =
        opened->embedder->embed({}, {fresh, cached}, models::TextRole::document, run.usage());
    if (was_billed(vectors)) payment->settle(run.usage()->embedding_tokens);
    auto ended = run.end(opened->name, vectors ? std::nullopt : std::optional(vectors.error()));
    if (is_recorded) engine.recorder()->record({std::move(ended)});
    if (!vectors || vectors->size() != 2) return;
    const auto& a = vectors->front();
    const auto& b = vectors->back();
    const double cosine = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    engine.cache().count_check(cosine < same_answer_cosine);
  };
  // Not counted when nobody has time for it.
  const auto queued = engine_.lanes().submit(caller_.name, compare, [] {});
  if (!queued) log::debug("a semantic hit was not compared: {}", queued.error().message());
}

}  // namespace slipway::gateway::detail
