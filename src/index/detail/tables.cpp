#include "index/detail/tables.hpp"

#include <cmath>

#include "index/detail/analyzer.hpp"
#include "index/detail/kernels.hpp"
#include "index/detail/words.hpp"

namespace slipway::index {

namespace {

using store::Statement;

// Rounding of a unit vector in f32 stays far below; a vector that was never normalised does not.
constexpr double norm_tolerance = 1e-3;

/// 32 bytes instead of 71 for "sha256:<hex>"; any other name of a text as it is.
std::string hash_key(std::string_view text_hash) {
  constexpr std::string_view prefix = "sha256:";
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
  };
  if (!text_hash.starts_with(prefix) || text_hash.size() != prefix.size() + 64)
    return std::string(text_hash);
  std::string key;
  for (std::size_t i = prefix.size(); i < text_hash.size(); i += 2) {
    const int high = digit(text_hash[i]), low = digit(text_hash[i + 1]);
    if (high < 0 || low < 0) return std::string(text_hash);
    key += static_cast<char>(high * 16 + low);
  }
  return key;
}

Result<void> check_vector(const IndexedChunk& chunk, std::size_t dimension) {
  if (chunk.vector.size() != dimension)
    return fail(Code::invalid_argument, "the vector of chunk {} has {} dimensions instead of {}",
                chunk.id, chunk.vector.size(), dimension);
  double square = 0;
  for (const float x : chunk.vector) square += static_cast<double>(x) * x;
  if (!(std::abs(std::sqrt(square) - 1.0) < norm_tolerance))
    return fail(Code::invalid_argument, "the vector of chunk {} has length {} instead of 1",
                chunk.id, std::sqrt(square));
  return {};
}

std::string words_of(const IndexedDocument& document, const std::string& language) {
  std::vector<std::vector<Token>> chunks;
  chunks.reserve(document.chunks.size());
  for (const IndexedChunk& chunk : document.chunks)
    chunks.push_back(tokenize(chunk.text, language));
  return encode(count_words(chunks));
}

}  // namespace

Result<CollectionState> Tables::state() {
  Statement s = TRY(connection_.prepare(
      "SELECT version,epoch,documents,chunks,manifest,oldest,erasures FROM index_collections WHERE "
      "collection=?"));
  if (!TRY(s.bind(0, options_.collection).step())) return CollectionState{};
  return CollectionState{s.integer(0), s.integer(1), s.integer(2), s.integer(3),
                         s.integer(4), s.integer(5), s.integer(6)};
}

Result<void> Tables::check_settings() {
  Statement s = TRY(connection_.prepare(
      "SELECT embedder,dimension,language FROM index_collections WHERE collection=?"));
  if (!TRY(s.bind(0, options_.collection).step())) return {};
  if (s.text(0) != options_.embedder ||
      s.integer(1) != static_cast<std::int64_t>(options_.dimension))
    return fail(Code::conflict,
                "the collection was indexed by embedder {} ({} dimensions), not by {} ({}); use "
                "that one or migrate the collection",
                s.text(0), s.integer(1), options_.embedder, options_.dimension);
  if (s.text(2) != options_.language)
    return fail(Code::conflict,
                "the collection was indexed for language '{}', not '{}'; use that one or migrate "
                "the collection",
                s.text(2), options_.language);
  return {};
}

Result<std::optional<std::int64_t>> Tables::embedder_row() {
  Statement s = TRY(connection_.prepare("SELECT row,dimension FROM index_embedders WHERE name=?"));
  if (!TRY(s.bind(0, options_.embedder).step())) return std::optional<std::int64_t>();
  if (s.integer(1) != static_cast<std::int64_t>(options_.dimension))
    return fail(Code::conflict, "embedder {} has made vectors of {} dimensions before, now {}",
                options_.embedder, s.integer(1), options_.dimension);
  return std::optional(s.integer(0));
}

Result<std::int64_t> Tables::make_embedder_row() {
  if (const auto row = TRY(embedder_row())) return *row;
  Statement s = TRY(connection_.prepare("INSERT INTO index_embedders(name,dimension) VALUES(?,?)"));
  TRY(s.bind(0, options_.embedder).bind(1, static_cast<std::int64_t>(options_.dimension)).run());
  return connection_.last_insert_id();
}

Result<std::optional<std::int64_t>> Tables::document_row(std::string_view document_id) {
  Statement s = TRY(connection_.prepare(
      "SELECT row FROM index_documents WHERE collection=? AND id=? AND died IS NULL"));
  if (!TRY(s.bind(0, options_.collection).bind(1, document_id).step()))
    return std::optional<std::int64_t>();
  return std::optional(s.integer(0));
}

