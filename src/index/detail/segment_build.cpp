#include "index/detail/segment_build.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace slipway::index {

namespace {

// Below, the exact scan is as fast as the codes.
constexpr std::size_t codes_from_chunks = 1024;
constexpr std::uint32_t gone = 0xFFFF'FFFF;

/// Codes are made last, when the centre is known.
std::shared_ptr<const Segment> seal(std::shared_ptr<SegmentData> data) {
  data->vectors.shrink();
  const Rows rows = data->vectors.view();
  if (rows.count >= codes_from_chunks) {
    data->centre = centre_of(rows);
    data->codes.resize((rows.count + code_block_rows - 1) / code_block_rows *
                       code_block_bytes(rows.dimension));
    encode_rows(rows, data->centre, data->codes.data());
  }
  const SegmentArrays arrays = data->arrays();
  return std::make_shared<const Segment>(rows.dimension, arrays, std::move(data));
}

/// Numbers of words in the order of the alphabet: `order[i]` is the i-th word.
template <typename WordOf>
std::vector<std::uint32_t> alphabetical(std::size_t count, const WordOf& word_of) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return word_of(a) < word_of(b); });
  return order;
}

}  // namespace

void SegmentData::add_document(std::int64_t row, std::string_view id, std::string_view json) {
  SLIPWAY_ASSERT(document_rows.empty() || row > document_rows.back());
  document_rows.push_back(row);
  document_ids += id;
  document_id_starts.push_back(document_ids.size());
  attributes += json;
  attribute_starts.push_back(attributes.size());
  first_chunks.push_back(static_cast<std::uint32_t>(chunks()));
}

void SegmentData::add_chunk(std::string_view id, std::string_view vector, std::uint32_t length) {
  chunk_documents.push_back(static_cast<std::uint32_t>(document_rows.size() - 1));
  chunk_ids += id;
  chunk_id_starts.push_back(chunk_ids.size());
  lengths.push_back(length);
  vectors.add(vector);
  const float* row = vectors.row(vectors.rows() - 1);
  for (std::size_t i = 0; i < vector_sum.size(); ++i) vector_sum[i] += fixed_point(row[i]);
  first_chunks.back() = static_cast<std::uint32_t>(chunks());
}

SegmentArrays SegmentData::arrays() const {
  SegmentArrays a;
  a.document_rows = document_rows;
  a.document_ids = document_ids;
  a.document_id_starts = document_id_starts;
  a.attributes = attributes;
  a.attribute_starts = attribute_starts;
  a.first_chunks = first_chunks;
  a.chunk_documents = chunk_documents;
  a.chunk_ids = chunk_ids;
  a.chunk_id_starts = chunk_id_starts;
  a.lengths = lengths;
  a.vector_sum = vector_sum;
  a.centre = centre;
  a.codes = codes;
  a.words = words;
  a.word_starts = word_starts;
  a.posting_starts = posting_starts;
  a.posting_chunks = posting_chunks;
  a.posting_counts = posting_counts;
  a.position_starts = position_starts;
  a.positions = positions;
  a.vectors = {vectors.row(0), vectors.rows() * vectors.stride()};
  return a;
}

SegmentBuilder::SegmentBuilder(std::size_t dimension)
    : data_(std::make_shared<SegmentData>(dimension)) {}

void SegmentBuilder::begin_document(LoadedDocument document) {
  data_->add_document(document.row, document.id, document.attributes);
  words_ = std::move(document.words);
  chunk_ = 0;
  numbers_.clear();
  dictionary_.find_or_add(words_.words, numbers_);
}

Result<void> SegmentBuilder::add_chunk(std::string_view id, std::string_view vector) {
  if (chunk_ >= words_.chunks.size())
    return fail(Code::invalid_argument, "chunk {} has no stored words; run slipway doctor", id);
  const std::size_t bytes = data_->vectors.dimension() * sizeof(float);
  if (vector.size() != bytes)
    return fail(Code::invalid_argument,
                "the vector of chunk {} has {} bytes instead of {}; run slipway doctor", id,
                vector.size(), bytes);
  const ChunkWords& chunk = words_.chunks[chunk_++];
  data_->add_chunk(id, vector, chunk.length);
  for (const auto& [number, count] : chunk.counts)
    occurrences_.push_back({numbers_[number], count});
  occurrence_starts_.push_back(occurrences_.size());
  positions_.insert(positions_.end(), chunk.positions.begin(), chunk.positions.end());
  return {};
}

Result<void> SegmentBuilder::end_document() {
  if (chunk_ == words_.chunks.size()) return {};
  return fail(Code::invalid_argument,
              "the last document has {} chunks but words for {}; run slipway doctor", chunk_,
              words_.chunks.size());
}

/// From "words of each chunk" to "chunks of each word": a counting sort by word.
std::shared_ptr<const Segment> SegmentBuilder::finish() {
  SegmentData& data = *data_;
  const auto order = alphabetical(dictionary_.size(),
                                  [&](std::uint32_t number) { return dictionary_.word(number); });
  std::vector<std::uint32_t> rank(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    data.words += dictionary_.word(order[i]);
    data.word_starts.push_back(static_cast<std::uint32_t>(data.words.size()));
  }
  data.posting_starts.assign(order.size() + 1, 0);
  data.position_starts.assign(order.size() + 1, 0);
  for (const Occurrence& o : occurrences_) {
    ++data.posting_starts[rank[o.word] + 1];
    data.position_starts[rank[o.word] + 1] += o.count;
  }
  const auto sum_up = [](std::vector<std::uint64_t>& starts) {
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
  };
  sum_up(data.posting_starts);
  sum_up(data.position_starts);
  data.posting_chunks.resize(occurrences_.size());
  data.posting_counts.resize(occurrences_.size());
  data.positions.resize(positions_.size());
  std::vector<std::uint64_t> next(data.posting_starts), next_position(data.position_starts);
  const std::uint32_t* position = positions_.data();
  for (std::uint32_t chunk = 0; chunk < data.chunks(); ++chunk)
    for (std::uint64_t i = occurrence_starts_[chunk]; i < occurrence_starts_[chunk + 1]; ++i) {
      const Occurrence& o = occurrences_[i];
      const std::uint64_t at = next[rank[o.word]]++;
      data.posting_chunks[at] = chunk;
      data.posting_counts[at] = o.count;
      std::copy_n(position, o.count, data.positions.data() + next_position[rank[o.word]]);
      next_position[rank[o.word]] += o.count;
      position += o.count;
    }
  return seal(std::move(data_));
}

