#include <doctest/doctest.h>

#include <map>
#include <random>

#include "core/unicode.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

const Context context;

Document loaded(std::string_view html) {
  auto document = load(context, {"page.html", std::string(html), ""}, {});
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

std::string text_of(std::string_view html) { return loaded(html).text; }

/// The source bytes of the first place where `part` stands in the text.
std::string source_of(std::string_view html, std::string_view part) {
  const Document document = loaded(html);
  const std::size_t at = document.text.find(part);
  REQUIRE_MESSAGE(at != std::string::npos, document.text);
  const Place place = document.map.place({at, at + part.size()});
  return std::string(html.substr(*place.byte_start, *place.byte_end - *place.byte_start));
}

}  // namespace

TEST_CASE("blocks become lines and white space folds") {
  CHECK(text_of("<p>One\n  two</p><p>three") == "One two\n\nthree");
  CHECK(text_of("<h1>Title</h1>text<div>block</div>") == "Title\n\ntext\n\nblock");
  CHECK(text_of("<ul><li>a</li> <li>b <ul><li>c</ul></ul>end") == "a\nb\nc\n\nend");
  CHECK(text_of("<table><tr><td>a</td> <td>b</td></tr><tr><td>c<td><p>d</p></table>") ==
        "a\tb\nc\td");
  CHECK(text_of("<table><tr><td><p>a</p><p>b</p></td></tr></table>") == "a\n\nb");
  CHECK(text_of("a<br>b<br><br>c") == "a\nb\n\nc");
  CHECK(text_of("<p>x <b> y</b>z<i> </i>w") == "x yz w");
  CHECK(text_of("<dl><dt>term<dd>meaning</dl>") == "term\nmeaning");
  CHECK(text_of("<pre>\n a\n\n  b &lt;\n</pre><p>c") == " a\n\n  b <\n\nc");
  CHECK(text_of("<p>in<wbr>side<img alt='no' src=x> <a href=y>link</a>") == "inside link");
}

TEST_CASE("entities are resolved and each maps to its own bytes") {
  const std::string_view html =
      "<p>caf&eacute; &#xe9;&#233 AT&T &lt;b&gt; &amp;amp; &notit; &nvge; &hellip; &unknown; "
      "a&b</p>";
  CHECK(text_of(html) == "café éé AT&T <b> &amp; ¬it; ≥⃒ … &unknown; a&b");
  CHECK(source_of(html, "café") == "caf&eacute;");
  CHECK(source_of(html, "éé") == "&#xe9;&#233");
  CHECK(source_of(html, "AT&T") == "AT&T");
  CHECK(source_of(html, "<b>") == "&lt;b&gt;");
  CHECK(source_of(html, "&amp;") == "&amp;amp;");
  CHECK(source_of(html, "¬it;") == "&notit;");
  CHECK(source_of(html, "≥") == "&nvge;");
  CHECK(source_of(html, "&unknown; a&b") == "&unknown; a&b");
}

TEST_CASE("the source of a span is the smallest that holds it") {
  const std::string_view html = "<p>The <b>quick</b> <i>brown\r\n fox</i></p><p>next</p>";
  CHECK(source_of(html, "quick") == "quick");
  CHECK(source_of(html, "quick brown fox") == "quick</b> <i>brown\r\n fox");
  CHECK(source_of(html, "fox\n\nnext") == "fox</i></p><p>next");
  CHECK(source_of(html, " brown") == " <i>brown");
}

TEST_CASE("constructs that parsers stumble over keep their offsets") {
  CHECK(source_of("<p>foo</span>bar", "foobar") == "foo</span>bar");
  CHECK(source_of("<p>a<!-- > -->b", "ab") == "a<!-- > -->b");
  CHECK(source_of("<p>1 < 2 <3 a<=b", "1 < 2 <3 a<=b") == "1 < 2 <3 a<=b");
  CHECK(source_of("<table>lost<tr><td>cell</table>", "lost") == "lost");
  CHECK(source_of("<p title='a>b'>x<q cite=\"</p>\">y", "xy").ends_with(">y"));
  CHECK(source_of("<textarea>a <b> &lt;c</textarea>", "a <b> <c") == "a <b> &lt;c");
  CHECK(source_of("<svg><text>in <![CDATA[a<b>&amp;]]></text></svg>", "a<b>&amp;") == "a<b>&amp;");
  CHECK(source_of("<svg><text><![CDATA[x]]>y<![CDATA[<z]]></text></svg>", "xy<z") ==
        "x]]>y<![CDATA[<z");
  CHECK(source_of("<p>a<![CDATA[b]]>c", "a") == "a");
  CHECK(source_of("<svg><foreignObject><p>a &lt; b", "a < b") == "a &lt; b");
  CHECK(source_of("<p>line\rend\r\nmore", "line end more") == "line\rend\r\nmore");
  CHECK(source_of("<b><p>mis</b>nested</p>", "misnested") == "mis</b>nested");
  CHECK(source_of(std::string_view("<html>nu\0l", 10), "nul") == std::string("nu\0l", 4));
  CHECK(source_of("<p>😀&#x1F600;😀", "😀😀😀") == "😀&#x1F600;😀");
}

