// LangChain writes a mark for each preserved element, folds the white space of what is then a
// section, cuts that, and puts the elements back. Here the same is done with a map from the folded
// text to the text, so a chunk is a stretch of the text and its place is exact. Two things differ:
// the mark is one character, which no separator cuts, and it counts as much as its element, where
// LangChain counts the eleven letters of "PRESERVED_0" and so has chunks of any size.
#include "documents/detail/preserving.hpp"

#include <algorithm>

#include "documents/detail/mapped_text.hpp"
#include "documents/detail/recursive.hpp"
#include "documents/detail/structure.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::string_view mark = "\uFFFC";  // OBJECT REPLACEMENT CHARACTER

bool is_preserved(SourceMap::BlockKind kind, const std::vector<Preserved>& preserve) {
  const auto has = [&](Preserved one) {
    return std::find(preserve.begin(), preserve.end(), one) != preserve.end();
  };
  switch (kind) {
    case SourceMap::BlockKind::table:
    case SourceMap::BlockKind::row: return has(Preserved::table);
    case SourceMap::BlockKind::list:
    case SourceMap::BlockKind::item: return has(Preserved::list);
    case SourceMap::BlockKind::code: return has(Preserved::code);
  }
  return false;
}

/// The outermost elements that are to stay whole, in order.
std::vector<Span> preserved_elements(std::string_view text, const SplitterSettings& settings,
                                     const SourceMap* map) {
  std::vector<Span> elements;
  const auto add = [&](const SourceMap::Block& block) {
    const std::string_view content =
        unicode::trim(text.substr(block.text_start, block.text_end - block.text_start));
    if (content.empty() || !is_preserved(block.kind, settings.preserve)) return;
    const auto start = static_cast<std::size_t>(content.data() - text.data());
    if (elements.empty() || start >= elements.back().end)
      elements.push_back({start, start + content.size()});
  };
  if (map == nullptr || map->blocks.empty()) {
    for (const SourceMap::Block& block : find_text_blocks(text)) add(block);
  } else {
    for (const SourceMap::Block& block : map->blocks)
      if (block.text_start <= block.text_end && block.text_end <= text.size()) add(block);
  }
  return elements;
}

/// A heading inside an element begins no section.
std::vector<SourceMap::Heading> outer_headings(const SourceMap* map,
                                               const std::vector<Span>& elements) {
  std::vector<SourceMap::Heading> headings;
  if (map == nullptr) return headings;
  auto element = elements.begin();
  for (const SourceMap::Heading& heading : map->headings) {
    while (element != elements.end() && element->end <= heading.text_start) ++element;
    if (element == elements.end() || heading.text_start < element->start)
      headings.push_back(heading);
  }
  return headings;
}

/// The text of a section with white space folded and a mark for each element.
class FoldedSection {
 public:
  FoldedSection(std::string_view text, Span section, const std::vector<Span>& elements) {
    auto element = std::partition_point(elements.begin(), elements.end(),
                                        [&](Span one) { return one.start < section.start; });
    MappedText mapped;
    std::optional<Span> space;
    for (std::size_t at = section.start; at < section.end;) {
      const bool is_element = element != elements.end() && at == element->start;
      const unicode::Decoded one = unicode::decode(text, at);
      const std::size_t end = is_element ? element->end : at + one.bytes;
      if (!is_element && unicode::is_space(one.code_point)) {
        space = Span{space ? space->start : at, end};
        at = end;
        continue;
      }
      if (space && !mapped.empty()) mapped.unit(" ", space->start, space->end);
      space.reset();
      if (is_element) {
        elements_.push_back({mapped.text().size(), *element++});
        mapped.unit(mark, at, end);
      } else {
        mapped.verbatim(text.substr(at, one.bytes), at);
      }
      at = end;
    }
    text_ = mapped.take_text();
    map_.pieces = mapped.take_pieces();
  }

