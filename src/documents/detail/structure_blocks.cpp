// Finds what belongs together, in two ways. A loader that has seen tags tells tables, lists and
// code; then nothing else is one. Else the lines of the text tell, as in Markdown. What leads in is
// joined to what it leads to: a heading to any block, a paragraph to a list (of which its last
// sentence must stay), and to a table or code where it ends in a colon or no blank line stands
// between.
#include <algorithm>

#include "documents/detail/lines.hpp"
#include "documents/detail/structure.hpp"

namespace slipway::documents::detail {

namespace {

using GivenBlock = SourceMap::Block;
using GivenKind = SourceMap::BlockKind;

constexpr std::size_t code_indent = 4;

enum class BlockKind { paragraph, heading, list, table, code };

class BlockReader {
 public:
  BlockReader(std::string_view text, const std::vector<Span>& headings,
              const std::vector<GivenBlock>& given)
      : text_(text), given_(given), lines_(find_lines(text)) {
    if (!given.empty())
      for (Line& line : lines_)
        if (line.kind != LineKind::blank) line.kind = LineKind::text;
    mark_headings(headings);
    mark_open_tables();
  }

  /// The sections must be given in order.
  std::vector<StructureBlock> read(Span section) {
    while (at_ < lines_.size() && lines_[at_].span.end <= section.start) ++at_;
    end_ = at_;
    while (end_ < lines_.size() && lines_[end_].span.start < section.end) ++end_;
    blocks_.clear();
    lead_.reset();
    std::size_t start = section.start;
    while (at_ < end_) {
      while (at_ < end_ && lines_[at_].kind == LineKind::blank) ++at_;
      const std::size_t first = at_;
      const BlockKind kind = read_block();
      const bool is_adjacent = at_ < end_ && lines_[at_].kind != LineKind::blank;
      if (kind != BlockKind::paragraph && kind != BlockKind::heading && at_ > first)
        outer_.push_back({lines_[first].span.start, lines_[at_ - 1].span.end, given_kind(kind)});
      while (at_ < end_ && lines_[at_].kind == LineKind::blank) ++at_;
      const std::size_t stop = at_ < end_ ? lines_[at_].span.start : section.end;
      add({start, stop}, kind, is_adjacent);
      start = stop;
    }
    if (blocks_.empty() && section.size() > 0) blocks_.push_back({section, {}});
    return std::move(blocks_);
  }

  /// Tables, lists and code that were read so far.
  std::vector<GivenBlock> take_outer() { return std::move(outer_); }

 private:
  struct Lead {
    std::size_t start = 0;   ///< Of the heading or paragraph and the headings right above it.
    Span paragraph;          ///< Empty when it is a heading.
    bool is_strong = false;  ///< To code and tables as well.
  };

  static GivenKind given_kind(BlockKind kind) {
    return kind == BlockKind::table  ? GivenKind::table
           : kind == BlockKind::list ? GivenKind::list
                                     : GivenKind::code;
  }
  std::string_view content(const Line& line) const {
    return text_.substr(line.content.start, line.content.size());
  }
  std::string_view whole(const Line& line) const {
    return text_.substr(line.span.start, line.span.size());
  }
  bool has_bar(const Line& line) const { return whole(line).find('|') != std::string_view::npos; }

  void mark_headings(const std::vector<Span>& headings) {
    std::size_t i = 0;
    for (const Span heading : headings) {
      while (i < lines_.size() && lines_[i].span.end <= heading.start) ++i;
      for (; i < lines_.size() && lines_[i].span.start < heading.end; ++i)
        if (lines_[i].kind != LineKind::blank) lines_[i].kind = LineKind::heading;
    }
  }

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
    if (at_ == end_) return BlockKind::paragraph;
    if (const GivenBlock* block = given_at(at_)) return read_given(*block);
    switch (lines_[at_].kind) {
      case LineKind::fence: return read_code();
      case LineKind::heading: ++at_; return BlockKind::heading;
      case LineKind::table_row: return read_table();
      case LineKind::item: return read_list();
      default: break;
    }
    const bool may_be_code =
        given_.empty() && at_ >= no_code_before_ && lines_[at_].indent >= code_indent;
    return may_be_code ? read_indented_code() : read_paragraph();
  }

