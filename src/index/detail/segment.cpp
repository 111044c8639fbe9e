#include "index/detail/segment.hpp"

#include <algorithm>
#include <numeric>

namespace slipway::index {

namespace {
constexpr std::size_t words_reserved = 128;  // Distinct words of a chunk; most have fewer.
}

const json::Object* Attributes::object() const {
  std::call_once(once_, [&] {
    auto parsed = json::parse(text_);
    if (parsed && parsed->is_object()) object_ = std::move(parsed->get_object());
  });
  return object_ ? &*object_ : nullptr;
}

std::optional<std::uint32_t> Segment::find_document(std::int64_t row) const {
  const auto found = std::lower_bound(document_rows_.begin(), document_rows_.end(), row);
  if (found == document_rows_.end() || *found != row) return std::nullopt;
  return static_cast<std::uint32_t>(found - document_rows_.begin());
}

std::size_t Segment::bytes() const {
  std::size_t total = vectors_.bytes() + dictionary_.bytes() + chunk_ids_.capacity() +
                      document_rows_.capacity() * 8 + posting_starts_.capacity() * 8 +
                      chunk_id_starts_.capacity() * 8 +
                      (lengths_.capacity() + chunk_documents_.capacity() +
                       posting_chunks_.capacity() + first_chunks_.capacity()) *
                          4 +
                      posting_counts_.capacity() * sizeof(Count);
  for (const std::string& id : document_ids_) total += sizeof id + id.capacity();
  return total;
}

void Segment::add_document(std::int64_t row, std::string id) {
  SLIPWAY_ASSERT(document_rows_.empty() || row > document_rows_.back());
  document_rows_.push_back(row);
  document_ids_.push_back(std::move(id));
  first_chunks_.push_back(static_cast<std::uint32_t>(chunks()));
}

void Segment::add_chunk(std::string_view id, std::string_view vector, std::uint32_t length) {
  chunk_documents_.push_back(static_cast<std::uint32_t>(documents() - 1));
  chunk_ids_ += id;
  chunk_id_starts_.push_back(chunk_ids_.size());
  lengths_.push_back(length);
  vectors_.add(vector);
  first_chunks_.back() = static_cast<std::uint32_t>(chunks());
}

SegmentBuilder::SegmentBuilder(std::size_t dimension)
    : segment_(std::make_shared<Segment>(dimension)) {}

void SegmentBuilder::reserve(std::size_t documents, std::size_t chunks) {
  segment_->vectors_.reserve(chunks);
  segment_->lengths_.reserve(chunks);
  segment_->chunk_documents_.reserve(chunks);
  segment_->chunk_id_starts_.reserve(chunks + 1);
  segment_->document_rows_.reserve(documents);
  segment_->document_ids_.reserve(documents);
  segment_->first_chunks_.reserve(documents + 1);
  attributes_.reserve(documents);
  flat_starts_.reserve(chunks + 1);
  // Memory that is never touched costs nothing, growing by copies does.
  flat_words_.reserve(chunks * words_reserved);
  flat_counts_.reserve(chunks * words_reserved);
}

void SegmentBuilder::begin_document(LoadedDocument document) {
  segment_->add_document(document.row, std::move(document.id));
  attributes_.push_back(std::move(document.attributes));
  words_ = std::move(document.words);
  chunk_ = 0;
  numbers_.clear();
  segment_->dictionary_.find_or_add(words_.words, numbers_);
}

Result<void> SegmentBuilder::add_chunk(std::string_view id, std::string_view vector) {
  if (chunk_ >= words_.chunks.size())
    return fail(Code::invalid_argument, "chunk {} has no stored words; run slipway doctor", id);
  const std::size_t bytes = segment_->vectors_.dimension() * sizeof(float);
  if (vector.size() != bytes)
    return fail(Code::invalid_argument,
                "the vector of chunk {} has {} bytes instead of {}; run slipway doctor", id,
                vector.size(), bytes);
  const ChunkWords& chunk = words_.chunks[chunk_++];
  segment_->add_chunk(id, vector, chunk.length);
  for (const auto& [number, count] : chunk.counts) {
    flat_words_.push_back(numbers_[number]);
    flat_counts_.push_back(count);
  }
  flat_starts_.push_back(flat_words_.size());
  return {};
}

Result<void> SegmentBuilder::end_document() {
  if (chunk_ == words_.chunks.size()) return {};
  return fail(Code::invalid_argument,
              "document {} has {} chunks but words for {}; run slipway doctor",
              segment_->document_ids_.back(), chunk_, words_.chunks.size());
}

/// From "words of each chunk" to "chunks of each word": a counting sort by word.
SegmentBuilder::Built SegmentBuilder::finish() {
  Segment& segment = *segment_;
  std::vector<std::uint64_t>& starts = segment.posting_starts_;
  starts.assign(segment.dictionary_.size() + 1, 0);
  for (const std::uint32_t word : flat_words_) ++starts[word + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  segment.posting_chunks_.resize(flat_words_.size());
  segment.posting_counts_.resize(flat_words_.size());
  std::vector<std::uint64_t> next(starts.begin(), starts.end() - 1);
  for (std::uint32_t chunk = 0; chunk < segment.chunks(); ++chunk)
    for (std::uint64_t i = flat_starts_[chunk]; i < flat_starts_[chunk + 1]; ++i) {
      const std::uint64_t at = next[flat_words_[i]]++;
      segment.posting_chunks_[at] = chunk;
      segment.posting_counts_[at] = flat_counts_[i];
    }
  segment.vectors_.shrink();
  return {std::move(segment_), std::move(attributes_)};
}

SegmentView view_of(SegmentBuilder::Built built) {
  SegmentView view;
  view.live_documents = built.segment->documents();
  view.live_chunks = built.segment->chunks();
  view.live_length = std::accumulate(built.segment->lengths().begin(),
                                     built.segment->lengths().end(), std::uint64_t{0});
  view.segment = std::move(built.segment);
  view.attributes =
      std::make_shared<const std::vector<AttributesPointer>>(std::move(built.attributes));
  return view;
}

/// Merges postings word by word: neighbours hold rising rows, so lists only need renumbering.
class SegmentMerger {
 public:
  SegmentMerger(std::span<const SegmentView> views, std::size_t dimension)
      : views_(views), merged_(std::make_shared<Segment>(dimension)) {}

  SegmentView run() {
    std::size_t chunks = 0;
    for (const SegmentView& view : views_) chunks += view.live_chunks;
    merged_->vectors_.reserve(chunks);
    for (const SegmentView& view : views_) copy_documents(view);
    number_words();
    copy_postings();
    return view_of({std::move(merged_), std::move(attributes_)});
  }

 private:
  static constexpr std::uint32_t gone = 0xFFFF'FFFF;

  void copy_documents(const SegmentView& view) {
    const Segment& from = *view.segment;
    std::vector<std::uint32_t> places(from.chunks(), gone);
    for (std::size_t d = 0; d < from.documents(); ++d) {
      if (view.is_dead(d)) continue;
      merged_->add_document(from.document_row(d), from.document_id(d));
      attributes_.push_back((*view.attributes)[d]);
      for (std::uint32_t c = from.first_chunk(d); c < from.first_chunk(d + 1); ++c) {
        places[c] = static_cast<std::uint32_t>(merged_->chunks());
        merged_->add_chunk(from.chunk_id(c),
                           bytes_of({from.vectors().row(c), from.vectors().dimension()}),
                           from.length(c));
      }
    }
    places_.push_back(std::move(places));
  }

  /// Words that only dead chunks had are left out: nothing of a deleted document stays.
  void number_words() {
    for (std::size_t s = 0; s < views_.size(); ++s) {
      const Segment& from = *views_[s].segment;
      std::vector<std::uint32_t> numbers(from.dictionary().size(), Dictionary::none);
      for (std::uint32_t w = 0; w < numbers.size(); ++w) {
        const auto chunks = from.posting_chunks(w);
        const auto lives = [&](std::uint32_t c) { return places_[s][c] != gone; };
        const auto live = views_[s].dead == nullptr
                              ? static_cast<std::ptrdiff_t>(chunks.size())
                              : std::count_if(chunks.begin(), chunks.end(), lives);
        if (live == 0) continue;
        numbers[w] = merged_->dictionary_.find_or_add(from.dictionary().word(w));
        if (numbers[w] >= sizes_.size()) sizes_.push_back(0);
        sizes_[numbers[w]] += static_cast<std::uint64_t>(live);
      }
      numbers_.push_back(std::move(numbers));
    }
  }

  void copy_postings() {
    auto& starts = merged_->posting_starts_;
    starts.resize(sizes_.size() + 1);
    std::partial_sum(sizes_.begin(), sizes_.end(), starts.begin() + 1);
    merged_->posting_chunks_.resize(starts.back());
    merged_->posting_counts_.resize(starts.back());
    std::vector<std::uint64_t> next(starts.begin(), starts.end() - 1);
    for (std::size_t s = 0; s < views_.size(); ++s) {
      const Segment& from = *views_[s].segment;
      for (std::uint32_t w = 0; w < numbers_[s].size(); ++w) {
        if (numbers_[s][w] == Dictionary::none) continue;
        std::uint64_t& at = next[numbers_[s][w]];
        const auto chunks = from.posting_chunks(w);
        for (std::size_t i = 0; i < chunks.size(); ++i) {
          if (places_[s][chunks[i]] == gone) continue;
          merged_->posting_chunks_[at] = places_[s][chunks[i]];
          merged_->posting_counts_[at++] = from.posting_counts(w)[i];
        }
      }
    }
  }

  std::span<const SegmentView> views_;
  std::shared_ptr<Segment> merged_;
  std::vector<AttributesPointer> attributes_;
  std::vector<std::vector<std::uint32_t>> places_;   ///< By segment and old chunk: new chunk.
  std::vector<std::vector<std::uint32_t>> numbers_;  ///< By segment and old word: new word.
  std::vector<std::uint64_t> sizes_;                 ///< By new word: live postings.
};

SegmentView merge(std::span<const SegmentView> views, std::size_t dimension) {
  return SegmentMerger(views, dimension).run();
}

std::size_t Snapshot::documents() const {
  std::size_t total = 0;
  for (const SegmentView& view : segments) total += view.live_documents;
  return total;
}

std::size_t Snapshot::chunks() const {
  std::size_t total = 0;
  for (const SegmentView& view : segments) total += view.live_chunks;
  return total;
}

double Snapshot::average_length() const {
  std::uint64_t length = 0;
  for (const SegmentView& view : segments) length += view.live_length;
  return chunks() == 0 ? 0.0 : static_cast<double>(length) / static_cast<double>(chunks());
}

void tidy(std::vector<SegmentView>& segments, std::size_t dimension) {
  // As in a binary counter: the tail is merged while its neighbour is at most twice as large.
  std::size_t first = segments.size();
  for (std::size_t tail = 0; first > 0; --first) {
    const std::size_t size = segments[first - 1].live_chunks;
    if (first < segments.size() && size > 2 * tail) break;
    tail += size;
  }
  if (segments.size() - first > 1) {
    SegmentView merged = merge(std::span(segments).subspan(first), dimension);
    segments.resize(first);
    segments.push_back(std::move(merged));
  }
  for (SegmentView& view : segments)
    if (view.live_documents * 2 < view.segment->documents())
      view = merge(std::span(&view, 1), dimension);
  std::erase_if(segments, [](const SegmentView& view) { return view.live_documents == 0; });
}

}  // namespace slipway::index
