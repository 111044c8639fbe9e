#include "rag/detail/records.hpp"

#include "rag/library.hpp"
#include "store/columns.hpp"

namespace slipway::rag::detail {

namespace {

constexpr std::string_view collection_columns =
    "id, name, settings, embedder, dimension, created_at";
constexpr std::string_view document_columns =
    "d.row, d.id, d.collection, d.uri, d.path, d.title, d.media_type, d.content_hash, d.text_hash, "
    "d.size_bytes, d.chunks, d.tokens, d.metadata, d.given_metadata, d.warnings, d.fingerprint, "
    "d.source_map, d.ingested_at, d.modified_at, d.validator, d.original";
constexpr int document_column_count = 21;
constexpr std::string_view chunk_columns = "c.id, c.text_start, c.text_end, c.text_hash";
/// Of a row `d`, for the version that is parameter `?2`.
constexpr std::string_view is_seen = "d.born<=?2 AND (d.died IS NULL OR d.died>?2)";

Result<json::Object> object_of(std::string_view text) {
  return json::from<json::Object>(TRY(json::parse(text)));
}

Result<CollectionRow> read_collection(const store::Statement& row) {
  CollectionRow collection;
  collection.id = row.integer(0);
  collection.name = row.text(1);
  collection.settings = TRY(json::from<CollectionSettings>(TRY(json::parse(row.text(2)))));
  collection.embedder_identity = row.text(3);
  collection.dimension = static_cast<std::size_t>(row.integer(4));
  collection.created_at = row.text(5);
  return collection;
}

Result<DocumentRow> read_document(const store::Statement& row) {
  DocumentRow document;
  DocumentInfo& info = document.info;
  document.row = row.integer(0);
  info.id = row.text(1);
  document.collection = row.integer(2);
  info.uri = row.text(3);
  info.path = row.text(4);
  info.title = row.text(5);
  info.media_type = row.text(6);
  info.content_hash = row.text(7);
  info.text_hash = row.text(8);
  info.size_bytes = row.integer(9);
  info.chunks = row.integer(10);
  info.tokens = row.integer(11);
  info.metadata = TRY(json::parse(row.text(12)));
  document.given_metadata = TRY(object_of(row.text(13)));
  info.warnings = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(14)))));
  document.fingerprint = row.text(15);
  document.source_map = row.blob(16);
  info.ingested_at = row.text(17);
  info.modified_at = store::optional_text(row, 18);
  document.validator = row.text(19);
  document.original = store::optional_text(row, 20);
  return document;
}

/// `first`: the column where the chunk's begin.
ChunkRow read_chunk(const store::Statement& row, int first = 0) {
  return {std::string(row.text(first)),
          {static_cast<std::size_t>(row.integer(first + 1)),
           static_cast<std::size_t>(row.integer(first + 2))},
          std::string(row.text(first + 3))};
}

Result<std::vector<DocumentRow>> read_documents(store::Statement& select) {
  std::vector<DocumentRow> rows;
  while (TRY(select.step())) rows.push_back(TRY(read_document(select)));
  return rows;
}

Result<std::optional<DocumentRow>> read_one(store::Statement& select) {
  if (!TRY(select.step())) return std::optional<DocumentRow>();
  return std::optional<DocumentRow>(TRY(read_document(select)));
}

/// Gives its number.
Result<std::int64_t> insert_document(store::Connection& connection, const DocumentRow& document,
                                     std::int64_t version) {
  const DocumentInfo& info = document.info;
  auto insert = TRY(connection.prepare(
      "INSERT INTO rag_documents(id, collection, uri, path, title, media_type, content_hash, "
      "text_hash, size_bytes, chunks, tokens, metadata, given_metadata, warnings, fingerprint, "
      "source_map, ingested_at, modified_at, validator, original, born) "
      "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  insert.bind(0, info.id).bind(1, document.collection).bind(2, info.uri).bind(3, info.path);
  insert.bind(4, info.title).bind(5, info.media_type).bind(6, info.content_hash);
  insert.bind(7, info.text_hash).bind(8, info.size_bytes).bind(9, info.chunks);
  insert.bind(10, info.tokens).bind(11, json::dump(info.metadata));
  insert.bind(12, json::dump(document.given_metadata));
  insert.bind(13, json::dump(json::to(info.warnings))).bind(14, document.fingerprint);
  insert.bind_blob(15, document.source_map).bind(16, info.ingested_at).bind(17, info.modified_at);
  insert.bind(18, document.validator).bind(19, document.original).bind(20, version);
  TRY(insert.run());
  return connection.last_insert_id();
}

Result<void> insert_chunks(store::Connection& connection, std::int64_t document,
                           const std::vector<ChunkRow>& chunks) {
  auto insert = TRY(connection.prepare("INSERT INTO rag_chunks VALUES(?,?,?,?,?,?)"));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ChunkRow& chunk = chunks[i];
    insert.reset();
    insert.bind(0, document).bind(1, static_cast<std::int64_t>(i)).bind(2, chunk.id);
    insert.bind(3, static_cast<std::int64_t>(chunk.span.start));
    insert.bind(4, static_cast<std::int64_t>(chunk.span.end)).bind(5, chunk.text_hash);
    TRY(insert.run());
  }
  return {};
}

Result<void> delete_row(store::Connection& connection, std::int64_t row) {
  auto remove = TRY(connection.prepare("DELETE FROM rag_documents WHERE row = ?"));
  return remove.bind(0, row).run();  // Its chunks go with it.
}

}  // namespace

