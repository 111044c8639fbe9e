#include "rag/detail/answer.hpp"

#include <chrono>

#include "core/unicode.hpp"
#include "rag/detail/composer.hpp"
#include "rag/detail/judge.hpp"
#include "rag/detail/prompt.hpp"
#include "rag/detail/purse.hpp"
#include "rag/detail/traces.hpp"

namespace slipway::rag::detail {

namespace {

/// Refuses 4 % of answerable questions and answers 2.5 % of the others:
/// docs/decisions/0009-refusal.md.
constexpr double evidence_min_default = 0.4;
constexpr double support_min_default = 0.7;
constexpr std::size_t extract_sentences_max = 3;
/// A second sentence must be nearly as good as the first, and say something else.
constexpr double extract_score_gap = 0.05;
constexpr double same_meaning = 0.93;
/// A generated sentence may be a little further from the question than the best quote is.
constexpr double relevance_gap = 0.06;
/// A model whose first sentences all fail is not waited for.
constexpr std::size_t failures_max = 4;
constexpr std::string_view not_in_documents = "NOT IN THE DOCUMENTS";

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

std::string_view refusal_text(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::no_documents: return "There are no documents to answer from.";
    case RefusalReason::budget: return "Answering would cost more than the budget allows.";
    case RefusalReason::weak_evidence:
    case RefusalReason::nothing_supported: break;
  }
  return "The documents do not answer this question.";
}

/// "It", "This" ... lean on the sentence before.
bool leans_on_previous(const std::string& text) {
  for (const std::string_view word :
       {"It ", "Its ", "This ", "These ", "They ", "Their ", "That ", "Those ", "Such ", "He ",
        "She ", "However", "Otherwise", "Therefore", "Also"})
    if (text.starts_with(word)) return true;
  return false;
}

class Answering {
 public:
  Answering(const Context& context, Shelf& shelf, Texts& texts, const AskRequest& request,
            const AskEvents& events)
      : context_(context),
        shelf_(shelf),
        texts_(texts),
        request_(request),
        events_(events),
        purse_(shelf.catalog(), request.budget_usd),
        trail_(trail_of(shelf, request.origin)) {}

  /// Its run tells how it went.
  Result<Answered> run();

 private:
  Result<Answered> answer();
  Result<void> find();
  Result<void> measure_by_meaning();
  Result<void> weigh_passages();
  Result<void> generate(Composer& composer);
  Result<models::ChatRequest> build_prompt(const models::ChatModel& model);
  Result<std::string> passages_that_fit(const models::ChatModel& model) const;
  Result<void> check_budget(const models::ChatModel& model, const models::ChatRequest& request);
  const std::string& embedder_name() const {
    return answered_.retrieved.collection->row.settings.embedder;
  }
  void pay(const std::string& model, const models::Usage& used);
  void pay_embedding(const models::Usage& before);
  void begin_checks();
  void end_checks(const Composer& composer);
  Result<void> check_sentence(Composer& composer, std::string_view sentence);
  void extract(Composer& composer) const;
  std::vector<const Evidence*> choose_quotes() const;
  const Evidence* previous_of(const Evidence& evidence) const;
  void refuse(RefusalReason reason);
  double threshold(double set, double standard) const { return set < 0 ? standard : set; }
  Answer& reply() { return answered_.answer; }

