#include <doctest/doctest.h>

#include "documents/detail/charsets.hpp"
#include "documents/detail/test_zip.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using detail::test_file;
using detail::TestZip;
const Context context;

std::vector<Document> all_of(std::string path, std::string bytes, const LoadOptions& options = {}) {
  auto documents = load_all(context, {std::move(path), std::move(bytes), ""}, options);
  REQUIRE_MESSAGE(documents.ok(), documents.error().message());
  return *std::move(documents);
}

Document loaded(std::string path, std::string bytes, const LoadOptions& options = {}) {
  auto documents = all_of(std::move(path), std::move(bytes), options);
  REQUIRE(documents.size() == 1);
  return std::move(documents.front());
}

std::string failure(std::string path, std::string bytes, const LoadOptions& options = {},
                    std::string media_type = "") {
  const auto documents =
      load_all(context, {std::move(path), std::move(bytes), std::move(media_type)}, options);
  REQUIRE(!documents.ok());
  CHECK(documents.error().code() != Code::internal);
  return documents.error().message();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

Place place_of(const Document& document, std::string_view part) {
  const std::size_t at = document.text.find(part);
  REQUIRE_MESSAGE(at != std::string::npos, part);
  return document.map.place({at, at + part.size()});
}

std::string source_of(const Document& document, std::string_view source, std::string_view part) {
  const Place place = place_of(document, part);
  REQUIRE(place.byte_start);
  return std::string(source.substr(*place.byte_start, *place.byte_end - *place.byte_start));
}

bool warns(const Document& document, std::string_view part) {
  return std::any_of(document.warnings.begin(), document.warnings.end(),
                     [&](const std::string& warning) { return has(warning, part); });
}

constexpr const char* storage_type = "application/vnd.atlassian.confluence+xml";

}  // namespace

TEST_CASE("an e-mail is its headers, its plain text and the names of its attachments") {
  const std::string source = test_file("sample.eml");
  const Document document = loaded("a.eml", source);
  CHECK(document.media_type == "message/rfc822");
  CHECK(document.title == "Grüße aus Köln — Angebot");
  CHECK(document.metadata.at("from") == "Ann Müller <ann@example.org>");
  CHECK(document.metadata.at("date") == "2024-03-05T09:00:00Z");
  CHECK(document.metadata.at("message_id") == "<1@example.org>");
  CHECK(json::dump(document.metadata.at("attachments")) == R"(["Angebot für Bob.pdf"])");
  CHECK(
      has(document.text, "Subject: Grüße aus Köln — Angebot\nFrom: Ann Müller <ann@example.org>"));
  CHECK(has(document.text, "der Preis für das Café beträgt 12 €."));
  CHECK(has(document.text, "Attachments:\n- Angebot für Bob.pdf (application/pdf, 5 KiB)"));
  CHECK(!has(document.text, "secret"));
  CHECK(source_of(document, source, "Hallo Bob") == "Hallo Bob");
  CHECK(source_of(document, source, "Café") == "Caf=C3=A9");
  CHECK(source_of(document, source, "bob@example.org") == "bob@example.org");
}

TEST_CASE("an e-mail of HTML in base64 is read by the rules of HTML and knows its bytes") {
  const std::string source = test_file("sample_html.eml");
  const Document document = loaded("a.eml", source);
  CHECK(has(document.text, "News\n\nThe meeting is on Monday – café."));
  CHECK(place_of(document, "Monday").heading_path == std::vector<std::string>{"News"});
  CHECK(warns(document, "hidden text dropped: 2 characters"));
  const std::string bytes = source_of(document, source, "Monday");
  CHECK(bytes.size() >= 8);
  CHECK(bytes.size() <= 16);
  CHECK(source.find(bytes) > source.find("base64"));
}

