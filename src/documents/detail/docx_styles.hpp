// Styles and numbering of a DOCX: what a paragraph is by its style, and the mark before an item.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "documents/detail/xml_reader.hpp"

namespace slipway::documents::detail {

/// What formatting says about a paragraph or its runs; unset where it says nothing.
struct DocxFormat {
  std::optional<int> heading;  ///< 1..9
  std::optional<bool> is_hidden;
  std::optional<std::string> list;  ///< numId; "0" takes a paragraph out of a list.
  std::optional<int> list_level;
  bool is_code = false;
  bool is_title = false;
};

/// Reads w:pPr or w:rPr (the reader stands behind its start) up to its end. The style that it
/// names goes to `style`.
Result<DocxFormat> read_docx_format(XmlReader& reader, std::string& style);

class DocxStyles {
 public:
  /// Of word/styles.xml.
  Result<void> read(std::string_view xml);
  /// With everything that the styles it is based on say.
  DocxFormat of(const std::string& style) const;

 private:
  struct Style {
    std::string based_on;
    DocxFormat format;
  };
  Result<void> read_style(XmlReader& reader);

  std::map<std::string, Style> styles_;
};

class DocxNumbering {
 public:
  /// Of word/numbering.xml.
  Result<void> read(std::string_view xml);
  /// The mark of the next item ("- ", "2.1. "), which also counts it; empty for no list.
  std::string next_mark(const std::string& list, int level);

 private:
  static constexpr int levels_max = 9;
  struct Level {
    std::string format = "decimal";
    std::string text;
    int start = 1;
  };
  using Levels = std::array<Level, levels_max>;
  struct List {
    std::string levels;     ///< Key of `levels_`.
    bool restarts = false;  ///< It counts on its own, not together with others of its kind.
  };
  Result<void> read_levels(XmlReader& reader);
  Result<void> read_list(XmlReader& reader);

  std::map<std::string, Levels> levels_;
  std::map<std::string, List> lists_;
  std::map<std::string, std::array<int, levels_max>> counts_;
};

/// `number` as decimal, lowerLetter, upperRoman ...
std::string numbered_as(std::string_view format, int number);

}  // namespace slipway::documents::detail
