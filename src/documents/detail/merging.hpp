// How pieces of a text become chunks: measured, merged, stripped, collected. All splitters share
// it.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// Measures a piece in what the settings count: code points, or tokens by the caller's count. Valid
/// UTF-8, which loaders promise, is counted without decoding.
class Measure {
 public:
  using Count = std::function<std::size_t(std::string_view)>;
  /// An empty `count` counts code points.
  explicit Measure(std::string_view text, Count count = {})
      : text_(text), count_(std::move(count)), is_valid_(unicode::is_valid_utf8(text)) {}
  std::size_t operator()(Span span) const { return length(text_.substr(span.start, span.size())); }
  /// Of a string that need not stand in the text.
  std::size_t length(std::string_view part) const {
    if (count_) return count_(part);
    if (!is_valid_) return unicode::length(part);
    return static_cast<std::size_t>(std::count_if(part.begin(), part.end(), [](char byte) {
      return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
    }));
  }

 private:
  std::string_view text_;
  Count count_;
  bool is_valid_;
};

/// Strips white space from spans whose starts and ends only grow. It remembers the last runs of
/// white space that it crossed, so overlapping chunks over a long run do not cross it again.
class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text) {}

  Span strip(Span span) {
    if (span.start < seen_start_ || span.start > content_start_) {
      seen_start_ = content_start_ = span.start;
      while (content_start_ < text_.size()) {
        const unicode::Decoded one = unicode::decode(text_, content_start_);
        if (!unicode::is_space(one.code_point)) break;
        content_start_ += one.bytes;
      }
    }
    const std::size_t start = std::min(content_start_, span.end);
    return {start, std::max(start, content_end(span.end))};
  }

 private:
  std::size_t content_end(std::size_t end) {
    std::size_t at = end;
    while (at > 0) {
      if (at == seen_end_) {
        at = content_end_;
        break;
      }
      const std::size_t before = unicode::floor_boundary(text_, at - 1);
      if (!unicode::is_space(unicode::decode(text_, before).code_point)) break;
      at = before;
    }
    seen_end_ = end;
    return content_end_ = at;
  }

  std::string_view text_;
  std::size_t seen_start_ = 1;  // An interval that holds nothing: no start was seen yet.
  std::size_t content_start_ = 0;
  std::size_t seen_end_ = 0;
  std::size_t content_end_ = 0;
};

/// Where finished chunks go.
class Output {
 public:
  Output(std::string_view text, bool strips) : stripper_(text), strips_(strips) {}
  /// A chunk made by merging.
  void add(Span span) {
    if (strips_) span = stripper_.strip(span);
    if (span.size() > 0) chunks_.push_back(span);
  }
  /// A piece that no separator could make smaller: LangChain does not strip these.
  void add_unchanged(Span span) { chunks_.push_back(span); }
  std::vector<Span> take() { return std::move(chunks_); }

 private:
  Stripper stripper_;
  bool strips_;
  std::vector<Span> chunks_;
};

/// Fills chunks with pieces: a window that is emitted when the next piece does not fit, and whose
/// tail of at most `overlap` stays for the next chunk.
class Merger {
 public:
  Merger(const SplitterSettings& settings, std::size_t separator_length, Output& output)
      : size_max_(settings.chunk_size),
        overlap_max_(settings.chunk_overlap),
        separator_length_(separator_length),
        output_(output) {}

  /// `piece` and the next one that is added are one.
  void hold(Span piece, std::size_t length) { held_ = Piece{piece, length}; }

  void add(Span piece, std::size_t length) {
    if (held_) {
      piece.start = held_->span.start;
      length += held_->length;
      held_.reset();
    }
    if (overflows(length) && !window_.empty()) {
      emit();
      while (total_ > overlap_max_ || (overflows(length) && total_ > 0)) {
        total_ -= window_.front().length + (window_.size() > 1 ? separator_length_ : 0);
        window_.pop_front();
      }
    }
    window_.push_back({piece, length});
    total_ += length + (window_.size() > 1 ? separator_length_ : 0);
  }

  void finish() {
    if (held_) add({held_->span.end, held_->span.end}, 0);
    if (!window_.empty()) emit();
    window_.clear();
    total_ = 0;
  }

 private:
  struct Piece {
    Span span;
    std::size_t length;
  };

  bool overflows(std::size_t length) const {
    return total_ + length + (window_.empty() ? 0 : separator_length_) > size_max_;
  }
  void emit() { output_.add({window_.front().span.start, window_.back().span.end}); }

  const std::size_t size_max_;
  const std::size_t overlap_max_;
  const std::size_t separator_length_;
  Output& output_;
  std::deque<Piece> window_;
  std::optional<Piece> held_;
  std::size_t total_ = 0;
};

}  // namespace slipway::documents::detail
