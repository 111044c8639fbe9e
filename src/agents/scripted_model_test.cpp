#include <doctest/doctest.h>

#include "agents/model.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

ModelCall asked(const std::string& question) {
  return {.node = "writer/draft",
          .index = 2,
          .visit = 3,
          .turn = 1,
          .attempt = 2,
          .messages = {{.role = "system", .content = "Be brief."},
                       {.role = "user", .content = "an older question"},
                       {.role = "user", .content = question}}};
}

ModelReply reply_of(std::string_view lines, const ModelCall& call) {
  const auto model = make_scripted_model(lines);
  REQUIRE(model.ok());
  auto reply = (*model)->reply({}, call);
  REQUIRE(reply.ok());
  return *reply;
}

}  // namespace

TEST_CASE(
    "a scripted model gives the first line whose conditions all hold, as often as it is asked") {
  const std::string rest = "\n{\"text\": \"rest\"}\n{\"text\": \"never\"}";
  const auto gives = [&](const std::string& condition) {
    const std::string lines = "{" + condition + ", \"text\": \"this\"}" + rest;
    return reply_of(lines, asked("ships and water")).text;
  };
  for (const char* holds :
       {R"("node": "writer/draft")", R"("index": 2)", R"("visit": 3)", R"("turn": 1)",
        R"("attempt": 2)", R"("contains": "and wa")",
        R"("node": "writer/draft", "index": 2, "visit": 3, "turn": 1, "attempt": 2)"})
    CHECK_MESSAGE(gives(holds) == "this", holds);
  for (const char* fails :
       {R"("node": "draft")", R"("index": 1)", R"("visit": 2)", R"("turn": 2)", R"("attempt": 1)",
        R"("contains": "older")", R"("contains": "brief")", R"("node": "writer/draft", "turn": 2)"})
    CHECK_MESSAGE(gives(fails) == "rest", fails);
  const auto model = *make_scripted_model("{\"text\": \"again\"}");
  for (int i = 0; i < 3; ++i) CHECK(model->reply({}, asked("q"))->text == "again");
}

TEST_CASE("a scripted model without a line for a call fails with the call's names") {
  const auto model = *make_scripted_model(R"({"node": "other", "text": "a"})");
  const auto reply = model->reply({}, asked("q"));
  REQUIRE(!reply.ok());
  CHECK(reply.failure().kind == "script");
  CHECK(reply.failure().message.find("'writer/draft', index 2, visit 3, turn 1, attempt 2") !=
        std::string::npos);
}

TEST_CASE("a scripted reply is text, JSON, calls of tools or a failure") {
  CHECK(reply_of(R"({"json": {"a": [1, null]}})", asked("q")).text == R"({"a":[1,null]})");
  const ModelReply calls =
      reply_of(R"({"tool_calls": [{"name": "web", "args": {"q": 1}}, {"id": "x", "name": "now"}]})",
               asked("q"));
  REQUIRE(calls.tool_calls.size() == 2);
  CHECK(calls.tool_calls[0].name == "web");
  CHECK(calls.tool_calls[0].args.at("q") == Value(1));
  CHECK(!calls.tool_calls[0].id.empty());
  CHECK(calls.tool_calls[1].id == "x");
  CHECK(calls.tool_calls[1].args == Value::map());
  const auto failed = (*make_scripted_model(R"({"error": "rate_limit"})"))->reply({}, asked("q"));
  CHECK(failed.failure().kind == "rate_limit");
}

TEST_CASE("what a scripted reply took is what it says, else a token for four bytes, rounded up") {
  const ModelReply told =
      reply_of(R"({"text": "hello", "usage": {"input": 70, "output": 0}})", asked("q"));
  CHECK(told.input_tokens == 70);
  CHECK(told.output_tokens == 0);
  // 9 + 17 + 5 bytes were read, 5 written.
  const ModelReply counted = reply_of(R"({"text": "hello"})", asked("12345"));
  CHECK(counted.input_tokens == 8);
  CHECK(counted.output_tokens == 2);
  CHECK(reply_of(R"({"text": ""})", asked("")).output_tokens == 0);
}

TEST_CASE("a scripted model takes its time, and no longer than its caller has") {
  using namespace std::chrono_literals;
  const auto model = *make_scripted_model(R"({"text": "late", "delay_ms": 60000})");
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = model->reply(Context().with_timeout(20ms), asked("q"));
  CHECK(reply.failure().kind == "timeout");
  CHECK(std::chrono::steady_clock::now() - begun < 30s);
  const auto soon = *make_scripted_model(R"({"text": "soon", "delay_ms": 30})");
  const auto again = std::chrono::steady_clock::now();
  CHECK(soon->reply({}, asked("q"))->text == "soon");
  CHECK(std::chrono::steady_clock::now() - again >= 30ms);
}

TEST_CASE("a line that is no reply is refused with its number and what is wrong") {
  const auto why = [](const std::string& line) {
    const auto model = make_scripted_model("{\"text\": \"fine\"}\n\n" + line);
    return model ? std::string("good") : model.error().message();
  };
  for (const auto& [line, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"txt": "a"})", "unknown key 'txt'"},
           {R"({"node": "a"})", "'text', 'json', 'tool_calls' or 'error' is needed"},
           {R"({"node": 3, "text": "a"})", "'node' is a string"},
           {R"({"visit": -1, "text": "a"})", "'visit' is a whole number"},
           {R"({"text": "a", "usage": {"input": 1.5}})", "'input' is a whole number"},
           {R"({"tool_calls": [{"args": {}}]})", "a tool call needs a 'name'"},
           {"[1]", "a JSON object is expected"},
           {"{", "line 3"}}) {
    CHECK_MESSAGE(why(line).find("line 3") != std::string::npos, why(line));
    CHECK_MESSAGE(why(line).find(words) != std::string::npos, why(line));
  }
}
