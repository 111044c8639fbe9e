// From the words and boxes that pdftotext -bbox-layout finds to a text that reads as one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct PdfLine {
  std::string text;
  double first_word_width = 0;
  Box box{};
  double height() const { return box[3] - box[1]; }
};

struct PdfBlock {
  Box box{};
  std::vector<PdfLine> lines;
};

struct PdfPage {
  std::vector<PdfBlock> blocks;
};

/// How two lines of a block go together.
enum class LineJoin {
  space,       ///< The paragraph goes on.
  nothing,     ///< A word goes on without the hyphen, or a script without spaces.
  hyphen,      ///< A word goes on and the hyphen is its own.
  line_break,  ///< A new item or paragraph.
};

/// Words of a document, to judge hyphens at line ends.
class Vocabulary {
 public:
  void add(std::string_view text);
  bool has(std::string_view word) const;

 private:
  std::unordered_set<std::size_t> hashes_;  ///< A clash would misjudge one hyphen.
};

LineJoin join_of(const PdfBlock& block, std::size_t line, const Vocabulary& vocabulary);

/// Text, lines and headings; the pages are numbered from 1.
Document pages_to_document(std::vector<PdfPage> pages);

/// Runs inside the sandbox. `xhtml` is what pdftotext wrote. Fails: invalid_argument (more than
/// `pages_max` pages, no text on any page, not well formed).
Result<Document> pdf_xhtml_to_document(std::string_view xhtml, int pages_max);

}  // namespace slipway::documents::detail