TEST_CASE("parts, folded headers, old charsets and messages inside messages are read") {
  const std::string source =
      "Subject: =?koi8-r?B?8NLJ18XU?=\r\n =?utf-8?q?_caf=C3=A9?= and\r\n more\r\nFrom: a@b\r\n"
      "Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\npreamble\r\n--x y\r\n"
      "Content-Type: text/plain; charset=iso-8859-2\r\n\r\nza\xBF\xF3\xB3\xE6\r\n--x y\r\n"
      "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--x y\r\n"
      "Content-Type: image/png; name*0*=utf-8''na%C3%AF; name*1=ve.png\r\n\r\nPNG\r\n--x y--\r\n";
  const Document document = loaded("a.eml", source);
  CHECK(document.title == "Привет café and more");
  CHECK(has(document.text, "zażółć\n\nSubject: inner\n\ninner text"));
  CHECK(has(document.text, "- naïve.png (image/png, 1 KiB)"));
  CHECK(!has(document.text, "preamble"));
  CHECK(source_of(document, source, "inner text") == "inner text");
  const Document cut = loaded("a.eml", source.substr(0, source.find("--x y--")));
  CHECK(warns(cut, "truncated: the end of the message is missing"));
}

TEST_CASE("a mailbox is a document for every message, with its id as part") {
  const std::string source = test_file("sample.mbox");
  const auto documents = all_of("a.mbox", source);
  REQUIRE(documents.size() == 3);
  CHECK(documents[0].part == "1@example.org");
  CHECK(documents[1].part == "2@example.org");
  CHECK(documents[2].part.size() == 16);
  CHECK(documents[2].title == "plain");
  CHECK(has(documents[2].text, "Hello\nFrom here on"));
  CHECK(source_of(documents[2], source, "Hello\nFrom here") == "Hello\n>From here");
  CHECK(source_of(documents[1], source, "HTML only") == "HTML only");
  const auto one = load(context, {"a.mbox", source, ""}, {});
  REQUIRE(!one.ok());
  CHECK(has(one.error().message(), "holds 3 documents"));
}

