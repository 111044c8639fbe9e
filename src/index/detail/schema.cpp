// index_collections  one row per collection: version, and what its chunks were made with.
// index_documents    rows are never used twice (AUTOINCREMENT) and rise with each commit, so
//                    "newer than" is a comparison and segments stay ordered by row. What a row says
//                    never changes: new attributes are a new row too. The versions `born` to
//                    `died` - 1 see it; it lives while `died` is null.
// index_vectors      one vector per embedder and text, shared by all collections; it lives as long
//                    as a chunk refers to it.
// index_segments     the segment files of a collection; one that is not here is garbage. `manifest`
//                    in index_collections counts their changes.
// index_holds        versions that somebody wants kept. `oldest` in index_collections: all since it
//                    are whole; `erasures` counts deletions from the past.
// index_changes      which documents a version touched, for processes that have an older version in
//                    memory; the tail is cut, and who is further behind reads all.
#include "index/index.hpp"

namespace slipway::index {

namespace {

constexpr std::string_view step_1 = R"sql(
CREATE TABLE index_embedders(
  row INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  dimension INTEGER NOT NULL);
CREATE TABLE index_collections(
  collection INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  changed_by INTEGER NOT NULL,
  embedder TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  language TEXT NOT NULL,
  documents INTEGER NOT NULL DEFAULT 0,
  chunks INTEGER NOT NULL DEFAULT 0);
CREATE TABLE index_documents(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  collection INTEGER NOT NULL REFERENCES index_collections(collection),
  id TEXT NOT NULL,
  attributes TEXT NOT NULL,
  words BLOB NOT NULL,
  UNIQUE(collection, id));
CREATE INDEX index_documents_of_collection ON index_documents(collection);
CREATE TABLE index_vectors(
  row INTEGER PRIMARY KEY,
  embedder INTEGER NOT NULL REFERENCES index_embedders(row),
  text_hash BLOB NOT NULL,
  vector BLOB NOT NULL,
  UNIQUE(embedder, text_hash));
CREATE TABLE index_chunks(
  document INTEGER NOT NULL REFERENCES index_documents(row) DEFERRABLE INITIALLY DEFERRED,
  position INTEGER NOT NULL,
  collection INTEGER NOT NULL,
  id TEXT NOT NULL,
  vector INTEGER NOT NULL REFERENCES index_vectors(row) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY(document, position)) WITHOUT ROWID;
CREATE UNIQUE INDEX index_chunks_by_id ON index_chunks(collection, id);
CREATE INDEX index_chunks_by_vector ON index_chunks(vector);
CREATE TABLE index_changes(
  collection INTEGER NOT NULL,
  version INTEGER NOT NULL,
  document INTEGER NOT NULL,
  PRIMARY KEY(collection, version, document)) WITHOUT ROWID;
)sql";

constexpr std::string_view step_2 = R"sql(
ALTER TABLE index_collections ADD COLUMN manifest INTEGER NOT NULL DEFAULT 0;
CREATE TABLE index_segments(
  collection INTEGER NOT NULL,
  name TEXT NOT NULL,
  first_row INTEGER NOT NULL,
  last_row INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY(collection, name)) WITHOUT ROWID;
)sql";

constexpr std::string_view step_3 = R"sql(
CREATE TABLE index_documents_3(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  collection INTEGER NOT NULL REFERENCES index_collections(collection),
  id TEXT NOT NULL,
  attributes TEXT NOT NULL,
  words BLOB NOT NULL,
  born INTEGER NOT NULL,
  died INTEGER);
INSERT INTO index_documents_3
  SELECT d.row, d.collection, d.id, d.attributes, d.words, c.version, NULL
  FROM index_documents d JOIN index_collections c USING(collection);
INSERT OR IGNORE INTO sqlite_sequence(name, seq) SELECT 'index_documents_3', 0
  WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name='index_documents_3');
UPDATE sqlite_sequence
  SET seq=coalesce((SELECT seq FROM sqlite_sequence WHERE name='index_documents'), 0)
  WHERE name='index_documents_3';
CREATE TABLE index_chunks_3(
  document INTEGER NOT NULL REFERENCES index_documents_3(row) DEFERRABLE INITIALLY DEFERRED,
  position INTEGER NOT NULL,
  collection INTEGER NOT NULL,
  id TEXT NOT NULL,
  vector INTEGER NOT NULL REFERENCES index_vectors(row) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY(document, position)) WITHOUT ROWID;
INSERT INTO index_chunks_3 SELECT document, position, collection, id, vector FROM index_chunks;
DROP TABLE index_chunks;
DROP TABLE index_documents;
ALTER TABLE index_documents_3 RENAME TO index_documents;
ALTER TABLE index_chunks_3 RENAME TO index_chunks;
CREATE INDEX index_documents_of_collection ON index_documents(collection);
CREATE UNIQUE INDEX index_documents_alive ON index_documents(collection, id) WHERE died IS NULL;
CREATE INDEX index_documents_dead ON index_documents(collection, died) WHERE died IS NOT NULL;
CREATE INDEX index_chunks_by_id ON index_chunks(collection, id);
CREATE INDEX index_chunks_by_vector ON index_chunks(vector);
ALTER TABLE index_collections ADD COLUMN oldest INTEGER NOT NULL DEFAULT 1;
ALTER TABLE index_collections ADD COLUMN erasures INTEGER NOT NULL DEFAULT 0;
UPDATE index_collections SET oldest=version;
CREATE TABLE index_holds(
  collection INTEGER NOT NULL REFERENCES index_collections(collection),
  holder TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY(collection, holder)) WITHOUT ROWID;
)sql";

}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> steps{
      {"index", 1, step_1}, {"index", 2, step_2}, {"index", 3, step_3}};
  return steps;
}

Result<void> drop_collection(store::Connection& transaction, std::int64_t collection) {
  // Vectors first, while the chunks still tell which; their keys are checked at commit.
  constexpr std::string_view steps[] = {
      "DELETE FROM index_vectors WHERE row IN (SELECT vector FROM index_chunks WHERE "
      "collection=?1) "
      "AND NOT EXISTS (SELECT 1 FROM index_chunks WHERE vector=index_vectors.row AND "
      "collection<>?1)",
      "DELETE FROM index_chunks WHERE collection=?1",
      "DELETE FROM index_documents WHERE collection=?1",
      "DELETE FROM index_changes WHERE collection=?1",
      "DELETE FROM index_segments WHERE collection=?1",
      "DELETE FROM index_holds WHERE collection=?1",
      "DELETE FROM index_collections WHERE collection=?1",
  };
  for (const std::string_view step : steps) {
    store::Statement statement = TRY(transaction.prepare(step));
    TRY(statement.bind(0, collection).run());
  }
  return {};
}

}  // namespace slipway::index