  const Context& context_;
  Shelf& shelf_;
  Texts& texts_;
  const AskRequest& request_;
  const AskEvents& events_;
  Answered answered_;
  Weighed weighed_;
  Purse purse_;
  ChosenPromptPtr prompt_;    ///< Null: the built in one.
  std::string chat_model_;    ///< The name in the catalog.
  bool over_budget_ = false;  ///< The model was not asked for that reason.
  bool is_prompt_good_ = true;
  const trace::Trail trail_;
  trace::Span run_;
  trace::Span checks_;  ///< Of what the model writes, from its first sentence on.
  models::Usage usage_before_checks_;
};

Result<Answered> Answering::run() {
  run_ = trail_.begin(trace::Kind::chain, "ask " + request_.collection);
  if (run_.keeps_payloads())
    run_.inputs(json::Object{{"question", request_.question},
                             {"collection", request_.collection},
                             {"mode", std::string(wire_name(request_.mode))},
                             {"limit", request_.limit}});
  auto answered = answer();
  if (!answered) {
    trail_.fail(answered.error());
    return answered;
  }
  answered->trail = trail_;
  answered->run = std::move(run_);
  return answered;
}

/// The corridor: retrieve, weigh, generate, check, quote or refuse.
Result<Answered> Answering::answer() {
  const auto start = std::chrono::steady_clock::now();
  TRY(find());
  const CollectionSettings& settings = answered_.retrieved.collection->row.settings;
  if (answered_.retrieved.over_budget || over_budget_) {
    refuse(RefusalReason::budget);
  } else if (answered_.retrieved.passages.empty()) {
    refuse(RefusalReason::no_documents);
  } else if (reply().evidence < threshold(settings.evidence_min, evidence_min_default)) {
    refuse(RefusalReason::weak_evidence);
  } else {
    Composer composer(answered_.retrieved, events_);
    if (request_.mode != AnswerMode::extract) {
      reply().mode = AnswerMode::generate;
      Result<void> generated = generate(composer);
      if (!generated) trail_.fail(generated.error());
      // Without a working model the documents can still be quoted, unless generation was demanded.
      // A prompt that cannot be used is a mistake of who named it.
      const bool may_quote =
          request_.mode == AnswerMode::automatic && is_prompt_good_ && context_.check().ok();
      if (!generated && over_budget_ && !may_quote) {
        refuse(RefusalReason::budget);
        reply().timing_ms["total"] = ms_since(start);
        return std::move(answered_);
      }
      if (!generated && !may_quote) return std::move(generated.error());
      if (!generated) composer.drop("", generated.error().message());
    }
    if (!composer.has_sentences() && request_.mode != AnswerMode::generate) {
      reply().mode = AnswerMode::extract;
      reply().model.reset();  // Nothing of what it wrote is in the answer; its usage stays counted.
      extract(composer);
    }
    const bool answered = composer.has_sentences();
    composer.finish(reply());
    if (!answered) refuse(RefusalReason::nothing_supported);
  }
  reply().timing_ms["total"] = ms_since(start);
  return std::move(answered_);
}

Result<void> Answering::find() {
  constexpr int passages_max = 50;
  if (request_.limit < 1 || request_.limit > passages_max)
    return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", request_.limit,
                passages_max);
  const auto below = run_.is_on() ? std::optional(run_.origin_below()) : std::nullopt;
  answered_.retrieved = TRY(retrieve(context_, shelf_, texts_,
                                     {.collection = request_.collection,
                                      .query = request_.question,
                                      .limit = request_.limit,
                                      .mode = request_.search,
                                      .filter = request_.filter,
                                      .rerank = request_.rerank,
                                      .reranker = request_.reranker,
                                      .candidates = request_.candidates,
                                      .budget_usd = request_.budget_usd,
                                      .version = request_.version,
                                      .origin = below,
                                      .fusion = request_.fusion,
                                      .dense_weight = request_.dense_weight}));
  const SearchReply& found = answered_.retrieved.reply;
  reply().collection = found.collection;
  reply().index_version = found.index_version;
  reply().trace_id = found.trace_id;
  reply().usage = found.usage;
  purse_.add(answered_.retrieved.cost_usd);
  reply().cost_usd = purse_.spent_usd();
  reply().timing_ms["retrieve"] = found.timing_ms.at("total");
  if (!answered_.retrieved.embedder) TRY(measure_by_meaning());
  if (events_.on_passages) {
    std::vector<SearchItem> items;
    for (const Passage& passage : answered_.retrieved.passages) items.push_back(passage.item);
    events_.on_passages(items);
  }
  const bool over_budget = answered_.retrieved.over_budget || over_budget_;
  return over_budget ? Result<void>() : weigh_passages();
}

