#include <doctest/doctest.h>

#include <cstdlib>

#include "core/files.hpp"
#include "documents/detail/pdf_text.hpp"
#include "documents/detail/test_pdf.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

const Context context;

Result<Document> loading(std::string_view bytes, LoadOptions options = {}) {
  return load(context, {"paper.pdf", std::string(bytes), ""}, options);
}

Document loaded(const detail::TestPdf& pdf) {
  auto document = loading(pdf.bytes());
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

/// One page with a paragraph whose lines follow each other.
detail::TestPdf page_of(const std::vector<std::string>& lines) {
  detail::TestPdf pdf;
  pdf.pages.emplace_back();
  double y = 700;
  for (const std::string& line : lines) {
    pdf.pages[0].push_back({72, y, line});
    y -= 13;
  }
  return pdf;
}

}  // namespace

TEST_CASE("every line of a PDF knows its page and box") {
  detail::TestPdf pdf;
  pdf.info = "/Title (The Handbook) /Author (Ann B.) /Keywords (x, y)";
  pdf.pages = {{{72, 700, "First page text."}, {300, 100, "Foot of the page."}},
               {{72, 700, "Second page text."}}};
  const Document document = loaded(pdf);
  CHECK(document.text == "First page text.\n\nFoot of the page.\n\nSecond page text.");
  CHECK(document.title == "The Handbook");
  CHECK(document.media_type == "application/pdf");
  CHECK(json::dump(document.metadata) == R"({"pages":2,"keywords":["x","y"],"author":"Ann B."})");
  CHECK(document.map.pieces.empty());
  REQUIRE(document.map.lines.size() == 3);
  const std::size_t at = document.text.find("Foot");
  const Place foot = document.map.place({at, at + 4});
  CHECK(foot.page == 1);
  CHECK(!foot.page_end);
  CHECK(!foot.byte_start);
  REQUIRE(foot.boxes.size() == 1);
  CHECK(foot.boxes[0][0] == doctest::Approx(300));
  CHECK(foot.boxes[0][1] > 842 - 100 - 12);
  CHECK(foot.boxes[0][3] < 842 - 100 + 4);
  const Place all = document.map.place({0, document.text.size()});
  CHECK(all.page == 1);
  CHECK(all.page_end == 2);
  CHECK(all.boxes.size() == 2);
}

TEST_CASE("the lines of a paragraph join and its items do not") {
  CHECK(loaded(
            page_of({"The retention period for traces is thirty days by default",
                     "and can be changed in the configuration file of the server", "at any time."}))
            .text ==
        "The retention period for traces is thirty days by default and can be changed in the "
        "configuration file of the server at any time.");
  CHECK(loaded(page_of({"- first item of the list", "- second item", "- third item of it"})).text ==
        "- first item of the list\n- second item\n- third item of it");
  CHECK(loaded(page_of({"Name and Address", "Ann", "Long Street 1"})).text ==
        "Name and Address\nAnn\nLong Street 1");
}

TEST_CASE("a hyphen at a line end goes when the typesetter put it there") {
  CHECK(loaded(page_of({"This is a description of the configu-", "ration of the whole server and",
                        "of all its parts."}))
            .text.find("configuration of") != std::string::npos);
  CHECK(loaded(page_of({"A well known and well-known fact is well-", "known to all who know it as",
                        "well."}))
            .text.find("is well-known to") != std::string::npos);
  CHECK(loaded(page_of({"It long was a term and now is a long-", "term plan for the whole term and",
                        "long after."}))
            .text.find("long-term plan") != std::string::npos);
  CHECK(loaded(page_of({"The numbers 1939-", "1945 are years of a great war and", "so on."}))
            .text.find("1939-1945") != std::string::npos);
}

TEST_CASE("two columns are read one after the other") {
  detail::TestPdf pdf;
  pdf.pages.emplace_back();
  for (int i = 0; i < 12; ++i) {
    pdf.pages[0].push_back({60, 700.0 - 13 * i, fmt::format("left column words in line {}", i)});
    pdf.pages[0].push_back({330, 700.0 - 13 * i, fmt::format("right column words in line {}", i)});
  }
  const std::string text = loaded(pdf).text;
  CHECK(text.find("left column words in line 11") < text.find("right column words in line 0"));
}

TEST_CASE("a line in much larger type is a heading") {
  detail::TestPdf pdf = page_of({"Body text of the paper that is long enough to be usual."});
  pdf.pages[0].insert(pdf.pages[0].begin(), {72, 760, "Budgets and Limits", 24});
  const Document document = loaded(pdf);
  CHECK(document.title == "Budgets and Limits");
  REQUIRE(document.map.headings.size() == 1);
  const std::size_t body = document.text.find("Body");
  CHECK(document.map.place({body, body + 4}).heading_path ==
        std::vector<std::string>{"Budgets and Limits"});
}

TEST_CASE("the size of headings gives their level and a table of contents gives none") {
  detail::TestPdf pdf =
      page_of({"Body text of the paper that is long enough to be usual, and more."});
  auto& page = pdf.pages[0];
  page.insert(
      page.begin(),
      {{72, 800, "Guide", 30}, {72, 760, "Intro . . . . . . 3", 20}, {72, 735, "Budgets", 20}});
  page.push_back({72, 600, "Limits", 20});
  const Document document = loaded(pdf);
  using Path = std::vector<std::string>;
  const std::size_t body = document.text.find("Body");
  CHECK(document.map.place({body, body + 4}).heading_path == Path{"Guide", "Budgets"});
  const std::size_t limits = document.text.find("Limits");
  CHECK(document.map.place({limits, limits + 4}).heading_path == Path{"Guide", "Limits"});
}

