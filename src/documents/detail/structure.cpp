// The kinds `markdown` and `html`. Chunks never cross a heading. Inside a section whole blocks fill
// a chunk; a block that is too long is cut at its items or rows, and only an item that is still too
// long at the separators. What leads in stays with what it leads to: a heading with the first block
// below it, "as follows:" with the first item, the header of a table with its first row.
#include "documents/detail/structure.hpp"

#include <algorithm>

#include "documents/detail/lines.hpp"
#include "documents/detail/recursive.hpp"

namespace slipway::documents::detail {

namespace {

enum class BlockKind { paragraph, heading, list, table, code };

class BlockReader {
 public:
  explicit BlockReader(std::string_view text) : text_(text), lines_(find_lines(text)) {
    mark_open_tables();
  }

  /// The sections must be given in order.
  std::vector<StructureBlock> read(Span section) {
    while (at_ < lines_.size() && lines_[at_].span.end <= section.start) ++at_;
    end_ = at_;
    while (end_ < lines_.size() && lines_[end_].span.start < section.end) ++end_;
    blocks_.clear();
    leads_ = false;
    std::size_t start = section.start;
    while (at_ < end_) {
      const std::size_t first = at_;
      const BlockKind kind = read_block();
      while (at_ < end_ && lines_[at_].kind == LineKind::blank) ++at_;
      const std::size_t stop = at_ < end_ ? lines_[at_].span.start : section.end;
      add({start, stop}, kind, first);
      start = stop;
    }
    if (blocks_.empty() && section.size() > 0) blocks_.push_back({section, {}});
    return std::move(blocks_);
  }

 private:
  std::string_view content(const Line& line) const {
    return text_.substr(line.content.start, line.content.size());
  }
  std::string_view whole(const Line& line) const {
    return text_.substr(line.span.start, line.span.size());
  }
  bool has_bar(const Line& line) const { return whole(line).find('|') != std::string_view::npos; }

  /// Rows without outer bars are known by the delimiter below the first: "a | b", "--|--".
  void mark_open_tables() {
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      if (lines_[i].kind != LineKind::ruler || !has_bar(lines_[i]) || !has_bar(lines_[i - 1]))
        continue;
      lines_[i - 1].kind = lines_[i].kind = LineKind::table_row;
      while (i + 1 < lines_.size() && lines_[i + 1].kind == LineKind::text &&
             has_bar(lines_[i + 1]))
        lines_[++i].kind = LineKind::table_row;
    }
  }

  /// Goes over one block and remembers where its parts begin.
  BlockKind read_block() {
    part_starts_.clear();
    while (at_ < end_ && lines_[at_].kind == LineKind::blank) ++at_;
    if (at_ == end_) return BlockKind::paragraph;
    switch (lines_[at_].kind) {
      case LineKind::fence: return read_code();
      case LineKind::heading: ++at_; return BlockKind::heading;
      case LineKind::table_row: return read_table();
      case LineKind::item: return read_list();
      default: return read_paragraph();
    }
  }

  BlockKind read_paragraph() {
    const std::size_t first = at_;
    do ++at_;
    while (at_ < end_ && (lines_[at_].kind == LineKind::text ||
                          (lines_[at_].kind == LineKind::ruler && at_ == first + 1)));
    // "Title" over "=====" is a heading.
    return at_ == first + 2 && lines_[first + 1].kind == LineKind::ruler &&
                   lines_[first].kind == LineKind::text
               ? BlockKind::heading
               : BlockKind::paragraph;
  }

  /// A fence that nothing closes in its section is code to the end, as Markdown has it.
  BlockKind read_code() {
    const std::string_view fence = content(lines_[at_]);
    const char mark = fence.front();
    const std::size_t count = std::min(fence.find_first_not_of(mark), fence.size());
    for (++at_; at_ < end_; ++at_) {
      if (lines_[at_].kind != LineKind::fence) continue;
      const std::string_view closing = content(lines_[at_]);
      if (closing.size() >= count && closing.find_first_not_of(mark) == closing.npos) {
        ++at_;
        break;
      }
    }
    return BlockKind::code;
  }

  BlockKind read_table() {
    for (std::size_t row = 0; at_ < end_; ++at_) {
      const LineKind kind = lines_[at_].kind;
      const bool is_delimiter = kind == LineKind::ruler && has_bar(lines_[at_]);
      if (kind != LineKind::table_row && !is_delimiter) break;
      const bool rules = is_delimiter ||
                         whole(lines_[at_]).find_first_not_of("|-: \t\r") == std::string_view::npos;
      // The header, its rule and the first row are one part.
      if (rules) row = 1;
      if (!rules && row++ > 1) part_starts_.push_back(lines_[at_].span.start);
    }
    return BlockKind::table;
  }

  /// Items, what is indented below them, and blank lines between. A nested item is a part as well.
  BlockKind read_list() {
    for (bool is_first = true, after_blank = false; at_ < end_;) {
      const Line& line = lines_[at_];
      constexpr std::size_t nested_indent_min = 2;
      const bool is_nested = line.indent >= nested_indent_min;
      if (line.kind == LineKind::item) {
        if (!is_first) part_starts_.push_back(line.span.start);
        is_first = false;
        ++at_;
      } else if (line.kind == LineKind::blank) {
        ++at_;
      } else if (is_nested && line.kind == LineKind::fence) {
        read_code();
      } else if (is_nested || (line.kind == LineKind::text && !after_blank)) {
        ++at_;
      } else {
        break;
      }
      after_blank = line.kind == LineKind::blank;
    }
    return BlockKind::list;
  }

