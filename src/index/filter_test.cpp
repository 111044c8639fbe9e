#include "index/filter.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace slipway;
using namespace slipway::index;

namespace {

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  if (!value) FAIL(value.error().message());
  return *value;
}

bool passes(std::string_view filter, std::string_view attributes) {
  auto made = Filter::parse(parsed(filter));
  if (!made) FAIL(made.error().message());
  return made->matches(parsed(attributes).as_object());
}

std::string refusal(std::string_view filter) {
  auto made = Filter::parse(parsed(filter));
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == Code::invalid_argument);
  return made.error().message();
}

constexpr std::string_view document = R"({"uri":"file:///a.md","title":"A tale",
  "modified_at":"2024-05-01T10:00:00Z","metadata":{"year":2024,"price":9.5,
  "lang":"en","draft":false,
  "tags":["a","b"],"none":null,"uri":"inner","deep":{"er":{"x":1}},
  "dot.ted":2,"day":"2024-05-01"}})";

// The oracle: the contract once more, written over plain JSON without the parser's tree.
// Random data uses only values for which it is complete: small whole numbers, short strings, times.
int oracle_compare(const json::Value& a, const json::Value& b, bool& comparable) {
  comparable = true;
  if (a.is_number() && b.is_number()) {
    const double x = a.to_number<double>(), y = b.to_number<double>();
    return (x > y) - (x < y);
  }
  if (a.is_string() && b.is_string()) {
    const std::string x(a.get_string()), y(b.get_string());
    const bool xt = x[0] == '2', yt = y[0] == '2';        // Only the times of the data begin so.
    if (xt == yt) return x.compare(y) < 0 ? -1 : x != y;  // UTC in one form: the order of bytes.
  }
  comparable = false;
  return 0;
}

bool oracle_equal(const json::Value& a, const json::Value& b) {
  if (a.is_bool() && b.is_bool()) return a.get_bool() == b.get_bool();
  bool comparable = false;
  return oracle_compare(a, b, comparable) == 0 && comparable;
}

bool oracle_key(const json::Value* value, std::string_view op, const json::Value& operand) {
  const auto member = [&](const json::Value& wanted) {
    if (value == nullptr) return false;
    if (!value->is_array()) return oracle_equal(*value, wanted);
    for (const auto& item : value->get_array())
      if (oracle_equal(item, wanted)) return true;
    return false;
  };
  const auto member_of_any = [&] {
    for (const auto& wanted : operand.get_array())
      if (member(wanted)) return true;
    return false;
  };
  if (op == "$exists") return (value != nullptr) == operand.get_bool();
  if (op == "$eq") return member(operand);
  if (op == "$ne") return !member(operand);
  if (op == "$in") return member_of_any();
  if (op == "$nin") return !member_of_any();
  if (value == nullptr) return false;
  if (op == "$contains") {
    if (value->is_array()) return member(operand);
    return value->is_string() && operand.is_string() &&
           std::string(value->get_string()).find(std::string(operand.get_string())) !=
               std::string::npos;
  }
  bool comparable = false;
  const int sign = oracle_compare(*value, operand, comparable);
  if (!comparable) return false;
  return op == "$gt" ? sign > 0 : op == "$gte" ? sign >= 0 : op == "$lt" ? sign < 0 : sign <= 0;
}

bool oracle(const json::Object& filter, const json::Object& metadata) {
  for (const auto& [key, value] : filter) {
    bool holds = true;
    if (key == "$not") {
      holds = !oracle(value.as_object(), metadata);
    } else if (key == "$and" || key == "$or") {
      holds = key == "$and";
      for (const auto& one : value.as_array())
        if (oracle(one.as_object(), metadata) != holds) {
          holds = !holds;
          break;
        }
    } else if (!value.is_object()) {
      holds = oracle_key(metadata.if_contains(key), "$eq", value);
    } else {
      for (const auto& [op, operand] : value.as_object())
        holds = holds && oracle_key(metadata.if_contains(key), op, operand);
    }
    if (!holds) return false;
  }
  return true;
}

