// Documents that are cut become documents that are found: what is new in them is embedded, and they
// are committed, each of them whole or not at all. Those of a batch share a transaction, because
// the disk takes as long for one as for a hundred.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rag/detail/items.hpp"
#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

using Vectors = std::unordered_map<std::string, models::Vector>;

struct Batch {
  std::vector<Item> items;
  Vectors vectors;  ///< By the hash of their text; only what was not known.
};

/// Texts without a vector, each once.
struct UnknownTexts {
  std::vector<std::string> hashes;
  std::vector<std::string_view> texts;  ///< Of the batch's items.
};
/// `collection` may be null: then nothing is known.
Result<UnknownTexts> unknown_texts(const Context&, Shelf&, const OpenCollection* collection,
                                   const Batch&);

/// Into one generation of a collection. `write` may run in one thread while another embeds the next
/// batch. What it refers to must outlive it.
class Filing {
 public:
  Filing(const Context& context, Shelf& shelf, OpenCollection& collection,
         models::Embedder& embedder)
      : context_(context), shelf_(shelf), collection_(collection), embedder_(embedder) {}

  /// Gives vectors to what has none, and counts `chunks_embedded` of its items. `on_embedded` hears
  /// how many more are done.
  Result<models::Usage> embed(Batch&, const std::function<void(std::int64_t)>& on_embedded);
  /// Commits documents with their texts, each in the place of what was there; of those that only
  /// have new metadata (Change::metadata), that. What fails has `error` set and is `failed`; the
  /// others are in.
  void write(std::vector<Item>& items, const Vectors&);

 private:
  Result<void> commit(const std::vector<Item*>&, const Vectors&);
  Result<void> write_alone(Item&, const Vectors&);
  Result<void> put_texts(const std::vector<Item*>&);
  Result<void> put(store::Connection&, Item&, const Vectors&);
  Result<void> put_metadata(store::Connection&, const Item&);
  Result<void> embed_again(const Item&, Vectors&);

  const Context& context_;
  Shelf& shelf_;
  OpenCollection& collection_;
  models::Embedder& embedder_;
};

/// The attributes that filters see.
json::Object attributes_of(const DocumentInfo& info);

}  // namespace slipway::rag::detail
