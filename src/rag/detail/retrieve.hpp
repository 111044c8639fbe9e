// A question finds passages: embed, search both ways, fuse, look up what was found, rerank, choose.
#pragma once

#include "rag/detail/shelf.hpp"
#include "rag/detail/texts.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

/// A found passage with what answering needs of its document.
struct Passage {
  SearchItem item;
  std::shared_ptr<const StoredText> stored;
  documents::Span span;
  std::string chunk_hash;  ///< Of the chunk's text.
  std::int64_t document_row = 0;
};

struct Retrieved {
  std::shared_ptr<OpenCollection> collection;
  std::shared_ptr<models::Embedder> embedder;  ///< Empty in mode lexical.
  models::Vector query_vector;                 ///< Empty in mode lexical.
  std::vector<Passage> passages;
  SearchReply reply;          ///< Its `items` are empty: they are in `passages`.
  std::string reranker_name;  ///< Empty when nothing was reranked.
  double cost_usd = 0;        ///< Of the query's vector and of reranking.
  /// Embedding the query was not paid for, and there are no passages; or reranking was not, and
  /// they are in fused order.
  bool over_budget = false;
};

/// `generation`: that one, whatever the request names.
Result<Retrieved> retrieve(const Context&, Shelf&, Texts&, const SearchRequest&,
                           std::shared_ptr<OpenCollection> generation = nullptr);

/// Everything of a citation or item that says where `span` of the document stands.
template <typename T>
void set_place(T& target, const documents::SourceMap& map, documents::Span span) {
  const documents::Place place = map.place(span);
  target.text_start = static_cast<std::int64_t>(span.start);
  target.text_end = static_cast<std::int64_t>(span.end);
  target.byte_start = place.byte_start;
  target.byte_end = place.byte_end;
  target.page = place.page;
  target.page_end = place.page_end;
  if (!place.boxes.empty()) target.boxes = place.boxes;
  target.heading_path = place.heading_path;
  target.sheet = place.sheet;
  target.row = place.row;
  target.row_end = place.row_end;
}

}  // namespace slipway::rag::detail
