// A corpus of broken files for every format that is read, made from one good file of each: cut,
// with bits turned over, under other names, declaring sizes that they do not have, unpacking to
// more than there is memory, nesting without end. All go the whole way of `load_all`, children
// included. formats_fuzz_test.cpp mutates the same formats without children.
#include <doctest/doctest.h>

#include <random>

#include "core/unicode.hpp"
#include "documents/detail/test_pdf.hpp"
#include "documents/detail/test_zip.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using detail::docx_of;
using detail::test_file;
using detail::TestZip;
const Context context;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t part = 6;  // Children start ten times slower there.
#else
constexpr std::size_t part = 1;
#endif

struct Sample {
  std::string ending;  ///< ".docx"
  std::string bytes;
  std::string media_type;  ///< Where the ending says nothing.
};

std::string pdf_sample() {
  detail::TestPdf pdf;
  pdf.info = "/Title (Sample)";
  pdf.has_pictures = true;
  pdf.pages = {{{72, 760, "Heading", 24}, {72, 700, "Text of a page"}}, {{72, 700, "More"}}};
  return pdf.bytes();
}

std::string utf16(std::string_view ascii) {
  std::string bytes = "\xFF\xFE";
  for (const char c : ascii) (bytes += c) += '\0';
  return bytes;
}

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {".docx", test_file("sample.docx"), ""},
      {".pptx", test_file("sample.pptx"), ""},
      {".xlsx", test_file("sample.xlsx"), ""},
      {".odt", test_file("sample.odt"), ""},
      {".epub", test_file("sample.epub"), ""},
      {".zip", test_file("confluence_space.zip"), ""},
      {".zip", test_file("confluence_space_html.zip"), ""},
      {".xml", test_file("confluence_page.xml"), "application/vnd.atlassian.confluence+xml"},
      {".rtf", test_file("sample.rtf"), ""},
      {".eml", test_file("sample.eml"), ""},
      {".eml", test_file("sample_html.eml"), ""},
      {".mbox", test_file("sample.mbox"), ""},
      {".pdf", pdf_sample(), ""},
      {".pdf", test_file("encrypted.pdf"), ""},
      {".html",
       "<html><head><meta charset=shift_jis><title>T</title><style>p{}</style></head><body>"
       "<h1>\x93\xFA\x96\x7B</h1><table><tr><td>a<td>b</table><pre>\n x</pre><p>end",
       ""},
      {".md", "---\ntitle: A\n---\n# Head\n\n- item <!-- c -->\n\n```\ncode\n```\n\xC3\xA9\n", ""},
      {".csv", "Name;Age\r\n\"Ada \"\"L\"\"\r\nB\";36\r\nZo\xC3\xAB;41\r\n", ""},
      {".tsv", "Name\tAge\nAda\t36\n", ""},
      {".json", R"({"a":[1,2.5e3,{"b":"\u00e9\ud83d\ude00"}],"c":null})", ""},
      {".jsonl", "{\"a\":\"x\"}\n{\"a\":[true]}\n", ""},
      {".txt", utf16("Text in UTF-16.\r\nIts second line."), ""},
      {".txt", "caf\xE9 in Windows-1252 \x93quoted\x94", ""},
      {".py", "#!/usr/bin/env python3\ndef f():\n    return '\xC3\xA9'\n", ""},
      {".yaml", "a: 1\nb: [x, y]\n", ""}};
  return all;
}

