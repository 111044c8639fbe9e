// Snapshots are read from segment files and from the database, or brought up to date by difference.
#include "index/detail/loading.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/log.hpp"
#include "index/detail/segment_file.hpp"
#include "index/detail/tables.hpp"

namespace slipway::index {

using store::Statement;

namespace {

constexpr std::int64_t row_max = std::numeric_limits<std::int64_t>::max();

Result<std::vector<std::int64_t>> all_integers(Statement& select) {
  std::vector<std::int64_t> integers;
  while (TRY(select.step())) integers.push_back(select.integer(0));
  return integers;
}

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
      Statement document = TRY(connection_.prepare(
          "SELECT row,id,attributes,words FROM index_documents WHERE row=? AND died IS NULL"));
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

  /// `present` as `version` saw it.
  Result<std::vector<SegmentView>> past(const Snapshot& present, std::int64_t version) {
    std::vector<std::int64_t> rows = TRY(rows_of(version));
    std::vector<SegmentView> views;
    std::set<std::int64_t> found;
    for (const SegmentView& now : present.segments) {
      const Segment& segment = *now.segment;
      SegmentView view = view_of(now.segment);
      std::vector<std::uint32_t> unseen;
      for (std::uint32_t d = 0; d < segment.documents(); ++d) {
        const std::int64_t row = segment.document_row(d);
        if (std::binary_search(rows.begin(), rows.end(), row) && found.insert(row).second) continue;
        unseen.push_back(d);
      }
      if (unseen.size() == segment.documents()) continue;
      TRY(bury(view, unseen));
      views.push_back(std::move(view));
    }
    std::erase_if(rows, [&](std::int64_t row) { return found.contains(row); });
    TRY(read_rows(rows, views));
    return views;
  }

  std::vector<std::string> damaged;

 private:
  Result<std::vector<std::int64_t>> rows_of(std::int64_t version) {
    Statement s = TRY(connection_.prepare(
        "SELECT row FROM index_documents WHERE collection=?1 AND born<=?2 AND (died IS NULL OR "
        "died>?2) ORDER BY row"));
    return all_integers(s.bind(0, options_.collection).bind(1, version));
  }

  Result<void> read_rows(const std::vector<std::int64_t>& rows, std::vector<SegmentView>& views) {
    SegmentBuilder builder(options_.dimension);
    for (const std::int64_t row : rows) {
      Statement document = TRY(
          connection_.prepare("SELECT row,id,attributes,words FROM index_documents WHERE row=?"));
      if (TRY(document.bind(0, row).step())) TRY(add(builder, document));
    }
    if (builder.documents() > 0) views.push_back(view_of(builder.finish()));
    return {};
  }

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
        "SELECT row FROM index_documents WHERE collection=? AND row BETWEEN ? AND ? AND died IS "
        "NULL ORDER BY row"));
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
                                "collection=? AND row>? AND row<? AND died IS NULL ORDER BY row"));
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
    return all_integers(s.bind(0, options_.collection).bind(1, since));
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

Result<Snapshot> load_version(const Context& context, store::Connection& connection,
                              const Index::Options& options, const Snapshot& present,
                              std::int64_t version) {
  Snapshot snapshot{version, present.epoch, present.manifest, {}};
  Loader loader(context, connection, options, {});
  snapshot.segments = TRY(loader.past(present, version));
  return snapshot;
}

}  // namespace slipway::index
