#include "mcp/protocol.hpp"

#include <doctest/doctest.h>

namespace slipway::mcp {

namespace {

const Message& message_of(const DecodedText& decoded) {
  REQUIRE(decoded.messages.size() == 1);
  REQUIRE(std::holds_alternative<Message>(decoded.messages.front()));
  return std::get<Message>(decoded.messages.front());
}

int code_of(std::string_view text) {
  const auto decoded = decode_text(text);
  REQUIRE(!decoded.messages.empty());
  const auto* bad = std::get_if<BadMessage>(&decoded.messages.front());
  return bad ? bad->error.code : 0;
}

}  // namespace

TEST_CASE("requests, notifications and answers are told apart by what they have") {
  CHECK(message_of(decode_text(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")).is_request());
  CHECK(
      message_of(decode_text(R"({"jsonrpc":"2.0","method":"notifications/x"})")).is_notification());
  CHECK(message_of(decode_text(R"({"jsonrpc":"2.0","id":"a","result":{}})")).is_answer());
  const auto failed =
      decode_text(R"({"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}})");
  CHECK(message_of(failed).error->code == code::method_not_found);
  CHECK(message_of(failed).error->message == "no");
}

TEST_CASE("what is no message is told with the code of JSON-RPC") {
  CHECK(code_of("{") == code::parse_error);
  CHECK(code_of("") == code::parse_error);
  CHECK(code_of("\xff\xfe") == code::parse_error);
  CHECK(code_of("1") == code::invalid_request);
  CHECK(code_of("[]") == code::invalid_request);
  CHECK(code_of(R"({"id":1,"method":"ping"})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":null,"method":"ping"})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1,"method":5})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1,"result":5})") == code::invalid_request);
  CHECK(code_of(R"({"jsonrpc":"2.0","result":{}})") == code::invalid_request);
  CHECK(code_of(std::string(100, '[') + std::string(100, ']')) == code::parse_error);
}

TEST_CASE("a batch is cut into its messages, each good or bad") {
  const auto decoded = decode_text(R"([{"jsonrpc":"2.0","id":1,"method":"ping"}, 5])");
  CHECK(decoded.is_batch);
  REQUIRE(decoded.messages.size() == 2);
  CHECK(std::holds_alternative<Message>(decoded.messages[0]));
  CHECK(std::holds_alternative<BadMessage>(decoded.messages[1]));
}

TEST_CASE("an error of a request keeps its id, so that its sender knows") {
  const auto decoded = decode_text(R"({"jsonrpc":"2.0","id":"q","method":"x","params":3})");
  const auto* bad = std::get_if<BadMessage>(&decoded.messages.front());
  REQUIRE(bad != nullptr);
  CHECK(json::dump(make_error(bad->id, bad->error)) ==
        R"({"jsonrpc":"2.0","id":"q","error":{"code":-32600,"message":"params: an object is )"
        R"(expected"}})");
}

}  // namespace slipway::mcp
