#include "rag/detail/traces.hpp"

namespace slipway::rag::detail {

trace::Trail trail_of(const Shelf& shelf, const std::optional<trace::Origin>& origin) {
  if (!origin || shelf.recorder() == nullptr) return {};
  return {shelf.recorder(), *origin, shelf.clock()};
}

trace::Span model_span(const Shelf& shelf, const trace::Span& parent, trace::Kind kind,
                       const std::string& model) {
  trace::Span span = parent.child(kind, fmt::format("{} {}", json::name(kind), model));
  if (!span.is_on()) return span;
  TracedModel known = shelf.traced_model(model);
  span.model(std::move(known.model), std::move(known.provider));
  span.request_model(std::move(known.request_model));
  return span;
}

void tell_usage(trace::Span& span, const models::Usage& before, const models::Usage& after) {
  if (!span.is_on()) return;
  trace::SentUsage usage;
  // What is embedded or reranked is read, too.
  usage.input = after.input_tokens + after.embedding_tokens + after.rerank_tokens -
                before.input_tokens - before.embedding_tokens - before.rerank_tokens;
  usage.output = after.output_tokens - before.output_tokens;
  const std::int64_t cached = after.cached_input_tokens - before.cached_input_tokens;
  if (cached > 0) usage.cache_read = cached;
  usage.source = after.estimated ? trace::UsageSource::estimated : trace::UsageSource::provider;
  const std::int64_t searches = after.search_units - before.search_units;
  if (searches > 0) {
    usage.search_units = searches;
    span.metadata("search_units", searches);
  }
  span.usage(usage);
}

json::Value documents_of(const std::vector<Passage>& passages) {
  json::Array documents;
  for (const Passage& passage : passages) {
    const SearchItem& item = passage.item;
    json::Object metadata{{"chunk_id", item.chunk_id}, {"document_id", item.document_id},
                          {"path", item.path},         {"title", item.title},
                          {"rank", item.rank},         {"text_start", item.text_start},
                          {"text_end", item.text_end}};
    if (item.page) metadata["page"] = *item.page;
    if (item.scores.rerank) metadata["rerank_score"] = *item.scores.rerank;
    documents.push_back(json::Object{
        {"page_content", item.text}, {"metadata", std::move(metadata)}, {"score", item.score}});
  }
  return json::Object{{"documents", std::move(documents)}};
}

}  // namespace slipway::rag::detail
