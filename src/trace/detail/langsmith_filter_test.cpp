#include "trace/detail/langsmith_filter.hpp"

#include <doctest/doctest.h>

namespace slipway::trace::detail {

namespace {

struct Translated {
  std::string filter, text;
};

Translated translate(std::string_view filter) {
  json::Array filters;
  Translated result;
  const auto done = translate_langsmith_filter(filter, filters, result.text);
  if (!done) return {"error: " + done.error().message(), ""};
  result.filter = json::dump(filters);
  if (!filters.empty()) {
    const auto parsed = parse_filter(json::Object{{"$and", filters}});
    if (!parsed) FAIL(parsed.error().message());
  }
  return result;
}

}  // namespace

TEST_CASE("LangSmith's filters become ours") {
  const std::pair<const char*, const char*> cases[] = {
      {R"(eq(run_type, "llm"))", R"([{"kind":{"$eq":"llm"}}])"},
      {R"(neq(name, 'a\'b'))", R"([{"name":{"$ne":"a'b"}}])"},
      {R"(and(gt(latency, 2), lte(total_tokens, 100)))",
       R"([{"latency_ms":{"$gt":2E3}},{"total_tokens":{"$lte":1E2}}])"},
      {R"(gte(latency, "500ms"))", R"([{"latency_ms":{"$gte":5E2}}])"},
      {R"(and(or(has(tags,"a"),has(tags,"b")),eq(status,"success")))",
       R"([{"$or":[{"tag":"a"},{"tag":"b"}]},{"status":{"$eq":"ok"}}])"},
      {R"(has(metadata, '{"k": "v", "n": 1}'))",
       R"([{"$and":[{"metadata.k":"v"},{"metadata.n":1}]}])"},
      {R"(and(eq(metadata_key, "k"), eq(metadata_value, "v")))", R"([{"metadata.k":{"$eq":"v"}}])"},
      {R"(eq(metadata_key, "k"))", R"([{"metadata.k":{"$exists":true}}])"},
      {R"(gt(start_time, "2026-11-23T08:00:00"))",
       R"([{"start_time":{"$gt":"2026-11-23T08:00:00Z"}}])"},
      {R"(eq(error, true))", R"([{"status":"error"}])"},
      {R"(neq(error, true))", R"([{"$not":{"status":"error"}}])"},
      {R"(neq(error, null))", R"([{"error":{"$ne":null}}])"},
      {R"(eq(is_root, true))", R"([{"parent_id":{"$exists":false}}])"},
      {R"(eq(execution_order, 1))", R"([{"parent_id":{"$exists":false}}])"},
      {R"(in(name, ["a", "b"]))", R"([{"name":{"$in":["a","b"]}}])"},
      {R"(not(eq(name, "a")))", R"([{"$not":{"name":{"$eq":"a"}}}])"},
      {R"(like(name, "%chat%"))", R"([{"name":{"$contains":"chat"}}])"},
      {R"(exists(metadata, "k"))", R"([{"metadata.k":{"$exists":true}}])"},
      {R"(eq(id, "00000000-0000-0000-00f0-67aa0ba902b7"))",
       R"([{"id":{"$in":["00000000-0000-0000-00f0-67aa0ba902b7",)"
       R"("000000000000000000f067aa0ba902b7","00f067aa0ba902b7"]}}])"}};
  for (const auto& [filter, expected] : cases) CHECK(translate(filter).filter == expected);
}

TEST_CASE("words that are searched leave the filter") {
  const Translated found = translate(R"(and(search("late refund"), eq(name, "a")))");
  CHECK(found.filter == R"([{"name":{"$eq":"a"}}])");
  CHECK(found.text == " late refund");
  CHECK(translate(R"(or(search("a"), eq(name, "a")))").filter.find("search() within or()") !=
        std::string::npos);
}

TEST_CASE("what a filter has wrong, or cannot be answered, is told") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "something is missing at character 1"},
      {"eq(name, \"a\"", "',' or ')' is wanted at character 13"},
      {"eq(name, \"a", "a string without end"},
      {"eq(name, \"a\") x", "more than one expression"},
      {"name", "an operator such as eq(name, \"x\") is wanted"},
      {"eq(feedback, \"a\")", "the field 'feedback' cannot be answered here"},
      {"near(name, 1)", "the operator 'near' cannot be answered here"},
      {"eq(name)", "two parts are wanted, got 1"},
      {"in(name, \"a\")", "a list is wanted"},
      {"gt(latency, \"long\")", "expected seconds or \"5s\""}};
  for (const auto& [filter, expected] : cases)
    CHECK(translate(filter).filter.find(expected) != std::string::npos);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "not(";
  CHECK(translate(deep).filter.find("too many levels") != std::string::npos);
}

}  // namespace slipway::trace::detail
