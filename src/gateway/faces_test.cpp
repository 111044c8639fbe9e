#include "gateway/faces.hpp"

#include <doctest/doctest.h>

#include "core/json.hpp"
#include "http/fake_exchange.hpp"

using namespace slipway;
using namespace slipway::gateway;

namespace {

/// Answers at once, and remembers what it was asked.
class Answering final : public Gateway {
 public:
  void chat(const http::ExchangePtr& exchange, ChatCall call) override {
    exchange->reply(
        {.body = std::string(json::name(call.codec->dialect())) + " " + call.caller.name});
  }
  void embed(const http::ExchangePtr&, EmbedCall call,
             Done<dialects::EmbeddingReply> done) override {
    Outcome<dialects::EmbeddingReply> outcome;
    outcome.headers.set("x-slipway-model", call.request.model);
    if (call.request.model == "broken")
      outcome.error = {.status = 502, .code = "upstream_error", .message = "it broke"};
    else
      outcome.reply = dialects::EmbeddingReply{.vectors = {{1, 2}}, .input_tokens = 3};
    done(std::move(outcome));
  }
  void rerank(const http::ExchangePtr&, RerankCall, Done<dialects::RerankReply> done) override {
    done({.reply = dialects::RerankReply{.id = "r", .hits = {{0, 0.5}}}});
  }
  void count_tokens(const http::ExchangePtr&, CountCall, Done<CountReply> done) override {
    done({.reply = CountReply{.input_tokens = 7, .estimated = true}});
  }
  std::vector<ModelCard> models(const access::Caller&) const override {
    return {{.name = "a", .provider = "openai", .task = "chat", .context_tokens = 100},
            {.name = "rag/b", .provider = "pipeline", .task = "chat"}};
  }
  std::optional<ModelCard> model(const access::Caller& caller,
                                 const std::string& name) const override {
    for (const ModelCard& card : models(caller))
      if (card.name == name) return card;
    return std::nullopt;
  }
  dialects::WireError unknown_model(const access::Caller&, const std::string& name) const override {
    return {.status = 404, .code = "model_not_found", .message = "there is no model " + name};
  }
  Result<void> reload(Settings, std::shared_ptr<models::Catalog>) override { return {}; }
  Result<void> refresh() override { return {}; }
  GatewaySettings shown() const override { return {}; }
};

class Face {
 public:
  Face() { mount_faces(router_, {.gateway = gateway_, .gate = gate_, .workers = workers_}); }

  http::Response ask(std::string method, std::string target, std::string body = {},
                     http::Headers headers = {}) {
    http::Request request{.method = std::move(method), .target = std::move(target)};
    request.body = std::move(body);
    request.headers = std::move(headers);
    request.headers.add("Host", "127.0.0.1");
    const auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router_.dispatch(exchange);
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  json::Value told(const http::Response& response) {
    const auto value = json::parse(response.body);
    REQUIRE(value);
    return *value;
  }

 private:
  Answering gateway_;
  std::unique_ptr<store::Database> database_ = [] {
    auto opened = store::Database::open({.path = ":memory:"}, access::migrations());
    REQUIRE(opened);
    return *std::move(opened);
  }();
  std::unique_ptr<access::Keys> keys_ = [this] {
    auto opened = access::Keys::open(*database_);
    REQUIRE(opened);
    return *std::move(opened);
  }();
  access::Gate gate_{{.keys = *keys_}};
  Pool workers_{{.threads = 2}};
  http::Router router_{workers_};
};

}  // namespace

TEST_CASE("each vendor's paths lead to his dialect, at his prefix and at the root") {
  Face face;
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"/v1/chat/completions", "openai local"},
      {"/openai/v1/chat/completions", "openai local"},
      {"/v1/responses", "openai_responses local"},
      {"/openai/v1/completions", "openai_completions local"},
      {"/v1/messages", "anthropic local"},
      {"/anthropic/v1/messages", "anthropic local"},
      {"/v2/chat", "cohere local"},
      {"/cohere/v2/chat", "cohere local"}};
  for (const auto& [path, expected] : paths) {
    CAPTURE(path);
    CHECK(face.ask("POST", path, "{}").body == expected);
  }
  // A long body goes over a worker.
  CHECK(face.ask("POST", "/v2/chat", std::string(1 << 20, ' ')).body == "cohere local");
}

