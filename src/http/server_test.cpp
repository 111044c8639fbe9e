#include <doctest/doctest.h>

#include <atomic>

#include "http/raw_client.hpp"
#include "http/server.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Server> serve(ExchangeHandler handler, Server::Options options = {}) {
  options.port = 0;
  auto server = Server::start(std::move(options), std::move(handler));
  REQUIRE(server);
  return std::move(*server);
}

}  // namespace

TEST_CASE("a request gets its answer with an id, a date and a server") {
  const auto server = serve([](const ExchangePtr& exchange) {
    exchange->reply({.body = "hello " + exchange->request().path});
  });
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask("GET", "/a?b=c");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "hello /a");
    CHECK(answer->headers.at("server") == "slipway");
    CHECK(answer->headers.at("x-request-id").starts_with("req_"));
    CHECK(answer->headers.at("date").ends_with(" GMT"));
  }
  CHECK(server->stats().requests == 3);
  CHECK(server->stats().accepted == 1);
}