/// Evidence is weighed by meaning, also where passages were found by words alone.
Result<void> Answering::measure_by_meaning() {
  Retrieved& found = answered_.retrieved;
  found.embedder = TRY(shelf_.embedder(context_, *found.collection));
  over_budget_ = !TRY(purse_.covers({{embedder_name(), embedding_most(request_.question.size())}}));
  if (over_budget_) return {};
  const models::Usage before = reply().usage;
  trace::Span span = model_span(shelf_, run_, trace::Kind::embedding, embedder_name());
  span.inputs(json::Object{{"input", request_.question}});
  found.query_vector = TRY(found.embedder->embed_one(context_, request_.question,
                                                     models::TextRole::query, &reply().usage));
  tell_usage(span, before, reply().usage);
  span.end();
  pay_embedding(before);
  for (Passage& passage : found.passages) {
    const auto vector = found.collection->index->vector(context_, passage.item.chunk_id);
    // Gone when its version was pruned since the search.
    if (vector) passage.item.scores.dense = dot(*vector, found.query_vector);
  }
  return {};
}

void Answering::pay(const std::string& model, const models::Usage& used) {
  purse_.pay(model, used);
  reply().cost_usd = purse_.spent_usd();
}

/// What was embedded since then.
void Answering::pay_embedding(const models::Usage& before) {
  models::Usage used;
  used.embedding_tokens = reply().usage.embedding_tokens - before.embedding_tokens;
  pay(embedder_name(), used);
}

Result<void> Answering::weigh_passages() {
  const auto weighing = std::chrono::steady_clock::now();
  std::size_t bytes = 0;
  for (const Passage& passage : answered_.retrieved.passages) bytes += passage.item.text.size();
  over_budget_ = !TRY(purse_.covers({{embedder_name(), embedding_most(bytes)}}));
  if (over_budget_) return {};
  const CollectionSettings& settings = answered_.retrieved.collection->row.settings;
  trace::Span span =
      model_span(shelf_, run_, trace::Kind::guardrail, settings.embedder).named("weigh evidence");
  const models::Usage before = reply().usage;
  weighed_ = TRY(weigh(context_, request_.question, answered_.retrieved, reply().usage));
  tell_usage(span, before, reply().usage);
  pay_embedding(before);
  if (span.keeps_payloads())
    span.outputs(json::Object{{"evidence", weighed_.strength},
                              {"threshold", threshold(settings.evidence_min, evidence_min_default)},
                              {"sentences", weighed_.sentences.size()},
                              {"signals", json::to(weighed_.signals)}});
  span.end();
  reply().evidence = weighed_.strength;
  reply().signals = weighed_.signals;
  reply().timing_ms["weigh"] = ms_since(weighing);
  return {};
}

void Answering::refuse(RefusalReason reason) {
  constexpr std::size_t nearest_max = 3;
  reply().refused = true;
  reply().reason = reason;
  reply().answer = refusal_text(reason);
  reply().sentences.clear();
  reply().citations.clear();
  for (const Passage& passage : answered_.retrieved.passages)
    if (reply().nearest.size() < nearest_max) reply().nearest.push_back(passage.item);
}

/// Numbered passages, best first, as many as an eighth of the context holds: a small model reads
/// slowly and loses the thread, a large one has room for all of them.
Result<std::string> Answering::passages_that_fit(const models::ChatModel& model) const {
  std::vector<std::string> fitting;
  std::size_t left = model.context_tokens_max() / passages_share;
  for (const Passage& passage : answered_.retrieved.passages) {
    std::string text =
        fmt::format("[{}] {}\n{}", fitting.size() + 1, passage.item.title, passage.item.text);
    const std::size_t tokens = TRY(model.count_tokens(text));
    if (tokens > left && !fitting.empty()) break;
    left -= std::min(left, tokens);
    fitting.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(fitting, "\n\n"));
}

