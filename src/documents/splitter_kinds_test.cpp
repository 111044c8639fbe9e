// What the kinds promise beyond the vectors of LangChain.
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"

using namespace slipway;
using namespace slipway::documents;

namespace {

using Strings = std::vector<std::string>;

SplitterSettings of_kind(SplitterKind kind, std::size_t size) {
  SplitterSettings settings;
  settings.kind = kind;
  settings.chunk_size = size;
  return settings;
}

std::vector<Span> spans_of(std::string_view text, const SplitterSettings& settings,
                           const SplitInput& input = {}) {
  auto spans = split(text, settings, input);
  REQUIRE_MESSAGE(spans.ok(), spans.error().message());
  return *spans;
}

Strings chunks_of(std::string_view text, const SplitterSettings& settings,
                  const SplitInput& input = {}) {
  Strings chunks;
  for (const Span span : spans_of(text, settings, input))
    chunks.emplace_back(text.substr(span.start, span.size()));
  return chunks;
}

/// In order, not empty, on code points; what is left out holds only white space and `ignored`.
void check_cover(std::string_view text, const std::vector<Span>& spans,
                 std::string_view ignored = "") {
  std::size_t covered = 0, last_start = 0;
  const auto check_gap = [&](std::size_t end) {
    for (std::size_t at = covered; at < end;) {
      const unicode::Decoded one = unicode::decode(text, at);
      REQUIRE((unicode::is_space(one.code_point) ||
               ignored.find(text.substr(at, one.bytes)) != std::string_view::npos));
      at += one.bytes;
    }
  };
  for (const Span span : spans) {
    REQUIRE(span.start < span.end);
    REQUIRE(span.end <= text.size());
    REQUIRE(span.start >= last_start);
    REQUIRE(unicode::is_boundary(text, span.start));
    REQUIRE(unicode::is_boundary(text, span.end));
    if (span.start > covered) check_gap(span.start);
    covered = std::max(covered, span.end);
    last_start = span.start;
  }
  check_gap(text.size());
}

/// A token for every three bytes of a word.
std::size_t count_by_threes(std::string_view word) { return (word.size() + 2) / 3; }

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t';
    words += !is_space && !in_word;
    in_word = !is_space;
  }
  return words;
}

Result<std::vector<std::vector<float>>> first_letters(const std::vector<std::string_view>& texts) {
  std::vector<std::vector<float>> vectors;
  for (const std::string_view text : texts) {
    std::vector<float> vector(8, 0.1F);
    if (!text.empty()) vector[static_cast<unsigned char>(text.front()) % 8] = 1;
    vectors.push_back(vector);
  }
  return vectors;
}

SplitInput full_input() {
  SplitInput input;
  input.count_tokens = count_by_threes;
  input.embed = first_letters;
  return input;
}

}  // namespace

TEST_CASE("a code block that fits is never cut, even where paragraphs are") {
  const std::string code = "```\nfirst line\n\nsecond line\n```";
  const std::string text = "# Title\n\nA paragraph of some words that fills its chunk.\n\n" + code +
                           "\n\nAnother paragraph.\n";
  for (std::size_t size = code.size(); size < 100; ++size) {
    const Strings chunks = chunks_of(text, of_kind(SplitterKind::markdown, size));
    CAPTURE(size);
    CHECK(std::count_if(chunks.begin(), chunks.end(), [&](const std::string& chunk) {
            return chunk.find(code) != std::string::npos;
          }) == 1);
  }
}

TEST_CASE("a list keeps its lead-in and is cut between its items") {
  const std::string text =
      "An opening paragraph that has nothing to do with it.\n\nThe keys are:\n\n- alpha is the "
      "first\n- beta is the second\n  with more\n- gamma is the third\n";
  CHECK(chunks_of(text, of_kind(SplitterKind::markdown, 60)) ==
        Strings{"An opening paragraph that has nothing to do with it.",
                "The keys are:\n\n- alpha is the first",
                "- beta is the second\n  with more\n- gamma is the third"});
  CHECK(chunks_of(text, of_kind(SplitterKind::markdown, 120)) ==
        Strings{"An opening paragraph that has nothing to do with it.",
                "The keys are:\n\n- alpha is the first\n- beta is the second\n  with more\n- gamma "
                "is the third"});
}