class RandomJson {
 public:
  explicit RandomJson(std::uint32_t seed) : engine_(seed) {}

  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }

  json::Value scalar() {
    static const char* strings[] = {
        "x", "y", "xy", "é", "", "2024-01-01T00:00:00Z", "2023-06-01T12:30:00Z"};
    switch (below(4)) {
      case 0: return below(4) - 1;
      case 1: return (below(7) - 2) / 2.0;
      case 2: return below(2) == 0;
      default: return json::Value(strings[below(7)]);
    }
  }
  json::Array list(int size_max) {
    json::Array items;
    for (int i = below(size_max + 1); i > 0; --i) items.push_back(scalar());
    return items;
  }
  json::Object metadata() {
    json::Object object;
    for (const char* key : {"a", "b", "c", "d"})
      if (below(4) != 0) object[key] = below(4) == 0 ? json::Value(list(3)) : scalar();
    return object;
  }
  json::Object filter(int depth) {
    json::Object object;
    for (int i = below(3) + (depth == 0 ? 1 : 0); i > 0; --i) {
      const int kind = below(depth >= 3 ? 4 : 7);
      if (kind == 4) {
        object["$not"] = filter(depth + 1);
      } else if (kind > 4) {
        json::Array items;
        for (int j = below(3) + 1; j > 0; --j) items.push_back(filter(depth + 1));
        object[kind == 5 ? "$and" : "$or"] = std::move(items);
      } else {
        const char* keys[] = {"a", "b", "c", "d", "e"};
        object[keys[below(5)]] = below(4) == 0 ? scalar() : json::Value(operators());
      }
    }
    return object;
  }

 private:
  json::Object operators() {
    static const char* names[] = {"$eq",  "$ne", "$gt",  "$gte",    "$lt",
                                  "$lte", "$in", "$nin", "$exists", "$contains"};
    json::Object object;
    for (int i = below(2) + 1; i > 0; --i) {
      const int op = below(10);
      json::Value operand = scalar();
      while (op >= 2 && op <= 5 && operand.is_bool()) operand = scalar();
      if (op == 6 || op == 7) operand = list(4);
      if (op == 8) operand = below(2) == 0;
      object[names[op]] = std::move(operand);
    }
    return object;
  }
  std::mt19937 engine_;
};

}  // namespace

