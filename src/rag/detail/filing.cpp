#include "rag/detail/filing.hpp"

#include <set>

#include "core/pool.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/removal.hpp"

namespace slipway::rag::detail {

namespace {

/// Chunks embedded between two looks at progress and cancellation.
constexpr std::size_t embed_slice = 256;

}  // namespace

Result<UnknownTexts> unknown_texts(const Context& context, Shelf& shelf,
                                   const OpenCollection* collection, const Batch& batch) {
  UnknownTexts all;
  std::set<std::string_view> seen;
  for (const Item& item : batch.items)
    for (std::size_t i = 0; i < item.chunks.size(); ++i)
      if (!batch.vectors.contains(item.vector_keys[i]) && seen.insert(item.vector_keys[i]).second) {
        all.hashes.push_back(item.vector_keys[i]);
        all.texts.push_back(item.chunk_texts[i]);
      }
  std::vector<bool> known(all.hashes.size(), false);
  if (collection != nullptr && !all.hashes.empty())
    TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
      known = TRY(collection->index->known_vectors(connection, all.hashes));
      return {};
    }));
  UnknownTexts unknown;
  for (std::size_t i = 0; i < all.hashes.size(); ++i)
    if (!known[i]) {
      unknown.hashes.push_back(std::move(all.hashes[i]));
      unknown.texts.push_back(all.texts[i]);
    }
  return unknown;
}

Result<models::Usage> Filing::embed(Batch& batch,
                                    const std::function<void(std::int64_t)>& on_embedded) {
  for (Item& item : batch.items)
    if (!item.image_vector.empty())
      batch.vectors[item.vector_keys.front()] = std::move(item.image_vector);
  const auto [hashes, texts] = TRY(unknown_texts(context_, shelf_, &collection_, batch));
  models::Usage usage;
  for (std::size_t from = 0; from < texts.size(); from += embed_slice) {
    TRY(context_.check());
    const std::size_t to = std::min(from + embed_slice, texts.size());
    const std::vector<std::string_view> slice(texts.begin() + static_cast<std::ptrdiff_t>(from),
                                              texts.begin() + static_cast<std::ptrdiff_t>(to));
    auto vectors = TRY(embedder_.embed(context_, slice, models::TextRole::document, &usage));
    for (std::size_t i = from; i < to; ++i) batch.vectors[hashes[i]] = std::move(vectors[i - from]);
    on_embedded(static_cast<std::int64_t>(to - from));
  }
  std::set<std::string_view> counted;
  for (Item& item : batch.items)
    for (const std::string& key : item.vector_keys)
      if (batch.vectors.contains(key) && counted.insert(key).second) ++item.chunks_embedded;
  return usage;
}

void Filing::write(std::vector<Item>& items, const Vectors& vectors) {
  std::vector<Item*> changed;
  for (Item& item : items)
    if (item.change != Change::failed &&
        (item.change != Change::unchanged || !item.row.validator.empty()))
      changed.push_back(&item);
  if (changed.empty() || commit(changed, vectors)) return;
  for (Item* item : changed) {
    auto written = write_alone(*item, vectors);
    if (written) continue;
    item->change = Change::failed;
    item->error = std::move(written.error());
  }
}

Result<void> Filing::write_alone(Item& item, const Vectors& vectors) {
  Result<void> written = commit({&item}, vectors);
  if (!written && written.error().code() == Code::conflict) {
    // A vector that was known when we asked has been deleted with the last document that had it.
    Vectors complete = vectors;
    TRY(embed_again(item, complete));
    written = commit({&item}, complete);
  }
  if (!written && item.has_content())
    (void)release_text(context_, shelf_, item.row.info.text_hash);  // The sweep would find it too.
  return written;
}

Result<void> Filing::embed_again(const Item& item, Vectors& vectors) {
  for (std::size_t i = 0; i < item.chunks.size(); ++i)
    if (!vectors.contains(item.vector_keys[i]))
      vectors[item.vector_keys[i]] =
          TRY(embedder_.embed_one(context_, item.chunk_texts[i], models::TextRole::document));
  return {};
}

Result<void> Filing::commit(const std::vector<Item*>& items, const Vectors& vectors) {
  return shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
    TRY(check_place(connection, collection_.row));
    // Inside the transaction, so that nobody removes the same text between.
    TRY(put_texts(items));
    for (Item* item : items) {
      if (item->change == Change::metadata) TRY(put_metadata(connection, *item));
      if (!item->has_content() && !item->row.validator.empty())
        TRY(set_validator(connection, collection_.row.id, item->row.info.uri, item->row.validator));
      if (item->has_content()) TRY(put(connection, *item, vectors));
    }
    return {};
  });
}

/// From many threads: the disk takes as long for one as for eight at once.
Result<void> Filing::put_texts(const std::vector<Item*>& items) {
  constexpr std::size_t threads = 8;
  return parallel_for(context_, items.size(), threads, [&](std::size_t i) -> Result<void> {
    if (!items[i]->has_content()) return {};
    TRY(shelf_.blobs().put(items[i]->text));
    // The parts of a source share one, and follow each other.
    const bool is_first =
        i == 0 || items[i - 1]->original != items[i]->original || !items[i - 1]->has_content();
    if (items[i]->original && is_first) TRY(shelf_.blobs().put(*items[i]->original));
    return {};
  });
}

Result<void> Filing::put(store::Connection& connection, Item& item, const Vectors& vectors) {
  item.row.collection = collection_.row.id;
  item.row.info.ingested_at = format_time(shelf_.clock().now());
  index::IndexedDocument indexed;
  indexed.id = item.row.info.id;
  indexed.attributes = attributes_of(item.row.info);
  for (std::size_t i = 0; i < item.chunks.size(); ++i) {
    const auto vector = vectors.find(item.vector_keys[i]);
    indexed.chunks.push_back({item.chunks[i].id, item.chunk_texts[i], item.vector_keys[i],
                              vector == vectors.end() ? models::Vector() : vector->second});
  }
  TRY(collection_.index->put(connection, indexed));
  return put_document(connection, item.row, item.chunks,
                      TRY(collection_.index->version(connection)));
}

Result<void> Filing::put_metadata(store::Connection& connection, const Item& item) {
  const std::string& id = item.row.info.id;
  const json::Object& given = item.row.given_metadata;
  auto document = TRY(find_document(connection, collection_.row.id, id));
  if (!document) return fail(Code::not_found, "document '{}' does not exist", id);
  // What the source says of itself stays; what the caller gives wins.
  json::Object merged = document->info.metadata.as_object();
  for (const auto& old : document->given_metadata) merged.erase(old.key());
  for (const auto& [key, value] : given) merged[key] = value;
  document->info.metadata = std::move(merged);
  document->given_metadata = given;
  TRY(collection_.index->set_attributes(connection, id, attributes_of(document->info)));
  return put_again(connection, *document, TRY(collection_.index->version(connection)));
}

json::Object attributes_of(const DocumentInfo& info) {
  return json::Object{{"metadata", info.metadata},
                      {"uri", info.uri},
                      {"path", info.path},
                      {"title", info.title},
                      {"media_type", info.media_type},
                      {"ingested_at", info.ingested_at},
                      {"modified_at", json::to(info.modified_at)}};
}

}  // namespace slipway::rag::detail
