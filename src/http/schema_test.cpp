#include "http/schema.hpp"

#include <doctest/doctest.h>

#include "http/detail/media_type.hpp"
#include "http/detail/pattern.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

struct Leaf {
  std::string name;
  std::vector<Leaf> below;
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(Leaf, (), (name, below))

struct Tree {
  Colour colour = Colour::green;
  std::optional<Colour> other;
  std::optional<Leaf> leaf;
  int limit = 10;
  double weight = 0.5;
  std::map<std::string, Leaf> more;
  std::int64_t large = 0;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"limit": {"minimum": 1, "maximum": 9, "description": "How many."}}})";
};
BOOST_DESCRIBE_STRUCT(Tree, (), (colour, other, leaf, limit, weight, more, large))

struct Made {
  int value = 0;
};
struct MadeShape {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(MadeShape, (), (text))

std::vector<Issue> issues_of(std::string_view text) {
  Schemas schemas;
  const json::Object schema = schemas.of<Tree>(Direction::request);
  return validate(*json::parse(text), schema, schemas.components(), "/body");
}

std::string first_issue(std::string_view text) {
  const auto issues = issues_of(text);
  return issues.empty() ? "" : issues.front().path + ": " + issues.front().message;
}

}  // namespace

namespace slipway::http {
template <>
struct Wire<Made> {
  using Shape = MadeShape;
  static json::Value write(const Made& made) {
    return json::Object{{"text", std::to_string(made.value)}};
  }
};
}  // namespace slipway::http