TEST_CASE("filters match as the contract says") {
  const std::pair<std::string_view, bool> cases[] = {
      {R"({})", true},
      {R"({"year":2024})", true},
      {R"({"year":2024.0})", true},
      {R"({"year":"2024"})", false},
      {R"({"metadata.year":{"$gte":2024,"$lt":2025}})", true},
      {R"({"price":{"$gt":9}})", true},
      {R"({"year":{"$gte":2024},"$or":[{"lang":"de"},{"tags":{"$in":["z","b"]}}]})", true},
      {R"({"tags":"a"})", true},
      {R"({"tags":{"$contains":"c"}})", false},
      {R"({"tags":{"$ne":"a"}})", false},
      {R"({"tags":{"$nin":["x","y"]}})", true},
      {R"({"tags":{"$gt":"a"}})", false},
      {R"({"title":{"$contains":"tal"}})", true},
      {R"({"draft":false})", true},
      {R"({"draft":0})", false},
      {R"({"missing":{"$ne":1}})", true},
      {R"({"missing":{"$nin":[1]}})", true},
      {R"({"missing":{"$exists":false}})", true},
      {R"({"missing":{"$lt":1}})", false},
      {R"({"none":{"$exists":true}})", false},
      {R"({"uri":"file:///a.md"})", true},
      {R"({"metadata.uri":"inner"})", true},
      {R"({"deep.er.x":1})", true},
      {R"({"dot.ted":2})", true},
      {R"({"$not":{"year":2024}})", false},
      {R"({"$not":{"$and":[{"year":2024},{"lang":"de"}]}})", true},
      {R"({"year":{"$in":[]}})", false},
      {R"({"modified_at":{"$gt":"2024-05-01T11:30:00+02:00"}})", true},
      {R"({"modified_at":"2024-05-01T12:00:00+02:00"})", true},
      {R"({"modified_at":{"$gte":"2024-05-01","$lt":"2024-05-02"}})", true},
      {R"({"day":{"$lt":"2024-05-01T00:00:01Z"}})", true},
      {R"({"lang":{"$gt":"2024-05-01"}})", false},
      {R"({"lang":{"$gte":"en","$lt":"eo"}})", true},
  };
  for (const auto& [filter, expected] : cases) {
    CAPTURE(filter);
    CHECK(passes(filter, document) == expected);
  }
}

TEST_CASE("a wrong filter is refused with the path of the fault and the remedy") {
  CHECK(refusal(R"({"year":{"$gtee":1}})") ==
        "$.filter.year.$gtee: unknown operator; did you mean '$gte'?");
  CHECK(refusal(R"({"$xor":[{}]})").find("$.filter.$xor: unknown operator") == 0);
  CHECK(refusal(R"({"$or":[{"a":1},{"b":{"$in":3}}]})") ==
        "$.filter.$or[1].b.$in: expected an array, got 3");
  CHECK(refusal(R"({"$and":[]})").find("$.filter.$and: expected an array of filters") == 0);
  CHECK(refusal(R"({"a":null})").find("$exists") != std::string::npos);
  CHECK(refusal(R"({"a":[1]})").find("$in") != std::string::npos);
  CHECK(refusal(R"({"a":{}})").find("$.filter.a") == 0);
  CHECK(refusal(R"({"a":{"$in":[1,[2]]}})").find("$.filter.a.$in[1]: expected") == 0);
  CHECK(refusal(R"({"a":{"$exists":1}})") == "$.filter.a.$exists: expected true or false, got 1");
  CHECK(refusal(R"({"a":{"$lt":true}})").find("$.filter.a.$lt: expected") == 0);
  CHECK(refusal(R"({"a":{"$not":{"$eq":1}}})").find("outside of the key") != std::string::npos);
  CHECK(refusal(R"({"$eq":1})").find("stands under a key") != std::string::npos);
  CHECK(refusal(R"([1])").find("$.filter: expected an object") == 0);
  CHECK(refusal(R"({"a":{"b":1}})").find("$.filter.a.b: unknown operator") == 0);
}

TEST_CASE("a filter nested beyond the limit is refused, not followed") {
  json::Value filter = json::Object{{"a", 1}};
  for (int i = 0; i < 1000; ++i) filter = json::Object{{"$not", std::move(filter)}};
  const auto made = Filter::parse(filter);
  REQUIRE_FALSE(made);
  CHECK(made.error().message().find("inside each other") != std::string::npos);
}

TEST_CASE("the default filter passes everything") {
  CHECK(Filter().passes_everything());
  CHECK(Filter::parse(json::Object())->passes_everything());
  CHECK(Filter().matches({}));
}

TEST_CASE("random filters on random data agree with the oracle") {
  int matched = 0, total = 0;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    RandomJson random(seed);
    const json::Object filter = random.filter(0);
    const auto made = Filter::parse(filter);
    if (!made) FAIL(made.error().message());
    for (int i = 0; i < 10; ++i) {
      const json::Object metadata = random.metadata();
      const bool expected = oracle(filter, metadata);
      matched += expected;
      ++total;
      if (made->matches({{"metadata", metadata}}) == expected) continue;
      CAPTURE(json::dump(filter));
      CAPTURE(json::dump(metadata));
      FAIL_CHECK("seed ", seed, ": the oracle says ", expected);
    }
  }
  CHECK(matched > total / 10);
  CHECK(matched < total * 9 / 10);
}
