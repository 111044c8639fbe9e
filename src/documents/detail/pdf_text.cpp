// Lines and paragraphs. A line goes on in the next one when the next one's first word would not
// have fitted behind it: that is why the line was broken. A hyphen at the end of a line is the
// typesetter's when the document knows the joined word, the author's when it knows both halves;
// unknown words are joined, because typesetters break far more words than authors hyphenate.
#include "documents/detail/pdf_text.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents::detail {

namespace {

constexpr double heading_size = 1.3;  // Times the usual line height.
constexpr std::size_t heading_bytes_max = 120;

char32_t first_of(std::string_view text) {
  return text.empty() ? U'\0' : unicode::decode(text, 0).code_point;
}

char32_t last_of(std::string_view text) {
  if (text.empty()) return U'\0';
  return unicode::decode(text, unicode::floor_boundary(text, text.size() - 1)).code_point;
}

bool is_lower(char32_t c) { return unicode::is_letter(c) && !unicode::is_upper(c); }

bool is_hyphen(char32_t c) { return c == U'-' || c == 0x2010 || c == 0xAD; }

/// "•", "–", "1.", "(a)", "iv)" in front of an item.
bool starts_item(std::string_view line) {
  const std::string_view word = line.substr(0, line.find(' '));
  if (word.size() == line.size()) return false;
  constexpr std::string_view bullets[] = {"•", "◦", "▪", "▫", "‣", "·", "●", "○", "■",
                                          "□", "–", "—", "-", "*", "+", "➢", "✓", "o"};
  if (std::find(std::begin(bullets), std::end(bullets), word) != std::end(bullets)) return true;
  const bool is_closed = word.ends_with('.') || word.ends_with(')');
  if (!is_closed || word.size() > 6) return false;
  std::string_view inside = word.substr(0, word.size() - 1);
  if (inside.starts_with('(')) inside.remove_prefix(1);
  const bool is_number = inside.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool is_letter = inside.size() == 1 || inside.find_first_not_of("ivx") == inside.npos;
  return !inside.empty() && (is_number || (is_letter && word.ends_with(')')));
}

/// A bullet or number that pdftotext took for a block of its own.
bool is_lone_marker(const PdfBlock& block) {
  return block.lines.size() == 1 && block.lines[0].text.find(' ') == std::string::npos &&
         starts_item(block.lines[0].text + " x");
}

/// Whether the two stand in one row, the second to the right.
bool is_right_of(const PdfLine& first, const PdfLine& second) {
  const double overlap =
      std::min(first.box[3], second.box[3]) - std::max(first.box[1], second.box[1]);
  return second.box[0] >= first.box[2] && overlap > 0.5 * std::min(first.height(), second.height());
}

/// Puts lone markers in front of the blocks that they mark.
std::vector<PdfBlock> join_markers(std::vector<PdfBlock> blocks) {
  std::vector<PdfBlock> joined;
  for (PdfBlock& block : blocks) {
    if (block.lines.empty()) continue;
    if (!joined.empty() && is_lone_marker(joined.back()) &&
        is_right_of(joined.back().lines[0], block.lines[0])) {
      const PdfLine marker = joined.back().lines[0];
      PdfLine& line = block.lines[0];
      line.text = marker.text + " " + line.text;
      line.box = {marker.box[0], std::min(marker.box[1], line.box[1]), line.box[2],
                  std::max(marker.box[3], line.box[3])};
      joined.pop_back();
    }
    joined.push_back(std::move(block));
  }
  return joined;
}

/// "Introduction . . . . . 1" in a table of contents.
bool has_dot_leader(std::string_view title) {
  return title.find(". . .") != title.npos || title.find("....") != title.npos;
}

std::string_view last_word(std::string_view line) {
  return line.substr(line.find_last_of(' ') + 1);
}

std::string_view first_word(std::string_view line) { return line.substr(0, line.find(' ')); }

/// A word without the punctuation around it.
std::string_view bare(std::string_view word) {
  const auto is_outer = [](char32_t c) { return unicode::is_punctuation(c); };
  while (!word.empty() && is_outer(first_of(word)))
    word.remove_prefix(unicode::decode(word, 0).bytes);
  while (!word.empty() && is_outer(last_of(word)))
    word = word.substr(0, unicode::floor_boundary(word, word.size() - 1));
  return word;
}

LineJoin join_hyphenated(std::string_view line, std::string_view next,
                         const Vocabulary& vocabulary) {
  if (last_of(line) == 0xAD) return LineJoin::nothing;  // A soft hyphen says it itself.
  const std::string_view front = last_word(line);
  const std::string_view stem = front.substr(0, unicode::floor_boundary(front, front.size() - 1));
  if (stem.empty() || !unicode::is_letter(last_of(stem)) || !is_lower(first_of(next)))
    return LineJoin::hyphen;
  const std::string_view rest = bare(first_word(next));
  const std::string left(bare(stem));
  if (vocabulary.has(left + std::string(rest))) return LineJoin::nothing;
  if (vocabulary.has(left + "-" + std::string(rest))) return LineJoin::hyphen;
  if (stem.find('-') != stem.npos) return LineJoin::hyphen;  // "state-of-the-" "art"
  return vocabulary.has(left) && vocabulary.has(rest) ? LineJoin::hyphen : LineJoin::nothing;
}

double usual_height(const std::vector<PdfPage>& pages) {
  std::map<long, std::size_t> bytes_by_height;  // In tenths of a point.
  std::size_t total = 0;
  for (const PdfPage& page : pages)
    for (const PdfBlock& block : page.blocks)
      for (const PdfLine& line : block.lines) {
        bytes_by_height[std::lround(line.height() * 10)] += line.text.size();
        total += line.text.size();
      }
  std::size_t seen = 0;
  for (const auto& [height, bytes] : bytes_by_height)
    if ((seen += bytes) * 2 >= total) return static_cast<double>(height) / 10;
  return 0;
}

bool has_letter(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += unicode::decode(text, at).bytes)
    if (unicode::is_letter(unicode::decode(text, at).code_point)) return true;
  return false;
}

