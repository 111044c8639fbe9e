#include "documents/splitters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "core/files.hpp"
#include "core/unicode.hpp"
#include "documents/detail/regex_syntax.hpp"
#include "documents/detail/separator.hpp"

using namespace slipway;
using namespace slipway::documents;

namespace {

json::Value test_data(std::string_view name) {
  auto bytes = read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / name);
  REQUIRE(bytes.ok());
  auto value = json::parse(*bytes);
  REQUIRE(value.ok());
  return *value;
}

std::string string_of(const json::Value& value) { return std::string(value.as_string()); }

std::vector<std::string> chunks_of(std::string_view text, const SplitterSettings& settings) {
  auto spans = split(text, settings);
  REQUIRE_MESSAGE(spans.ok(), spans.error().message());
  std::vector<std::string> chunks;
  for (const Span span : *spans) chunks.emplace_back(text.substr(span.start, span.size()));
  return chunks;
}

SplitterSettings character_settings(std::string separator, std::size_t size, bool is_regex) {
  SplitterSettings settings;
  settings.kind = SplitterKind::character;
  settings.separators = {std::move(separator)};
  settings.chunk_size = size;
  settings.separators_are_regex = is_regex;
  settings.keep_separator = KeepSeparator::none;
  return settings;
}

/// Byte offset of every code point, and of the end.
std::vector<std::size_t> byte_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < text.size(); at += unicode::decode(text, at).bytes)
    offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

std::string shown(const std::vector<Span>& spans) {
  std::string text;
  for (const Span span : spans) text += fmt::format(" {}..{}", span.start, span.end);
  return text;
}

/// Chunks must be non-empty, in order, on boundaries, and leave out nothing but white space.
void check_cover(std::string_view text, const std::vector<Span>& spans) {
  std::size_t covered = 0;
  std::size_t last_start = 0;
  for (const Span span : spans) {
    REQUIRE(span.start < span.end);
    REQUIRE(span.end <= text.size());
    REQUIRE(span.start >= last_start);
    REQUIRE(unicode::is_boundary(text, span.start));
    REQUIRE(unicode::is_boundary(text, span.end));
    if (span.start > covered)
      REQUIRE(unicode::trim(text.substr(covered, span.start - covered)).empty());
    covered = std::max(covered, span.end);
    last_start = span.start;
  }
  REQUIRE(unicode::trim(text.substr(covered)).empty());
}

}  // namespace

TEST_CASE("the published and calculated vectors of LangChain's splitters come out alike") {
  const json::Value vectors = test_data("splitter_vectors.json");
  for (const json::Value& vector : vectors.as_array()) {
    const json::Object& object = vector.as_object();
    const std::string name = string_of(object.at("name"));
    CAPTURE(name);
    const auto settings = json::from<SplitterSettings>(object.at("settings"));
    REQUIRE(settings.ok());
    const std::string text = string_of(object.at("text"));
    std::vector<std::string> expected;
    for (const json::Value& chunk : object.at("chunks").as_array())
      expected.push_back(string_of(chunk));
    CHECK(chunks_of(text, *settings) == expected);
    if (!object.contains("starts")) continue;
    const auto spans = split(text, *settings);
    const json::Array& starts = object.at("starts").as_array();
    REQUIRE(spans->size() == starts.size());
    for (std::size_t i = 0; i < starts.size(); ++i)
      CHECK((*spans)[i].start == starts[i].to_number<std::size_t>());
  }
}

TEST_CASE("thousands of random splits have the chunks and offsets of LangChain") {
  const json::Value data = test_data("langchain_splits.json");
  const json::Array& texts = data.at("texts").as_array();
  const json::Array& lists = data.at("lists").as_array();
  std::size_t wrong = 0;
  for (const json::Value& value : data.at("cases").as_array()) {
    const json::Object& one = value.as_object();
    const std::string text = string_of(texts[one.at("text").to_number<std::size_t>()]);
    const json::Object& list = lists[one.at("list").to_number<std::size_t>()].as_object();
    SplitterSettings settings;
    settings.kind = *json::from<SplitterKind>(one.at("kind"));
    settings.chunk_size = one.at("size").to_number<std::size_t>();
    settings.chunk_overlap = one.at("overlap").to_number<std::size_t>();
    settings.keep_separator = *json::from<KeepSeparator>(one.at("keep"));
    settings.strip_whitespace = one.at("strip").as_bool();
    settings.separators_are_regex = list.at("regex").as_bool();
    settings.separators = *json::from<std::vector<std::string>>(list.at("separators"));
    if (settings.kind == SplitterKind::character) settings.separators.resize(1);

    const std::vector<std::size_t> offsets = byte_offsets(text);
    std::vector<Span> expected;
    const json::Array& spans = one.at("spans").as_array();
    for (std::size_t i = 0; i < spans.size(); i += 2)
      expected.push_back({offsets[spans[i].to_number<std::size_t>()],
                          offsets[spans[i + 1].to_number<std::size_t>()]});
    const auto got = split(text, settings);
    REQUIRE_MESSAGE(got.ok(), got.error().message());
    if (*got == expected) continue;
    if (++wrong <= 5)
      MESSAGE(json::dump(value), "\n", json::dump(list.at("separators")), "\n", text, "\nexpected",
              shown(expected), "\ngot     ", shown(*got));
  }
  CHECK(wrong == 0);
  CHECK(data.at("cases").as_array().size() >= 1500);
}

