// What the real LangChain does with the texts of tests/data/documents/splitters, and where we
// agree.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/files.hpp"
#include "core/unicode.hpp"
#include "documents/detail/json_split.hpp"
#include "documents/detail/languages.hpp"
#include "documents/splitters.hpp"

using namespace slipway;
using namespace slipway::documents;

namespace {

json::Value vectors(std::string_view name) {
  auto bytes = read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "splitters" / name);
  REQUIRE_MESSAGE(bytes.ok(), name);
  auto value = json::parse(*bytes);
  REQUIRE(value.ok());
  return *value;
}

const json::Object& object_of(const json::Value& value) { return value.as_object(); }
std::string string_of(const json::Value& value) { return std::string(value.as_string()); }
std::size_t number_of(const json::Value& value) { return value.to_number<std::size_t>(); }
std::string_view view(std::string_view text, Span span) {
  return text.substr(span.start, span.size());
}

std::vector<std::size_t> byte_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < text.size(); at += unicode::decode(text, at).bytes)
    offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

/// The words of a text with one space between.
std::string folded(std::string_view text) {
  std::string out;
  bool gap = false;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded one = unicode::decode(text, at);
    if (unicode::is_space(one.code_point)) {
      gap = !out.empty();
    } else {
      if (gap) out += ' ';
      gap = false;
      out += text.substr(at, one.bytes);
    }
    at += one.bytes;
  }
  return out;
}

/// As LangChain's Markdown splitter leaves them: no white space around, nothing unprintable.
std::string plain_lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(unicode::trim(text.substr(0, end)));
    for (const std::string_view odd : {"\u00a0", "\u200b", "\ufeff"})
      for (std::size_t at; (at = line.find(odd)) != line.npos;) line.erase(at, odd.size());
    if (!line.empty()) lines += line + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

using Documents = std::vector<std::pair<std::string, std::string>>;  // Content, headings.

std::string shown(const Documents& documents) {
  std::string text;
  for (const auto& [content, headings] : documents)
    text += fmt::format("{} {}\n", json::dump(json::Value(content)), headings);
  return text;
}

std::string shown_path(const std::vector<std::pair<int, std::string>>& path) {
  json::Object headings;
  for (const auto& [level, title] : path) headings[fmt::format("h{}", level)] = title;
  return json::dump_canonical(headings);
}

/// The section that holds the last byte of a chunk.
const Section& section_at(const std::vector<Section>& sections, std::size_t end) {
  const Section* found = &sections.front();
  for (const Section& section : sections)
    if (section.span.start < end) found = &section;
  return *found;
}

/// LangChain merges neighbours with the same headings, whatever stands between them.
void add_merged(Documents& documents, std::string content, std::string headings) {
  if (!documents.empty() && documents.back().second == headings)
    documents.back().first += content;
  else
    documents.emplace_back(std::move(content), std::move(headings));
}

std::vector<Span> tokens_of(std::string_view name, std::string_view text) {
  std::vector<Span> tokens;
  const auto offsets = byte_offsets(text);
  if (name == "words") {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      const auto is_space = [&] {
        return unicode::is_space(unicode::decode(text, end).code_point);
      };
      while (end < text.size() && is_space()) end += unicode::decode(text, end).bytes;
      while (end < text.size() && !is_space()) end += unicode::decode(text, end).bytes;
      tokens.push_back({at, end});
      at = end;
    }
    return tokens;
  }
  const std::size_t step = name == "pairs" ? 2 : 1;
  for (std::size_t i = 0; i + 1 < offsets.size(); i += step)
    tokens.push_back({offsets[i], offsets[std::min(i + step, offsets.size() - 1)]});
  return tokens;
}

/// How often each letter occurs, and a constant.
Result<std::vector<std::vector<float>>> letter_counts(const std::vector<std::string_view>& texts) {
  std::vector<std::vector<float>> vectors;
  for (const std::string_view text : texts) {
    std::vector<float> vector(26, 0);
    for (const char c : text) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      if (lower >= 'a' && lower <= 'z') ++vector[static_cast<std::size_t>(lower - 'a')];
    }
    vector.push_back(0.5);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

/// Every value without values below it, in order. A list that became an object is the same.
void append_leaves(const json::Value& value, std::vector<std::string>& leaves) {
  if (value.is_object() && !value.get_object().empty()) {
    for (const auto& item : value.get_object()) append_leaves(item.value(), leaves);
  } else if (value.is_array() && !value.get_array().empty()) {
    for (const json::Value& item : value.get_array()) append_leaves(item, leaves);
  } else {
    leaves.push_back(value.is_array() ? "{}" : json::dump(value));
  }
}

}  // namespace