TEST_CASE("the header of a table stays with its first row") {
  const std::string text =
      "Prices in coins:\n\n| fruit | price |\n|---|---|\n| pear | 3 |\n| plum | 5 |\n| fig | 8 |\n";
  CHECK(chunks_of(text, of_kind(SplitterKind::markdown, 64)) ==
        Strings{"Prices in coins:\n\n| fruit | price |\n|---|---|\n| pear | 3 |",
                "| plum | 5 |\n| fig | 8 |"});
  CHECK(
      chunks_of("a | b\n--|--\n1 | 2\n3 | 4\n\nEnd of it.", of_kind(SplitterKind::markdown, 20)) ==
      Strings{"a | b\n--|--\n1 | 2", "3 | 4\n\nEnd of it."});
}

TEST_CASE("a heading is never a chunk of its own when text follows") {
  const std::string text =
      "# Guide\n\n## Start\n\nSome words of a long paragraph that must be cut in pieces.\n";
  const Strings chunks = chunks_of(text, of_kind(SplitterKind::markdown, 30));
  CHECK(chunks.front() == "# Guide\n\n## Start\n\nSome words");
  CHECK(chunks_of("Title\n=====\n\nText below.\n\nOther\n-----\n\nMore.",
                  of_kind(SplitterKind::markdown, 30)) ==
        Strings{"Title\n=====\n\nText below.", "Other\n-----\n\nMore."});
}

