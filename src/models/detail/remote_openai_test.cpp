// Both remote providers against a server in this process that speaks their protocol, well or badly.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "core/fault.hpp"
#include "http/loopback_server.hpp"
#include "models/chat_model_conformance.hpp"
#include "models/detail/remote_chat.hpp"
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

constexpr const char* key = "sk-very-secret-0123456789";
constexpr const char* long_reply =
    "The sea is wide and deep, it carries ships from shore to shore, and nobody who has seen it in "
    "a storm will call it t\xC3\xA4me or small again \xF0\x9F\x8C\x8A ever.";

ChatRequest request_of(const json::Object& body) {
  ChatRequest request;
  request.messages = *json::from<std::vector<Message>>(body.at("messages"));
  request.max_tokens = body.at("max_tokens").to_number<int>();
  if (const json::Value* stop = body.if_contains("stop"))
    request.stop = *json::from<std::vector<std::string>>(*stop);
  return request;
}

json::Object usage_of(const ChatReply& reply) {
  return {{"prompt_tokens", reply.usage.input_tokens},
          {"completion_tokens", reply.usage.output_tokens},
          {"prompt_tokens_details", {{"cached_tokens", 1}}}};
}

std::string event(const json::Value& value) { return "data: " + json::dump(value) + "\n\n"; }

/// What a good server does: the scripted model behind the protocol.
void serve_chat(ScriptedChatModel& model, const Server::Request& http, Server::Connection& out) {
  const auto parsed = json::parse(http.body);
  const json::Object& body = parsed->get_object();
  const bool is_streamed = body.contains("stream");
  if (is_streamed) {
    out.begin_chunked("Content-Type: text/event-stream\r\n");
    out.chunk(event({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}}}}}}}));
  }
  const auto reply = model.chat({}, request_of(body), [&](std::string_view piece) {
    return !is_streamed ||
           out.chunk(event(
               {{"choices",
                 {{{"index", 0}, {"delta", {{"content", piece}}}, {"finish_reason", nullptr}}}},
                {"usage", nullptr}}));
  });
  const auto reason = json::name(reply->finish_reason);
  if (!is_streamed) {
    const json::Value answer = {
        {"choices",
         {{{"message", {{"role", "assistant"}, {"content", reply->content}}},
           {"finish_reason", reason}}}},
        {"usage", usage_of(*reply)}};
    out.reply(200, json::dump(answer), "Content-Type: application/json\r\n");
    return;
  }
  out.chunk(event({{"choices", {{{"delta", json::Object()}, {"finish_reason", reason}}}}}));
  out.chunk(event({{"choices", json::Array()}, {"usage", usage_of(*reply)}}));
  out.chunk("data: [DONE]\n\n");
  out.end_chunked();
}

RemoteEndpoint::Options endpoint(const Server& server) {
  setenv("SLIPWAY_TEST_KEY", key, 1);
  RemoteEndpoint::Options options;
  options.model_name = "remote";
  options.base_url = server.url("/v1/");
  options.api_key = "env:SLIPWAY_TEST_KEY";
  options.retry_pause = 5ms;
  return options;
}

std::shared_ptr<ChatModel> open_chat(const Server& server) {
  RemoteChatOptions options;
  options.endpoint = endpoint(server);
  options.model = "wire-name";
  auto model = open_remote_chat(options);
  REQUIRE(model.ok());
  return *model;
}

std::shared_ptr<Embedder> open_embedder(const Server& server, std::size_t dimension = 3) {
  RemoteEmbedderOptions options;
  options.endpoint = endpoint(server);
  options.dimension = dimension;
  options.query_prefix = "query: ";
  auto model = open_remote_embedder(options);
  REQUIRE(model.ok());
  return *model;
}

/// A server that always says the same.
Server::Handler always(int status, std::string body, std::string headers = "") {
  return [=](const Server::Request&, Server::Connection& out) { out.reply(status, body, headers); };
}

Server::Handler stream(std::string body) {
  return [=](const Server::Request&, Server::Connection& out) {
    out.begin_chunked("Content-Type: text/event-stream\r\n");
    out.chunk(body);
    out.end_chunked();
  };
}

std::string content_event(std::string_view text) {
  return event({{"choices", {{{"delta", {{"content", text}}}}}}});
}

const TokenSink ignore = [](std::string_view) { return true; };

}  // namespace

TEST_CASE("the openai chat model conforms") {
  ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>(long_reply); });
  Server server([&](const auto& request, auto& out) { serve_chat(script, request, out); });
  ChatModelTraits traits;
  check_chat_model(*open_chat(server), traits);
}