Result<models::ChatRequest> Answering::build_prompt(const models::ChatModel& model) {
  std::string passages = TRY(passages_that_fit(model));
  const PromptMaterial material{request_.question, std::move(passages),
                                std::string(not_in_documents)};
  auto request = fill_prompt(prompt_, material);
  is_prompt_good_ = request.ok();
  if (request) request->seed = request_.seed;
  return request;
}

Result<void> Answering::generate(Composer& composer) {
  const auto start = std::chrono::steady_clock::now();
  auto chosen = choose_prompt(context_, shelf_, answered_.retrieved.collection->row, request_);
  is_prompt_good_ = chosen.ok();
  prompt_ = TRY(std::move(chosen));
  answered_.prompt = prompt_ ? prompt_->reference : std::string();
  run_.metadata("prompt", prompt_metadata(prompt_));
  chat_model_ = request_.model;
  if (chat_model_.empty() && prompt_) chat_model_ = prompt_->model;
  if (chat_model_.empty()) chat_model_ = shelf_.default_chat_model();
  const std::string& name = chat_model_;
  const auto model = TRY(shelf_.catalog().chat_model(context_, name));
  const auto request = TRY(build_prompt(*model));
  Generation& generation = answered_.generation;
  generation.prompt = TRY(model->render(request));
  generation.model_identity = model->identity();
  generation.max_tokens = request.max_tokens;
  generation.temperature = request.temperature;
  TRY(check_budget(*model, request));

  // Sentences are checked as they are completed, so that a listener hears only what stands.
  std::string text;
  std::size_t checked = 0;
  Result<void> outcome;
  const auto check_completed = [&](bool all) {
    const auto spans = documents::split_sentences(text);
    const std::size_t complete =
        all ? spans.size() : spans.size() - std::min<std::size_t>(1, spans.size());
    for (; outcome && checked < complete; ++checked)
      outcome = check_sentence(
          composer, std::string_view(text).substr(spans[checked].start, spans[checked].size()));
  };
  trace::Span span = model_span(shelf_, run_, trace::Kind::llm, name);
  span.metadata("prompt", prompt_metadata(prompt_));
  if (span.keeps_payloads())
    span.inputs(json::Object{{"messages", json::to(request.messages)},
                             {"max_tokens", request.max_tokens},
                             {"seed", request.seed}});
  const auto reply_of_model = TRY(model->chat(context_, request, [&](std::string_view piece) {
    span.first_token();
    text += piece;
    check_completed(false);
    const bool hopeless = !composer.has_sentences() && composer.dropped() >= failures_max;
    return outcome.ok() && !hopeless;
  }));
  TRY(context_.check());
  text = reply_of_model.content;
  tell_usage(span, {}, reply_of_model.usage);
  span.outputs(json::Object{{"role", "assistant"}, {"content", text}});
  span.end();
  check_completed(true);
  TRY(std::move(outcome));
  end_checks(composer);
  generation.reply = text;
  reply().model = model->name();
  reply().usage += reply_of_model.usage;
  pay(name, reply_of_model.usage);
  reply().timing_ms["generate"] = ms_since(start);
  return {};
}

/// The most that the call and the checks of its answer can cost is asked for before it is made.
Result<void> Answering::check_budget(const models::ChatModel& model,
                                     const models::ChatRequest& request) {
  models::Usage most;
  most.input_tokens =
      static_cast<std::int64_t>(TRY(model.count_tokens(*answered_.generation.prompt)));
  most.output_tokens = request.max_tokens;
  const Purse::Most calls[] = {
      {chat_model_, most}, {embedder_name(), embedding_most(checked_bytes(request.max_tokens))}};
  over_budget_ = !TRY(purse_.covers({calls[0], calls[1]}));
  if (!over_budget_) return {};
  return fail(Code::conflict, "the answer may cost {:.6f} USD, more than the budget of {:.6f}",
              purse_.with({calls[0], calls[1]}), *request_.budget_usd);
}

void Answering::begin_checks() {
  if (checks_.is_on() || !run_.is_on()) return;
  checks_ = model_span(shelf_, run_, trace::Kind::guardrail,
                       answered_.retrieved.collection->row.settings.embedder)
                .named("check sentences");
  usage_before_checks_ = reply().usage;
}

