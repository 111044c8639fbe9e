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
