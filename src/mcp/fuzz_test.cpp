// Messages of the protocol damaged by a seed, both ways and over each transport: nobody crashes or
// hangs, what is refused is refused with words, and who was fed them goes on.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/damage.hpp"
#include "core/guarded.hpp"
#include "http/fake_exchange.hpp"
#include "http/loopback_server.hpp"
#include "mcp/client.hpp"
#include "mcp/conformance.hpp"
#include "mcp/detail/event_reader.hpp"

namespace slipway::mcp {

namespace {

/// One of each kind, as clients send them.
std::vector<std::string> requests() {
  const std::string meta =
      R"("_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":)"
      R"("2026-07-28","io.modelcontextprotocol/clientCapabilities":)"
      R"({"elicitation":{},"sampling":{},"roots":{}}})";
  std::vector<std::string> all{
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
      R"("capabilities":{"elicitation":{}},"clientInfo":{"name":"a","version":"1"}}})",
      R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
      R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})",
      R"({"jsonrpc":"2.0","id":"q1","result":{"action":"accept","content":{"name":"Ada"}}})",
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},)"
      R"({"jsonrpc":"2.0","id":2,"method":"tools/list"}])"};
  for (const char* call :
       {R"("tools/list","params":{"cursor":"1",)", R"("server/discover","params":{)",
        R"("tools/call","params":{"name":"test_simple_text","arguments":{},)",
        R"("tools/call","params":{"name":"test_input_required_result_multi_round","arguments":{},)"
        R"("inputResponses":{"step1":{"action":"accept","content":{"name":"Ada"}}},)"
        R"("requestState":"x",)",
        R"("prompts/get","params":{"name":"test_prompt_with_arguments","arguments":{"arg1":"a"},)",
        R"("resources/read","params":{"uri":"test://static-text",)",
        R"("resources/subscribe","params":{"uri":"test://watched-resource",)",
        R"("completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},)"
        R"("argument":{"name":"arg1","value":"a"},)",
        R"("logging/setLevel","params":{"level":"info",)"})
    all.push_back(fmt::format(R"({{"jsonrpc":"2.0","id":7,"method":{}{}}}}})", call, meta));
  return all;
}

struct Serving {
  std::unique_ptr<ConformanceOffer> offer = ConformanceOffer::make();
  std::unique_ptr<Server> server =
      Server::make({.offer = *offer, .answer_wait_max = std::chrono::milliseconds(20)});
  Serving() { offer->set_server(*server); }

  http::Response answer(http::Request request) {
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    server->answer(exchange, {});
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
};

/// Gives what a server might say to that request, damaged.
json::Value good_result(const std::string& method) {
  if (method == "server/discover" || method == "initialize")
    return *json::parse(R"({"protocolVersion":"2025-06-18","supportedVersions":["2026-07-28"],)"
                        R"("capabilities":{"tools":{"listChanged":true},"resources":{}},)"
                        R"("serverInfo":{"name":"s","version":"1"},"instructions":"Be kind."})");
  if (method == "tools/list")
    return *json::parse(
        R"({"tools":[{"name":"a","description":"b","inputSchema":{"type":"object","properties":)"
        R"({"x":{"type":"string","x-mcp-header":"X"}}}}],"nextCursor":"2","ttlMs":5})");
  return *json::parse(
      R"({"resultType":"input_required","content":[{"type":"text","text":"t"}],"isError":false,)"
      R"("structuredContent":{"a":1},"inputRequests":{"q":{"method":"elicitation/create",)"
      R"("params":{"message":"m","requestedSchema":{"type":"object","properties":{"n":)"
      R"({"type":"string","default":"d"}}}}}},"requestState":"s"})");
}

/// A server that nobody should trust, in this process.
class HostileWire final : public Wire {
 public:
  HostileWire(Damage& damage, bool is_process) : damage_(damage), is_process_(is_process) {}
  Result<Message> ask(const Context&, const Outgoing& request,
                      const OnMessage& on_message) override {
    if (damage_.below(3) == 0) on_message(message(request, true));
    if (damage_.below(20) == 0) return fail(Code::unavailable, "gone");
    return message(request, false);
  }
  Result<void> tell(const Context&, const Outgoing&) override { return {}; }
  void listen(OnMessage on_message) override { on_message_ = std::move(on_message); }
  bool is_process() const override { return is_process_; }
  bool is_open() const override { return true; }

