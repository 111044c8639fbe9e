// The index_* tables: how a collection lies in SQLite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/index.hpp"

namespace slipway::index {

/// The row of a collection; version 0 when nothing was ever put.
struct CollectionState {
  std::int64_t version = 0;
  std::int64_t epoch = 0;
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::int64_t manifest = 0;
  std::int64_t oldest = 0;    ///< All versions since it are whole.
  std::int64_t erasures = 0;  ///< Deletions from versions of the past.
};

/// How many versions back the changes are known, to follow by difference; longer histories than a
/// process sleeps through are not worth their rows.
inline constexpr std::int64_t changes_kept = 1000;

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
  Result<Erased> erase(std::string_view document_id);
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
  /// Fails: conflict when a living document has a chunk of this id.
  Result<void> check_free(std::string_view chunk_id);
  Result<std::int64_t> vector_row(std::int64_t embedder, const IndexedChunk& chunk);
  /// The living row is of the past from this version on.
  Result<void> retire(std::int64_t row);
  Result<void> copy_row(std::int64_t from, const json::Object& attributes);

  store::Connection& connection_;
  const Index::Options& options_;
};

/// Deletes a document's row and chunks, and the vectors that nothing refers to any more.
Result<Erased> delete_row(store::Connection& connection, std::int64_t row);

}  // namespace slipway::index
