// Anthropic's and Cohere's APIs as chat models and embedders, against a server in this process that
// speaks them, well or badly. What all remote models do alike is in remote_openai_test.cpp.
#include "models/detail/remote_chat.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "http/loopback_server.hpp"
#include "models/chat_model_conformance.hpp"
#include "models/detail/remote_embedder.hpp"
#include "models/scripted.hpp"

using namespace slipway;
using namespace slipway::models;
using namespace slipway::models::detail;
using namespace std::chrono_literals;
using conformance::ask;
using conformance::code_of;
using conformance::must;
using Server = http::LoopbackServer;

namespace {

constexpr const char* key = "vendor-very-secret-0123456789";
constexpr const char* long_reply =
    "The sea is wide and deep, it carries ships from shore to shore, and nobody who has seen it in "
    "a storm will call it t\xC3\xA4me or small again \xF0\x9F\x8C\x8A ever.";
constexpr Provider vendors[] = {Provider::openai, Provider::anthropic, Provider::cohere};

RemoteEndpoint::Options endpoint(const Server& server, Provider provider) {
  setenv("SLIPWAY_TEST_VENDOR_KEY", key, 1);
  ModelConfig config;
  config.provider = provider;
  config.base_url = server.url(provider == Provider::openai ? "/v1" : "");
  RemoteEndpoint::Options options;
  options.model_name = "remote";
  options.provider = provider;
  options.base_url = api_url(config);
  options.api_key = "env:SLIPWAY_TEST_VENDOR_KEY";
  options.retry_pause = 5ms;
  return options;
}

std::shared_ptr<ChatModel> open_chat(const Server& server, Provider provider) {
  RemoteChatOptions options;
  options.endpoint = endpoint(server, provider);
  options.model = "wire-name";
  auto model = open_remote_chat(options);
  REQUIRE(model.ok());
  return *model;
}

/// The scripted model behind the vendor's protocol.
Server::Handler vendor(ScriptedChatModel& model, Provider provider) {
  return [&model, provider](const Server::Request& http, Server::Connection& out) {
    const dialects::Codec& codec = dialects::codec(chat_dialect(provider));
    const auto request = codec.decode_request(*json::parse(http.body));
    if (!request) return void(out.reply(400, request.error().message()));
    auto plain = *request;
    plain.seed.reset();
    if (!plain.stream) {
      const auto reply = model.converse({}, plain);
      return void(out.reply(200, json::dump(codec.encode_reply(plain, *reply))));
    }
    const auto encoder = codec.stream_encoder(plain);
    out.begin_chunked("Content-Type: text/event-stream\r\n");
    (void)model.converse({}, plain, [&](const dialects::ChatEvent& event) {
      const std::string bytes = encoder->encode(event);
      return bytes.empty() || out.chunk(bytes);
    });
    out.end_chunked();
  };
}

Server::Handler always(int status, std::string body, std::string headers = "") {
  return [=](const Server::Request&, Server::Connection& out) { out.reply(status, body, headers); };
}

Server::Handler stream(std::string body) {
  return [=](const Server::Request&, Server::Connection& out) {
    out.begin_chunked("Content-Type: text/event-stream\r\n");
    for (std::size_t at = 0; at < body.size(); at += 11) out.chunk(body.substr(at, 11));
    out.end_chunked();
  };
}

/// What each vendor streams, as its documentation shows it.
std::string hello_stream(Provider provider) {
  if (provider == Provider::anthropic)
    return "event: message_start\n"
           R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":)"
           R"("assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,)"
           R"("usage":{"input_tokens":25,"cache_read_input_tokens":3,"output_tokens":1}}})"
           "\n\n"
           "event: content_block_start\n"
           R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text",)"
           R"("text":""}})"
           "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
           "event: content_block_delta\n"
           R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",)"
           R"("text":"Hello"}})"
           "\n\nevent: content_block_delta\n"
           R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",)"
           R"("text":"!"}})"
           "\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
           "event: message_delta\n"
           R"(data: {"type":"message_delta","delta":{"stop_reason":"max_tokens",)"
           R"("stop_sequence":null},"usage":{"output_tokens":15}})"
           "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  return R"(data: {"type":"message-start","id":"c1","delta":{"message":{"role":"assistant"}}})"
         "\n\n"
         R"(data: {"type":"content-start","index":0,"delta":{"message":{"content":{"type":)"
         R"("text","text":""}}}})"
         "\n\n"
         R"(data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":)"
         R"("Hello"}}}})"
         "\n\n"
         R"(data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"!"}}}})"
         "\n\ndata: {\"type\":\"content-end\",\"index\":0}\n\n"
         R"(data: {"type":"message-end","id":"c1","delta":{"finish_reason":"MAX_TOKENS","usage":)"
         R"({"billed_units":{"input_tokens":5,"output_tokens":2},"tokens":{"input_tokens":28,)"
         R"("output_tokens":15},"cached_tokens":3}}})"
         "\n\ndata: [DONE]\n\n";
}