TEST_CASE("the head gives title and metadata") {
  const Document document = loaded(
      "<html lang=de-AT><head><title> My &amp;\n Title </title><meta name=Author content='A. B.'>"
      "<meta name=description content='About\n it'><meta name=keywords content='x, y ,,z'>"
      "<meta property='article:published_time' content='2024-05-01'></head><body><h1>Other</h1>t");
  CHECK(document.title == "My & Title");
  CHECK(json::dump(document.metadata) ==
        R"({"language":"de-AT","author":"A. B.","description":"About it",)"
        R"("keywords":["x","y","z"],"date":"2024-05-01"})");
  CHECK(document.text == "Other\n\nt");
  CHECK(loaded("<h2>No</h2><h1>First</h1><h1>Second</h1>").title == "First");
  CHECK(loaded("<p>nothing").title == "page.html");
}

TEST_CASE("headings give the path of a place") {
  const Document document = loaded(
      "<div><h1>Guide<a href='#'>¶</a></h1><p>a</p><h2> Bud<b>gets</b> </h2><p>b</p>"
      "<h2 hidden>Secret</h2></div><h1></h1><p>c</p>");
  REQUIRE(document.map.headings.size() == 2);
  CHECK(document.map.headings[1].text_start == document.text.find("Budgets"));
  const std::size_t b = document.text.find("\nb") + 1;
  CHECK(document.map.place({b, b + 1}).heading_path ==
        std::vector<std::string>{"Guide", "Budgets"});
}

TEST_CASE("what a reader does not see is dropped and counted") {
  const auto hidden = [](std::string_view html) {
    const Document document = loaded(html);
    CHECK(document.text == "seen");
    return document.warnings.empty() ? std::string("none") : document.warnings[0];
  };
  const std::string twelve = "hidden text dropped: 12 characters";
  CHECK(hidden("seen<p hidden>twelve chars</p>") == twelve);
  CHECK(hidden("seen<p aria-hidden=true>twelve chars</p>") == twelve);
  CHECK(hidden("seen<p aria-hidden=false></p>") == "none");
  CHECK(hidden("seen<p style='color:red; DISPLAY : none !important'>twelve <b>chars</b>") ==
        "hidden text dropped: 11 characters");
  CHECK(hidden("seen<p style='visibility:hidden'>twelve chars") == twelve);
  CHECK(hidden("seen<p style='font-size:0px'>twelve chars") == twelve);
  CHECK(hidden("seen<p style='opacity: 0.0'>twelve chars") == twelve);
  CHECK(hidden("seen<!-- twelve chars -->") == twelve);
  CHECK(hidden("<style>.h, p#x {display:none}</style>seen<div class='a h'>twelve chars</div>") ==
        twelve);
  CHECK(hidden("<style>p#x{visibility:hidden}</style>seen<p id=x>twelve chars") == twelve);
  CHECK(hidden("s\u200Bee\u202En") == "hidden text dropped: 2 characters");
  CHECK(hidden("seen<script>x</script><style>y</style><template>z</template><noscript>n</noscript>"
               "<input type=hidden value=v>") == "none");
  CHECK(hidden("seen<dialog>twelve chars</dialog>") == twelve);
}