  /// The block of the loader that begins in a line, if one does.
  const GivenBlock* given_at(std::size_t line) {
    const Span span = lines_[line].span;
    const auto is_past = [&](std::size_t start) {
      return start < span.start && !unicode::trim(text_.substr(start, span.start - start)).empty();
    };
    while (given_at_ < given_.size() && is_past(given_[given_at_].text_start)) ++given_at_;
    if (given_at_ == given_.size()) return nullptr;
    const GivenBlock& block = given_[given_at_];
    const bool begins =
        block.text_start <= lines_[line].content.start && block.text_end > span.start;
    return begins ? &block : nullptr;
  }

  BlockKind read_given(const GivenBlock& block) {
    add_given_parts(block);
    do ++at_;
    while (at_ < end_ && lines_[at_].span.start < block.text_end);
    switch (block.kind) {
      case GivenKind::table:
      case GivenKind::row: return BlockKind::table;
      case GivenKind::code: return BlockKind::code;
      default: return BlockKind::list;
    }
  }

  /// Cuts before items and from the third row of a table on, around code, but nowhere in a cell.
  void add_given_parts(const GivenBlock& block) {
    std::size_t rows = 0, items = 0, cell_end = 0;
    const bool is_table = block.kind == GivenKind::table;
    for (std::size_t i = given_at_ + 1; i < given_.size(); ++i) {
      const GivenBlock& inner = given_[i];
      if (inner.text_start >= block.text_end) break;
      if (inner.text_start < cell_end) continue;
      switch (inner.kind) {
        case GivenKind::table:
          rows = 0;
          if (is_table) cell_end = inner.text_end;
          break;
        case GivenKind::row:
          if (rows++ > 1) part_starts_.push_back(inner.text_start);
          break;
        case GivenKind::list:
          if (is_table) cell_end = inner.text_end;
          break;
        case GivenKind::item:
          if (items++ > 0) part_starts_.push_back(inner.text_start);
          break;
        case GivenKind::code:
          if (is_table) break;
          part_starts_.push_back(inner.text_start);
          part_starts_.push_back(inner.text_end);
          break;
      }
    }
    std::sort(part_starts_.begin(), part_starts_.end());
  }

  bool goes_on(std::size_t line) {
    return line < end_ && (given_.empty() || given_at(line) == nullptr);
  }