const TokenSink ignore = [](std::string_view) { return true; };

}  // namespace

TEST_CASE("chat models of Anthropic and Cohere conform") {
  ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>(long_reply); });
  SUBCASE("openai") {
    Server server(vendor(script, Provider::openai));
    check_chat_model(*open_chat(server, Provider::openai));
  }
  SUBCASE("anthropic") {
    Server server(vendor(script, Provider::anthropic));
    check_chat_model(*open_chat(server, Provider::anthropic));
  }
  SUBCASE("cohere") {
    Server server(vendor(script, Provider::cohere));
    check_chat_model(*open_chat(server, Provider::cohere));
  }
}

TEST_CASE("a request goes out as its vendor wants it, with the key only in its header") {
  for (const Provider provider : {Provider::anthropic, Provider::cohere}) {
    CAPTURE(json::name(provider));
    ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>("fine"); });
    Server server(vendor(script, provider));
    ChatRequest request = ask("x", 7);
    request.temperature = 0.5;
    request.top_p = 0.9;
    request.top_k = 40;
    request.seed = 9;
    request.stop = {"1", "  ", "3", "4", "5", "6", "7"};
    CHECK(must(open_chat(server, provider)->chat({}, request, ignore)).content == "fine");
    const auto seen = server.requests();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].body.find(key) == std::string::npos);
    const json::Value body = *json::parse(seen[0].body);
    CHECK(body.at("model") == "wire-name");
    CHECK(body.at("max_tokens") == 7);
    CHECK(body.at("temperature") == 0.5);
    CHECK(body.at("stream") == true);
    if (provider == Provider::anthropic) {
      CHECK(seen[0].target == "/v1/messages");
      CHECK(seen[0].headers.at("x-api-key") == key);
      CHECK(seen[0].headers.at("anthropic-version") == "2023-06-01");
      CHECK_FALSE(seen[0].headers.contains("authorization"));
      CHECK(body.at("system") == "You are brief.");
      CHECK(body.at("messages").as_array().size() == 1);
      CHECK(body.at("top_p") == 0.9);
      CHECK(body.at("top_k") == 40);
      CHECK(body.at("stop_sequences").as_array().size() == 6);
      CHECK_FALSE(body.as_object().contains("seed"));
    } else {
      CHECK(seen[0].target == "/v2/chat");
      CHECK(seen[0].headers.at("authorization") == std::string("Bearer ") + key);
      CHECK(body.at("messages").as_array().size() == 2);
      CHECK(body.at("p") == 0.9);
      CHECK(body.at("k") == 40);
      CHECK(body.at("seed") == 9);
      CHECK(body.at("stop_sequences").as_array().size() == 5);
    }
  }
}

