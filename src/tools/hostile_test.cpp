// Replies and arguments that nobody would send, and code that means harm: each ends in a value or
// in a failure with words.
#include <doctest/doctest.h>

#include "core/damage.hpp"
#include "core/guarded.hpp"
#include "http/loopback_server.hpp"
#include "tools/tools.hpp"

using namespace slipway;
using namespace slipway::tools;
using agents::ToolResult;
using agents::Value;

namespace {

std::shared_ptr<agents::Tool> made(const std::string& kind, const std::string& config) {
  agents::ToolRegistry registry;
  add_all(registry);
  const auto parsed = agents::parse_json(config);
  REQUIRE(parsed.ok());
  auto tool = registry.make({.name = "t", .kind = kind, .config = *parsed});
  REQUIRE_MESSAGE(tool, tool.error().message());
  return *tool;
}

ToolResult called(agents::Tool& tool, const Value& args) {
  ToolResult result = tool.call({}, {.args = args, .effect_key = "e_1"});
  CHECK((result.value || (!result.failure.kind.empty() && !result.failure.message.empty())));
  return result;
}

ToolResult code(const std::string& source) {
  static const auto tool =
      made("code", R"({"limits": {"wall": "30s", "cpu": "20s", "output": "1MB"}})");
  return called(*tool, Value::map({{"source", source}}));
}

}  // namespace

TEST_CASE("damaged replies to tools of HTTP and of searches end in values or failures") {
  Guarded<std::string> next;
  http::LoopbackServer server([&](const auto&, auto& connection) {
    connection.send(next.with([](const std::string& text) { return text; }));
    connection.close();
  });
  const std::string place = fmt::format("127.0.0.1:{}", server.port());
  const std::string reach =
      fmt::format(R"("url": "http://{}", "allow_private": ["{}"])", place, place);
  std::vector<std::shared_ptr<agents::Tool>> tools{made("http", "{" + reach + "}")};
  for (const char* provider : {"searxng", "brave", "tavily"}) {
    ::setenv("SLIPWAY_TEST_KEY", "secret-key", 1);
    tools.push_back(
        made("search", fmt::format(R"({{"provider": "{}", "key": "env:SLIPWAY_TEST_KEY", {}}})",
                                   provider, reach)));
  }
  const std::string body =
      R"({"results": [{"title": "A", "url": "http://a", "content": "c", "score": 1}],)"
      R"( "web": {"results": [{"title": "A", "url": "http://a", "description": "d"}]}})";
  Damage damage(1);
  for (int round = 0; round < damage_rounds(200); ++round) {
    const std::string text = damage.text(body);
    std::string whole = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        text.size(), text);
    if (damage.below(4) == 0) whole = damage.bytes(whole);
    next.with([&](std::string& reply) { reply = whole; });
    (void)called(*tools[damage.below(tools.size())], Value::map({{"query", "q"}}));
  }
}

TEST_CASE("arguments of any kind are taken or refused with words") {
  const std::shared_ptr<agents::Tool> tools[] = {
      made(
          "http",
          R"({"url": "http://127.0.0.1:1/{{id}}", "method": "POST", "headers": {"X-A": "{{h}}"}})"),
      made("builtin", R"("calculator")"),
      made("search", R"({"provider": "searxng", "url": "http://127.0.0.1:1"})")};
  Damage damage(2);
  const std::string good =
      R"({"id": "a", "h": "b", "expression": "1 + 2 * (3 - 4) / 5", "query": "q", "limit": 3})";
  for (int round = 0; round < damage_rounds(300); ++round) {
    const auto args = agents::parse_json(damage.text(good));
    if (args && args->is_map()) (void)called(*tools[damage.below(3)], *args);
  }
}

TEST_CASE("code that takes the place of its runner gives a failure, whatever it writes") {
  for (const char* written : {"b'['* 900000", "b'\\xff\\xfe'", "b'{\"result\": '", "b'{}'",
                              "b'{\"error\": 5, \"line\": {}}'", "b'null'", "b''",
                              "b'{\"error\": \"x\", \"line\": 99999999999999999999}'"}) {
    const ToolResult result = code(fmt::format("import os\nos.write(3, {})\nos._exit(0)", written));
    CHECK_MESSAGE(!result.value, written);
  }
  CHECK(!code("import os\nwhile True: os.write(3, b'x' * 65536)").value);
  CHECK(!code("import os\nos.kill(os.getpid(), 11)").value);
  CHECK(!code("import os\nos.close(3)\nresult = 1").value);
}

TEST_CASE("results of code that are no JSON are named, however deep or odd they are") {
  CHECK(!code("result = x = []\nfor i in range(100000): x.append([]); x = x[0]").value);
  CHECK(!code("result = []\nresult.append(result)").value);
  CHECK(!code("result = float('nan')").value);
  CHECK(!code("class A:\n  def tolist(self): raise SystemExit(0)\nresult = A()").value);
  CHECK(!code("class E(BaseException):\n  def __str__(self): raise E()\nraise E()").value);
  CHECK(!code("import sys\nsys.setrecursionlimit(10**6)\nclass A:\n"
              "  def __repr__(self): return repr(self)\nresult = repr(A())")
             .value);
  CHECK(!code("raise BaseException('x' * 10_000_000)").value);
  CHECK(!code(std::string("result = 1\0", 11)).value);
  const ToolResult deep = code("result = x = []\nfor i in range(200): x.append([]); x = x[0]");
  if (!deep.value) CHECK(!deep.failure.message.empty());
  const ToolResult big = code("result = 10 ** 400");
  if (!big.value) CHECK(!big.failure.message.empty());
}
