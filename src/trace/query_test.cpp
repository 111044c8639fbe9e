#include "trace/query.hpp"

#include <doctest/doctest.h>

#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

Result<Filter> filter(std::string_view text) {
  const auto value = json::parse(text);
  REQUIRE(value.ok());
  return parse_filter(*value);
}

std::string error_of(std::string_view text) {
  const auto read = filter(text);
  return read ? "" : read.error().message();
}

const Condition& condition(const Filter& filter) {
  REQUIRE(std::holds_alternative<Condition>(filter.node));
  return std::get<Condition>(filter.node);
}

Condition only(std::string_view text) {
  const auto read = filter(text);
  if (!read) FAIL(read.error().message());
  return condition(*read);
}

using Words = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("every sort has its name, and a wrong one is told all of them") {
  CHECK(*parse_sort("-start_time") == Sort::start_time_descending);
  CHECK(*parse_sort("cost_usd") == Sort::cost_usd);
  CHECK(*parse_sort("-total_tokens") == Sort::total_tokens_descending);
  const auto wrong = parse_sort("+latency");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message().find("'+latency' is none of: -start_time, start_time") !=
        std::string::npos);
}

TEST_CASE("conditions and combinations of a filter are read as they stand") {
  const auto read = filter(
      R"({"$and":[{"latency_ms":{"$gt":2000}},{"status":"error"},
          {"metadata.customer":{"$in":["a","b"]}}]})");
  REQUIRE(read.ok());
  const auto& all = std::get<Combination>(read->node);
  CHECK(all.kind == Combination::Kind::all);
  REQUIRE(all.filters.size() == 3);
  CHECK(condition(all.filters[0]).field == "latency_ms");
  CHECK(condition(all.filters[0]).comparison == Comparison::gt);
  CHECK(condition(all.filters[0]).operands == std::vector<json::Value>{2000});
  CHECK(condition(all.filters[1]).comparison == Comparison::eq);
  CHECK(condition(all.filters[2]).field == "metadata.customer");
  CHECK(condition(all.filters[2]).operands == std::vector<json::Value>{"a", "b"});

  const auto nested = filter(R"({"$or":[{"kind":"llm"},{"$not":{"model":{"$contains":"4o"}}}]})");
  REQUIRE(nested.ok());
  const auto& any = std::get<Combination>(nested->node);
  CHECK(any.kind == Combination::Kind::any);
  CHECK(std::get<Combination>(any.filters[1].node).kind == Combination::Kind::none);
}

TEST_CASE("every operator is known, and several on one field mean all of them") {
  const std::pair<const char*, Comparison> all[] = {
      {"$eq", Comparison::eq},   {"$ne", Comparison::ne}, {"$gt", Comparison::gt},
      {"$gte", Comparison::gte}, {"$lt", Comparison::lt}, {"$lte", Comparison::lte}};
  for (const auto& [name, comparison] : all)
    CHECK(only(fmt::format(R"({{"total_tokens":{{"{}":5}}}})", name)).comparison == comparison);
  CHECK(only(R"({"name":{"$nin":["a"]}})").comparison == Comparison::nin);
  const auto none = filter(R"({"name":{"$in":[]}})");
  REQUIRE(none.ok());
  CHECK(std::get<Combination>(none->node).kind == Combination::Kind::any);
  CHECK(only(R"({"error":{"$exists":true}})").operands == std::vector<json::Value>{true});
  const auto range = filter(R"({"cost_usd":{"$gte":0.1,"$lt":1},"project":"p"})");
  REQUIRE(range.ok());
  CHECK(std::get<Combination>(range->node).filters.size() == 3);
}

TEST_CASE("what stands for a field or a value in JSON becomes one form") {
  CHECK(only(R"({"tags":"a"})").field == "tag");
  CHECK(only(R"({"cost.total_usd":{"$gt":1}})").field == "cost_usd");
  CHECK(only(R"({"error":null})").comparison == Comparison::exists);
  CHECK(only(R"({"error":null})").operands == std::vector<json::Value>{false});
  CHECK(only(R"({"end_time":{"$ne":null}})").operands == std::vector<json::Value>{true});
  CHECK(only(R"({"start_time":{"$gte":"2026-11-23T08:00:00.000000001Z"}})").operands ==
        std::vector<json::Value>{"2026-11-23T08:00:00.000000001Z"});
  CHECK(only(R"({"end_time":{"$lt":"2026-11-23"}})").operands ==
        std::vector<json::Value>{"2026-11-23T00:00:00.000000Z"});
  CHECK(only(R"({"attributes.http.method":"GET"})").field == "attributes.http.method");
}

