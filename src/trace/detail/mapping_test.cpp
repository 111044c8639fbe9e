#include "trace/detail/mapping.hpp"

#include <doctest/doctest.h>

#include <set>

namespace slipway::trace::detail {

namespace {

RunPatch mapped(json::Object attributes, std::vector<Event> events = {}) {
  RunPatch run;
  run.start = 1'700'000'000'000'000'000;
  run.status = Status::ok;
  run.attributes = std::move(attributes);
  run.events = std::move(events);
  map_attributes(run);
  return run;
}

std::string inputs(const RunPatch& run) { return run.inputs ? run.inputs->bytes : "nothing"; }
std::string outputs(const RunPatch& run) { return run.outputs ? run.outputs->bytes : "nothing"; }

}  // namespace

TEST_CASE("no key stands twice in the table, and the rows of a meaning stand together") {
  std::set<std::string_view> keys;
  std::vector<Meaning> order;
  for (const MappingRow& row : mapping_rows()) {
    CHECK_MESSAGE(keys.insert(row.key).second, std::string(row.key));
    if (order.empty() || order.back() != row.meaning) order.push_back(row.meaning);
  }
  CHECK(std::set<Meaning>(order.begin(), order.end()).size() == order.size());
}

TEST_CASE("every convention's word for a kind is understood") {
  const std::vector<std::tuple<std::string, std::string, Kind>> cases{
      {"gen_ai.operation.name", "chat", Kind::llm},
      {"gen_ai.operation.name", "generate_content", Kind::llm},
      {"gen_ai.operation.name", "embeddings", Kind::embedding},
      {"gen_ai.operation.name", "execute_tool", Kind::tool},
      {"gen_ai.operation.name", "invoke_agent", Kind::agent},
      {"gen_ai.operation.name", "invoke_workflow", Kind::chain},
      {"gen_ai.operation.name", "retrieval", Kind::retriever},
      {"openinference.span.kind", "RERANKER", Kind::reranker},
      {"openinference.span.kind", "GUARDRAIL", Kind::guardrail},
      {"openinference.span.kind", "EVALUATOR", Kind::evaluator},
      {"openinference.span.kind", "PROMPT", Kind::prompt},
      {"openinference.span.kind", "DECISION", Kind::span},
      {"traceloop.span.kind", "workflow", Kind::chain},
      {"traceloop.span.kind", "tool", Kind::tool},
      {"llm.request.type", "rerank", Kind::reranker},
      {"langfuse.observation.type", "generation", Kind::llm},
      {"langsmith.span.kind", "parser", Kind::parser},
      {"mlflow.spanType", "\"CHAT_MODEL\"", Kind::llm},
      {"ai.operationId", "ai.streamText", Kind::chain},
      {"ai.operationId", "ai.streamText.doStream", Kind::llm},
      {"ai.operationId", "ai.embedMany.doEmbed", Kind::embedding},
      {"ai.operationId", "ai.toolCall", Kind::tool},
  };
  for (const auto& [key, word, kind] : cases) {
    CAPTURE(key);
    CAPTURE(word);
    CHECK(mapped({{key, word}}).kind == kind);
  }
}

TEST_CASE("without a word for it the kind follows from what the span has") {
  CHECK(mapped({}).kind == Kind::span);
  CHECK(mapped({{"http.method", "GET"}}).kind == Kind::span);
  CHECK(mapped({{"gen_ai.request.model", "gpt-4o"}}).kind == Kind::llm);
  CHECK(mapped({{"gen_ai.tool.name", "add"}}).kind == Kind::tool);
  CHECK(mapped({{"embedding.model_name", "bge"}}).kind == Kind::embedding);
  CHECK(mapped({{"retrieval.documents.0.document.id", "a"}}).kind == Kind::retriever);
  CHECK(mapped({{"gen_ai.operation.name", "x"}, {"traceloop.span.kind", "tool"}}).kind ==
        Kind::tool);
}

TEST_CASE("the model that answered goes before the one that was asked for") {
  RunPatch run = mapped({{"gen_ai.request.model", "gpt-4o"},
                         {"gen_ai.response.model", "gpt-4o-2024-08-06"},
                         {"gen_ai.system", "az.ai.openai"}});
  CHECK(run.model == "gpt-4o-2024-08-06");
  CHECK(run.request_model == "gpt-4o");
  CHECK(run.provider == "azure");
  run = mapped({{"ai.model.id", "claude"}, {"ai.model.provider", "anthropic.messages"}});
  CHECK(run.model == "claude");
  CHECK_FALSE(run.request_model);
  CHECK(run.provider == "anthropic");
  CHECK(mapped({{"gen_ai.provider.name", "x_ai"}, {"gen_ai.system", "other"}}).provider == "xai");
  CHECK_FALSE(mapped({{"gen_ai.request.model", ""}}).model);
}

TEST_CASE("tokens are counted whatever their keys and forms") {
  SentUsage usage = mapped({{"gen_ai.usage.input_tokens", 100},
                            {"gen_ai.usage.prompt_tokens", 1},
                            {"gen_ai.usage.output_tokens", "20"},
                            {"gen_ai.usage.cache_creation.input_tokens", 7.0},
                            {"gen_ai.usage.cache_read_input_tokens", 8},
                            {"gen_ai.usage.reasoning_tokens", 9}})
                        .usage;
  CHECK(usage.input == 100);
  CHECK(usage.output == 20);
  CHECK(usage.cache_write == 7);
  CHECK(usage.cache_read == 8);
  CHECK(usage.reasoning == 9);
  CHECK(usage.convention == Convention::inclusive);

  usage = mapped({{"ai.usage.promptTokens", 3},
                  {"ai.usage.completionTokens", 4},
                  {"ai.usage.cachedInputTokens", 2}})
              .usage;
  CHECK(usage.input == 3);
  CHECK(usage.output == 4);
  CHECK(usage.cache_read == 2);

  usage = mapped({{"gen_ai.usage.input_tokens", 10},
                  {"gen_ai.usage.input_token_details",
                   R"({"cache_read": 3, "ephemeral_1h_input_tokens": 2, "audio": 1})"},
                  {"gen_ai.usage.output_token_details", R"({"reasoning": 4})"}})
              .usage;
  CHECK(usage.cache_read == 3);
  CHECK(usage.cache_write_1h == 2);
  CHECK(usage.input_audio == 1);
  CHECK(usage.reasoning == 4);
  CHECK(mapped({{"gen_ai.usage.input_tokens", "many"}}).usage.is_empty());
}

TEST_CASE("Langfuse's counts exclude each other unless they are OpenAI's object") {
  SentUsage usage =
      mapped({{"langfuse.observation.usage_details",
               R"({"input": 10, "output": 5, "input_cached_tokens": 90, "total": 105})"},
              {"gen_ai.usage.input_tokens", 100}})
          .usage;
  CHECK(usage.input == 10);
  CHECK(usage.cache_read == 90);
  CHECK(usage.total == 105);
  CHECK(usage.convention == Convention::exclusive);

  usage = mapped({{"langfuse.observation.usage_details",
                   R"({"prompt_tokens": 100, "completion_tokens": 5,
                       "prompt_tokens_details": {"cached_tokens": 90}})"}})
              .usage;
  CHECK(usage.input == 100);
  CHECK(usage.cache_read == 90);
  CHECK(usage.convention == Convention::inclusive);
}

TEST_CASE("what the AI SDK passes on of a vendor's usage counts for the call, not for its frame") {
  const std::string metadata =
      R"({"anthropic": {"usage": {"input_tokens": 7, "cache_creation_input_tokens": 20,
          "cache_read_input_tokens": 160, "output_tokens": 44,
          "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5}}}})";
  SentUsage usage = mapped({{"ai.operationId", "ai.generateText.doGenerate"},
                            {"ai.usage.inputTokens", 7},
                            {"ai.response.providerMetadata", metadata}})
                        .usage;
  CHECK(usage.input == 7);
  CHECK(usage.cache_read == 160);
  CHECK(usage.cache_write == 20);
  CHECK(usage.cache_write_5m == 15);
  CHECK(usage.cache_write_1h == 5);
  CHECK(usage.convention == Convention::exclusive);
  usage = mapped({{"ai.operationId", "ai.generateText"},
                  {"ai.usage.inputTokens", 14},
                  {"ai.response.providerMetadata", metadata}})
              .usage;
  CHECK(usage.input == 14);
  CHECK_FALSE(usage.cache_read);
  usage = mapped({{"ai.operationId", "ai.streamText.doStream"},
                  {"ai.usage.inputTokens", 14},
                  {"ai.response.providerMetadata",
                   R"({"openai": {"cachedPromptTokens": 9, "reasoningTokens": 3}})"}})
              .usage;
  CHECK(usage.cache_read == 9);
  CHECK(usage.reasoning == 3);
  CHECK(usage.convention == Convention::inclusive);
}

TEST_CASE("a client can say which convention its counts follow") {
  CHECK(mapped({{"gen_ai.usage.input_tokens", 1}, {"slipway.usage.convention", "exclusive"}})
            .usage.convention == Convention::exclusive);
  CHECK(mapped({{"langfuse.observation.usage_details", R"({"input": 1})"},
                {"slipway.usage.convention", "inclusive"}})
            .usage.convention == Convention::inclusive);
}

TEST_CASE("cost that the client computed is taken as it is") {
  CHECK(mapped({{"gen_ai.usage.cost", 0.25}}).cost.total == 0.25);
  SentCost cost = mapped({{"llm.cost.prompt", 1}, {"llm.cost.completion", 2.5}}).cost;
  CHECK(cost.input == 1.0);
  CHECK(cost.output == 2.5);
  CHECK_FALSE(cost.total);
  cost = mapped({{"langfuse.observation.cost_details", R"({"input": 0.5, "output": 0.25})"}}).cost;
  CHECK(cost.total == 0.75);
}

TEST_CASE("a payload that is JSON keeps its bytes, and bare text is text") {
  const std::string exact = "{\"n\": 1.0, \"big\": 123456789012345678901234567890 }";
  CHECK(inputs(mapped({{"input.value", exact}})) == exact);
  CHECK_FALSE(mapped({{"input.value", exact}}).inputs->is_text);
  CHECK(mapped({{"input.value", "plain words"}}).inputs->is_text);
  CHECK(mapped({{"input.value", "{\"cut\": "}}).inputs->is_text);
  CHECK(mapped({{"input.value", "NaN"}}).inputs->is_text);
  CHECK(mapped({{"input.value", "[1] and more"}}).inputs->is_text);
  CHECK(mapped({{"input.value", "42"}, {"input.mime_type", "text/plain"}}).inputs->is_text);
  CHECK_FALSE(mapped({{"input.value", "42"}}).inputs->is_text);
  CHECK(inputs(mapped({{"gen_ai.input.messages", json::Array{json::Object{{"role", "user"}}}}})) ==
        R"([{"role":"user"}])");
  CHECK(mapped({{"input.value", std::string(65, '[') + std::string(65, ']')}}).inputs->is_text);
}

TEST_CASE("every place where inputs and outputs may be is found") {
  for (const MappingRow& row : mapping_rows()) {
    const bool is_input = row.meaning == Meaning::inputs;
    if ((!is_input && row.meaning != Meaning::outputs) || row.key.ends_with(".*")) continue;
    CAPTURE(std::string(row.key));
    const RunPatch run = mapped({{row.key, "[1.0]"}});
    CHECK(inputs(run) == (is_input ? "[1.0]" : "nothing"));
    CHECK(outputs(run) == (is_input ? "nothing" : "[1.0]"));
  }
}

TEST_CASE("indexed attributes become JSON in the order of their numbers") {
  const RunPatch run = mapped({{"gen_ai.prompt.10.content", "c"},
                               {"gen_ai.prompt.2.role", "user"},
                               {"gen_ai.prompt.2.content", "b"},
                               {"gen_ai.prompt.0.role", "system"},
                               {"gen_ai.completion.0.tool_calls.0.name", "add"},
                               {"gen_ai.completion.0.tool_calls.0.arguments", "{\"a\":1}"},
                               {"gen_ai.completion.0.finish_reason", "tool_calls"}});
  CHECK(inputs(run) == R"([{"role":"system"},{"content":"b","role":"user"},{"content":"c"}])");
  CHECK(outputs(run) == R"([{"finish_reason":"tool_calls",)"
                        R"("tool_calls":[{"arguments":"{\"a\":1}","name":"add"}]}])");
}