TEST_CASE("a bullet that stands apart is put before its item") {
  using detail::PdfBlock;
  const auto block = [](const char* text, double left, double top) {
    return PdfBlock{{left, top, left + 50, top + 10},
                    {{text, 20, {left, top, left + 50, top + 10}}}};
  };
  std::vector<detail::PdfPage> pages(1);
  pages[0].blocks = {block("•", 10, 100), block("first item", 70, 101), block("1.", 10, 200),
                     block("not in its row", 70, 240)};
  const Document document = detail::pages_to_document(std::move(pages));
  CHECK(document.text == "• first item\n\n1.\n\nnot in its row");
  CHECK(document.map.lines[0].box == Box{10, 100, 120, 111});
}

TEST_CASE("a title that a word processor made up is not taken") {
  detail::TestPdf pdf = page_of({"Some text."});
  for (const char* title : {"Microsoft Word - report.doc", "untitled", "report_final.docx", ""}) {
    pdf.info = fmt::format("/Title ({})", title);
    CHECK(loaded(pdf).title == "paper.pdf");
  }
}

TEST_CASE("ligatures become letters and private characters are counted") {
  const std::string xhtml =
      "<html><head><title></title></head><body><doc><page width='1' height='1'><flow>"
      "<block xMin='0' yMin='0' xMax='100' yMax='10'><line xMin='0' yMin='0' xMax='100' yMax='10'>"
      "<word xMin='0' yMin='0' xMax='50' yMax='10'>e\uFB03cient</word>"
      "<word xMin='0' yMin='0' xMax='nan' yMax='1e999'>\uE000of\uFB02ine</word>"
      "</line></block></flow></page><page/></doc></body></html>";
  const auto document = detail::pdf_xhtml_to_document(xhtml, 10);
  REQUIRE(document.ok());
  CHECK(document->text == "efficient offline");
  CHECK(document->warnings ==
        std::vector<std::string>{"no text on 1 of 2 pages; they are probably scanned",
                                 "hidden text dropped: 1 characters"});
  CHECK(!detail::pdf_xhtml_to_document(xhtml, 1).ok());
  CHECK(!detail::pdf_xhtml_to_document("<html>", 1).ok());
  CHECK(!detail::pdf_xhtml_to_document("", 1).ok());
}

TEST_CASE("an encrypted PDF asks for its password") {
  const std::string bytes = *read_file(SLIPWAY_TEST_DATA "/encrypted.pdf");
  const auto locked = loading(bytes);
  REQUIRE(!locked.ok());
  CHECK(locked.error().code() == Code::invalid_argument);
  CHECK(locked.error().message() == "encrypted PDF: give the password with --password");
  LoadOptions options;
  options.password = "wrong";
  const auto wrong = loading(bytes, options);
  REQUIRE(!wrong.ok());
  CHECK(wrong.error().message() == "encrypted PDF: the password given with --password is wrong");
  options.password = "secret";
  const auto opened = loading(bytes, options);
  REQUIRE_MESSAGE(opened.ok(), opened.error().message());
  CHECK(opened->text.find("Page two") != std::string::npos);
}

TEST_CASE("a truncated PDF gives one clear error") {
  detail::TestPdf pdf;
  for (int page = 0; page < 5; ++page)
    pdf.pages.push_back({{72, 700, fmt::format("Text of page {}.", page)}});
  const std::string whole = pdf.bytes();
  for (const double part : {0.05, 0.3, 0.5, 0.8, 0.95}) {
    CAPTURE(part);
    const auto document = loading(
        whole.substr(0, static_cast<std::size_t>(static_cast<double>(whole.size()) * part)));
    REQUIRE(!document.ok());
    CHECK(document.error().code() == Code::invalid_argument);
    CHECK(document.error().message().find("truncated PDF") != std::string::npos);
  }
}

TEST_CASE("a PDF without text says that it is probably scanned") {
  detail::TestPdf pdf;
  pdf.pages = {{}, {}};
  const auto document = loading(pdf.bytes());
  REQUIRE(!document.ok());
  CHECK(document.error().message() ==
        "has 2 pages but no text; it is probably scanned: run OCR first");
}

TEST_CASE("a PDF with too many pages is refused") {
  detail::TestPdf pdf;
  for (int page = 0; page < 4; ++page) pdf.pages.push_back({{72, 700, "text"}});
  LoadOptions options;
  options.pages_max = 3;
  const auto document = loading(pdf.bytes(), options);
  REQUIRE(!document.ok());
  CHECK(document.error().message() == "has more than 3 pages, the limit; split it");
  options.pages_max = 4;
  CHECK(loading(pdf.bytes(), options).ok());
}

TEST_CASE("without pdftotext the error names the package or the variable") {
  setenv("SLIPWAY_PDFTOTEXT", "/no/such/program", 1);
  const auto document = loading(page_of({"text"}).bytes());
  unsetenv("SLIPWAY_PDFTOTEXT");
  REQUIRE(!document.ok());
  CHECK(document.error().code() == Code::unsupported);
  CHECK(document.error().message().find("/no/such/program") != std::string::npos);
}

TEST_CASE("reading a PDF obeys the deadline") {
  const auto document = load(context.with_timeout(std::chrono::milliseconds(0)),
                             {"a.pdf", page_of({"text"}).bytes(), ""}, {});
  REQUIRE(!document.ok());
  CHECK(document.error().code() == Code::deadline_exceeded);
}

}  // namespace slipway::documents