TEST_CASE("structs become components, and refer to themselves") {
  Schemas schemas;
  CHECK(json::dump(schemas.of<Tree>(Direction::request)) ==
        R"({"$ref":"#/components/schemas/Tree"})");
  const json::Object& tree = schemas.components().at("Tree").at("properties").as_object();
  CHECK(json::dump(tree.at("leaf")) ==
        R"({"anyOf":[{"$ref":"#/components/schemas/Leaf"},{"type":"null"}]})");
  CHECK(json::dump(schemas.components().at("Leaf").at("properties").at("below").at("items")) ==
        R"({"$ref":"#/components/schemas/Leaf"})");
  CHECK(json::dump(schemas.components().at("Leaf").at("required")) == R"(["name"])");
}

TEST_CASE("notes are laid over what the fields say") {
  Schemas schemas;
  schemas.of<Tree>(Direction::request);
  CHECK(json::dump(schemas.components().at("Tree").at("properties").at("limit")) ==
        R"({"type":"integer","minimum":1,"maximum":9,"default":10,"description":"How many."})");
}

TEST_CASE("a reply has all its members, and a second schema of a struct has a name of its own") {
  Schemas schemas;
  schemas.of<Leaf>(Direction::request);
  CHECK(json::dump(schemas.of<Leaf>(Direction::reply)) ==
        R"({"$ref":"#/components/schemas/LeafReply"})");
  CHECK(schemas.components().at("LeafReply").at("required").as_array().size() == 2);
  CHECK(json::dump(schemas.of<Made>(Direction::reply)) ==
        R"({"$ref":"#/components/schemas/MadeShape"})");
}

TEST_CASE("what the schema says is wrong is told with its place") {
  CHECK(first_issue(R"({})") == "");
  CHECK(first_issue(R"([])") == "/body: expected an object, got an array");
  CHECK(first_issue(R"({"limit": 10})") == "/body/limit: 10 is out of range 1..9");
  CHECK(first_issue(R"({"limit": 2.5})") == "/body/limit: expected a whole number, got 2.5E0");
  CHECK(first_issue(R"({"limit": 2.0})") == "");
  CHECK(first_issue(R"({"limit": true})") == "/body/limit: expected a whole number, got true");
  CHECK(first_issue(R"({"colour": "blue"})") ==
        "/body/colour: expected one of: red, green; got \"blue\"");
  CHECK(first_issue(R"({"other": null})") == "");
  CHECK(first_issue(R"({"other": "blue"})") ==
        "/body/other: expected one of: red, green; got \"blue\"");
  CHECK(first_issue(R"({"leaf": {"below": []}})") == "/body/leaf/name: is required");
  CHECK(first_issue(R"({"leaf": 5})") == "/body/leaf: expected an object or null, got 5");
  CHECK(first_issue(R"({"leaf": {"name": "a", "below": [{"name": 5}]}})") ==
        "/body/leaf/below/0/name: expected a string, got 5");
  CHECK(first_issue(R"({"more": {"a/b": 5}})") == "/body/more/a~1b: expected an object, got 5");
  CHECK(first_issue(R"({"wieght": 1})") == "/body/wieght: is not known; did you mean 'weight'?");
  CHECK(first_issue(R"({"large": 9223372036854775808})") ==
        "/body/large: 9223372036854775808 is out of range "
        "-9223372036854775808..9223372036854775807");
}

TEST_CASE("all that is wrong is told, up to a limit") {
  CHECK(issues_of(R"({"limit": 0, "colour": 1, "x": 1})").size() == 3);
  std::string many = "{";
  for (int i = 0; i < 500; ++i) many += fmt::format("\"x{}\": 1, ", i);
  CHECK(issues_of(many + "\"limit\": 1}").size() == 32);
}

TEST_CASE("what the schema accepts is read, and what it refuses is not") {
  for (const char* text :
       {R"({"limit": 3, "weight": 1, "more": {"a": {"name": "x"}}})", R"({"leaf": null})",
        R"({"large": -9223372036854775808})", R"({"weight": "1"})", R"({"leaf": []})",
        R"({"more": []})", R"({"large": 1e300})", R"({"unknown": 1})"}) {
    CAPTURE(text);
    CHECK(issues_of(text).empty() == json::from<Tree>(*json::parse(text)).ok());
  }
}

TEST_CASE("deep values are refused, not followed for ever") {
  std::string text = "{\"leaf\": ";
  std::string end = "}";
  for (int i = 0; i < 25; ++i) {
    text += "{\"name\": \"a\", \"below\": [";
    end = "]}" + end;
  }
  CHECK(issues_of(text + end).empty());
}

TEST_CASE("lengths count characters, and patterns are whole") {
  const json::Object schema =
      json::parse(R"({"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"})")
          ->as_object();
  CHECK(validate("ab", schema, {}, "").empty());
  CHECK(validate("", schema, {}, "").front().message == "must not be empty");
  CHECK(validate("abcd", schema, {}, "").front().message == "is longer than 3 characters");
  CHECK(validate("äöü", {{"maxLength", 3}}, {}, "").empty());
  CHECK(validate("aB", schema, {}, "").front().message == "\"aB\" does not match ^[a-z]*$");
}

TEST_CASE("patterns of classes and counts match as regular expressions do") {
  using detail::matches;
  constexpr std::string_view name = "^[A-Za-z0-9][A-Za-z0-9._-]{0,4}$";
  CHECK(matches(name, "a"));
  CHECK(matches(name, "a.b-c"));
  CHECK_FALSE(matches(name, ""));
  CHECK_FALSE(matches(name, ".a"));
  CHECK_FALSE(matches(name, "abcdef"));
  CHECK(matches("^v?[0-9]+\\.\\.[0-9]+$", "v12..3"));
  CHECK_FALSE(matches("^v?[0-9]+\\.\\.[0-9]+$", "12.3"));
  CHECK(matches("^[^/]{2}x*$", "abxxx"));
  CHECK_FALSE(matches("^[^/]{2}$", "a/"));
}

TEST_CASE("media types are read with their parameters, and Accept by its ranges") {
  const auto type = detail::parse_media_type("Text/HTML; Charset=\"utf-8\" ;q=1");
  REQUIRE(type);
  CHECK(type->type == "text/html");
  CHECK(type->parameters.at("charset") == "utf-8");
  CHECK_FALSE(detail::parse_media_type("text"));
  CHECK_FALSE(detail::parse_media_type("text/html; a"));
  CHECK(detail::accepts("", "application/json"));
  CHECK(detail::accepts("text/html, */*;q=0.1", "application/json"));
  CHECK(detail::accepts("application/*", "application/json"));
  CHECK_FALSE(detail::accepts("text/html", "application/json"));
  CHECK_FALSE(detail::accepts("*/*, application/json;q=0", "application/json"));
  CHECK(detail::names("application/json, text/event-stream", "text/event-stream"));
  CHECK_FALSE(detail::names("*/*", "text/event-stream"));
}
