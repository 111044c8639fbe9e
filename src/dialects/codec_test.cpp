#include "dialects/codec.hpp"

#include "dialects/recordings.hpp"

using namespace slipway;
using namespace slipway::dialects;
using namespace slipway::dialects::recordings;

namespace {

std::string refusal(Dialect dialect, std::string_view body) {
  const auto request = codec(dialect).decode_request(parsed(body));
  REQUIRE_FALSE(request.ok());
  CHECK(request.error().code() == Code::invalid_argument);
  return request.error().message();
}

std::vector<std::string> unsupported_of(Dialect from, std::string_view body, Dialect to) {
  const auto request = codec(from).decode_request(parsed(body));
  REQUIRE_MESSAGE(request.ok(), (request ? std::string() : request.error().message()));
  std::vector<Unsupported> unsupported;
  codec(to).encode_request(*request, unsupported);
  std::vector<std::string> paths;
  for (const Unsupported& item : unsupported) paths.push_back(item.parameter);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("what is wrong in a request is named by its path") {
  const auto openai = [](std::string_view body) { return refusal(Dialect::openai, body); };
  CHECK(openai("[]") == "body: expected an object, got an array");
  CHECK(openai(R"({"model":"m"})") == "messages: is missing");
  CHECK(openai(R"({"model":5,"messages":[]})").starts_with("model: expected a string, got 5"));
  CHECK(openai(R"({"model":"m","messages":[]})") == "messages: has no message; send at least one");
  CHECK(openai(R"({"model":"m","messages":[{"role":"user"}]})") ==
        "messages[0].content: is missing");
  CHECK(openai(R"({"model":"m","messages":[{"role":"bot","content":"x"}]})")
            .starts_with("messages[0].role: 'bot' is not known"));
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":[{"type":"video"}]}]})")
            .starts_with("messages[0].content[0].type: 'video' is not known"));
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":3})") ==
        "temperature: expected a number from 0 to 2, got 3");
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":0})") ==
        "n: expected a whole number from 1 to 128, got 0");
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1.5})") ==
        "max_tokens: expected a whole number of at least 1, got 1.5");
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"maybe"})")
            .starts_with("tool_choice: expected none, auto, required or an object"));
  const auto anthropic = [](std::string_view body) { return refusal(Dialect::anthropic, body); };
  CHECK(anthropic(R"({"model":"m","messages":[{"role":"user","content":"x"}]})") ==
        "max_tokens: is missing");
  CHECK(anthropic(R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[5]}]})")
            .starts_with("messages[0].content[0]: expected an object, got 5"));
  CHECK(anthropic(
            R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],
                "temperature":1.5})") == "temperature: expected a number from 0 to 1, got 1.5");
  CHECK(
      refusal(Dialect::cohere,
              R"({"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"})") ==
      R"(tool_choice: expected REQUIRED or NONE, got "auto")");
  CHECK(refusal(Dialect::openai_responses, R"({"model":"m","input":[{"role":"user"}]})") ==
        "input[0].content: is missing");
  CHECK(refusal(Dialect::openai_completions, R"({"model":"m"})") == "prompt: is missing");
}

TEST_CASE("null counts as absent, as the SDKs send it") {
  const auto request = codec(Dialect::openai).decode_request(parsed(R"({
    "model":"m","messages":[{"role":"user","content":"x","name":null}],"temperature":null,
    "stop":null,"tools":null,"audio":null,"stream":null})"));
  REQUIRE(request.ok());
  CHECK_FALSE(request->temperature);
  CHECK(request->extra.empty());
  CHECK(foreign(*request).empty());
}

TEST_CASE("what a target cannot say is named in the caller's words") {
  const std::string_view openai = R"({"model":"m","messages":[{"role":"user","content":"x"}],
    "temperature":1.5,"n":2,"seed":1,"logprobs":true,"stop":"END","top_k":3,
    "web_search_options":{"search_context_size":"low"}})";
  CHECK(unsupported_of(Dialect::openai, openai, Dialect::anthropic) ==
        Paths{"web_search_options", "temperature", "seed", "n", "logprobs"});
  CHECK(unsupported_of(Dialect::openai, openai, Dialect::cohere) ==
        Paths{"web_search_options", "n"});
  CHECK(unsupported_of(Dialect::openai, openai, Dialect::openai).empty());
  const std::string_view anthropic = R"({"model":"m","max_tokens":9,"top_k":4,
    "stop_sequences":["END"],"thinking":{"type":"enabled","budget_tokens":2000},
    "metadata":{"user_id":"u"},"messages":[{"role":"user","content":[
      {"type":"text","text":"x"},{"type":"container_upload","file_id":"f"}]}]})";
  CHECK(unsupported_of(Dialect::anthropic, anthropic, Dialect::openai) ==
        Paths{"messages[0].content[1]", "top_k", "thinking.budget_tokens"});
  CHECK(unsupported_of(Dialect::anthropic, anthropic, Dialect::openai_responses) ==
        Paths{"messages[0].content[1]", "stop_sequences", "top_k", "thinking.budget_tokens"});
  CHECK(unsupported_of(Dialect::anthropic, anthropic, Dialect::cohere) ==
        Paths{"messages[0].content[1]", "metadata.user_id"});
  const std::string_view cohere = R"({"model":"m","k":4,"p":0.5,"safety_mode":"STRICT",
    "messages":[{"role":"user","content":"x"}]})";
  CHECK(unsupported_of(Dialect::cohere, cohere, Dialect::openai) == Paths{"safety_mode", "k"});
}