Result<std::optional<CollectionRow>> find_collection(store::Connection& connection,
                                                     const std::string& name) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_collections WHERE name = ?", collection_columns)));
  select.bind(0, name);
  if (!TRY(select.step())) return std::optional<CollectionRow>();
  return std::optional<CollectionRow>(TRY(read_collection(select)));
}

Result<std::optional<CollectionRow>> find_collection(store::Connection& connection,
                                                     std::int64_t id) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_collections WHERE id = ?", collection_columns)));
  if (!TRY(select.bind(0, id).step())) return std::optional<CollectionRow>();
  return std::optional<CollectionRow>(TRY(read_collection(select)));
}

Result<std::vector<CollectionRow>> all_collections(store::Connection& connection) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_collections WHERE instr(name, '@') = 0 ORDER BY name",
                  collection_columns)));
  std::vector<CollectionRow> rows;
  while (TRY(select.step())) rows.push_back(TRY(read_collection(select)));
  return rows;
}

Result<std::int64_t> insert_collection(store::Connection& connection, const CollectionRow& row) {
  auto insert =
      TRY(connection.prepare("INSERT INTO rag_collections(name, settings, embedder, dimension, "
                             "created_at) VALUES(?,?,?,?,?)"));
  insert.bind(0, row.name).bind(1, json::dump(json::to(row.settings)));
  insert.bind(2, row.embedder_identity).bind(3, static_cast<std::int64_t>(row.dimension));
  insert.bind(4, row.created_at);
  TRY(insert.run());
  return connection.last_insert_id();
}

Result<void> delete_collection(store::Connection& connection, std::int64_t id) {
  auto remove = TRY(connection.prepare("DELETE FROM rag_collections WHERE id = ?"));
  remove.bind(0, id);
  return remove.run();  // Documents, chunks and receipts go with it.
}

Result<bool> has_documents(store::Connection& connection, std::int64_t collection) {
  auto select = TRY(connection.prepare("SELECT 1 FROM rag_documents WHERE collection = ? LIMIT 1"));
  return select.bind(0, collection).step();
}

Result<Counts> count(store::Connection& connection, std::int64_t collection) {
  auto select =
      TRY(connection.prepare("SELECT count(*), coalesce(sum(chunks), 0) FROM rag_documents WHERE "
                             "collection = ? AND died IS "
                             "NULL"));
  select.bind(0, collection);
  TRY(select.step());
  return Counts{select.integer(0), select.integer(1)};
}

Result<Counts> count(store::Connection& connection, Seen seen) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT count(*), coalesce(sum(d.chunks), 0) FROM rag_documents d WHERE "
                  "d.collection = ?1 AND {}",
                  is_seen)));
  TRY(select.bind(0, seen.collection).bind(1, seen.version).step());
  return Counts{select.integer(0), select.integer(1)};
}

Result<std::map<std::string, KnownDocument>> known_documents(store::Connection& connection,
                                                             std::int64_t collection) {
  auto select = TRY(connection.prepare(
      "SELECT uri, id, content_hash, fingerprint, text_hash, given_metadata, validator, "
      "CASE WHEN validator <> '' OR uri NOT LIKE 'file:%' THEN json_extract(metadata, '$.source') "
      "END FROM rag_documents WHERE collection = ? AND died IS NULL"));
  select.bind(0, collection);
  std::map<std::string, KnownDocument> known;
  while (TRY(select.step())) {
    KnownDocument document;
    document.id = select.text(1);
    document.content_hash = select.text(2);
    document.fingerprint = select.text(3);
    document.text_hash = select.text(4);
    document.metadata = TRY(object_of(select.text(5)));
    document.validator = select.text(6);
    document.source = select.text(7);
    known.emplace(std::string(select.text(0)), std::move(document));
  }
  return known;
}

