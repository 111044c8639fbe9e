// The kinds `markdown` and `html`. Chunks never cross a heading. Inside a section whole blocks fill
// a chunk; a block that is too long is cut at its items or rows, and only an item that is still too
// long at the separators. What leads in stays with what it leads to: a heading with the first block
// below it, the sentence before a list with the first item, the header of a table with its first
// row.
#include "documents/detail/structure.hpp"

#include <algorithm>

#include "documents/detail/recursive.hpp"

namespace slipway::documents::detail {

namespace {

std::vector<Section> sections_of(std::string_view text, const SplitterSettings& settings,
                                 const SourceMap* map) {
  const bool has_headings = map != nullptr && !map->headings.empty();
  // The loader of Markdown knows underlined headings and longer fences, but not the user's marks.
  if (settings.kind == SplitterKind::markdown && (!has_headings || !settings.heading_marks.empty()))
    return split_markdown_sections(text, settings);
  return split_sections(text, has_headings ? map->headings : std::vector<SourceMap::Heading>(),
                        settings.heading_level_max);
}

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
    for (const StructureBlock& block : blocks) TRY(add(block));
    merger_.finish();
    return {};
  }

 private:
  /// Blocks nest four deep at most.
  Result<void> add(const StructureBlock& block) {
    if (add_whole(block.span)) return {};
    for (std::size_t i = 0; i < block.parts.size(); ++i) {
      const StructureBlock& part = block.parts[i];
      const bool leads = part.is_heading && i + 1 < block.parts.size();
      if (leads && block.parts[i + 1].is_prose && measure_(part.span) < settings_.chunk_size)
        TRY(add_headed(part.span, block.parts[++i].span));
      else
        TRY(add(part));
    }
    if (!block.parts.empty()) return {};
    return block.is_row ? add_rows(block.span) : separators_.pour(block.span, merger_);
  }

  Result<void> add_headed(Span heading, Span prose) {
    const std::size_t length = measure_(heading);
    merger_.hold(heading, length);
    return separators_.pour(prose, merger_, settings_.chunk_size - length);
  }

  Result<void> add_rows(Span rows) {
    for (std::size_t at = rows.start; at < rows.end;) {
      const std::size_t length = text_.substr(at, rows.end - at).find('\n');
      const std::size_t end = length == text_.npos ? rows.end : at + length + 1;
      if (!add_whole({at, end})) TRY(add_cells({at, end}));
      at = end;
    }
    return {};
  }

  /// Cells begin with a bar or tab; the bar behind the last one goes with it.
  Result<void> add_cells(Span row) {
    std::size_t start = row.start;
    const auto add_cell = [&](std::size_t end) -> Result<void> {
      if (!add_whole({start, end})) TRY(separators_.pour({start, end}, merger_));
      start = end;
      return {};
    };
    const std::size_t last = text_.find_last_not_of(" \t\r\n", row.end - 1);
    for (std::size_t at = row.start + 1; at < row.end; ++at) {
      const bool is_bar = text_[at] == '|' && text_[at - 1] != '\\' && at != last;
      if (is_bar || text_[at] == '\t') TRY(add_cell(at));
    }
    return add_cell(row.end);
  }

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

}  // namespace

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

Result<void> split_by_structure(std::string_view text, const SplitterSettings& settings,
                                const SourceMap* map, const Measure& measure, Output& output) {
  static const std::vector<SourceMap::Block> none;
  const std::vector<Section> sections = sections_of(text, settings, map);
  StructureInput input{text,
                       chunked_spans(text, sections, settings.strip_headings),
                       {},
                       map == nullptr ? none : map->blocks};
  if (!settings.strip_headings)
    for (const Section& section : sections)
      if (section.heading.size() > 0) input.headings.push_back(section.heading);
  SectionSplitter splitter(text, settings, measure, output);
  TRY(splitter.prepare());
  for (const auto& blocks : find_structure(input)) TRY(splitter.split(blocks));
  return {};
}

}  // namespace slipway::documents::detail
