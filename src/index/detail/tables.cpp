#include "index/detail/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/log.hpp"
#include "index/detail/segment_file.hpp"

namespace slipway::index {

namespace {

using store::Statement;

// Longer histories than a process sleeps through are not worth their rows.
constexpr std::int64_t changes_kept = 1000;
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
      "SELECT version,epoch,documents,chunks,manifest FROM index_collections WHERE collection=?"));
  if (!TRY(s.bind(0, options_.collection).step())) return CollectionState{};
  return CollectionState{s.integer(0), s.integer(1), s.integer(2), s.integer(3), s.integer(4)};
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
  Statement s =
      TRY(connection_.prepare("SELECT row FROM index_documents WHERE collection=? AND id=?"));
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
      "INSERT INTO index_documents(collection,id,attributes,words) VALUES(?,?,?,?)"));
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

Result<std::vector<std::int64_t>> Tables::delete_document(std::int64_t row) {
  std::vector<std::int64_t> vectors;
  Statement find = TRY(connection_.prepare("SELECT vector FROM index_chunks WHERE document=?"));
  find.bind(0, row);
  while (TRY(find.step())) vectors.push_back(find.integer(0));
  for (const std::string_view sql :
       {"DELETE FROM index_chunks WHERE document=?", "DELETE FROM index_documents WHERE row=?"}) {
    Statement s = TRY(connection_.prepare(sql));
    TRY(s.bind(0, row).run());
  }
  TRY(add_counts(-1, -static_cast<std::int64_t>(vectors.size())));
  TRY(note_change(row));
  return vectors;
}

Result<void> Tables::drop_orphans(const std::vector<std::int64_t>& vectors) {
  for (const std::int64_t vector : vectors) {
    Statement s =
        TRY(connection_.prepare("DELETE FROM index_vectors WHERE row=?1 AND NOT EXISTS "
                                "(SELECT 1 FROM index_chunks WHERE vector=?1)"));
    TRY(s.bind(0, vector).run());
  }
  return {};
}

Result<void> Tables::put(const IndexedDocument& document) {
  TRY(bump());
  std::vector<std::int64_t> old_vectors;
  if (const auto old = TRY(document_row(document.id))) old_vectors = TRY(delete_document(*old));
  const std::int64_t row = TRY(insert_document(document));
  TRY(insert_chunks(document, row));
  TRY(add_counts(1, static_cast<std::int64_t>(document.chunks.size())));
  TRY(note_change(row));
  // Only now: what stays the same in the new document keeps its vector.
  return drop_orphans(old_vectors);
}