Result<std::optional<DocumentRow>> find_document(store::Connection& connection,
                                                 const std::string& id) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_documents d JOIN rag_collections c ON c.id = d.collection "
                  "WHERE d.id = ? AND d.died IS NULL AND instr(c.name, '@') = 0",
                  document_columns)));
  return read_one(select.bind(0, id));
}

Result<std::optional<DocumentRow>> find_document(store::Connection& connection,
                                                 std::int64_t collection, const std::string& id) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_documents d WHERE d.id = ? AND d.collection = ? AND d.died "
                  "IS NULL",
                  document_columns)));
  return read_one(select.bind(0, id).bind(1, collection));
}

Result<std::vector<DocumentRow>> list_documents(store::Connection& connection,
                                                std::int64_t collection,
                                                const std::string& after_uri, int limit) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_documents d WHERE d.collection = ? AND d.uri > ? AND d.died "
                  "IS NULL ORDER BY d.uri LIMIT ?",
                  document_columns)));
  return read_documents(select.bind(0, collection).bind(1, after_uri).bind(2, limit));
}

Result<std::vector<DocumentRow>> documents_seen(store::Connection& connection, Seen seen) {
  std::string columns(document_columns);
  const std::string_view map = "d.source_map";
  columns.replace(columns.find(map), map.size(), "x''");
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_documents d WHERE d.collection = ?1 AND {} ORDER BY d.uri",
                  columns, is_seen)));
  return read_documents(select.bind(0, seen.collection).bind(1, seen.version));
}

Result<bool> is_seen_by(store::Connection& connection, Seen seen, const std::string& document_id) {
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT 1 FROM rag_documents d WHERE d.id = ?3 AND d.collection = ?1 AND {}", is_seen)));
  return select.bind(0, seen.collection).bind(1, seen.version).bind(2, document_id).step();
}

Result<void> set_validator(store::Connection& connection, std::int64_t collection,
                           const std::string& uri, const std::string& validator) {
  auto update = TRY(connection.prepare(
      "UPDATE rag_documents SET validator = ? WHERE collection = ? AND uri = ? AND died IS NULL"));
  return update.bind(0, validator).bind(1, collection).bind(2, uri).run();
}

Result<void> retire_document(store::Connection& connection, std::int64_t collection,
                             const std::string& id, std::int64_t version) {
  auto retire = TRY(connection.prepare(
      "UPDATE rag_documents SET died = ? WHERE id = ? AND collection = ? AND died IS NULL"));
  return retire.bind(0, version).bind(1, id).bind(2, collection).run();
}

Result<void> put_document(store::Connection& connection, const DocumentRow& document,
                          const std::vector<ChunkRow>& chunks, std::int64_t version) {
  TRY(retire_document(connection, document.collection, document.info.id, version));
  const std::int64_t row = TRY(insert_document(connection, document, version));
  return insert_chunks(connection, row, chunks);
}

Result<void> put_again(store::Connection& connection, const DocumentRow& document,
                       std::int64_t version) {
  TRY(retire_document(connection, document.collection, document.info.id, version));
  const std::int64_t row = TRY(insert_document(connection, document, version));
  auto copy = TRY(connection.prepare(
      "INSERT INTO rag_chunks SELECT ?, ordinal, id, text_start, text_end, text_hash FROM "
      "rag_chunks WHERE document = ?"));
  return copy.bind(0, row).bind(1, document.row).run();
}

Result<std::vector<std::string>> texts_of_document(store::Connection& connection,
                                                   std::int64_t collection, const std::string& id) {
  auto select = TRY(connection.prepare(
      "SELECT text_hash FROM rag_documents WHERE id = ?1 AND collection = ?2 UNION "
      "SELECT original FROM rag_documents WHERE id = ?1 AND collection = ?2 AND original IS NOT "
      "NULL"));
  select.bind(0, id).bind(1, collection);
  std::vector<std::string> texts;
  while (TRY(select.step())) texts.emplace_back(select.text(0));
  return texts;
}

Result<std::vector<std::string>> erase_document(store::Connection& connection,
                                                std::int64_t collection, const std::string& id) {
  std::vector<std::string> texts = TRY(texts_of_document(connection, collection, id));
  auto remove =
      TRY(connection.prepare("DELETE FROM rag_documents WHERE id = ? AND collection = ?"));
  TRY(remove.bind(0, id).bind(1, collection).run());
  return texts;
}

