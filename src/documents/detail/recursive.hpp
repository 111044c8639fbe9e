// LangChain's CharacterTextSplitter and RecursiveCharacterTextSplitter over ranges of a text.
#pragma once

#include <string_view>
#include <vector>

#include "documents/detail/merging.hpp"
#include "documents/detail/separator.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// Uses chunk_size, chunk_overlap, the separators, keep_separator and, of the kinds, only whether
/// it is `character`. All arguments must outlive it.
class RecursiveSplitter {
 public:
  RecursiveSplitter(std::string_view text, const SplitterSettings& settings, const Measure& measure,
                    Output& output)
      : text_(text), settings_(settings), measure_(measure), output_(output) {}

  /// Call it once, first. Fails: invalid_argument (a regular expression that does not compile).
  Result<void> prepare();
  /// Appends the chunks of `range`, which must not stand before the last one. Fails:
  /// invalid_argument (a regular expression that is too costly on this text).
  Result<void> split(Span range);
  /// Hands the pieces of `range`, cut no finer than they must be to fit, to `merger`, so that a
  /// chunk may hold them together with what stands before and behind. Fails as `split`.
  Result<void> pour(Span range, Merger& merger) {
    return pour(range, merger, settings_.chunk_size);
  }
  /// With pieces of at most `piece_max` where separators allow it.
  Result<void> pour(Span range, Merger& merger, std::size_t piece_max) {
    return pour(range, merger, {piece_max, 0});
  }

 private:
  struct Choice {
    std::size_t separator = 0;
    bool may_recurse = false;
  };
  Result<Choice> choose(Span range, std::size_t first) const;
  struct Cut {
    std::size_t piece_max = 0;
    std::size_t first_separator = 0;
  };
  Result<void> pour(Span range, Merger& merger, Cut cut);
  Result<void> split_once(Span range);
  Result<void> split_recursively(Span range, std::size_t first);
  std::size_t joined_length(const Separator& separator) const;
  template <typename Use>
  Result<void> for_each_piece(Span range, const Separator& separator, Use&& use);
  std::string_view view(Span span) const { return text_.substr(span.start, span.size()); }

  const std::string_view text_;
  const SplitterSettings& settings_;
  const Measure& measure_;
  Output& output_;
  std::vector<Separator> separators_;
};

}  // namespace slipway::documents::detail