Result<void> Tables::set_attributes(std::string_view document_id, const json::Object& attributes) {
  const auto row = TRY(document_row(document_id));
  if (!row) return fail(Code::not_found, "document {} is not in the index", document_id);
  TRY(bump());
  Statement last = TRY(connection_.prepare(
      "UPDATE sqlite_sequence SET seq=seq+1 WHERE name='index_documents' RETURNING seq"));
  if (!TRY(last.step())) return fail(Code::internal, "index_documents has no sequence");
  const std::int64_t next = last.integer(0);
  TRY(last.run());
  Statement s =
      TRY(connection_.prepare("UPDATE index_documents SET row=?1,attributes=?2 WHERE row=?3"));
  TRY(s.bind(0, next).bind(1, json::dump(attributes)).bind(2, *row).run());
  Statement chunks =
      TRY(connection_.prepare("UPDATE index_chunks SET document=? WHERE document=?"));
  TRY(chunks.bind(0, next).bind(1, *row).run());
  TRY(note_change(*row));
  return note_change(next);
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
  return drop_orphans(TRY(delete_document(*row)));
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

namespace {

constexpr std::int64_t row_max = std::numeric_limits<std::int64_t>::max();

/// Reads documents into segments inside one read transaction.
class Loader {
 public:
  Loader(const Context& context, store::Connection& connection, const Index::Options& options,
         const std::vector<std::string>& distrusted)
      : context_(context), connection_(connection), options_(options), distrusted_(distrusted) {}

  /// Files where there are good ones, the database between them and after the last.
  Result<std::vector<SegmentView>> all() {
    std::vector<SegmentView> views;
    std::int64_t covered = 0;  // Rows up to here are in `views`.
    if (!options_.folder.empty())
      for (const SegmentRow& row : TRY(Tables(connection_, options_).segments())) {
        auto view = TRY(open(row));
        if (!view || row.first_row <= covered) continue;
        TRY(read_between(covered, row.first_row, views));
        views.push_back(std::move(*view));
        covered = row.last_row;
      }
    TRY(read_between(covered, row_max, views));
    return views;
  }

  /// Applies what the versions after `since` did to `views`.
  Result<void> changes(std::int64_t since, std::vector<SegmentView>& views) {
    SegmentBuilder builder(options_.dimension);
    std::map<SegmentView*, std::vector<std::uint32_t>> dead;
    for (const std::int64_t row : TRY(changed_rows(since))) {
      Statement document = TRY(
          connection_.prepare("SELECT row,id,attributes,words FROM index_documents WHERE row=?"));
      const bool is_there = TRY(document.bind(0, row).step());
      const auto view = std::find_if(views.begin(), views.end(), [&](const SegmentView& v) {
        return v.segment->find_document(row).has_value();
      });
      if (view == views.end()) {
        if (is_there) TRY(add(builder, document));
      } else if (!is_there) {
        dead[&*view].push_back(*view->segment->find_document(row));
      }
    }
    for (const auto& [view, documents] : dead) TRY(bury(*view, documents));
    if (builder.documents() > 0) views.push_back(view_of(builder.finish()));
    return {};
  }

  std::vector<std::string> damaged;

 private:
  /// Nothing when the file cannot be used.
  Result<std::optional<SegmentView>> open(const SegmentRow& row) {
    std::optional<SegmentView> view;
    if (std::find(distrusted_.begin(), distrusted_.end(), row.name) != distrusted_.end())
      return view;
    auto segment = open_segment(options_.folder / row.name, options_.dimension, row.checksum);
    if (!segment) {
      log::warning("{}; it is served from the database until it has been made again",
                   segment.error().message());
      damaged.push_back(row.name);
      return view;
    }
    view = view_of(std::move(*segment));
    const auto gone = TRY(missing_documents(*view->segment, row));
    if (!gone || !bury(*view, *gone)) {
      damaged.push_back(row.name);
      view.reset();
    }
    return view;
  }

  /// Documents of the segment that are not in the database any more; nothing when the database has
  /// some that the segment should have and has not.
  Result<std::optional<std::vector<std::uint32_t>>> missing_documents(const Segment& segment,
                                                                      const SegmentRow& row) {
    Statement s = TRY(connection_.prepare(
        "SELECT row FROM index_documents WHERE collection=? AND row BETWEEN ? AND ? ORDER BY row"));
    s.bind(0, options_.collection).bind(1, row.first_row).bind(2, row.last_row);
    std::optional<std::vector<std::uint32_t>> missing(std::in_place);
    std::uint32_t document = 0;
    while (TRY(s.step())) {
      const std::int64_t live = s.integer(0);
      for (; document < segment.documents() && segment.document_row(document) < live; ++document)
        missing->push_back(document);
      if (document == segment.documents() || segment.document_row(document++) != live) {
        missing.reset();
        return missing;
      }
    }
    for (; document < segment.documents(); ++document) missing->push_back(document);
    return missing;
  }

  /// Rows after `after` and before `before` become a segment in memory.
  Result<void> read_between(std::int64_t after, std::int64_t before,
                            std::vector<SegmentView>& views) {
    Statement documents =
        TRY(connection_.prepare("SELECT row,id,attributes,words FROM index_documents WHERE "
                                "collection=? AND row>? AND row<? ORDER BY row"));
    documents.bind(0, options_.collection).bind(1, after).bind(2, before);
    SegmentBuilder builder(options_.dimension);
    while (TRY(documents.step())) TRY(add(builder, documents));
    if (builder.documents() > 0) views.push_back(view_of(builder.finish()));
    return {};
  }

  Result<void> add(SegmentBuilder& builder, Statement& document) {
    if (builder.documents() % 256 == 0) TRY(context_.check());
    LoadedDocument loaded;
    loaded.row = document.integer(0);
    loaded.id = std::string(document.text(1));
    loaded.attributes = std::string(document.text(2));
    loaded.words = TRY(decode_words(document.blob(3)).within("document " + loaded.id));
    builder.begin_document(std::move(loaded));
    Statement chunks = TRY(connection_.prepare(
        "SELECT c.id,v.vector FROM index_chunks c JOIN index_vectors v ON v.row=c.vector "
        "WHERE c.document=? ORDER BY c.position"));
    chunks.bind(0, document.integer(0));
    while (TRY(chunks.step())) TRY(builder.add_chunk(chunks.text(0), chunks.blob(1)));
    return builder.end_document();
  }

  Result<std::vector<std::int64_t>> changed_rows(std::int64_t since) {
    Statement s = TRY(connection_.prepare(
        "SELECT DISTINCT document FROM index_changes WHERE collection=? AND version>? "
        "ORDER BY document"));
    s.bind(0, options_.collection).bind(1, since);
    std::vector<std::int64_t> rows;
    while (TRY(s.step())) rows.push_back(s.integer(0));
    return rows;
  }

  const Context& context_;
  store::Connection& connection_;
  const Index::Options& options_;
  const std::vector<std::string>& distrusted_;
};

}  // namespace

Result<Loaded> load(const Context& context, store::Connection& connection,
                    const Index::Options& options, const Snapshot& snapshot,
                    const std::vector<std::string>& distrusted) {
  const CollectionState state = TRY(Tables(connection, options).state());
  Loaded loaded;
  loaded.snapshot = {state.version, state.epoch, state.manifest, {}};
  if (state.version == 0) return loaded;
  TRY(Tables(connection, options).check_settings());
  Loader loader(context, connection, options, distrusted);
  const bool is_follower = snapshot.epoch == state.epoch && snapshot.manifest == state.manifest &&
                           snapshot.version <= state.version &&
                           snapshot.version + changes_kept >= state.version;
  std::vector<SegmentView>& segments = loaded.snapshot.segments;
  if (is_follower) {
    segments = snapshot.segments;
    TRY(loader.changes(snapshot.version, segments));
    TRY(tidy(segments));
  } else {
    segments = TRY(loader.all());
  }
  loaded.damaged = std::move(loader.damaged);
  return loaded;
}

}  // namespace slipway::index