/// What is wrong with the answer to some bytes, or empty.
std::string verdict(const std::string& path, std::string bytes, const std::string& media_type = "",
                    LoadOptions options = {}) {
  const std::size_t size = bytes.size();
  const auto documents = load_all(context, {path, std::move(bytes), media_type}, options);
  if (!documents) {
    const std::string& message = documents.error().message();
    if (documents.error().code() == Code::internal) return "internal: " + message;
    if (documents.error().code() == Code::deadline_exceeded) return "too slow: " + message;
    if (message.empty() || message.size() > 2000) return "message: " + message;
    return unicode::is_valid_utf8(message) ? "" : "the message is no UTF-8";
  }
  if (documents->empty()) return "no document and no error";
  for (const Document& document : *documents) {
    if (!unicode::is_valid_utf8(document.text)) return "text is no UTF-8";
    if (document.text.empty() || document.title.empty()) return "no text or no title";
    if (document.text.size() > options.text_bytes_max) return "more text than allowed";
    for (const SourceMap::Piece& piece : document.map.pieces)
      if (piece.text_start + piece.length > document.text.size() || piece.byte_end > size)
        return "a piece off its text or source";
    for (const SourceMap::Block& block : document.map.blocks)
      if (block.text_start > block.text_end || block.text_end > document.text.size())
        return "a block off its text";
    (void)document.map.place({0, document.text.size()});
  }
  return {};
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  text.reserve(piece.size() * count);
  for (; count > 0; --count) text += piece;
  return text;
}

TestZip office_zip(const std::string& main_part, const std::string& main_xml) {
  return TestZip{
      {{"_rels/.rels", "<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='" +
                           main_part + "'/></Relationships>"},
       {main_part, main_xml}}};
}

/// The one part that matters, in the container of each format that is a ZIP file.
std::vector<Sample> containers_of(const std::string& xml) {
  std::vector<Sample> all;
  all.push_back({".docx", office_zip("word/document.xml", xml).bytes(), ""});
  all.push_back({".pptx", office_zip("ppt/presentation.xml", xml).bytes(), ""});
  all.push_back({".xlsx", office_zip("xl/workbook.xml", xml).bytes(), ""});
  all.push_back(
      {".odt",
       TestZip{{{"mimetype", "application/vnd.oasis.opendocument.text"}, {"content.xml", xml}}}
           .bytes(),
       ""});
  all.push_back(
      {".epub",
       TestZip{{{"mimetype", "application/epub+zip"}, {"META-INF/container.xml", xml}}}.bytes(),
       ""});
  all.push_back({".zip",
                 TestZip{{{"entities.xml", xml}, {"exportDescriptor.properties", "a=b"}}}.bytes(),
                 ""});
  all.push_back({".xml", xml, "application/vnd.atlassian.confluence+xml"});
  return all;
}

}  // namespace

TEST_CASE("every good file of the corpus is read") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.ending);
    LoadOptions options;
    options.password = "secret";
    const auto documents =
        load_all(context, {"good" + sample.ending, sample.bytes, sample.media_type}, options);
    const bool is_locked = !documents && documents.error().message().find("encrypted PDF") == 0;
    CHECK_MESSAGE((documents.ok() || is_locked), documents.error().message());
  }
}

TEST_CASE("a file of any format that is cut at every sixteenth is an answer or one clear error") {
  for (const Sample& sample : samples())
    for (std::size_t i = 0; i < 16; i += part) {
      CAPTURE(sample.ending);
      CAPTURE(i);
      CHECK(verdict("cut" + sample.ending, sample.bytes.substr(0, sample.bytes.size() * i / 16),
                    sample.media_type) == "");
    }
}

TEST_CASE("a file of any format with bits turned over is an answer or one clear error") {
  std::mt19937 random(23);
  for (const Sample& sample : samples())
    for (std::size_t i = 0; i < 16; i += part) {
      std::string bytes = sample.bytes;
      for (std::size_t flips = 1 + i; flips > 0; --flips)
        bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
      CAPTURE(sample.ending);
      CAPTURE(i);
      CHECK(verdict("flipped" + sample.ending, bytes, sample.media_type) == "");
    }
}

