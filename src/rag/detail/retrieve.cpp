#include "rag/detail/retrieve.hpp"

#include <algorithm>
#include <chrono>
#include <future>

#include "core/unicode.hpp"
#include "rag/detail/purse.hpp"
#include "rag/detail/select.hpp"
#include "rag/detail/traces.hpp"

namespace slipway::rag::detail {

namespace {

using Time = std::chrono::steady_clock::time_point;

double ms_since(Time start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

Result<std::optional<Passage>> look_up(store::Connection& connection, Texts& texts, Seen seen,
                                       const index::Hit& hit) {
  const auto found = TRY(find_chunk(connection, seen, hit.chunk_id));
  if (!found) return std::optional<Passage>();
  const auto& [chunk, document] = *found;
  Passage passage;
  passage.stored = TRY(texts.get(document));
  passage.span = chunk.span;
  passage.chunk_hash = chunk.text_hash;
  passage.document_row = document.row;
  if (chunk.span.end > passage.stored->text.size())
    return fail(Code::internal, "chunk {} ends behind its text; run slipway doctor --repair",
                chunk.id);
  SearchItem& item = passage.item;
  item.chunk_id = chunk.id;
  item.document_id = document.info.id;
  item.uri = document.info.uri;
  item.path = document.info.path;
  item.title = document.info.title;
  item.content_hash = document.info.content_hash;
  item.text_hash = document.info.text_hash;
  item.metadata = document.info.metadata;
  item.text = passage.stored->text.substr(chunk.span.start, chunk.span.size());
  set_place(item, passage.stored->map, chunk.span);
  item.score = hit.score;
  item.scores = {hit.dense, hit.lexical, std::nullopt};
  item.ranks = {hit.dense_rank, hit.lexical_rank};
  return std::optional<Passage>(std::move(passage));
}

/// False when a hit is gone: its version was pruned between the search and the look-up.
Result<bool> look_up_all(const Context& context, Shelf& shelf, Texts& texts, Seen seen,
                         const std::vector<index::Hit>& hits, std::vector<Passage>& passages) {
  passages.clear();
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    for (const index::Hit& hit : hits) {
      auto passage = TRY(look_up(connection, texts, seen, hit));
      if (!passage) continue;
      passage->item.rank = static_cast<int>(passages.size()) + 1;
      passages.push_back(std::move(*passage));
    }
    return {};
  }));
  return passages.size() == hits.size();
}

index::SearchMode mode_of(const SearchRequest& request) {
  return request.mode.value_or(index::SearchMode::hybrid);
}

Result<index::Query> make_query(const SearchRequest& request) {
  index::Query query;
  query.text = request.query;
  query.mode = mode_of(request);
  query.limit = static_cast<std::size_t>(request.limit);
  query.version = request.version;
  query.fusion = request.fusion.value_or(query.fusion);
  query.dense_weight = request.dense_weight.value_or(query.dense_weight);
  if (request.filter && !request.filter->is_null())
    query.filter = TRY(index::Filter::parse(*request.filter));
  return query;
}

PlanInfo plan_of(const index::Found& found) {
  const index::SearchPlan& plan = found.plan;
  PlanInfo info;
  info.dense = plan.codes_read > 0 ? "codes" : (plan.vectors_read > 0 ? "exact" : "none");
  info.matches = static_cast<std::int64_t>(found.matches);
  info.chunks = static_cast<std::int64_t>(plan.chunks);
  info.codes_read = static_cast<std::int64_t>(plan.codes_read);
  info.vectors_read = static_cast<std::int64_t>(plan.vectors_read);
  info.segments = static_cast<std::int64_t>(plan.segments);
  return info;
}

/// Opening the index and loading the model are both slow on a cold start and independent: do them
/// at once.
Result<void> open_both(const Context& context, Shelf& shelf, const SearchRequest& request,
                       Retrieved& retrieved) {
  if (retrieved.collection) {
    retrieved.embedder = TRY(shelf.embedder(context, *retrieved.collection));
    return {};
  }
  std::future<Result<std::shared_ptr<models::Embedder>>> warming;
  if (mode_of(request) != index::SearchMode::lexical && !request.version)
    warming = std::async(std::launch::async, [&] {
      return shelf.catalog().embedder(
          context, shelf.settings_for(request.collection, std::nullopt).embedder);
    });
  auto collection = shelf.open(context, request.collection, request.version);
  const Result<void> read = collection ? (*collection)->index->refresh(context) : Result<void>();
  if (warming.valid())
    (void)warming.get();  // A failure shows again below, where the right model is asked for.
  retrieved.collection = TRY(std::move(collection));
  TRY(Result<void>(read));
  if (mode_of(request) != index::SearchMode::lexical)
    retrieved.embedder = TRY(shelf.embedder(context, *retrieved.collection));
  return {};
}

