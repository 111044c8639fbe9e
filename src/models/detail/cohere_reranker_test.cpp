// The remote reranker against a server in this process that speaks Cohere's protocol, well or
// badly.
#include "models/detail/cohere_reranker.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "core/fault.hpp"
#include "http/loopback_server.hpp"
#include "models/reranker_conformance.hpp"
#include "models/scripted.hpp"

using namespace slipway;
using namespace slipway::models;
using namespace slipway::models::detail;
using namespace std::chrono_literals;
using conformance::code_of;
using conformance::scores_of;
using Server = http::LoopbackServer;

namespace {

constexpr const char* key = "co-very-secret-0123456789";

std::shared_ptr<Reranker> open(const Server& server, std::size_t tokens_max = 0) {
  setenv("SLIPWAY_TEST_KEY", key, 1);
  CohereRerankerOptions options;
  options.endpoint.model_name = "remote";
  options.endpoint.base_url = server.url("/v2/");
  options.endpoint.api_key = "env:SLIPWAY_TEST_KEY";
  options.endpoint.retry_pause = 5ms;
  options.model = "rerank-v3.5";
  options.tokens_max = tokens_max;
  auto model = open_cohere_reranker(options);
  REQUIRE(model.ok());
  return *model;
}

/// What a good server does: the scripted model behind the protocol, best first.
void serve(const Server::Request& request, Server::Connection& out) {
  const json::Value body = *json::parse(request.body);
  std::vector<std::string> texts;
  for (const json::Value& text : body.at("documents").as_array())
    texts.emplace_back(text.as_string());
  ScriptedReranker model;
  const auto scores = *model.rerank({}, body.at("query").as_string(), {texts.begin(), texts.end()});
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  json::Array results;
  for (const std::size_t i : order)
    results.push_back({{"index", i}, {"relevance_score", scores[i]}});
  const json::Value answer = {
      {"id", "07734bd2"},
      {"results", results},
      {"meta", {{"api_version", {{"version", "2"}}}, {"billed_units", {{"search_units", 1}}}}}};
  out.reply(200, json::dump(answer), "Content-Type: application/json\r\n");
}

Server::Handler always(int status, std::string body, std::string headers = "") {
  return [=](const Server::Request&, Server::Connection& out) { out.reply(status, body, headers); };
}

}  // namespace

TEST_CASE("the remote reranker does what every reranker must") {
  Server server(serve);
  check_reranker(*open(server));
}

TEST_CASE("the request is Cohere's, with the key in the header only") {
  Server server(serve);
  Usage usage;
  const auto scores =
      scores_of(open(server, 300)->rerank({}, "one two", {"two", "one two", "none"}, &usage));
  CHECK(scores == std::vector<float>{0.5f, 1, 0});
  CHECK(usage.search_units == 1);
  CHECK_FALSE(usage.estimated);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target == "/v2/rerank");
  CHECK(requests[0].headers.at("authorization") == std::string("Bearer ") + key);
  CHECK(*json::parse(requests[0].body) ==
        *json::parse(R"({"model":"rerank-v3.5","query":"one two","documents":["two","one two",
                         "none"],"top_n":3,"max_tokens_per_doc":300})"));
  // Who names no limit sends none: Jina and others refuse what they do not know.
  scores_of(open(server)->rerank({}, "one", {"one"}));
  CHECK(server.requests().back().body.find("max_tokens_per_doc") == std::string::npos);
}

TEST_CASE("what others tell instead of search units is counted, and a guess is marked") {
  const std::string results =
      R"("results":[{"index":0,"relevance_score":0.5,"document":{"text":"a"}}])";
  Usage jina;
  Server tokens(always(200, "{\"model\":\"m\",\"usage\":{\"total_tokens\":815}," + results + "}"));
  scores_of(open(tokens)->rerank({}, "q", {"a"}, &jina));
  CHECK(jina.rerank_tokens == 815);
  CHECK_FALSE(jina.estimated);
  Usage bare;
  Server nothing(always(200, "{" + results + "}"));
  scores_of(open(nothing)->rerank({}, "q", {"a"}, &bare));
  CHECK(bare.search_units == 1);
  CHECK(bare.estimated);
  const Price price{.search_usd_per_thousand = 2};
  CHECK(price.of(bare) == doctest::Approx(0.002));
  CHECK(Price{.input_usd_per_million = 0.02}.of(jina) == doctest::Approx(815 * 0.02e-6));
}