TEST_CASE("a file under the ending or the media type of another format is an answer or an error") {
  const std::size_t count = samples().size();
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t step = 1; step < count; step += 3 * part) {
      const Sample& content = samples()[i];
      const Sample& name = samples()[(i + step) % count];
      CAPTURE(content.ending);
      CAPTURE(name.ending);
      CHECK(verdict("wrong" + name.ending, content.bytes, name.media_type) == "");
    }
  for (const char* type :
       {"application/pdf", "application/rtf", "message/rfc822", "text/html", "application/mbox",
        "application/epub+zip", "text/csv", "application/json",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"})
    for (std::size_t i = 0; i < count; i += 5) {
      CAPTURE(type);
      CAPTURE(samples()[i].ending);
      CHECK(verdict("wrong", samples()[i].bytes, type) == "");
    }
}

TEST_CASE("nothing, blanks, zeros and single bytes are one clear error under every ending") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.ending);
    const auto empty = load_all(context, {"a" + sample.ending, "", sample.media_type});
    REQUIRE(!empty.ok());
    CHECK(empty.error().message() == "is empty");
    for (const std::string& bytes :
         {std::string("\n \t\r\n"), std::string(1, '\0'), std::string(5000, '\0'), std::string("P"),
          std::string("PK\x03\x04"), std::string("\xEF\xBB\xBF"), std::string("\xFF\xFE"),
          std::string("%PDF-"), std::string("{\\rtf"), std::string("<")}) {
      CHECK(verdict("a" + sample.ending, bytes, sample.media_type) == "");
    }
  }
}

TEST_CASE("sizes and counts that a file only declares cost nothing") {
  LoadOptions options;
  options.memory_bytes_max = 512u << 20;
  options.text_bytes_max = 8u << 20;
  const auto check = [&](const std::string& path, const std::string& bytes) {
    CAPTURE(path);
    CAPTURE(bytes.substr(0, 120));
    CHECK(verdict(path, bytes, "", options) == "");
  };
  TestZip zip = office_zip("word/document.xml", "<w:document/>");
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{0x7FFFFFFF},
                                   std::uint64_t{0xFFFFFFFE}, std::uint64_t{0xFFFFFFFF}}) {
    zip.parts[1].declared = size;
    check("a.docx", zip.bytes());
  }
  std::string counted = office_zip("word/document.xml", "<w:document/>").bytes();
  counted.replace(counted.size() - 14, 4, "\xFF\xFF\xFF\xFF");  // Parts, of both counts.
  check("a.docx", counted);
  for (const char* number : {"4294967295", "2147483647", "-1", "999999999999999999999", "1e300"}) {
    const std::string many(number);
    check("a.rtf", "{\\rtf1\\bin" + many + " text\\u" + many + "?\\uc" + many + " \\'41}");
    check("a.html", "<table><tr><td colspan=" + many + " rowspan=" + many +
                        ">cell</table><ol start=" + many + "><li value=" + many + ">item&#" + many +
                        ";</ol>");
    check("a.odt",
          containers_of("<office:document-content><office:body><office:text><text:p>a<text:s "
                        "text:c='" +
                        many +
                        "'/>b</text:p><table:table><table:table-row "
                        "table:number-rows-repeated='" +
                        many + "'><table:table-cell table:number-columns-repeated='" + many +
                        "'><text:p>c</text:p></table:table-cell></table:table-row></table:table>"
                        "<text:h text:outline-level='" +
                        many +
                        "'>Head</text:h></office:text></office:body></office:document-content>")[3]
              .bytes);
    check("a.docx", docx_of("<w:p><w:pPr><w:numPr><w:ilvl w:val='" + many + "'/><w:numId w:val='" +
                            many + "'/></w:numPr><w:outlineLvl w:val='" + many +
                            "'/></w:pPr><w:r><w:rPr><w:sz w:val='" + many +
                            "'/></w:rPr><w:t>text</w:t></w:r></w:p>"));
    check("a.json", "{\"number\": " + many + ", \"text\": \"" + many + "\"}");
    check("a.eml",
          "Content-Type: text/plain\nContent-Length: " + many + "\nLines: " + many + "\n\ntext\n");
    std::string pdf = pdf_sample();
    for (const std::string_view key : {"/Count ", "/Length ", "/Size ", "/Width ", "startxref\n"}) {
      const std::size_t at = pdf.find(key);
      REQUIRE(at != pdf.npos);
      std::string changed = pdf;
      changed.replace(at + key.size(), 1, many);
      check("a.pdf", changed);
    }
  }
  TestZip sheet = office_zip("xl/workbook.xml",
                             "<workbook xmlns:r='r'><sheets><sheet name='S' sheetId='1' r:id='s'/>"
                             "</sheets></workbook>");
  sheet.parts.push_back({"xl/_rels/workbook.xml.rels",
                         "<Relationships><Relationship Id='s' Type='x/worksheet' "
                         "Target='sheet.xml'/></Relationships>"});
  sheet.parts.push_back({"xl/sheet.xml", ""});
  for (const char* place :
       {"XFD1048576", "ZZZZZZZ1", "A4294967295", "A0", "1", "A99999999999999"}) {
    sheet.parts.back().data =
        "<worksheet><dimension ref='A1:XFD1048576'/><sheetData><row r='4294967295'><c r='" +
        std::string(place) + "' t='s'><v>4294967295</v></c><c r='" + std::string(place) +
        "'><v>7</v></c></row></sheetData></worksheet>";
    check("a.xlsx", sheet.bytes());
  }
}