class Retrieving {
 public:
  Retrieving(const Context& context, Shelf& shelf, Texts& texts, const SearchRequest& request)
      : context_(context),
        shelf_(shelf),
        texts_(texts),
        request_(request),
        purse_(shelf.catalog(), request.budget_usd),
        trail_(trail_of(shelf, request.origin)) {}

  Result<void> run();
  Retrieved& retrieved() { return retrieved_; }
  const trace::Trail& trail() const { return trail_; }

 private:
  static constexpr std::size_t limit_max = 1000;  ///< Of the index.
  static constexpr std::size_t growth = 4;

  void begin_run();
  Result<void> embed_query();
  Result<void> find_enough();
  Result<void> search();
  Result<void> open_reranker();
  Result<bool> may_pay(const std::vector<std::string_view>& texts) const;
  void pay(const std::string& model, const models::Usage& used);
  Result<void> rerank();
  Result<void> choose();
  Result<void> collapse();
  Result<void> vary();
  Result<void> widen();
  Result<models::Vector> vector_of(const Passage& passage) const;
  /// Whether found passages may be left out.
  bool drops() const { return request_.collapse || request_.expand != Expand::none; }

  const Context& context_;
  Shelf& shelf_;
  Texts& texts_;
  const SearchRequest& request_;
  Purse purse_;
  index::Query query_;
  Retrieved retrieved_;
  std::shared_ptr<models::Reranker> reranker_;
  std::string reranker_name_;
  std::map<std::string, float> scores_;  ///< By chunk, so that none is scored and paid for twice.
  const trace::Trail trail_;
  trace::Span run_;
};

}  // namespace

Result<void> Retrieving::run() {
  const Time start = std::chrono::steady_clock::now();
  begin_run();
  TRY(request_.validate());
  if (unicode::trim(request_.query).empty())
    return fail(Code::invalid_argument, "query: is empty; write what to look for");
  query_ = TRY(make_query(request_));
  TRY(open_both(context_, shelf_, request_, retrieved_));
  query_.field_weights = shelf_.field_weights_of(retrieved_.collection->row);
  TRY(open_reranker());
  SearchReply& reply = retrieved_.reply;
  reply.collection = request_.collection;
  reply.query = request_.query;
  reply.mode = mode_of(request_);
  reply.trace_id = run_.is_on() ? run_.origin_below().trace_id : context_.trace_id();
  if (reply.trace_id.empty()) reply.trace_id = make_trace_id();

  reply.timing_ms["rerank"] = 0;
  TRY(embed_query());
  if (!retrieved_.over_budget) TRY(find_enough());
  reply.timing_ms["total"] = ms_since(start);
  retrieved_.query_vector = std::move(query_.vector);
  if (run_.keeps_payloads()) run_.outputs(documents_of(retrieved_.passages));
  run_.end();
  return {};
}

void Retrieving::begin_run() {
  run_ = trail_.begin(trace::Kind::retriever, "retrieve " + request_.collection);
  if (!run_.keeps_payloads()) return;
  json::Object inputs{{"query", request_.query},
                      {"collection", request_.collection},
                      {"limit", request_.limit},
                      {"mode", json::name(mode_of(request_))}};
  if (request_.filter) inputs["filter"] = *request_.filter;
  run_.inputs(inputs);
}

Result<void> Retrieving::embed_query() {
  SearchReply& reply = retrieved_.reply;
  reply.timing_ms["embed"] = 0;
  if (!retrieved_.embedder) return {};
  const std::string& name = retrieved_.collection->row.settings.embedder;
  if (!TRY(purse_.covers({{name, embedding_most(request_.query.size())}}))) {
    retrieved_.over_budget = true;
    return {};
  }
  const Time start = std::chrono::steady_clock::now();
  trace::Span span = model_span(shelf_, run_, trace::Kind::embedding, name);
  span.inputs(json::Object{{"input", request_.query}});
  const models::Usage before = reply.usage;
  query_.vector = TRY(retrieved_.embedder->embed_one(context_, request_.query,
                                                     models::TextRole::query, &reply.usage));
  tell_usage(span, before, reply.usage);
  span.outputs(json::Object{{"dimension", query_.vector.size()}});
  span.end();
  pay(name, reply.usage);
  reply.timing_ms["embed"] = ms_since(start);
  return {};
}

