// Reads what pdftotext wrote. It is our program's output about a foreign file, so it is foreign.
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/mapped_text.hpp"
#include "documents/detail/pdf_text.hpp"

namespace slipway::documents::detail {

namespace {

struct Ligature {
  char32_t code_point;
  std::string_view letters;
};
constexpr std::array<Ligature, 7> ligatures = {{{0xFB00, "ff"},
                                                {0xFB01, "fi"},
                                                {0xFB02, "fl"},
                                                {0xFB03, "ffi"},
                                                {0xFB04, "ffl"},
                                                {0xFB05, "st"},
                                                {0xFB06, "st"}}};

/// Valid UTF-8 without control characters, ligatures as letters; counts what nobody sees. A soft
/// hyphen at the end stays: it says how the line goes on.
std::string clean_word(std::string_view word, std::size_t& hidden) {
  std::string clean;
  char32_t before = 0;
  for (std::size_t at = 0; at < word.size();) {
    const unicode::Decoded now = unicode::decode(word, at);
    at += now.bytes;
    const char32_t after = at < word.size() ? unicode::decode(word, at).code_point : U'\0';
    const auto ligature = std::find_if(ligatures.begin(), ligatures.end(), [&](const Ligature& l) {
      return l.code_point == now.code_point;
    });
    const bool ends_in_soft_hyphen = now.code_point == 0xAD && at == word.size();
    if (ligature != ligatures.end())
      clean += ligature->letters;
    else if (!ends_in_soft_hyphen && is_hidden_character(before, now.code_point, after))
      ++hidden;
    else if (now.code_point >= 0x20 && now.code_point != 0x7F)
      unicode::append(clean, now.code_point);
    before = now.code_point;
  }
  return std::string(unicode::trim(clean));
}

Box box_of(const pugi::xml_node& node) {
  Box box;
  std::size_t side = 0;
  for (const char* name : {"xMin", "yMin", "xMax", "yMax"}) {
    const double value = node.attribute(name).as_double();
    const bool is_sane = std::isfinite(value) && std::abs(value) < 1e7;
    box[side++] = is_sane ? std::round(value * 100) / 100 : 0;
  }
  return box;
}

class Reader {
 public:
  std::vector<PdfPage> pages;
  std::size_t hidden = 0;
  int pages_without_text = 0;

  void read_page(const pugi::xml_node& node) {
    PdfPage page;
    for (const pugi::xml_node flow : node.children("flow"))
      for (const pugi::xml_node block : flow.children("block")) read_block(block, page);
    if (page.blocks.empty()) ++pages_without_text;
    pages.push_back(std::move(page));
  }

 private:
  void read_block(const pugi::xml_node& node, PdfPage& page) {
    PdfBlock block;
    block.box = box_of(node);
    for (const pugi::xml_node line : node.children("line")) read_line(line, block);
    if (!block.lines.empty()) page.blocks.push_back(std::move(block));
  }

  void read_line(const pugi::xml_node& node, PdfBlock& block) {
    PdfLine line;
    line.box = box_of(node);
    for (const pugi::xml_node word : node.children("word")) {
      const std::string text = clean_word(word.text().get(), hidden);
      if (text.empty()) continue;
      if (line.text.empty()) {
        const Box box = box_of(word);
        line.first_word_width = box[2] - box[0];
      } else {
        line.text += ' ';
      }
      line.text += text;
    }
    if (!line.text.empty()) block.lines.push_back(std::move(line));
  }
};

/// Whether the Info dictionary's title was written by a person: word processors put file names
/// there.
bool is_sensible(std::string_view title) {
  const std::string lower = unicode::to_lower(title);
  if (unicode::length(title) < 3 || lower.starts_with("untitled")) return false;
  if (lower.starts_with("microsoft word - ") || lower.starts_with("slide 1")) return false;
  for (const std::string_view ending :
       {".doc", ".docx", ".pdf", ".tex", ".dvi", ".ps", ".indd", ".xls", ".xlsx", ".ppt", ".pptx",
        ".odt", ".rtf", ".txt", ".html", ".qxd", ".pmd"})
    if (lower.ends_with(ending)) return false;
  return std::any_of(lower.begin(), lower.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
  });
}

std::string valid_text(std::string_view text) {
  std::size_t uncounted = 0;
  return clean_title(clean_word(text, uncounted));
}

void read_metadata(const pugi::xml_node& head, Document& document) {
  constexpr std::array<std::array<std::string_view, 2>, 5> names = {{{"Author", "author"},
                                                                     {"Subject", "description"},
                                                                     {"CreationDate", "created"},
                                                                     {"ModDate", "modified"},
                                                                     {"Keywords", "keywords"}}};
  for (const pugi::xml_node meta : head.children("meta")) {
    const std::string_view name = meta.attribute("name").value();
    const auto known =
        std::find_if(names.begin(), names.end(), [&](const auto& pair) { return pair[0] == name; });
    if (known == names.end()) continue;
    const std::string value = valid_text(meta.attribute("content").value());
    if (value.empty()) continue;
    if (name == "Keywords")
      document.metadata["keywords"] = split_keywords(value);
    else
      document.metadata[(*known)[1]] = value;
  }
  const std::string title = valid_text(head.child("title").text().get());
  if (is_sensible(title)) document.title = title;
}

}  // namespace

Result<Document> pdf_xhtml_to_document(std::string_view xhtml, int pages_max) {
  pugi::xml_document tree;
  const pugi::xml_parse_result parsed =
      tree.load_buffer(xhtml.data(), xhtml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (parsed.status == pugi::status_out_of_memory)
    return fail(Code::invalid_argument, "needs more memory than it may have");
  const pugi::xml_node body = tree.child("html").child("body").child("doc");
  if (!body) return fail(Code::invalid_argument, "damaged PDF: no pages could be read");

  Reader reader;
  for (const pugi::xml_node page : body.children("page")) reader.read_page(page);
  const auto count = static_cast<int>(reader.pages.size());
  if (count > pages_max)
    return fail(Code::invalid_argument, "has more than {} pages, the limit; split it", pages_max);
  if (count == 0) return fail(Code::invalid_argument, "damaged PDF: it has no pages");
  if (reader.pages_without_text == count) return scanned_error(count);
  Document document = pages_to_document(std::move(reader.pages));
  document.metadata["pages"] = count;
  read_metadata(tree.child("html").child("head"), document);
  if (document.title.empty() && !document.map.headings.empty())
    document.title = document.map.headings.front().title;
  if (reader.pages_without_text > 0)
    document.warnings.push_back(fmt::format("no text on {} of {} pages; they are probably scanned",
                                            reader.pages_without_text, count));
  warn_of_hidden(reader.hidden, document);
  return document;
}

}  // namespace slipway::documents::detail