class Assembler {
 public:
  explicit Assembler(const std::vector<PdfPage>& pages) : usual_height_(usual_height(pages)) {
    for (const PdfPage& page : pages)
      for (const PdfBlock& block : page.blocks)
        for (const PdfLine& line : block.lines) vocabulary_.add(line.text);
  }

  void add(const PdfBlock& block, int page) {
    for (std::size_t i = 0; i < block.lines.size(); ++i) {
      const bool goes_on = i > 0 && is_large(block.lines[i]) == is_large(block.lines[i - 1]);
      const LineJoin how = goes_on ? join_of(block, i - 1, vocabulary_) : LineJoin::line_break;
      if (goes_on)
        join(how);
      else if (!document_.text.empty())
        document_.text += "\n\n";
      add_line(block.lines[i], page, how == LineJoin::line_break);
    }
  }

  Document take() {
    close_heading();
    set_levels();
    return std::move(document_);
  }

 private:
  bool is_large(const PdfLine& line) const {
    return usual_height_ > 0 && line.height() >= heading_size * usual_height_;
  }

  void join(LineJoin how) {
    std::string& text = document_.text;
    if (how == LineJoin::space) text += ' ';
    if (how == LineJoin::line_break) text += '\n';
    if (how != LineJoin::nothing || !is_hyphen(last_of(text))) return;
    text.resize(unicode::floor_boundary(text, text.size() - 1));
    SourceMap::Line& line = document_.map.lines.back();
    line.text_end = std::min(line.text_end, text.size());
  }

