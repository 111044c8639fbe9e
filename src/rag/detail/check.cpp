#include "rag/detail/check.hpp"

#include "core/files.hpp"
#include "core/unicode.hpp"
#include "rag/detail/removal.hpp"

namespace slipway::rag::detail {

namespace {

/// What is wrong with a document, or nothing.
Result<std::optional<std::string>> fault_of(store::Connection& connection, Shelf& shelf,
                                            const DocumentRow& document) {
  const auto text = shelf.blobs().get(document.info.text_hash);
  if (!text) return std::optional(text.error().message());
  if (auto map = documents::SourceMap::decode(document.source_map); !map)
    return std::optional("its source map: " + map.error().message());
  const auto chunks = TRY(chunks_of(connection, document.row));
  if (static_cast<std::int64_t>(chunks.size()) != document.info.chunks)
    return std::optional(fmt::format("has {} chunks, not {}", chunks.size(), document.info.chunks));
  for (const ChunkRow& chunk : chunks) {
    const documents::Span span = chunk.span;
    if (span.start > span.end || span.end > text->size() ||
        sha256(std::string_view(*text).substr(span.start, span.size())) != chunk.text_hash)
      return std::optional(fmt::format("chunk {} is not the text it says", chunk.id));
  }
  return std::optional<std::string>();
}

struct Damaged {
  std::string id, text_hash, line;
};

Result<std::vector<Damaged>> damaged_documents(const Context& context, Shelf& shelf,
                                               const CollectionRow& collection) {
  std::vector<Damaged> damaged;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    constexpr int page_size = 500;
    for (std::string after;;) {
      const auto page = TRY(list_documents(connection, collection.id, after, page_size));
      for (const DocumentRow& document : page) {
        TRY(context.check());
        if (auto fault = TRY(fault_of(connection, shelf, document)))
          damaged.push_back({document.info.id, document.info.text_hash,
                             fmt::format("{} in collection '{}': {}", document.info.uri,
                                         collection.name, *fault)});
      }
      if (page.size() < page_size) return {};
      after = page.back().info.uri;
    }
  }));
  return damaged;
}

/// Out of all versions: a damaged document must not come back with an old one.
Result<void> forget(const Context& context, Shelf& shelf, OpenCollection& collection,
                    const Damaged& damaged) {
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    TRY(collection.index->erase(connection, damaged.id));
    TRY(erase_document(connection, collection.row.id, damaged.id));
    return {};
  }));
  TRY(release_text(context, shelf, damaged.text_hash));
  return {};
}

}  // namespace

Result<std::vector<std::string>> check(const Context& context, Shelf& shelf, bool repair) {
  std::vector<std::string> lines;
  std::vector<CollectionRow> collections;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    collections = TRY(all_collections(connection));
    return {};
  }));
  for (const CollectionRow& row : collections) {
    for (Damaged& damaged : TRY(damaged_documents(context, shelf, row))) {
      if (repair) {
        const auto open = TRY(shelf.open(context, row.name));
        TRY(forget(context, shelf, *open, damaged));
        damaged.line += "; removed, ingest it again";
      }
      lines.push_back(std::move(damaged.line));
    }
  }
  for (const CollectionRow& row : collections) {
    const auto open = TRY(shelf.open(context, row.name));
    auto faults = TRY(open->index->verify(context).within("collection '" + row.name + "'"));
    if (repair && !faults.empty()) TRY(open->index->seal(context, {.purge = true}));
    for (std::string& fault : faults)
      lines.push_back(std::move(fault) + (repair ? "; written anew" : ""));
  }
  if (repair)
    for (const std::string& hash : TRY(sweep_texts(context, shelf)))
      lines.push_back(fmt::format("text {} belonged to no document; deleted", hash));
  return lines;
}

}  // namespace slipway::rag::detail