Result<void> Tables::bump() {
  TRY(check_settings());
  const std::int64_t transaction = connection_.transaction_id();
  SLIPWAY_ASSERT(transaction != 0);
  Statement raise = TRY(connection_.prepare(
      "INSERT INTO index_collections(collection,version,epoch,changed_by,embedder,dimension,"
      "language) VALUES(?1,1,?2,?2,?3,?4,?5) ON CONFLICT(collection) DO UPDATE SET "
      "version=version+(changed_by<>?2), changed_by=?2"));
  TRY(raise.bind(0, options_.collection)
          .bind(1, transaction)
          .bind(2, options_.embedder)
          .bind(3, static_cast<std::int64_t>(options_.dimension))
          .bind(4, options_.language)
          .run());
  Statement cut =
      TRY(connection_.prepare("DELETE FROM index_changes WHERE collection=?1 AND version<"
                              "(SELECT version FROM index_collections WHERE collection=?1)-?2"));
  return cut.bind(0, options_.collection).bind(1, changes_kept).run();
}

Result<void> Tables::note_change(std::int64_t document) {
  Statement s = TRY(connection_.prepare(
      "INSERT INTO index_changes(collection,version,document) SELECT collection,version,?2 FROM "
      "index_collections WHERE collection=?1 ON CONFLICT DO NOTHING"));
  return s.bind(0, options_.collection).bind(1, document).run();
}

Result<void> Tables::add_counts(std::int64_t documents, std::int64_t chunks) {
  Statement s = TRY(connection_.prepare(
      "UPDATE index_collections SET documents=documents+?2,chunks=chunks+?3 WHERE collection=?1"));
  return s.bind(0, options_.collection).bind(1, documents).bind(2, chunks).run();
}

Result<std::int64_t> Tables::insert_document(const IndexedDocument& document) {
  Statement s = TRY(connection_.prepare(
      "INSERT INTO index_documents(collection,id,attributes,words,born) VALUES(?1,?2,?3,?4,"
      "(SELECT version FROM index_collections WHERE collection=?1))"));
  const std::string words = words_of(document, options_.language);
  TRY(s.bind(0, options_.collection)
          .bind(1, document.id)
          .bind(2, json::dump(document.attributes))
          .bind_blob(3, words)
          .run());
  return connection_.last_insert_id();
}

Result<std::int64_t> Tables::vector_row(std::int64_t embedder, const IndexedChunk& chunk) {
  const std::string key = hash_key(chunk.text_hash);
  {
    Statement known =
        TRY(connection_.prepare("SELECT row FROM index_vectors WHERE embedder=? AND text_hash=?"));
    if (TRY(known.bind(0, embedder).bind_blob(1, key).step())) return known.integer(0);
  }
  if (chunk.vector.empty())
    return fail(Code::conflict,
                "the vector of chunk {} is not known any more; embed its text again", chunk.id);
  TRY(check_vector(chunk, options_.dimension));
  Statement add = TRY(
      connection_.prepare("INSERT INTO index_vectors(embedder,text_hash,vector) VALUES(?,?,?)"));
  TRY(add.bind(0, embedder).bind_blob(1, key).bind_blob(2, bytes_of(chunk.vector)).run());
  return connection_.last_insert_id();
}

Result<void> Tables::insert_chunks(const IndexedDocument& document, std::int64_t row) {
  const std::int64_t embedder = TRY(make_embedder_row());
  int position = 0;
  for (const IndexedChunk& chunk : document.chunks) {
    TRY(check_free(chunk.id));
    const std::int64_t vector = TRY(vector_row(embedder, chunk));
    Statement s = TRY(connection_.prepare(
        "INSERT INTO index_chunks(document,position,collection,id,vector) VALUES(?,?,?,?,?)"));
    TRY(s.bind(0, row)
            .bind(1, position++)
            .bind(2, options_.collection)
            .bind(3, chunk.id)
            .bind(4, vector)
            .run()
            .within(fmt::format("chunk {}", chunk.id)));
  }
  return {};
}

Result<void> Tables::check_free(std::string_view chunk_id) {
  Statement s = TRY(connection_.prepare(
      "SELECT d.id FROM index_chunks c JOIN index_documents d ON d.row=c.document "
      "WHERE c.collection=? AND c.id=? AND d.died IS NULL"));
  if (!TRY(s.bind(0, options_.collection).bind(1, chunk_id).step())) return {};
  return fail(Code::conflict, "chunk {} is in document {} already", chunk_id, s.text(0));
}

Result<void> Tables::retire(std::int64_t row) {
  Statement s = TRY(connection_.prepare(
      "UPDATE index_documents SET died=(SELECT version FROM index_collections WHERE "
      "collection=?1) WHERE row=?2"));
  TRY(s.bind(0, options_.collection).bind(1, row).run());
  Statement count = TRY(connection_.prepare("SELECT count(*) FROM index_chunks WHERE document=?"));
  TRY(count.bind(0, row).step());
  TRY(add_counts(-1, -count.integer(0)));
  return note_change(row);
}

