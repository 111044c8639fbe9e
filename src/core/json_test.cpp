#include "core/json.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace slipway;

namespace {

enum class Metric { cosine, dot, l2 };
BOOST_DESCRIBE_ENUM(Metric, cosine, dot, l2)

struct Hit {
  std::string id;
  double score = 0;
  static constexpr std::string_view required[] = {"id"};
};
BOOST_DESCRIBE_STRUCT(Hit, (), (id, score))

struct Request {
  std::string query = "default";
  int limit = 10;
  std::uint8_t small = 1;
  std::int64_t large = 0;
  std::uint64_t size = 0;
  float weight = 1;
  bool quick = false;
  Metric metric = Metric::cosine;
  std::optional<Hit> best;
  std::vector<Hit> hits;
  std::map<std::string, std::vector<int>> groups;
  std::optional<std::vector<std::string>> tags;
  json::Value extra;
  Result<void> validate() const {
    if (limit > 1000) return fail(Code::invalid_argument, "limit: {} is above 1000", limit);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(Request, (),
                      (query, limit, small, large, size, weight, quick, metric, best, hits, groups,
                       tags, extra))

Result<Request> read(std::string_view text, json::Policy policy = json::Policy::strict) {
  return json::from<Request>(TRY(json::parse(text)), policy);
}

std::string message(std::string_view text) {
  const auto request = read(text);
  REQUIRE_FALSE(request.ok());
  CHECK(request.error().code() == Code::invalid_argument);
  return request.error().message();
}

}  // namespace

TEST_CASE("missing keys keep the defaults and present ones are read") {
  const auto empty = read("{}");
  REQUIRE(empty.ok());
  CHECK(empty->query == "default");
  CHECK(empty->limit == 10);
  CHECK_FALSE(empty->best);
  const auto full = read(
      R"({"query":"q","limit":5,"small":255,"large":-9223372036854775808,
         "size":18446744073709551615,
          "weight":0.5,"quick":true,"metric":"l2","best":{"id":"a"},"hits":[{"id":"b","score":2}],
          "groups":{"x":[1,2]},"tags":["t"],"extra":{"any":[1]}})");
  REQUIRE_MESSAGE(full.ok(), full.error().message());
  CHECK(full->small == 255);
  CHECK(full->large == std::numeric_limits<std::int64_t>::min());
  CHECK(full->size == std::numeric_limits<std::uint64_t>::max());
  CHECK(full->metric == Metric::l2);
  CHECK(full->best->id == "a");
  CHECK(full->hits[0].score == 2.0);
  CHECK(full->groups.at("x")[1] == 2);
  CHECK(full->tags->front() == "t");
  CHECK(json::dump(full->extra) == R"({"any":[1]})");
}

TEST_CASE("an error names the exact path, what was expected and what was there") {
  CHECK(message("[]") == "$: expected an object, got []");
  CHECK(message(R"({"limit":"5"})") ==
        "$.limit: expected a whole number in -2147483648..2147483647, got \"5\"");
  CHECK(message(R"({"hits":[{"id":"a"},{"id":5}]})") == "$.hits[1].id: expected a string, got 5");
  CHECK(message(R"({"hits":[{}]})") == "$.hits[0].id: is required");
  CHECK(message(R"({"hits":{}})") == "$.hits: expected an array, got {}");
  CHECK(message(R"({"groups":{"x":[1,null]}})") ==
        "$.groups.x[1]: expected a whole number in -2147483648..2147483647, got null");
  CHECK(message(R"({"metric":"cos"})") ==
        "$.metric: expected one of: cosine, dot, l2, got \"cos\"");
  CHECK(message(R"({"quick":1})") == "$.quick: expected true or false, got 1");
  CHECK(message(R"({"best":5})") == "$.best: expected an object, got 5");
  CHECK(message(R"({"query":null})") == "$.query: expected a string, got null");
  CHECK(message(R"({"limit":2000})") == "$: limit: 2000 is above 1000");
}

TEST_CASE("an unknown key is refused with the nearest known one, or skipped for others' replies") {
  CHECK(message(R"({"limt":5})") == "$.limt: unknown key; did you mean 'limit'?");
  CHECK(message(R"({"hits":[{"id":"a","scores":1}]})") ==
        "$.hits[0].scores: unknown key; did you mean 'score'?");
  CHECK(message(R"({"zzz":5})").starts_with("$.zzz: unknown key; known are: query, limit, "));
  CHECK(message("{\"" + std::string(100'000, 'x') + "\":1}").size() < 300);
  CHECK(read(R"({"limt":5,"query":"q"})", json::Policy::ignore_unknown)->query == "q");
}

TEST_CASE("the nearest key is near, and a wild guess is none") {
  const std::vector<std::string_view> known = {"limit", "models", "k", "no"};
  CHECK(json::nearest("lixxt", known) == "");  // Two of five letters.
  CHECK(json::nearest("limti", known) == "limit");
  CHECK(json::nearest("limi", known) == "limit");
  CHECK(json::nearest("modles", known) == "models");
  CHECK(json::nearest("x", known) == "");
  CHECK(json::nearest("nu", known) == "no");
  CHECK(json::nearest("xy", known) == "");
  CHECK(json::nearest("", known) == "");
}

TEST_CASE("numbers out of range are refused and never wrapped or rounded") {
  for (const std::string_view number :
       {"256", "-1", "1.5", "1e3", "1e400", "-1e400", "18446744073709551616", "1e-1"}) {
    CAPTURE(number);
    CHECK(message(fmt::format(R"({{"small":{}}})", number))
              .starts_with("$.small: expected a whole number in 0..255, got "));
  }
  CHECK(read(R"({"small":2.5e1})")->small == 25);
  CHECK(read(R"({"limit":1e2})")->limit == 100);
  CHECK(message(R"({"large":9223372036854775808})").starts_with("$.large: expected"));
  CHECK(message(R"({"large":9.223372036854775808e18})").starts_with("$.large: expected"));
  CHECK(message(R"({"size":1.8446744073709551616e19})").starts_with("$.size: expected"));
  CHECK(read(R"({"large":-9e18})")->large == -9'000'000'000'000'000'000);
  CHECK(message(R"({"weight":1e39})").starts_with("$.weight: expected a number that is not too"));
  CHECK(message(R"({"hits":[{"id":"a","score":1e999}]})").starts_with("$.hits[0].score: expected"));
}

TEST_CASE("an enumerator with bytes behind a zero is not taken for a known one") {
  CHECK(message("{\"metric\":\"dot\\u0000x\"}").starts_with("$.metric: expected one of"));
}

TEST_CASE("a wrong text is refused with line and column") {
  const auto error = [](std::string_view text) {
    const auto value = json::parse(text);
    REQUIRE_FALSE(value.ok());
    CHECK(value.error().code() == Code::invalid_argument);
    return value.error().message();
  };
  CHECK(error("{\"a\": 1,\n  \"b\": }").starts_with("not valid JSON at line 2, column 8: "));
  CHECK(error("").starts_with("not valid JSON at line 1, column 1: "));
  CHECK(error("{} x").starts_with("not valid JSON at line 1, column 4: "));
  for (const std::string_view text :
       {"{", "[1,]", "nul", "\"\xff\"", "\"\\ud800\"", "'a'", "{\"a\":1,}", "01", "NaN", "1 2",
        "\"a\nb\"", "\xEF\xBB\xBF{}"}) {
    CAPTURE(text);
    error(text);
  }
}

TEST_CASE("depth is limited to 64 levels, so that no text can exhaust the stack") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(json::parse(nested(64)).ok());
  CHECK_FALSE(json::parse(nested(65)).ok());
  CHECK_FALSE(json::parse(std::string(1'000'000, '[')).ok());
}

TEST_CASE("structs are written with null for what is absent, and read back as they were") {
  Request request;
  request.best = Hit{"a", 0.25};
  request.tags = std::vector<std::string>{"x", "y"};
  request.groups["g"] = {1, 2};
  request.metric = Metric::dot;
  const auto value = json::to(request);
  CHECK(json::dump(value) ==
        R"({"query":"default","limit":10,"small":1,"large":0,"size":0,"weight":1E0,"quick":false,)"
        R"("metric":"dot","best":{"id":"a","score":2.5E-1},"hits":[],"groups":{"g":[1,2]},)"
        R"("tags":["x","y"],"extra":null})");
  const auto again = json::from<Request>(*json::parse(json::dump(value)));
  REQUIRE(again.ok());
  CHECK(json::dump(json::to(*again)) == json::dump(value));
}

TEST_CASE("a number that is not finite is written as null, because JSON has no word for it") {
  Hit hit{"a", std::nan("")};
  CHECK(json::dump(json::to(hit)) == R"({"id":"a","score":null})");
  hit.score = std::numeric_limits<double>::infinity();
  CHECK(json::dump(json::to(hit)) == R"({"id":"a","score":null})");
}

TEST_CASE("canonical text sorts keys at every level, so that equal values hash alike") {
  const auto a = json::parse(R"({"b":[{"y":1,"x":2}],"a":null})");
  const auto b = json::parse(R"( {"a" : null, "b": [ {"x":2, "y":1} ]} )");
  CHECK(json::dump_canonical(*a) == R"({"a":null,"b":[{"x":2,"y":1}]})");
  CHECK(json::dump_canonical(*a) == json::dump_canonical(*b));
}

TEST_CASE("pretty text is indented by two and keeps short lists on a line") {
  CHECK(json::dump_pretty(*json::parse(R"({"a":[1,2],"b":{"c":[{}]},"d":{}})")) ==
        "{\n  \"a\": [1,2],\n  \"b\": {\n    \"c\": [\n      {}\n    ]\n  },\n  \"d\": {}\n}\n");
}

TEST_CASE("a quoted value is cut short on a character, so that messages stay readable") {
  const std::string text = "{\"limit\":\"" + std::string(57, 'x') + "äöü\"}";
  const std::string error = message(text);
  CHECK(error.ends_with("..."));
  CHECK(json::parse(json::dump(json::Value(error))).ok());  // Valid UTF-8.
}