void Answering::end_checks(const Composer& composer) {
  if (!checks_.is_on()) return;
  tell_usage(checks_, usage_before_checks_, reply().usage);
  if (checks_.keeps_payloads())
    checks_.outputs(json::Object{{"kept", composer.has_sentences()},
                                 {"dropped", json::to(composer.dropped_sentences())}});
  checks_.end();
}

Result<void> Answering::check_sentence(Composer& composer, std::string_view sentence) {
  const std::string claim = without_marks(sentence);
  if (claim.empty() || composer.has(claim)) return {};
  if (claim.find(not_in_documents) != std::string::npos) {
    composer.drop(claim, "the model finds no answer in the passages");
    return {};
  }
  if (!adds_to(facts_of(claim), facts_of(request_.question))) {
    composer.drop(claim, "it says nothing that the question does not say");
    return {};
  }
  begin_checks();
  const models::Usage before = reply().usage;
  const auto vector = TRY(answered_.retrieved.embedder->embed_one(
      context_, claim, models::TextRole::document, &reply().usage));
  pay_embedding(before);
  const double relevance = dot(vector, answered_.retrieved.query_vector);
  double best_quote = 0;
  for (const Evidence& evidence : weighed_.sentences)
    best_quote = std::max(best_quote, evidence.similarity);
  const double support_min =
      threshold(answered_.retrieved.collection->row.settings.support_min, support_min_default);
  const Verdict verdict = judge(claim, vector, weighed_.sentences, support_min);
  if (verdict.quotes.empty()) {
    if (request_.mark_unsupported) composer.add_unsupported(claim);
    composer.drop(claim, verdict.why_not);
  } else if (relevance < best_quote - relevance_gap) {
    composer.drop(claim, "it is not about the question");
  } else {
    composer.add(claim, verdict.support, verdict.quotes);
  }
  return {};
}

const Evidence* Answering::previous_of(const Evidence& evidence) const {
  const Evidence* previous = nullptr;
  for (const Evidence& other : weighed_.sentences)
    if (other.passage == evidence.passage && other.span.start < evidence.span.start &&
        (previous == nullptr || other.span.start > previous->span.start))
      previous = &other;
  return previous;
}

/// The best sentence, then others that are nearly as good and say something else.
std::vector<const Evidence*> Answering::choose_quotes() const {
  std::vector<const Evidence*> chosen;
  for (const Evidence& evidence : weighed_.sentences) {
    if (chosen.size() == extract_sentences_max) break;
    if (!chosen.empty() && evidence.score < chosen.front()->score - extract_score_gap) break;
    const bool repeats = std::any_of(chosen.begin(), chosen.end(), [&](const Evidence* other) {
      return dot(other->vector, evidence.vector) > same_meaning;
    });
    if (!repeats) chosen.push_back(&evidence);
  }
  return chosen;
}

void Answering::extract(Composer& composer) const {
  for (const Evidence* quote : choose_quotes()) {
    if (composer.has(quote->text)) continue;
    if (leans_on_previous(quote->text))
      if (const Evidence* before = previous_of(*quote);
          before != nullptr && !composer.has(before->text))
        composer.add(before->text, 1, {before});
    composer.add(quote->text, 1, {quote});
  }
}

}  // namespace

void end_run(Answered& answered, const Result<void>& stored) {
  trace::Span& run = answered.run;
  if (!stored) {
    run.fail(stored.error());
    return;
  }
  const Answer& reply = answered.answer;
  if (run.keeps_payloads()) run.outputs(to_json(reply));
  run.metadata("refused", reply.refused);
  if (reply.reason) run.metadata("reason", json::Value(json::name(*reply.reason)));
  run.end();
}

Result<Answered> answer(const Context& context, Shelf& shelf, Texts& texts,
                        const AskRequest& request, const AskEvents& events) {
  return Answering(context, shelf, texts, request, events).run();
}

}  // namespace slipway::rag::detail