TEST_CASE("a path that is not there and a method that it does not take are told in its dialect") {
  Face face;
  const auto nothing = face.ask("POST", "/openai/v1/nothing");
  CHECK(nothing.status == 404);
  CHECK(face.told(nothing).at("error").at("type") == json::Value("invalid_request_error"));
  const auto method = face.ask("GET", "/v1/messages");
  CHECK(method.status == 405);
  CHECK(method.headers.get("Allow").find("POST") != std::string_view::npos);
  CHECK(face.told(method).at("type") == json::Value("error"));
  CHECK(face.told(face.ask("DELETE", "/v2/embed")).get_object().contains("message"));
  const auto by_header = face.ask("POST", "/v1/nothing", "", {{"anthropic-version", "2023-06-01"}});
  CHECK(face.told(by_header).at("error").at("type") == json::Value("not_found_error"));
}

TEST_CASE("refusals before a route have the dialect's shape, on its paths only") {
  http::Request request;
  request.path = "/anthropic/v1/messages";
  const auto refusal = dialect_refusal(request, 413, "too long");
  REQUIRE(refusal);
  CHECK(refusal->status == 413);
  CHECK(refusal->body ==
        R"({"type":"error","error":{"type":"request_too_large","message":"too long"}})");
  request.path = "/api/search";
  CHECK_FALSE(dialect_refusal(request, 413, "too long"));
}

TEST_CASE("models are listed as each vendor does, in pages where he has them") {
  Face face;
  const auto openai = face.told(face.ask("GET", "/v1/models"));
  CHECK(openai.at("object") == json::Value("list"));
  CHECK(openai.at("data").at(0).at("context_tokens") == json::Value(100));
  const http::Headers version{{"anthropic-version", "2023-06-01"}};
  const auto first = face.told(face.ask("GET", "/v1/models?limit=1", "", version));
  CHECK(first.at("has_more") == json::Value(true));
  CHECK(first.at("last_id") == json::Value("a"));
  const auto second = face.told(face.ask("GET", "/anthropic/v1/models?after_id=a"));
  CHECK(second.at("has_more") == json::Value(false));
  CHECK(second.at("data").at(0).at("id") == json::Value("rag/b"));
  CHECK(face.ask("GET", "/anthropic/v1/models?limit=0").status == 400);
  CHECK(face.ask("GET", "/anthropic/v1/models?after_id=x").status == 400);
  CHECK(face.told(face.ask("GET", "/cohere/v1/models")).at("models").at(1).at("name") ==
        json::Value("rag/b"));
  for (const char* path : {"/v1/models/rag/b", "/openai/v1/models/rag%2Fb"})
    CHECK(face.told(face.ask("GET", path)).at("id") == json::Value("rag/b"));
  const auto unknown = face.ask("GET", "/v1/models/c");
  CHECK(unknown.status == 404);
  CHECK(face.told(unknown).at("error").at("code") == json::Value("model_not_found"));
}

TEST_CASE("other tasks are decoded, answered and refused in their dialect") {
  Face face;
  const auto embedded = face.ask("POST", "/v1/embeddings", R"({"model":"m","input":"a"})");
  CHECK(embedded.status == 200);
  CHECK(embedded.headers.get("x-slipway-model") == "m");
  CHECK(face.told(embedded).at("usage").at("total_tokens") == json::Value(3));
  const auto broken = face.ask("POST", "/v2/embed", R"({"model":"broken","texts":["a"]})");
  CHECK(broken.status == 502);
  CHECK(broken.headers.get("x-slipway-model") == "broken");
  CHECK(face.told(broken).at("message") == json::Value("it broke"));
  const auto wrong = face.ask("POST", "/v1/embeddings", R"({"model":"m","input":5})");
  CHECK(wrong.status == 400);
  CHECK(face.told(wrong).at("error").at("param") == json::Value("input"));
  CHECK(face.told(face.ask("POST", "/v1/rerank", "{")).get_object().contains("message"));
  const auto ranked =
      face.ask("POST", "/v2/rerank", R"({"model":"m","query":"q","documents":["d"]})");
  CHECK(face.told(ranked).at("results").at(0).at("index") == json::Value(0));
  const auto counted = face.ask("POST", "/v1/messages/count_tokens",
                                R"({"model":"m","messages":[{"role":"user","content":"x"}]})");
  CHECK(counted.body == R"({"input_tokens":7})");
  CHECK(counted.headers.get("x-slipway-estimated") == "true");
}

TEST_CASE("a web page of another origin is refused in the dialect") {
  Face face;
  const auto refused = face.ask("POST", "/v1/messages", "{}", {{"Origin", "https://evil.example"}});
  CHECK(refused.status == 403);
  CHECK(face.told(refused).at("error").at("type") == json::Value("permission_error"));
}
