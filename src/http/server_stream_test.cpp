#include <doctest/doctest.h>

#include <atomic>

#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const Headers events{{"content-type", "text/event-stream"}};

}  // namespace

TEST_CASE("pieces of a body arrive as they are written, from any thread") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->begin(200, events);
  CHECK(exchange->write("data: 1\n\n"));
  std::string seen;
  while (seen.find("data: 1\n\n") == std::string::npos) seen += client.receive();
  CHECK(exchange->write(""));
  CHECK(exchange->write("data: 2\n\n"));
  exchange->end();
  client.unread(seen);
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->is_whole);
  CHECK(answer->body == "data: 1\n\ndata: 2\n\n");
  CHECK(answer->headers.at("transfer-encoding") == "chunked");
  client.send(get);
  keeper.take()->reply({.body = "next"});
  CHECK(client.read()->body == "next");
}

TEST_CASE("trailers go to those who say that they take them") {
  const auto server = serve([](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->write("x");
    exchange->end({{"x-cost", "1"}, {"content-length", "7"}});
  });
  RawClient client(server->port());
  CHECK(client.ask("GET", "/")->trailers.empty());
  const auto answer = client.ask("GET", "/", "TE: gzip, trailers\r\n");
  REQUIRE(answer);
  CHECK(answer->trailers == std::map<std::string, std::string>{{"x-cost", "1"}});
}

TEST_CASE("a begun body with a length is sent without chunks, and a short one is broken") {
  const auto server = serve([](const ExchangePtr& exchange) {
    exchange->begin(200, {{"content-length", "6"}});
    exchange->write("abc");
    if (exchange->request().path == "/whole") exchange->write("defghi");
    exchange->end();
  });
  RawClient client(server->port());
  const auto whole = client.ask("GET", "/whole");
  REQUIRE(whole);
  CHECK(whole->body == "abcdef");
  const auto half = client.ask("GET", "/half");
  REQUIRE(half);
  CHECK(!half->is_whole);
}

TEST_CASE("a stream to HTTP/1.0 ends with its connection") {
  const auto server = serve([](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->write("one ");
    exchange->write("two");
    exchange->end();
  });
  RawClient client(server->port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->headers.count("transfer-encoding") == 0);
  CHECK(answer->headers.at("connection") == "close");
  CHECK(answer->body == "one two");
}

TEST_CASE("a body that was begun and not ended breaks the connection") {
  AccessLog log;
  Server::Options options;
  options.on_access = log.sink();
  const auto server = serve(
      [](const ExchangePtr& exchange) {
        exchange->begin(200, events);
        exchange->write("data: half\n\n");
        if (exchange->request().path == "/abort") exchange->abort();
      },
      options);
  for (const char* path : {"/let-go", "/abort"}) {
    RawClient client(server->port());
    const auto answer = client.ask("GET", path);
    REQUIRE(answer);
    CHECK(answer->body == "data: half\n\n");
    CHECK(!answer->is_whole);
    CHECK(client.is_ended());
  }
  CHECK(!log.at(0).complete);
  CHECK(log.at(0).status == 200);
}

TEST_CASE("a client that leaves before the first byte cancels at once") {
  Keeper keeper;
  AccessLog log;
  Server::Options options;
  options.on_access = log.sink();
  const auto server = serve(keeper.handler(), options);
  for (const bool resets : {false, true}) {
    RawClient client(server->port());
    client.send(get);
    const auto exchange = keeper.take();
    std::atomic<int> gone{0};
    exchange->when_gone([&] { ++gone; });
    CHECK(!exchange->context().stop().stop_requested());
    const auto before = std::chrono::steady_clock::now();
    if (resets)
      client.reset();
    else
      client.close();
    REQUIRE(soon([&] { return exchange->context().stop().stop_requested() && gone == 1; }));
    CHECK(std::chrono::steady_clock::now() - before < 1s);
    CHECK(log.at(resets ? 1 : 0).status == 499);
    CHECK(!log.at(resets ? 1 : 0).complete);
    exchange->when_gone([&] { ++gone; });  // At once: it has.
    CHECK(soon([&] { return gone == 2; }));
    exchange->reply({.body = "too late"});
  }
  CHECK(soon([&] { return server->stats().connections == 0; }));
}

