#include "tools/tools.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/guarded.hpp"
#include "http/loopback_server.hpp"

using namespace slipway;
using namespace slipway::tools;
using agents::ToolResult;
using agents::Value;
using http::LoopbackServer;

namespace {

Value json_of(std::string_view text) {
  auto value = agents::parse_json(text);
  REQUIRE_MESSAGE(value, std::string(text));
  return *value;
}

std::shared_ptr<agents::Tool> made(const std::string& kind, const std::string& config,
                                   const std::string& folder = "") {
  agents::ToolRegistry registry;
  agents::Collections rag;
  rag.ask = [](const Context&, const agents::RagBody& body, const agents::ToolCall& call) {
    Value found = call.args;
    found.put("ask", body.is_ask);
    found.put("limit", body.limit);
    return ToolResult::done(found);
  };
  rag.most = [](const Context&, const agents::RagBody& body, const agents::ToolCall& call) {
    return agents::Spending{
        .usage = {.input_tokens = static_cast<std::int64_t>(call.args.at("question").text().size()),
                  .output_tokens = body.is_ask ? 256 : 0}};
  };
  add_all(registry, {.rag = rag});
  auto tool =
      registry.make({.name = "t", .kind = kind, .config = json_of(config), .folder = folder});
  REQUIRE_MESSAGE(tool, tool.error().message());
  return *tool;
}

std::string fault(const std::string& kind, const std::string& config) {
  agents::ToolRegistry registry;
  add_all(registry);
  const auto tool = registry.make({.name = "t", .kind = kind, .config = json_of(config)});
  REQUIRE_MESSAGE(!tool, config);
  return tool.error().message();
}

ToolResult called(agents::Tool& tool, const std::string& args = "{}") {
  return tool.call({}, {.args = json_of(args), .effect_key = "e_1"});
}

std::string told(const ToolResult& result) {
  if (result.value) return dump(*result.value);
  return (result.is_unknown ? "unknown " : "") + result.failure.kind + ": " +
         result.failure.message;
}

std::string place(const LoopbackServer& server) {
  return fmt::format("127.0.0.1:{}", server.port());
}

std::string http_config(const LoopbackServer& server, const std::string& rest) {
  return fmt::format(R"({{"url": "http://{}{}, "allow_private": ["{}"]}})", place(server), rest,
                     place(server));
}

}  // namespace