TEST_CASE("what only looks hidden stays") {
  CHECK(text_of("<body style='visibility:hidden'>a") == "a");
  CHECK(text_of("<style>@media print{p{display:none}} div p{display:none}</style><p>a") == "a");
  CHECK(text_of("<style>p{display:none} /* } */ p{display:block}</style><p>a") == "a");
  CHECK(text_of("<div style='font-size:0'><p style='font-size:12px'>a</div>") == "a");
  CHECK(text_of("<div style='visibility:hidden'><p style='visibility:visible'>a</div>") == "a");
  CHECK(text_of("<p style='font-size:0.9em;opacity:0.5'>a") == "a");
}

TEST_CASE("encodings other than UTF-8 keep their offsets") {
  const std::string latin = "<meta charset=iso-8859-1><p>caf\xE9 na&iuml;ve \x80";
  CHECK(text_of(latin) == "café naïve €");
  CHECK(source_of(latin, "café") == "caf\xE9");
  CHECK(source_of(latin, "naïve") == "na&iuml;ve");
  const std::string http =
      "<META http-equiv='Content-Type' content='text/html; charset=Windows-1252'><p>\x93q\x94";
  CHECK(text_of(http) == "“q”");
  std::string utf16 = "\xFF\xFE";
  for (const char c : std::string_view("<html><p>hi &amp; bye")) utf16 += {c, '\0'};
  CHECK(text_of(utf16) == "hi & bye");
  CHECK(source_of(utf16, "&").size() == 10);
  const auto unknown =
      load(context, {"a.html", "<meta charset=x-user-defined><p>\xF0\xD2", ""}, {});
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().message().find("x-user-defined") != std::string::npos);
}

TEST_CASE("a page without text is an error and so is one that is only hidden") {
  for (const std::string_view html : {"<html></html>", "<p hidden>x", "<!DOCTYPE html>"}) {
    const auto document = load(context, {"a.html", std::string(html), ""}, {});
    REQUIRE(!document.ok());
    CHECK(document.error().message() == "has no text");
  }
}

TEST_CASE("a hundred thousand nested elements are read at once") {
  for (const std::string_view tag : {"<div>", "<b>", "<table><tr><td>", "<ul><li>", "<a><p>",
                                     "<!--><span>", "<font x='>'>", "<svg>", "<button>"}) {
    CAPTURE(tag);
    std::string html = "<html><body>";
    for (int i = 0; i < 100'000; ++i) html += tag;
    html += "deep text";
    const auto document = load(context, {"a.html", html, ""}, {});
    REQUIRE_MESSAGE(document.ok(), document.error().message());
    CHECK(document->text == "deep text");
  }
}

TEST_CASE("flattening leaves pages of sane depth alone") {
  std::string html = "<p>x<script>'<div>'</script><br>";
  for (int i = 0; i < 400; ++i) html += "<div><p><li>";
  for (int i = 0; i < 400; ++i) html += "</div>";
  for (int i = 0; i < 5000; ++i) html += "<p>more<li><td><img>";
  std::string same = html;
  detail::flatten_deep_nesting(same);
  CHECK(same == html);
}

namespace {

/// Writes random pages and knows how to read them back: the independent half of the property below.
class PageWriter {
 public:
  explicit PageWriter(unsigned seed) : random_(seed) {}

  std::string page() {
    html_ = below(2) ? "<!DOCTYPE html><html><head><title>t</title></head><body>" : "";
    for (std::size_t i = 1 + below(6); i > 0; --i) block(0);
    return html_;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  void block(int depth) {
    static constexpr std::string_view tags[] = {"p", "div", "h2", "li", "blockquote", "section"};
    const std::string_view tag = tags[below(std::size(tags))];
    const bool is_closed = below(5) > 0;
    html_ += fmt::format("<{}{}>", tag, below(4) ? "" : " title=\"a > b &amp; c\"");
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      if (depth < 3 && below(4) == 0)
        block(depth + 1);
      else
        inline_run(depth);
    }
    if (is_closed) html_ += fmt::format("</{}>", tag);
  }

  void inline_run(int depth) {
    static constexpr std::string_view wrappers[] = {"b", "i", "span", "a", "code"};
    const std::string_view tag = wrappers[below(std::size(wrappers))];
    const bool is_wrapped = below(3) == 0;
    if (is_wrapped) html_ += fmt::format("<{}>", tag);
    for (std::size_t i = 1 + below(8); i > 0; --i) atom();
    if (is_wrapped && depth < 4 && below(3) == 0) inline_run(depth + 1);
    if (is_wrapped) html_ += fmt::format("</{}>", tag);
  }

  void atom() {
    static constexpr std::string_view atoms[] = {"word ",
                                                 "a",
                                                 " ",
                                                 "\n",
                                                 "\r\n  ",
                                                 "\t",
                                                 "é",
                                                 "日本",
                                                 "😀",
                                                 "&amp;",
                                                 "&lt;",
                                                 "&gt ",
                                                 "&eacute;",
                                                 "&#65;",
                                                 "&#x1F600;",
                                                 "& ",
                                                 "&copy2",
                                                 "&nbsp;",
                                                 "<!-- gone &amp; > -->",
                                                 "</unopened>",
                                                 "1 < 2 ",
                                                 "x;",
                                                 "&fjlig;",
                                                 "&nvlt;",
                                                 "end. ",
                                                 "<wbr>",
                                                 "&AMP;",
                                                 "&notin;"};
    html_ += atoms[below(std::size(atoms))];
  }

  std::mt19937 random_;
  std::string html_;
};

/// What a stretch of such a page says: tags and comments dropped, entities resolved.
std::string read_back(std::string_view html) {
  static const std::map<std::string, std::string, std::less<>> entities = {
      {"&amp;", "&"},       {"&AMP;", "&"},    {"&lt;", "<"},      {"&gt", ">"},
      {"&eacute;", "é"},    {"&#65;", "A"},    {"&#x1F600;", "😀"}, {"&copy", "©"},
      {"&nbsp;", "\u00A0"}, {"&fjlig;", "fj"}, {"&nvlt;", "<⃒"},    {"&notin;", "∉"}};
  std::string text;
  for (std::size_t at = 0; at < html.size();) {
    if (html.substr(at, 4) == "<!--") {
      at = html.find("-->", at) + 3;
    } else if (html[at] == '<' && at + 1 < html.size() && html[at + 1] != ' ') {
      while (html[at] != '>')
        if (html[at++] == '"') at = html.find('"', at) + 1;
      ++at;
    } else if (html[at] == '&') {
      std::size_t length = 1;
      for (const auto& [entity, character] : entities)
        if (html.substr(at).starts_with(entity)) {
          length = entity.size();
          text += character;
        }
      if (length == 1) text += '&';
      at += length;
    } else {
      text += html[at++];
    }
  }
  return text;
}

std::string without_space(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded now = unicode::decode(text, at);
    if (!unicode::is_space(now.code_point)) unicode::append(kept, now.code_point);
    at += now.bytes;
  }
  return kept;
}

std::string folded(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!is_space)
      kept += c;
    else if (kept.empty() || kept.back() != ' ')
      kept += ' ';
  }
  return kept;
}

}  // namespace

