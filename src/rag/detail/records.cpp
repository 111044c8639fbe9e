#include "rag/detail/records.hpp"

#include "rag/detail/contextual.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

std::vector<store::Migration> migrations() {
  std::vector<store::Migration> all = index::migrations();
  all.push_back({"rag", 1, R"sql(
    CREATE TABLE rag_collections(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      settings TEXT NOT NULL,
      embedder TEXT NOT NULL,
      dimension INTEGER NOT NULL,
      created_at TEXT NOT NULL);
    CREATE TABLE rag_documents(
      id TEXT PRIMARY KEY,
      collection INTEGER NOT NULL REFERENCES rag_collections(id) ON DELETE CASCADE,
      uri TEXT NOT NULL,
      path TEXT NOT NULL,
      title TEXT NOT NULL,
      media_type TEXT NOT NULL,
      content_hash TEXT NOT NULL,
      text_hash TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      chunks INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      given_metadata TEXT NOT NULL,
      warnings TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      source_map BLOB NOT NULL,
      ingested_at TEXT NOT NULL,
      modified_at TEXT,
      UNIQUE(collection, uri));
    CREATE INDEX rag_documents_text ON rag_documents(text_hash);
    CREATE TABLE rag_chunks(
      id TEXT PRIMARY KEY,
      document TEXT NOT NULL REFERENCES rag_documents(id) ON DELETE CASCADE,
      ordinal INTEGER NOT NULL,
      text_start INTEGER NOT NULL,
      text_end INTEGER NOT NULL,
      text_hash TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX rag_chunks_document ON rag_chunks(document, ordinal);
    CREATE TABLE rag_receipts(
      id TEXT PRIMARY KEY,
      collection INTEGER NOT NULL REFERENCES rag_collections(id) ON DELETE CASCADE,
      created_at TEXT NOT NULL,
      body TEXT NOT NULL) WITHOUT ROWID;
  )sql"});
  all.push_back(detail::contexts_migration());
  return all;
}

namespace detail {

namespace {

constexpr std::string_view collection_columns =
    "id, name, settings, embedder, dimension, created_at";
constexpr std::string_view document_columns =
    "id, collection, uri, path, title, media_type, content_hash, text_hash, size_bytes, chunks, "
    "tokens, "
    "metadata, given_metadata, warnings, fingerprint, source_map, ingested_at, modified_at";

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
  info.id = row.text(0);
  document.collection = row.integer(1);
  info.uri = row.text(2);
  info.path = row.text(3);
  info.title = row.text(4);
  info.media_type = row.text(5);
  info.content_hash = row.text(6);
  info.text_hash = row.text(7);
  info.size_bytes = row.integer(8);
  info.chunks = row.integer(9);
  info.tokens = row.integer(10);
  info.metadata = TRY(json::parse(row.text(11)));
  document.given_metadata = TRY(object_of(row.text(12)));
  info.warnings = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(13)))));
  document.fingerprint = row.text(14);
  document.source_map = row.blob(15);
  info.ingested_at = row.text(16);
  if (!row.is_null(17)) info.modified_at = std::string(row.text(17));
  return document;
}

ChunkRow read_chunk(const store::Statement& row) {
  return {std::string(row.text(0)),
          std::string(row.text(1)),
          {static_cast<std::size_t>(row.integer(2)), static_cast<std::size_t>(row.integer(3))},
          std::string(row.text(4))};
}

Result<void> insert_chunks(store::Connection& connection, const std::vector<ChunkRow>& chunks) {
  auto insert = TRY(connection.prepare("INSERT INTO rag_chunks VALUES(?,?,?,?,?,?)"));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ChunkRow& chunk = chunks[i];
    insert.reset();
    insert.bind(0, chunk.id).bind(1, chunk.document_id).bind(2, static_cast<std::int64_t>(i));
    insert.bind(3, static_cast<std::int64_t>(chunk.span.start));
    insert.bind(4, static_cast<std::int64_t>(chunk.span.end)).bind(5, chunk.text_hash);
    TRY(insert.run());
  }
  return {};
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

Result<std::vector<CollectionRow>> all_collections(store::Connection& connection) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_collections ORDER BY name", collection_columns)));
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

Result<Counts> count(store::Connection& connection, std::int64_t collection) {
  auto select = TRY(connection.prepare(
      "SELECT count(*), coalesce(sum(chunks), 0) FROM rag_documents WHERE collection = ?"));
  select.bind(0, collection);
  TRY(select.step());
  return Counts{select.integer(0), select.integer(1)};
}

