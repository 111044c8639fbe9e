#include <doctest/doctest.h>

#include <ctime>

#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

const Context context;

Document loaded(std::string_view bytes) {
  auto document = load(context, {"guide.md", std::string(bytes), ""}, {});
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

/// "1:Title 2:Next": level and title of every heading; each must start where the text says.
std::string headings(std::string_view bytes) {
  const Document document = loaded(bytes);
  std::string all;
  for (const SourceMap::Heading& heading : document.map.headings)
    all += (all.empty() ? "" : "|") + fmt::format("{}:{}", heading.level, heading.title);
  return all;
}

}  // namespace

TEST_CASE("Markdown is its bytes with its headings") {
  const std::string_view source = "# Guide\r\n\r\nText.\r\n\r\n## Budgets\r\nMore.\r\n";
  const Document document = loaded(source);
  CHECK(document.text == source);
  CHECK(document.title == "Guide");
  CHECK(document.media_type == "text/markdown");
  const std::size_t more = source.find("More");
  CHECK(document.map.place({more, more + 4}).heading_path ==
        std::vector<std::string>{"Guide", "Budgets"});
  CHECK(document.map.place({more, more + 4}).byte_start == more);
  const std::size_t mark = source.find("## B");
  CHECK(document.map.headings[1].text_start == mark);
}

TEST_CASE("headings of both kinds are found and inline markup is taken off") {
  CHECK(headings("# **Bold** and `co_de` ##\n") == "1:Bold and co_de");
  CHECK(headings("Title\n=====\nSub *title*\n---\n") == "1:Title|2:Sub title");
  CHECK(headings("### [Link](http://x) & ![alt](y) a_b_c\n") == "3:Link & alt a_b_c");
  CHECK(headings("# `vector<int>` and <b>tag</b> &lt;x&gt; {#id}\n") ==
        "1:vector<int> and tag <x>");
  CHECK(headings("# C# and \\*stars\\*\n") == "1:C# and *stars*");
  CHECK(headings("# [brackets] stay, ~~not~~ this\n") == "1:[brackets] stay, not this");
  CHECK(headings("   ###### Six\n") == "6:Six");
  CHECK(headings("<h1 align=\"center\">\n  My <em>App</em>\n</h1>\n\ntext") == "1:My App");
  CHECK(headings("Two\nlines\n===\n") == "1:Two lines");
  CHECK(headings("####### seven\n\n#hash\n\n#\n\ntext") == "");
}

TEST_CASE("what looks like a heading in code, lists and rules is none") {
  CHECK(headings("```sh\n# comment\n```\n# Real\n") == "1:Real");
  CHECK(headings("~~~~\n# a\n~~~\n# b\n~~~~\n# Real\n") == "1:Real");
  CHECK(headings("``` not ` a fence\n# Real\n") == "1:Real");
  CHECK(headings("text\n\n    # indented code\n\n# Real\n") == "1:Real");
  CHECK(headings("- item\n---\n\n> quote\n---\n\ntext\n\n---\n") == "");
  CHECK(headings("> ```\n> # a\n\n# Real\n") == "1:Real");
  CHECK(headings("- ```\n  # a\n  ```\n\n# Real\n") == "1:Real");
  CHECK(headings("| a | b |\n|---|---|\n| 1 | 2 |\n") == "");
  CHECK(headings("```\nunclosed\n# a\n") == "");
}

TEST_CASE("front matter becomes metadata and stays in the text") {
  const std::string_view source =
      "---\ntitle: The *Guide*\nauthor: Ann\ntags: [a, b]\nyear: 2024\n---\n\n# Heading\n\nText\n";
  const Document document = loaded(source);
  CHECK(document.text == source);
  CHECK(document.title == "The *Guide*");
  CHECK(json::dump(document.metadata) ==
        R"({"title":"The *Guide*","author":"Ann","tags":["a","b"],"year":2024})");
  CHECK(document.map.headings.size() == 1);
  CHECK(document.warnings.empty());
}

TEST_CASE("front matter that is no YAML is a warning, a rule is no front matter") {
  const Document bad = loaded("---\ntitle: [unclosed\n---\n# Heading\n");
  CHECK(bad.title == "Heading");
  REQUIRE(bad.warnings.size() == 1);
  CHECK(bad.warnings[0].find("front matter") != std::string::npos);
  const Document rules = loaded("---\nTitle\n---\ntext");
  CHECK(rules.metadata.empty());
  CHECK(rules.title == "Title");
  CHECK(loaded("---\nno end\n# Heading\n").title == "Heading");
  CHECK(loaded("---\n---\n# Heading\n").title == "Heading");
}

TEST_CASE("comments are dropped and counted, code keeps them") {
  const std::string_view source =
      "Before <!-- secret --> after.\n\n<!--\nblock\n\nover lines\n-->\n\n`<!-- code -->`\n\n"
      "```\n<!-- fenced -->\n```\n\n[//]: # (a note)\n\nEnd \\<!-- visible -->\n";
  const Document document = loaded(source);
  CHECK(document.text.find("secret") == std::string::npos);
  CHECK(document.text.find("over lines") == std::string::npos);
  CHECK(document.text.find("a note") == std::string::npos);
  CHECK(document.text.find("`<!-- code -->`") != std::string::npos);
  CHECK(document.text.find("<!-- fenced -->") != std::string::npos);
  CHECK(document.text.find("visible") != std::string::npos);
  REQUIRE(document.warnings.size() == 1);
  CHECK(document.warnings[0] == "hidden text dropped: 57 characters");
  const std::size_t after = document.text.find("after.");
  const Place place = document.map.place({after, after + 6});
  CHECK(source.substr(*place.byte_start, 6) == "after.");
  const Place across = document.map.place({0, after + 6});
  CHECK(source.substr(*across.byte_start, *across.byte_end - *across.byte_start) ==
        "Before <!-- secret --> after.");
}

TEST_CASE(
    "a comment that is not closed in its paragraph is visible, one that starts a line hides all") {
  CHECK(loaded("text <!-- open\n\nnext").text == "text <!-- open\n\nnext");
  CHECK(loaded("text\n\n<!-- open\n\nnext").text == "text\n\n");
  CHECK(loaded("a <!--> b -->").text == "a  b -->");
  CHECK(loaded("text\n\n<script>\nevil()\n\n</script>\n\nmore").text == "text\n\n\n\nmore");
}

TEST_CASE("Markdown made to be slow is read in linear time") {
  const auto repeated = [](std::string_view part, std::size_t bytes) {
    std::string text = "x\n\n";
    while (text.size() < bytes) text += part;
    return text;
  };
  for (const std::string_view part : {"<!-- ",
                                      "a <!--\n\n",
                                      "`",
                                      "`` ` ",
                                      "[",
                                      "# [[[[[[[[[[[[[[[[[[\n",
                                      "<h1>\n",
                                      "<h1><a\n",
                                      "```\n",
                                      "> ",
                                      "- ",
                                      "\n---\na",
                                      "# <<<<<<<<<<<<<<<<<<<<<\n",
                                      "[//]: # (",
                                      "<script>\n",
                                      "    x\n",
                                      "\\",
                                      "&",
                                      "{#",
                                      "*a",
                                      "a\n"}) {
    CAPTURE(part);
    const std::clock_t begin = std::clock();  // Processor time: the machine may be busy.
    (void)load(context, {"a.md", repeated(part, 300'000), ""}, {});
    CHECK((std::clock() - begin) / CLOCKS_PER_SEC < 5);
  }
}

}  // namespace slipway::documents
