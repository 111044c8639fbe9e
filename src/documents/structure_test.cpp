// What the kinds `markdown` and `html` promise of tables, code and lists, for every format that has
// them: the same made-up contents are written as Markdown, HTML, Word and Confluence, loaded, and
// cut at many sizes.
#include <doctest/doctest.h>

#include <random>

#include "core/unicode.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/detail/test_zip.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

namespace {

using Strings = std::vector<std::string>;

/// One block of a document, whatever the format.
struct Content {
  enum class Kind { heading, paragraph, list, table, code } kind = Kind::paragraph;
  Strings lines;              ///< Sentences, items, or lines of code.
  std::vector<Strings> rows;  ///< Of a table; the first is the header.
};

/// Every word occurs once, so that it is found in the text without doubt.
class ContentMaker {
 public:
  explicit ContentMaker(unsigned seed) : random_(seed) {}

  std::vector<Content> make() {
    std::vector<Content> contents;
    for (std::size_t left = 3 + random_() % 8; left > 0; --left) {
      auto kind = static_cast<Content::Kind>(random_() % 5);
      // In Word two code blocks side by side are one.
      if (kind == Content::Kind::code && !contents.empty() && contents.back().kind == kind)
        kind = Content::Kind::paragraph;
      contents.push_back(block(kind));
    }
    contents.push_back(block(Content::Kind::paragraph));
    return contents;
  }

 private:
  std::string word() { return fmt::format("w{}{}", ++words_, random_() % 3 == 0 ? "é" : ""); }
  std::string words(std::size_t most) {
    std::string text = word();
    for (std::size_t left = random_() % most; left > 0; --left) text += " " + word();
    return text;
  }
  std::string sentence() { return "The " + words(9) + "."; }

  Content block(Content::Kind kind) {
    Content content{kind, {}, {}};
    switch (kind) {
      case Content::Kind::heading: content.lines = {"Title " + words(3)}; break;
      case Content::Kind::paragraph:
        for (std::size_t left = 1 + random_() % 4; left > 0; --left)
          content.lines.push_back(sentence());
        if (random_() % 3 == 0) content.lines.push_back("The " + words(4) + " are:");
        break;
      case Content::Kind::list:
        for (std::size_t left = 1 + random_() % 5; left > 0; --left)
          content.lines.push_back("Item " + words(10));
        break;
      case Content::Kind::table:
        for (std::size_t left = 2 + random_() % 5; left > 0; --left)
          content.rows.push_back({words(4), words(2), words(6)});
        break;
      case Content::Kind::code:
        for (std::size_t left = 1 + random_() % 6; left > 0; --left) {
          content.lines.push_back("call_" + word() + "(" + word() + ")");
          if (left > 1 && random_() % 3 == 0) content.lines.emplace_back();
        }
        break;
    }
    return content;
  }

