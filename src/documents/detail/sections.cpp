// Headings cut a text into sections.
#include <algorithm>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

namespace {

constexpr int markdown_level_max = 6;

/// What Python's `str.isprintable` leaves of a line without the white space around it.
std::string visible(std::string_view line) {
  line = unicode::trim(line);
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    const unicode::Decoded one = unicode::decode(line, at);
    const char32_t c = one.code_point;
    const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    const bool is_odd_space = c != U' ' && unicode::is_space(c);
    if (!is_control && !is_odd_space && !unicode::is_invisible(c) && !unicode::is_private_use(c))
      out += line.substr(at, one.bytes);
    at += one.bytes;
  }
  return out;
}

struct Mark {
  std::string text;
  int level = 1;
  bool is_around = false;  ///< Also behind the title: a pattern of `heading_marks`.
};

/// LangChain looks for the longest mark first.
std::vector<Mark> marks_of(const SplitterSettings& settings) {
  std::vector<Mark> marks;
  for (int level = 1; level <= std::min(settings.heading_level_max, markdown_level_max); ++level)
    marks.push_back({std::string(static_cast<std::size_t>(level), '#'), level, false});
  for (const auto& [text, level] : settings.heading_marks) marks.push_back({text, level, true});
  std::stable_sort(marks.begin(), marks.end(),
                   [](const Mark& a, const Mark& b) { return a.text.size() > b.text.size(); });
  return marks;
}

std::optional<std::string> title_of(std::string_view line, const Mark& mark) {
  if (!line.starts_with(mark.text)) return std::nullopt;
  std::string_view rest = line.substr(mark.text.size());
  if (!mark.is_around) {
    if (!rest.empty() && rest.front() != ' ') return std::nullopt;
    return std::string(unicode::trim(rest));
  }
  if (!rest.ends_with(mark.text) || rest.starts_with(mark.text)) return std::nullopt;
  rest.remove_suffix(mark.text.size());
  if (rest.ends_with(mark.text)) return std::nullopt;
  rest = unicode::trim(rest);
  if (rest.find_first_not_of(mark.text + " ") == rest.npos) return std::nullopt;
  return std::string(rest);
}

/// Whether each line of a Markdown text stands in a fenced block, told in order.
class Fences {
 public:
  bool holds(std::string_view line) {
    if (!open_.empty()) {
      if (!line.starts_with(open_)) return true;
      open_ = {};
      return false;
    }
    // A line of inline code has two runs.
    if (line.starts_with("```") && line.find("```", 3) == line.npos)
      open_ = "```";
    else if (line.starts_with("~~~"))
      open_ = "~~~";
    return !open_.empty();
  }

 private:
  std::string_view open_;
};

class SectionList {
 public:
  SectionList() { sections_.emplace_back(); }
  /// A heading whose line is `line` begins a section. What is too long is no title, and every
  /// section below would hold a copy.
  void begin(Span line, int level, std::string title) {
    constexpr std::size_t title_bytes_max = 600;
    if (title.size() > title_bytes_max)
      title.resize(unicode::floor_boundary(title, title_bytes_max));
    sections_.back().span.end = line.start;
    while (!path_.empty() && path_.back().first >= level) path_.pop_back();
    path_.emplace_back(level, std::move(title));
    sections_.push_back({{line.start, line.end}, line, path_});
  }
  std::vector<Section> finish(std::size_t size) {
    sections_.back().span.end = size;
    if (sections_.front().span.size() == 0) sections_.erase(sections_.begin());
    return std::move(sections_);
  }

 private:
  std::vector<Section> sections_;
  std::vector<std::pair<int, std::string>> path_;
};

std::size_t line_end(std::string_view text, std::size_t at) {
  return std::min(text.find('\n', at), text.size());
}

/// The line of a heading, and the "====" below it.
std::size_t heading_end(std::string_view text, std::size_t start) {
  const std::size_t end = line_end(text, start);
  if (end == text.size() || text[start] == '#') return end;
  const std::size_t under_end = line_end(text, end + 1);
  const std::string_view under = unicode::trim(text.substr(end + 1, under_end - end - 1));
  const bool is_underline = !under.empty() && (under[0] == '=' || under[0] == '-') &&
                            under.find_first_not_of(under[0]) == under.npos;
  return is_underline ? under_end : end;
}

}  // namespace

std::vector<Section> split_markdown_sections(std::string_view text,
                                             const SplitterSettings& settings) {
  const std::vector<Mark> marks = marks_of(settings);
  SectionList sections;
  Fences fences;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = line_end(text, at);
    const std::string line = visible(text.substr(at, end - at));
    if (!fences.holds(line))
      for (const Mark& mark : marks)
        if (auto title = title_of(line, mark)) {
          sections.begin({at, end}, mark.level, *std::move(title));
          break;
        }
    at = end + 1;
  }
  return sections.finish(text.size());
}

std::vector<Section> split_sections(std::string_view text,
                                    const std::vector<SourceMap::Heading>& headings,
                                    int level_max) {
  SectionList sections;
  std::size_t done = 0;
  for (const SourceMap::Heading& heading : headings) {
    if (heading.level > level_max || heading.text_start < done || heading.text_start >= text.size())
      continue;
    const std::size_t start = unicode::floor_boundary(text, heading.text_start);
    sections.begin({start, heading_end(text, start)}, heading.level, heading.title);
    done = start + 1;
  }
  return sections.finish(text.size());
}

}  // namespace slipway::documents