TEST_CASE("the separators of every language are LangChain's") {
  const json::Value data = vectors("languages.json");
  std::size_t count = 0;
  for (const auto& [language, list] : object_of(data).at("lists").as_object()) {
    CAPTURE(std::string(language));
    const auto expected = json::from<std::vector<std::string>>(list);
    CHECK(detail::separators_of(language, "").separators == *expected);
    CHECK(detail::separators_of(language, "").are_regex);
    ++count;
  }
  CHECK(count == 27);
  CHECK(splitter_languages().size() == count + 1);  // And jsx.
}

TEST_CASE("code in every language is cut where LangChain cuts it") {
  const json::Value data = vectors("languages.json");
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const std::string text = string_of(one.at("text"));
    SplitterSettings settings;
    settings.kind = SplitterKind::language;
    settings.language = string_of(one.at("language"));
    settings.chunk_size = number_of(one.at("size"));
    settings.chunk_overlap = number_of(one.at("overlap"));
    CAPTURE(settings.language);
    CAPTURE(settings.chunk_size);
    const auto offsets = byte_offsets(text);
    std::vector<Span> expected;
    const json::Array& spans = one.at("spans").as_array();
    for (std::size_t i = 0; i < spans.size(); i += 2)
      expected.push_back({offsets[number_of(spans[i])], offsets[number_of(spans[i + 1])]});
    const auto got = split(text, settings);
    REQUIRE_MESSAGE(got.ok(), got.error().message());
    CHECK(*got == expected);
  }
}

TEST_CASE("windows of tokens are LangChain's") {
  const json::Value data = vectors("tokens.json");
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const std::string text = string_of(one.at("text"));
    const std::string tokenizer = string_of(one.at("tokenizer"));
    SplitterSettings settings;
    settings.kind = SplitterKind::token;
    settings.chunk_size = number_of(one.at("size"));
    settings.chunk_overlap = number_of(one.at("overlap"));
    settings.strip_whitespace = false;
    SplitInput input;
    input.tokenize = [&](std::string_view all) { return tokens_of(tokenizer, all); };
    CAPTURE(json::dump(value));
    const auto got = split(text, settings, input);
    REQUIRE_MESSAGE(got.ok(), got.error().message());
    std::vector<std::string> chunks;
    for (const Span span : *got) chunks.emplace_back(view(text, span));
    CHECK(chunks == *json::from<std::vector<std::string>>(one.at("chunks")));
  }
}

TEST_CASE("Markdown is cut at the headings of LangChain and keeps its content") {
  const json::Value data = vectors("markdown.json");
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const std::string text = string_of(one.at("text"));
    SplitterSettings settings;
    settings.kind = SplitterKind::markdown;
    settings.chunk_size = 100'000;
    settings.heading_level_max = static_cast<int>(number_of(one.at("level_max")));
    settings.heading_marks = *json::from<std::map<std::string, int>>(one.at("marks"));
    settings.strip_headings = one.at("strip").as_bool();
    Documents expected, got;
    for (const json::Value& document : one.at("documents").as_array())
      add_merged(expected, plain_lines(string_of(document.as_array()[0])),
                 json::dump_canonical(document.as_array()[1]));
    const auto sections = split_markdown_sections(text, settings);
    const auto chunks = split(text, settings);
    REQUIRE_MESSAGE(chunks.ok(), chunks.error().message());
    for (const Span chunk : *chunks)
      if (std::string lines = plain_lines(view(text, chunk)); !lines.empty())
        add_merged(got, std::move(lines), shown_path(section_at(sections, chunk.end).path));
    CAPTURE(text);
    CAPTURE(json::dump(value));
    CHECK(shown(got) == shown(expected));
  }
}

