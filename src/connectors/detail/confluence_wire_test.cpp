#include "connectors/detail/confluence_wire.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::connectors::detail;

namespace {

json::Value value(std::string_view text) {
  auto parsed = json::parse(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

/// A random value whose keys are often those that the reader looks for.
json::Value random_value(SeededRandom& random, int depth) {
  static const char* const keys[] = {
      "results",   "_links",    "next", "base",      "id",         "title",    "version", "number",
      "start",     "totalSize", "body", "storage",   "value",      "metadata", "labels",  "name",
      "ancestors", "space",     "key",  "container", "extensions", "fileSize", "history"};
  switch (random.next() % (depth > 0 ? 9 : 7)) {
    case 0: return nullptr;
    case 1: return static_cast<std::int64_t>(random.next());
    case 2: return random.next() % 2 == 0;
    case 3: return static_cast<double>(random.next()) / 3e5;
    case 4: return "12345";
    case 5:
      return boost::json::string(
          std::string(random.next() % 50, static_cast<char>(random.next() % 128)));
    case 6: return random.next();
    case 7: {
      json::Array array;
      for (std::uint64_t left = random.next() % 4; left > 0; --left)
        array.push_back(random_value(random, depth - 1));
      return array;
    }
    default: {
      json::Object object;
      for (std::uint64_t left = random.next() % 8; left > 0; --left)
        object[keys[random.next() % std::size(keys)]] = random_value(random, depth - 1);
      return object;
    }
  }
}

}  // namespace

TEST_CASE("an answer of Confluence is read as far as it goes") {
  const auto page = read_result_page(value(R"({
    "results": [{"id": "12", "type": "page", "status": "current", "title": "A\n B",
      "version": {"number": 3, "when": "2024-01-02T03:04:05.000Z", "by": {"displayName": "Ann"}},
      "space": {"key": "DOC", "name": "Docs"}, "ancestors": [{"title": "Top"}, {"title": "Mid"}],
      "metadata": {"labels": {"results": [{"name": "b"}, {"name": "a"}, {}]}},
      "body": {"storage": {"value": "<p/>"}}, "_links": {"webui": "/x"}},
     {"id": 13, "space": null, "version": null, "ancestors": 7}],
    "_links": {"base": "https://h/wiki", "next": "/rest/api/x?cursor=1"}})"));
  REQUIRE(page.ok());
  REQUIRE(page->contents.size() == 2);
  const Content& first = page->contents[0];
  CHECK(first.title == "A B");
  CHECK(first.version == 3);
  CHECK(first.modified_by == "Ann");
  CHECK(first.space_key == "DOC");
  CHECK(first.ancestors == std::vector<std::string>{"Top", "Mid"});
  CHECK(first.labels == std::vector<std::string>{"a", "b"});
  CHECK(first.storage == "<p/>");
  CHECK(page->contents[1].id == "13");
  CHECK_FALSE(page->contents[1].storage.has_value());
  CHECK(page->next == "/rest/api/x?cursor=1");
  CHECK(page->next_start == -1);
  CHECK(page->web_base == "https://h/wiki");
}

TEST_CASE("a total that says more leads on where a link is missing") {
  CHECK(
      read_result_page(value(R"({"results":[{"id":"1"}],"start":4,"totalSize":6})"))->next_start ==
      5);
  CHECK(
      read_result_page(value(R"({"results":[{"id":"1"}],"start":5,"totalSize":6})"))->next_start ==
      -1);
  CHECK(read_result_page(value(R"({"results":[],"start":5,"totalSize":6})"))->next_start == -1);
  CHECK(read_result_page(
            value(R"({"results":[{"id":"1"}],"start":9223372036854775807,"totalSize":6})"))
            ->next_start == -1);
}

TEST_CASE("what is no list, or holds something without an id, is an error and not a shorter list") {
  for (const char* text : {"{}", "[]", "null", "5", R"({"results":{}})", R"({"results":null})",
                           R"({"results":[{}]})", R"({"results":[null]})", R"({"results":[[]]})",
                           R"({"results":[{"id":""}]})", R"({"results":[{"id":"../1"}]})",
                           R"({"results":[{"id":-5}]})", R"({"results":[{"id":1.5}]})"}) {
    const auto page = read_result_page(value(text));
    INFO(text);
    REQUIRE_FALSE(page.ok());
    CHECK(page.error().code() == Code::unavailable);
  }
}

TEST_CASE("random answers give contents or an error") {
  SeededRandom random(11);
  int good = 0;
  for (int round = 0; round < 30'000; ++round) {
    json::Object answer;
    const json::Value any = random_value(random, 5);
    if (any.is_object()) answer = any.get_object();
    if (round % 2 == 0) {
      json::Value result = random_value(random, 4);
      if (result.is_object()) result.get_object()["id"] = round;
      answer["results"] = json::Array{result};
    }
    if (const auto page = read_result_page(answer)) {
      ++good;
      for (const Content& content : page->contents) {
        CHECK(content.version >= 0);
        CHECK_FALSE(content.id.empty());
        CHECK(content.title.find('\n') == std::string::npos);
      }
    }
    (void)read_content(any);
    (void)read_web_base(any);
  }
  CHECK(good > 1000);
}
