// Immutable pieces of a collection in memory, and the view of all of them that a search works on.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "index/detail/kernels.hpp"
#include "index/detail/words.hpp"

namespace slipway::index {

/// A document's attributes as text, parsed when the first filter asks.
class Attributes {
 public:
  explicit Attributes(std::string text) : text_(std::move(text)) {}
  /// Null when the text is damaged.
  const json::Object* object() const;
  std::size_t bytes() const { return sizeof *this + text_.capacity(); }

 private:
  const std::string text_;
  mutable std::once_flag once_;
  mutable std::optional<json::Object> object_;
};
using AttributesPointer = std::shared_ptr<const Attributes>;

/// One document as the loader reads it.
struct LoadedDocument {
  std::int64_t row = 0;
  std::string id;
  AttributesPointer attributes;
  DocumentWords words;
};

/// Chunks of documents in the order of their rows, with everything that a search needs except
/// attributes and deletions, which change. Never modified once built.
class Segment {
 public:
  explicit Segment(std::size_t dimension) : vectors_(dimension) {}

  std::size_t documents() const { return document_rows_.size(); }
  std::size_t chunks() const { return lengths_.size(); }
  std::int64_t document_row(std::size_t document) const { return document_rows_[document]; }
  const std::string& document_id(std::size_t document) const { return document_ids_[document]; }
  /// The number of the document with this row.
  std::optional<std::uint32_t> find_document(std::int64_t row) const;
  /// A document's chunks are first_chunk(d) .. first_chunk(d + 1).
  std::uint32_t first_chunk(std::size_t document) const { return first_chunks_[document]; }
  std::uint32_t document_of(std::uint32_t chunk) const { return chunk_documents_[chunk]; }
  std::string_view chunk_id(std::uint32_t chunk) const {
    return std::string_view(chunk_ids_)
        .substr(chunk_id_starts_[chunk], chunk_id_starts_[chunk + 1] - chunk_id_starts_[chunk]);
  }
  const Matrix& vectors() const { return vectors_; }
  std::uint32_t length(std::uint32_t chunk) const { return lengths_[chunk]; }
  const std::vector<std::uint32_t>& lengths() const { return lengths_; }

  const Dictionary& dictionary() const { return dictionary_; }
  /// Chunks with the word, rising, and how often each has it.
  std::span<const std::uint32_t> posting_chunks(std::uint32_t word) const {
    return {posting_chunks_.data() + posting_starts_[word],
            posting_starts_[word + 1] - posting_starts_[word]};
  }
  std::span<const Count> posting_counts(std::uint32_t word) const {
    return {posting_counts_.data() + posting_starts_[word],
            posting_starts_[word + 1] - posting_starts_[word]};
  }
  std::size_t bytes() const;

 private:
  friend class SegmentBuilder;
  friend class SegmentMerger;
  void add_document(std::int64_t row, std::string id);
  void add_chunk(std::string_view id, std::string_view vector, std::uint32_t length);

  std::vector<std::int64_t> document_rows_;
  std::vector<std::string> document_ids_;
  std::vector<std::uint32_t> first_chunks_{0};
  std::vector<std::uint32_t> chunk_documents_;
  std::string chunk_ids_;
  std::vector<std::uint64_t> chunk_id_starts_{0};
  std::vector<std::uint32_t> lengths_;
  Matrix vectors_;
  Dictionary dictionary_;
  std::vector<std::uint64_t> posting_starts_{0};
  std::vector<std::uint32_t> posting_chunks_;
  std::vector<Count> posting_counts_;
};

/// Collects documents in rising order of their rows.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(std::size_t dimension);
  void reserve(std::size_t documents, std::size_t chunks);
  /// `begin_document`, then once per chunk `add_chunk`. Fails: invalid_argument when the stored
  /// words are not those of the chunks.
  void begin_document(LoadedDocument document);
  /// `vector` are floats as bytes.
  Result<void> add_chunk(std::string_view id, std::string_view vector);
  Result<void> end_document();
  std::size_t documents() const { return segment_->documents(); }

  struct Built {
    std::shared_ptr<const Segment> segment;
    std::vector<AttributesPointer> attributes;
  };
  Built finish();

 private:
  std::shared_ptr<Segment> segment_;
  std::vector<AttributesPointer> attributes_;
  DocumentWords words_;                 ///< Of the document at hand.
  std::vector<std::uint32_t> numbers_;  ///< Its words' numbers in the dictionary.
  std::size_t chunk_ = 0;               ///< Next chunk of it.
  // Postings by chunk, to be turned round by `finish`.
  std::vector<std::uint32_t> flat_words_;
  std::vector<Count> flat_counts_;
  std::vector<std::uint64_t> flat_starts_{0};
};

/// A segment and what has happened to it since.
struct SegmentView {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const std::vector<bool>> dead;  ///< By document; null when all live.
  std::shared_ptr<const std::vector<AttributesPointer>> attributes;  ///< By document.
  std::size_t live_documents = 0;
  std::size_t live_chunks = 0;
  std::uint64_t live_length = 0;  ///< Sum of the lengths of live chunks.

  bool is_dead(std::size_t document) const { return dead != nullptr && (*dead)[document]; }
};
SegmentView view_of(SegmentBuilder::Built built);

/// The live documents of neighbouring segments as one.
SegmentView merge(std::span<const SegmentView> views, std::size_t dimension);

/// What one version of the collection looks like. Immutable.
struct Snapshot {
  std::int64_t version = 0;
  std::int64_t epoch = 0;  ///< Changes when a collection is dropped and made again.
  std::vector<SegmentView> segments;

  std::size_t documents() const;
  std::size_t chunks() const;
  double average_length() const;
};

/// Merges small neighbours and rewrites what is mostly dead, so that there are O(log n) segments
/// and each chunk is copied O(log n) times in its life.
void tidy(std::vector<SegmentView>& segments, std::size_t dimension);

}  // namespace slipway::index
