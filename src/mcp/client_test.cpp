#include "mcp/client.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <thread>

#include "mcp/conformance.hpp"
#include "mcp/detail/event_reader.hpp"
#include "mcp/detail/headers.hpp"
#include "mcp/detail/oauth_discovery.hpp"

namespace slipway::mcp {

namespace {

const Context patience = Context().with_timeout(std::chrono::seconds(30));

/// The conformance fixture on a port of its own.
class Serving {
 public:
  Serving() {
    thread_ = std::thread([this] {
      const auto served = serve_conformance(Context(stop_.get_token()), 0, [&](const auto& url) {
        const std::lock_guard lock(mutex_);
        url_ = url;
        changed_.notify_all();
      });
      CHECK(served.ok());
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !url_.empty(); });
  }
  ~Serving() {
    stop_.request_stop();
    thread_.join();
  }
  Result<std::unique_ptr<Client>> client(ClientOptions options) {
    auto wire = TRY(open_http_wire(
        {.url = url_, .reach = http::Reach::anywhere, .headers = {}, .authorizer = {}}));
    return Client::connect(patience, std::move(wire), std::move(options));
  }

 private:
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string url_;
  std::thread thread_;
};

ClientOptions answering(Era era) {
  ClientOptions options{.era = era};
  options.elicit = [](const json::Object&) -> Result<json::Object> {
    return json::Object{{"action", "accept"},
                        {"content", json::Object{{"name", "Ada"}, {"color", "blue"}}}};
  };
  return options;
}

}  // namespace

namespace {

/// A program that is slow to start: it hears the first question when nobody waits for it any more,
/// and is then of the modern era for good.
class SlowWire final : public Wire {
 public:
  std::vector<std::string> asked;
  Result<Message> ask(const Context&, const Outgoing& request, const OnMessage&) override {
    asked.push_back(request.method);
    if (asked.size() == 1) return fail(Code::deadline_exceeded, "it said nothing");
    Message answer{.id = request.message.at("id")};
    if (request.method == "initialize")
      answer.error = RpcError{code::unsupported_version, "this is served in 2026-07-28", {}};
    else
      answer.result = json::Object{{"capabilities", json::Object{{"tools", json::Object()}}}};
    return answer;
  }
  Result<void> tell(const Context&, const Outgoing&) override { return {}; }
  void listen(OnMessage) override {}
  bool is_process() const override { return true; }
  bool is_open() const override { return true; }
};

}  // namespace

TEST_CASE("a server that was too slow for the first question is asked again in its era") {
  auto wire = std::make_unique<SlowWire>();
  const auto& asked = wire->asked;
  const auto client = Client::connect(patience, std::move(wire), {});
  REQUIRE(client.ok());
  CHECK((*client)->is_modern());
  CHECK((*client)->capabilities().contains("tools"));
  CHECK(asked == std::vector<std::string>{"server/discover", "initialize", "server/discover"});
}

TEST_CASE("a client finds out the era of a server and uses it in both") {
  Serving serving;
  for (const Era era : {Era::any, Era::modern, Era::legacy}) {
    auto client = serving.client(answering(era));
    REQUIRE(client.ok());
    CHECK((*client)->is_modern() == (era != Era::legacy));
    const auto tools = (*client)->list(patience, ListKind::tools);
    REQUIRE(tools.ok());
    CHECK(tools->size() > 20);
    int told = 0;
    const auto result =
        (*client)->call_tool(patience, "test_tool_with_progress", {},
                             {.on_progress = [&](auto, auto, const auto&) { ++told; }});
    REQUIRE(result.ok());
    CHECK(told == 3);
    const auto asked = (*client)->call_tool(patience, "test_input_required_result_multi_round", {});
    REQUIRE(asked.ok());
    CHECK(json::dump(*asked).find("Ada who likes blue") != std::string::npos);
    CHECK((*client)->read_resource(patience, "test://static-text").ok());
    CHECK((*client)->read_resource(patience, "test://nothing").error().code() ==
          Code::invalid_argument);
  }
}

TEST_CASE("a subprocess that speaks only the older revisions is greeted with initialize") {
  const std::string script =
      R"(while read -r line; do case "$line" in
*server/discover*) echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}';;
*initialize\"*) echo '{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-06-18"}}';;
*tools/call*) echo '{"jsonrpc":"2.0","id":3,"result":{"content":[]}}';;
esac; done)";
  auto wire = open_process_wire({.command = {"sh", "-c", script}, .folder = {}, .environment = {}});
  REQUIRE(wire.ok());
  auto client = Client::connect(patience, std::move(*wire), {});
  REQUIRE(client.ok());
  CHECK((*client)->version() == "2025-06-18");
  CHECK((*client)->call_tool(patience, "x", {}).ok());
}

