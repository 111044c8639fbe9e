// The whole language of conversations, with a real model.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "core/clock.hpp"
#include "core/files.hpp"
#include "models/chat_model_conformance.hpp"
#include "models/detail/llama_chat.hpp"

using namespace slipway;
using namespace slipway::models;
using namespace slipway::models::detail;
using namespace std::chrono_literals;
using conformance::ask;
using conformance::error_of;
using conformance::must;
using conformance::talk;
using conformance::text_of;

namespace {

const std::string model_path = SLIPWAY_TEST_MODELS "/smollm2-135m-instruct/model.gguf";

std::shared_ptr<ChatModel> open(std::size_t parallel, const std::string& path = model_path) {
  LlamaChatOptions options;
  options.name = "small";
  options.path = path;
  options.parallel = parallel;
  options.context_tokens = 2048;
  options.threads = 1;
  auto model = open_llama_chat(options);
  INFO((model.ok() ? std::string() : model.error().message()));
  REQUIRE(model.ok());
  return *model;
}

/// The same for all tests that do not ask how it was before.
ChatModel& shared() {
  static const auto model = open(4);
  return *model;
}

/// The small model's file with another template of the same length, and `mark` in the place of its
/// first control word.
std::shared_ptr<ChatModel> open_with_template(std::string words, const std::string& mark = {}) {
  std::string bytes = *read_file(model_path, 1u << 30);
  const std::size_t at = bytes.find("{% for message in messages %}");
  REQUIRE(at != std::string::npos);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data() + at - sizeof length, sizeof length);
  REQUIRE(words.size() <= length);
  words.resize(length, ' ');
  bytes.replace(at, length, words);
  if (!mark.empty()) bytes.replace(bytes.find("<|im_start|>"), mark.size(), mark);
  const auto path = std::filesystem::temp_directory_path() / make_id("tools");
  REQUIRE(write_file_atomically(path, bytes).ok());
  auto model = open(2, path);
  std::filesystem::remove(path);
  return model;
}

dialects::ChatRequest with_schema(const char* schema) {
  auto request = talk("Describe a ship as JSON.", 200);
  request.response_format.kind = dialects::ResponseKind::json_schema;
  request.response_format.schema = *json::parse(schema);
  return request;
}

std::string whole_text(ChatModel& model, const dialects::ChatRequest& request) {
  const auto reply = must(model.converse({}, request));
  CHECK(reply.choices[0].finish_reason == dialects::FinishReason::stop);
  return text_of(reply.choices[0]);
}

}  // namespace

TEST_CASE("replies keep their schema at any temperature") {
  auto request = with_schema(R"({"type": "object", "properties": {
      "name": {"type": "string", "minLength": 1, "maxLength": 12},
      "kind": {"enum": ["sail", "steam", "na\u00efve \"q\""]},
      "masts": {"type": "integer", "minimum": 1, "maximum": 12},
      "built": {"type": "string", "format": "date"}, "lost": {"type": ["boolean", "null"]}},
      "required": ["name", "kind", "masts", "built"], "additionalProperties": false})");
  for (const double temperature : {0.0, 1.0, 5.0}) {
    request.temperature = temperature;
    request.seed = static_cast<std::int64_t>(temperature);
    request.top_p = temperature > 4 ? 1.0 : 0.9;
    const std::string text = whole_text(shared(), request);
    CAPTURE(text);
    const auto value = json::parse(text);
    REQUIRE(value.ok());
    const std::string name(value->at("name").as_string());
    CHECK(unicode::length(name) >= 1);
    CHECK(unicode::length(name) <= 12);
    CHECK(value->at("masts").to_number<int>() >= 1);
    CHECK(value->at("masts").to_number<int>() <= 12);
    CHECK(value->at("built").as_string().size() == 10);
  }
  auto any = talk("Answer as JSON.", 6);
  any.response_format.kind = dialects::ResponseKind::json_object;
  CHECK(text_of(must(shared().converse({}, any)).choices[0]).starts_with("{"));
  const Error refused = error_of(shared().converse({}, with_schema(R"({"not": {}})")));
  CHECK(refused.code() == Code::unsupported);
  CHECK(refused.message().starts_with("response_format.json_schema.schema.not"));
}

TEST_CASE("probabilities are those of the model itself, whatever was drawn") {
  auto request = talk("Say a colour.", 6);
  request.logprobs = true;
  request.top_logprobs = 5;
  const auto plain = must(shared().converse({}, request)).choices[0];
  REQUIRE_FALSE(plain.logprobs.empty());
  std::string text;
  for (const auto& token : plain.logprobs) {
    text += token.bytes;
    REQUIRE(token.top.size() == 5);
    CHECK(token.logprob == doctest::Approx(token.top[0].logprob));  // Greedy: the greatest.
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      sum += std::exp(token.top[i].logprob);
      if (i > 0) CHECK(token.top[i].logprob <= token.top[i - 1].logprob);
    }
    CHECK(sum <= 1.0001);
  }
  CHECK(text == text_of(plain));
  // Neither temperature nor a grammar changes them: the first token has the same ones before it.
  request.temperature = 3.0;
  request.response_format.kind = dialects::ResponseKind::json_object;
  const auto bent = must(shared().converse({}, request)).choices[0];
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(bent.logprobs.at(0).top[i].logprob == doctest::Approx(plain.logprobs[0].top[i].logprob));
  CHECK(bent.logprobs[0].logprob <= plain.logprobs[0].logprob + 1e-9);
}