  void add(Span span, BlockKind kind, std::size_t first_line) {
    StructureBlock block{span, {}};
    for (const std::size_t start : part_starts_) {
      block.parts.push_back({block.parts.empty() ? span.start : block.parts.back().end, start});
    }
    if (!block.parts.empty()) block.parts.push_back({block.parts.back().end, span.end});
    const bool joins_last = leads_ && !blocks_.empty() &&
                            (last_kind_ == BlockKind::heading || kind != BlockKind::paragraph);
    if (joins_last) {
      block.span.start = blocks_.back().span.start;
      if (!block.parts.empty()) block.parts.front().start = block.span.start;
      blocks_.back() = std::move(block);
    } else {
      blocks_.push_back(std::move(block));
    }
    leads_ =
        kind == BlockKind::heading || (kind == BlockKind::paragraph && ends_with_colon(first_line));
    last_kind_ = kind;
  }

  bool ends_with_colon(std::size_t first_line) const {
    std::size_t last = at_;
    while (last > first_line && lines_[last - 1].kind == LineKind::blank) --last;
    if (last == first_line) return false;
    std::string_view line = unicode::trim(whole(lines_[last - 1]));
    while (line.ends_with('*') || line.ends_with('_')) line.remove_suffix(1);
    return line.ends_with(':') || line.ends_with("：");
  }

  const std::string_view text_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::vector<StructureBlock> blocks_;
  std::vector<std::size_t> part_starts_;
  bool leads_ = false;  ///< The last block must stay with the next one.
  BlockKind last_kind_ = BlockKind::paragraph;
};

/// Fills chunks with the blocks of one section.
class SectionSplitter {
 public:
  SectionSplitter(std::string_view text, const SplitterSettings& settings, const Measure& measure,
                  Output& output)
      : text_(text),
        settings_(settings),
        measure_(measure),
        separators_(text, settings, measure, output),
        merger_(settings, 0, output) {}

  Result<void> prepare() { return separators_.prepare(); }
  Result<void> split(const std::vector<StructureBlock>& blocks) {
    for (const StructureBlock& block : blocks) {
      if (add_whole(block.span)) continue;
      if (block.parts.empty()) TRY(separators_.pour(block.span, merger_));
      for (const Span part : block.parts)
        if (!add_whole(part)) TRY(separators_.pour(part, merger_));
    }
    merger_.finish();
    return {};
  }

 private:
  /// False when it does not fit into a chunk; the white space behind it need not.
  bool add_whole(Span span) {
    const std::size_t length = measure_(span);
    if (length > settings_.chunk_size) {
      if (!settings_.strip_whitespace) return false;
      const std::string_view content = unicode::trim(text_.substr(span.start, span.size()));
      if (content.size() == span.size() || measure_.length(content) > settings_.chunk_size)
        return false;
    }
    merger_.add(span, length);
    return true;
  }

  const std::string_view text_;
  const SplitterSettings& settings_;
  const Measure& measure_;
  RecursiveSplitter separators_;
  Merger merger_;
};

std::vector<Section> sections_of(std::string_view text, const SplitterSettings& settings,
                                 const SourceMap* map) {
  const bool has_headings = map != nullptr && !map->headings.empty();
  // The loader of Markdown knows underlined headings and longer fences, but not the user's marks.
  if (settings.kind == SplitterKind::markdown && (!has_headings || !settings.heading_marks.empty()))
    return split_markdown_sections(text, settings);
  return split_sections(text, has_headings ? map->headings : std::vector<SourceMap::Heading>(),
                        settings.heading_level_max);
}

/// What of each section may stand in chunks. A heading without a text of its own begins the first
/// section below it.
std::vector<Span> chunked_spans(std::string_view text, const std::vector<Section>& sections,
                                bool strip_headings) {
  std::vector<Span> spans;
  std::optional<std::size_t> bare_heading;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    Span span = section.span;
    if (strip_headings) {
      if (section.heading.size() > 0) span.start = std::min(section.heading.end, span.end);
      spans.push_back(span);
      continue;
    }
    const bool is_bare =
        section.heading.size() > 0 &&
        unicode::trim(text.substr(section.heading.end, span.end - section.heading.end)).empty();
    if (bare_heading) span.start = *bare_heading;
    bare_heading.reset();
    const bool goes_deeper =
        i + 1 < sections.size() && sections[i + 1].path.size() > section.path.size();
    if (is_bare && goes_deeper)
      bare_heading = span.start;
    else
      spans.push_back(span);
  }
  return spans;
}

}  // namespace

std::vector<std::vector<StructureBlock>> find_structure(std::string_view text,
                                                        const std::vector<Span>& sections) {
  BlockReader reader(text);
  std::vector<std::vector<StructureBlock>> structure;
  for (const Span section : sections) structure.push_back(reader.read(section));
  return structure;
}

Result<void> split_by_structure(std::string_view text, const SplitterSettings& settings,
                                const SourceMap* map, const Measure& measure, Output& output) {
  const auto spans = chunked_spans(text, sections_of(text, settings, map), settings.strip_headings);
  SectionSplitter splitter(text, settings, measure, output);
  TRY(splitter.prepare());
  for (const auto& blocks : find_structure(text, spans)) TRY(splitter.split(blocks));
  return {};
}

}  // namespace slipway::documents::detail
