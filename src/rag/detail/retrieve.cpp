#include "rag/detail/retrieve.hpp"

#include <chrono>
#include <future>

#include "core/unicode.hpp"

namespace slipway::rag::detail {

namespace {

using Time = std::chrono::steady_clock::time_point;

double ms_since(Time start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

Result<std::optional<Passage>> look_up(store::Connection& connection, Texts& texts,
                                       const index::Hit& hit) {
  const auto chunk = TRY(find_chunk(connection, hit.chunk_id));
  if (!chunk) return std::optional<Passage>();
  const auto document = TRY(find_document(connection, chunk->document_id));
  if (!document) return std::optional<Passage>();
  Passage passage;
  passage.stored = TRY(texts.get(*document));
  passage.span = chunk->span;
  if (chunk->span.end > passage.stored->text.size())
    return fail(Code::internal, "chunk {} ends behind its text; run slipway doctor --repair",
                chunk->id);
  SearchItem& item = passage.item;
  item.chunk_id = chunk->id;
  item.document_id = document->info.id;
  item.uri = document->info.uri;
  item.path = document->info.path;
  item.title = document->info.title;
  item.content_hash = document->info.content_hash;
  item.text_hash = document->info.text_hash;
  item.metadata = document->info.metadata;
  item.text = passage.stored->text.substr(chunk->span.start, chunk->span.size());
  set_place(item, passage.stored->map, chunk->span);
  item.score = hit.score;
  item.scores = {hit.dense, hit.lexical, std::nullopt};
  item.ranks = {hit.dense_rank, hit.lexical_rank};
  return std::optional<Passage>(std::move(passage));
}

/// False when a hit is gone: its document was changed between the search and the look-up.
Result<bool> look_up_all(const Context& context, Shelf& shelf, Texts& texts,
                         const std::vector<index::Hit>& hits, std::vector<Passage>& passages) {
  passages.clear();
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    for (const index::Hit& hit : hits) {
      auto passage = TRY(look_up(connection, texts, hit));
      if (!passage) continue;
      passage->item.rank = static_cast<int>(passages.size()) + 1;
      passages.push_back(std::move(*passage));
    }
    return {};
  }));
  return passages.size() == hits.size();
}

Result<index::Query> make_query(const SearchRequest& request) {
  index::Query query;
  query.text = request.query;
  query.mode = request.mode;
  query.limit = static_cast<std::size_t>(request.limit);
  if (request.filter && !request.filter->is_null())
    query.filter = TRY(index::Filter::parse(*request.filter));
  return query;
}

/// Opening the index and loading the model are both slow on a cold start and independent: do them
/// at once.
Result<void> open_both(const Context& context, Shelf& shelf, const SearchRequest& request,
                       Retrieved& retrieved) {
  std::future<Result<std::shared_ptr<models::Embedder>>> warming;
  if (request.mode != index::SearchMode::lexical)
    warming = std::async(std::launch::async, [&] {
      return shelf.catalog().embedder(
          context, shelf.settings_for(request.collection, std::nullopt).embedder);
    });
  auto collection = shelf.open(context, request.collection);
  const Result<void> read = collection ? (*collection)->index->refresh(context) : Result<void>();
  if (warming.valid())
    (void)warming.get();  // A failure shows again below, where the right model is asked for.
  retrieved.collection = TRY(std::move(collection));
  TRY(Result<void>(read));
  if (request.mode != index::SearchMode::lexical)
    retrieved.embedder = TRY(shelf.embedder(context, *retrieved.collection));
  return {};
}

}  // namespace

Result<Retrieved> retrieve(const Context& context, Shelf& shelf, Texts& texts,
                           const SearchRequest& request) {
  const Time start = std::chrono::steady_clock::now();
  TRY(request.validate());
  if (unicode::trim(request.query).empty())
    return fail(Code::invalid_argument, "query: is empty; write what to look for");
  index::Query query = TRY(make_query(request));
  Retrieved retrieved;
  TRY(open_both(context, shelf, request, retrieved));
  SearchReply& reply = retrieved.reply;
  reply.collection = request.collection;
  reply.query = request.query;
  reply.mode = request.mode;
  reply.trace_id = context.trace_id().empty() ? make_trace_id() : context.trace_id();

  const Time embedding = std::chrono::steady_clock::now();
  if (retrieved.embedder)
    query.vector = TRY(retrieved.embedder->embed_one(context, request.query,
                                                     models::TextRole::query, &reply.usage));
  reply.timing_ms["embed"] = retrieved.embedder ? ms_since(embedding) : 0;

  constexpr int attempts_max = 3;  // Against documents that change while we read.
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const index::Found found = TRY(retrieved.collection->index->search(context, query));
    reply.index_version = found.version;
    reply.matches = static_cast<std::int64_t>(found.matches);
    reply.timing_ms["lexical"] = found.timing.lexical_ms;
    reply.timing_ms["dense"] = found.timing.dense_ms;
    reply.timing_ms["fuse"] = found.timing.fuse_ms;
    if (TRY(look_up_all(context, shelf, texts, found.hits, retrieved.passages))) break;
  }
  reply.timing_ms["rerank"] = 0;
  reply.timing_ms["total"] = ms_since(start);
  retrieved.query_vector = std::move(query.vector);
  return retrieved;
}

}  // namespace slipway::rag::detail