TEST_CASE("ZIP bombs of every container are refused") {
  LoadOptions options;
  options.text_bytes_max = 4u << 20;
  options.memory_bytes_max = 512u << 20;
  const std::string zeros(24u << 20, ' ');
  const std::string packed = TestZip::deflated("<a>" + zeros + "</a>");
  for (const char* name : {"word/document.xml", "ppt/presentation.xml", "xl/workbook.xml"}) {
    TestZip zip = office_zip(name, "<a>" + zeros + "</a>");
    zip.parts[1].packed = packed;
    CAPTURE(name);
    const std::string path = name[0] == 'w' ? "a.docx" : name[0] == 'p' ? "a.pptx" : "a.xlsx";
    CHECK(verdict(path, zip.bytes(), "", options) == "");
    CHECK(!load_all(context, {path, zip.bytes(), ""}, options).ok());
  }
  for (const char* name : {"content.xml", "META-INF/container.xml", "entities.xml"}) {
    TestZip zip;
    if (name[0] != 'e')
      zip.parts.push_back({"mimetype", name[0] == 'c' ? "application/vnd.oasis.opendocument.text"
                                                      : "application/epub+zip"});
    zip.parts.push_back({name, "<a>" + zeros + "</a>", packed});
    CAPTURE(name);
    const std::string path = name[0] == 'c' ? "a.odt" : name[0] == 'M' ? "a.epub" : "a.zip";
    CHECK(verdict(path, zip.bytes(), "", options) == "");
    CHECK(!load_all(context, {path, zip.bytes(), ""}, options).ok());
  }
}