  BlockKind read_paragraph() {
    const std::size_t first = at_;
    do ++at_;
    while (goes_on(at_) && (lines_[at_].kind == LineKind::text ||
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

  /// Lines that are indented by four columns, and the blank ones between. Where a line without
  /// indentation goes on, they are a paragraph.
  BlockKind read_indented_code() {
    std::size_t line = at_, last = at_;
    for (; line < end_; ++line) {
      if (lines_[line].kind == LineKind::blank) continue;
      if (lines_[line].indent < code_indent || lines_[line].kind == LineKind::heading) break;
      last = line;
    }
    if (last + 1 == line && line < end_) {
      no_code_before_ = line;
      return read_paragraph();
    }
    at_ = last + 1;
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

  /// Items, what is indented below them, and blank lines between. A nested item is a part as well,
  /// and so is a code block in an item.
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
        part_starts_.push_back(line.span.start);
        read_code();
        if (at_ < end_ && lines_[at_].kind != LineKind::item)
          part_starts_.push_back(lines_[at_].span.start);
      } else if (is_nested || (line.kind == LineKind::text && !after_blank)) {
        ++at_;
      } else {
        break;
      }
      after_blank = line.kind == LineKind::blank;
    }
    return BlockKind::list;
  }

  StructureBlock block_of(Span span, BlockKind kind) const {
    const bool is_table = kind == BlockKind::table;
    StructureBlock block{span, {}, is_table};
    block.is_heading = kind == BlockKind::heading;
    block.is_prose = kind == BlockKind::paragraph;
    std::size_t start = span.start;
    for (const std::size_t next : part_starts_) {
      if (next <= start || next >= span.end) continue;
      block.parts.push_back({{start, next}, {}, is_table});
      start = next;
    }
    if (!block.parts.empty()) block.parts.push_back({{start, span.end}, {}, is_table});
    return block;
  }

  void add(Span span, BlockKind kind, bool is_adjacent) {
    StructureBlock block = block_of(span, kind);
    const bool joins_last =
        lead_ && !blocks_.empty() &&
        (last_kind_ == BlockKind::heading || kind == BlockKind::list ||
         (lead_->is_strong && (kind == BlockKind::table || kind == BlockKind::code)));
    const std::size_t start = joins_last ? lead_start() : span.start;
    if (joins_last)
      join_last(block, start);
    else
      blocks_.push_back(std::move(block));
    lead_.reset();
    if (kind == BlockKind::heading) lead_ = Lead{start, {}, true};
    if (kind == BlockKind::paragraph)
      lead_ = Lead{start, span, is_adjacent || ends_with_colon(span)};
    last_kind_ = kind;
  }

  /// What leads in must stay with the first part: [before] [lead, first part] [part] ...
  void join_last(StructureBlock& block, std::size_t start) {
    const Span lead = blocks_.back().span;
    const Span whole{lead.start, block.span.end};
    StructureBlock first = block.parts.empty() ? std::move(block) : std::move(block.parts.front());
    StructureBlock head{{start, first.span.end}, {lead_part({start, lead.end})}};
    head.parts.push_back(std::move(first));
    StructureBlock joined{whole, {}};
    if (start > lead.start) joined.parts.push_back(lead_part({lead.start, start}));
    joined.parts.push_back(std::move(head));
    for (std::size_t i = 1; i < block.parts.size(); ++i)
      joined.parts.push_back(std::move(block.parts[i]));
    blocks_.back() = std::move(joined);
  }

  /// A stretch of the last block: headings, a paragraph, or both.
  StructureBlock lead_part(Span span) const {
    const Span prose{std::max(span.start, lead_->paragraph.start), span.end};
    StructureBlock part{span, {}};
    if (lead_->paragraph.size() == 0) {
      part.is_heading = true;
    } else if (prose.start == span.start) {
      part.is_prose = true;
    } else {
      part.parts.push_back({{span.start, prose.start}, {}, false, true});
      part.parts.push_back({prose, {}, false, false, true});
    }
    return part;
  }

  /// Of a paragraph the last sentence; with the headings above it, if it has only one.
  std::size_t lead_start() const {
    const std::size_t sentence = last_sentence(lead_->paragraph);
    return sentence > lead_->paragraph.start ? sentence : lead_->start;
  }

  /// Where the last sentence of a paragraph begins, with the marks of a quotation before it.
  std::size_t last_sentence(Span span) const {
    const auto sentences = split_sentences(text_.substr(span.start, span.size()));
    if (sentences.size() < 2) return span.start;
    std::size_t start = span.start + sentences.back().start;
    while (start > span.start && (text_[start - 1] == '>' || text_[start - 1] == ' ')) --start;
    return start;
  }

  bool ends_with_colon(Span span) const {
    std::string_view text = unicode::trim(text_.substr(span.start, span.size()));
    while (text.ends_with('*') || text.ends_with('_')) text.remove_suffix(1);
    return text.ends_with(':') || text.ends_with("：");
  }

  const std::string_view text_;
  const std::vector<GivenBlock>& given_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t given_at_ = 0;
  std::size_t no_code_before_ = 0;  ///< Indented lines before this one are known to be no code.
  std::vector<StructureBlock> blocks_;
  std::vector<GivenBlock> outer_;
  std::vector<std::size_t> part_starts_;
  std::optional<Lead> lead_;  ///< The last block, if it may lead to the next one.
  BlockKind last_kind_ = BlockKind::paragraph;
};

}  // namespace

std::vector<std::vector<StructureBlock>> find_structure(const StructureInput& input) {
  BlockReader reader(input.text, input.headings, input.blocks);
  std::vector<std::vector<StructureBlock>> structure;
  structure.reserve(input.sections.size());
  for (const Span section : input.sections) structure.push_back(reader.read(section));
  return structure;
}

std::vector<SourceMap::Block> find_text_blocks(std::string_view text) {
  const std::vector<GivenBlock> none;
  BlockReader reader(text, {}, none);
  reader.read({0, text.size()});
  return reader.take_outer();
}

}  // namespace slipway::documents::detail
