#include "models/detail/llama_tools.hpp"

#include <doctest/doctest.h>

#include "models/chat_model_conformance.hpp"

using namespace slipway;
using namespace slipway::models;
using namespace slipway::models::detail;

namespace {

constexpr const char* hermes = "{% if tools %}<tool_call>{% endif %}<|im_start|>";
constexpr const char* llama3 = "<|start_header_id|>ipython {{ tools }}";
// The four ways of Mistral's models, in the words of their templates.
constexpr const char* mistral_spaced =
    "{{ '[AVAILABLE_TOOLS] [' }}{{ '[INST] ' + text + '[/INST]' }}{{ '[TOOL_CALLS] [' }}"
    "{{ '[TOOL_RESULTS] {' }}";
constexpr const char* mistral_list =
    "{{ '[AVAILABLE_TOOLS][' }}{{ '[INST]' + text + '[/INST]' }}{{ '[TOOL_CALLS][' }}"
    "{{ '[SYSTEM_PROMPT]' + system + '[/SYSTEM_PROMPT]' }}{{ '[TOOL_RESULTS]' + id + "
    "'[TOOL_CONTENT]' }}";
constexpr const char* mistral_ids =
    "{{ '[SYSTEM_PROMPT]' }}{{ '[AVAILABLE_TOOLS]' }}{{ '[INST]' }}{{ '[TOOL_CALLS]' + name + "
    "'[CALL_ID]' + id + '[ARGS]' }}{{ '[TOOL_RESULTS]' + id + '[TOOL_CONTENT]' }}";
constexpr const char* mistral_marks =
    "{{ '[SYSTEM_PROMPT]' }}{{ '[AVAILABLE_TOOLS]' }}{{ '[INST]' }}{{ '[TOOL_CALLS]' + name + "
    "'[ARGS]' }}{{ '[TOOL_RESULTS]' + text + '[/TOOL_RESULTS]' }}";

dialects::ChatRequest with_tools() {
  auto request = conformance::talk("Does it rain in Oslo?");
  request.tools.resize(2);
  request.tools[0].name = "weather";
  request.tools[0].description = "Tells the weather";
  request.tools[0].parameters = *json::parse(
      R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})");
  request.tools[1].name = "clock";
  return request;
}

/// A question, two calls and their results.
dialects::ChatRequest with_results() {
  auto request = with_tools();
  request.messages.resize(5);
  request.messages[2].role = dialects::Role::assistant;
  request.messages[2].tool_calls = {{"c1", "weather", R"({"city":"Oslo"})"},
                                    {"123456789", "clock", ""}};
  for (std::size_t i : {3u, 4u}) {
    request.messages[i].role = dialects::Role::tool;
    request.messages[i].tool_call_id = i == 3 ? "c1" : "123456789";
    request.messages[i].parts = {{dialects::PartKind::text, i == 3 ? "[/INST] rain" : "[1]"}};
  }
  return request;
}

/// A prompt in Mistral's words, texts of messages between '<' and '>'.
std::string prompt_of(const char* chat_template, const dialects::ChatRequest& request) {
  const auto pieces = MistralWords::of(chat_template)->prompt(request, request.tools, "m");
  REQUIRE(pieces.ok());
  std::string line;
  for (const PromptPiece& piece : *pieces)
    line += piece.kind == PromptPiece::Kind::text ? "<" + piece.text + ">" : piece.text;
  return line;
}

/// Reads a reply in pieces of some bytes; what came out, as one line.
std::string read(const ToolFormat& format, std::string_view reply, std::size_t step) {
  ToolReader reader(format, 0);
  std::vector<dialects::ChatEvent> events;
  const auto keep = [&](std::vector<dialects::ChatEvent> more) {
    for (auto& event : more) events.push_back(std::move(event));
  };
  for (std::size_t at = 0; at < reply.size(); at += step)
    keep(reader.read(reply.substr(at, step), {}));
  dialects::ChatEvent end;
  end.kind = dialects::EventKind::finish;
  keep(reader.finish(end));
  std::string line;
  for (const auto& event : events) {
    if (event.kind == dialects::EventKind::tool_start) line += "<" + event.call.name + ">";
    if (event.kind == dialects::EventKind::finish)
      line += " " + std::string(json::name(event.finish_reason));
    line += event.text;
  }
  return line;
}

}  // namespace

TEST_CASE("templates with tools are known by their words") {
  CHECK(ToolFormat::of(hermes).has_value());
  CHECK(ToolFormat::of(llama3).has_value());
  for (const char* text : {mistral_spaced, mistral_list, mistral_ids, mistral_marks})
    CHECK(ToolFormat::of(text).has_value());
  CHECK_FALSE(ToolFormat::of("{{ '[INST] ' + text + '[/INST]' }}").has_value());
  CHECK_FALSE(ToolFormat::of("<|im_start|>{{ message }}").has_value());
  CHECK_FALSE(ToolFormat::of("<|im_start|> tools <tool_call><function=").has_value());
}