TEST_CASE("what a vendor streams is read as it comes, with its own counts") {
  for (const Provider provider : {Provider::anthropic, Provider::cohere}) {
    CAPTURE(json::name(provider));
    Server server(stream(hello_stream(provider)));
    std::vector<std::string> pieces;
    const ChatReply reply =
        must(open_chat(server, provider)->chat({}, ask("x"), [&](std::string_view piece) {
          pieces.emplace_back(piece);
          return true;
        }));
    CHECK(pieces == std::vector<std::string>{"Hello", "!"});
    CHECK(reply.content == "Hello!");
    CHECK(reply.finish_reason == FinishReason::length);
    CHECK(reply.usage.input_tokens == 28);
    CHECK(reply.usage.output_tokens == 15);
    CHECK(reply.usage.cached_input_tokens == 3);
    CHECK_FALSE(reply.usage.estimated);
  }
}

TEST_CASE("whole answers are read too, thinking left out") {
  Server anthropic(
      always(200, R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":)"
                  R"([{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":)"
                  R"("Hello"},{"type":"text","text":"!"}],"stop_reason":"end_turn",)"
                  R"("stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":4}})"));
  Server cohere(
      always(200, R"({"id":"c","finish_reason":"COMPLETE","message":{"role":"assistant","content":)"
                  R"([{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hello!"}]},)"
                  R"("usage":{"tokens":{"input_tokens":9,"output_tokens":4}}})"));
  for (const auto& [server, provider] :
       {std::pair(&anthropic, Provider::anthropic), std::pair(&cohere, Provider::cohere)}) {
    const auto model = open_chat(*server, provider);
    for (const TokenSink& sink : {TokenSink(), ignore}) {
      const ChatReply reply = must(model->chat({}, ask("x"), sink));
      CHECK(reply.content == "Hello!");
      CHECK(reply.finish_reason == FinishReason::stop);
      CHECK(reply.usage.input_tokens == 9);
      CHECK(reply.usage.output_tokens == 4);
    }
  }
}

TEST_CASE("refusals of each vendor keep their meaning and words, and never show the key") {
  struct Case {
    int status;
    Code code;
  };
  for (const Provider provider : {Provider::anthropic, Provider::cohere})
    for (const Case c : {Case{400, Code::invalid_argument}, Case{401, Code::unauthenticated},
                         Case{403, Code::forbidden}, Case{404, Code::not_found},
                         Case{429, Code::rate_limited}, Case{529, Code::unavailable}}) {
      CAPTURE(json::name(provider));
      CAPTURE(c.status);
      dialects::WireError told{.status = c.status, .message = fmt::format("no\n with {}", key)};
      Server server(
          always(c.status, json::dump(dialects::codec(chat_dialect(provider)).encode_error(told))));
      const auto result = open_chat(server, provider)->chat({}, ask("x"), ignore);
      CHECK(code_of(result) == c.code);
      CAPTURE(result.error().message());
      CHECK(result.error().message().find("no  with ***") != std::string::npos);
      CHECK(result.error().message().find("'remote'") != std::string::npos);
      CHECK(server.requests().size() == (is_retryable(c.code) ? 3 : 1));
    }
}

TEST_CASE("an error within a stream is one line, without the key") {
  const std::string said = fmt::format("Overloaded\\nby {}", key);
  Server anthropic(
      stream("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
             "\"overloaded_error\",\"message\":\"" +
             said + "\"}}\n\n"));
  Server cohere(
      stream("data: {\"type\":\"message-start\",\"id\":\"c\",\"delta\":{}}\n\n"
             "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"" +
             said + "\"}}\n\n"));
  for (const auto& [server, provider] :
       {std::pair(&anthropic, Provider::anthropic), std::pair(&cohere, Provider::cohere)}) {
    const auto result = open_chat(*server, provider)->chat({}, ask("x"), ignore);
    CHECK(code_of(result) == Code::unavailable);
    CHECK(result.error().message().find("Overloaded by ***") != std::string::npos);
  }
}