TEST_CASE("an HTTP tool writes its arguments into URL, headers and body") {
  LoopbackServer::Request seen;
  LoopbackServer server([&](const auto& request, auto& connection) {
    seen = request;
    connection.reply(200, R"({"ok": 1.5})", "Content-Type: application/json\r\n");
  });
  const auto tool = made(
      "http", http_config(server,
                          R"(/x/{{id}}?q={{q}}", "method": "POST", "headers": {"X-Who": "{{who}}"},
                     "body": {"text": "{{text}}", "n": "{{n + 1}}", "list": ["a{{n}}"]})"));
  CHECK(told(called(*tool, R"({"id": "a/b", "q": "x &y=ü", "who": "me", "text": "t", "n": 1})")) ==
        R"({"ok":1.5})");
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/x/a%2Fb?q=x%20%26y%3D%C3%BC");
  CHECK(seen.headers["x-who"] == "me");
  CHECK(seen.headers["idempotency-key"] == "e_1");
  CHECK(seen.headers["content-type"] == "application/json");
  CHECK(seen.body == R"({"text":"t","n":2,"list":["a1"]})");
  CHECK(dump(tool->parameters().at("required")) == R"(["id","q","who","text","n"])");
  CHECK(told(called(*tool, R"({"who": "a\r\nX: b"})")).find("refused") == std::string::npos);
}

TEST_CASE("statuses of an HTTP tool become kinds of failures, and say what may have happened") {
  Guarded<std::string> head;  // The last answer may still be on its way out.
  const auto copied = [&] { return head.with([](const std::string& text) { return text; }); };
  const auto say = [&](std::string text) { head.with([&](std::string& all) { all = text; }); };
  LoopbackServer server([&](const auto&, auto& connection) { connection.send(copied()); });
  const auto tool = made("http", http_config(server, R"(/")"));
  const auto answer = [&](int status) {
    say(fmt::format("HTTP/1.1 {} X\r\nContent-Length: 4\r\n\r\nwhy?", status));
    return told(called(*tool));
  };
  CHECK(answer(404) == fmt::format("tool: {} answers with status 404: why?", place(server)));
  CHECK(answer(429).starts_with("rate_limit: "));
  CHECK(answer(503).starts_with("network: "));
  CHECK(answer(500).starts_with("unknown network: "));
  CHECK(answer(504).starts_with("unknown timeout: "));
  CHECK(answer(200) == R"("why?")");
  say("HTTP/1.1 204 X\r\n\r\n");
  CHECK(told(called(*tool)) == "null");
  LoopbackServer breaking([](const auto&, auto& connection) { connection.reset(); });
  const auto broken = made("http", http_config(breaking, R"(/")"));
  CHECK(told(called(*broken)).starts_with("unknown network: "));
}

TEST_CASE("a server that is not there has surely done nothing") {
  std::string config;
  {
    const LoopbackServer server([](const auto&, auto&) {});
    config = http_config(server, R"(/")");
  }
  const auto tool = made("http", config);
  const std::string answer = told(called(*tool));
  CHECK_MESSAGE(answer.starts_with("network: "), answer);
  CHECK(answer.ends_with("nothing was sent"));
}

TEST_CASE("an HTTP tool reaches nothing that is not public, by no name and no redirect") {
  LoopbackServer inner([](const auto&, auto& connection) { connection.reply(200, "secret"); });
  const auto tool = made("http", R"({"url": "{{url}}"})");
  const std::string port = std::to_string(inner.port());
  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1",
                                 "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
                                 "[2002:7f00:1::]", "0.0.0.0", "169.254.169.254", "10.0.0.1"}) {
    const std::string answer =
        told(called(*tool, fmt::format(R"({{"url": "http://{}:{}/"}})", host, port)));
    CHECK_MESSAGE(answer.starts_with("refused: "), answer);
  }
  for (const char* url : {"file:///etc/passwd", "ftp://example.org/", "http://a@127.0.0.1/",
                          "http://exa mple.org/", "gopher://x", "http:///x", "http://x:99999/", ""})
    CHECK_MESSAGE(
        told(called(*tool, fmt::format(R"({{"url": "{}"}})", url))).starts_with("refused: "), url);
  LoopbackServer outer([&](const auto&, auto& connection) {
    connection.reply(302, "", "Location: " + inner.url("/") + "\r\n");
  });
  const auto followed = made("http", http_config(outer, R"(/")"));
  CHECK(told(called(*followed)).starts_with("refused: "));
  CHECK(inner.connections() == 0);
}

TEST_CASE("redirects are followed where hosts are allowed, a few times, without secrets") {
  ::setenv("SLIPWAY_TEST_TOKEN", "hunter2", 1);
  std::string token = "none";
  LoopbackServer last([&](const auto& request, auto& connection) {
    token = request.headers.contains("authorization") ? "sent" : "kept";
    connection.reply(200, request.method);
  });
  LoopbackServer first([&](const auto& request, auto& connection) {
    if (request.target == "/loop") connection.reply(302, "", "Location: loop\r\n");
    if (request.target == "/away")
      connection.reply(303, "", "Location: " + last.url("/x") + "\r\n");
    if (request.target == "/echo") connection.reply(200, request.headers.at("authorization"));
  });
  const auto config = [&](const std::string& path) {
    return fmt::format(
        R"({{"url": "http://{0}{2}", "method": "POST", "allow_private": ["{0}", "{1}"],
            "headers": {{"Authorization": "Bearer env:SLIPWAY_TEST_TOKEN"}}}})",
        place(first), place(last), path);
  };
  CHECK(told(called(*made("http", config("/away")))) == R"("GET")");
  CHECK(token == "kept");
  CHECK(told(called(*made("http", config("/loop")))) == "refused: more than 3 redirects");
  CHECK(told(called(*made("http", config("/echo")))) == R"("Bearer ***")");
  ::unsetenv("SLIPWAY_TEST_TOKEN");
  CHECK(told(called(*made("http", config("/echo")))).starts_with("tool: "));
}

TEST_CASE("hosts that are not allowed are refused before anything is sent") {
  const auto tool =
      made("http", R"({"url": "{{url}}", "allow": ["example.org", "*.example.com"]})");
  for (const char* url : {"http://evil.example/", "http://example.org.evil.example/",
                          "http://evilexample.com/", "http://example.com/"})
    CHECK(told(called(*tool, fmt::format(R"({{"url": "{}"}})", url))).find("is not allowed") !=
          std::string::npos);
}

TEST_CASE(
    "a reply that is too long, no text or no JSON is a failure that may have had its effect") {
  std::string body, type;
  LoopbackServer server([&](const auto&, auto& connection) {
    connection.reply(200, body, "Content-Type: " + type + "\r\n");
  });
  const auto tool = made("http", http_config(server, R"(/", "max_bytes": "1KB")"));
  body = std::string(2000, 'x');
  CHECK(told(called(*tool)) == "unknown tool: the reply is longer than 1024 bytes (max_bytes)");
  body = "{", type = "application/json";
  CHECK(told(called(*tool)).starts_with("unknown tool: the reply says that it is JSON"));
  body = "\xff\xfe", type = "image/png";
  CHECK(told(called(*tool)) == "unknown tool: the reply (image/png, 2 bytes) is no text in UTF-8");
  body = "gr\xfc\xdf", type = "text/plain; charset=ISO-8859-1";
  CHECK(told(called(*tool)) == R"("grüß")");
}

TEST_CASE("bytes of any kind from a server end in a value or a failure") {
  std::uint32_t seed = 1;
  const auto next = [&] { return seed = seed * 1664525u + 1013904223u, seed >> 8; };
  std::string bytes;
  LoopbackServer server([&](const auto&, auto& connection) {
    connection.send(bytes);
    connection.close();
  });
  const auto tool = made("http", http_config(server, R"(/")"));
  const std::string good =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLocation: /a\r\nContent-Length: "
      "9\r\n\r\n{\"a\":[1]}";
  for (int i = 0; i < 150; ++i) {
    bytes = good;
    for (int changes = 0; changes < 1 + i % 5; ++changes)
      bytes[next() % bytes.size()] = static_cast<char>(next());
    const ToolResult result = called(*tool);
    CHECK((result.value || !result.failure.kind.empty()));
  }
}

TEST_CASE("a command gets its arguments as JSON and gives JSON or text") {
  const auto tool = made(
      "command",
      R"x(["python3", "-c", "import json, sys, os; a = json.load(sys.stdin)\nprint(json.dumps({)x"
      R"x('sum': a['x'] + 1, 'key': os.environ['SLIPWAY_EFFECT_KEY']}))"])x");
  CHECK(told(called(*tool, R"({"x": 1})")) == R"({"sum":2,"key":"e_1"})");
  CHECK(told(called(*made("command", R"(["echo", "plain words"])"))) == R"("plain words")");
  CHECK(told(called(*made("command", R"({"run": ["echo", "12"], "output": "text"})"))) ==
        R"("12")");
  CHECK(told(called(*made("command", R"({"run": ["echo", "{"], "output": "json"})")))
            .starts_with("unknown tool: echo does not write JSON"));
  CHECK(told(called(*made("command", R"(["sh", "-c", "echo no such order >&2; exit 3"])"))) ==
        "tool: sh ends with exit code 3: no such order");
  CHECK(told(called(*made("command", R"(["sh", "-c", "kill -9 $$"])"))) ==
        "unknown tool: sh was ended by signal 9");
  CHECK(
      told(called(*made("command", R"({"run": ["sleep", "50"], "limits": {"wall": "200ms"}})"))) ==
      "unknown timeout: sleep takes longer than 200 ms");
  CHECK(told(called(*made("command", R"(["sh", "-c", "cat /etc/passwd"])"))).find("No such file") !=
        std::string::npos);
  CHECK(fault("command", R"(["no-such-program"])").find("no-such-program") != std::string::npos);
  CHECK(fault("command", R"({"run": ["cat"], "reed": []})").find("did you mean 'read'") !=
        std::string::npos);
}

TEST_CASE("a command sees files that it names and paths that it is given, and its secrets") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "slipway-command-test";
  std::filesystem::create_directories(folder / "data");
  std::filesystem::create_directories(folder / "out");
  std::ofstream(folder / "show.sh") << "cat data/a 2>&1; cat $1/data/a $1/other; echo $TOKEN; "
                                       "echo written > $1/out/b";
  std::ofstream(folder / "data" / "a") << "content ";
  std::ofstream(folder / "other") << "hidden";
  std::filesystem::permissions(folder / "out", std::filesystem::perms::all);
  ::setenv("SLIPWAY_TEST_TOKEN", "hunter2", 1);
  const auto tool = made("command",
                         fmt::format(R"({{"run": ["sh", "show.sh", "{}"], "read": ["data"],
                                         "write": ["out"],
                                         "env": {{"TOKEN": "env:SLIPWAY_TEST_TOKEN"}}}})",
                                     folder.string()),
                         folder.string());
  const std::string answer = told(called(*tool));
  CHECK_MESSAGE(answer.find("content hunter2") != std::string::npos, answer);
  CHECK(answer.find("hidden") == std::string::npos);
  std::string written;
  std::ifstream(folder / "out" / "b") >> written;
  CHECK(written == "written");
  std::filesystem::remove_all(folder);
}

TEST_CASE("code gives the value of its variable result") {
  const CodeRunner run = code_runner();
  const auto gives = [&](const std::string& source, const std::string& args = "{}") {
    agents::CodeBody body{.lang = "python", .source = source};
    const auto value = run({}, body, json_of(args));
    return value ? dump(*value) : value.failure().kind + ": " + value.failure().message;
  };
  CHECK(gives("result = sum(xs) / len(xs)", R"({"xs": [1, 2, 3, 4]})") == "2.5");
  CHECK(gives("print('noise')\nresult = {'a': [None, True, 'ü']}") == R"({"a":[null,true,"ü"]})");
  CHECK(gives("import datetime, math\nresult = [{3, 1}, datetime.date(2024, 1, 2)]") ==
        R"([[1,3],"2024-01-02"])");
  CHECK(gives("def f(n): return 1 if n < 2 else n * f(n - 1)\nresult = f(5)") == "120");
  CHECK(gives("x = 1") == "tool: the code sets no variable 'result'");
  CHECK(gives("x = 1\ny = x / 0") == "tool: ZeroDivisionError: division by zero (line 2)");
  CHECK(gives("x = (") == "tool: SyntaxError: '(' was never closed (line 1)");
  CHECK(gives("result = object()").starts_with("tool: TypeError: 'result' holds a object"));
  CHECK(gives("result = float('nan')").starts_with("tool: ValueError"));
  CHECK(gives("import sys\nsys.exit(2)").starts_with("tool: SystemExit"));
  CHECK(gives("import os\nos._exit(2)").starts_with("tool: the code ended with exit code 2"));
  CHECK(gives("import os\nos.write(1, b'x')\nos.close(2)\nresult = 1") == "1");
  CHECK(gives("open('/etc/passwd')").starts_with("tool: FileNotFoundError"));
  CHECK(gives("import subprocess\nsubprocess.run(['/bin/sh'])")
            .starts_with("tool: FileNotFoundError"));
  CHECK(gives("import socket\nsocket.create_connection(('127.0.0.1', 80))").starts_with("tool: "));
  CHECK(gives("import zoneinfo\nresult = str(zoneinfo.ZoneInfo('Europe/Berlin'))") ==
        R"("Europe/Berlin")");
}

TEST_CASE("a tool of code runs what the model writes, or what the operator wrote") {
  const auto free = made("code", R"({"limits": {"cpu": "2s"}})");
  CHECK(told(called(*free, R"({"source": "result = n * 2", "args": {"n": 21}})")) == "42");
  CHECK(told(called(*free)).starts_with("tool: the argument 'source'"));
  CHECK(told(called(*made("code", R"({"source": "result = n + 1"})"), R"({"n": 1})")) == "2");
  CHECK(fault("code", R"({"lang": "ruby"})").find("python is") != std::string::npos);
  CHECK(fault("code", R"({"limits": {"cpu": "soon"}})").find("limits.cpu") != std::string::npos);
}

TEST_CASE("searches give one form, whichever provider finds") {
  LoopbackServer::Request seen;
  std::string body;
  LoopbackServer server([&](const auto& request, auto& connection) {
    seen = request;
    connection.reply(200, body, "Content-Type: application/json\r\n");
  });
  ::setenv("SLIPWAY_TEST_KEY", "secret-key", 1);
  const auto search = [&](const std::string& provider) {
    const auto tool =
        made("search", fmt::format(R"({{"provider": "{}", "url": "http://{}", "limit": 2,
                                  "key": "env:SLIPWAY_TEST_KEY", "allow_private": ["{}"]}})",
                                   provider, place(server), place(server)));
    return told(called(*tool, R"({"query": "slow & fast"})"));
  };
  const std::string wanted = R"([{"title":"A","url":"http://a","snippet":"first"},)"
                             R"({"title":"B","url":"http://b","snippet":""}])";
  body = R"({"results": [{"title": "A", "url": "http://a", "content": "first", "score": 1},
             {"title": "B", "url": "http://b"}, {"title": "C", "url": "http://c"}]})";
  CHECK(search("searxng") == wanted);
  CHECK(seen.target == "/search?q=slow%20%26%20fast&format=json");
  CHECK(search("tavily") == wanted);
  CHECK(seen.body == R"({"query":"slow & fast","max_results":2})");
  CHECK(seen.headers["authorization"] == "Bearer secret-key");
  body = R"({"web": {"results": [{"title": "A", "url": "http://a", "description": "first"},
             {"title": "B", "url": "http://b"}]}})";
  CHECK(search("brave") == wanted);
  CHECK(seen.headers["x-subscription-token"] == "secret-key");
  body = "{}";
  CHECK(search("brave") == "[]");
  body = "[]";
  CHECK(search("searxng") == "tool: searxng answers without a list of results");
  CHECK(fault("search", R"({"provider": "bing"})").find("none of searxng") != std::string::npos);
  CHECK(fault("search", R"({"provider": "brave"})").find("wants a key") != std::string::npos);
  CHECK(fault("search", R"({"provider": "brave", "key": "abc"})").find("env:NAME") !=
        std::string::npos);
  CHECK(fault("search", R"({"provider": "searxng"})").find("give its url") != std::string::npos);
}

