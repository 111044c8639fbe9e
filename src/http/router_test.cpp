#include <doctest/doctest.h>

#include <condition_variable>

#include "http/detail/serve_for_tests.hpp"
#include "http/router.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

RouteHandler says(std::string name) {
  return [name](const ExchangePtr& exchange, const PathParameters& parameters) {
    std::string text = name;
    for (const auto& [key, value] : parameters) text += " " + key + "=" + value;
    exchange->reply({.body = text});
  };
}

}  // namespace

TEST_CASE("the most literal route wins, and names get their decoded values") {
  Pool pool({.threads = 1});
  Router router(pool);
  router.add("GET", "/", RunOn::edge, says("root"));
  router.add("GET", "/a", RunOn::edge, says("a"));
  router.add("GET", "/a/{id}", RunOn::workers, says("id"));
  router.add("GET", "/a/mine", RunOn::edge, says("mine"));
  router.add("GET", "/a/{id}/b", RunOn::edge, says("id-b"));
  router.add("GET", "/a/mine/c", RunOn::edge, says("mine-c"));
  router.add("POST", "/a/{id}/b", RunOn::edge, says("post-b"));
  router.add("GET", "/files/{path...}", RunOn::edge, says("files"));
  router.add("GET", "/files/{name}/info", RunOn::edge, says("info"));
  const auto server = serve([&](const ExchangePtr& exchange) { router.dispatch(exchange); });
  RawClient client(server->port());
  const auto get = [&](std::string_view path) {
    const auto answer = client.ask("GET", path);
    REQUIRE(answer);
    return answer->status == 200 ? answer->body : std::to_string(answer->status);
  };
  CHECK(get("/") == "root");
  CHECK(get("/?x") == "root");
  CHECK(get("/a") == "a");
  CHECK(get("/a/") == "404");
  CHECK(get("/a/x%20y") == "id id=x y");
  CHECK(get("/a/x%2Fy") == "id id=x/y");
  CHECK(get("/a/mine") == "mine");
  CHECK(get("/a/%6dine") == "mine");
  CHECK(get("/a/mine/b") == "id-b id=mine");
  CHECK(get("/a/mine/c") == "mine-c");
  CHECK(get("/a/x/c") == "404");
  CHECK(get("/a/%ff") == "404");
  CHECK(get("/a/%00") == "404");
  CHECK(get("/files") == "files path=");
  CHECK(get("/files/") == "files path=");
  CHECK(get("/files/a/b%20c") == "files path=a/b c");
  CHECK(get("/files/a/info") == "info name=a");
  CHECK(get("/b") == "404");
  CHECK(client.ask("POST", "/a/1/b")->body == "post-b id=1");
}

TEST_CASE("methods: HEAD is GET's, OPTIONS is answered, others are told what there is") {
  Pool pool({.threads = 1});
  Router router(pool);
  router.add("GET", "/a", RunOn::edge, says("a"));
  router.add("POST", "/a", RunOn::edge, says("a"));
  router.add("DELETE", "/b", RunOn::edge, says("b"));
  const auto server = serve([&](const ExchangePtr& exchange) { router.dispatch(exchange); });
  RawClient client(server->port());
  CHECK(client.ask("HEAD", "/a")->status == 200);
  CHECK(client.ask("HEAD", "/b")->status == 405);
  const auto options = client.ask("OPTIONS", "/a");
  REQUIRE(options);
  CHECK(options->status == 204);
  CHECK(options->headers.at("allow") == "GET, HEAD, OPTIONS, POST");
  CHECK(client.ask("OPTIONS", "*")->status == 204);
  const auto wrong = client.ask("PUT", "/a");
  REQUIRE(wrong);
  CHECK(wrong->status == 405);
  CHECK(wrong->headers.at("allow") == "GET, HEAD, OPTIONS, POST");
  CHECK(wrong->headers.at("content-type") == "application/problem+json");
}

TEST_CASE("refusals below a prefix are in its own words") {
  Pool pool({.threads = 1});
  Router router(pool);
  router.add("GET", "/v1/models", RunOn::edge, says("models"));
  const auto refuse_as = [](std::string name) {
    return [name](const Request&, int status, const std::string& allow) {
      return Response{status, {}, name + allow};
    };
  };
  router.refuse_with("", refuse_as("all "));
  router.refuse_with("/v1/", refuse_as("v1 "));
  const auto server = serve([&](const ExchangePtr& exchange) { router.dispatch(exchange); });
  RawClient client(server->port());
  CHECK(client.ask("GET", "/x")->body == "all ");
  CHECK(client.ask("GET", "/v1/x")->body == "v1 ");
  CHECK(client.ask("POST", "/v1/models")->body == "v1 GET, HEAD, OPTIONS");
}

TEST_CASE("when all workers are busy and the queue is full, 503 is answered at once") {
  std::mutex mutex;
  std::condition_variable go_on;
  bool goes_on = false;
  std::atomic<int> started{0};
  Pool pool({.threads = 1, .queue_max = 1});
  Router router(pool);
  router.add("GET", "/slow", RunOn::workers, [&](const ExchangePtr& exchange, const auto&) {
    ++started;
    std::unique_lock lock(mutex);
    go_on.wait(lock, [&] { return goes_on; });
    exchange->reply({.body = "slow"});
  });
  router.add("GET", "/throw", RunOn::workers,
             [](const ExchangePtr&, const auto&) { throw std::runtime_error("a bug"); });
  const auto server = serve([&](const ExchangePtr& exchange) { router.dispatch(exchange); });
  RawClient first(server->port());
  RawClient second(server->port());
  RawClient third(server->port());
  const std::string_view request = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
  first.send(request);
  REQUIRE(soon([&] { return started == 1; }));
  second.send(request);
  REQUIRE(soon([&] { return server->stats().exchanges == 2; }));
  const auto refused = third.ask("GET", "/slow");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->headers.at("retry-after") == "1");
  {
    const std::lock_guard lock(mutex);
    goes_on = true;
  }
  go_on.notify_all();
  CHECK(first.read()->body == "slow");
  CHECK(second.read()->body == "slow");
  CHECK(third.ask("GET", "/throw")->status == 500);
}