TEST_CASE("what breaks off, is held back or is no answer of the vendor is an error") {
  for (const Provider provider : {Provider::anthropic, Provider::cohere}) {
    CAPTURE(json::name(provider));
    const std::string whole = hello_stream(provider);
    for (const std::string& body :
         {whole.substr(0, whole.find("\"!\"") + 8), std::string("{\"content\":5}"),
          std::string("{}"), std::string("data: {\n\n"), std::string("hello"), std::string(" ")}) {
      CAPTURE(body);
      Server server(stream(body));
      CHECK(code_of(open_chat(server, provider)->chat({}, ask("x"), ignore)) == Code::unavailable);
    }
  }
  Server held(always(200, R"({"content":[],"stop_reason":"refusal"})"));
  CHECK(code_of(open_chat(held, Provider::anthropic)->chat({}, ask("x"))) == Code::forbidden);
}

TEST_CASE("what a vendor cannot be asked is refused before anything is sent") {
  Server server(always(200, "{}"));
  for (const Provider provider : {Provider::anthropic, Provider::cohere}) {
    const auto model = open_chat(server, provider);
    ChatRequest request = ask("x");
    request.grammar = "root ::= \"a\"";
    CHECK(code_of(model->chat({}, request)) == Code::unsupported);
    request = ask("x");
    request.repeat_penalty = 1.2;
    CHECK(code_of(model->chat({}, request)) == Code::unsupported);
  }
  const auto model = open_chat(server, Provider::anthropic);
  ChatRequest hot = ask("x");
  hot.temperature = 1.5;
  const auto result = model->chat({}, hot);
  CHECK(code_of(result) == Code::unsupported);
  CHECK(result.error().message().find("temperature: 1.5 is above 1") != std::string::npos);
  auto seeded = conformance::talk("x");
  seeded.seed = 5;
  const Error error = conformance::error_of(model->converse({}, seeded));
  CHECK(error.code() == Code::unsupported);
  CHECK(error.message().starts_with("seed: "));
  CHECK(server.requests().empty());
}