TEST_CASE("a chunk with dropped separators inside shows the text as it is, not a joined copy") {
  // LangChain: "a,b" and "a[,;]b".
  CHECK(chunks_of("a,,b", character_settings(",", 10, false)) == std::vector<std::string>{"a,,b"});
  CHECK(chunks_of("a;b", character_settings("[,;]", 10, true)) == std::vector<std::string>{"a;b"});
}

TEST_CASE("text without content gives no chunks") {
  for (const std::string_view text : {"", " ", "\n\n\n", "\t \u00a0\u3000\n"}) {
    CAPTURE(text);
    CHECK(chunks_of(text, {}).empty());
  }
}

TEST_CASE("settings out of range are refused with the key, the value and the remedy") {
  SplitterSettings settings;
  settings.chunk_size = 0;
  CHECK(settings.validate().error().message() ==
        "chunk_size: 0 is out of range 1..1000000; leave it out to use 800");
  settings.chunk_size = 1'000'001;
  CHECK_FALSE(settings.validate().ok());
  settings.chunk_size = 10;
  settings.chunk_overlap = 11;
  CHECK(split("text", settings).error().message() ==
        "chunk_overlap: 11 is larger than chunk_size, which is 10; 0 means no overlap");
  settings.chunk_overlap = 10;
  CHECK(settings.validate().ok());
  settings.separators.clear();
  CHECK(settings.validate().error().message().starts_with("separators: 0 entries"));
  settings.separators = {",", ";"};
  settings.kind = SplitterKind::character;
  CHECK(settings.validate().error().message().starts_with(
      "separators: the splitter 'character' takes one, got 2"));
  settings.separators = SplitterSettings().separators;  // Nobody wrote them: the first one counts.
  CHECK(chunks_of("a b\n\nc d", settings) == std::vector<std::string>{"a b\n\nc d"});
}

TEST_CASE("settings come from YAML words and name their path when wrong") {
  const auto value =
      json::parse(R"({"kind":"recursive","chunk_size":5,"keep_separator":"middle"})");
  CHECK(json::from<SplitterSettings>(*value).error().message() ==
        "$.keep_separator: expected one of: none, start, end, got \"middle\"");
  const auto zero = json::parse(R"({"chunk_size":0})");
  CHECK(json::from<SplitterSettings>(*zero).error().message().starts_with("$: chunk_size: 0"));
}

TEST_CASE("a regular expression that does not compile is one error that names it") {
  for (const std::string_view pattern :
       {"(", "[a", "*a", "a{3,1}", "a\\", "\\l", "(?<name", "(?P<n>a)(?P=m)", "(?R)", "(*FAIL)",
        "(?<=a+)b", "\\x4", "\\U00110000", "a**", "(?x) a", "a{99999}", "[z-a]", "\\9", "(?P=n"}) {
    CAPTURE(pattern);
    const auto result = detail::Separator::compile(pattern, detail::Separator::Syntax::regex);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == Code::invalid_argument);
    CHECK(result.error().message().find(fmt::format("'{}'", pattern)) != std::string::npos);
    CHECK(result.error().message().find('\n') == std::string::npos);
    SplitterSettings settings;
    settings.separators = {" ", std::string(pattern)};
    settings.separators_are_regex = true;
    CHECK(settings.validate().error().message().starts_with("separators[1]: "));
  }
}

