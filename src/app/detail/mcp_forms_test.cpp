#include "app/detail/mcp_forms.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::app::detail;

namespace {

agents::Interrupt approval(const std::string& args) {
  return {
      .id = "i_1",
      .node = "send",
      .kind = "approval",
      .value = *agents::parse_json(R"({"tool": "mail", "ask": "Send it?", "args": )" + args + "}")};
}

json::Object accepted(const std::string& content) {
  return {{"action", "accept"}, {"content", *json::parse(content)}};
}

std::string answer(const agents::Interrupt& interrupt, const json::Object& given) {
  const auto read = answer_of(interrupt, given);
  if (!read) return read.error().message();
  return *read ? agents::dump(**read) : "none";
}

}  // namespace

TEST_CASE("the form of an approval shows the arguments, and what a person changes is an edit") {
  const auto mail = approval(R"({"to": "ada", "copies": 2, "urgent": false, "tags": ["a"]})");
  const mcp::Question question = question_of(mail);
  CHECK(question.key == "i_1");
  CHECK(mcp::text_of(question.params, "message") == "Send it?");
  const json::Object fields =
      mcp::object_of(mcp::object_of(question.params, "requestedSchema"), "properties");
  CHECK(fields.at("args_to").at("default") == "ada");
  CHECK(fields.at("args_copies").at("type") == "integer");
  CHECK(fields.at("args_urgent").at("type") == "boolean");
  CHECK(fields.at("args_tags").at("default") == R"(["a"])");

  CHECK(answer(mail, accepted(R"({"decision": "approve"})")) == R"("approve")");
  CHECK(answer(mail,
               accepted(R"({"decision": "approve", "args_to": "ada", "args_tags": "[\"a\"]"})")) ==
        R"("approve")");
  CHECK(answer(mail, accepted(R"({"decision": "approve", "args_to": "bob", "args_tags": "[]"})")) ==
        R"({"edit":{"args":{"to":"bob","copies":2,"urgent":false,"tags":[]}}})");
  CHECK(answer(mail, accepted(R"({"decision": "approve", "args_tags": "[broken"})"))
            .find("'tags' must be JSON") != std::string::npos);
  CHECK(answer(mail, accepted(R"({"decision": "reject", "reason": "no", "args_to": "bob"})")) ==
        R"({"reject":{"reason":"no"}})");
  CHECK(answer(mail, {{"action", "decline"}}) == R"({"reject":{"reason":"declined"}})");
  CHECK(answer(mail, {{"action", "cancel"}}) == "none");
}

TEST_CASE("arguments that no form can show are approved or rejected as they are") {
  const auto large = approval(fmt::format(R"({{"text": "{}"}})", std::string(20'000, 'x')));
  const json::Object fields =
      mcp::object_of(mcp::object_of(question_of(large).params, "requestedSchema"), "properties");
  CHECK(fields.size() == 2);
  CHECK(answer(large, accepted(R"({"decision": "approve", "args_text": "y"})")) == R"("approve")");
  CHECK(answer(approval("null"), accepted(R"({"decision": "approve"})")) == R"("approve")");
}

TEST_CASE("other questions have forms of their own") {
  agents::Interrupt asked{
      .id = "i_2", .node = "n", .kind = "budget", .value = agents::Value::map()};
  CHECK(answer(asked, accepted(R"({"tokens": 100})")) == R"({"add":{"tokens":100}})");
  asked.kind = "effect";
  CHECK(answer(asked, accepted(R"({"outcome": "retry"})")) == R"({"retry":true})");
  CHECK(answer(asked, accepted(R"({"outcome": "fail", "detail": "gone"})")) ==
        R"({"fail":"gone"})");
  asked.kind = "human";
  CHECK(answer(asked, accepted(R"({"answer": "yes"})")) == R"("yes")");
  asked.value = *agents::parse_json(
      R"({"schema": {"type": "object", "properties": {"post": {"type": "string"}}}})");
  CHECK(answer(asked, accepted(R"({"post": "x"})")) == R"({"post":"x"})");
  CHECK(answer(asked, {{"action", "decline"}}) == "none");
}
