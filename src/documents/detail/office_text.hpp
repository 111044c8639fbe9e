// Builds the text of formats whose places are not bytes: office documents, slides, books.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

class OfficeText {
 public:
  enum class Gap {
    line,   ///< The next row or item.
    blank,  ///< A new paragraph.
  };
  enum class White { trimmed, kept };

  /// Appends a block without the characters that nobody sees. False when nothing was left of it.
  bool add(std::string_view block, Gap gap, White white = White::trimmed);
  void add_heading(std::string_view title, int level);
  /// An item of a list, its mark included. The first one stays with the line that leads to it.
  void add_item(std::string_view item, int level);
  /// "| a | b |"; nothing when all cells are blank.
  void add_row(const std::vector<std::string>& cells, Gap gap);
  /// Lines of code between fences; blank lines at their ends go.
  void add_code(std::string_view code, std::string_view language = {});

  /// Counts text that a reader does not see.
  void hide(std::string_view text);
  void hide_more(std::size_t characters) { hidden_ += characters; }

  const std::string& text() const { return text_; }
  std::size_t hidden() const { return hidden_; }
  /// Text, headings and the warning of hidden text go to the document; its title if it has none.
  void move_to(Document& document);

 private:
  std::string text_;
  std::vector<SourceMap::Heading> headings_;
  std::size_t hidden_ = 0;
  bool last_is_item_ = false;
};

/// A table while it is read.
struct OpenTable {
  std::vector<std::string> cells;  ///< Of the row at hand.
  std::string cell;
  bool is_first_row = true;
};

/// A table row as text: white space folded, cells between bars.
std::string bar_row(const std::vector<std::string>& cells);
/// White space folded to single spaces, none at the ends.
std::string folded(std::string_view text);

}  // namespace slipway::documents::detail