  struct Element {
    std::size_t at = 0;  ///< In the folded text.
    Span span;           ///< In the text.
  };
  const std::string& text() const { return text_; }
  const std::vector<Element>& elements() const { return elements_; }
  Span unfolded(Span span) const {
    const Place place = map_.place(span);
    return {place.byte_start.value_or(0), place.byte_end.value_or(0)};
  }

 private:
  std::string text_;
  SourceMap map_;
  std::vector<Element> elements_;
};

class SectionCutter {
 public:
  SectionCutter(std::string_view text, const SplitterSettings& settings, const SplitInput& input,
                Output& output)
      : text_(text), settings_(settings), output_(output) {
    if (settings.unit == LengthUnit::tokens) count_tokens_ = input.count_tokens;
  }

  Result<void> cut(const FoldedSection& section) {
    const std::string_view folded = section.text();
    if (folded.empty()) return {};
    read_weights(section);
    const Measure measure(
        folded, [&](std::string_view part) { return count(part) + extra_weight(folded, part); });
    if (measure.length(folded) <= settings_.chunk_size) {
      output_.add(section.unfolded({0, folded.size()}));
      return {};
    }
    Output chunks(folded, settings_.strip_whitespace);
    RecursiveSplitter splitter(folded, settings_, measure, chunks);
    TRY(splitter.prepare());
    TRY(splitter.split({0, folded.size()}));
    for (const Span chunk : chunks.take()) output_.add(section.unfolded(chunk));
    return {};
  }

 private:
  std::size_t count(std::string_view part) const {
    return count_tokens_ ? count_tokens_(part) : unicode::length(part);
  }

  /// What each mark counts beyond itself, summed up.
  void read_weights(const FoldedSection& section) {
    marks_.clear();
    sums_.assign(1, 0);
    const std::size_t own = count(mark);
    for (const FoldedSection::Element& element : section.elements()) {
      const std::string_view content = text_.substr(element.span.start, element.span.size());
      marks_.push_back(element.at);
      sums_.push_back(sums_.back() + std::max(weight_of(content), own) - own);
    }
  }

  std::size_t weight_of(std::string_view content) const {
    if (count_tokens_) return count_tokens_(content);
    std::size_t length = 0;
    bool in_space = false;
    for (std::size_t at = 0; at < content.size();) {
      const unicode::Decoded one = unicode::decode(content, at);
      const bool is_space = unicode::is_space(one.code_point);
      length += !is_space || !in_space;
      in_space = is_space;
      at += one.bytes;
    }
    return length;
  }

  /// A piece is known by where it stands; a separator stands elsewhere.
  std::size_t extra_weight(std::string_view folded, std::string_view part) const {
    if (part.data() < folded.data() || part.data() + part.size() > folded.data() + folded.size())
      return 0;
    const auto start = static_cast<std::size_t>(part.data() - folded.data());
    const auto first = std::lower_bound(marks_.begin(), marks_.end(), start);
    const auto last = std::lower_bound(first, marks_.end(), start + part.size());
    return sums_[static_cast<std::size_t>(last - marks_.begin())] -
           sums_[static_cast<std::size_t>(first - marks_.begin())];
  }

  const std::string_view text_;
  const SplitterSettings& settings_;
  Output& output_;
  Measure::Count count_tokens_;
  std::vector<std::size_t> marks_;
  std::vector<std::size_t> sums_;
};

}  // namespace

Result<void> split_around_elements(std::string_view text, const SplitterSettings& settings,
                                   const SplitInput& input, Output& output) {
  const std::vector<Span> elements = preserved_elements(text, settings, input.map);
  const std::vector<Section> sections =
      split_sections(text, outer_headings(input.map, elements), settings.heading_level_max);
  SectionCutter cutter(text, settings, input, output);
  for (const Span section : chunked_spans(text, sections, settings.strip_headings))
    TRY(cutter.cut(FoldedSection(text, section, elements)));
  return {};
}

}  // namespace slipway::documents::detail