TEST_CASE("web pages are cut at the headings of LangChain's header and section splitters") {
  const json::Value data = vectors("html.json");
  const Context context;
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const auto document = load(
        context, {.path = "a.html", .bytes = string_of(one.at("html")), .media_type = "text/html"});
    REQUIRE_MESSAGE(document.ok(), document.error().message());
    const int level_max = static_cast<int>(number_of(one.at("level_max")));
    Documents by_header, by_section, expected_by_header, expected_by_section;
    for (const Section& section :
         split_sections(document->text, document->map.headings, level_max)) {
      const std::string heading = folded(view(document->text, section.heading));
      const std::string all = folded(view(document->text, section.span));
      const std::string body = folded(view(
          document->text,
          {section.heading.end > 0 ? section.heading.end : section.span.start, section.span.end}));
      if (!heading.empty()) by_header.emplace_back(heading, shown_path(section.path));
      if (!body.empty()) by_header.emplace_back(body, shown_path(section.path));
      if (section.path.empty())
        by_section.emplace_back(all, R"({"h1":"#TITLE#"})");
      else
        by_section.emplace_back(all, shown_path({section.path.back()}));
    }
    for (const json::Value& part : one.at("by_header").as_array())
      expected_by_header.emplace_back(folded(string_of(part.as_array()[0])),
                                      json::dump_canonical(part.as_array()[1]));
    for (const json::Value& part : one.at("by_section").as_array())
      expected_by_section.emplace_back(folded(string_of(part.as_array()[0])),
                                       json::dump_canonical(part.as_array()[1]));
    CAPTURE(string_of(one.at("html")));
    CHECK(shown(by_header) == shown(expected_by_header));
    CHECK(shown(by_section) == shown(expected_by_section));
  }
}

TEST_CASE("JSON comes in the groups of LangChain's splitter") {
  const json::Value data = vectors("json.json");
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const std::string text = string_of(one.at("text"));
    SplitterSettings settings;
    settings.kind = SplitterKind::json;
    settings.chunk_size = number_of(one.at("size"));
    settings.chunk_size_min = number_of(one.at("min"));
    settings.split_lists = one.at("lists").as_bool();
    const auto nodes = detail::parse_json_tree(text);
    REQUIRE(nodes);
    std::vector<std::vector<std::string>> expected, got;
    for (const json::Value& chunk : one.at("chunks").as_array())
      append_leaves(chunk, expected.emplace_back());
    for (const auto& chunk : detail::find_json_chunks(text, *nodes, settings)) {
      auto& leaves = got.emplace_back();
      for (const detail::JsonNode& node : *nodes)
        if (node.children == 0 && node.span.start >= chunk.span.start &&
            node.span.end <= chunk.span.end)
          append_leaves(*json::parse(view(text, node.span)), leaves);
    }
    CAPTURE(text);
    CAPTURE(settings.chunk_size);
    CHECK(json::dump(json::to(got)) == json::dump(json::to(expected)));
  }
}

TEST_CASE("chunks end where LangChain's semantic chunker ends them") {
  const json::Value data = vectors("semantic.json");
  for (const json::Value& value : object_of(data).at("cases").as_array()) {
    const json::Object& one = object_of(value);
    const std::string text = string_of(one.at("text"));
    const json::Object& given = object_of(one.at("settings"));
    SplitterSettings settings;
    settings.kind = SplitterKind::semantic;
    settings.chunk_size = 100'000;
    settings.sentence_regex = string_of(one.at("regex"));
    if (const auto* kind = given.if_contains("breakpoint_threshold_type"))
      settings.breakpoint = *json::from<Breakpoint>(*kind);
    if (const auto* amount = given.if_contains("breakpoint_threshold_amount"))
      settings.breakpoint_amount = *json::from<std::optional<double>>(*amount);
    if (const auto* count = given.if_contains("number_of_chunks"))
      settings.chunk_count = number_of(*count);
    if (const auto* least = given.if_contains("min_chunk_size"))
      settings.chunk_size_min = number_of(*least);
    if (const auto* buffer = given.if_contains("buffer_size"))
      settings.buffer_size = number_of(*buffer);
    SplitInput input;
    input.embed = letter_counts;
    const auto got = split(text, settings, input);
    REQUIRE_MESSAGE(got.ok(), got.error().message());
    std::vector<std::string> chunks, expected;
    for (const Span span : *got) chunks.push_back(folded(view(text, span)));
    for (const json::Value& chunk : one.at("chunks").as_array())
      if (std::string words = folded(string_of(chunk)); !words.empty())
        expected.push_back(std::move(words));
    CAPTURE(json::dump(value));
    CHECK(chunks == expected);
  }
}
