// Rows of the rag_* tables. Plain reads and writes inside a caller's transaction; no decisions
// here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "documents/documents.hpp"
#include "rag/wire.hpp"
#include "store/database.hpp"

namespace slipway::rag::detail {

struct CollectionRow {
  std::int64_t id = 0;
  std::string name;
  CollectionSettings settings;
  std::string embedder_identity;  ///< Of the model that made its vectors.
  std::size_t dimension = 0;
  std::string created_at;
};

struct DocumentRow {
  DocumentInfo info;
  std::int64_t collection = 0;
  std::string fingerprint;  ///< Of everything but the content that decides its chunks.
  json::Object given_metadata;
  std::string source_map;  ///< documents::SourceMap::encode
};

struct ChunkRow {
  std::string id;
  std::string document_id;
  documents::Span span;
  std::string text_hash;
};

/// What ingest needs to know of a document that is in already.
struct KnownDocument {
  std::string id, content_hash, fingerprint, text_hash;
  json::Object metadata;
};

Result<std::optional<CollectionRow>> find_collection(store::Connection&, const std::string& name);
Result<std::vector<CollectionRow>> all_collections(store::Connection&);
Result<std::int64_t> insert_collection(store::Connection&, const CollectionRow&);
Result<void> delete_collection(store::Connection&, std::int64_t id);
struct Counts {
  std::int64_t documents = 0, chunks = 0;
};
Result<Counts> count(store::Connection&, std::int64_t collection);

Result<std::map<std::string, KnownDocument>> known_documents(store::Connection&,
                                                             std::int64_t collection);
Result<std::optional<DocumentRow>> find_document(store::Connection&, const std::string& id);
Result<std::vector<DocumentRow>> list_documents(store::Connection&, std::int64_t collection,
                                                const std::string& after_uri, int limit);
/// Replaces the row and its chunks.
Result<void> put_document(store::Connection&, const DocumentRow&, const std::vector<ChunkRow>&);
Result<void> set_metadata(store::Connection&, const std::string& id, const json::Object& metadata);
Result<void> delete_document(store::Connection&, const std::string& id);
/// Whether any document of any collection has this text.
Result<bool> text_is_used(store::Connection&, const std::string& text_hash);

Result<std::optional<ChunkRow>> find_chunk(store::Connection&, const std::string& id);
Result<std::vector<ChunkRow>> chunks_of(store::Connection&, const std::string& document_id);

Result<void> insert_receipt(store::Connection&, const std::string& id, std::int64_t collection,
                            const std::string& created_at, const json::Value& body);
Result<std::optional<json::Value>> find_receipt(store::Connection&, const std::string& id);

}  // namespace slipway::rag::detail