 private:
  Message message(const Outgoing& request, bool is_unasked) {
    json::Object whole{{"jsonrpc", "2.0"}};
    if (is_unasked) {
      whole["method"] = damage_.below(2) == 0 ? "notifications/progress" : "elicitation/create";
      whole["params"] = json::Object{{"progressToken", 1}, {"progress", 1}, {"total", 2}};
      if (damage_.below(2) == 0) whole["id"] = 5;
    } else {
      whole["id"] = 1;
      whole["result"] = damage_.below(4) == 0 ? good_result(request.method)
                                              : damage_.value(good_result(request.method));
      if (damage_.below(6) == 0) whole["error"] = damage_.strange();
    }
    const Decoded decoded = decode(json::Value(whole));
    if (const auto* good = std::get_if<Message>(&decoded)) return *good;
    return {.error = std::get<BadMessage>(decoded).error};
  }
  Damage& damage_;
  const bool is_process_;
  OnMessage on_message_;
};

/// All that a client can be asked; each ends.
void use(Client& client, const Context& context) {
  const auto check = [](const auto& result) {
    if (!result.ok()) CHECK(!result.error().message().empty());
  };
  check(client.list(context, ListKind::tools));
  check(client.list(context, ListKind::resources));
  check(client.call_tool(context, "a", {{"x", 1}}));
  check(client.get_prompt(context, "p", {}));
  check(client.read_resource(context, "test://a"));
}

ClientOptions hostile_options(Era era) {
  ClientOptions options{
      .era = era, .probe_timeout = std::chrono::milliseconds(50), .items_max = 50};
  options.elicit = [](const json::Object& params) -> Result<json::Object> {
    return with_defaults(object_of(params, "requestedSchema"), {});
  };
  return options;
}

constexpr Era eras[] = {Era::any, Era::legacy, Era::modern};

}  // namespace

TEST_CASE("damaged requests over HTTP are answered, and the server goes on") {
  Serving serving;
  Damage damage(1);
  const std::vector<std::string> good = requests();
  for (int round = 0; round < damage_rounds(400); ++round) {
    const std::string& whole = good[damage.below(good.size())];
    http::Request request{.method = damage.below(20) == 0 ? "DELETE" : "POST",
                          .target = "/mcp",
                          .body = damage.below(10) == 0 ? whole : damage.text(whole)};
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json, text/event-stream");
    if (damage.below(2) == 0) request.headers.add("MCP-Protocol-Version", "2026-07-28");
    if (damage.below(4) == 0) request.headers.add("Mcp-Session-Id", damage.bytes("0123456789"));
    if (damage.below(4) == 0) request.headers.add("Mcp-Method", damage.bytes("tools/call"));
    CHECK(serving.answer(std::move(request)).status >= 200);
  }
  http::Request last{.method = "POST", .target = "/mcp", .body = good.front()};
  last.headers.add("Content-Type", "application/json");
  last.headers.add("Accept", "application/json, text/event-stream");
  CHECK(serving.answer(std::move(last)).status == 200);
}

TEST_CASE("damaged lines over standard input are answered, and the next one is read") {
  Damage damage(2);
  const std::vector<std::string> good = requests();
  std::string lines;
  for (int round = 0; round < damage_rounds(150); ++round) {
    std::string line = damage.text(good[damage.below(good.size())]);
    std::replace(line.begin(), line.end(), '\n', ' ');
    lines += line + "\n";
  }
  lines += R"({"jsonrpc":"2.0","id":"last","method":"ping"})"
           "\n";
  Serving serving;
  int in[2], out[2];
  REQUIRE((pipe(in) == 0 && pipe(out) == 0));
  std::thread writer([&] {
    for (std::size_t done = 0; done < lines.size();) {
      const ssize_t put = write(in[1], lines.data() + done, lines.size() - done);
      if (put <= 0) break;
      done += static_cast<std::size_t>(put);
    }
    close(in[1]);
  });
  std::string said;
  std::thread reader([&] {
    char block[4096];
    for (ssize_t got = 0; (got = read(out[0], block, sizeof block)) > 0;)
      said.append(block, static_cast<std::size_t>(got));
  });
  (void)serving.server->serve(Context().with_timeout(std::chrono::seconds(120)), in[0], out[1]);
  close(in[0]);
  close(out[1]);
  writer.join();
  reader.join();
  close(out[0]);
  CHECK(said.find("\"last\"") != std::string::npos);
}