TEST_CASE("a call to a vendor ends when it is cancelled or its time is over") {
  for (const Provider provider : vendors) {
    CAPTURE(json::name(provider));
    Server server([&](const Server::Request&, Server::Connection& out) {
      out.begin_chunked("Content-Type: text/event-stream\r\n");
      out.chunk(": hold the line\n\n");
      out.wait(20s);
    });
    const auto model = open_chat(server, provider);
    std::stop_source source;
    std::jthread stopper([&] {
      while (server.requests().empty()) std::this_thread::sleep_for(1ms);
      source.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    CHECK(code_of(model->chat(Context(source.get_token()), ask("x"), ignore)) == Code::cancelled);
    CHECK(code_of(model->chat(Context().with_timeout(100ms), ask("x"), ignore)) ==
          Code::deadline_exceeded);
    CHECK(std::chrono::steady_clock::now() - start < 10s);
  }
}

TEST_CASE("a missing key is named when the model is opened") {
  Server server(always(401, R"({"message":"no api key supplied"})"));
  for (const Provider provider : vendors) {
    RemoteChatOptions options;
    options.endpoint = endpoint(server, provider);
    options.endpoint.api_key = "env:SLIPWAY_TEST_NO_SUCH_KEY";
    const auto model = open_remote_chat(options);
    REQUIRE_FALSE(model.ok());
    CHECK(model.error().code() == Code::invalid_argument);
    CHECK(model.error().message().find("SLIPWAY_TEST_NO_SUCH_KEY") != std::string::npos);
    options.endpoint.api_key.clear();
    const auto result = (*open_remote_chat(options))->chat({}, ask("x"));
    CHECK(code_of(result) == Code::unauthenticated);
    CHECK(result.error().message().find("check api_key") != std::string::npos);
    const auto sent = server.requests().back();
    CHECK_FALSE((sent.headers.contains("authorization") || sent.headers.contains("x-api-key")));
  }
}

TEST_CASE("Cohere embeds queries and documents each in their way") {
  Server server([](const Server::Request& request, Server::Connection& out) {
    const json::Value body = *json::parse(request.body);
    json::Array vectors;
    for (const json::Value& text : body.at("texts").as_array())
      vectors.push_back(json::Array{3, 0, text.as_string() == "q: a" ? 4 : -4});
    out.reply(200, json::dump({{"id", "e"},
                               {"embeddings", {{"float", vectors}}},
                               {"meta", {{"billed_units", {{"input_tokens", 2}}}}}}));
  });
  RemoteEmbedderOptions options;
  options.endpoint = endpoint(server, Provider::cohere);
  options.model = "embed-v4.0";
  options.dimension = 3;
  options.query_prefix = "q: ";
  const auto model = *open_remote_embedder(options);
  Usage usage;
  const auto query = model->embed({}, {"a"}, TextRole::query, &usage);
  REQUIRE(query.ok());
  CHECK(query->front()[2] == doctest::Approx(0.8f));
  const std::vector<std::string> texts(70, "d");
  const auto documents = model->embed({}, {texts.begin(), texts.end()}, TextRole::document, &usage);
  REQUIRE(documents.ok());
  CHECK(documents->size() == 70);
  CHECK(documents->back()[2] == doctest::Approx(-0.8f));
  CHECK(usage.embedding_tokens == 6);
  const auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].target == "/v2/embed");
  CHECK(seen[0].headers.at("authorization") == std::string("Bearer ") + key);
  CHECK(json::parse(seen[0].body)->at("input_type") == "search_query");
  CHECK(json::parse(seen[1].body)->at("input_type") == "search_document");
  CHECK(json::parse(seen[1].body)->at("model") == "embed-v4.0");
}

TEST_CASE("Cohere's embeddings that do not fit are refused") {
  for (const auto& [body, code] : std::vector<std::pair<std::string, Code>>{
           {R"({"embeddings":{"float":[[1,2]]}})", Code::invalid_argument},
           {R"({"embeddings":{"float":[]}})", Code::unavailable},
           {R"({"embeddings":{"int8":[[1,2,3]]}})", Code::unavailable},
           {R"({"embeddings":{"float":[[0,0,0]]}})", Code::unavailable},
           {R"({"embeddings":[[1,2,3]]})", Code::unavailable},
           {"not JSON", Code::unavailable}}) {
    CAPTURE(body);
    Server server(always(200, body));
    RemoteEmbedderOptions options;
    options.endpoint = endpoint(server, Provider::cohere);
    options.dimension = 3;
    const auto result = (*open_remote_embedder(options))->embed({}, {"x"}, TextRole::document);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == code);
  }
}

TEST_CASE("the API of a vendor is found from its host, with and without a version") {
  ModelConfig config;
  const auto url = [&](Provider provider, std::string base, ModelTask task = ModelTask::chat) {
    config.provider = provider;
    config.base_url = std::move(base);
    config.task = task;
    return api_url(config);
  };
  CHECK(url(Provider::openai, "http://h/v1/") == "http://h/v1");
  CHECK(url(Provider::openai, "") == "https://api.openai.com/v1");
  CHECK(url(Provider::anthropic, "") == "https://api.anthropic.com/v1");
  CHECK(url(Provider::anthropic, "http://h/v1") == "http://h/v1");
  CHECK(url(Provider::cohere, "") == "https://api.cohere.com/v2");
  CHECK(url(Provider::cohere, "http://h/v1") == "http://h/v2");
  CHECK(url(Provider::cohere, "http://h", ModelTask::rerank) == "http://h/v2");
  CHECK(url(Provider::cohere, "http://h/v1", ModelTask::rerank) == "http://h/v1");
}