TEST_CASE("a collection is a tool") {
  CHECK(told(called(*made("rag", R"({"collection": "faq", "limit": 3})"),
                    R"({"question": "Why?"})")) ==
        R"({"collection":"faq","question":"Why?","ask":false,"limit":3})");
  CHECK(
      told(called(*made("rag", R"({"collection": "faq", "mode": "ask"})"))).starts_with("tool: "));
  const auto asks = made("rag", R"({"collection": "faq", "mode": "ask"})");
  const auto most = asks->most({}, {.args = json_of(R"({"question": "Why?"})")});
  REQUIRE((most && *most));
  CHECK((**most).tokens() == 4 + 256);
  CHECK(!asks->most({}, {.args = json_of("{}")}));
  CHECK(fault("rag", R"({"collection": "faq"})").find("no collections") != std::string::npos);
}

TEST_CASE("a tool of SQL gives rows as maps and refusals as such") {
  CHECK(fault("sql", "{}").find("either sqlite") != std::string::npos);
  const auto gone = made("sql", R"({"sqlite": "no.db"})", "/nowhere");
  CHECK(told(called(*gone, R"({"query": "SELECT 1"})")) == "tool: there is no database 'no.db'");
  const auto dsn = made("sql", R"({"postgres": "host=/nowhere password=hunter2 port=1"})");
  const std::string answer = told(called(*dsn, R"({"query": "SELECT 1"})"));
  CHECK(answer.find("hunter2") == std::string::npos);
  CHECK_MESSAGE(answer.starts_with("network: "), answer);
  CHECK(told(called(*dsn, R"({"query": "COPY t TO PROGRAM 'id'"})")).starts_with("refused: "));
}