Result<void> Tables::put(const IndexedDocument& document) {
  TRY(bump());
  if (const auto old = TRY(document_row(document.id))) TRY(retire(*old));
  const std::int64_t row = TRY(insert_document(document));
  TRY(insert_chunks(document, row));
  TRY(add_counts(1, static_cast<std::int64_t>(document.chunks.size())));
  return note_change(row);
}

Result<void> Tables::copy_row(std::int64_t from, const json::Object& attributes) {
  Statement s = TRY(connection_.prepare(
      "INSERT INTO index_documents(collection,id,attributes,words,born) SELECT collection,id,?2,"
      "words,(SELECT version FROM index_collections WHERE collection=d.collection) FROM "
      "index_documents d WHERE row=?1"));
  TRY(s.bind(0, from).bind(1, json::dump(attributes)).run());
  const std::int64_t row = connection_.last_insert_id();
  Statement chunks =
      TRY(connection_.prepare("INSERT INTO index_chunks(document,position,collection,id,vector) "
                              "SELECT ?2,position,collection,id,vector FROM index_chunks WHERE "
                              "document=?1"));
  TRY(chunks.bind(0, from).bind(1, row).run());
  TRY(add_counts(1, connection_.changes()));
  return note_change(row);
}

Result<void> Tables::set_attributes(std::string_view document_id, const json::Object& attributes) {
  const auto row = TRY(document_row(document_id));
  if (!row) return fail(Code::not_found, "document {} is not in the index", document_id);
  TRY(bump());
  TRY(retire(*row));
  return copy_row(*row, attributes);
}

Result<std::vector<SegmentRow>> Tables::segments() {
  Statement s =
      TRY(connection_.prepare("SELECT name,first_row,last_row,checksum FROM index_segments WHERE "
                              "collection=? ORDER BY first_row"));
  s.bind(0, options_.collection);
  std::vector<SegmentRow> rows;
  while (TRY(s.step()))
    rows.push_back({std::string(s.text(0)), s.integer(1), s.integer(2),
                    static_cast<std::uint32_t>(s.integer(3))});
  return rows;
}

Result<bool> Tables::replace_segments(const CollectionState& state,
                                      const std::vector<std::string>& out,
                                      const std::vector<SegmentRow>& in) {
  const CollectionState now = TRY(this->state());
  if (now.epoch != state.epoch || now.manifest != state.manifest) return false;
  for (const std::string& name : out) {
    Statement s =
        TRY(connection_.prepare("DELETE FROM index_segments WHERE collection=? AND name=?"));
    TRY(s.bind(0, options_.collection).bind(1, name).run());
  }
  for (const SegmentRow& row : in) {
    Statement s = TRY(connection_.prepare("INSERT INTO index_segments VALUES(?,?,?,?,?)"));
    TRY(s.bind(0, options_.collection)
            .bind(1, row.name)
            .bind(2, row.first_row)
            .bind(3, row.last_row)
            .bind(4, static_cast<std::int64_t>(row.checksum))
            .run());
  }
  Statement count = TRY(
      connection_.prepare("UPDATE index_collections SET manifest=manifest+1 WHERE collection=?"));
  TRY(count.bind(0, options_.collection).run());
  return true;
}

Result<void> Tables::remove(std::string_view document_id) {
  const auto row = TRY(document_row(document_id));
  if (!row) return {};
  TRY(bump());
  return retire(*row);
}

Result<Erased> Tables::erase(std::string_view document_id) {
  TRY(remove(document_id));
  Statement s = TRY(connection_.prepare(
      "SELECT row FROM index_documents WHERE collection=? AND died IS NOT NULL AND id=?"));
  s.bind(0, options_.collection).bind(1, document_id);
  std::vector<std::int64_t> rows;
  while (TRY(s.step())) rows.push_back(s.integer(0));
  Erased erased;
  for (const std::int64_t row : rows) {
    const Erased one = TRY(delete_row(connection_, row));
    erased.rows += one.rows;
    erased.chunks += one.chunks;
    erased.vectors += one.vectors;
  }
  if (rows.empty()) return erased;
  Statement count = TRY(
      connection_.prepare("UPDATE index_collections SET erasures=erasures+1 WHERE collection=?"));
  TRY(count.bind(0, options_.collection).run());
  return erased;
}

Result<std::vector<bool>> Tables::known_vectors(const std::vector<std::string>& text_hashes) {
  std::vector<bool> known(text_hashes.size());
  const auto embedder = TRY(embedder_row());
  if (!embedder) return known;
  Statement s =
      TRY(connection_.prepare("SELECT 1 FROM index_vectors WHERE embedder=? AND text_hash=?"));
  for (std::size_t i = 0; i < text_hashes.size(); ++i) {
    const std::string key = hash_key(text_hashes[i]);
    known[i] = TRY(s.bind(0, *embedder).bind_blob(1, key).step());
    s.reset();
  }
  return known;
}

}  // namespace slipway::index