TEST_CASE("entity bombs, outside entities and deep nesting in the XML of every container") {
  std::string bomb = "<!DOCTYPE x [<!ENTITY a0 'bombbombbomb'>";
  for (int i = 1; i < 12; ++i) {
    const std::string inner = "&a" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(i) + " '" + repeated(inner, 10) + "'>";
  }
  const std::string attributes = repeated(" a='b'", 50'000);
  for (const std::string& xml :
       {bomb + "]><x>&a11;</x>",
        std::string("<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><x>&f;</x>"),
        std::string("<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><x>text</x>"),
        repeated("<w:tbl><w:tr><w:tc>", 20'000), repeated("<x>", 100'000),
        repeated("<text:list><text:list-item>", 20'000), "<x" + attributes + "/>",
        "<x a='" + repeated("&#65;", 100'000) + "'/>", std::string("<x>") + repeated("]]>", 50'000),
        "<!--" + repeated("--", 100'000), std::string("<x><![CDATA[") + repeated("]]", 100'000)})
    for (const Sample& sample : containers_of(xml)) {
      CAPTURE(sample.ending);
      CAPTURE(xml.substr(0, 60));
      CHECK(verdict("a" + sample.ending, sample.bytes, sample.media_type) == "");
      const auto documents =
          load_all(context, {"a" + sample.ending, sample.bytes, sample.media_type});
      if (documents) CHECK(documents->front().text.find("root:") == std::string::npos);
    }
}

TEST_CASE("texts that nest or repeat without end are read in good time, or refused") {
  const std::size_t many = 100'000 / part;
  const std::string parts = repeated("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 20'000);
  const std::vector<Sample> all = {
      {".html", repeated("<div>", many) + "deep", ""},
      {".html", repeated("<table><tr><td>", many) + "deep", ""},
      {".html", repeated("<ul><li>x", many), ""},
      {".html", repeated("<b><i><a>", many) + "text", ""},
      {".html", "<p" + repeated(" a=b", many) + ">text", ""},
      {".html", repeated("<", many) + "text" + repeated("&", many), ""},
      {".html", repeated("<pre><table><tr><td><li>x", many / 10), ""},
      {".html", "<style>" + repeated(".a .b{", many) + "</style><p>text", ""},
      {".html", "text" + repeated("<!--", many), ""},
      {".md", repeated(">", many) + " text", ""},
      {".md", repeated("- ", many) + "text", ""},
      {".md", "# " + repeated("[", many) + "text" + repeated("](", many), ""},
      {".md", "# " + repeated("*a_", many), ""},
      {".md", repeated("```\n", many), ""},
      {".md", repeated("<!--", many) + "text", ""},
      {".md", "---\n" + repeated("a: [", 20'000) + "\n---\ntext", ""},
      {".md", "---\na: &a [x]\n" + repeated("b: [*a, *a]\n", 5'000) + "---\ntext", ""},
      {".json", repeated("[", many), ""},
      {".json", repeated("{\"a\":", many), ""},
      {".json", "\"" + repeated("\\u0041", many) + "\"", ""},
      {".jsonl", repeated("{}\n", many), ""},
      {".csv", repeated(",", many) + "\n" + repeated(",", many), ""},
      {".csv", "a,b\n\"" + repeated("\"\"", many), ""},
      {".csv", repeated("\"", many), ""},
      {".rtf", "{\\rtf1" + repeated("{", many) + "text", ""},
      {".rtf", "{\\rtf1 text" + repeated("}", many), ""},
      {".rtf", "{\\rtf1" + repeated("\\trowd\\cell", many) + "x}", ""},
      {".rtf", "{\\rtf1" + repeated("\\u8364?", many) + "}", ""},
      {".eml", parts + "text\n", ""},
      {".eml", repeated("a: b\n", many) + "\ntext\n", ""},
      {".eml", "Subject: " + repeated("=?utf-8?B?eA==?= ", many / 10) + "\n\ntext\n", ""},
      {".eml", "Subject: x\n" + repeated(" folded", many) + "\n\ntext\n", ""},
      {".eml", "From: a\nContent-Transfer-Encoding: base64\n\n" + repeated("=", many), ""},
      {".eml", "From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + repeated("--b\n", many),
       ""},
      {".mbox", repeated("From a@b Mon Jan  1 00:00:00 2024\n", 20'000), ""},
      {".mbox", "From a@b Mon Jan  1 00:00:00 2024\n\n" + repeated(">From x\n", many), ""},
      {".pdf", "%PDF-1.4\n1 0 obj\n" + repeated("[", many) + "\nendobj\n%%EOF\n", ""},
      {".pdf",
       "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 9"
       "/Kids[2 0 R 2 0 R 2 0 R]>>endobj\ntrailer<</Root 1 0 R/Prev 5>>\nstartxref\n5\n"
       "%%EOF\n",
       ""},
      {".txt", repeated("\xE2\x80\x8B", many) + "text", ""},
      {".txt", repeated("\xFF", many) + "text", ""},
      {".txt", "\xFE\xFF" + repeated("\xD8\x3D", many), ""},
      {".py", repeated("(", many), ""},
      {".yaml", repeated("- ", many), ""}};
  for (const Sample& sample : all) {
    CAPTURE(sample.ending);
    CAPTURE(sample.bytes.substr(0, 50));
    CHECK(verdict("a" + sample.ending, sample.bytes) == "");
  }
}

}  // namespace slipway::documents