TEST_CASE("a request goes out as the API wants it, with the key only in its header") {
  ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>("fine"); });
  Server server([&](const auto& request, auto& out) { serve_chat(script, request, out); });
  ChatRequest request = ask("x", 7);
  request.temperature = 0.5;
  request.top_p = 0.9;
  request.seed = ~0ull;
  request.stop = {"1", "2", "3", "4", "5", "6"};
  const ChatReply reply = must(open_chat(server)->chat({}, request, ignore));
  CHECK(reply.content == "fine");
  CHECK_FALSE(reply.usage.estimated);
  CHECK(reply.usage.cached_input_tokens == 1);
  const auto seen = server.requests();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].target == "/v1/chat/completions");
  CHECK(seen[0].headers.at("authorization") == std::string("Bearer ") + key);
  CHECK(seen[0].body.find(key) == std::string::npos);
  const json::Value body = *json::parse(seen[0].body);
  CHECK(body.at("model") == "wire-name");
  CHECK(body.at("max_tokens") == 7);
  CHECK(body.at("temperature") == 0.5);
  CHECK(body.at("top_p") == 0.9);
  CHECK(body.at("seed").is_int64());
  CHECK(body.at("stop").as_array().size() == 4);
  CHECK(body.at("stream_options").at("include_usage") == true);
}

TEST_CASE("stop strings beyond the four of the API still stop") {
  Server server(stream(content_event("abc") + content_event("def") + "data: [DONE]\n\n"));
  ChatRequest request = ask("x");
  request.stop = {"1", "2", "3", "4", "cd"};
  const ChatReply reply = must(open_chat(server)->chat({}, request, ignore));
  CHECK(reply.content == "ab");
  CHECK(reply.finish_reason == FinishReason::stop);
  CHECK(reply.usage.estimated);
}

TEST_CASE("usage is estimated when the server does not tell") {
  Server server(stream(content_event("hello there") + "data: [DONE]\n\n"));
  const ChatReply reply = must(open_chat(server)->chat({}, ask("x"), ignore));
  CHECK(reply.usage.estimated);
  CHECK(reply.usage.input_tokens > 0);
  CHECK(reply.usage.output_tokens == 3);
}

TEST_CASE("a server that cannot stream is understood all the same") {
  Server server(
      always(200, R"( {"choices":[{"message":{"content":"whole"},"finish_reason":"length"}]})"));
  std::string streamed;
  const ChatReply reply = must(open_chat(server)->chat({}, ask("x"), [&](std::string_view piece) {
    streamed += piece;
    return true;
  }));
  CHECK(reply.content == "whole");
  CHECK(streamed == "whole");
  CHECK(reply.finish_reason == FinishReason::length);
}

TEST_CASE("refusals of the server keep their meaning and its words") {
  struct Case {
    int status;
    std::string body;
    Code code;
    std::string word;
  };
  const std::string leak = fmt::format(R"({{"error":{{"message":"Incorrect key {}"}}}})", key);
  for (const Case& c :
       std::vector<Case>{{400, R"({"error":{"message":"context_length_exceeded"}})",
                          Code::invalid_argument, "context_length_exceeded"},
                         {401, leak, Code::unauthenticated, "Incorrect key ***"},
                         {403, R"({"error":"not for you"})", Code::forbidden, "not for you"},
                         {404, R"({"detail":"no such model"})", Code::not_found, "no such model"},
                         {413, "", Code::invalid_argument, "413"},
                         {422, R"({"message":"bad field"})", Code::invalid_argument, "bad field"},
                         {429, R"({"error":{"message":"You exceeded your current quota"}})",
                          Code::rate_limited, "quota"},
                         {500, "<html>broken\n\n</html>", Code::unavailable, "<html>broken"},
                         {501, "", Code::unsupported, "501"},
                         {302, "", Code::invalid_argument, "base_url"}}) {
    CAPTURE(c.status);
    Server server(always(c.status, c.body));
    for (const TokenSink& sink : {TokenSink(), ignore}) {
      const auto result = open_chat(server)->chat({}, ask("x"), sink);
      CHECK(code_of(result) == c.code);
      CAPTURE(result.error().message());
      CHECK(result.error().message().find(c.word) != std::string::npos);
      CHECK(result.error().message().find(key) == std::string::npos);
      CHECK(result.error().message().find("'remote'") != std::string::npos);
      CHECK(result.error().message().find('\n') == std::string::npos);
    }
    CHECK(server.requests().size() == (c.status == 500 ? 6 : 2));
  }
}

