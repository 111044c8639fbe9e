#include "core/json_schema.hpp"

#include <doctest/doctest.h>

namespace slipway::json {

namespace {
enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

struct Inner {
  std::string name;
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(Inner, (), (name))

struct Outer {
  int limit = 10;
  std::size_t size = 3;
  double weight = 0.5;
  bool quick = true;
  Colour colour = Colour::green;
  std::optional<Colour> other;
  std::vector<std::string> tags = {"a"};
  std::map<std::string, Inner> inner;
  Inner one;
  Value anything = Object();
};
BOOST_DESCRIBE_STRUCT(Outer, (),
                      (limit, size, weight, quick, colour, other, tags, inner, one, anything))
}  // namespace

TEST_CASE("a schema has the type, the bounds and the default of every field") {
  const Value document = schema<Outer>("Outer");
  CHECK(document.at("title") == "Outer");
  CHECK(document.at("additionalProperties") == false);
  const Object& properties = document.at("properties").get_object();
  CHECK(dump(properties.at("limit")) ==
        R"({"type":"integer","minimum":-2147483648,"maximum":2147483647,"default":10})");
  CHECK(dump(properties.at("size")) == R"({"type":"integer","minimum":0,"default":3})");
  CHECK(dump(properties.at("weight")) == R"({"type":"number","default":5E-1})");
  CHECK(dump(properties.at("quick")) == R"({"type":"boolean","default":true})");
  CHECK(dump(properties.at("tags")) ==
        R"({"type":"array","items":{"type":"string"},"default":["a"]})");
  CHECK(dump(properties.at("anything")) == "{}");
}

TEST_CASE("enumerators, optionals, maps and nested structs appear as themselves") {
  const Value document = schema<Outer>("Outer");
  const Object& properties = document.at("properties").get_object();
  CHECK(dump(properties.at("colour")) ==
        R"({"type":"string","enum":["red","green"],"default":"green"})");
  CHECK(dump(properties.at("other")) ==
        R"({"anyOf":[{"type":"string","enum":["red","green"]},{"type":"null"}],"default":null})");
  CHECK(properties.at("inner").at("additionalProperties").at("required").as_array().size() == 1);
  CHECK(properties.at("one").at("properties").at("name").at("type") == "string");
  CHECK_FALSE(properties.at("one").as_object().contains("default"));
}

}  // namespace slipway::json
