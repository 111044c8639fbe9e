#include "core/yaml.hpp"

#include <doctest/doctest.h>

#include <ctime>

using namespace slipway;

namespace {

struct Server {
  int port = 80;
  std::string host = "localhost";
  static constexpr std::string_view required[] = {"host"};
};
BOOST_DESCRIBE_STRUCT(Server, (), (port, host))

struct Config {
  Server server;
  std::vector<Server> peers;
  Result<void> validate() const {
    if (peers.size() > 2) return fail(Code::invalid_argument, "peers: more than 2");
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(Config, (), (server, peers))

std::string dumped(std::string_view text) {
  const auto document = yaml::parse(text);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return json::dump(document->value);
}

std::string error_of(std::string_view text) {
  const auto document = yaml::parse(text);
  REQUIRE_FALSE(document.ok());
  CHECK(document.error().code() == Code::invalid_argument);
  return document.error().message();
}

std::string config_error(std::string_view text) {
  const auto document = yaml::parse(text);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  const auto config = yaml::from<Config>(*document);
  REQUIRE_FALSE(config.ok());
  return config.error().message();
}

}  // namespace

TEST_CASE("scalars have the types of YAML 1.2 and quotes make strings") {
  CHECK(dumped("a: true\nb: False\nc: ~\nd:\ne: 'true'\nf: \"1\"\ng: yes\nh: null") ==
        R"({"a":true,"b":false,"c":null,"d":null,"e":"true","f":"1","g":"yes","h":null})");
  CHECK(dumped("[1, -2, +3, 0x1F, 0o17, 010, 9223372036854775808, 18446744073709551615]") ==
        "[1,-2,3,31,15,10,9223372036854775808,18446744073709551615]");
  CHECK(dumped("[1.5, -1e3, .5, +2.5]") == "[1.5E0,-1E3,5E-1,2.5E0]");
  CHECK(dumped("[1_000, 12:30, 1.2.3, +-5, ++5, 0x, 0xg, 0x-1, '-', 1e999, .inf, .nan, inf, 5%]") ==
        R"(["1_000","12:30","1.2.3","+-5","++5","0x","0xg","0x-1","-","1e999",)"
        R"(".inf",".nan","inf","5%"])");
}

TEST_CASE("maps keep their order, and nothing at all is an empty object") {
  CHECK(dumped("z: 1\na: {y: [1, {x: 2}]}\n") == R"({"z":1,"a":{"y":[1,{"x":2}]}})");
  for (const std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "~"}) {
    CAPTURE(text);
    CHECK(dumped(text) == "{}");
  }
}

TEST_CASE("block scalars, anchors and comments work") {
  CHECK(dumped("a: |\n  one\n  two\nb: >\n  three\n  four\nc: &x [1]\nd: *x # note\n") ==
        R"({"a":"one\ntwo\n","b":"three four\n","c":[1],"d":[1]})");
}

TEST_CASE("a wrong value is named with its line and path") {
  CHECK(config_error("server:\n  host: a\n  port: many\n") ==
        "line 3: $.server.port: expected a whole number in -2147483648..2147483647, got \"many\"");
  CHECK(config_error("# note\nserver:\n  host: a\npeers:\n  - host: b\n  - hots: c\n") ==
        "line 6: $.peers[1].hots: unknown key; did you mean 'host'?");
  CHECK(config_error("server:\n  port: 5\n") == "line 1: $.server.host: is required");
  CHECK(config_error("servers: {}") == "line 1: $.servers: unknown key; did you mean 'server'?");
  CHECK(config_error("peers: [{host: a}, {host: b}, {host: c}]") == "$: peers: more than 2");
  CHECK(config_error("- a") == "$: expected an object, got [\"a\"]");
}

TEST_CASE("a broken text is refused with line and column") {
  CHECK(error_of("a: 1\nb: [1, 2\n").starts_with("not valid YAML at line "));
  CHECK(error_of("a: b: c").starts_with("not valid YAML at line 1, column "));
  CHECK(error_of("a:\n\t- b").starts_with("not valid YAML at line 2, column "));
  for (const std::string_view text :
       {"a: *unknown", "a: 'x", "{a: 1", "? [1]\n: 2\n", "[1]: 2", "a: \"\\q\"", "- a\nb: 1"}) {
    CAPTURE(text);
    error_of(text);
  }
}

TEST_CASE("a key that stands twice and a second document are refused") {
  CHECK(error_of("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n") == "line 5, column 3: key 'c' stands twice");
  CHECK_FALSE(yaml::parse(",}p"));  // Documents without end.
  CHECK(error_of("a: 1\n---\nb: 2\n").starts_with("line 3, column 1: a second document begins"));
}

TEST_CASE("aliases that multiply are refused before they fill the memory") {
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 10; ++j) bomb += fmt::format("{}*a{}", j == 0 ? "" : ", ", i - 1);
    bomb += "]\n";
  }
  CHECK(error_of(bomb).find("expands to more than a million values") != std::string::npos);
  std::string long_keys = "a0: &a0 {x: 1}\n";
  const std::string key(1000, 'k');
  for (int i = 1; i < 20; ++i)
    long_keys += fmt::format("a{0}: &a{0} {{{1}1: *a{2}, {1}2: *a{2}}}\n", i, key, i - 1);
  CHECK(error_of(long_keys).find("expands to more than a million values") != std::string::npos);
#if defined(__SANITIZE_ADDRESS__)
  constexpr int seconds_max = 90;
#else
  constexpr int seconds_max = 20;
#endif
  CHECK(std::clock() - begin < seconds_max * CLOCKS_PER_SEC);
}

TEST_CASE("an alias that holds itself and deep nesting are refused") {
  CHECK(error_of("a: &a [*a]").find("more than 64 levels") != std::string::npos);
  CHECK(error_of(std::string(100, '[') + std::string(100, ']')).find("64 levels") !=
        std::string::npos);
  error_of(std::string(100'000, '['));
  error_of(std::string(50'000, '{'));
  std::string dashes;
  for (int i = 0; i < 20'000; ++i) dashes += "- ";
  error_of(dashes);
}