Result<std::vector<std::string>> prune_documents(store::Connection& connection,
                                                 std::int64_t collection,
                                                 const index::History& history) {
  auto select = TRY(connection.prepare(
      "SELECT row, text_hash, born, died, original FROM rag_documents WHERE collection = ? AND "
      "died IS NOT NULL"));
  select.bind(0, collection);
  std::vector<std::int64_t> rows;
  std::vector<std::string> texts;
  while (TRY(select.step())) {
    if (history.needs(select.integer(2), select.integer(3))) continue;
    rows.push_back(select.integer(0));
    texts.emplace_back(select.text(1));
    if (!select.is_null(4)) texts.emplace_back(select.text(4));
  }
  for (const std::int64_t row : rows) TRY(delete_row(connection, row));
  return texts;
}

Result<std::vector<std::string>> texts_of(store::Connection& connection, std::int64_t collection) {
  auto select = TRY(connection.prepare(
      "SELECT text_hash FROM rag_documents WHERE collection = ?1 UNION "
      "SELECT original FROM rag_documents WHERE collection = ?1 AND original IS NOT NULL"));
  select.bind(0, collection);
  std::vector<std::string> texts;
  while (TRY(select.step())) texts.emplace_back(select.text(0));
  return texts;
}

Result<bool> text_is_used(store::Connection& connection, const std::string& text_hash) {
  auto select =
      TRY(connection.prepare("SELECT 1 FROM rag_documents WHERE text_hash = ?1 UNION ALL "
                             "SELECT 1 FROM rag_documents WHERE original = ?1 LIMIT 1"));
  select.bind(0, text_hash);
  return select.step();
}

Result<std::optional<SeenChunk>> find_chunk(store::Connection& connection, Seen seen,
                                            const std::string& id) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {}, {} FROM rag_chunks c JOIN rag_documents d ON d.row = c.document "
                  "WHERE c.id = ?3 AND d.collection = ?1 AND {}",
                  document_columns, chunk_columns, is_seen)));
  select.bind(0, seen.collection).bind(1, seen.version).bind(2, id);
  if (!TRY(select.step())) return std::optional<SeenChunk>();
  DocumentRow document = TRY(read_document(select));
  return std::optional<SeenChunk>(
      SeenChunk{read_chunk(select, document_column_count), std::move(document)});
}

Result<std::vector<ChunkRow>> chunks_of(store::Connection& connection, std::int64_t document_row) {
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT {} FROM rag_chunks c WHERE c.document = ? ORDER BY c.ordinal", chunk_columns)));
  select.bind(0, document_row);
  std::vector<ChunkRow> rows;
  while (TRY(select.step())) rows.push_back(read_chunk(select));
  return rows;
}

Result<void> insert_receipt(store::Connection& connection, const std::string& id,
                            std::int64_t collection, const std::string& created_at,
                            const json::Value& body) {
  auto insert = TRY(connection.prepare("INSERT INTO rag_receipts VALUES(?,?,?,?)"));
  insert.bind(0, id).bind(1, collection).bind(2, created_at).bind(3, json::dump(body));
  return insert.run();
}

Result<std::optional<json::Value>> find_receipt(store::Connection& connection,
                                                const std::string& id) {
  auto select = TRY(connection.prepare("SELECT body FROM rag_receipts WHERE id = ?"));
  select.bind(0, id);
  if (!TRY(select.step())) return std::optional<json::Value>();
  return std::optional<json::Value>(TRY(json::parse(select.text(0))));
}

Result<std::vector<std::pair<std::string, json::Value>>> receipts_with(
    store::Connection& connection, std::int64_t collection, const std::string& bytes) {
  auto select = TRY(connection.prepare(
      "SELECT id, body FROM rag_receipts WHERE collection = ? AND instr(body, ?) > 0"));
  select.bind(0, collection).bind(1, bytes);
  std::vector<std::pair<std::string, json::Value>> receipts;
  while (TRY(select.step()))
    receipts.emplace_back(std::string(select.text(0)), TRY(json::parse(select.text(1))));
  return receipts;
}

Result<void> replace_receipt(store::Connection& connection, const std::string& id,
                             const json::Value& body) {
  auto update = TRY(connection.prepare("UPDATE rag_receipts SET body = ? WHERE id = ?"));
  return update.bind(0, json::dump(body)).bind(1, id).run();
}

}  // namespace slipway::rag::detail
