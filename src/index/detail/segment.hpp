// Immutable pieces of a collection, in memory or in a mapped file, and the view of all of them that
// a search works on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "index/detail/codes.hpp"
#include "index/detail/columns.hpp"
#include "index/detail/fields.hpp"
#include "index/detail/kernels.hpp"
#include "index/detail/words.hpp"

namespace slipway::index {

/// Everything of a segment as flat arrays that somebody else owns. Texts are one string with the
/// start of each and the end of the last.
struct SegmentArrays {
  std::span<const std::int64_t> document_rows;  ///< Rising.
  std::span<const char> document_ids;
  std::span<const std::uint64_t> document_id_starts;
  std::span<const char> attributes;  ///< JSON objects.
  std::span<const std::uint64_t> attribute_starts;
  std::span<const std::uint32_t> first_chunks;  ///< Of each document, and one more.
  std::span<const std::uint32_t> chunk_documents;
  std::span<const char> chunk_ids;
  std::span<const std::uint64_t> chunk_id_starts;
  std::span<const std::uint32_t> lengths;    ///< Words of each chunk.
  std::span<const std::int64_t> vector_sum;  ///< See `fixed_point`.
  std::span<const float> centre;             ///< Empty when there are no codes.
  std::span<const std::uint8_t> codes;
  std::span<const char> words;  ///< Sorted.
  std::span<const std::uint32_t> word_starts;
  std::span<const std::uint64_t> posting_starts;  ///< Of each word, and one more.
  std::span<const std::uint32_t> posting_chunks;
  std::span<const Count> posting_counts;
  std::span<const std::uint64_t> position_starts;  ///< Of each word, and one more.
  std::span<const std::uint32_t> positions;        ///< Posting after posting, rising in each.
  std::span<const float> vectors;                  ///< Row after row, with their padding.

  /// All of them in the order of the file.
  static constexpr auto members() {
    using A = SegmentArrays;
    return std::tuple(&A::document_rows, &A::document_ids, &A::document_id_starts, &A::attributes,
                      &A::attribute_starts, &A::first_chunks, &A::chunk_documents, &A::chunk_ids,
                      &A::chunk_id_starts, &A::lengths, &A::vector_sum, &A::centre, &A::codes,
                      &A::words, &A::word_starts, &A::posting_starts, &A::posting_chunks,
                      &A::posting_counts, &A::position_starts, &A::positions, &A::vectors);
  }
};

/// Checks the vectors of a mapped file when they are first read, so that opening a large one does
/// not read all of it.
class VectorGuard {
 public:
  virtual ~VectorGuard() = default;
  /// Whether these bytes of the vectors are as they were written. Any thread.
  virtual bool is_sound(std::size_t first_byte, std::size_t bytes) const = 0;
};

/// Chunks of documents in the order of their rows, with everything that a search needs except
/// deletions. Never modified. What a row says never changes either: new attributes are a new row.
class Segment {
 public:
  /// `owner` keeps the memory of `arrays`; `guard` may be null.
  Segment(std::size_t dimension, const SegmentArrays& arrays, std::shared_ptr<const void> owner,
          std::unique_ptr<const VectorGuard> guard = nullptr, std::string file = {})
      : dimension_(dimension),
        arrays_(arrays),
        owner_(std::move(owner)),
        guard_(std::move(guard)),
        file_(std::move(file)) {}

  std::size_t dimension() const { return dimension_; }
  const SegmentArrays& arrays() const { return arrays_; }
  /// Name of the file that it is mapped from; empty in memory.
  const std::string& file() const { return file_; }
  std::size_t documents() const { return arrays_.document_rows.size(); }
  std::size_t chunks() const { return arrays_.lengths.size(); }
  std::int64_t document_row(std::size_t document) const { return arrays_.document_rows[document]; }
  std::string_view document_id(std::size_t document) const {
    return text(arrays_.document_ids, arrays_.document_id_starts, document);
  }
  std::string_view attributes(std::size_t document) const {
    return text(arrays_.attributes, arrays_.attribute_starts, document);
  }
  /// The number of the document with this row.
  std::optional<std::uint32_t> find_document(std::int64_t row) const;
  /// A document's chunks are first_chunk(d) .. first_chunk(d + 1).
  std::uint32_t first_chunk(std::size_t document) const { return arrays_.first_chunks[document]; }
  std::uint32_t document_of(std::uint32_t chunk) const { return arrays_.chunk_documents[chunk]; }
  std::string_view chunk_id(std::uint32_t chunk) const {
    return text(arrays_.chunk_ids, arrays_.chunk_id_starts, chunk);
  }
  std::uint32_t length(std::uint32_t chunk) const { return arrays_.lengths[chunk]; }

