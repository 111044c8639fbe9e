// rag_collections  one row per generation of a collection; the one that serves has its plain name.
// rag_documents    one row per version of a document, seen by the versions `born` to `died` - 1.
// rag_chunks       places of chunks in the document's text.
// rag_reigns       which generation served from which version on.
// rag_receipts     answers with what is needed to repeat them.
// rag_source_runs  the last run of each declared source.
#include "rag/detail/contextual.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

namespace {

constexpr std::string_view step_1 = R"sql(
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
  )sql";

// Documents and chunks get versions; which generation of a collection served from when.
constexpr std::string_view step_2 = R"sql(
    CREATE TABLE rag_documents_2(
      row INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL,
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
      validator TEXT NOT NULL,
      born INTEGER NOT NULL,
      died INTEGER);
    INSERT INTO rag_documents_2
      SELECT NULL, id, collection, uri, path, title, media_type, content_hash, text_hash,
        size_bytes, chunks, tokens, metadata, given_metadata, warnings, fingerprint, source_map,
        ingested_at, modified_at, '',
        coalesce((SELECT version FROM index_collections i WHERE i.collection=d.collection), 1), NULL
      FROM rag_documents d ORDER BY d.collection, uri;
    CREATE TABLE rag_chunks_2(
      document INTEGER NOT NULL REFERENCES rag_documents_2(row) ON DELETE CASCADE,
      ordinal INTEGER NOT NULL,
      id TEXT NOT NULL,
      text_start INTEGER NOT NULL,
      text_end INTEGER NOT NULL,
      text_hash TEXT NOT NULL,
      PRIMARY KEY(document, ordinal)) WITHOUT ROWID;
    INSERT INTO rag_chunks_2
      SELECT d.row, c.ordinal, c.id, c.text_start, c.text_end, c.text_hash
      FROM rag_chunks c JOIN rag_documents_2 d ON d.id=c.document;
    DROP TABLE rag_chunks;
    DROP TABLE rag_documents;
    ALTER TABLE rag_documents_2 RENAME TO rag_documents;
    ALTER TABLE rag_chunks_2 RENAME TO rag_chunks;
    CREATE UNIQUE INDEX rag_documents_alive ON rag_documents(collection, uri) WHERE died IS NULL;
    CREATE INDEX rag_documents_by_id ON rag_documents(id);
    CREATE INDEX rag_documents_text ON rag_documents(text_hash);
    CREATE INDEX rag_documents_dead ON rag_documents(collection) WHERE died IS NOT NULL;
    CREATE INDEX rag_chunks_by_id ON rag_chunks(id);
    CREATE TABLE rag_reigns(
      name TEXT NOT NULL,
      first_version INTEGER NOT NULL,
      collection INTEGER NOT NULL,  -- Stays when that generation is gone.
      PRIMARY KEY(name, first_version)) WITHOUT ROWID;
  )sql";

constexpr std::string_view step_3 = R"sql(
    CREATE TABLE rag_source_runs(
      name TEXT PRIMARY KEY,
      started_at TEXT NOT NULL,
      alive_at TEXT NOT NULL,
      finished_at TEXT,
      error TEXT,
      report TEXT) WITHOUT ROWID;
  )sql";

// Source bytes that nobody else has are kept.
constexpr std::string_view step_4 = R"sql(
    ALTER TABLE rag_documents ADD COLUMN original TEXT;
    CREATE INDEX rag_documents_original ON rag_documents(original) WHERE original IS NOT NULL;
  )sql";

}  // namespace

std::vector<store::Migration> migrations() {
  std::vector<store::Migration> all = index::migrations();
  all.push_back({"rag", 1, step_1});
  all.push_back({"rag", 2, step_2});
  all.push_back({"rag", 3, step_3});
  all.push_back({"rag", 4, step_4});
  all.push_back(detail::contexts_migration());
  return all;
}

}  // namespace slipway::rag
