// Rows of the rag_* tables. Plain reads and writes inside a caller's transaction; no decisions
// here. A document's row is seen by the versions of its collection from `born` to `died` - 1, as
// the index's rows are; it lives while `died` is null.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "documents/documents.hpp"
#include "index/versions.hpp"
#include "rag/wire.hpp"
#include "store/database.hpp"

namespace slipway::rag::detail {

/// A generation of a collection: what was built with one embedder and one splitter. One of them
/// bears the collection's name; the others' names are it, '@' and a word.
struct CollectionRow {
  std::int64_t id = 0;
  std::string name;
  CollectionSettings settings;
  std::string embedder_identity;  ///< Of the model that made its vectors.
  std::size_t dimension = 0;
  std::string created_at;

  /// The name that people know.
  std::string plain_name() const { return name.substr(0, name.find('@')); }
};

struct DocumentRow {
  DocumentInfo info;
  std::int64_t row = 0;  ///< Of the table; 0 until it is stored.
  std::int64_t collection = 0;
  std::string fingerprint;  ///< Of everything but the content that decides its chunks.
  json::Object given_metadata;
  std::string source_map;  ///< documents::SourceMap::encode
  std::string validator;   ///< What its source said of its content when it was read; or empty.
  /// Hash of the blob that holds the source's bytes: of what a caller brought itself.
  std::optional<std::string> original;
};

struct ChunkRow {
  std::string id;
  documents::Span span;
  std::string text_hash;
};

/// What ingest needs to know of a document that is in already.
struct KnownDocument {
  std::string id, content_hash, fingerprint, text_hash, validator;
  std::string source;  ///< The connector's source that it came from; empty for files.
  json::Object metadata;
};

/// A version that is searched: of which generation, and its number.
struct Seen {
  std::int64_t collection = 0;
  std::int64_t version = 0;
};

Result<std::optional<CollectionRow>> find_collection(store::Connection&, const std::string& name);
/// By row id: any generation.
Result<std::optional<CollectionRow>> find_collection(store::Connection&, std::int64_t id);
/// Those that serve, by name.
Result<std::vector<CollectionRow>> all_collections(store::Connection&);
Result<std::int64_t> insert_collection(store::Connection&, const CollectionRow&);
Result<void> delete_collection(store::Connection&, std::int64_t id);
/// Present ones, or such of older versions.
Result<bool> has_documents(store::Connection&, std::int64_t collection);
struct Counts {
  std::int64_t documents = 0, chunks = 0;
};
Result<Counts> count(store::Connection&, std::int64_t collection);
/// Of what a version saw.
Result<Counts> count(store::Connection&, Seen);

/// Living ones, by uri.
Result<std::map<std::string, KnownDocument>> known_documents(store::Connection&,
                                                             std::int64_t collection);
/// The living one of the generation that serves.
Result<std::optional<DocumentRow>> find_document(store::Connection&, const std::string& id);
Result<std::optional<DocumentRow>> find_document(store::Connection&, std::int64_t collection,
                                                 const std::string& id);
/// Living ones, by uri.
Result<std::vector<DocumentRow>> list_documents(store::Connection&, std::int64_t collection,
                                                const std::string& after_uri, int limit);
/// Those that a version saw, by uri; without their source maps.
Result<std::vector<DocumentRow>> documents_seen(store::Connection&, Seen);
Result<bool> is_seen_by(store::Connection&, Seen, const std::string& document_id);
/// Takes the place of the living row of the same document from `version` on.
Result<void> put_document(store::Connection&, const DocumentRow&, const std::vector<ChunkRow>&,
                          std::int64_t version);
/// A row as `document` with the chunks of the living row, whose place it takes.
Result<void> put_again(store::Connection&, const DocumentRow& document, std::int64_t version);
/// Of the living row; changes nothing that is seen.
Result<void> set_validator(store::Connection&, std::int64_t collection, const std::string& uri,
                           const std::string& validator);
/// From `version` on.
Result<void> retire_document(store::Connection&, std::int64_t collection, const std::string& id,
                             std::int64_t version);
/// All its rows; gives their texts and originals, and so do the next two.
Result<std::vector<std::string>> erase_document(store::Connection&, std::int64_t collection,
                                                const std::string& id);
/// Deletes the rows that no version needs; gives their texts.
Result<std::vector<std::string>> prune_documents(store::Connection&, std::int64_t collection,
                                                 const index::History&);
/// Of all rows of a document.
Result<std::vector<std::string>> texts_of_document(store::Connection&, std::int64_t collection,
                                                   const std::string& id);
/// Of all rows, each once.
Result<std::vector<std::string>> texts_of(store::Connection&, std::int64_t collection);
/// Whether any row of any collection has this text or original.
Result<bool> text_is_used(store::Connection&, const std::string& text_hash);

/// A chunk of a found document, and that document.
struct SeenChunk {
  ChunkRow chunk;
  DocumentRow document;
};
Result<std::optional<SeenChunk>> find_chunk(store::Connection&, Seen, const std::string& id);
/// Of a document's row.
Result<std::vector<ChunkRow>> chunks_of(store::Connection&, std::int64_t document_row);

Result<void> insert_receipt(store::Connection&, const std::string& id, std::int64_t collection,
                            const std::string& created_at, const json::Value& body);
Result<std::optional<json::Value>> find_receipt(store::Connection&, const std::string& id);
/// Receipts of a collection whose body has these bytes.
Result<std::vector<std::pair<std::string, json::Value>>> receipts_with(store::Connection&,
                                                                       std::int64_t collection,
                                                                       const std::string& bytes);
Result<void> replace_receipt(store::Connection&, const std::string& id, const json::Value& body);

}  // namespace slipway::rag::detail