  void add_line(const PdfLine& line, int page, bool starts_unit) {
    if (starts_unit || !is_large(line)) close_heading();
    if (is_large(line) && !is_heading_open_) {
      is_heading_open_ = true;
      heading_start_ = document_.text.size();
      heading_height_ = line.height();
    }
    const std::size_t start = document_.text.size();
    document_.text += line.text;
    document_.map.lines.push_back({start, document_.text.size(), page, line.box});
  }

  void close_heading() {
    if (!std::exchange(is_heading_open_, false)) return;
    std::string title = clean_title(std::string_view(document_.text).substr(heading_start_));
    if (title.size() >= heading_bytes_max || !has_letter(title) || has_dot_leader(title)) return;
    document_.map.headings.push_back({heading_start_, 1, std::move(title)});
    heading_heights_.push_back(heading_height_);
  }

  /// The largest type is level 1, the next smaller one level 2. Sizes of one kind differ a little,
  /// because a line is as high as its highest character.
  void set_levels() {
    constexpr double step = 0.93;
    std::vector<double> sizes = heading_heights_;
    std::sort(sizes.rbegin(), sizes.rend());
    sizes.erase(std::unique(sizes.begin(), sizes.end(),
                            [](double large, double small) { return small >= step * large; }),
                sizes.end());
    for (std::size_t i = 0; i < heading_heights_.size(); ++i) {
      const auto larger = std::count_if(sizes.begin(), sizes.end(), [&](double size) {
        return heading_heights_[i] < step * size;
      });
      document_.map.headings[i].level = static_cast<int>(std::min<std::ptrdiff_t>(larger + 1, 6));
    }
  }

  double usual_height_;
  Vocabulary vocabulary_;
  Document document_;
  bool is_heading_open_ = false;
  std::size_t heading_start_ = 0;
  double heading_height_ = 0;
  std::vector<double> heading_heights_;  ///< Of the headings so far.
};

}  // namespace

void Vocabulary::add(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    // The halves of words that are broken at line ends are no words.
    const bool is_whole = end < text.size() || !is_hyphen(last_of(text));
    const std::string_view word = bare(text.substr(0, end));
    if (is_whole && !word.empty()) {
      hashes_.insert(std::hash<std::string>()(unicode::to_lower(word)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool Vocabulary::has(std::string_view word) const {
  return hashes_.contains(std::hash<std::string>()(unicode::to_lower(word)));
}

LineJoin join_of(const PdfBlock& block, std::size_t line, const Vocabulary& vocabulary) {
  const PdfLine& here = block.lines[line];
  const PdfLine& next = block.lines[line + 1];
  if (starts_item(next.text)) return LineJoin::line_break;
  const bool is_indented = next.box[0] - block.box[0] > 0.8 * next.height() &&
                           here.box[0] - block.box[0] < 0.3 * here.height();
  if (is_indented && !starts_item(block.lines[0].text)) return LineJoin::line_break;
  if (is_hyphen(last_of(here.text))) return join_hyphenated(here.text, next.text, vocabulary);
  // The widest line of an address or a table is as full as a line of prose, but shorter.
  constexpr std::size_t prose_bytes_min = 25;
  if (here.text.size() < prose_bytes_min && !is_lower(first_of(next.text)))
    return LineJoin::line_break;
  const double space = 0.25 * here.height();
  const bool is_full = here.box[2] + space + next.first_word_width >= block.box[2] - 0.5;
  if (!is_full) return LineJoin::line_break;
  const bool is_spaceless =
      unicode::is_cjk(last_of(here.text)) && unicode::is_cjk(first_of(next.text));
  return is_spaceless ? LineJoin::nothing : LineJoin::space;
}

Document pages_to_document(std::vector<PdfPage> pages) {
  for (PdfPage& page : pages) page.blocks = join_markers(std::move(page.blocks));
  Assembler assembler(pages);
  int number = 0;
  for (const PdfPage& page : pages) {
    ++number;
    for (const PdfBlock& block : page.blocks) assembler.add(block, number);
  }
  return assembler.take();
}

}  // namespace slipway::documents::detail
