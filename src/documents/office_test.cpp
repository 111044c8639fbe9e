#include <doctest/doctest.h>

#include "documents/detail/test_zip.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using detail::docx_of;
using detail::test_file;
using detail::TestZip;
const Context context;

Document loaded(std::string path, std::string bytes) {
  auto document = load(context, {std::move(path), std::move(bytes), ""}, {});
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

std::string failure(std::string path, std::string bytes, const LoadOptions& options = {}) {
  const auto document = load(context, {std::move(path), std::move(bytes), ""}, options);
  REQUIRE(!document.ok());
  CHECK(document.error().code() != Code::internal);
  return document.error().message();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

Place place_of(const Document& document, std::string_view part) {
  const std::size_t at = document.text.find(part);
  REQUIRE_MESSAGE(at != std::string::npos, part);
  return document.map.place({at, at + part.size()});
}

bool warns(const Document& document, std::string_view warning) {
  return std::find(document.warnings.begin(), document.warnings.end(), warning) !=
         document.warnings.end();
}

std::string paragraph(const std::string& text) {
  return "<w:p><w:r><w:t>" + text + "</w:t></w:r></w:p>";
}

}  // namespace

TEST_CASE("a Word document becomes text with headings, lists, tables and code") {
  const Document document = loaded("a.docx", test_file("sample.docx"));
  CHECK(document.title == "Operations Handbook");
  CHECK(document.metadata.at("author") == "Ann Example");
  CHECK(json::dump(document.metadata.at("keywords")) == R"(["ops","traces"])");
  CHECK(document.metadata.at("created") == "2024-03-05T10:00:00Z");
  CHECK(has(document.text, "Traces are kept for 30 days by default.\n\n"));
  CHECK(has(document.text,
            "To change it:\n1. Open the settings.\n2. Set the number of days.\n3. Save."));
  CHECK(
      has(document.text, "| Plan | Days | Price |\n| Free | 7 | 0 EUR |\n| Team | 30 | 20 EUR |"));
  CHECK(has(document.text, "- Names with café and 中文.\n- Second point"));
  CHECK(
      has(document.text,
          "```\ndef keep(days):\n    if days > 30:\n        return False\n\n    return True\n```"));
  const Place place = place_of(document, "| Team | 30");
  CHECK(place.heading_path == std::vector<std::string>{"Retention", "Limits"});
  CHECK(!place.byte_start);
  CHECK(!place.page);
}

TEST_CASE("hidden and deleted text of a Word document is dropped and counted") {
  const Document document = loaded("a.docx", test_file("sample.docx"));
  CHECK(!has(document.text, "Ignore all previous"));
  CHECK(!has(document.text, "deleted words"));
  CHECK(warns(document, "hidden text dropped: 46 characters"));
  const Document tiny = loaded("a.docx", docx_of("<w:p><w:r><w:rPr><w:sz w:val='2'/></w:rPr><w:t>"
                                                 "tiny</w:t></w:r></w:p>" +
                                                 paragraph("big")));
  CHECK(tiny.text == "big");
}

TEST_CASE("text boxes, notes, nested tables and old twins of a shape are read once") {
  const Document document = loaded(
      "a.docx",
      docx_of("<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>" + paragraph("in a box") +
              "</w:txbxContent></mc:Choice><mc:Fallback><w:pict>" + paragraph("in a box") +
              "</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
              "<w:tbl><w:tr><w:tc>" +
              paragraph("a") + paragraph("b") + "<w:tbl><w:tr><w:tc>" + paragraph("inner") +
              "</w:tc></w:tr></w:tbl></w:tc><w:tc>" + paragraph("c") + "</w:tc></w:tr></w:tbl>"));
  CHECK(document.text == "in a box\n\n| a b inner | c |");
}

TEST_CASE("a workbook becomes rows that name their columns, with sheet and row as place") {
  const Document document = loaded("a.xlsx", test_file("sample.xlsx"));
  CHECK(document.title == "Prices of 2024");
  CHECK(has(document.text,
            "| Product | Price | Since | In stock |\n"
            "| Product: Widget | Price: 19.5 | Since: 2024-01-15 | In stock: true |\n"
            "| Product: Gadget | Price: 0.3 | Since: 2023-12-31 18:30 |"));
  CHECK(has(document.text, "| Product: Share | Price: 12.5% |"));
  CHECK(has(document.text, "\n\nPeople\n| Name | City |\n| Name: Ada | City: London |"));
  const Place widget = place_of(document, "Price: 19.5");
  CHECK(widget.sheet == "Prices");
  CHECK(widget.row == 4);
  CHECK(!widget.row_end);
  CHECK(widget.heading_path == std::vector<std::string>{"Prices"});
  const Place both = place_of(document, "| Name: Ada | City: London |\n| Name: Zoë");
  CHECK(both.sheet == "People");
  CHECK(both.row == 2);
  CHECK(both.row_end == 3);
}

TEST_CASE("hidden sheets and rows of a workbook are left out, reported and counted") {
  const Document document = loaded("a.xlsx", test_file("sample.xlsx"));
  CHECK(!has(document.text, "Secret"));
  CHECK(!has(document.text, "hidden text"));
  CHECK(warns(document, "hidden sheets left out: Internal"));
  CHECK(warns(document, "hidden rows left out: 1"));
  CHECK(warns(document, "hidden text dropped: 32 characters"));
}

TEST_CASE("a presentation becomes slides with titles as headings and their number as page") {
  const Document document = loaded("a.pptx", test_file("sample.pptx"));
  CHECK(document.title == "Review Q1");
  CHECK(has(document.text,
            "Results\n\n- Revenue grew by 12 percent\n  - Mostly in Europe\n- Costs fell"
            "\n\nNotes: Mention the new office."));
  CHECK(has(document.text, "| Quarter | Revenue |\n| Q1 | 1.2M |\n\nSource: ledger"));
  const Place place = place_of(document, "Costs fell");
  CHECK(place.page == 2);
  CHECK(place.boxes.empty());
  CHECK(place.heading_path == std::vector<std::string>{"Results"});
  const Place two = place_of(document, "new office.\n\nNumbers");
  CHECK(two.page == 2);
  CHECK(two.page_end == 3);
  CHECK(!has(document.text, "secret"));
  CHECK(warns(document, "hidden slides left out: 1"));
}

TEST_CASE("a container that is damaged gives one clear error") {
  const std::string good = docx_of(paragraph("text"));
  CHECK(loaded("a.docx", good).text == "text");
  CHECK(has(failure("a.docx", good.substr(0, good.size() - 30)), "damaged or truncated ZIP"));
  CHECK(has(failure("a.docx", "not a zip at all"), "named .docx but has no DOCX header"));
  TestZip zip{{{"_rels/.rels", "<Relationships/>"}, {"word/x.xml", "<a/>"}}};
  CHECK(has(failure("a.docx", zip.bytes()), "main part"));
  TestZip sum{{{"_rels/.rels", "<Relationships/>", "", 0, 1}, {"word/x.xml", "<a/>"}}};
  CHECK(has(failure("a.docx", sum.bytes()), "checksum"));
  TestZip locked{{{"_rels/.rels", "<Relationships/>", "", 0, 0, 1}, {"word/x.xml", "<a/>"}}};
  CHECK(has(failure("a.docx", locked.bytes()), "encrypted"));
  TestZip outside{{{"../../etc/passwd", "x"}, {"word/document.xml", "<a/>"}, {"_rels/.rels", "x"}}};
  CHECK(has(failure("a.docx", outside.bytes()), "leads out of the archive"));
  CHECK(has(failure("a.docx", docx_of("<w:p>")), "not well-formed XML in line 1"));
}

TEST_CASE("a bomb is refused by its size, declared or not") {
  const std::string zeros(3u << 20, ' ');
  const std::string rels =
      "<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='word/document.xml'/>"
      "</Relationships>";
  LoadOptions small;
  small.text_bytes_max = 512u << 10;
  TestZip declared{{{"_rels/.rels", rels}, {"word/document.xml", zeros, TestZip::deflated(zeros)}}};
  CHECK(has(failure("a.docx", declared.bytes(), small), "more than the limit of 2 MiB"));
  TestZip lying{
      {{"_rels/.rels", rels}, {"word/document.xml", zeros, TestZip::deflated(zeros), 100}}};
  CHECK(has(failure("a.docx", lying.bytes()), "cannot be unpacked to the size"));
}

TEST_CASE("entities that a document declares are refused, and so is nesting without end") {
  std::string laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><w:p>&b;</w:p>";
  TestZip zip{{{"_rels/.rels",
                "<Relationships><Relationship Id='r1' Type='x/officeDocument' "
                "Target='word/document.xml'/></Relationships>"},
               {"word/document.xml", laughs}}};
  CHECK(has(failure("a.docx", zip.bytes()), "declares entities of its own"));
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "<w:tbl>";
  CHECK(has(failure("a.docx", docx_of(deep)), "nests elements more than 1000 deep"));
}

TEST_CASE("CSV rows name their columns and every cell leads to its bytes") {
  const std::string source =
      "Name;Price;Note\r\nWidget;19,5;\"two\r\nlines\"\r\nGadget;7;\"say \"\"hi\"\"\"\r\n";
  const Document document = loaded("a.csv", source);
  CHECK(document.media_type == "text/csv");
  CHECK(document.text ==
        "| Name | Price | Note |\n| Name: Widget | Price: 19,5 | Note: two lines |\n"
        "| Name: Gadget | Price: 7 | Note: say \"hi\" |");
  CHECK(json::dump(document.metadata.at("columns")) == R"(["Name","Price","Note"])");
  const auto bytes_of = [&](std::string_view part) {
    const Place place = place_of(document, part);
    return source.substr(*place.byte_start, *place.byte_end - *place.byte_start);
  };
  CHECK(bytes_of("Widget") == "Widget");
  CHECK(bytes_of("two lines") == "two\r\nlines");
  CHECK(bytes_of("say \"hi\"") == "say \"\"hi\"\"");
  CHECK(bytes_of("Name: Gadget | Price: 7") == "Gadget;7");
  CHECK(place_of(document, "Gadget").row == 3);
  CHECK(!place_of(document, "Gadget").sheet);
}

TEST_CASE("the delimiter and the header of a table are found, and their absence too") {
  CHECK(has(loaded("a.tsv", "a\tb\n1\t2\n").text, "| a: 1 | b: 2 |"));
  CHECK(has(loaded("a.csv", "sep=|\na|b\n1|2\n").text, "| a: 1 | b: 2 |"));
  CHECK(loaded("a.csv", "1,2\n3,4\n").text == "| 1 | 2 |\n| 3 | 4 |");
  CHECK(loaded("a.csv", "Report 2024,,\n,,\nx,y,z\n1,2,3\n").text ==
        "| Report 2024 |  |  |\n| x | y | z |\n| x: 1 | y: 2 | z: 3 |");
  CHECK(loaded("a.csv", "one\ntwo\n").text == "| one |\n| two |");
  CHECK(failure("a.csv", "a,b\n1,\"open\n2,3\n") == "the quotation mark in line 2 is never closed");
}

TEST_CASE("a map with rows and sheets is stored and read back; one without keeps its old form") {
  const Document document = loaded("a.xlsx", test_file("sample.xlsx"));
  const auto again = SourceMap::decode(document.map.encode());
  REQUIRE(again.ok());
  CHECK(again->sheets == document.map.sheets);
  REQUIRE(again->rows.size() == document.map.rows.size());
  CHECK(again->rows.back().row == document.map.rows.back().row);
  CHECK(again->encode() == document.map.encode());
  CHECK(SourceMap::identity(5).encode()[0] == 1);
  CHECK(document.map.encode()[0] == 2);
  std::string cut = document.map.encode();
  for (std::size_t size = 0; size < cut.size(); ++size)
    CHECK(!SourceMap::decode(cut.substr(0, size)).ok());
}

}  // namespace slipway::documents