TEST_CASE("biases and penalties change what is chosen") {
  auto request = talk("Count: one one one one one", 12);
  request.logprobs = true;
  request.top_logprobs = 1;
  const auto plain = must(shared().converse({}, request)).choices[0];
  // The first token is found by its probability when all others are banned one by one: ask by id.
  auto penalised = request;
  penalised.frequency_penalty = 2;
  penalised.presence_penalty = 2;
  CHECK(text_of(must(shared().converse({}, penalised)).choices[0]) != text_of(plain));
  auto biased = talk("Say a colour.", 4);
  biased.logit_bias = {{"28", 100}};
  const auto same = must(shared().converse({}, biased)).choices[0];
  auto other = biased;
  other.logit_bias = {{"28", -100}};
  CHECK(text_of(same) != text_of(must(shared().converse({}, other)).choices[0]));
  for (const char* token : {"-1", "x", "49153000", "", "1 "}) {
    biased.logit_bias = {{token, 1}};
    CHECK(error_of(shared().converse({}, biased)).message().starts_with("logit_bias"));
  }
  auto reasoning = talk("x", 2);
  reasoning.reasoning_effort = "low";
  CHECK(error_of(shared().converse({}, reasoning)).message().starts_with("reasoning_effort"));
}

TEST_CASE("choices of one prompt read it once and draw with seeds of their own") {
  const auto model = open(4);
  std::string words;
  for (int i = 0; i < 30; ++i) words += fmt::format("Line {} speaks of ropes. ", i);
  auto request = talk(words + "Tell a story.", 12);
  request.temperature = 1.5;
  request.seed = 7;
  request.choices = 3;
  conformance::Heard heard;
  const auto reply = must(model->converse({}, request, heard.sink(3)));
  CHECK(text_of(reply.choices[0]) != text_of(reply.choices[1]));
  CHECK(reply.usage.output_tokens <= 36);
  request.choices = 1;
  request.seed = 8;
  const auto alone = must(model->converse({}, request));
  CHECK(text_of(alone.choices[0]) == text_of(reply.choices[1]));
  CHECK(alone.usage.cached_input_tokens > 100);
  CHECK(must(model->converse({}, request)).usage.input_tokens == alone.usage.input_tokens);
  CHECK(*model->count_prompt(request) == static_cast<std::size_t>(alone.usage.input_tokens));
}

TEST_CASE("company changes no letter of a reply, whenever it comes and goes") {
  const auto model = open(4);
  std::vector<std::string> alone;
  const auto question = [](int i) {
    return ask(fmt::format("Tell me {} about number {}.",
                           std::string(static_cast<std::size_t>(i) * 60, 'x'), i),
               10 + 6 * i);
  };
  for (int i = 0; i < 6; ++i) alone.push_back(must(model->chat({}, question(i))).content);
  std::atomic<int> equal{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 6; ++i)
    callers.emplace_back([&, i] {
      const Context context = Context().with_caller(fmt::format("key{}", i % 2));
      const auto reply = model->chat(context, question(i));
      if (reply && reply->content == alone[static_cast<std::size_t>(i)]) ++equal;
      // Longer than all before: the memory grows while others run.
      if (i == 5) (void)model->chat(context, ask(std::string(2000, 'y'), 1));
    });
  callers.clear();
  CHECK(equal == 6);
}

TEST_CASE("a call that ends leaves the others running, and its place is free at once") {
  const auto model = open(2);
  std::stop_source leaves;
  std::atomic<bool> has_begun{false};
  std::jthread leaver([&] {
    const auto reply =
        model->converse(Context(leaves.get_token()), talk("Write a long story.", 600),
                        [&](const dialects::ChatEvent&) { return has_begun = true; });
    CHECK(error_of(reply).code() == Code::cancelled);
  });
  std::jthread stays([&] {
    CHECK(must(model->chat({}, ask("Write a long story of ships.", 40))).usage.output_tokens > 20);
  });
  while (!has_begun) std::this_thread::sleep_for(1ms);
  leaves.request_stop();
  must(model->chat({}, ask("Hello", 2)));
}

