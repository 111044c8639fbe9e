#include "app/detail/prompt_door.hpp"

#include <doctest/doctest.h>

namespace slipway::app::detail {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

http::Request call(std::string body, const std::string& path = "/v1/chat/completions") {
  return {.method = "POST", .path = path, .body = std::move(body)};
}

struct Fixture {
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, prompts::migrations()));
  prompts::Prompts prompts{*database};
  Context context;

  Fixture() {
    prompts::Prompt prompt;
    prompt.name = "greeting";
    must(prompts.create(context, prompt));
    must(prompts.commit(
        context, "greeting",
        {.form = prompts::Form::native,
         .body = must(json::parse(R"({"messages": [{"role": "system", "content": "Greet {name}."}],
                                      "model": "m", "parameters": {"temperature": 0.5}})"))
                     .as_object()}));
  }
  std::string filled(const std::string& body) {
    const auto call_ = fill_prompt(context, prompts, call(body));
    return call_ ? call_->request->body : "refused: " + call_.error().message();
  }
};

}  // namespace

TEST_CASE("only a chat completion whose prompt is an object names a prompt") {
  CHECK(names_prompt(call(R"({"prompt": {"id": "p"}})")));
  CHECK(names_prompt(call(R"({"prompt": {"id": "p"}})", "/openai/v1/chat/completions")));
  CHECK(!names_prompt(call(R"({"prompt": "Say hi"})")));
  CHECK(!names_prompt(call(R"({"messages": [{"content": "\"prompt\": {}"}]})")));
  CHECK(!names_prompt(call(R"({"messages": [{"prompt": {}}]})")));
  CHECK(!names_prompt(call(R"({"prompt": {"id": "p"}})", "/v1/completions")));
}

TEST_CASE("a named prompt becomes messages, and the rest of the body stays the bytes it was") {
  Fixture f;
  CHECK(f.filled(R"({"seed": 12345678901234567890123, "prompt": {"id": "greeting",
                     "variables": {"name": "Ann"}}, "user": "u\u00e9"})") ==
        R"({"seed":12345678901234567890123,"user":"u\u00e9","messages":[{"role":"system",)"
        R"("content":"Greet Ann."}],"model":"m","temperature":5E-1})");
  CHECK(f.filled(R"({"model": "own", "temperature": 1.0, "messages": [{"role": "user", "content":
                     "hi"}], "prompt": {"id": "greeting", "version": "1", "variables":
                     {"name": "Ann"}}})")
            .find(R"("model":"own","temperature":1.0,"messages":[{"role":"system","content":)"
                  R"("Greet Ann."},{"role": "user")") != std::string::npos);
}

TEST_CASE("a prompt that is not there, and a variable too few, are told") {
  Fixture f;
  CHECK(f.filled(R"({"prompt": {"id": "none"}})") == "refused: Prompt 'none' not found");
  CHECK(f.filled(R"({"prompt": {"id": "greeting"}})") ==
        "refused: prompt 'greeting@1': variable 'name' is missing; this prompt has: name");
  CHECK(f.filled(R"({"prompt": {"id": "greeting@9"}})") ==
        "refused: Prompt 'greeting' has no commit '9'");
  CHECK(f.filled(R"({"prompt": {"name": "x"}})").find("unknown") != std::string::npos);
  CHECK(prompt_refusal(fail(Code::not_found, "x")).status == 404);
}

}  // namespace slipway::app::detail
