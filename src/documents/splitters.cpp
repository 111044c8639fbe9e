// The recursive splitter follows LangChain's code step by step, because its chunks are compared
// with LangChain's string by string. Two things differ. Pieces are ranges of the text instead of
// copies, so every chunk knows where it stands. And pieces are handed on as they are found instead
// of being listed first, so that a line of many megabytes does not cost a list entry per character.
#include "documents/splitters.hpp"

#include <deque>

#include "core/unicode.hpp"
#include "documents/detail/separator.hpp"

namespace slipway::documents {

namespace {

using detail::Separator;

constexpr std::size_t chunk_size_max = 1'000'000;
constexpr std::size_t separators_max = 200;  // The longest list of LangChain has 33.

/// Measures in code points. Valid UTF-8, which loaders promise, is counted without decoding.
class Measure {
 public:
  explicit Measure(std::string_view text) : text_(text), is_valid_(unicode::is_valid_utf8(text)) {}
  std::size_t operator()(Span span) const {
    const std::string_view part = text_.substr(span.start, span.size());
    if (!is_valid_) return unicode::length(part);
    return static_cast<std::size_t>(std::count_if(part.begin(), part.end(), [](char byte) {
      return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
    }));
  }

 private:
  std::string_view text_;
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

  void add(Span piece, std::size_t length) {
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
  std::size_t total_ = 0;
};

/// One call of `split`.
class Splitting {
 public:
  Splitting(std::string_view text, const SplitterSettings& settings)
      : text_(text),
        settings_(settings),
        measure_(text),
        output_(text, settings.strip_whitespace) {}

  Result<std::vector<Span>> run() {
    const auto syntax =
        settings_.separators_are_regex ? Separator::Syntax::regex : Separator::Syntax::literal;
    for (const std::string& pattern : settings_.separators)
      separators_.push_back(TRY(Separator::compile(pattern, syntax)));
    const Span all{0, text_.size()};
    if (settings_.kind == SplitterKind::character)
      TRY(split_once(all));
    else
      TRY(split_recursively(all, 0));
    return output_.take();
  }

 private:
  /// CharacterTextSplitter: one separator, no recursion.
  Result<void> split_once(Span range) {
    const Separator& separator = separators_.front();
    Merger merger(settings_, separator.is_look_around() ? 0 : joined_length(separator), output_);
    TRY(for_each_piece(range, separator, [&](Span piece) -> Result<void> {
      merger.add(piece, measure_(piece));
      return {};
    }));
    merger.finish();
    return {};
  }

  /// RecursiveCharacterTextSplitter: the first separator from `first` on that occurs.
  Result<void> split_recursively(Span range, std::size_t first) {
    std::size_t chosen = separators_.size() - 1;
    bool may_recurse = false;
    for (std::size_t i = first; i < separators_.size(); ++i) {
      if (separators_[i].is_empty()) {
        chosen = i;
        break;
      }
      if (TRY(Separator::Matches(separators_[i], view(range)).next())) {
        chosen = i;
        may_recurse = i + 1 < separators_.size();
        break;
      }
    }
    const Separator& separator = separators_[chosen];
    Merger merger(settings_, joined_length(separator), output_);
    TRY(for_each_piece(range, separator, [&](Span piece) -> Result<void> {
      const std::size_t length = measure_(piece);
      if (length < settings_.chunk_size) {
        merger.add(piece, length);
        return {};
      }
      merger.finish();
      if (may_recurse) return split_recursively(piece, chosen + 1);
      output_.add_unchanged(piece);
      return {};
    }));
    merger.finish();
    return {};
  }

  /// What a dropped separator counts when pieces are joined. LangChain counts the pattern as it is
  /// written, also that of a regular expression; where chunks end depends on it.
  std::size_t joined_length(const Separator& separator) const {
    return settings_.keep_separator == KeepSeparator::none ? unicode::length(separator.pattern())
                                                           : 0;
  }

  /// Cuts `range` at every match; empty pieces are left out.
  template <typename Use>
  Result<void> for_each_piece(Span range, const Separator& separator, Use&& use) {
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

  std::string_view view(Span span) const { return text_.substr(span.start, span.size()); }

  const std::string_view text_;
  const SplitterSettings& settings_;
  const Measure measure_;
  Output output_;
  std::vector<Separator> separators_;
};

}  // namespace

Result<void> SplitterSettings::validate() const {
  if (chunk_size < 1 || chunk_size > chunk_size_max)
    return fail(Code::invalid_argument,
                "chunk_size: {} is out of range 1..{}; leave it out to use 800", chunk_size,
                chunk_size_max);
  if (chunk_overlap > chunk_size)
    return fail(Code::invalid_argument,
                "chunk_overlap: {} is larger than chunk_size, which is {}; 0 means no overlap",
                chunk_overlap, chunk_size);
  if (separators.empty() || separators.size() > separators_max)
    return fail(Code::invalid_argument,
                "separators: {} entries, expected 1..{}; leave it out to use the default list",
                separators.size(), separators_max);
  if (kind == SplitterKind::character && separators.size() > 1 &&
      separators != SplitterSettings().separators)
    return fail(Code::invalid_argument,
                "separators: the splitter 'character' takes one, got {}; use kind 'recursive' for "
                "a list",
                separators.size());
  for (std::size_t i = 0; separators_are_regex && i < separators.size(); ++i)
    TRY(Separator::compile(separators[i], Separator::Syntax::regex)
            .within(fmt::format("separators[{}]", i)));
  return {};
}

Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings) {
  TRY(settings.validate());
  return Splitting(text, settings).run();
}

}  // namespace slipway::documents