TEST_CASE("bad e-mail gets one clear error") {
  CHECK(has(failure("a.eml", "just some text\nwithout any header\n"), "no header of an e-mail"));
  CHECK(has(failure("a.mbox", "no separator\n"), "no line begins with 'From '"));
  std::string deep = "Subject: x\n";
  for (int i = 0; i < 10'000; ++i) deep += "Content-Type: message/rfc822\n\n";
  CHECK(has(failure("a.eml", deep), "nests its parts more than 50 deep"));
}

TEST_CASE(
    "RTF keeps headings, lists, tables and every alphabet, with the bytes of each character") {
  const std::string source = test_file("sample.rtf");
  const Document document = loaded("a.rtf", source);
  CHECK(document.title == "My Report");
  CHECK(document.metadata.at("author") == "Ann");
  CHECK(has(document.text, "Introduction\n\nCafé costs 5 € today.  End.\n\n"));
  CHECK(has(document.text, "Привет and 日本 and 😀 end"));
  CHECK(has(document.text,
            "Steps:\n1. First\n2. Second\n\n| Name | Age |\n| Ada | 36 |\n\nAfter the table. (Note "
            "text.)"));
  CHECK(warns(document, "hidden text dropped: 12 characters"));
  CHECK(place_of(document, "Ada").heading_path == std::vector<std::string>{"Introduction"});
  CHECK(source_of(document, source, "Café") == "Caf\\'e9");
  CHECK(source_of(document, source, "日") == "\\'93\\'fa");
  CHECK(source_of(document, source, "After the") == "After the");
  CHECK(has(failure("a.rtf", source.substr(0, 300)), "truncated RTF"));
  CHECK(has(failure("a.rtf", "{\\rtf1 " + std::string(20'000, '{')), "more than 1000 deep"));
  CHECK(has(failure("a.rtf", "no rtf"), "no RTF header"));
}

TEST_CASE("a book is its chapters in reading order") {
  const Document document = loaded("a.epub", test_file("sample.epub"));
  CHECK(document.title == "The Sea");
  CHECK(document.metadata.at("author") == "Ann Example");
  CHECK(document.text ==
        "Chapter One\n\nThe sea was calm & blue.\n\nChapter Two\n\nStorm\n\nThen a storm "
        "came.\n\nwind\nrain");
  CHECK(place_of(document, "storm came").heading_path ==
        std::vector<std::string>{"Chapter Two", "Storm"});
  CHECK(warns(document, "hidden text dropped: 6 characters"));
  TestZip zip{{{"mimetype", "application/epub+zip"}, {"x", "y"}}};
  CHECK(has(failure("a.epub", zip.bytes()), "'META-INF/container.xml' is missing"));
}

TEST_CASE("an OpenDocument text keeps headings, lists, tables and code, and drops what is hidden") {
  const Document document = loaded("a.odt", test_file("sample.odt"));
  CHECK(document.title == "Office Rules");
  CHECK(document.metadata.at("author") == "Ann");
  CHECK(has(document.text, "Rules\n\nThe door  closes at six."));
  CHECK(has(document.text,
            "Then:\n1. Lock it\n2. Go home\n\n```\nif x:\n    y()\n```\n\n| Day | Hours |\n| "
            "Monday | 9-17 |"));
  CHECK(has(document.text, "End (a note)."));
  CHECK(!has(document.text, "gone"));
  CHECK(warns(document, "hidden text dropped: 13 characters"));
}

TEST_CASE("a Confluence page keeps code, lists, tables and tasks, with the bytes of each") {
  const std::string source = test_file("confluence_page.xml");
  auto read = load(context, {"Guide", source, storage_type}, {});
  REQUIRE(read.ok());
  const Document& document = *read;
  CHECK(has(document.text,
            "Before you start, do this:\n1. Check the budget.\n2. Run make dist\n"
            "  - on Linux\n  - not on a “laptop”\n\nNote well\n\nOnly on Mondays."));
  CHECK(has(document.text, "```python\ndef f(x):\n    return x < 3 & 1\n\nprint(f(1))\n```"));
  CHECK(has(document.text, "Name\tRole\nAda\t- Lead - Ops"));
  CHECK(has(document.text, "See Old Guide and the other. Status: DONE"));
  CHECK(has(document.text, "- [x] First task\n- [ ] Second 2024-05-01"));
  CHECK(warns(document, "computed content left out: toc"));
  CHECK(warns(document, "hidden text dropped: 12 characters"));
  CHECK(place_of(document, "Ada").heading_path ==
        std::vector<std::string>{"Release Guide", "People"});
  CHECK(source_of(document, source, "x < 3 & 1\n\nprint") == "x < 3 & 1\n\nprint");
  CHECK(source_of(document, source, "“laptop”") == "&ldquo;laptop&rdquo;");
  CHECK(source_of(document, source, "DONE") == "DONE");
}

TEST_CASE("storage format that is not well formed or nests without end is one clear error") {
  CHECK(has(failure("p", "<p>one</b>", {}, storage_type), "</b> where <p> should end"));
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "<div>";
  CHECK(has(failure("p", deep, {}, storage_type), "nests elements more than 1000 deep"));
  CHECK(has(failure("p", "<!DOCTYPE a [<!ENTITY b 'c'>]><p>&b;</p>", {}, storage_type),
            "declares entities of its own"));
}

TEST_CASE("a space export in XML gives its current pages with ancestors and labels") {
  const auto documents = all_of("space.zip", test_file("confluence_space.zip"));
  REQUIRE(documents.size() == 2);
  CHECK(documents[0].title == "Home");
  CHECK(documents[0].part == "100");
  CHECK(documents[1].part == "101");
  CHECK(documents[1].metadata.at("space") == "OPS");
  CHECK(json::dump(documents[1].metadata.at("ancestors")) == R"(["Home"])");
  CHECK(json::dump(documents[1].metadata.at("labels")) == R"(["howto"])");
  CHECK(has(documents[1].text, "def f(x):\n    return x < 3 & 1"));
  CHECK(!place_of(documents[1], "budget").byte_start);
}

TEST_CASE("a space export in HTML gives what was written, without what the export puts around") {
  const auto documents = all_of("space.zip", test_file("confluence_space_html.zip"));
  REQUIRE(documents.size() == 2);
  CHECK(documents[0].title == "Home_100");
  CHECK(documents[0].part == "OPS/Home_100.html");
  CHECK(documents[0].text == "Home_100\n\nBody of Home_100.");
  TestZip other{{{"a.html", "<p>a page"}, {"b.html", "<p>another"}}};
  CHECK(has(failure("a.zip", other.bytes()), "no Confluence export"));
}

TEST_CASE("JSON stays as it is, and rules choose what of it is read") {
  const std::string source =
      R"({"title":"T \u00e9","items":[{"body":"one\ntwo \ud83d\ude00","n":1.5},{"body":"three"}]})";
  CHECK(loaded("a.json", source).text == source);
  LoadOptions options;
  options.json.text = {"$.items[*].body", "$..n"};
  options.json.title = "$.title";
  options.json.metadata = {"$.items[0].n"};
  const Document document = loaded("a.json", source, options);
  CHECK(document.text == "one\ntwo 😀\n\n1.5\n\nthree");
  CHECK(document.title == "T é");
  CHECK(document.metadata.at("n") == 1.5);
  CHECK(source_of(document, source, "two 😀") == "two \\ud83d\\ude00");
  CHECK(source_of(document, source, "three") == "three");
  CHECK(has(failure("a.json", "{\"a\": }", options), "is not valid JSON"));
  options.json.text = {"items.body"};
  CHECK(has(failure("a.json", source, options), "does not begin with '$'"));
}

TEST_CASE("each line of JSON lines is a row") {
  const std::string source = "{\"a\":\"x\"}\n\n{\"a\":\"y\",\"b\":[1,2]}\n";
  CHECK(place_of(loaded("a.jsonl", source), "\"y\"").row == 2);
  LoadOptions options;
  options.json.text = {"$.a", "$.b"};
  const Document document = loaded("a.jsonl", source, options);
  CHECK(document.text == "x\n\ny\n\n1\n2");
  CHECK(place_of(document, "1").row == 2);
}

TEST_CASE("a picture is read by the command that the operator names, and only then") {
  const std::string png = "\x89PNG\r\n\x1A\n rest";
  CHECK(has(failure("a.png", png), "image/png is not a format"));
  LoadOptions options;
  options.ocr_command = {"/usr/bin/printf", "first page\\fsecond page\\f"};
  const Document document = loaded("a.png", png, options);
  CHECK(document.media_type == "image/png");
  CHECK(document.text == "first page\n\nsecond page");
  CHECK(place_of(document, "second").page == 2);
  CHECK(warns(document, "read by OCR"));
  options.ocr_command = {"/usr/bin/false"};
  CHECK(has(failure("a.png", png, options), "ended with exit code 1"));
  options.ocr_command = {"tesseract", "-"};
  CHECK(has(failure("a.png", png, options), "absolute path"));
}

TEST_CASE("character sets of the world are read, and every character knows its bytes") {
  const auto decoded = [](std::string_view bytes, std::string_view label) {
    const auto text = detail::decode_charset(bytes, label);
    return text ? text->text : "unknown";
  };
  CHECK(decoded("\xF0\xD2\xC9\xD7\xC5\xD4", "KOI8-R") == "Привет");
  CHECK(decoded("\xCF\xF0\xE8\xE2\xE5\xF2", "windows-1251") == "Привет");
  CHECK(decoded("za\xBF\xF3\xB3\xE6", "ISO_8859-2:1987") == "zażółć");
  CHECK(decoded("\xA4 5", "latin-9") == "€ 5");
  CHECK(decoded("\x93\xFA\x96\x7B \xB1", "Shift_JIS") == "日本 ｱ");
  CHECK(decoded("\xC6\xFC\xCB\xDC", "EUC-JP") == "日本");
  CHECK(decoded("\x1B$BF|K\\\x1B(B ok", "iso-2022-jp") == "日本 ok");
  CHECK(decoded("\xD6\xD0\xCE\xC4", "gb2312") == "中文");
  CHECK(decoded("\x94\x39\xDA\x33", "gb18030") == "💩");
  CHECK(decoded("\x81\x30\x84\x36", "gb18030") == "¥");
  CHECK(decoded("\xA4\xA4\xA4\xE5", "big5") == "中文");
  CHECK(decoded("\xC7\xD1\xB1\xB9", "euc-kr") == "한국");
  CHECK(decoded("a\x81", "Shift_JIS") == "a\uFFFD");
  CHECK(decoded("x", "no-such-set") == "unknown");
  const std::string source = "<meta charset=shift_jis><p>\x93\xFA\x96\x7B!";
  const Document document = loaded("a.html", source);
  CHECK(document.text == "日本!");
  CHECK(source_of(document, source, "本") == "\x96\x7B");
}

}  // namespace slipway::documents