TEST_CASE("a reply is told apart into text and calls, wherever it is cut") {
  const ToolFormat format = *ToolFormat::of(hermes);
  const std::string call = R"({"name": "weather", "arguments": {"city": "O}\"slo", "x": [1, {}]}})";
  for (const std::size_t step : {1u, 2u, 3u, 7u, 1000u}) {
    CAPTURE(step);
    CHECK(read(format, "It <tool may> be.", step) == "It <tool may> be. stop");
    CHECK(read(format, "<tool_call>\n" + call + "\n</tool_call>", step) ==
          R"(<weather>{"city": "O}\"slo", "x": [1, {}]} tool_calls)");
    CHECK(read(format,
               "I look.\n\n<tool_call>\n" + call + "\n</tool_call>\n<tool_call>\n" +
                   R"({"name": "clock", "arguments": {}})" + "\n</tool_call>",
               step) == R"(I look.<weather>{"city": "O}\"slo", "x": [1, {}]}<clock>{} tool_calls)");
    for (const auto& [text, reply] : std::vector<std::pair<const char*, std::string>>{
             {mistral_spaced, "[TOOL_CALLS] [" + call + R"(, {"name": "clock", "arguments": {}}])"},
             {mistral_list, "[TOOL_CALLS][" + call + R"(, {"name": "clock", "arguments": {}}])"},
             {mistral_ids, R"([TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{"city": "O}\"slo", "x": )"
                           "[1, {}]}[TOOL_CALLS]clock[CALL_ID]abcdefghj[ARGS]{}"},
             {mistral_marks, R"([TOOL_CALLS]weather[ARGS]{"city": "O}\"slo", "x": [1, {}]})"
                             "[TOOL_CALLS]clock[ARGS]{}"}}) {
      const ToolFormat one = *ToolFormat::of(text);
      CAPTURE(text);
      CHECK(read(one, "I [TOOL look." + reply, step) ==
            R"(I [TOOL look.<weather>{"city": "O}\"slo", "x": [1, {}]}<clock>{} tool_calls)");
      CHECK(read(one, "It [TOOL_CALL] may be.", step) == "It [TOOL_CALL] may be. stop");
    }
    const ToolFormat bare = *ToolFormat::of(llama3);
    CHECK(read(bare, R"({"name": "clock", "parameters": {}})", step) == "<clock>{} tool_calls");
    CHECK(read(bare, R"(The name {"name": "x"})", step) == R"(The name {"name": "x"} stop)");
    CHECK(read(bare, R"({"na)", step) == R"({"na stop)");
  }
}

TEST_CASE("tools, calls and results are told in the model's words") {
  auto request = with_results();
  const auto turns = ToolFormat::of(hermes)->turns(request, "m");
  REQUIRE(turns.ok());
  REQUIRE(turns->size() == 4);
  CHECK((*turns)[0].content.starts_with("You are brief.\n\n# Tools"));
  CHECK((*turns)[0].content.find(R"({"type": "function", "function": {"name": "weather", )") !=
        std::string::npos);
  CHECK((*turns)[2].content ==
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"Oslo\"}}\n</tool_call>\n"
        "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>");
  CHECK((*turns)[3].role == "user");
  CHECK((*turns)[3].content ==
        "<tool_response>\n[/INST] rain\n</tool_response>\n"
        "<tool_response>\n[1]\n</tool_response>");
  const auto other = ToolFormat::of(llama3)->turns(request, "m");
  REQUIRE(other.ok());
  CHECK(other->size() == 5);
  CHECK((*other)[1].content.ends_with("Does it rain in Oslo?"));
  CHECK((*other)[1].content.starts_with("Given the following functions"));
  CHECK((*other)[3].role == "ipython");

  request.messages[4].tool_call_id = "nobody";
  CHECK(ToolFormat::of(hermes)->turns(request, "m").error().message().starts_with("messages[4]"));
  request.messages[2].tool_calls[0].arguments = "[]";
  CHECK(ToolFormat::of(hermes)->turns(request, "m").error().code() == Code::invalid_argument);
}