TEST_CASE("values that say what every API does anyway bother nobody") {
  CHECK(unsupported_of(Dialect::openai, R"({"model":"m","messages":[{"role":"user","content":"x"}],
    "n":1,"store":false,"service_tier":"auto","modalities":["text"],"frequency_penalty":0,
    "parallel_tool_calls":true})",
                       Dialect::anthropic)
            .empty());
}

TEST_CASE("OpenAI's two formats share what both can say") {
  const auto request = codec(Dialect::openai_responses).decode_request(parsed(R"({"model":"m",
    "input":"x","service_tier":"flex","text":{"verbosity":"low"},"prompt_cache_key":"k"})"));
  REQUIRE(request.ok());
  std::vector<Unsupported> unsupported;
  const json::Value body = codec(Dialect::openai).encode_request(*request, unsupported);
  CHECK(unsupported.empty());
  CHECK(body.at("service_tier") == json::Value("flex"));
  CHECK(body.at("verbosity") == json::Value("low"));
  CHECK(body.at("prompt_cache_key") == json::Value("k"));
}

TEST_CASE("a call that failed is told in words where there is no flag for it") {
  const auto request = codec(Dialect::anthropic).decode_request(parsed(R"({"model":"m",
    "max_tokens":1,"messages":[{"role":"user","content":[
      {"type":"tool_result","tool_use_id":"t","content":"no network","is_error":true}]}]})"));
  REQUIRE(request.ok());
  for (const Dialect target : {Dialect::openai, Dialect::cohere}) {
    std::vector<Unsupported> unsupported;
    const json::Value body = codec(target).encode_request(*request, unsupported);
    CHECK(unsupported.empty());
    CHECK(body.at("messages").at(0).at("content") == json::Value("Error: no network"));
  }
}

