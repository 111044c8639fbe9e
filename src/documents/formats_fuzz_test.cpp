// Seeded mutations of one real file for each format, read without the sandbox so that a sanitizer
// sees everything. SLIPWAY_FUZZ_SECONDS makes it longer than the few seconds of `make test`;
// SLIPWAY_FUZZ_SEED starts elsewhere. A failure names format and seed, which repeat it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <random>

#include "core/unicode.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/detail/mapped_text.hpp"
#include "documents/detail/pdf_text.hpp"
#include "documents/detail/test_zip.hpp"
#include "documents/detail/zip.hpp"

namespace slipway::documents {

namespace {

using detail::Documents;
using detail::ReadTask;
using detail::test_file;
using detail::TestZip;

struct Sample {
  std::string name;
  std::string media_type;
  std::string bytes;
  bool is_text = false;  ///< Its places are bytes.
  JsonRules json;
  /// Of formats that are no entry of the table: HTML, Markdown, what pdftotext writes.
  Result<Document> (*read)(std::string_view bytes) = nullptr;
};

Result<Document> read_html(std::string_view bytes) {
  detail::DecodedText decoded = TRY(detail::decode_text(bytes, detail::declared_charset(bytes)));
  detail::flatten_deep_nesting(decoded.text);
  Document document = TRY(detail::html_to_document(decoded.text));
  document.map.pieces = detail::compose(document.map.pieces, decoded.map);
  return document;
}

Result<Document> read_with(Result<Document> (*loader)(const detail::LoadTask&),
                           std::string_view bytes) {
  const Context context;
  const Source source{"a", std::string(bytes), ""};
  const LoadOptions options;
  return loader({context, source, options, ""});
}

constexpr std::string_view html_sample =
    "<!DOCTYPE html><html lang=en><head><title>T &amp; t</title><style>.x{display:none}</style>"
    "</head><body><h1>Head</h1><p class='a x' hidden>gone</p><table><tr><th>a<th>b<tr><td><ul><li>"
    "c</ul><td>d</table><ol><li>caf&eacute; &#x1F600;<pre>\n code\n\n more</pre><li>\xC3\xA9</ol>"
    "<svg><text><![CDATA[x<y]]></text></svg><!-- c --><p>a<br>b<p style='x:y'>end";
constexpr std::string_view xhtml_sample =
    "<!DOCTYPE html><html><head><title>T</title><meta name=\"Author\" content=\"A\"/></head><body>"
    "<doc><page width=\"595\" height=\"842\"><flow><block xMin=\"72\" yMin=\"60\" xMax=\"300\" "
    "yMax=\"84\"><line xMin=\"72\" yMin=\"60\" xMax=\"300\" yMax=\"84\"><word xMin=\"72\" "
    "yMin=\"60\" "
    "xMax=\"140\" yMax=\"84\">Large</word><word xMin=\"150\" yMin=\"60\" xMax=\"300\" "
    "yMax=\"84\">Head</word></line></block></flow><flow><block xMin=\"72\" yMin=\"100\" "
    "xMax=\"300\" "
    "yMax=\"126\"><line xMin=\"72\" yMin=\"100\" xMax=\"300\" yMax=\"112\"><word xMin=\"72\" "
    "yMin=\"100\" "
    "xMax=\"300\" yMax=\"112\">exam-</word></line><line xMin=\"72\" yMin=\"114\" xMax=\"300\" "
    "yMax=\"126\"><word xMin=\"72\" yMin=\"114\" xMax=\"300\" yMax=\"126\">ple &amp; \xEF\xAC\x81t"
    "</word></line></block></flow></page><page width=\"595\" "
    "height=\"842\"></page></doc></body></html>";
constexpr std::string_view markdown_sample =
    "---\ntitle: A\ntags: [a, b]\n---\n# Head **b** [l](u) `c`\n\ntext <!-- hidden --> more\n"
    "Sub\n---\n- item\n  ```\n  # code\n  ```\n> quote\n\n    indented\n\n<h2>tag</h2>\n| a | b |\n"
    "|---|---|\n| c | d |\n\n[//]: # (x)\n";

const std::vector<Sample>& samples() {
  const std::string office = "application/vnd.openxmlformats-officedocument.";
  const std::string confluence = "application/vnd.atlassian.confluence";
  const auto file = [](const char* name) { return test_file(name); };
  const auto page = [](const char* name, std::string_view html) {
    return Sample{name, "text/html", std::string(html), true, {}, &read_html};
  };
  static const std::vector<Sample> all = {
      {"docx", office + "wordprocessingml.document", file("sample.docx"), false, {}},
      {"pptx", office + "presentationml.presentation", file("sample.pptx"), false, {}},
      {"xlsx", office + "spreadsheetml.sheet", file("sample.xlsx"), false, {}},
      {"epub", "application/epub+zip", file("sample.epub"), false, {}},
      {"odt", "application/vnd.oasis.opendocument.text", file("sample.odt"), false, {}},
      {"space", confluence + "+zip", file("confluence_space.zip"), false, {}},
      {"html space", confluence + ".html+zip", file("confluence_space_html.zip"), false, {}},
      {"page", confluence + "+xml", file("confluence_page.xml"), true, {}},
      {"rtf", "application/rtf", file("sample.rtf"), true, {}},
      {"eml", "message/rfc822", file("sample.eml"), true, {}},
      {"html eml", "message/rfc822", file("sample_html.eml"), true, {}},
      {"mbox", "application/mbox", file("sample.mbox"), true, {}},
      {"csv",
       "text/csv",
       "Name;Age;Note\r\nAda;36;\"a \"\"b\"\"\r\nc\"\r\nBob;41;\xC3\xA9\r\n",
       true,
       {}},
      {"json",
       "application/json",
       R"({"title":"T \u00e9","items":[{"body":"one\ntwo \ud83d\ude00","n":1.5},{"body":"x"}]})",
       true,
       {{"$.items[*].body", "$..n"}, "$.title", {"$.items[0].n"}}},
      {"jsonl",
       "application/x-ndjson",
       "{\"a\":\"x\"}\n{\"a\":\"y\",\"b\":[1,2]}\n",
       true,
       {{"$.a", "$.b"}, "", {}}},
      {"tsv", "text/tab-separated-values", "Name\tAge\nAda\t36\n\"B\tb\"\t41\n", true, {}},
      page("html", html_sample),
      page("shift_jis html",
           "<meta charset=shift_jis><h1>\x93\xFA\x96\x7B</h1><ul><li>\xB1\xB2<li>x</ul>"),
      page("gb18030 html", "<meta charset=gb18030><p>\xD6\xD0\xCE\xC4 \x81\x30\x84\x36 x"),
      page("iso-2022-jp html", "<meta charset=iso-2022-jp><p>\x1B$BF|K\\\x1B(B ok"),
      {"pdf",
       "application/pdf",
       std::string(xhtml_sample),
       false,
       {},
       [](std::string_view bytes) { return detail::pdf_xhtml_to_document(bytes, 100); }},
      {"markdown",
       "text/markdown",
       std::string(markdown_sample),
       true,
       {},
       [](std::string_view bytes) { return read_with(&detail::load_markdown, bytes); }},
      {"utf-16",
       "text/plain",
       std::string("\xFF\xFEt\0e\0x\0t\0=\xD8\0\xDE\r\0\n\0.\0", 20),
       true,
       {},
       [](std::string_view bytes) { return read_with(&detail::load_plain, bytes); }}};
  return all;
}

ReadTask task_of(const Sample& sample, std::string_view bytes) {
  ReadTask task;
  task.bytes = bytes;
  task.path = "a";
  task.media_type = sample.media_type;
  task.text_bytes_max = 8u << 20;
  task.json = sample.json;
  return task;
}

Result<Documents> read(const Sample& sample, std::string_view bytes) {
  if (sample.read == nullptr)
    return detail::find_format(sample.media_type)->reader(task_of(sample, bytes));
  Documents documents;
  documents.push_back(TRY(sample.read(bytes)));
  return documents;
}

/// Splitters trust blocks to lie in the text.
bool blocks_fit(const Document& document) {
  std::size_t at = 0;
  for (const SourceMap::Block& block : document.map.blocks) {
    if (block.text_start < at || block.text_end < block.text_start ||
        block.text_end > document.text.size())
      return false;
    at = block.text_start;
  }
  return true;
}

/// What is wrong with a document, or empty.
std::string fault_of(const Document& document, std::string_view source, bool is_text) {
  const std::string& text = document.text;
  if (!unicode::is_valid_utf8(text)) return "text is no UTF-8";
  std::size_t at = 0;
  for (const SourceMap::Piece& piece : document.map.pieces) {
    if (piece.text_start < at) return "pieces overlap";
    at = piece.text_start + piece.length;
    if (at > text.size() || !unicode::is_boundary(text, piece.text_start)) return "piece off text";
    if (piece.byte_end < piece.byte_start || piece.byte_end > source.size())
      return "piece off source";
  }
  if (!is_text && !document.map.pieces.empty()) return "pieces without bytes";
  at = 0;
  for (const SourceMap::Heading& heading : document.map.headings) {
    if (heading.text_start < at || heading.text_start > text.size()) return "heading off text";
    at = heading.text_start;
  }
  at = 0;
  for (const SourceMap::Row& row : document.map.rows) {
    if (row.text_start < at || row.text_end < row.text_start || row.text_end > text.size())
      return "row off text";
    at = row.text_end;
  }
  at = 0;
  for (const SourceMap::Line& line : document.map.lines) {
    if (line.text_start < at || line.text_end > text.size()) return "line off text";
    at = line.text_end;
  }
  if (!blocks_fit(document)) return "block off text";
  const auto again = SourceMap::decode(document.map.encode());
  if (!again || again->encode() != document.map.encode()) return "map is not stored";
  (void)document.map.place({text.size() / 3, text.size() / 2});
  return {};
}

/// What is wrong with the answer to some bytes, or empty.
std::string verdict(const Sample& sample, std::string_view bytes) {
  const std::clock_t start = std::clock();
  const auto documents = read(sample, bytes);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (seconds > 5) return fmt::format("takes {} s", seconds);
  if (!documents) {
    if (documents.error().code() == Code::internal) return documents.error().message();
    return documents.error().message().empty() ? "an error without a message" : "";
  }
  for (const Document& document : *documents)
    if (std::string fault = fault_of(document, bytes, sample.is_text); !fault.empty()) return fault;
  return {};
}

void mutate(std::string& bytes, std::mt19937& random) {
  constexpr std::string_view tokens[] = {"<",
                                         ">",
                                         "&",
                                         ";",
                                         "/>",
                                         "</",
                                         "<![CDATA[",
                                         "]]>",
                                         "\"",
                                         "'",
                                         "{",
                                         "}",
                                         "\\",
                                         "\\'",
                                         "\\u8364?",
                                         "=?utf-8?B?",
                                         "?=",
                                         "\r\n",
                                         "\n\n",
                                         "--",
                                         ":",
                                         ",",
                                         "[",
                                         "]",
                                         "\\bin99999 ",
                                         "&#x110000;",
                                         "&nbsp;",
                                         "\xE2\x80\x8B",
                                         "\xC3",
                                         "\xFF",
                                         "9999999999",
                                         "-1",
                                         "<!DOCTYPE x [",
                                         "<w:tbl>",
                                         "<w:tc>",
                                         "<w:p>",
                                         "<ac:link>",
                                         "<li>",
                                         "</td>",
                                         "boundary=",
                                         "base64",
                                         "0",
                                         "Z"};
  const auto at = [&] { return random() % (bytes.size() + 1); };
  for (std::size_t i = 1 + random() % 8; i > 0 && !bytes.empty(); --i) {
    switch (random() % 8) {
      case 0: bytes[random() % bytes.size()] = static_cast<char>(random()); break;
      case 1: bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8); break;
      case 2: bytes.insert(at(), tokens[random() % std::size(tokens)]); break;
      case 3: bytes.erase(random() % bytes.size(), 1 + random() % 40); break;
      case 4: bytes.insert(at(), bytes.substr(random() % bytes.size(), random() % 200)); break;
      case 5: bytes.insert(at(), 1 + random() % 4, static_cast<char>(random())); break;
      case 6: {
        const std::string part = bytes.substr(random() % bytes.size(), 1 + random() % 60);
        for (int copy = 0; copy < 20; ++copy) bytes.insert(at(), part);
        break;
      }
      default:
        if (random() % 8 == 0) bytes.resize(at());
        break;
    }
  }
}

/// Parts of a ZIP file are changed inside and packed again with a right checksum; else only the
/// checksum would be tested.
std::string mutated(const Sample& sample, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes = sample.bytes;
  if (!bytes.starts_with("PK") || random() % 4 == 0) {
    mutate(bytes, random);
    return bytes;
  }
  auto archive = detail::ZipArchive::open(sample.bytes, 64u << 20);
  TestZip zip;
  for (const auto& part : archive->parts()) {
    if (part.name.ends_with(".jpeg") || part.name.find("theme") != std::string::npos) continue;
    zip.parts.push_back({part.name, *archive->read(part.name)});
  }
  for (std::size_t i = 1 + random() % 3; i > 0; --i)
    mutate(zip.parts[random() % zip.parts.size()].data, random);
  return zip.bytes();
}

double setting(const char* name, double missing) {
  const char* value = std::getenv(name);
  return value == nullptr ? missing : std::atof(value);
}

}  // namespace