TEST_CASE("headings that a loader found are where sections begin") {
  const std::string text = "Pears\n\nThey ripen late.\n\nStorage\n\nCool and dark.\n";
  SourceMap map;
  map.headings = {{0, 1, "Pears"}, {text.find("Storage"), 2, "Storage"}};
  SplitInput input;
  input.map = &map;
  SplitterSettings settings = of_kind(SplitterKind::html, 200);
  CHECK(chunks_of(text, settings, input) ==
        Strings{"Pears\n\nThey ripen late.", "Storage\n\nCool and dark."});
  settings.heading_level_max = 1;
  CHECK(chunks_of(text, settings, input).size() == 1);
  settings.heading_level_max = 6;
  settings.strip_headings = true;
  CHECK(chunks_of(text, settings, input) == Strings{"They ripen late.", "Cool and dark."});
  CHECK(chunks_of(text, settings).size() == 1);  // No map, no sections.
  map.headings.push_back({100'000, 1, "Beyond the text"});
  CHECK(chunks_of(text, settings, input).size() == 2);
}

TEST_CASE("elements stay whole, count with their own length, and words are cut around them") {
  const std::string text =
      "Head\n\nSome words that lead\nto a list.\n\n- one of it\n- two of it\n\nMore words behind.";
  SourceMap map;
  map.headings = {{0, 1, "Head"}};
  const std::size_t list = text.find("- one");
  map.blocks = {{list, text.find("\n\nMore"), SourceMap::BlockKind::list},
                {list, list + 11, SourceMap::BlockKind::item}};
  SplitInput input;
  input.map = &map;
  SplitterSettings settings = of_kind(SplitterKind::html_semantic, 24);
  const std::string whole_list = "- one of it\n- two of it";
  CHECK(chunks_of(text, settings, input) ==
        Strings{"Head\n\nSome words that", "lead\nto a list.", whole_list, "More words behind."});
  settings.strip_headings = true;
  CHECK(chunks_of(text, settings, input) ==
        Strings{"Some words that lead\nto", "a list.", whole_list, "More words behind."});
  settings.chunk_size = 5;  // The list is longer than a chunk.
  const Strings small = chunks_of(text, settings, input);
  CHECK(std::count(small.begin(), small.end(), whole_list) == 1);
  settings.preserve = {Preserved::table};
  settings.chunk_size = 24;
  CHECK(chunks_of(text, settings, input) == Strings{"Some words that lead\nto",
                                                    "a list.\n\n- one of it\n-",
                                                    "two of it\n\nMore words", "behind."});
  settings.preserve = SplitterSettings().preserve;
  settings.unit = LengthUnit::tokens;
  settings.chunk_size = 7;
  input.count_tokens = count_words;
  CHECK(chunks_of(text, settings, input) ==
        Strings{"Some words that lead\nto a list.", whole_list, "More words behind."});
}

TEST_CASE("JSON chunks are stretches of the source, brackets and all") {
  const std::string text =
      "{\n  \"name\": \"basket\",\n  \"fruit\": {\"pear\": 3, \"plum\": 5},\n  \"rows\": [1, 2]\n}";
  SplitterSettings settings = of_kind(SplitterKind::json, 40);
  settings.chunk_size_min = 10;
  CHECK(chunks_of(text, settings) == Strings{"{\n  \"name\": \"basket\"",
                                             "\"fruit\": {\"pear\": 3, \"plum\": 5}",
                                             "\"rows\": [1, 2]\n}"});
}

TEST_CASE("lines of JSON, long values and what is no JSON are cut too") {
  SplitterSettings settings = of_kind(SplitterKind::json, 60);
  CHECK(chunks_of("{\"id\": 1, \"t\": \"first of all rows\"}\n{\"id\": 2, \"t\": \"second\"}\n"
                  "{\"id\": 3, \"t\": \"third\"}\n",
                  settings) == Strings{"{\"id\": 1, \"t\": \"first of all rows\"}",
                                       "{\"id\": 2, \"t\": \"second\"}",
                                       "{\"id\": 3, \"t\": \"third\"}"});
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word ";
  for (const std::string& text :
       {"{\"long\": \"" + words + "\"}", "[\"" + words + "\"]", "{\"broken\": " + words, words}) {
    const auto spans = spans_of(text, settings);
    CHECK(spans.size() > 3);
    for (const Span span : spans) CHECK(span.size() <= 60);
    check_cover(text, spans, ",");
  }
  for (const std::string_view text : {"", " ", "{}", "[]", "1", "\"x\"", "null", "\xEF\xBB\xBF{}"})
    CHECK(chunks_of(text, settings).size() == (unicode::trim(text).empty() ? 0 : 1));
}

TEST_CASE("tokens that end inside a character never make half a character") {
  const std::string text = "né日本😀x";
  SplitInput input;
  input.tokenize = [](std::string_view all) {
    std::vector<Span> bytes;
    for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back({i, i + 1});
    return Result<std::vector<Span>>(bytes);
  };
  for (std::size_t size = 1; size <= text.size(); ++size) {
    SplitterSettings settings = of_kind(SplitterKind::token, size);
    settings.chunk_overlap = size / 3;
    check_cover(text, spans_of(text, settings, input));
  }
  input.tokenize = [](std::string_view) {
    return Result<std::vector<Span>>(std::vector<Span>{{4, 6}, {0, 1}});
  };
  CHECK(split(text, of_kind(SplitterKind::token, 3), input).error().message() ==
        "the tokenizer gives a token at 0..1 behind one that ends at 6 of 14 bytes");
}

TEST_CASE("a tokenizer that can only count keeps words whole, unless one is longer than a chunk") {
  SplitInput input;
  input.count_tokens = count_by_threes;
  // Tokens: short 2, word 2, "," 1, another 3.
  CHECK(chunks_of("short word, another", of_kind(SplitterKind::token, 4), input) ==
        Strings{"short word", ", another"});
  CHECK(chunks_of("abcdefghijklmnopqr", of_kind(SplitterKind::token, 2), input) ==
        Strings{"abcdef", "ghijkl", "mnopqr"});
  CHECK(chunks_of("日本語", of_kind(SplitterKind::token, 1), input) == Strings{"日", "本", "語"});
}

TEST_CASE("sizes may be counted in tokens") {
  SplitInput input;
  input.count_tokens = count_words;
  SplitterSettings settings = of_kind(SplitterKind::recursive, 3);
  settings.unit = LengthUnit::tokens;
  CHECK(chunks_of("one two three four five six seven", settings, input) ==
        Strings{"one two three", "four five six", "seven"});
  CHECK(split("one", settings).error().message() ==
        "unit: tokens need a tokenizer, and none is given");
  CHECK(split("one", of_kind(SplitterKind::token, 3)).error().message() ==
        "kind: the splitter 'token' needs a tokenizer, and none is given");
}

TEST_CASE("semantic chunks lose no mark and need an embedding model") {
  const std::string text =
      "# Heading\n\n- An apple. Another apple.\n- Bread is baked. Bread is eaten.\n";
  SplitterSettings settings = of_kind(SplitterKind::semantic, 800);
  settings.breakpoint_amount = 50;
  settings.buffer_size = 0;
  SplitInput input;
  input.embed = first_letters;
  const auto spans = spans_of(text, settings, input);
  CHECK(spans.size() > 1);
  check_cover(text, spans);
  CHECK(split(text, settings).error().message().find("needs an embedding model") !=
        std::string::npos);
  input.embed = [](const auto&) -> Result<std::vector<std::vector<float>>> {
    return std::vector<std::vector<float>>(1, std::vector<float>(1, 1.0F));
  };
  CHECK(split(text, settings, input).error().message().find("gives 1 vectors for") !=
        std::string::npos);
  input.embed = [](const auto&) -> Result<std::vector<std::vector<float>>> {
    return fail(Code::unavailable, "no network");
  };
  CHECK(split(text, settings, input).error().code() == Code::unavailable);
  CHECK(chunks_of("One sentence.", settings, input) == Strings{"One sentence."});  // Not embedded.
}

TEST_CASE("a language is known by the ending, else by the media type") {
  CHECK(detect_language("src/a.PY", "") == "python");
  CHECK(detect_language("a.tar.h", "") == "c");
  CHECK(detect_language("x/App.vue", "") == "jsx");
  CHECK(detect_language("README", "text/markdown; charset=utf-8") == "markdown");
  CHECK(detect_language("-", "text/x-python") == "python");
  CHECK(detect_language("-", "application/javascript") == "js");
  CHECK(detect_language("page.html", "text/html").empty());  // Its text has no tags.
  CHECK(detect_language("a.txt", "text/plain").empty());
  CHECK(detect_language("", "").empty());
  SplitInput input;
  input.path = "a.py";
  CHECK(chunks_of("import os\nclass A:\n  pass\ndef b():\n  pass",
                  of_kind(SplitterKind::language, 22),
                  input) == Strings{"import os", "class A:\n  pass", "def b():\n  pass"});
}

TEST_CASE("a setting that the kind does not use is refused by name") {
  const auto message = [](std::string_view written) {
    return json::from<SplitterSettings>(*json::parse(written)).error().message();
  };
  CHECK(message(R"({"language":"go"})") ==
        "$: language: the splitter 'recursive' does not use it; leave it out");
  CHECK(message(R"({"kind":"json","chunk_overlap":5})") ==
        "$: chunk_overlap: the splitter 'json' does not use it; leave it out");
  CHECK(message(R"({"kind":"html","preserve":[]})") ==
        "$: preserve: the splitter 'html' does not use it; leave it out");
  CHECK(message(R"({"kind":"language","separators":["x"]})").starts_with("$: separators: the"));
  CHECK(message(R"({"kind":"language","language":"klingon"})")
            .starts_with("$: language: 'klingon' is not one of auto, c, cobol, cpp"));
  CHECK(
      message(R"({"kind":"html","heading_marks":{"**":1}})").starts_with("$: heading_marks: the"));
  CHECK(message(R"({"kind":"markdown","heading_marks":{"* ":1}})")
            .starts_with("$: heading_marks: '* ' must be"));
  CHECK(message(R"({"kind":"markdown","heading_level_max":7})")
            .starts_with("$: heading_level_max: 7 is out of range 1..6"));
  CHECK(message(R"({"kind":"semantic","breakpoint_amount":101})")
            .starts_with("$: breakpoint_amount: 101 is out of range 0..100 for 'percentile'"));
  CHECK(message(R"({"kind":"semantic","sentence_regex":"("})").starts_with("$: sentence_regex: "));
  CHECK(message(R"({"kind":"token","chunk_size":5,"chunk_overlap":5})")
            .starts_with("$: chunk_overlap: windows of 5 tokens that share 5"));
  CHECK(
      message(R"({"kind":"regex"})").starts_with("$.kind: expected one of: recursive, character"));
  CHECK(message(R"({"unit":"words"})").starts_with("$.unit: expected one of: characters, tokens"));
}

TEST_CASE("the identity of settings stays when settings are added") {
  // What collections made by the first release have stored: were it another, all would be embedded
  // again.
  CHECK(
      SplitterSettings().identity() ==
      R"({"chunk_overlap":0,"chunk_size":800,"keep_separator":"start","kind":"recursive",)"
      R"("separators":["\n\n","\n"," ",""],"separators_are_regex":false,"strip_whitespace":true})");
  SplitterSettings settings;
  settings.unit = LengthUnit::tokens;
  CHECK(settings.identity().find(R"("unit":"tokens")") != std::string::npos);
}

TEST_CASE("every kind cuts random text in order, on code points, within its size, losing nothing") {
  const Strings pieces = {"# ",        "## ",   "\n",  "\n\n",  "- ",   "1. ",  "| a | b |\n",
                          "|--|--|\n", "```\n", "~~~", "a",     "bc d", "é",    "😀",
                          "日本",      ". ",    ":\n", "{",     "}",    "[",    "]",
                          ",",         "\"",    "\\",  "    ",  "\t",   "\r\n", "\xff",
                          "=====\n",   "> ",    "<b>", "\u2028"};
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 90; left > 0; --left) text += pieces[random() % pieces.size()];
    SplitterSettings settings = of_kind(static_cast<SplitterKind>(random() % 9), 1 + random() % 50);
    if (settings.kind == SplitterKind::character) settings.kind = SplitterKind::markdown;
    const bool overlaps =
        settings.kind != SplitterKind::json && settings.kind != SplitterKind::semantic;
    if (overlaps && random() % 2 == 0) settings.chunk_overlap = random() % settings.chunk_size;
    if (settings.kind == SplitterKind::language) {
      const auto names = splitter_languages();
      settings.language = std::string(names[random() % names.size()]);
    }
    settings.strip_whitespace = random() % 4 != 0;
    SourceMap map;
    for (std::size_t at = random() % 20; at < text.size(); at += 1 + random() % 30)
      map.headings.push_back({at, 1 + static_cast<int>(random() % 3), "Title"});
    for (std::size_t at = random() % 40; at < text.size(); at += random() % 30) {
      const auto kind = static_cast<SourceMap::BlockKind>(random() % 5);
      const std::size_t start = unicode::floor_boundary(text, at);
      const std::size_t end = std::min(text.size(), start + random() % 60);
      map.blocks.push_back({start, unicode::floor_boundary(text, end), kind});
    }
    SplitInput input = full_input();
    const bool uses_map =
        settings.kind == SplitterKind::html || settings.kind == SplitterKind::html_semantic;
    if (uses_map && random() % 4 != 0) input.map = &map;
    CAPTURE(round);
    CAPTURE(text);
    CAPTURE(json::dump(json::to(settings)));
    const auto spans = spans_of(text, settings, input);
    check_cover(text, spans, settings.kind == SplitterKind::json ? "," : "");
    // Spaces are all that JSON's sizes leave out; tokens are not code points; jsx has no last
    // resort; html_semantic folds white space and keeps elements whole.
    if (settings.kind == SplitterKind::json || settings.kind == SplitterKind::token ||
        settings.kind == SplitterKind::html_semantic || settings.language == "jsx")
      continue;
    for (const Span span : spans)
      REQUIRE(unicode::length(std::string_view(text).substr(span.start, span.size())) <=
              settings.chunk_size);
  }
}

TEST_CASE("every kind stays linear on texts made to be slow") {
  constexpr std::size_t size = 300'000;
  const auto repeated = [](std::string_view piece) {
    std::string text;
    while (text.size() < size) text += piece;
    return text;
  };
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  for (const std::string_view piece :
       {"# a\n", "#\n",       "```\n",      "~~~~\n```\n", "- ",
        "- a\n", "  - a\n\n", "| a |\n",    "a|b\n-|-\n",  "**a**\n",
        "[",     "{\"a\":",   "[1,",        "{\"a\":1}",   "\"\\u",
        "<a",    "<a>",       "< ",         "x",           " ",
        "\n",    "a. ",       "= =\n===\n", "\n=",         "word:\n\n- item\n\n"}) {
    const std::string text = repeated(piece);
    SourceMap map;
    for (std::size_t at = 0; at < text.size(); at += 3)
      map.headings.push_back({at, 1 + static_cast<int>(at % 6), std::string(20, 't')});
    for (std::size_t at = 0; at + 8 < text.size(); at += 5)
      map.blocks.push_back({at, at % 1000 == 0 ? std::min(text.size(), at + 900) : at + 8,
                            static_cast<SourceMap::BlockKind>(at % 5)});
    for (const SplitterKind kind :
         {SplitterKind::markdown, SplitterKind::html, SplitterKind::html_semantic,
          SplitterKind::json, SplitterKind::semantic, SplitterKind::token,
          SplitterKind::language}) {
      SplitterSettings settings = of_kind(kind, 800);
      if (kind == SplitterKind::language) settings.language = "jsx";
      if (kind == SplitterKind::markdown) settings.heading_marks = {{"**", 2}};
      SplitInput input = full_input();
      if (kind == SplitterKind::html || kind == SplitterKind::html_semantic) input.map = &map;
      CAPTURE(piece);
      const std::clock_t before = std::clock();
      CHECK(split(text, settings, input).ok());
      CHECK_MESSAGE(std::clock() - before < 5 * CLOCKS_PER_SEC, json::name(kind));
    }
  }
  CHECK(std::clock() - begin < 120 * CLOCKS_PER_SEC);
}

TEST_CASE("sentences that are final never move while a text grows") {
  const Strings pieces = {"Some words here. ",
                          "It ends",
                          ". ",
                          "? ",
                          "No. ",
                          "5 ",
                          "etc. ",
                          "The ",
                          "a word ",
                          "U.S. ",
                          "however, ",
                          "\n",
                          "\n\n",
                          "- item ",
                          "1. ",
                          "| a | b |",
                          "---|---\n",
                          "```\n",
                          "~~~\n",
                          "# Title\n",
                          "\"Quoted.\" ",
                          "e.g. ",
                          "small ",
                          "é 日本。 ",
                          "(in brackets.) ",
                          "    indented ",
                          "> ",
                          "[1] ",
                          "Dr. Who "};
  std::mt19937 random(5);
  std::size_t final_before_the_end = 0;
  for (int round = 0; round < 600; ++round) {
    std::string text;
    const bool is_one_line = round % 3 == 0;
    for (auto left = random() % 30; left > 0; --left) {
      const std::string& piece = pieces[random() % pieces.size()];
      if (!is_one_line || piece.find('\n') == std::string::npos) text += piece;
    }
    const std::vector<Span> all = split_sentences(text);
    for (std::size_t at = 0; at < text.size(); at += unicode::decode(text, at).bytes) {
      const std::string_view part = std::string_view(text).substr(0, at);
      const std::size_t count = final_sentences(part);
      const std::vector<Span> sentences = split_sentences(part);
      CAPTURE(text);
      CAPTURE(part);
      REQUIRE(count <= sentences.size());
      REQUIRE(count <= all.size());
      for (std::size_t i = 0; i < count; ++i) REQUIRE(sentences[i] == all[i]);
      final_before_the_end += count;
    }
  }
  CHECK(final_before_the_end > 10'000);
  CHECK(final_sentences("One sentence stands here. Then comes another one now") == 0);
  CHECK(final_sentences("One stands here. Another.\n\nThen") == 2);
  CHECK(final_sentences("Text.\n\n```\ncode\n\nmore\n") == 1);  // The fence is open.
  CHECK(final_sentences("") == 0);
}
