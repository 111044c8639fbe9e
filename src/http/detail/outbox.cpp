#include "http/detail/outbox.hpp"

#include <algorithm>

namespace slipway::http::detail {

void Outbox::add(std::string piece) {
  if (piece.empty()) return;
  bytes_ += piece.size();
  if (!pieces_.empty() && pieces_.back().size() + piece.size() <= joined_bytes_max)
    pieces_.back() += piece;
  else
    pieces_.push_back(std::move(piece));
}

void Outbox::add_copy(std::string_view piece) {
  if (piece.empty()) return;
  if (!pieces_.empty() && pieces_.back().size() + piece.size() <= joined_bytes_max) {
    bytes_ += piece.size();
    pieces_.back() += piece;
  } else {
    add(std::string(piece));
  }
}

void Outbox::take(Outbox& other) {
  if (other.empty()) return;
  if (empty()) {
    std::swap(pieces_, other.pieces_);
    std::swap(first_, other.first_);
    std::swap(offset_, other.offset_);
    std::swap(bytes_, other.bytes_);
    return;
  }
  if (other.offset_ > 0) other.pieces_[other.first_].erase(0, other.offset_);
  for (std::size_t i = other.first_; i < other.pieces_.size(); ++i)
    add(std::move(other.pieces_[i]));
  other.clear();
}

void Outbox::clear() {
  pieces_.clear();
  first_ = offset_ = bytes_ = 0;
}

std::size_t Outbox::slices(std::array<iovec, slices_max>& out) const {
  const std::size_t count = std::min(slices_max, pieces_.size() - first_);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& piece = pieces_[first_ + i];
    const std::size_t skipped = i == 0 ? offset_ : 0;
    out[i] = {const_cast<char*>(piece.data() + skipped), piece.size() - skipped};
  }
  return count;
}

void Outbox::drop(std::size_t bytes) {
  bytes_ -= bytes;
  while (bytes > 0) {
    const std::size_t left = pieces_[first_].size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      break;
    }
    bytes -= left;
    offset_ = 0;
    std::string().swap(pieces_[first_++]);  // Gives its memory back at once.
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ >= 64) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace slipway::http::detail