TEST_CASE("a regular expression that explodes is an error, not a hang or a crash") {
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  const std::string text(3'000, 'a');
  for (const std::string_view pattern : {"(?:a|aa)+$x", "(?:a*)*b", "(a+)+b"}) {
    CAPTURE(pattern);
    SplitterSettings settings = character_settings(std::string(pattern), 10, true);
    const auto result = split(text, settings);
    if (!result) {
      CHECK(result.error().code() == Code::invalid_argument);
      CHECK(result.error().message().find("is too costly on this text") != std::string::npos);
    }
  }
  CHECK(std::clock() - begin < 20 * CLOCKS_PER_SEC);
}

TEST_CASE("a rare match in a large document is not taken for a costly pattern") {
  std::string text(3'000'000, 'a');
  text += "XXy";
  CHECK(chunks_of(text, character_settings("(?<=XX)y|[bc]+z", 10, true)).size() == 1);
}

TEST_CASE("regular expressions have Python's meaning") {
  struct Row {
    std::string_view pattern;
    std::string_view text;
    std::vector<std::string> chunks;
  };
  const std::vector<Row> rows = {
      {"[。！？]", "一。二！三", {"一", "二", "三"}},
      {"\\s", "a\u3000b\u0085c", {"a", "b", "c"}},
      {"\\d", "a٣b", {"a", "b"}},
      {"\\W", "añb-c½d", {"añb", "c½d"}},
      {"é.", "aé😀b", {"a", "b"}},
      {"[^a-z]", "aéb😀c", {"a", "b", "c"}},
      {"a.c", "xa\ncy", {"xa\ncy"}},
      {"b$", "ab\nb\n", {"ab\n", "\n"}},
      {"^b", "b\nb", {"\nb"}},
      {"x{,2}y", "axxyb", {"a", "b"}},
      {"{", "a{b", {"a", "b"}},
      {"[[]", "a[b", {"a", "b"}},
      {"[]x]", "a]bxc", {"a", "b", "c"}},
      {"[\\]\\-]", "a]b-c", {"a", "b", "c"}},
      {"\\<", "a<b", {"a", "b"}},
      {"\\u0041|\\x42", "1A2B3", {"1", "2", "3"}},
      {"(?P<q>['\"])x(?P=q)", "a'x'b\"x'c", {"a", "b\"x'c"}},
      {"(?i:É)", "aéb", {"a", "b"}},
      {"(?i)éa", "bÉAc", {"b", "c"}},
      {"(?s)a.b", "1a\nb2", {"1", "2"}},
      {"(?#note)-", "a-b", {"a", "b"}},
      {"\\101", "1A2", {"1", "2"}},
      {"(.)\\1", "abbc", {"a", "c"}},
      {"(a|b)(c)?", "1a2bc3", {"1", "2", "3"}},
      {"(?m)^#", "1\n#2", {"1\n", "2"}},
      {"(?m);$", "1;\n2;3", {"1", "\n2;3"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    SplitterSettings settings = character_settings(std::string(row.pattern), 1, true);
    settings.strip_whitespace = false;
    CHECK(fmt::format("{}", fmt::join(chunks_of(row.text, settings), "|")) ==
          fmt::format("{}", fmt::join(row.chunks, "|")));
  }
}

TEST_CASE("every chunk of random bytes is in order, on boundaries, and nothing is lost") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"a", "b ", "\n",   "\n\n", ".",    " ",        "é",
                                           "😀", "。", "\x80", "\xff", "\xe2", "\xf0\x9f", "\u3000"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 120; left > 0; --left) {
      if (random() % 4 == 0)
        text += static_cast<char>(random());
      else
        text += pieces[random() % pieces.size()];
    }
    SplitterSettings settings;
    settings.chunk_size = 1 + random() % 40;
    settings.chunk_overlap = random() % (settings.chunk_size + 1);
    settings.keep_separator = random() % 2 == 0 ? KeepSeparator::start : KeepSeparator::end;
    settings.strip_whitespace = random() % 2 == 0;
    if (random() % 2 == 0) {
      settings.separators = {"\\n+", "(?<=[.。])", "\\s", ""};
      settings.separators_are_regex = true;
    }
    CAPTURE(round);
    const auto spans = split(text, settings);
    REQUIRE(spans.ok());
    check_cover(text, *spans);
    for (const Span span : *spans)
      REQUIRE(unicode::length(std::string_view(text).substr(span.start, span.size())) <=
              settings.chunk_size);
  }
}

TEST_CASE("splitting stays linear on texts made to be slow") {
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  SplitterSettings overlapping;
  overlapping.chunk_size = 100'000;
  overlapping.chunk_overlap = 99'999;
  std::string words;
  while (words.size() < 500'000) words += "some words of text ";
  for (const std::string& text :
       {std::string(500'000, ' '), std::string(500'000, 'x'), std::string(500'000, '\n'), words}) {
    CHECK(split(text, {}).ok());
    CHECK(split(text, overlapping).ok());
  }
  CHECK(std::clock() - begin < 20 * CLOCKS_PER_SEC);
}