TEST_CASE("what passes is asked again, twice at most, and only before the first word") {
  ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>("at last"); });
  std::atomic<int> failures_left = 2;
  std::string kind;
  Server server([&](const Server::Request& request, Server::Connection& out) {
    if (failures_left-- <= 0) return serve_chat(script, request, out);
    if (kind == "busy") return void(out.reply(429, "{}", "Retry-After: 0.01\r\n"));
    if (kind == "down") return void(out.reply(503, ""));
    out.reset();
  });
  const auto model = open_chat(server);
  for (const char* how : {"busy", "down", "reset"}) {
    CAPTURE(how);
    kind = how;
    failures_left = 2;
    CHECK(must(model->chat({}, ask("x"), ignore)).content == "at last");
    failures_left = 3;
    CHECK_FALSE(model->chat({}, ask("x"), ignore).ok());
  }

  Server cut([](const Server::Request&, Server::Connection& out) {
    out.begin_chunked();
    out.chunk(content_event("begun"));
    out.close();
  });
  std::string streamed;
  const auto result = open_chat(cut)->chat({}, ask("x"), [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  CHECK(code_of(result) == Code::unavailable);
  CHECK(streamed == "begun");
  CHECK(cut.requests().size() == 1);
}

TEST_CASE("a long Retry-After is told, not waited for") {
  Server server(always(429, R"({"error":{"message":"slow down"}})", "Retry-After: 3600\r\n"));
  const auto start = std::chrono::steady_clock::now();
  const auto result = open_chat(server)->chat({}, ask("x"));
  CHECK(code_of(result) == Code::rate_limited);
  CHECK(result.error().message().find("3600 s") != std::string::npos);
  CHECK(server.requests().size() == 1);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("a stop request also ends the pause between two tries") {
  Server server(always(429, "{}", "Retry-After: 15\r\n"));
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(code_of(open_chat(server)->chat(Context(source.get_token()), ask("x"))) == Code::cancelled);
  CHECK(std::chrono::steady_clock::now() - start < 3s);
  // And a deadline before the next try gives the real reason at once.
  CHECK(code_of(open_chat(server)->chat(Context().with_timeout(2s), ask("x"))) ==
        Code::rate_limited);
}

TEST_CASE("answers that are no answers are unavailable, never a crash") {
  for (const std::string& body :
       {std::string("data: {\"choices\":\n\n"), std::string("data: []\n\n"),
        std::string("data: {\"choices\":[{\"delta\":{\"content\":5}}]}\n\n"),
        std::string("data: \xFF\xFE\n\n"),
        content_event("a") + "data: {\"error\":{\"message\":"
                             "\"overloaded\"}}\n\n",
        content_event("ends without an end"), std::string("nothing like SSE"), std::string(" "),
        std::string("{\"choices\":[]}"), std::string("{\"choices\":[{}"),
        std::string("data: ") + std::string(200, '[') + "\n\n"}) {
    CAPTURE(body.substr(0, 60));
    Server server(stream(body));
    CHECK(code_of(open_chat(server)->chat({}, ask("x"), ignore)) == Code::unavailable);
    CHECK(code_of(open_chat(server)->chat({}, ask("x"))) == Code::unavailable);
  }
  Server filtered(stream(event({{"choices", {{{"finish_reason", "content_filter"}}}}})));
  CHECK(code_of(open_chat(filtered)->chat({}, ask("x"), ignore)) == Code::forbidden);
}

TEST_CASE("mutated streams and answers give a reply or an error") {
  std::mt19937 random(11);
  const std::string good = content_event("one") + content_event("two \xF0\x9F\x8C\x8A") +
                           event({{"choices", json::Array()}, {"usage", {{"prompt_tokens", 3}}}}) +
                           "data: [DONE]\n\n";
  std::string sent;
  Server server([&](const Server::Request&, Server::Connection& out) {
    out.begin_chunked();
    for (std::size_t at = 0; at < sent.size(); at += 7) out.chunk(sent.substr(at, 7));
    out.end_chunked();
  });
  const auto model = open_chat(server);
  for (int round = 0; round < 400; ++round) {
    sent = good;
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      const std::size_t at = random() % sent.size();
      if (random() % 2 == 0)
        sent[at] = static_cast<char>(random());
      else
        sent.erase(at, random() % 9);
      if (sent.empty()) sent = "x";
    }
    const auto result = model->chat({}, ask("x"), [](std::string_view piece) {
      REQUIRE(unicode::is_valid_utf8(piece));
      return true;
    });
    if (!result) CHECK(result.error().code() != Code::internal);
  }
}

TEST_CASE("every network fault is survived: the third try answers") {
  ScriptedChatModel script([](const ChatRequest&) { return Result<std::string>("fine"); });
  Server server([&](const auto& request, auto& out) { serve_chat(script, request, out); });
  const auto model = open_chat(server);
  {
    const FaultPlan plan(FaultKind::network, 1);
    CHECK(model->chat({}, ask("x")).ok());
    CHECK(plan.fired());
  }
  const FaultPlan plan(FaultKind::network, 1, FaultPlan::Mode::onwards);
  CHECK(code_of(model->chat({}, ask("x"))) == Code::unavailable);
}

TEST_CASE("what remote models cannot do is refused, not dropped") {
  Server server(always(200, "{}"));
  const auto model = open_chat(server);
  for (int i = 0; i < 3; ++i) {
    ChatRequest request = ask("x");
    if (i == 0) request.grammar = "root ::= \"a\"";
    if (i == 1) request.top_k = 5;
    if (i == 2) request.repeat_penalty = 1.2;
    CHECK(code_of(model->chat({}, request)) == Code::unsupported);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("keys come from a variable or a file, and bad ones are named, not shown") {
  const std::string file = std::filesystem::temp_directory_path() / "slipway-key-test";
  std::ofstream(file) << "  from-file\n";
  CHECK(*resolve_secret("file:" + file) == "from-file");
  setenv("SLIPWAY_TEST_KEY", key, 1);
  CHECK(*resolve_secret("env:SLIPWAY_TEST_KEY") == key);
  CHECK(resolve_secret("")->empty());
  CHECK(resolve_secret("env:SLIPWAY_UNSET").error().message().find("SLIPWAY_UNSET") !=
        std::string::npos);
  CHECK(resolve_secret(key).error().message().find(key) == std::string::npos);
  CHECK(resolve_secret("file:/nonexistent").error().code() == Code::not_found);
  setenv("SLIPWAY_TEST_KEY", "two words", 1);
  CHECK(resolve_secret("env:SLIPWAY_TEST_KEY").error().message().find("two words") ==
        std::string::npos);
  std::filesystem::remove(file);
}

TEST_CASE("embeddings are batched, put in order and made unit length") {
  Server server([](const Server::Request& request, Server::Connection& out) {
    const json::Value body = *json::parse(request.body);
    json::Array data;
    // Backwards: the order of the answer is free, the index counts.
    const json::Array& inputs = body.at("input").as_array();
    for (std::size_t i = inputs.size(); i-- > 0;) {
      const double number = std::stod(std::string(inputs[i].as_string()).substr(7));
      data.push_back({{"index", i}, {"embedding", {3 * number, 0, 4 * number}}});
    }
    out.reply(200, json::dump({{"data", data}, {"usage", {{"prompt_tokens", 2}}}}));
  });
  const auto model = open_embedder(server);
  std::vector<std::string> texts;
  for (int i = 1; i <= 130; ++i) texts.push_back(std::to_string(i % 2 == 0 ? -i : i));
  Usage usage;
  const auto vectors = model->embed({}, {texts.begin(), texts.end()}, TextRole::query, &usage);
  REQUIRE(vectors.ok());
  REQUIRE(vectors->size() == 130);
  for (std::size_t i = 0; i < 130; ++i) {
    const float sign = i % 2 == 1 ? -1.0f : 1.0f;
    CHECK((*vectors)[i][0] == doctest::Approx(0.6f * sign));
    CHECK((*vectors)[i][2] == doctest::Approx(0.8f * sign));
  }
  CHECK(usage.embedding_tokens == 6);
  CHECK_FALSE(usage.estimated);
  CHECK(server.requests().size() == 3);
  CHECK(model->embed({}, {}, TextRole::document)->empty());
}

TEST_CASE("embeddings that do not fit are refused") {
  struct Case {
    std::string body;
    Code code;
  };
  for (const Case& c :
       std::vector<Case>{{R"({"data":[{"index":0,"embedding":[1,2]}]})", Code::invalid_argument},
                         {R"({"data":[]})", Code::unavailable},
                         {R"({"data":[{"index":1,"embedding":[1,2,3]}]})", Code::unavailable},
                         {R"({"data":[{"index":0,"embedding":[0,0,0]}]})", Code::unavailable},
                         {R"({"data":[{"index":0,"embedding":"AAAA"}]})", Code::unavailable},
                         {R"({"data":[{"index":-1,"embedding":[1,2,3]}]})", Code::unavailable},
                         {R"({"date":[]})", Code::unavailable},
                         {"not JSON", Code::unavailable}}) {
    CAPTURE(c.body);
    Server server(always(200, c.body));
    const auto result = open_embedder(server)->embed({}, {"x"}, TextRole::document);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == c.code);
  }
  Server server(always(200, "{}"));
  RemoteEmbedderOptions options;
  options.endpoint = endpoint(server);
  CHECK(open_remote_embedder(options).error().code() == Code::invalid_argument);
}
