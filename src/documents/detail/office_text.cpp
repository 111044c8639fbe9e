#include "documents/detail/office_text.hpp"

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

namespace {

/// Without control characters other than tab and line feed, which no text has.
std::string without_controls(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') clean += '\n';
    } else if (byte >= 0x20 || byte == '\t' || byte == '\n') {
      if (byte != 0x7F) clean += text[i];
    }
  }
  return clean;
}

std::string_view without_blank_lines_around(std::string_view code) {
  while (true) {
    const std::size_t end = code.find('\n');
    if (end == std::string_view::npos || !unicode::trim(code.substr(0, end)).empty()) break;
    code.remove_prefix(end + 1);
  }
  while (!code.empty() && (code.back() == '\n' || code.back() == ' ' || code.back() == '\t'))
    code.remove_suffix(1);
  return code;
}

}  // namespace

bool OfficeText::add(std::string_view block, Gap gap, White white) {
  std::string clean = without_controls(block);
  SourceMap map = SourceMap::identity(clean.size());
  const Invisible invisible = find_invisible(clean);
  remove_spans(clean, map.pieces, invisible.spans);
  hidden_ += invisible.characters;
  const std::string_view visible = unicode::trim(clean);
  if (visible.empty()) return false;
  if (!text_.empty()) text_ += gap == Gap::line ? "\n" : "\n\n";
  text_ += white == White::trimmed ? visible : std::string_view(clean);
  last_is_item_ = false;
  return true;
}

void OfficeText::add_heading(std::string_view title, int level) {
  const std::size_t before = text_.size();
  if (!add(folded(title), Gap::blank)) return;
  const std::size_t start = before == 0 ? 0 : before + 2;
  headings_.push_back(
      {start, std::clamp(level, 1, 6), clean_title(std::string_view(text_).substr(start))});
}

void OfficeText::add_item(std::string_view item, int level) {
  const bool is_led = last_is_item_ || text_.ends_with(':');
  const std::string indent(static_cast<std::size_t>(2 * std::clamp(level, 0, 8)), ' ');
  if (unicode::trim(item).empty()) return;
  if (add(indent + std::string(item), is_led ? Gap::line : Gap::blank, White::kept))
    last_is_item_ = true;
}

void OfficeText::add_row(const std::vector<std::string>& cells, Gap gap) {
  const bool is_blank = std::all_of(cells.begin(), cells.end(), [](const std::string& cell) {
    return unicode::trim(cell).empty();
  });
  if (!is_blank) add(bar_row(cells), gap);
}

void OfficeText::add_code(std::string_view code, std::string_view language) {
  const std::string_view lines = without_blank_lines_around(code);
  if (lines.empty()) return;
  const std::string_view fence = lines.find("```") == std::string_view::npos ? "```" : "~~~~";
  add(fmt::format("{}{}\n{}\n{}", fence, folded(language), lines, fence), Gap::blank, White::kept);
}

void OfficeText::hide(std::string_view text) {
  const std::string visible = folded(text);
  hidden_ += unicode::length(visible);
}

void OfficeText::move_to(Document& document) {
  document.text = std::move(text_);
  document.map.headings = std::move(headings_);
  if (document.title.empty() && !document.map.headings.empty())
    document.title = document.map.headings.front().title;
  warn_of_hidden(hidden_, document);
}

std::string bar_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) {
    const std::string text = folded(cell);
    row += text.empty() ? "  |" : " " + text + " |";
  }
  return row;
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool is_space_due = false;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded now = unicode::decode(text, at);
    if (unicode::is_space(now.code_point)) {
      is_space_due = !out.empty();
    } else {
      if (is_space_due) out += ' ';
      is_space_due = false;
      out += text.substr(at, now.bytes);
    }
    at += now.bytes;
  }
  return out;
}

}  // namespace slipway::documents::detail