TEST_CASE("a long prompt that is read does not hold up who writes") {
  const auto model = open(2);
  std::stop_source leaves;
  std::atomic<int> events{0};
  std::jthread writes([&] {
    auto story = talk("Write a long story.", 1500);
    story.logit_bias = {{"2", -100}};  // It would end too early.
    (void)model->converse(Context(leaves.get_token()), story,
                          [&](const dialects::ChatEvent&) { return ++events > 0; });
  });
  while (events == 0) std::this_thread::sleep_for(1ms);
  const int before = events;
  std::string words;
  for (int i = 0; i < 40; ++i) words += fmt::format("Line {} speaks of ropes. ", i);
  const ChatReply reply = must(model->chat({}, ask(words, 1)));
  const auto blocks = static_cast<int>(reply.usage.input_tokens / 64);
  CHECK(blocks >= 4);
  CHECK(events - before >= blocks);  // At least a token after each block.
  leaves.request_stop();
}

TEST_CASE("a model without tools in its template says so") {
  auto request = talk("Does it rain?");
  request.tools.resize(1);
  request.tools[0].name = "weather";
  const Error error = error_of(shared().converse({}, request));
  CHECK(error.code() == Code::unsupported);
  CHECK(error.message().starts_with("tools: model 'small'"));
  request.tool_choice = dialects::ToolChoice::none;
  request.max_tokens = 2;
  must(shared().converse({}, request));
  request.tools.clear();
  request.tool_choice = dialects::ToolChoice::automatic;
  request.messages[1].role = dialects::Role::tool;
  CHECK(error_of(shared().converse({}, request)).code() == Code::unsupported);
  request = talk("x");
  request.messages[1].parts[0].kind = dialects::PartKind::image;
  CHECK(error_of(shared().converse({}, request)).message().starts_with("messages[1].content[0]"));
}

TEST_CASE("a model whose template has tools calls them, validly, at any temperature") {
  const auto model = open_with_template("{# tools <tool_call> <|im_start|> #}");
  auto request = talk("Does it rain in Oslo?", 120);
  request.tools.resize(2);
  request.tools[0].name = "weather";
  request.tools[0].parameters = *json::parse(
      R"({"type": "object", "properties": {"city": {"type": "string", "maxLength": 10},
          "days": {"type": "integer", "minimum": 1, "maximum": 7}}, "required": ["city",
          "days"]})");
  request.tools[1].name = "clock";
  request.parallel_tool_calls = false;
  for (const double temperature : {0.0, 2.0}) {
    request.temperature = temperature;
    request.tool_choice = dialects::ToolChoice::named;
    request.tool_name = "weather";
    const auto reply = must(model->converse({}, request));
    const dialects::Choice& choice = reply.choices[0];
    REQUIRE(choice.tool_calls.size() == 1);
    CHECK(choice.finish_reason == dialects::FinishReason::tool_calls);
    CHECK(choice.parts.empty());
    CHECK(choice.tool_calls[0].name == "weather");
    CAPTURE(choice.tool_calls[0].arguments);
    const auto arguments = json::parse(choice.tool_calls[0].arguments);
    REQUIRE(arguments.ok());
    CHECK(arguments->at("days").to_number<int>() <= 7);
    request.tool_choice = dialects::ToolChoice::automatic;
    request.max_tokens = 30;
    const auto free = must(model->converse({}, request));
    CHECK(text_of(free.choices[0]).find("<tool_call>") == std::string::npos);
    request.max_tokens = 120;
  }
}

TEST_CASE("a mark that is one token of the model begins a call, and is not text") {
  const auto model =
      open_with_template("{# [INST] [TOOL_CALLS] [ARGS] [AVAILABLE_TOOLS] #}", "[TOOL_CALLS]");
  auto request = talk("What time is it?", 60);
  request.tools.resize(1);
  request.tools[0].name = "clock";
  const auto call = [&] {
    std::vector<dialects::EventKind> kinds;
    const auto reply = must(model->converse({}, request, [&](const dialects::ChatEvent& event) {
      kinds.push_back(event.kind);
      return true;
    }));
    const dialects::Choice& choice = reply.choices[0];
    REQUIRE(choice.tool_calls.size() == 1);
    CHECK(choice.tool_calls[0].name == "clock");
    CHECK(choice.tool_calls[0].arguments == "{}");
    CHECK(choice.finish_reason == dialects::FinishReason::tool_calls);
    CHECK(std::count(kinds.begin(), kinds.end(), dialects::EventKind::tool_start) == 1);
    CHECK(std::count(kinds.begin(), kinds.end(), dialects::EventKind::text) == 0);
    return reply.usage.output_tokens;
  };
  request.tool_choice = dialects::ToolChoice::required;
  request.parallel_tool_calls = false;
  request.logit_bias = {{"1", 100}};
  const std::int64_t as_token = call();
  request.logit_bias = {{"1", -100}};
  CHECK(call() >= as_token + 3);
  // Where no call may be, the mark is no word of the model.
  request.tool_choice = dialects::ToolChoice::none;
  request.logit_bias.clear();
  request.messages[1].parts[0].text = "Say [TOOL_CALLS] please.";
  request.max_tokens = 4;
  const auto plain = must(model->converse({}, request));
  CHECK(plain.choices[0].tool_calls.empty());
}
