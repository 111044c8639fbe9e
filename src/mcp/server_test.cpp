#include "mcp/server.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "http/fake_exchange.hpp"
#include "mcp/conformance.hpp"

namespace slipway::mcp {

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The fixture of the conformance suite behind a server, asked without a network.
struct Fixture {
  std::unique_ptr<ConformanceOffer> offer = ConformanceOffer::make();
  std::unique_ptr<Server> server = Server::make({.offer = *offer});
  Fixture() { offer->set_server(*server); }

  http::Response post(const std::string& body, const Headers& headers = {}) {
    http::Request request{.method = "POST", .target = "/mcp", .body = body};
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json, text/event-stream");
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    server->answer(exchange, {});
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  http::Response modern(const std::string& method, json::Object params, Headers headers = {}) {
    params["_meta"] =
        json::Object{{meta::protocol_version, modern_version},
                     {meta::client_capabilities, json::Object{{"elicitation", json::Object()}}}};
    headers.emplace_back("MCP-Protocol-Version", modern_version);
    headers.emplace_back("Mcp-Method", method);
    if (const std::string name = text_of(params, "name"); !name.empty())
      headers.emplace_back("Mcp-Name", name);
    return post(json::dump(make_request(7, method, std::move(params))), headers);
  }
};

json::Object object(const http::Response& response) {
  const auto value = json::parse(response.body);
  REQUIRE(value.ok());
  return value->get_object();
}

int error_code(const http::Response& response) {
  return static_cast<int>(object_of(object(response), "error").at("code").to_number<int>());
}

}  // namespace

TEST_CASE("a legacy client gets a session, and its revision if we know it") {
  Fixture fixture;
  const auto greeted = fixture.post(R"({"jsonrpc":"2.0","id":1,"method":"initialize",)"
                                    R"("params":{"protocolVersion":"2025-03-26"}})");
  CHECK(greeted.status == 200);
  CHECK(text_of(object_of(object(greeted), "result"), "protocolVersion") == "2025-03-26");
  const std::string id(greeted.headers.get("mcp-session-id"));
  CHECK(id.size() == 32);
  const std::string ping = R"({"jsonrpc":"2.0","id":2,"method":"ping"})";
  CHECK(fixture.post(ping, {{"Mcp-Session-Id", id}}).status == 200);
  CHECK(fixture.post(ping, {{"Mcp-Session-Id", "another"}}).status == 404);
  CHECK(fixture.post(ping).status == 400);
  const auto called = fixture.post(
      R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"test_simple_text"}})",
      {{"Mcp-Session-Id", id}});
  CHECK(called.headers.get("content-type") == "text/event-stream");
  CHECK(called.body.find("simple text response") != std::string::npos);
}

TEST_CASE("a modern request is answered without a session, and says who answers") {
  Fixture fixture;
  const auto response = fixture.modern("tools/call", {{"name", "test_simple_text"}});
  CHECK(response.status == 200);
  const json::Object result = object_of(object(response), "result");
  CHECK(text_of(result, "resultType") == "complete");
  CHECK(object_of(result, "_meta").contains(meta::server_info));
  CHECK(object_of(object(fixture.modern("tools/list", {})), "result").contains("ttlMs"));
}

TEST_CASE("headers that do not say what the body says are refused") {
  Fixture fixture;
  const json::Object params{{"name", "test_simple_text"},
                            {"_meta", json::Object{{meta::protocol_version, modern_version},
                                                   {meta::client_capabilities, json::Object()}}}};
  const std::string body = json::dump(make_request(1, "tools/call", params));
  const std::pair<std::string, std::string> version{"MCP-Protocol-Version", modern_version};
  const std::pair<std::string, std::string> method{"Mcp-Method", "tools/call"};
  for (const Headers& headers :
       {Headers{}, Headers{version}, Headers{version, method},
        Headers{version, method, {"Mcp-Name", "another"}},
        Headers{version, {"Mcp-Method", "tools/list"}, {"Mcp-Name", "test_simple_text"}}}) {
    const auto response = fixture.post(body, headers);
    CHECK(response.status == 400);
    CHECK(error_code(response) == code::header_mismatch);
  }
  CHECK(fixture.post(body, {version, method, {"Mcp-Name", "=?base64?dGVzdF9zaW1wbGVfdGV4dA==?="}})
            .status == 200);
}