TEST_CASE("what is wrong with a filter is told with its operand") {
  CHECK(error_of(R"([1])").find("filter: expected an object, got [1]") == 0);
  CHECK(error_of(R"({})").find("filter: says nothing") == 0);
  CHECK(error_of(R"({"$and":[{"latency_ms":{"$gt":"x"}}]})") ==
        "filter.$and[0].latency_ms.$gt: expected a number, got \"x\"");
  CHECK(error_of(R"({"latenzy_ms":1})") ==
        "filter.latenzy_ms: is no field; did you mean 'latency_ms'?");
  CHECK(error_of(R"({"latency_ms":{"$near":1}})")
            .starts_with("filter.latency_ms.$near: is no operator; those are $eq, $ne"));
  CHECK(error_of(R"({"$nor":[]})").starts_with("filter.$nor: is no operator of filters"));
  CHECK(error_of(R"({"$or":[]})") == "filter.$or: expected an array of filters, got []");
  CHECK(error_of(R"({"status":"bad"})") ==
        "filter.status: expected one of ok, error, pending, got \"bad\"");
  CHECK(error_of(R"({"kind":{"$gt":"llm"}})").starts_with("filter.kind.$gt: its values have no"));
  CHECK(error_of(R"({"name":{"$in":"a"}})") == "filter.name.$in: expected an array, got \"a\"");
  CHECK(error_of(R"({"name":{"$in":["a",1]}})") == "filter.name.$in[1]: expected a string, got 1");
  CHECK(error_of(R"({"error":{"$exists":1}})") ==
        "filter.error.$exists: expected true or false, got 1");
  CHECK(error_of(R"({"start_time":{"$gt":"yesterday"}})")
            .starts_with("filter.start_time.$gt: 'yesterday' is not a time"));
  CHECK(error_of(R"({"latency_ms":{"$contains":1}})")
            .starts_with("filter.latency_ms.$contains: only texts contain"));
  CHECK(error_of(R"({"metadata.a":{"$eq":[1]}})") ==
        "filter.metadata.a.$eq: expected a string, a number, true or false, got [1]");
}

TEST_CASE("a filter is bounded in depth and size") {
  std::string deep = R"({"name":"a"})";
  for (int i = 0; i < 15; ++i) deep = R"({"$not":)" + deep + "}";
  CHECK(filter(deep).ok());
  CHECK(error_of(R"({"$not":)" + deep + "}").find("more than 16 levels") != std::string::npos);
  std::string wide;
  for (int i = 0; i < 257; ++i) wide += std::string(i == 0 ? "" : ",") + R"({"name":"a"})";
  CHECK(error_of(R"({"$or":[)" + wide + "]}").find("more than 256 conditions") !=
        std::string::npos);
}

TEST_CASE("a text query is words and phrases in lower case") {
  CHECK(parse_text_query("").phrases.empty());
  CHECK(parse_text_query(" , \"\" ").phrases.empty());
  CHECK(parse_text_query("Refund Order").phrases == Words{{"refund"}, {"order"}});
  CHECK(parse_text_query("\"Late  refund\" x").phrases == Words{{"late", "refund"}, {"x"}});
  CHECK(parse_text_query("gpt-4o").phrases == Words{{"gpt", "4o"}});
  CHECK(parse_text_query("a\"b c").phrases == Words{{"a"}, {"b", "c"}});
  CHECK(parse_text_query("ÄRGER Straße é").phrases == Words{{"ärger"}, {"straße"}, {"é"}});
  CHECK(parse_text_query("\xff"
                         "a\xff"
                         "b")
            .phrases == Words{{"a", "b"}});
  std::string many;
  for (int i = 0; i < 100; ++i) many += "w ";
  CHECK(parse_text_query(many).phrases.size() == 64);
}

TEST_CASE("times keep their nanoseconds both ways") {
  using detail::parse_nanoseconds;
  using detail::time_text;
  CHECK(time_text(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(time_text(1'795'420'800'000'001'000) == "2026-11-23T08:00:00.000001Z");
  CHECK(time_text(1'795'420'800'000'000'001) == "2026-11-23T08:00:00.000000001Z");
  CHECK(time_text(-1) == "1969-12-31T23:59:59.999999999Z");
  for (const Nanoseconds time : {std::int64_t{1'795'420'800'123'456'789}, std::int64_t{-7}})
    CHECK(*parse_nanoseconds(time_text(time)) == time);
  CHECK(*parse_nanoseconds("2026-11-23T09:00:00.5+01:00") == 1'795'420'800'500'000'000);
  CHECK(*parse_nanoseconds("1970-01-02") == 86'400'000'000'000);
  CHECK_FALSE(parse_nanoseconds("9999-01-01").ok());
  CHECK_FALSE(parse_nanoseconds("soon").ok());
}

}  // namespace slipway::trace