TEST_CASE("more passages than a request may hold are sent in several") {
  Server server(serve);
  std::vector<std::string> texts;
  for (int i = 0; i < 1001; ++i) texts.push_back(fmt::format("text {}", i));
  Usage usage;
  const auto scores =
      scores_of(open(server)->rerank({}, "1000", {texts.begin(), texts.end()}, &usage));
  REQUIRE(scores.size() == 1001);
  CHECK(scores[1000] == 1);
  CHECK(scores[999] == 0);
  CHECK(server.requests().size() == 2);
  CHECK(usage.search_units == 2);
}

TEST_CASE("answers that do not fit are refused") {
  for (const std::string& body :
       {std::string("not JSON"), std::string("{}"), std::string(R"({"results":[]})"),
        std::string(R"({"results":[{"index":0,"relevance_score":0.5}]})"),
        std::string(
            R"({"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":1}]})"),
        std::string(
            R"({"results":[{"index":0,"relevance_score":1},{"index":2,"relevance_score":1}]})"),
        std::string(
            R"({"results":[{"index":0,"relevance_score":1},{"index":-1,"relevance_score":1}]})"),
        std::string(R"({"results":[{"index":0,"relevance_score":"high"},{"index":1}]})"),
        std::string(R"({"results":[{"index":0},{"index":1}]})")}) {
    CAPTURE(body);
    Server server(always(200, body));
    const auto result = open(server)->rerank({}, "q", {"a", "b"});
    CHECK(code_of(result) == Code::unavailable);
    CHECK(result.error().message().find("model 'remote' at http://127.0.0.1") != std::string::npos);
  }
}

TEST_CASE("a refusal keeps what the server said, and no key") {
  struct Case {
    int status;
    Code code;
  };
  for (const Case& c : std::vector<Case>{{400, Code::invalid_argument},
                                         {401, Code::unauthenticated},
                                         {404, Code::not_found},
                                         {422, Code::invalid_argument},
                                         {501, Code::unsupported}}) {
    CAPTURE(c.status);
    // Cohere: {"id": ..., "message": ...}
    Server server(always(c.status, fmt::format(R"({{"id":"1","message":"no: {}"}})", key)));
    const auto result = open(server)->rerank({}, "q", {"a"});
    CHECK(code_of(result) == c.code);
    CHECK(result.error().message().find("no: ***") != std::string::npos);
    CHECK(result.error().message().find(key) == std::string::npos);
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("what may pass is asked again, and a long wait is reported") {
  int calls = 0;
  Server busy([&](const Server::Request& request, Server::Connection& out) {
    if (++calls < 3)
      out.reply(calls == 1 ? 429 : 503, "{}");
    else
      serve(request, out);
  });
  CHECK(scores_of(open(busy)->rerank({}, "a", {"a"})) == std::vector<float>{1});
  CHECK(calls == 3);
  Server full(always(429, R"({"message":"trial key limit"})", "Retry-After: 60\r\n"));
  const auto result = open(full)->rerank({}, "a", {"a"});
  CHECK(code_of(result) == Code::rate_limited);
  CHECK(result.error().message().find("60 s") != std::string::npos);
  CHECK(full.requests().size() == 1);
}

TEST_CASE("mutated answers of a reranker give scores or an error") {
  const std::string good =
      R"({"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],)"
      R"("meta":{"billed_units":{"search_units":1}}})";
  std::string sent;
  Server server([&](const Server::Request&, Server::Connection& out) { out.reply(200, sent); });
  const auto model = open(server);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    sent = good;
    for (std::size_t i = 1 + random() % 4; i > 0; --i)
      sent[random() % sent.size()] = static_cast<char>(32 + random() % 95);
    const auto result = model->rerank({}, "q", {"a", "b"});
    CAPTURE(sent);
    if (!result) CHECK(result.error().code() == Code::unavailable);
    if (result) CHECK(result->size() == 2);
  }
}