TEST_CASE("an argument that travels in a header too must be the same there") {
  Fixture fixture;
  const json::Object params{{"name", "test_custom_header"},
                            {"arguments", json::Object{{"region", "north"}}}};
  CHECK(error_code(fixture.modern("tools/call", params)) == code::header_mismatch);
  CHECK(error_code(fixture.modern("tools/call", params, {{"Mcp-Param-Region", "south"}})) ==
        code::header_mismatch);
  CHECK(fixture.modern("tools/call", params, {{"Mcp-Param-Region", "north"}}).status == 200);
}

TEST_CASE("a call that asks twice remembers the first answer in its signed state") {
  Fixture fixture;
  json::Object params{{"name", "test_input_required_result_multi_round"}};
  const auto answer = [](std::string_view field, std::string_view text) {
    return json::Object{{"action", "accept"}, {"content", json::Object{{field, text}}}};
  };
  const auto result = [&] {
    return object_of(object(fixture.modern("tools/call", params)), "result");
  };
  const json::Object first = result();
  CHECK(text_of(first, "resultType") == "input_required");
  params["requestState"] = text_of(first, "requestState");
  params["inputResponses"] = json::Object{{"step1", answer("name", "Ada")}};
  const json::Object second = result();
  CHECK(object_of(second, "inputRequests").contains("step2"));
  params["requestState"] = text_of(second, "requestState");
  params["inputResponses"] = json::Object{{"step2", answer("color", "blue")}};
  CHECK(json::dump(result()).find("Ada who likes blue") != std::string::npos);
  SUBCASE("a changed state is refused") {
    params["requestState"] = "x" + text_of(second, "requestState");
    CHECK(error_code(fixture.modern("tools/call", params)) == code::invalid_params);
  }
  SUBCASE("a state of another request is refused") {
    params["name"] = "test_input_required_result_elicitation";
    CHECK(error_code(fixture.modern("tools/call", params)) == code::invalid_params);
  }
  SUBCASE("an answer that does not fit the form is asked for again") {
    params["inputResponses"] = json::Object{{"step2", 5}};
    CHECK(object_of(result(), "inputRequests").contains("step2"));
  }
}

TEST_CASE("what is no message gets an error and leaves the server alive") {
  Fixture fixture;
  for (const std::string body : {"", "{", "[]", "5", "\xff", "null", R"({"jsonrpc":"2.0"})",
                                 R"({"jsonrpc":"2.0","id":{},"method":"ping"})"})
    CHECK(fixture.post(body).status == 400);
  CHECK(fixture.modern("server/discover", {}).status == 200);
}

TEST_CASE("bytes changed at random never end the server") {
  Fixture fixture;
  SeededRandom random(11);
  const std::string good = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)"
                           R"({"name":"test_simple_text","_meta":{"a":1},"arguments":{}}})";
  for (int i = 0; i < 3'000; ++i) {
    std::string text = good;
    for (int changes = 0; changes < 4; ++changes)
      text[random.next() % text.size()] = static_cast<char>(random.next());
    const auto decoded = decode_text(text);
    CHECK(!decoded.messages.empty());
  }
  CHECK(fixture.modern("server/discover", {}).status == 200);
}

TEST_CASE("pages of elsewhere and other names are not this machine") {
  const auto asked = [](const std::string& host, const std::string& origin) {
    http::Request request;
    request.headers.add("Host", host);
    if (!origin.empty()) request.headers.add("Origin", origin);
    return check_local(request).ok();
  };
  CHECK(asked("localhost:8700", ""));
  CHECK(asked("127.0.0.1:8700", "http://localhost:3000"));
  CHECK_FALSE(asked("evil.example", ""));
  CHECK_FALSE(asked("localhost", "http://evil.example"));
}

}  // namespace slipway::mcp