TEST_CASE("damaged answers of a server end a client's calls with results or words") {
  Damage damage(3);
  for (int round = 0; round < damage_rounds(400); ++round) {
    const auto context = Context().with_timeout(std::chrono::seconds(20));
    auto client =
        Client::connect(context, std::make_unique<HostileWire>(damage, damage.below(2) == 0),
                        hostile_options(eras[damage.below(3)]));
    if (client)
      use(**client, context);
    else
      CHECK(!client.error().message().empty());
  }
}

TEST_CASE("damaged bytes of a subprocess end a client's calls with results or words") {
  Damage damage(4);
  const auto file =
      std::filesystem::temp_directory_path() / fmt::format("slipway-mcp-{}", getpid());
  for (int round = 0; round < damage_rounds(6); ++round) {
    std::string text;
    for (int id = 1; id < 12; ++id) {
      const char* method = id < 3 ? "initialize" : id < 5 ? "tools/list" : "tools/call";
      const std::string line = json::dump(make_result(id, good_result(method).get_object()));
      text += (damage.below(2) == 0 ? damage.bytes(line) : line) + "\n";
    }
    std::ofstream(file, std::ios::binary) << text;
    const auto context = Context().with_timeout(std::chrono::milliseconds(300));
    auto wire =
        open_process_wire({.command = {"sh", "-c", "cat '" + file.string() + "'; cat > /dev/null"},
                           .message_bytes_max = 4'000,
                           .end_patience = std::chrono::milliseconds(50)});
    REQUIRE(wire.ok());
    auto client =
        Client::connect(context, std::move(*wire), hostile_options(eras[damage.below(3)]));
    if (client) use(**client, context);
  }
  std::filesystem::remove(file);
}

TEST_CASE("damaged replies over HTTP end a client's calls with results or words") {
  Damage damage(5);
  Guarded<std::string> next;
  http::LoopbackServer server([&](const auto&, auto& connection) {
    connection.send(next.with([](const std::string& text) { return text; }));
    connection.close();
  });
  for (int round = 0; round < damage_rounds(30); ++round) {
    const bool is_stream = damage.below(2) == 0;
    const char* method = damage.below(2) == 0 ? "initialize" : "tools/list";
    const std::string body = json::dump(make_result(1, good_result(method).get_object()));
    const std::string whole =
        is_stream
            ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\nretry: 1\ndata: " +
                  body + "\n\n"
            : fmt::format(
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  "Mcp-Session-Id: s\r\nContent-Length: {}\r\n\r\n{}",
                  body.size(), body);
    next.with([&](std::string& text) { text = damage.bytes(whole); });
    const auto context = Context().with_timeout(std::chrono::milliseconds(300));
    auto wire = open_http_wire({.url = server.url("/mcp"),
                                .reach = http::Reach::anywhere,
                                .headers = {},
                                .authorizer = {},
                                .reconnects_max = 1});
    REQUIRE(wire.ok());
    auto client =
        Client::connect(context, std::move(*wire), hostile_options(eras[damage.below(3)]));
    if (client) use(**client, context);
  }
}

TEST_CASE("events of any bytes are read or given up, however they are cut") {
  Damage damage(6);
  const std::string good =
      "id: 7\nretry: 10\ndata: {\"a\":\ndata: 1}\n\n: comment\r\ndata: x\r\n\r\n";
  for (int round = 0; round < damage_rounds(2'000); ++round) {
    std::string bytes = damage.bytes(good, 8);
    detail::EventReader reader(40);
    std::size_t longest = 0;
    const auto note = [&](const std::string& data) { longest = std::max(longest, data.size()); };
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), 1 + damage.below(9));
      if (!reader.feed(std::string_view(bytes).substr(0, size), note)) break;
      bytes.erase(0, size);
    }
    CHECK(longest <= 40);
  }
}

}  // namespace slipway::mcp