TEST_CASE("a subprocess that ends tells what it said last, one that is missing is not found") {
  auto wire = open_process_wire(
      {.command = {"sh", "-c", "echo broken >&2; exit 3"}, .folder = {}, .environment = {}});
  REQUIRE(wire.ok());
  const auto client = Client::connect(patience, std::move(*wire), {});
  REQUIRE_FALSE(client.ok());
  CHECK(client.error().code() == Code::unavailable);
  const auto missing =
      open_process_wire({.command = {"/nowhere/at-all"}, .folder = {}, .environment = {}});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code() == Code::not_found);
}

TEST_CASE("a subprocess that does not end by itself is ended") {
  const auto begun = std::chrono::steady_clock::now();
  {
    auto wire = open_process_wire({.command = {"sh", "-c", "trap '' TERM; sleep 60 & wait; wait"},
                                   .folder = {},
                                   .environment = {},
                                   .end_patience = std::chrono::milliseconds(50)});
    REQUIRE(wire.ok());
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
}

TEST_CASE("values travel whole in headers") {
  for (const std::string text :
       {"us-west1", "", " padded ", "line1\nline2", "Hello, \xe4\xb8\x96", "=?base64?literal?="})
    CHECK(detail::read_header_value(detail::header_value(text)) == text);
  CHECK(detail::header_value("Hello, \xe4\xb8\x96\xe7\x95\x8c") ==
        "=?base64?SGVsbG8sIOS4lueVjA==?=");
  CHECK_FALSE(detail::read_header_value("=?base64?a?=").has_value());
}

TEST_CASE("annotations of headers stand only where their rules allow") {
  const auto params = [](std::string_view schema) {
    return detail::header_params(*json::parse(schema));
  };
  const auto good = params(R"({"properties":{"a":{"type":"object","properties":
    {"b":{"type":"string","x-mcp-header":"B"}}}}})");
  REQUIRE(good.ok());
  CHECK(detail::header_text(good->front(), {{"a", json::Object{{"b", "x"}}}}) == "x");
  CHECK_FALSE(params(R"({"properties":{"a":{"type":"number","x-mcp-header":"A"}}})").ok());
  CHECK_FALSE(params(R"({"properties":{"a":{"type":"string","x-mcp-header":"A B"}}})").ok());
  CHECK_FALSE(params(R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},
    "b":{"type":"string","x-mcp-header":"a"}}})")
                  .ok());
  CHECK_FALSE(params(R"({"properties":{"a":{"type":"array","items":
    {"type":"string","x-mcp-header":"A"}}}})")
                  .ok());
}

TEST_CASE("events are read with their ids and the time to wait, however they are cut") {
  const std::string text =
      "id: 7\r\nretry: 20\r\ndata: a\r\ndata: b\r\n\r\n: note\nid: 8\ndata:\n\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    detail::EventReader reader(100);
    std::vector<std::string> got;
    const auto take = [&](const std::string& data) { got.push_back(data); };
    CHECK(reader.feed(std::string_view(text).substr(0, cut), take));
    CHECK(reader.feed(std::string_view(text).substr(cut), take));
    CHECK(got == std::vector<std::string>{"a\nb"});
    CHECK(reader.last_id() == "8");
    CHECK(reader.retry() == std::chrono::milliseconds(20));
  }
  detail::EventReader narrow(10);
  CHECK_FALSE(narrow.feed("data: " + std::string(50, 'x'), [](const auto&) {}));
}

TEST_CASE("a challenge is read among others, and a token is only for what it covers") {
  const auto challenge = detail::read_challenge(
      R"(Basic realm="a", Bearer error="insufficient_scope", scope="read write", )"
      R"(resource_metadata="https://a.example/.well-known/x")");
  CHECK(challenge.scope == "read write");
  CHECK(challenge.error == "insufficient_scope");
  CHECK(challenge.resource_metadata == "https://a.example/.well-known/x");
  CHECK(detail::covers("https://a.example", "https://a.example/mcp"));
  CHECK(detail::covers("https://A.example/mcp", "https://a.example/mcp"));
  CHECK_FALSE(detail::covers("https://a.example/other", "https://a.example/mcp"));
  CHECK_FALSE(detail::covers("https://b.example", "https://a.example/mcp"));
}

TEST_CASE("defaults of a form stand for what was left out") {
  const json::Object schema{{"properties", json::Object{{"a", json::Object{{"default", 1}}},
                                                        {"b", json::Object{{"default", 2}}}}}};
  CHECK(json::dump(with_defaults(schema, {{"a", 5}})) == R"({"a":5,"b":2})");
}

}  // namespace slipway::mcp