  std::mt19937 random_;
  int words_ = 0;
};

std::string joined(const Strings& parts, std::string_view gap) {
  return fmt::format("{}", fmt::join(parts, gap));
}

std::string markdown_of(const std::vector<Content>& contents) {
  std::string text;
  for (const Content& one : contents) {
    switch (one.kind) {
      case Content::Kind::heading: text += "## " + one.lines[0]; break;
      case Content::Kind::paragraph: text += joined(one.lines, " "); break;
      case Content::Kind::list: text += "- " + joined(one.lines, "\n- "); break;
      case Content::Kind::table:
        for (std::size_t row = 0; row < one.rows.size(); ++row) {
          text += (row > 0 ? "\n| " : "| ") + joined(one.rows[row], " | ") + " |";
          if (row == 0) text += "\n|---|---|---|";
        }
        break;
      case Content::Kind::code: text += "```py\n" + joined(one.lines, "\n") + "\n```"; break;
    }
    text += "\n\n";
  }
  return text;
}

/// HTML, and Confluence storage, which differ only in code.
std::string page_of(const std::vector<Content>& contents, bool is_storage) {
  std::string text;
  for (const Content& one : contents) {
    switch (one.kind) {
      case Content::Kind::heading: text += "<h2>" + one.lines[0] + "</h2>"; break;
      case Content::Kind::paragraph: text += "<p>" + joined(one.lines, "\n") + "</p>"; break;
      case Content::Kind::list:
        text += "<ul><li>" + joined(one.lines, "</li><li>") + "</li></ul>";
        break;
      case Content::Kind::table:
        text += "<table><tbody>";
        for (const Strings& row : one.rows)
          text += "<tr><td>" + joined(row, "</td><td>") + "</td></tr>";
        text += "</tbody></table>";
        break;
      case Content::Kind::code:
        text += is_storage
                    ? "<ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[" +
                          joined(one.lines, "\n") + "]]></ac:plain-text-body></ac:structured-macro>"
                    : "<pre>" + joined(one.lines, "\n") + "</pre>";
        break;
    }
  }
  return text;
}

std::string word_paragraph(const std::string& text, const std::string& format = "") {
  return "<w:p>" + (format.empty() ? "" : "<w:pPr>" + format + "</w:pPr>") + "<w:r><w:t>" + text +
         "</w:t></w:r></w:p>";
}

std::string docx_of(const std::vector<Content>& contents) {
  std::string body;
  for (const Content& one : contents) {
    switch (one.kind) {
      case Content::Kind::heading:
        body += word_paragraph(one.lines[0], "<w:pStyle w:val='H2'/>");
        break;
      case Content::Kind::paragraph: body += word_paragraph(joined(one.lines, " ")); break;
      case Content::Kind::list:
        for (const std::string& item : one.lines)
          body +=
              word_paragraph(item, "<w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr>");
        break;
      case Content::Kind::table:
        body += "<w:tbl>";
        for (const Strings& row : one.rows) {
          body += "<w:tr>";
          for (const std::string& cell : row) body += "<w:tc>" + word_paragraph(cell) + "</w:tc>";
          body += "</w:tr>";
        }
        body += "</w:tbl>";
        break;
      case Content::Kind::code:
        for (const std::string& line : one.lines)
          body += word_paragraph(line, "<w:pStyle w:val='Code'/>");
        break;
    }
  }
  return detail::TestZip{
      {{"_rels/.rels",
        "<Relationships><Relationship Id='r1' Type='x/officeDocument' "
        "Target='word/document.xml'/></Relationships>"},
       {"word/_rels/document.xml.rels",
        "<Relationships><Relationship Id='a' Type='x/styles' Target='styles.xml'/>"
        "<Relationship Id='b' Type='x/numbering' Target='numbering.xml'/></Relationships>"},
       {"word/styles.xml",
        "<w:styles xmlns:w='w'><w:style w:styleId='H2'><w:name w:val='heading 2'/></w:style>"
        "<w:style w:styleId='Code'><w:name w:val='Code'/></w:style></w:styles>"},
       {"word/numbering.xml",
        "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='0'><w:lvl w:ilvl='0'>"
        "<w:numFmt w:val='bullet'/></w:lvl></w:abstractNum><w:num w:numId='1'>"
        "<w:abstractNumId w:val='0'/></w:num></w:numbering>"},
       {"word/document.xml", "<w:document xmlns:w='w'><w:body>" + body + "</w:body></w:document>"}}}
      .bytes();
}

Document read_as(std::string_view media_type, const std::string& bytes) {
  detail::ReadTask task;
  task.bytes = bytes;
  task.media_type = media_type;
  auto documents = detail::find_format(media_type)->reader(task);
  REQUIRE_MESSAGE(documents.ok(), documents.error().message());
  return std::move(documents->front());
}

struct Written {
  std::string format;
  SplitterKind kind = SplitterKind::html;
  Document document;
};

std::vector<Written> written(const std::vector<Content>& contents) {
  std::vector<Written> all;
  const std::string markdown = markdown_of(contents);
  Document text;
  text.text = markdown;
  all.push_back({"Markdown", SplitterKind::markdown, text});
  auto loaded = load(Context(), {"a.md", markdown, "text/markdown"});
  REQUIRE(loaded.ok());
  all.push_back({"Markdown by headings", SplitterKind::html, *std::move(loaded)});
  auto page = detail::html_to_document(page_of(contents, false));
  REQUIRE(page.ok());
  all.push_back({"HTML", SplitterKind::html, *std::move(page)});
  all.push_back({"Confluence", SplitterKind::html,
                 read_as("application/vnd.atlassian.confluence+xml", page_of(contents, true))});
  all.push_back({"Word", SplitterKind::html,
                 read_as("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                         docx_of(contents))});
  return all;
}

/// From the first to the last of some words, which all stand in the text.
Span stretch(std::string_view text, const std::string& first, const std::string& last) {
  const std::size_t start = text.find(first);
  const std::size_t end = text.find(last);
  REQUIRE_MESSAGE(start != text.npos, first);
  REQUIRE_MESSAGE(end != text.npos, last);
  return {start, end + last.size()};
}

/// What must not be cut when it fits.
struct Whole {
  std::string what;
  Span span;
};

std::vector<Whole> wholes_of(const std::vector<Content>& contents, std::string_view text) {
  std::vector<Whole> wholes;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const Content& one = contents[i];
    const Content* before = i > 0 ? &contents[i - 1] : nullptr;
    const bool is_led = before != nullptr && before->kind == Content::Kind::paragraph;
    if (one.kind == Content::Kind::list) {
      for (const std::string& item : one.lines)
        wholes.push_back({"item", stretch(text, item, item)});
      if (is_led)
        wholes.push_back({"list with lead-in", stretch(text, before->lines.back(), one.lines[0])});
    }
    if (one.kind == Content::Kind::code)
      wholes.push_back({"code", stretch(text, one.lines.front(), one.lines.back())});
    for (const Strings& row : one.rows) {
      wholes.push_back({"row", stretch(text, row.front(), row.back())});
      for (const std::string& cell : row) wholes.push_back({"cell", stretch(text, cell, cell)});
    }
    if (one.kind == Content::Kind::heading && i + 1 < contents.size() &&
        contents[i + 1].kind == Content::Kind::paragraph) {
      const Span heading = stretch(text, one.lines[0], one.lines[0]);
      wholes.push_back(
          {"heading and first word", {heading.start, text.find("The", heading.end) + 3}});
    }
  }
  return wholes;
}

/// The marks around, which belong to it and must fit as well.
std::size_t with_marks(const Whole& whole, std::string_view text) {
  Span span = whole.span;
  if (whole.what == "code") {
    const std::size_t fence = text.rfind("```", span.start);
    if (fence != text.npos && span.start - fence < 8) span.start = fence;
    if (text.substr(span.end, 4) == "\n```") span.end += 4;
  }
  const auto is_mark = [&](char c) { return c == '|' || c == ' ' || c == '-' || c == '#'; };
  while (span.start > 0 && is_mark(text[span.start - 1])) --span.start;
  while (span.end < text.size() && is_mark(text[span.end])) ++span.end;
  return unicode::length(text.substr(span.start, span.size()));
}

}  // namespace

TEST_CASE("rows, cells, code, items and lead-ins that fit are never cut, in any format") {
  std::size_t checked = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const std::vector<Content> contents = ContentMaker(seed).make();
    for (const Written& one : written(contents)) {
      const std::string& text = one.document.text;
      const std::vector<Whole> wholes = wholes_of(contents, text);
      for (std::size_t size = 20; size <= 260; size += 12) {
        SplitterSettings settings;
        settings.kind = one.kind;
        settings.chunk_size = size;
        SplitInput input;
        input.map = &one.document.map;
        const auto chunks = split(text, settings, input);
        REQUIRE_MESSAGE(chunks.ok(), chunks.error().message());
        for (const Span chunk : *chunks)
          REQUIRE(unicode::length(std::string_view(text).substr(chunk.start, chunk.size())) <=
                  size);
        for (const Whole& whole : wholes) {
          if (with_marks(whole, text) > size) continue;
          ++checked;
          const bool is_whole = std::any_of(chunks->begin(), chunks->end(), [&](Span chunk) {
            return chunk.start <= whole.span.start && chunk.end >= whole.span.end;
          });
          CHECK_MESSAGE(is_whole, one.format << ", seed " << seed << ", size " << size << ": "
                                             << whole.what << " is cut: "
                                             << text.substr(whole.span.start, whole.span.size()));
        }
      }
    }
  }
  CHECK(checked > 100'000);
}

TEST_CASE("a row that does not fit is cut between cells, never in one that fits") {
  const std::string text =
      "| name | a longer heading |\n|---|---|\n| first cell here | second \\| cell here | third "
      "|\n";
  SplitterSettings settings;
  settings.kind = SplitterKind::markdown;
  settings.chunk_size = 26;
  const auto chunks = split(text, settings);
  REQUIRE(chunks.ok());
  Strings got;
  for (const Span chunk : *chunks) got.push_back(text.substr(chunk.start, chunk.size()));
  CHECK(got == Strings{"| name", "| a longer heading |", "|---|---|", "| first cell here",
                       "| second \\| cell here", "| third |"});
}

TEST_CASE("code in an item, tables in cells and lists in cells of a page keep together") {
  const auto page = detail::html_to_document(
      "<p>Some words first. Do this:</p><ol><li>Open it<pre>one\n\ntwo\n\nthree</pre></li>"
      "<li>Close it</li></ol><table><tr><td>head</td><td>er</td></tr><tr><td><p>x</p><ul><li>y"
      "</li></ul></td><td>z</td></tr><tr><td>last</td><td>row</td></tr></table>");
  REQUIRE(page.ok());
  CHECK(page->text ==
        "Some words first. Do this:\n\nOpen it\n\none\n\ntwo\n\nthree\n\nClose it\n\n"
        "head\ter\n\nx\n\ny\n\nz\nlast\trow");
  SplitterSettings settings;
  settings.kind = SplitterKind::html;
  settings.chunk_size = 22;
  SplitInput input;
  input.map = &page->map;
  Strings got;
  const auto chunks = split(page->text, settings, input);
  REQUIRE(chunks.ok());
  for (const Span chunk : *chunks) got.push_back(page->text.substr(chunk.start, chunk.size()));
  CHECK(got == Strings{"Some words first.", "Do this:\n\nOpen it", "one\n\ntwo\n\nthree",
                       "Close it", "head\ter\n\nx\n\ny\n\nz", "last\trow"});
}

TEST_CASE("without a map the lines of the text tell what stays whole") {
  const std::string text = "Words before it.\n\n- one\n- two\n\nWords behind it.";
  SplitterSettings settings;
  settings.kind = SplitterKind::html_semantic;
  settings.chunk_size = 20;
  const auto chunks = split(text, settings);
  REQUIRE(chunks.ok());
  Strings got;
  for (const Span chunk : *chunks) got.push_back(text.substr(chunk.start, chunk.size()));
  CHECK(got == Strings{"Words before it.", "- one\n- two\n\nWords", "behind it."});
}

TEST_CASE("blocks of a map are stored, and damaged ones are refused") {
  SourceMap map = SourceMap::identity(30);
  map.blocks = {{0, 20, SourceMap::BlockKind::table},
                {0, 9, SourceMap::BlockKind::row},
                {22, 30, SourceMap::BlockKind::code}};
  const std::string bytes = map.encode();
  const auto again = SourceMap::decode(bytes);
  REQUIRE(again.ok());
  CHECK(again->blocks.size() == 3);
  CHECK(again->blocks[2].text_start == 22);
  CHECK(again->blocks[2].text_end == 30);
  CHECK(again->blocks[2].kind == SourceMap::BlockKind::code);
  CHECK(again->encode() == bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(!SourceMap::decode(bytes.substr(0, size)).ok());
  std::string odd = bytes;
  odd.back() = 9;  // A kind that does not exist.
  CHECK(!SourceMap::decode(odd).ok());
}

}  // namespace slipway::documents