namespace {

/// Merges postings word by word: neighbours hold rising rows, so lists only need renumbering.
class Merger {
 public:
  explicit Merger(std::span<const SegmentView> views)
      : views_(views),
        data_(std::make_shared<SegmentData>(views.front().segment->dimension())),
        next_words_(views.size(), 0) {}

  Result<std::shared_ptr<const Segment>> run() {
    std::size_t chunks = 0;
    for (const SegmentView& view : views_) chunks += view.live_chunks;
    data_->vectors.reserve(chunks);
    for (const SegmentView& view : views_) TRY(copy_documents(view));
    while (auto word = next_word()) copy_word(*word);
    return seal(std::move(data_));
  }

 private:
  Result<void> copy_documents(const SegmentView& view) {
    const Segment& from = *view.segment;
    if (!from.check_vectors(0, from.chunks()))
      return fail(Code::internal, "segment {} is damaged", from.file());
    std::vector<std::uint32_t> places(from.chunks(), gone);
    for (std::size_t d = 0; d < from.documents(); ++d) {
      if (view.is_dead(d)) continue;
      data_->add_document(from.document_row(d), from.document_id(d), from.attributes(d));
      for (std::uint32_t c = from.first_chunk(d); c < from.first_chunk(d + 1); ++c) {
        places[c] = static_cast<std::uint32_t>(data_->chunks());
        data_->add_chunk(from.chunk_id(c), bytes_of({from.vectors().row(c), from.dimension()}),
                         from.length(c));
      }
    }
    places_.push_back(std::move(places));
    return {};
  }

  /// The least word that has not been copied yet. It is a view into one of the segments.
  std::optional<std::string_view> next_word() const {
    std::optional<std::string_view> least;
    for (std::size_t s = 0; s < views_.size(); ++s) {
      if (next_words_[s] == views_[s].segment->words()) continue;
      const std::string_view word = views_[s].segment->word(next_words_[s]);
      if (!least || word < *least) least = word;
    }
    return least;
  }

  /// A word that only dead chunks had is left out: nothing of a deleted document stays.
  void copy_word(std::string_view word) {
    const std::size_t postings = data_->posting_chunks.size();
    for (std::size_t s = 0; s < views_.size(); ++s) {
      const Segment& from = *views_[s].segment;
      std::uint32_t& next = next_words_[s];
      if (next < from.words() && from.word(next) == word) copy_postings(s, next++);
    }
    if (data_->posting_chunks.size() == postings) return;
    data_->words += word;
    data_->word_starts.push_back(static_cast<std::uint32_t>(data_->words.size()));
    data_->posting_starts.push_back(data_->posting_chunks.size());
    data_->position_starts.push_back(data_->positions.size());
  }

  void copy_postings(std::size_t s, std::uint32_t word) {
    const Segment& from = *views_[s].segment;
    const auto chunks = from.posting_chunks(word);
    const auto counts = from.posting_counts(word);
    const std::uint32_t* positions = from.positions(word).data();
    for (std::size_t i = 0; i < chunks.size(); positions += counts[i++]) {
      if (places_[s][chunks[i]] == gone) continue;
      data_->posting_chunks.push_back(places_[s][chunks[i]]);
      data_->posting_counts.push_back(counts[i]);
      data_->positions.insert(data_->positions.end(), positions, positions + counts[i]);
    }
  }

  std::span<const SegmentView> views_;
  std::shared_ptr<SegmentData> data_;
  std::vector<std::vector<std::uint32_t>> places_;  ///< By segment and old chunk: new chunk.
  std::vector<std::uint32_t> next_words_;           ///< By segment.
};

}  // namespace

Result<std::shared_ptr<const Segment>> merge(std::span<const SegmentView> views) {
  return Merger(views).run();
}

Result<void> tidy(std::vector<SegmentView>& segments) {
  const auto is_mapped = [](const SegmentView& view) { return !view.segment->file().empty(); };
  // As in a binary counter: the tail is merged while its neighbour is at most twice as large.
  std::size_t first = segments.size();
  for (std::size_t tail = 0; first > 0 && !is_mapped(segments[first - 1]); --first) {
    const std::size_t size = segments[first - 1].live_chunks;
    if (first < segments.size() && size > 2 * tail) break;
    tail += size;
  }
  if (segments.size() - first > 1) {
    SegmentView merged = view_of(TRY(merge(std::span(segments).subspan(first))));
    segments.resize(first);
    segments.push_back(std::move(merged));
  }
  for (SegmentView& view : segments)
    if (!is_mapped(view) && view.live_documents > 0 &&
        view.live_documents * 2 < view.segment->documents())
      view = view_of(TRY(merge(std::span(&view, 1))));
  std::erase_if(segments, [&](const SegmentView& view) {
    return view.live_documents == 0 && !is_mapped(view);
  });
  return {};
}

}  // namespace slipway::index