TEST_CASE("OpenInference's wrappers around items are left out") {
  const RunPatch run =
      mapped({{"llm.input_messages.0.message.role", "user"},
              {"llm.input_messages.0.message.contents.0.message_content.type", "text"},
              {"llm.input_messages.0.message.contents.0.message_content.text", "hi"},
              {"retrieval.documents.0.document.content", "A"},
              {"retrieval.documents.0.document.score", 0.5}});
  CHECK(inputs(run) == R"([{"contents":[{"text":"hi","type":"text"}],"role":"user"}])");
  CHECK(outputs(run) == R"([{"content":"A","score":5E-1}])");
}

TEST_CASE("keys that are many thousand dots deep, or contradict each other, do no harm") {
  json::Object attributes;
  std::string deep = "gen_ai.prompt.0";
  for (int i = 0; i < 100'000; ++i) deep += ".0";
  attributes[deep] = "x";
  attributes["gen_ai.prompt.0.0"] = "both a leaf and a branch";
  attributes["gen_ai.prompt.99999999999999999999.a"] = 1;
  attributes["gen_ai.prompt.01.a"] = 2;
  attributes["gen_ai.prompt.1.a"] = 3;
  attributes["gen_ai.prompt."] = 4;
  const RunPatch run = mapped(attributes);
  REQUIRE(run.inputs);
  CHECK(is_json(run.inputs->bytes));
}

TEST_CASE("messages in events are inputs and outputs where no attribute holds them") {
  const std::vector<Event> events{
      {"gen_ai.system.message", 1, {{"gen_ai.system", "openai"}, {"content", "Be brief."}}},
      {"gen_ai.user.message", 2, {{"content", "2+2?"}}},
      {"gen_ai.user.message", 2, {{"gen_ai.event.content", R"({"role":"user","content":"!"})"}}},
      {"gen_ai.choice", 3, {{"index", 0}, {"message", "four"}}}};
  RunPatch run = mapped({}, events);
  CHECK(inputs(run) == R"([{"role":"system","content":"Be brief."},)"
                       R"({"role":"user","content":"2+2?"},{"role":"user","content":"!"}])");
  CHECK(outputs(run) == R"([{"index":0,"message":"four"}])");
  CHECK(inputs(mapped({{"input.value", "x"}}, events)) == "x");

  run = mapped({}, {{"gen_ai.client.inference.operation.details",
                     1,
                     {{"gen_ai.input.messages", "[ 1 ]"}, {"gen_ai.output.messages", "[ 2 ]"}}}});
  CHECK(inputs(run) == "[ 1 ]");
  CHECK(outputs(run) == "[ 2 ]");
  run = mapped({}, {{"gen_ai.content.prompt", 1, {{"gen_ai.prompt", "a"}}},
                    {"gen_ai.content.completion", 1, {{"gen_ai.completion", "b"}}}});
  CHECK(inputs(run) == "a");
  CHECK(outputs(run) == "b");
}

TEST_CASE("the AI SDK's words and calls of tools are one reply") {
  CHECK(outputs(mapped({{"ai.response.text", "I look."},
                        {"ai.response.toolCalls", R"([{"toolName":"f"}])"}})) ==
        R"({"text":"I look.","toolCalls":[{"toolName":"f"}]})");
  CHECK(outputs(mapped({{"ai.response.text", ""}, {"ai.response.toolCalls", "[1]"}})) == "[1]");
  CHECK(outputs(mapped({{"ai.response.text", "Yes."}})) == "Yes.");
}

TEST_CASE("sessions, users, tags and metadata come from whoever names them") {
  RunPatch run = mapped({{"langfuse.session.id", "s"},
                         {"langfuse.user.id", "u"},
                         {"langfuse.trace.tags", json::Array{"a", "b"}},
                         {"langfuse.trace.metadata.team", "blue"},
                         {"tag.tags", R"(["b", "c"])"},
                         {"langsmith.span.tags", "d, e"}});
  CHECK(run.session_id == "s");
  CHECK(run.user_id == "u");
  CHECK(run.tags == std::vector<std::string>{"a", "b", "d", "e", "c"});
  CHECK(run.metadata == json::Object{{"team", "blue"}});

  run = mapped({{"ai.telemetry.metadata.userId", "u"},
                {"ai.telemetry.metadata.sessionId", 7},
                {"langsmith.metadata.service_tier", "batch"},
                {"metadata", R"({"customer": "acme"})"},
                {"traceloop.association.properties.team", "red"}});
  CHECK(run.user_id == "u");
  CHECK(run.session_id == "7");
  CHECK(run.service_tier == "batch");
  CHECK(run.metadata.at("customer") == "acme");
  CHECK(run.metadata.at("team") == "red");
}

TEST_CASE("only tiers that cost something else are told") {
  CHECK(mapped({{"gen_ai.openai.request.service_tier", "flex"}}).service_tier == "flex");
  CHECK(mapped({{"my.own.service_tier", "priority"}}).service_tier == "priority");
  CHECK_FALSE(
      mapped({{"openai.response.service_tier", "default"}, {"openai.request.service_tier", "flex"}})
          .service_tier);
}

TEST_CASE("the first token is found as a duration, a time or an event") {
  const Nanoseconds start = 1'700'000'000'000'000'000;
  CHECK(mapped({{"gen_ai.response.time_to_first_chunk", 0.25}}).first_token == start + 250'000'000);
  CHECK(mapped({{"ai.response.msToFirstChunk", 12}}).first_token == start + 12'000'000);
  CHECK(mapped({{"langfuse.observation.completion_start_time", "\"2023-11-14T22:13:21.5Z\""}})
            .first_token == start + 1'500'000'000);
  CHECK(mapped({}, {{"ai.stream.firstChunk", start + 5, {}}}).first_token == start + 5);
  CHECK_FALSE(mapped({{"gen_ai.response.time_to_first_chunk", -1}}).first_token);
  CHECK_FALSE(mapped({{"gen_ai.response.time_to_first_chunk", 1e300}}).first_token);
}

TEST_CASE("Langfuse's level makes an error of a span whose status is silent") {
  const RunPatch run = mapped({{"langfuse.observation.level", "ERROR"},
                               {"langfuse.observation.status_message", "too slow"}});
  CHECK(run.status == Status::error);
  CHECK(run.error == "too slow");
  CHECK(mapped({{"langfuse.observation.level", "WARNING"}}).status == Status::ok);
}

}  // namespace slipway::trace::detail
