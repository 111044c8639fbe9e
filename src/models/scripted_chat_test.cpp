#include <doctest/doctest.h>

#include "models/chat_model_conformance.hpp"
#include "models/scripted.hpp"

using namespace slipway;
using namespace slipway::models;

namespace {
constexpr const char* long_reply =
    "The sea is wide and deep, it carries ships from shore to shore, and nobody who has seen it in "
    "a storm will call it t\xC3\xA4me or small again \xF0\x9F\x8C\x8A ever.";
}

TEST_CASE("the scripted model conforms") {
  ScriptedChatModel model([](const ChatRequest&) { return Result<std::string>(long_reply); });
  check_chat_model(model);
}

TEST_CASE("the scripted model replies in order and then has nothing left") {
  ScriptedChatModel model(std::vector<std::string>{"first", "second"});
  const ChatRequest request = conformance::ask("x");
  CHECK(model.chat({}, request)->content == "first");
  CHECK(model.chat({}, request)->content == "second");
  CHECK(conformance::code_of(model.chat({}, request)) == Code::unavailable);
  CHECK(model.requests().size() == 3);
  CHECK(model.requests()[0].messages[1].content == "x");
}

TEST_CASE("the scripted model can fail as its script says") {
  ScriptedChatModel model([](const ChatRequest&) -> Result<std::string> {
    return fail(Code::rate_limited, "not now");
  });
  CHECK(conformance::code_of(model.chat({}, conformance::ask("x"))) == Code::rate_limited);
}

TEST_CASE("an empty reply is a reply") {
  ScriptedChatModel model(std::vector<std::string>{""});
  const auto reply = model.chat({}, conformance::ask("x"));
  REQUIRE(reply.ok());
  CHECK(reply->content.empty());
  CHECK(reply->finish_reason == FinishReason::stop);
}

TEST_CASE("a model scripted in conversations conforms") {
  ScriptedChatModel model([](const dialects::ChatRequest&) -> Result<ScriptedTurn> {
    ScriptedTurn turn;
    turn.text = long_reply;
    return turn;
  });
  check_chat_model(model);
}

TEST_CASE("a script tells reasoning, text and calls, and remembers what it was asked") {
  ScriptedChatModel model([](const dialects::ChatRequest&) -> Result<ScriptedTurn> {
    ScriptedTurn turn;
    turn.reasoning = "They ask for rain.";
    turn.text = "I look it up.";
    turn.tool_calls = {{"", "weather", R"({"city": "Oslo"})"}, {"mine", "clock", "{}"}};
    return turn;
  });
  auto request = conformance::talk("Does it rain?");
  request.tools.resize(1);
  request.tools[0].name = "weather";
  request.logprobs = true;
  request.top_logprobs = 2;
  std::string order;
  const auto reply =
      conformance::must(model.converse({}, request, [&](const dialects::ChatEvent& event) {
        if (!order.ends_with(json::name(event.kind)))
          order += " " + std::string(json::name(event.kind));
        return true;
      }));
  CHECK(order ==
        " start reasoning text tool_start tool_delta tool_start tool_delta finish usage end");
  const dialects::Choice& choice = reply.choices.at(0);
  CHECK(choice.finish_reason == dialects::FinishReason::tool_calls);
  REQUIRE(choice.parts.size() == 2);
  CHECK(choice.parts[0].kind == dialects::PartKind::reasoning);
  CHECK(choice.parts[1].text == "I look it up.");
  REQUIRE(choice.tool_calls.size() == 2);
  CHECK(choice.tool_calls[0].arguments == R"({"city": "Oslo"})");
  CHECK(choice.tool_calls[0].id != choice.tool_calls[1].id);
  CHECK(choice.tool_calls[1].id == "mine");
  REQUIRE(choice.logprobs.size() == 4);
  CHECK(choice.logprobs[0].top.size() == 2);
  REQUIRE(model.conversations().size() == 1);
  CHECK(model.conversations()[0].tools[0].name == "weather");
}

TEST_CASE("a scripted reply waits as told, ends with its context, and breaks where it shall") {
  const auto script = script_of(*json::parse(
      R"([{"text": "slow words come", "first_delay_ms": 2000},
          {"text": "half a", "error": "the line is dead"}, "plain",
          {"tool_calls": [{"name": "f"}], "finish_reason": "length"}])"));
  REQUIRE(script.ok());
  ScriptedChatModel model(*script);
  const auto request = conformance::talk("x");
  const Context soon = Context().with_timeout(std::chrono::milliseconds(20));
  CHECK(conformance::error_of(model.converse(soon, request)).code() == Code::deadline_exceeded);
  std::string heard;
  const auto broken = model.converse({}, request, [&](const dialects::ChatEvent& event) {
    heard += event.text;
    return true;
  });
  CHECK(conformance::error_of(broken).message() == "the line is dead");
  CHECK(heard == "half a");
  CHECK(conformance::text_of(conformance::must(model.converse({}, request)).choices[0]) == "plain");
  const auto calls = conformance::must(model.converse({}, request));
  CHECK(calls.choices[0].tool_calls.at(0).arguments == "{}");
  CHECK(calls.choices[0].finish_reason == dialects::FinishReason::length);
  CHECK(conformance::error_of(model.converse({}, request)).code() == Code::unavailable);
  for (const char* bad : {"{}", "[1]", R"([{"txt": "x"}])", R"([{"tool_calls": [{}]}])"})
    CHECK_FALSE(script_of(*json::parse(bad)).ok());
}

TEST_CASE("a prompt that does not fit is known by its error, whatever stands before it") {
  Error error = context_overflow(5000, "tiny", 4096);
  CHECK(error.code() == Code::invalid_argument);
  CHECK(error.message().find("5000") != std::string::npos);
  CHECK(error.message().find("4096") != std::string::npos);
  CHECK(is_context_overflow(error));
  CHECK(is_context_overflow(std::move(error).within("model 'tiny'")));
  CHECK_FALSE(is_context_overflow(Error(Code::invalid_argument, "the prompt has no words")));
  CHECK_FALSE(is_context_overflow(Error(Code::unavailable, "gone")));
}
