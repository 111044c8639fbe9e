#include <doctest/doctest.h>

#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using namespace std::string_view_literals;
const Context context;

Document loaded(std::string path, std::string_view bytes, LoadOptions options = {}) {
  auto document = load(context, {std::move(path), std::string(bytes), ""}, options);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

std::string failure(std::string path, std::string_view bytes, LoadOptions options = {}) {
  const auto document = load(context, {std::move(path), std::string(bytes), ""}, options);
  REQUIRE(!document.ok());
  return document.error().message();
}

/// The source bytes of the first place where `part` stands in the text.
std::string source_of(const Document& document, std::string_view source, std::string_view part) {
  const std::size_t at = document.text.find(part);
  REQUIRE(at != std::string::npos);
  const Place place = document.map.place({at, at + part.size()});
  return std::string(source.substr(*place.byte_start, *place.byte_end - *place.byte_start));
}

}  // namespace

TEST_CASE("plain text is its bytes and keeps its line ends") {
  const std::string_view source = "One\r\ntwo \xC3\xA9t\xC3\xA9\nthree\n";
  const Document document = loaded("dir/notes.txt", source);
  CHECK(document.text == source);
  CHECK(document.title == "notes.txt");
  CHECK(document.media_type == "text/plain");
  CHECK(document.warnings.empty());
  CHECK(document.map.pieces.size() == 1);
  CHECK(source_of(document, source, "été") == "été");
}

TEST_CASE("a byte order mark is no text and all offsets still lead into the file") {
  const std::string_view source = "\xEF\xBB\xBFhello";
  const Document document = loaded("a.txt", source);
  CHECK(document.text == "hello");
  CHECK(document.map.place({0, 5}).byte_start == 3);
  CHECK(document.map.place({0, 5}).byte_end == 8);
}

TEST_CASE("UTF-16 of both orders is read and every character knows its bytes") {
  const std::string_view little = "\xFF\xFEH\0i\0 \0\x3D\xD8\x00\xDE\xE9\0"sv;
  const Document a = loaded("a.txt", little);
  CHECK(a.text == "Hi 😀é");
  CHECK(a.map.place({3, 7}).byte_start == 8);
  CHECK(a.map.place({3, 7}).byte_end == 12);
  CHECK(a.map.place({7, 9}).byte_start == 12);
  const Document b = loaded("a.txt", "\xFE\xFF\0H\0i"sv);
  CHECK(b.text == "Hi");
  CHECK(b.map.place({1, 2}).byte_start == 4);
  CHECK(b.map.place({1, 2}).byte_end == 6);
  const Document broken = loaded("a.txt", "\xFF\xFEH\0\x00\xD8i\0x"sv);
  CHECK(broken.text == "H\uFFFDi\uFFFD");
  CHECK(broken.warnings ==
        std::vector<std::string>{"not valid UTF-16: 2 places replaced by U+FFFD"});
}

TEST_CASE("Western text that is not UTF-8 is read as Windows-1252 and says so") {
  const std::string_view source = "Caf\xE9 \x93quoted\x94 na\xEFve \x80 5";
  const Document document = loaded("a.txt", source);
  CHECK(document.text == "Café “quoted” naïve € 5");
  CHECK(document.warnings == std::vector<std::string>{"not UTF-8: read as Windows-1252"});
  CHECK(source_of(document, source, "quoted") == "quoted");
  CHECK(source_of(document, source, "Café") == "Caf\xE9");
  CHECK(source_of(document, source, "€") == "\x80");
}

TEST_CASE("stray bytes in UTF-8 become U+FFFD and keep their place") {
  const std::string_view source =
      "Gr\xC3\xBC\xC3\x9F"
      "e \xFF and \xC3\xA9 \xE2\x82";
  const Document document = loaded("a.txt", source);
  CHECK(document.text == "Grüße \uFFFD and é \uFFFD\uFFFD");
  CHECK(document.warnings ==
        std::vector<std::string>{"not valid UTF-8: 3 bytes replaced by U+FFFD"});
  CHECK(source_of(document, source, "\uFFFD and") == "\xFF and");
  const Document cut = loaded("a.txt", "This text was cut within its last char\xE2\x82");
  CHECK(cut.text.ends_with("char\uFFFD\uFFFD"));
}

TEST_CASE("other encodings are refused with the way out") {
  // "Привет, мир" in KOI8-R.
  CHECK(failure("a.txt", "\xF0\xD2\xC9\xD7\xC5\xD4, \xCD\xC9\xD2").find("iconv") !=
        std::string::npos);
  CHECK(failure("a.txt", "\xFF\xFE\0\0H\0\0\0"sv).find("UTF-32") != std::string::npos);
}

TEST_CASE("characters that nobody sees are dropped, counted and mapped around") {
  const std::string_view source = "pass\xE2\x80\x8Bword \xE2\x80\xAEtxt.exe \xEE\x80\x80!";
  const Document document = loaded("a.txt", source);
  CHECK(document.text == "password txt.exe !");
  CHECK(document.warnings == std::vector<std::string>{"hidden text dropped: 3 characters"});
  CHECK(source_of(document, source, "password") == "pass\xE2\x80\x8Bword");
  CHECK(source_of(document, source, "txt") == "txt");
}

TEST_CASE("joiners stay where they shape what a reader sees") {
  const std::string_view source = "👩\u200D👩 می\u200Cخواهم";
  CHECK(loaded("a.txt", source).text == source);
  CHECK(loaded("a.txt", "a\u200Db").text == "ab");
}

TEST_CASE("bad input gets one clear error") {
  CHECK(failure("a.md", "") == "is empty");
  CHECK(failure("a.md", " \n\t\n") == "has no text");
  CHECK(failure("a.txt", "\xEF\xBB\xBF") == "has no text");
  CHECK(failure("a.md", std::string("a\0b", 3)) == "binary data named .md");
  LoadOptions small;
  small.bytes_max = 3u << 20;
  CHECK(failure("a.txt", std::string(4u << 20, 'x'), small) ==
        "is 4.0 MiB, larger than the limit of 3.0 MiB; split it");
  small.text_bytes_max = 1u << 20;
  CHECK(failure("a.txt", std::string(2u << 20, 'x'), small).find("limit of 1.0 MiB") !=
        std::string::npos);
}

TEST_CASE("a media type that is given wins, with its charset") {
  auto plain = load(context, {"page", "<html>x</html>", "text/plain; charset=utf-8"}, {});
  REQUIRE(plain.ok());
  CHECK(plain->text == "<html>x</html>");
  auto html = load(context, {"page", "<p>caf\xE9", "Text/HTML; charset=\"ISO-8859-1\""}, {});
  REQUIRE(html.ok());
  CHECK(html->text == "café");
  CHECK(html->media_type == "text/html");
  auto json = load(context, {"a.json", "{}", "application/json"}, {});
  CHECK(json.ok());
  auto image = load(context, {"a.png", "x", "image/png"}, {});
  REQUIRE(!image.ok());
  CHECK(image.error().code() == Code::unsupported);
  auto disguised = load(context, {"a.md", std::string("a\0b", 3), "text/markdown"}, {});
  CHECK(!disguised.ok());
}

TEST_CASE("a cancelled load does nothing") {
  std::stop_source source;
  source.request_stop();
  const auto document = load(Context(source.get_token()), {"a.txt", "text", ""}, {});
  REQUIRE(!document.ok());
  CHECK(document.error().code() == Code::cancelled);
}

}  // namespace slipway::documents