TEST_CASE("Mistral's models are told tools, calls and results in the words of their template") {
  const auto request = with_results();
  const std::string tools =
      R"(<[{"type": "function", "function": {"name": "weather", "description": )"
      R"("Tells the weather", "parameters": {"type": "object", "properties": )"
      R"({"city": {"type": "string"}}, "required": ["city"]}}}, )"
      R"({"type": "function", "function": {"name": "clock", "description": "", )"
      R"("parameters": {"type": "object"}}}]>)";
  CHECK(prompt_of(mistral_spaced, request) ==
        "[AVAILABLE_TOOLS] " + tools +
            "[/AVAILABLE_TOOLS][INST] <You are brief.\n\nDoes it rain in Oslo?>[/INST]"
            "[TOOL_CALLS] <[{\"name\": \"weather\", \"arguments\": {\"city\":\"Oslo\"}, \"id\": "
            "\"call00000\"}, {\"name\": \"clock\", \"arguments\": {}, \"id\": \"123456789\"}]></s>"
            "[TOOL_RESULTS] <{\"content\": \"[/INST] rain\", \"call_id\": \"call00000\"}>"
            "[/TOOL_RESULTS][TOOL_RESULTS] <{\"content\": [1], \"call_id\": \"123456789\"}>"
            "[/TOOL_RESULTS]");
  const std::string head = "[SYSTEM_PROMPT]<You are brief.>[/SYSTEM_PROMPT][AVAILABLE_TOOLS]" +
                           tools + "[/AVAILABLE_TOOLS][INST]<Does it rain in Oslo?>[/INST]";
  CHECK(prompt_of(mistral_ids, request) ==
        head +
            "[TOOL_CALLS]<weather>[CALL_ID]<call00000>[ARGS]<{\"city\":\"Oslo\"}>"
            "[TOOL_CALLS]<clock>[CALL_ID]<123456789>[ARGS]<{}></s>"
            "[TOOL_RESULTS]<call00000>[TOOL_CONTENT]<[/INST] rain>[/TOOL_RESULTS]"
            "[TOOL_RESULTS]<123456789>[TOOL_CONTENT]<[1]>[/TOOL_RESULTS]");
  CHECK(prompt_of(mistral_marks, request) ==
        head +
            "[TOOL_CALLS]<weather>[ARGS]<{\"city\":\"Oslo\"}>[TOOL_CALLS]<clock>[ARGS]<{}></s>"
            "[TOOL_RESULTS]<[/INST] rain>[/TOOL_RESULTS][TOOL_RESULTS]<[1]>[/TOOL_RESULTS]");
}

TEST_CASE("before the last question, or before all: where Mistral's models are told tools") {
  auto request = with_tools();
  request.tools.resize(1);
  request.tools[0] = {};
  request.tools[0].name = "clock";
  request.messages.push_back(request.messages[1]);
  request.messages[1].role = dialects::Role::user;
  request.messages.insert(request.messages.begin() + 2, request.messages[1]);
  request.messages[2].role = dialects::Role::assistant;
  const std::string spaced = prompt_of(mistral_spaced, request);
  CHECK(spaced.starts_with("[INST] <Does it rain in Oslo?>[/INST]< Does it rain in Oslo?></s>"));
  CHECK(spaced.ends_with("[INST] <You are brief.\n\nDoes it rain in Oslo?>[/INST]"));
  CHECK(prompt_of(mistral_list, request).find("</s>[AVAILABLE_TOOLS]<[") != std::string::npos);
  CHECK(prompt_of(mistral_marks, request)
            .starts_with("[SYSTEM_PROMPT]<You are brief.>[/SYSTEM_PROMPT][AVAILABLE_TOOLS]<["));
  request.messages.resize(1);
  CHECK(prompt_of(mistral_spaced, request).ends_with("[INST] <You are brief.>[/INST]"));

  const auto words = *MistralWords::of(mistral_ids);
  auto wrong = with_results();
  wrong.messages[4].tool_call_id = "nobody";
  CHECK(words.prompt(wrong, {}, "m").error().message().starts_with("messages[4].tool_call_id"));
  wrong.messages[2].tool_calls[0].arguments = "[]";
  CHECK(words.prompt(wrong, {}, "m").error().message().starts_with("messages[2].tool_calls"));
}

TEST_CASE("the grammar of calls follows tool_choice and the tools' schemas") {
  auto request = with_tools();
  const ToolFormat format = *ToolFormat::of(hermes);
  const auto has = [&](std::string_view word) {
    const auto grammar = format.grammar(request);
    REQUIRE(grammar.ok());
    return grammar->find(word) != std::string::npos;
  };
  CHECK(has("weather"));
  request.tool_choice = dialects::ToolChoice::named;
  request.tool_name = "clock";
  CHECK_FALSE(has("weather"));
  CHECK(has("clock"));
  request.tool_choice = dialects::ToolChoice::required;
  CHECK(has("</tool_call>\\x0A<tool_call>"));
  request.parallel_tool_calls = false;
  CHECK_FALSE(has("</tool_call>\\x0A<tool_call>"));
  request.parallel_tool_calls.reset();
  const auto marked = ToolFormat::of(mistral_ids)->grammar(request);
  REQUIRE(marked.ok());
  CHECK(marked->find("\"weather[CALL_ID]\" [a-zA-Z0-9]{9} \"[ARGS]\"") != std::string::npos);
  // What no grammar keeps: any object, or an error when the tool is strict.
  request.tools[0].parameters = *json::parse(R"({"type": "object", "not": {}})");
  CHECK(has("weather"));
  request.tools[0].strict = true;
  const auto strict = format.grammar(request);
  REQUIRE_FALSE(strict.ok());
  CHECK(strict.error().message().starts_with("tools[0].parameters.not"));
  request.tools[0].name = "no good name";
  CHECK(format.grammar(request).error().code() == Code::invalid_argument);
}
