#include "index/detail/segment.hpp"

#include <algorithm>
#include <numeric>

namespace slipway::index {

std::optional<std::uint32_t> Segment::find_document(std::int64_t row) const {
  const auto& rows = arrays_.document_rows;
  const auto found = std::lower_bound(rows.begin(), rows.end(), row);
  if (found == rows.end() || *found != row) return std::nullopt;
  return static_cast<std::uint32_t>(found - rows.begin());
}

bool Segment::check_vectors(std::size_t first, std::size_t count) const {
  if (guard_ == nullptr) return true;
  const std::size_t row_bytes = row_stride(dimension_) * sizeof(float);
  if (guard_->is_sound(first * row_bytes, count * row_bytes)) return true;
  damaged_ = true;
  return false;
}

std::uint32_t Segment::lower_bound(std::string_view sought) const {
  std::uint32_t low = 0, high = static_cast<std::uint32_t>(words());
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (word(middle) < sought)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::uint32_t Segment::find_word(std::string_view sought) const {
  const std::uint32_t number = lower_bound(sought);
  return number < words() && word(number) == sought ? number : Dictionary::none;
}

std::size_t Segment::bytes() const {
  std::size_t total = 0;
  std::apply([&](auto... member) { ((total += (arrays_.*member).size_bytes()), ...); },
             SegmentArrays::members());
  return total;
}

SegmentView view_of(std::shared_ptr<const Segment> segment) {
  SegmentView view;
  const SegmentArrays& arrays = segment->arrays();
  view.live_documents = segment->documents();
  view.live_chunks = segment->chunks();
  view.live_length =
      std::accumulate(arrays.lengths.begin(), arrays.lengths.end(), std::uint64_t{0});
  view.live_sum.assign(arrays.vector_sum.begin(), arrays.vector_sum.end());
  view.segment = std::move(segment);
  return view;
}

Result<void> bury(SegmentView& view, std::span<const std::uint32_t> documents) {
  if (documents.empty()) return {};
  const Segment& segment = *view.segment;
  // What older snapshots share is copied before the change.
  auto dead = view.dead ? *view.dead : std::vector<bool>(segment.documents());
  for (const std::uint32_t document : documents) {
    if (dead[document]) continue;
    dead[document] = true;
    --view.live_documents;
    const std::uint32_t first = segment.first_chunk(document);
    const std::uint32_t last = segment.first_chunk(document + 1);
    if (!segment.check_vectors(first, last - first))
      return fail(Code::internal, "segment {} is damaged", segment.file());
    for (std::uint32_t chunk = first; chunk < last; ++chunk) {
      --view.live_chunks;
      view.live_length -= segment.length(chunk);
      const float* row = segment.vectors().row(chunk);
      for (std::size_t i = 0; i < view.live_sum.size(); ++i)
        view.live_sum[i] -= fixed_point(row[i]);
    }
  }
  view.dead = std::make_shared<const std::vector<bool>>(std::move(dead));
  return {};
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

}  // namespace slipway::index