TEST_CASE("every sample is read as it is") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const auto documents = read(sample, sample.bytes);
    REQUIRE_MESSAGE(documents.ok(), documents.error().message());
    CHECK(!documents->front().text.empty());
    CHECK(verdict(sample, sample.bytes) == "");
    // What stands verbatim in the source stands there.
    if (!sample.is_text) continue;
    for (const Document& document : *documents)
      for (const SourceMap::Piece& piece : document.map.pieces)
        if (piece.length == piece.byte_end - piece.byte_start && piece.length > 4)
          CHECK(document.text.substr(piece.text_start, piece.length) ==
                sample.bytes.substr(piece.byte_start, piece.length));
  }
}

TEST_CASE("a file that is cut anywhere is an answer or one clear error") {
  for (const Sample& sample : samples()) {
    const std::size_t step = std::max<std::size_t>(sample.bytes.size() / 100, 1);
    for (std::size_t size = 0; size < sample.bytes.size(); size += step) {
      CAPTURE(sample.name);
      CAPTURE(size);
      const std::string cut = sample.bytes.substr(0, size);
      CHECK(verdict(sample, cut) == "");
      if (sample.bytes.starts_with("PK")) CHECK(!read(sample, cut).ok());
    }
  }
}

TEST_CASE("a file with single bits turned over is an answer or one clear error") {
  for (const Sample& sample : samples()) {
    std::mt19937 random(7);
    for (int i = 0; i < 60; ++i) {
      std::string flipped = sample.bytes;
      flipped[random() % flipped.size()] ^= static_cast<char>(1 << random() % 8);
      CAPTURE(sample.name);
      CAPTURE(i);
      CHECK(verdict(sample, flipped) == "");
    }
  }
}

TEST_CASE("mutated files of every format never break a reader or the invariants of a document") {
  const double seconds = setting("SLIPWAY_FUZZ_SECONDS", 4);
  const auto first = static_cast<unsigned>(setting("SLIPWAY_FUZZ_SEED", 1));
  const std::clock_t start = std::clock();
  std::size_t runs = 0;
  for (unsigned seed = first;; ++seed) {
    for (const Sample& sample : samples()) {
      const std::string wrong = verdict(sample, mutated(sample, seed));
      CHECK_MESSAGE(wrong.empty(), sample.name << ", seed " << seed << ": " << wrong);
      ++runs;
    }
    if (static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC > seconds) break;
  }
  MESSAGE(runs << " mutated files");
}

}  // namespace slipway::documents