/// Looks at more than is asked for where some of it may be left out, and at more still when too
/// little remained: a search gives as many passages as there are.
Result<void> Retrieving::find_enough() {
  const auto limit = static_cast<std::size_t>(request_.limit);
  const bool chooses = reranker_ || request_.mmr || drops();
  query_.limit = chooses ? std::max(limit, static_cast<std::size_t>(request_.candidates)) : limit;
  for (;;) {
    TRY(search());
    const std::size_t found = retrieved_.passages.size();
    TRY(rerank());
    TRY(choose());
    const bool is_all = found < query_.limit || query_.limit == limit_max;
    if (!drops() || retrieved_.passages.size() >= limit || is_all) return {};
    query_.limit = std::min(limit_max, query_.limit * growth);
  }
}

Result<void> Retrieving::search() {
  SearchReply& reply = retrieved_.reply;
  constexpr int attempts_max = 3;  // Against documents that change while we read.
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const index::Found found = TRY(retrieved_.collection->index->search(context_, query_));
    reply.index_version = found.version;
    reply.matches = static_cast<std::int64_t>(found.matches);
    reply.timing_ms["lexical"] = found.timing.lexical_ms;
    reply.timing_ms["dense"] = found.timing.dense_ms;
    reply.timing_ms["fuse"] = found.timing.fuse_ms;
    if (request_.explain) reply.plan = plan_of(found);
    const Seen seen{retrieved_.collection->row.id, found.version};
    if (TRY(look_up_all(context_, shelf_, texts_, seen, found.hits, retrieved_.passages))) break;
  }
  return {};
}

Result<void> Retrieving::open_reranker() {
  if (request_.rerank == false) return {};
  std::string name = request_.reranker;
  if (name.empty() && !request_.mmr) name = shelf_.reranker_of(retrieved_.collection->row);
  if (name.empty() && request_.rerank == true)
    return fail(Code::invalid_argument,
                "rerank: collection '{0}' has no reranker; set collections.{0}.reranker in "
                "slipway.yaml, or name one in the request",
                request_.collection);
  if (name.empty()) return {};
  reranker_name_ = name;
  reranker_ = TRY(shelf_.catalog().reranker(context_, name));
  return {};
}

/// The most that reranking can cost is asked for before anything is sent.
Result<bool> Retrieving::may_pay(const std::vector<std::string_view>& texts) const {
  if (texts.empty()) return true;
  std::size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  return purse_.covers(
      {{reranker_name_, reranking_most(texts.size(), bytes, request_.query.size())}});
}

void Retrieving::pay(const std::string& model, const models::Usage& used) {
  purse_.pay(model, used);
  retrieved_.cost_usd = purse_.spent_usd();
}

/// The first `candidates` passages in the reranker's order, equal ones as they were; the others
/// stay behind them.
Result<void> Retrieving::rerank() {
  if (!reranker_) return {};
  auto& passages = retrieved_.passages;
  const std::size_t count =
      std::min(passages.size(), static_cast<std::size_t>(request_.candidates));
  std::vector<std::string_view> texts;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    if (scores_.contains(passages[i].item.chunk_id)) continue;
    texts.push_back(passages[i].item.text);
    ids.push_back(passages[i].item.chunk_id);
  }
  if (!TRY(may_pay(texts))) {
    retrieved_.over_budget = true;
    reranker_.reset();
    return {};
  }
  const Time start = std::chrono::steady_clock::now();
  trace::Span span = model_span(shelf_, run_, trace::Kind::reranker, reranker_name_);
  if (span.keeps_payloads())
    span.inputs(json::Object{{"query", request_.query},
                             {"documents", json::Array(texts.begin(), texts.end())}});
  models::Usage usage;
  const auto scores = TRY(reranker_->rerank(context_, request_.query, texts, &usage));
  tell_usage(span, {}, usage);
  if (span.keeps_payloads()) span.outputs(json::Object{{"scores", json::to(scores)}});
  span.end();
  for (std::size_t i = 0; i < ids.size(); ++i) scores_[ids[i]] = scores[i];
  retrieved_.reranker_name = reranker_name_;
  retrieved_.reply.usage += usage;
  pay(reranker_name_, usage);
  for (std::size_t i = 0; i < count; ++i)
    passages[i].item.scores.rerank = scores_.at(passages[i].item.chunk_id);
  std::stable_sort(passages.begin(), passages.begin() + static_cast<std::ptrdiff_t>(count),
                   [](const Passage& a, const Passage& b) {
                     return *a.item.scores.rerank > *b.item.scores.rerank;
                   });
  retrieved_.reply.timing_ms["rerank"] += ms_since(start);
  return {};
}