  Rows vectors() const { return {arrays_.vectors.data(), dimension_, chunks()}; }
  /// Whether these rows may be used. False once means that the segment is `is_damaged`.
  bool check_vectors(std::size_t first, std::size_t count) const;
  bool is_damaged() const { return damaged_.load(std::memory_order_relaxed); }
  bool has_codes() const { return !arrays_.codes.empty(); }
  const std::uint8_t* code_block(std::size_t block) const {
    return arrays_.codes.data() + block * code_block_bytes(dimension_);
  }

  std::size_t words() const { return arrays_.word_starts.size() - 1; }
  std::string_view word(std::uint32_t number) const {
    return text(arrays_.words, arrays_.word_starts, number);
  }
  /// Number of the first word that is not less than `word`.
  std::uint32_t lower_bound(std::string_view word) const;
  /// Dictionary::none when it is not there.
  std::uint32_t find_word(std::string_view word) const;
  /// Chunks with the word, rising, and how often each has it.
  std::span<const std::uint32_t> posting_chunks(std::uint32_t word) const {
    return part(arrays_.posting_chunks, arrays_.posting_starts, word);
  }
  std::span<const Count> posting_counts(std::uint32_t word) const {
    return part(arrays_.posting_counts, arrays_.posting_starts, word);
  }
  /// Where the word stands, for each of its chunks as many as its count says.
  std::span<const std::uint32_t> positions(std::uint32_t word) const {
    return part(arrays_.positions, arrays_.position_starts, word);
  }

  const Columns& columns() const { return columns_; }
  const Fields& fields() const { return fields_; }
  std::size_t bytes() const;

 private:
  template <typename Start>
  static std::string_view text(std::span<const char> bytes, std::span<const Start> starts,
                               std::size_t i) {
    return {bytes.data() + starts[i], static_cast<std::size_t>(starts[i + 1] - starts[i])};
  }
  template <typename T>
  static std::span<const T> part(std::span<const T> all, std::span<const std::uint64_t> starts,
                                 std::size_t i) {
    return all.subspan(starts[i], starts[i + 1] - starts[i]);
  }

  std::size_t dimension_;
  SegmentArrays arrays_;
  std::shared_ptr<const void> owner_;
  std::unique_ptr<const VectorGuard> guard_;
  std::string file_;
  mutable std::atomic<bool> damaged_ = false;
  Columns columns_{*this};
  Fields fields_{*this};
};

/// A coordinate as a whole number, so that sums of any order and grouping are equal.
inline std::int64_t fixed_point(float x) {
  return static_cast<std::int64_t>(static_cast<double>(x) * (1 << 30));
}
inline constexpr double fixed_point_one = 1 << 30;

/// A segment and which of its documents are gone.
struct SegmentView {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const std::vector<bool>> dead;  ///< By document; null when all live.
  std::size_t live_documents = 0;
  std::size_t live_chunks = 0;
  std::uint64_t live_length = 0;       ///< Sum of the lengths of live chunks.
  std::vector<std::int64_t> live_sum;  ///< Of the vectors of live chunks, in fixed point.

  bool is_dead(std::size_t document) const { return dead != nullptr && (*dead)[document]; }
};
SegmentView view_of(std::shared_ptr<const Segment> segment);
/// `view` without these documents as well. Fails: internal when their vectors are damaged.
Result<void> bury(SegmentView& view, std::span<const std::uint32_t> documents);

/// What one version of the collection looks like. Immutable.
struct Snapshot {
  std::int64_t version = 0;
  std::int64_t epoch = 0;     ///< Changes when a collection is dropped and made again.
  std::int64_t manifest = 0;  ///< Of the segment files that it was made from.
  std::vector<SegmentView> segments;

  std::size_t documents() const;
  std::size_t chunks() const;
  double average_length() const;
};

}  // namespace slipway::index
