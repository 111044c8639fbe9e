// The recursive splitter follows LangChain's code step by step, because its chunks are compared
// with LangChain's string by string. Two things differ. Pieces are ranges of the text instead of
// copies, so every chunk knows where it stands. And pieces are handed on as they are found instead
// of being listed first, so that a line of many megabytes does not cost a list entry per character.
#include "documents/detail/recursive.hpp"

#include "core/unicode.hpp"
#include "documents/detail/separator.hpp"

namespace slipway::documents::detail {

Result<void> RecursiveSplitter::prepare() {
  const auto syntax =
      settings_.separators_are_regex ? Separator::Syntax::regex : Separator::Syntax::literal;
  for (const std::string& pattern : settings_.separators)
    separators_.push_back(TRY(Separator::compile(pattern, syntax)));
  return {};
}

Result<void> RecursiveSplitter::split(Span range) {
  return settings_.kind == SplitterKind::character ? split_once(range)
                                                   : split_recursively(range, 0);
}

/// Cuts `range` at every match; empty pieces are left out.
template <typename Use>
Result<void> RecursiveSplitter::for_each_piece(Span range, const Separator& separator, Use&& use) {
  if (separator.is_empty()) {
    for (std::size_t at = range.start; at < range.end;) {
      const std::size_t next = at + unicode::decode(text_, at).bytes;
      TRY(use(Span{at, next}));
      at = next;
    }
    return {};
  }
  Separator::Matches matches(separator, view(range));
  std::size_t begin = range.start;
  while (const auto match = TRY(matches.next())) {
    const Span found{range.start + match->start, range.start + match->end};
    const std::size_t end =
        settings_.keep_separator == KeepSeparator::end ? found.end : found.start;
    if (end > begin) TRY(use(Span{begin, end}));
    begin = settings_.keep_separator == KeepSeparator::none ? found.end : end;
  }
  if (range.end > begin) TRY(use(Span{begin, range.end}));
  return {};
}

/// CharacterTextSplitter: one separator, no recursion.
Result<void> RecursiveSplitter::split_once(Span range) {
  const Separator& separator = separators_.front();
  Merger merger(settings_, separator.is_look_around() ? 0 : joined_length(separator), output_);
  TRY(for_each_piece(range, separator, [&](Span piece) -> Result<void> {
    merger.add(piece, measure_(piece));
    return {};
  }));
  merger.finish();
  return {};
}

/// The first separator from `first` on that is empty or occurs in `range`, else the last one.
Result<RecursiveSplitter::Choice> RecursiveSplitter::choose(Span range, std::size_t first) const {
  for (std::size_t i = first; i < separators_.size(); ++i) {
    if (separators_[i].is_empty()) return Choice{i, false};
    if (TRY(Separator::Matches(separators_[i], view(range)).next()))
      return Choice{i, i + 1 < separators_.size()};
  }
  return Choice{separators_.size() - 1, false};
}

/// RecursiveCharacterTextSplitter.
Result<void> RecursiveSplitter::split_recursively(Span range, std::size_t first) {
  const Choice choice = TRY(choose(range, first));
  const Separator& separator = separators_[choice.separator];
  Merger merger(settings_, joined_length(separator), output_);
  TRY(for_each_piece(range, separator, [&](Span piece) -> Result<void> {
    const std::size_t length = measure_(piece);
    if (length < settings_.chunk_size) {
      merger.add(piece, length);
      return {};
    }
    merger.finish();
    if (choice.may_recurse) return split_recursively(piece, choice.separator + 1);
    output_.add_unchanged(piece);
    return {};
  }));
  merger.finish();
  return {};
}

Result<void> RecursiveSplitter::pour(Span range, Merger& merger, Cut cut) {
  const Choice choice = TRY(choose(range, cut.first_separator));
  return for_each_piece(range, separators_[choice.separator], [&](Span piece) -> Result<void> {
    const std::size_t length = measure_(piece);
    if (length > cut.piece_max && choice.may_recurse)
      return pour(piece, merger, {cut.piece_max, choice.separator + 1});
    merger.add(piece, length);
    return {};
  });
}

/// What a dropped separator counts when pieces are joined. LangChain counts the pattern as it is
/// written, also that of a regular expression; where chunks end depends on it.
std::size_t RecursiveSplitter::joined_length(const Separator& separator) const {
  return settings_.keep_separator == KeepSeparator::none ? measure_.length(separator.pattern()) : 0;
}

}  // namespace slipway::documents::detail