Result<models::Vector> Retrieving::vector_of(const Passage& passage) const {
  return retrieved_.collection->index->vector(context_, passage.item.chunk_id);
}

/// Leaves out what repeats, orders by marginal relevance, widens, and cuts to the limit.
Result<void> Retrieving::choose() {
  if (request_.collapse) TRY(collapse());
  if (request_.mmr) TRY(vary());
  auto& passages = retrieved_.passages;
  if (request_.expand != Expand::none) TRY(widen());
  const auto limit = static_cast<std::size_t>(request_.limit);
  if (passages.size() > limit)
    passages.erase(passages.begin() + static_cast<std::ptrdiff_t>(limit), passages.end());
  for (std::size_t i = 0; i < passages.size(); ++i) passages[i].item.rank = static_cast<int>(i) + 1;
  return {};
}

Result<void> Retrieving::collapse() {
  Repetitions repetitions;
  std::vector<Passage> kept;
  for (Passage& passage : retrieved_.passages) {
    models::Vector vector = TRY(vector_of(passage));
    if (repetitions.keep({passage.chunk_hash, std::move(vector)}))
      kept.push_back(std::move(passage));
  }
  retrieved_.passages = std::move(kept);
  return {};
}

Result<void> Retrieving::vary() {
  std::vector<models::Vector> vectors;
  for (const Passage& passage : retrieved_.passages) vectors.push_back(TRY(vector_of(passage)));
  std::vector<Passage> varied;
  // All of them: widening may leave some out.
  for (const std::size_t i :
       marginal_relevance(query_.vector, vectors, *request_.mmr, vectors.size()))
    varied.push_back(std::move(retrieved_.passages[i]));
  retrieved_.passages = std::move(varied);
  return {};
}

Result<void> Retrieving::widen() {
  std::map<std::int64_t, std::vector<documents::Span>> chunks, taken;  // By document's row.
  TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
    for (const Passage& passage : retrieved_.passages) {
      auto& spans = chunks[passage.document_row];
      if (!spans.empty()) continue;
      for (const ChunkRow& chunk : TRY(chunks_of(connection, passage.document_row)))
        spans.push_back(chunk.span);
    }
    return {};
  }));
  std::vector<Passage> wide;
  for (Passage& passage : retrieved_.passages) {
    const auto& spans = chunks[passage.document_row];
    const auto at = std::find(spans.begin(), spans.end(), passage.span);
    // Gone when the version was pruned since the search: then the chunk itself is shown.
    documents::Span span = at == spans.end()
                               ? passage.span
                               : expanded(spans, static_cast<std::size_t>(at - spans.begin()),
                                          passage.stored->map, request_.expand);
    auto& others = taken[passage.document_row];
    span.end = std::min(span.end, passage.stored->text.size());
    if (!fit_between(span, passage.span, others)) continue;
    others.push_back(span);
    passage.span = span;
    passage.item.text = passage.stored->text.substr(span.start, span.size());
    set_place(passage.item, passage.stored->map, span);
    wide.push_back(std::move(passage));
  }
  retrieved_.passages = std::move(wide);
  return {};
}

Result<Retrieved> retrieve(const Context& context, Shelf& shelf, Texts& texts,
                           const SearchRequest& request,
                           std::shared_ptr<OpenCollection> generation) {
  Retrieving retrieving(context, shelf, texts, request);
  retrieving.retrieved().collection = std::move(generation);
  auto done = retrieving.run();
  if (!done) {
    retrieving.trail().fail(done.error());
    return std::move(done.error());
  }
  return std::move(retrieving.retrieved());
}

}  // namespace slipway::rag::detail