TEST_CASE("a client that leaves after the first byte stops its writer") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->begin(200, events);
  CHECK(exchange->write("data: 1\n\n"));
  CHECK(!client.receive().empty());
  client.close();
  CHECK(soon([&] { return !exchange->write("data: 2\n\n"); }));
  CHECK(exchange->wait_drained({}).error().code() == Code::cancelled);
}

TEST_CASE("a slow reader holds its writer back and gets every byte") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->begin(200, {});
  const std::string block(256u << 10, 'x');
  std::size_t written = 0;
  // Until the network takes no more.
  for (std::size_t queued = 0; queued < 2u << 20; queued = exchange->queued_bytes()) {
    REQUIRE(exchange->write(block));
    written += block.size();
    if (exchange->queued_bytes() >= 2u << 20) std::this_thread::sleep_for(30ms);
  }
  std::atomic<bool> drained{false};
  exchange->when_drained([&] { drained = true; });
  CHECK(exchange->wait_drained(Context().with_timeout(30ms)).error().code() ==
        Code::deadline_exceeded);
  CHECK(!drained);
  std::jthread reader([&] {
    CHECK(exchange->wait_drained({}));
    CHECK(exchange->queued_bytes() <= 64u << 10);
    exchange->end();
  });
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->body.size() == written);
  CHECK(answer->is_whole);
  CHECK(soon([&] { return drained.load(); }));
}

TEST_CASE("a writer that waits for room is called from stream to stream without growing a stack") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->begin(200, {});
  std::atomic<int> calls{0};
  std::function<void()> next = [&] {
    if (++calls == 50'000) return exchange->end();
    exchange->write("x");
    exchange->when_drained(next);
  };
  exchange->when_drained(next);
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->body.size() == 49'999);
}

TEST_CASE("a writer that never waits loses its client and not the memory") {
  Server::Options options;
  options.queued_bytes_max = 1u << 20;
  Keeper keeper;
  const auto server = serve(keeper.handler(), options);
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->begin(200, {});
  std::size_t written = 0;
  while (exchange->write(std::string(100'000, 'x')) && written < 100u << 20) written += 100'000;
  CHECK(written < 50u << 20);
  CHECK(soon([&] { return server->stats().connections == 0; }));
}

TEST_CASE("a silent event stream is kept alive by comments between events") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  exchange->set_heartbeat(20ms);
  exchange->begin(200, events);
  exchange->write("data: 1\n\n");
  std::string seen;
  while (seen.find("3\r\n:\n\n\r\n3\r\n:\n\n\r\n") == std::string::npos) {
    const std::string more = client.receive();
    REQUIRE(!more.empty());
    seen += more;
  }
  // Never within an event.
  exchange->write("data: ha");
  while (seen.find("data: ha") == std::string::npos) seen += client.receive();
  CHECK(client.receive(100ms).empty());
  exchange->write("lf\n\n");
  exchange->end();
  CHECK(client.receive().find("lf") != std::string::npos);
}

TEST_CASE("answers that run when the server drains are ended, idle connections closed") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient idle(server->port());
  RawClient busy(server->port());
  RawClient streaming(server->port());
  busy.send(get);
  const auto one = keeper.take();
  streaming.send(get);
  const auto two = keeper.take();
  two->begin(200, events);
  std::atomic<bool> has_drained{false};
  std::jthread drainer([&] { has_drained = server->drain(5s); });
  CHECK(idle.is_ended());
  CHECK(!RawClient(server->port()).is_connected());
  two->write("data: x\n\n");
  two->end();
  CHECK(streaming.read()->is_whole);
  CHECK(streaming.is_ended());
  one->reply({.body = "last"});
  const auto answer = busy.read();
  REQUIRE(answer);
  CHECK(answer->body == "last");
  CHECK(answer->headers.at("connection") == "close");
  CHECK(busy.is_ended());
  drainer.join();
  CHECK(has_drained);
}

TEST_CASE("what still runs when the patience of a drain is over is cancelled") {
  Keeper keeper;
  const auto server = serve(keeper.handler());
  RawClient client(server->port());
  client.send(get);
  const auto exchange = keeper.take();
  CHECK(!server->drain(50ms));
  CHECK(exchange->context().stop().stop_requested());
  CHECK(client.is_ended());
  CHECK(server->stats().connections == 0);
}