Result<std::map<std::string, KnownDocument>> known_documents(store::Connection& connection,
                                                             std::int64_t collection) {
  auto select = TRY(connection.prepare(
      "SELECT uri, id, content_hash, fingerprint, text_hash, given_metadata FROM rag_documents "
      "WHERE collection = ?"));
  select.bind(0, collection);
  std::map<std::string, KnownDocument> known;
  while (TRY(select.step())) {
    KnownDocument document;
    document.id = select.text(1);
    document.content_hash = select.text(2);
    document.fingerprint = select.text(3);
    document.text_hash = select.text(4);
    document.metadata = TRY(object_of(select.text(5)));
    known.emplace(std::string(select.text(0)), std::move(document));
  }
  return known;
}

Result<std::optional<DocumentRow>> find_document(store::Connection& connection,
                                                 const std::string& id) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {} FROM rag_documents WHERE id = ?", document_columns)));
  select.bind(0, id);
  if (!TRY(select.step())) return std::optional<DocumentRow>();
  return std::optional<DocumentRow>(TRY(read_document(select)));
}

Result<std::vector<DocumentRow>> list_documents(store::Connection& connection,
                                                std::int64_t collection,
                                                const std::string& after_uri, int limit) {
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT {} FROM rag_documents WHERE collection = ? AND uri > ? ORDER BY uri LIMIT ?",
      document_columns)));
  select.bind(0, collection).bind(1, after_uri).bind(2, limit);
  std::vector<DocumentRow> rows;
  while (TRY(select.step())) rows.push_back(TRY(read_document(select)));
  return rows;
}

Result<void> put_document(store::Connection& connection, const DocumentRow& document,
                          const std::vector<ChunkRow>& chunks) {
  const DocumentInfo& info = document.info;
  TRY(delete_document(connection, info.id));
  auto insert = TRY(connection.prepare(
      fmt::format("INSERT INTO rag_documents({}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                  document_columns)));
  insert.bind(0, info.id).bind(1, document.collection).bind(2, info.uri).bind(3, info.path);
  insert.bind(4, info.title).bind(5, info.media_type).bind(6, info.content_hash);
  insert.bind(7, info.text_hash)
      .bind(8, info.size_bytes)
      .bind(9, info.chunks)
      .bind(10, info.tokens);
  insert.bind(11, json::dump(info.metadata)).bind(12, json::dump(document.given_metadata));
  insert.bind(13, json::dump(json::to(info.warnings))).bind(14, document.fingerprint);
  insert.bind_blob(15, document.source_map).bind(16, info.ingested_at).bind(17, info.modified_at);
  TRY(insert.run());
  return insert_chunks(connection, chunks);
}

Result<void> set_metadata(store::Connection& connection, const std::string& id,
                          const json::Object& given) {
  // What the source says of itself stays; what the caller gives wins.
  auto document = TRY(find_document(connection, id));
  if (!document) return fail(Code::not_found, "document '{}' does not exist", id);
  json::Object merged = document->info.metadata.as_object();
  for (const auto& item : document->given_metadata) merged.erase(item.key());
  for (const auto& [key, value] : given) merged[key] = value;
  auto update = TRY(
      connection.prepare("UPDATE rag_documents SET metadata = ?, given_metadata = ? WHERE id = ?"));
  update.bind(0, json::dump(merged)).bind(1, json::dump(given)).bind(2, id);
  return update.run();
}

Result<void> delete_document(store::Connection& connection, const std::string& id) {
  auto remove = TRY(connection.prepare("DELETE FROM rag_documents WHERE id = ?"));
  remove.bind(0, id);
  return remove.run();
}

Result<bool> text_is_used(store::Connection& connection, const std::string& text_hash) {
  auto select = TRY(connection.prepare("SELECT 1 FROM rag_documents WHERE text_hash = ? LIMIT 1"));
  select.bind(0, text_hash);
  return select.step();
}

Result<std::optional<ChunkRow>> find_chunk(store::Connection& connection, const std::string& id) {
  auto select = TRY(connection.prepare(
      "SELECT id, document, text_start, text_end, text_hash FROM rag_chunks WHERE id = ?"));
  select.bind(0, id);
  if (!TRY(select.step())) return std::optional<ChunkRow>();
  return std::optional<ChunkRow>(read_chunk(select));
}

Result<std::vector<ChunkRow>> chunks_of(store::Connection& connection,
                                        const std::string& document_id) {
  auto select = TRY(connection.prepare(
      "SELECT id, document, text_start, text_end, text_hash FROM rag_chunks WHERE document = ? "
      "ORDER BY ordinal"));
  select.bind(0, document_id);
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

}  // namespace detail

}  // namespace slipway::rag
