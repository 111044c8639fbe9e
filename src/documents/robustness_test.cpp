#include <doctest/doctest.h>

#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <random>

#include "core/pool.hpp"
#include "core/unicode.hpp"
#include "documents/detail/test_pdf.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

const Context context;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t part = 8;  // Children start ten times slower there.
#else
constexpr std::size_t part = 1;
#endif

constexpr std::string_view html_sample =
    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>T &amp; t</title>"
    "<style>.x{display:none}</style></head><body><h1>Head</h1><p class='a x' hidden>gone</p>"
    "<table><tr><td>a<td>b</table><ul><li>caf&eacute; &#x1F600; &notit;<li>\xC3\xA9</ul>"
    "<pre>\n code &lt;</pre><svg><text><![CDATA[x<y]]></text></svg><!-- c --><p style='x:y'>end";
constexpr std::string_view markdown_sample =
    "---\ntitle: A\ntags: [a, b]\n---\n# Head **b** [l](u) `c`\n\ntext <!-- hidden --> more "
    "\xC3\xA9\n"
    "Sub\n---\n- item\n  ```\n  # code\n  ```\n> quote\n\n    indented\n\n<h2>tag</h2>\n[//]: # "
    "(x)\n";

std::string pdf_sample() {
  detail::TestPdf pdf;
  pdf.info = "/Title (Sample) /Author (A)";
  pdf.pages = {{{72, 760, "Heading", 24},
                {72, 700, "Text of the first page that goes on"},
                {72, 687, "and ends here."}},
               {{72, 700, "- item"}, {72, 687, "- item"}}};
  return pdf.bytes();
}

std::string mutated(std::string_view sample, std::mt19937& random) {
  std::string bytes(sample);
  const auto at = [&] { return random() % bytes.size(); };
  for (std::size_t i = 1 + random() % 6; i > 0 && !bytes.empty(); --i) {
    switch (random() % 6) {
      case 0: bytes[at()] = static_cast<char>(random()); break;
      case 1: bytes[at()] = "<>&;-\"'`#[]()\n\0/%"[random() % 17]; break;
      case 2: bytes.insert(at(), 1 + random() % 4, static_cast<char>(random())); break;
      case 3: bytes.erase(at(), 1 + random() % 20); break;
      case 4: bytes.resize(at()); break;
      default: bytes.insert(at(), bytes.substr(at(), random() % 60)); break;
    }
  }
  return bytes;
}

/// Loads one mutation; the invariants that every document keeps, whatever the bytes.
bool holds(std::string_view path, std::string_view media_type, std::string bytes) {
  const Source source{std::string(path), std::move(bytes), std::string(media_type)};
  const auto document = load(context, source, {});
  if (!document)
    return !document.error().message().empty() && document.error().code() != Code::internal;
  const std::string& text = document->text;
  if (!unicode::is_valid_utf8(text) || text.empty() || document->title.empty()) return false;
  for (const SourceMap::Piece& piece : document->map.pieces)
    if (piece.text_start + piece.length > text.size() || piece.byte_end > source.bytes.size() ||
        !unicode::is_boundary(text, piece.text_start))
      return false;
  const Place place = document->map.place({0, text.size()});
  return media_type == "application/pdf" ? place.page.has_value() : place.byte_start.has_value();
}

void mutate(std::string_view sample, std::string_view path, std::string_view media_type,
            std::size_t count) {
  std::atomic<int> broken{0};
  const auto done = parallel_for(context, count / part, 2, [&](std::size_t seed) -> Result<void> {
    std::mt19937 random(static_cast<unsigned>(seed));
    if (!holds(path, media_type, mutated(sample, random))) {
      ++broken;
      MESSAGE("mutation with seed " << seed << " of " << path);
    }
    return {};
  });
  CHECK(done.ok());
  CHECK(broken == 0);
}

}  // namespace

TEST_CASE("mutated HTML never breaks the parent or the invariants of a document") {
  mutate(html_sample, "a.html", "text/html", 700);
}

TEST_CASE("mutated Markdown never breaks the parent or the invariants of a document") {
  mutate(markdown_sample, "a.md", "text/markdown", 1000);
}

TEST_CASE("mutated PDF never breaks the parent or the invariants of a document") {
  mutate(pdf_sample(), "a.pdf", "application/pdf", 300);
  CHECK((waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD));
}

TEST_CASE("random bytes under any name are an answer or an error") {
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(1 + random() % 300, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (const char* path : {"a.md", "a.txt", "a"}) (void)load(context, {path, bytes, ""}, {});
  }
}

}  // namespace slipway::documents
