// The index_* tables: how a collection lies in SQLite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/detail/segment_build.hpp"
#include "index/index.hpp"

namespace slipway::index {

/// The row of a collection; version 0 when nothing was ever put.
struct CollectionState {
  std::int64_t version = 0;
  std::int64_t epoch = 0;
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::int64_t manifest = 0;
};

/// A segment file of the collection.
struct SegmentRow {
  std::string name;
  std::int64_t first_row = 0, last_row = 0;
  std::uint32_t checksum = 0;
};

/// The writing side, always inside the caller's transaction.
class Tables {
 public:
  Tables(store::Connection& connection, const Index::Options& options)
      : connection_(connection), options_(options) {}

  Result<CollectionState> state();
  /// Fails: conflict when the collection was made by another embedder or language.
  Result<void> check_settings();

  Result<void> put(const IndexedDocument& document);
  Result<void> set_attributes(std::string_view document_id, const json::Object& attributes);
  Result<void> remove(std::string_view document_id);
  Result<std::vector<bool>> known_vectors(const std::vector<std::string>& text_hashes);

  /// Ordered by row.
  Result<std::vector<SegmentRow>> segments();
  /// Takes files out of the manifest and puts others in, if nobody has done so since `state` was
  /// read. Gives whether it did.
  Result<bool> replace_segments(const CollectionState& state, const std::vector<std::string>& out,
                                const std::vector<SegmentRow>& in);

 private:
  Result<std::optional<std::int64_t>> embedder_row();
  Result<std::int64_t> make_embedder_row();
  Result<std::optional<std::int64_t>> document_row(std::string_view document_id);
  /// Makes the collection if it is new, and counts this transaction once.
  Result<void> bump();
  Result<void> note_change(std::int64_t document);
  Result<void> add_counts(std::int64_t documents, std::int64_t chunks);
  Result<std::int64_t> insert_document(const IndexedDocument& document);
  Result<void> insert_chunks(const IndexedDocument& document, std::int64_t row);
  Result<std::int64_t> vector_row(std::int64_t embedder, const IndexedChunk& chunk);
  /// Gives the rows of the vectors that its chunks referred to.
  Result<std::vector<std::int64_t>> delete_document(std::int64_t row);
  Result<void> drop_orphans(const std::vector<std::int64_t>& vectors);

  store::Connection& connection_;
  const Index::Options& options_;
};

struct Loaded {
  Snapshot snapshot;
  std::vector<std::string> damaged;  ///< Segment files that could not be used.
};
/// Brings `snapshot` to the state that `connection` sees; reads only what has changed if it can.
/// Files named in `distrusted` are not used.
Result<Loaded> load(const Context& context, store::Connection& connection,
                    const Index::Options& options, const Snapshot& snapshot,
                    const std::vector<std::string>& distrusted = {});

}  // namespace slipway::index