TEST_CASE("ids that Anthropic refuses are written the same way in call and result") {
  const auto request = codec(Dialect::openai).decode_request(parsed(R"({"model":"m","messages":[
    {"role":"assistant","tool_calls":[{"id":"a:1/b","type":"function",
      "function":{"name":"f","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"a:1/b","content":"x"}]})"));
  REQUIRE(request.ok());
  std::vector<Unsupported> unsupported;
  const json::Value body = codec(Dialect::anthropic).encode_request(*request, unsupported);
  CHECK(body.at("messages").at(0).at("content").at(0).at("id") == json::Value("a_1_b"));
  CHECK(body.at("messages").at(1).at("content").at(0).at("tool_use_id") == json::Value("a_1_b"));
}

TEST_CASE(
    "counting tokens takes a message without a limit and asks without what only makes answers") {
  const auto request = decode_count_tokens(
      parsed(R"({"model":"m","messages":[{"role":"user","content":"x"}],"system":"s"})"));
  REQUIRE(request.ok());
  std::vector<Unsupported> unsupported;
  CHECK(json::dump(encode_count_tokens(*request, unsupported)) ==
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"system":"s"})");
  CHECK(unsupported.empty());
}

TEST_CASE("errors have the shape and the class of each dialect, both ways") {
  json::Object told;
  for (const Dialect dialect : all_dialects) {
    json::Object by_status;
    for (const int status : {400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504}) {
      const WireError error{
          .status = status, .code = "a_code", .message = "what was wrong", .parameter = "top_k"};
      const json::Value body = codec(dialect).encode_error(error);
      by_status[std::to_string(status)] = body;
      const WireError reread = codec(dialect).decode_error(status, json::dump(body));
      CHECK(reread.status == status);
      CHECK(reread.message == error.message);
      CHECK(reread.code == error.code);
      CHECK(reread.parameter == error.parameter);
    }
    told[json::name(dialect)] = std::move(by_status);
    const WireError page = codec(dialect).decode_error(502, "<html>\nBad \xFF gateway</html>");
    CHECK(page.message == "<html> Bad \xEF\xBF\xBD gateway</html>");
    CHECK(codec(dialect).decode_error(500, "").message == "no message");
  }
  check_recorded(root / "expected" / "errors.json", told);
}

TEST_CASE("an error that stands in a stream is told with its text") {
  struct Case {
    Dialect dialect;
    std::string bytes;
  };
  for (const Case& one : {
           Case{Dialect::openai, "data: {\"error\":{\"message\":\"too hot\",\"type\":\"x\"}}\n\n"},
           Case{Dialect::openai_completions, "data: {\"error\":{\"message\":\"too hot\"}}\n\n"},
           Case{Dialect::openai_completions, "data: {\"error\":\"too hot\"}\n\n"},
           Case{Dialect::anthropic,
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                "\"overloaded_error\",\"message\":\"too hot\"}}\n\n"},
           Case{Dialect::cohere,
                "data: {\"type\":\"message-start\",\"id\":\"1\"}\n\ndata: "
                "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\","
                "\"error\":\"too hot\"}}\n\n"},
           Case{Dialect::openai_responses,
                "data: {\"type\":\"response.failed\",\"response\":{"
                "\"error\":{\"message\":\"too hot\"}}}\n\n"},
       }) {
    const auto events = decode(one.dialect, one.bytes, one.bytes.size());
    REQUIRE_FALSE(events.ok());
    CHECK(events.error().code() == Code::unavailable);
    CHECK(events.error().message() == "too hot");
  }
}

TEST_CASE("what came before an error in the same bytes is not lost") {
  const auto decoder = codec(Dialect::openai).stream_decoder();
  const auto events = decoder->feed(
      "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n"
      "data: {\"error\":{\"message\":\"too hot\"}}\n\n");
  REQUIRE(events.ok());
  CHECK(events->size() == 2);
  CHECK(decoder->finish().error().message() == "too hot");
}

TEST_CASE("a signed thought finds back to the vendor who signed it, through any caller's format") {
  const auto reply = codec(Dialect::anthropic).decode_reply(parsed(R"({"id":"m","content":[
    {"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"text","text":"Yes."}],
    "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}})"));
  REQUIRE(reply.ok());
  const json::Value told = codec(Dialect::openai_responses).encode_reply({}, *reply);
  json::Array input = told.at("output").get_array();
  input.push_back(json::Object{{"role", "user"}, {"content", "And?"}});
  const auto next = codec(Dialect::openai_responses)
                        .decode_request(json::Object{{"model", "m"}, {"input", input}});
  REQUIRE(next.ok());
  std::vector<Unsupported> unsupported;
  const json::Value body = codec(Dialect::anthropic).encode_request(*next, unsupported);
  CHECK(unsupported.empty());
  CHECK(json::dump(body.at("messages").at(0).at("content").at(0)) ==
        R"({"type":"thinking","thinking":"Hm.","signature":"c2ln"})");
  codec(Dialect::openai).encode_request(*next, unsupported);
  REQUIRE(unsupported.size() == 1);
  CHECK(unsupported[0].parameter == "input[0]");
}

TEST_CASE("what the SDKs note in an answer bothers nobody when it comes back") {
  CHECK(unsupported_of(Dialect::openai, R"({"model":"m","messages":[{"role":"assistant",
    "content":"x","parsed":{"a":1},"annotations":[],"tool_calls":[{"index":0,"id":"c",
    "type":"function","function":{"name":"f","arguments":"{}","parsed_arguments":{}}}]}]})",
                       Dialect::anthropic)
            .empty());
  CHECK(unsupported_of(Dialect::anthropic, R"({"model":"m","max_tokens":1,"messages":[
    {"role":"assistant","content":[{"type":"text","text":"x","parsed_output":{"a":1}}]}]})",
                       Dialect::openai)
            .empty());
}

TEST_CASE("a reply that says of itself that it failed is an error, not an answer") {
  struct Case {
    Dialect dialect;
    std::string_view body, message;
  };
  constexpr std::string_view plain = "the model ended its answer with an error";
  for (const Case& one : {
           Case{Dialect::cohere, R"({"id":"c","finish_reason":"ERROR","message":{}})", plain},
           Case{Dialect::cohere, R"({"id":"c","finish_reason":"TIMEOUT","message":{}})", plain},
           Case{Dialect::openai,
                R"({"choices":[{"message":{"content":"x"},"finish_reason":"error"}]})", plain},
           Case{Dialect::openai_completions,
                R"({"choices":[{"text":"x","finish_reason":"error"}]})", plain},
           Case{Dialect::openai_responses,
                R"({"status":"failed","error":{"message":"too hot"},"output":[]})", "too hot"},
       }) {
    const auto reply = codec(one.dialect).decode_reply(parsed(one.body));
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code() == Code::unavailable);
    CHECK(reply.error().message() == one.message);
  }
}