TEST_CASE("decoding the source of any span gives the span, in random pages") {
  for (unsigned seed = 0; seed < 1500; ++seed) {
    CAPTURE(seed);
    PageWriter writer(seed);
    const std::string html = writer.page();
    const auto document = detail::html_to_document(html);
    REQUIRE(document.ok());
    const std::string& text = document->text;
    CAPTURE(html);
    CAPTURE(text);
    REQUIRE(unicode::is_valid_utf8(text));
    for (int i = 0; i < 20 && !text.empty(); ++i) {
      std::size_t start = unicode::floor_boundary(text, writer.below(text.size()));
      std::size_t end = unicode::floor_boundary(text, start + writer.below(60));
      if (i == 0) start = 0, end = text.size();
      if (start >= end) continue;
      const std::string quote = text.substr(start, end - start);
      // Half of a character that one entity gives has no bytes of its own.
      const std::string around = text.substr(start > 0 ? start - 1 : 0, end - start + 4);
      if (around.find("\u20D2") != std::string::npos || around.find("fj") != std::string::npos)
        continue;
      const Place place = document->map.place({start, end});
      REQUIRE(place.byte_start);
      REQUIRE(*place.byte_end <= html.size());
      const std::string_view source =
          std::string_view(html).substr(*place.byte_start, *place.byte_end - *place.byte_start);
      CAPTURE(quote);
      CAPTURE(source);
      const std::string read = read_back(source);
      REQUIRE(without_space(read) == without_space(quote));
      // Between blocks there are breaks that the source does not have; elsewhere the very white
      // space must agree.
      if (quote.find('\n') == std::string::npos && quote.find("  ") == std::string::npos)
        REQUIRE(folded(read) == quote);
    }
  }
}

}  // namespace slipway::documents
