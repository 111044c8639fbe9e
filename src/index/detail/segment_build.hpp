// Segments are built from documents and merged from other segments.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "index/detail/segment.hpp"

namespace slipway::index {

/// The arrays of a segment in memory that is their own.
struct SegmentData {
  explicit SegmentData(std::size_t dimension) : vectors(dimension), vector_sum(dimension) {}

  void add_document(std::int64_t row, std::string_view id, std::string_view attributes);
  void add_chunk(std::string_view id, std::string_view vector, std::uint32_t length);
  std::size_t chunks() const { return lengths.size(); }
  SegmentArrays arrays() const;

  Matrix vectors;
  std::vector<std::int64_t> document_rows;
  std::string document_ids, attributes, chunk_ids, words;
  std::vector<std::uint64_t> document_id_starts{0}, attribute_starts{0}, chunk_id_starts{0};
  std::vector<std::uint32_t> first_chunks{0};
  std::vector<std::uint32_t> chunk_documents, lengths;
  std::vector<std::int64_t> vector_sum;
  std::vector<float> centre;
  std::vector<std::uint8_t> codes;
  std::vector<std::uint32_t> word_starts{0};
  std::vector<std::uint64_t> posting_starts{0}, position_starts{0};
  std::vector<std::uint32_t> posting_chunks, positions;
  std::vector<Count> posting_counts;
};

/// One document as it is read from the database.
struct LoadedDocument {
  std::int64_t row = 0;
  std::string id;
  std::string attributes;
  DocumentWords words;
};

/// Collects documents in rising order of their rows.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(std::size_t dimension);
  /// `begin_document`, then once per chunk `add_chunk`, then `end_document`. Fails:
  /// invalid_argument when the stored words are not those of the chunks.
  void begin_document(LoadedDocument document);
  /// `vector` are floats as bytes.
  Result<void> add_chunk(std::string_view id, std::string_view vector);
  Result<void> end_document();
  std::size_t documents() const { return data_->document_rows.size(); }
  std::shared_ptr<const Segment> finish();

 private:
  struct Occurrence {
    std::uint32_t word = 0;
    Count count = 0;
  };

  std::shared_ptr<SegmentData> data_;
  Dictionary dictionary_;
  DocumentWords words_;                 ///< Of the document at hand.
  std::vector<std::uint32_t> numbers_;  ///< Its words' numbers in the dictionary.
  std::size_t chunk_ = 0;               ///< Next chunk of it.
  // Postings by chunk, to be turned round by `finish`.
  std::vector<Occurrence> occurrences_;
  std::vector<std::uint64_t> occurrence_starts_{0};
  std::vector<std::uint32_t> positions_;
};

/// The live documents of neighbouring segments as one. Fails: internal when vectors of one are
/// damaged (see Segment::is_damaged).
Result<std::shared_ptr<const Segment>> merge(std::span<const SegmentView> views);

/// Merges small neighbours in memory and rewrites what is mostly dead there, so that there are
/// O(log n) segments and each chunk is copied O(log n) times before it is written to a file.
Result<void> tidy(std::vector<SegmentView>& segments);

}  // namespace slipway::index
