#include <doctest/doctest.h>

#include <atomic>

#include "core/pool.hpp"
#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

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
  CHECK(server->url() == "http://127.0.0.1:" + std::to_string(server->port()));
}

TEST_CASE("a handler sees all of a request") {
  Request seen;
  const auto server = serve([&](const ExchangePtr& exchange) {
    seen = exchange->request();
    CHECK(exchange->context().trace_id() == seen.trace_id);
    exchange->reply({});
  });
  RawClient client(server->port());
  REQUIRE(client.ask("POST", "/a/./b/%2e%2E/c%20d?x=1&y=%41",
                     "X-Request-Id: mine-1\r\nX-A:  one \r\nx-a: two\r\n"
                     "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
                     "the body"));
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/a/./b/%2e%2E/c%20d?x=1&y=%41");
  CHECK(seen.path == "/a/c%20d");
  CHECK(seen.query == "x=1&y=%41");
  CHECK(seen.headers.get("X-A") == "one");
  CHECK(seen.body == "the body");
  CHECK(seen.peer.starts_with("127.0.0.1:"));
  CHECK(seen.id == "mine-1");
  CHECK(seen.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(seen.parent_span_id == "b7ad6b7169203331");
  CHECK(!seen.is_secure);
}

TEST_CASE("ids and traces that are not sound are made anew") {
  Request seen;
  const auto server = serve([&](const ExchangePtr& exchange) {
    seen = exchange->request();
    exchange->reply({});
  });
  RawClient client(server->port());
  for (const std::string lines :
       {"X-Request-Id: two words\r\ntraceparent: 00-xx-yy-01\r\n", "X-Request-Id: \xc3\xa4\r\n",
        "X-Request-Id: <b>\r\ntraceparent: "
        "00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n",
        "traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "traceparent: 00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01\r\n"}) {
    const auto answer = client.ask("GET", "/", lines);
    REQUIRE(answer);
    CHECK(seen.id.starts_with("req_"));
    CHECK(answer->headers.at("x-request-id") == seen.id);
    CHECK(seen.trace_id.size() == 32);
    CHECK(seen.parent_span_id.empty());
  }
}

TEST_CASE("HTTP/1.0 and Connection headers decide whether a connection stays") {
  const auto server = serve([](const ExchangePtr& exchange) {
    Headers headers;
    if (exchange->request().path == "/close") headers.add("Connection", "close");
    exchange->reply({.headers = headers, .body = "x"});
  });
  const auto stays = [&](std::string_view request) {
    RawClient client(server->port());
    client.send(request);
    const auto answer = client.read();
    REQUIRE(answer);
    CHECK(answer->body == "x");
    const bool ended = client.is_ended(100ms);
    if (!ended) CHECK(client.ask("GET", "/")->body == "x");
    return !ended;
  };
  CHECK(stays("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(!stays("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  CHECK(!stays("GET / HTTP/1.0\r\n\r\n"));
  CHECK(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(!stays("GET /close HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST_CASE("pipelined requests are answered in their order, also when workers race") {
  Pool pool({.threads = 4, .queue_max = 1000});
  std::atomic<int> turn{0};
  const auto server = serve([&](const ExchangePtr& exchange) {
    if (turn++ % 3 == 0) return exchange->reply({.body = exchange->request().path});
    pool.submit([exchange] { exchange->reply({.body = exchange->request().path}); });
  });
  RawClient client(server->port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  std::thread sender([&] { client.send(requests); });
  for (int i = 0; i < 500; ++i) {
    const auto answer = client.read();
    REQUIRE(answer);
    CHECK(answer->body == "/" + std::to_string(i));
  }
  sender.join();
}

TEST_CASE("a request may come byte by byte") {
  const auto server = serve(
      [](const ExchangePtr& exchange) { exchange->reply({.body = exchange->request().body}); });
  RawClient client(server->port());
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=\"a\"\r\nabc\r\n00a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (int round = 0; round < 2; ++round) {
    for (const char c : bytes) {
      client.send({&c, 1});
      std::this_thread::yield();
    }
    const auto answer = client.read();
    REQUIRE(answer);
    CHECK(answer->body == "abc0123456789");
  }
}

TEST_CASE("a client that expects 100 Continue gets it, or a refusal, before it sends a body") {
  Server::Options options;
  options.body_bytes_max = 1000;
  options.before_body = [](const Request& head) -> std::optional<Response> {
    if (head.path == "/no") return Response{401, {}, "who are you?"};
    return {};
  };
  const auto server = serve(
      [](const ExchangePtr& exchange) { exchange->reply({.body = exchange->request().body}); },
      options);
  const auto head = [](std::string_view path, int length) {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: {}\r\n\r\n",
        path, length);
  };
  RawClient client(server->port());
  client.send(head("/", 4));
  CHECK(client.read()->status == 100);
  client.send("body");
  CHECK(client.read()->body == "body");
  // Who does not wait gets no 100.
  client.send(head("/", 4) + "body");
  CHECK(client.read()->status == 200);

  RawClient refused(server->port());
  refused.send(head("/no", 4));
  const auto answer = refused.read();
  REQUIRE(answer);
  CHECK(answer->status == 401);
  CHECK(answer->headers.at("connection") == "close");
  CHECK(refused.is_ended());

  RawClient large(server->port());
  large.send(head("/", 4000));
  CHECK(large.read()->status == 413);

  RawClient strange(server->port());
  strange.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n");
  CHECK(strange.read()->status == 417);
}

TEST_CASE("a request that is refused before its body keeps the connection if the body is there") {
  Server::Options options;
  options.before_body = [](const Request&) { return Response{403, {}, "no"}; };
  const auto server = serve([](const ExchangePtr&) { FAIL("must not be called"); }, options);
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask("POST", "/", "", "some body");
    REQUIRE(answer);
    CHECK(answer->status == 403);
  }
  CHECK(server->stats().accepted == 1);
}

TEST_CASE("HEAD, 204 and 304 have no body, and the next answer is not mistaken for one") {
  const auto server = serve([](const ExchangePtr& exchange) {
    const std::string& path = exchange->request().path;
    if (path == "/204") return exchange->reply({204, {}, "dropped"});
    if (path == "/304") return exchange->reply({304, {{"ETag", "\"x\""}}, ""});
    if (path == "/stream") {
      exchange->begin(200, {});
      exchange->write("piece");
      return exchange->end();
    }
    exchange->reply({.body = "12345"});
  });
  RawClient client(server->port());
  for (int round = 0; round < 2; ++round) {
    const auto head = client.ask("HEAD", "/");
    REQUIRE(head);
    CHECK(head->headers.at("content-length") == "5");
    const auto none = client.ask("GET", "/204");
    REQUIRE(none);
    CHECK(none->headers.count("content-length") == 0);
    const auto same = client.ask("GET", "/304");
    REQUIRE(same);
    CHECK(same->status == 304);
    CHECK(same->headers.count("content-length") == 0);
    CHECK(client.ask("HEAD", "/stream")->status == 200);
    CHECK(client.ask("GET", "/stream")->body == "piece");
    CHECK(client.ask("GET", "/")->body == "12345");
  }
}

TEST_CASE("a handler cannot write headers that are not its own") {
  const auto server = serve([](const ExchangePtr& exchange) {
    exchange->reply({200,
                     {{"x-a", "b\r\nset-cookie: evil=1\r\n\r\n<script>"},
                      {"bad name", "x"},
                      {"Content-Length", "3"},
                      {"transfer-encoding", "chunked"},
                      {"x-request-id", "other"},
                      {"x-last", "y"}},
                     "12345"});
  });
  RawClient client(server->port());
  const auto answer = client.ask("GET", "/", "x-request-id: mine\r\n");
  REQUIRE(answer);
  CHECK(answer->headers.count("set-cookie") == 0);
  CHECK(answer->headers.count("bad name") == 0);
  CHECK(answer->headers.at("x-request-id") == "mine");
  CHECK(answer->headers.at("x-last") == "y");
  CHECK(answer->body == "12345");
}

TEST_CASE("an exchange that is let go, or whose handler throws, answers 500") {
  const auto server = serve([](const ExchangePtr& exchange) {
    if (exchange->request().path == "/throw") throw std::runtime_error("a bug");
  });
  RawClient client(server->port());
  CHECK(client.ask("GET", "/")->status == 500);
  CHECK(client.ask("GET", "/throw")->status == 500);
  CHECK(client.ask("GET", "/")->status == 500);
}

TEST_CASE("an answer given twice, or after the server has gone, does nothing") {
  Keeper keeper;
  ExchangePtr late;
  {
    const auto server = serve(keeper.handler());
    RawClient client(server->port());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto exchange = keeper.take();
    exchange->reply({.body = "one"});
    exchange->reply({.body = "two"});
    exchange->begin(200, {});
    CHECK(!exchange->write("three"));
    CHECK(client.read()->body == "one");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    late = keeper.take();
  }
  CHECK(late->context().stop().stop_requested());
  late->reply({.body = "late"});
  late->when_gone([] { FAIL("nobody is there to call it"); });
}

TEST_CASE("each answer is one line of the access log") {
  AccessLog log;
  Server::Options options;
  options.on_access = log.sink();
  Keeper keeper;
  const auto server = serve(
      [&](const ExchangePtr& exchange) {
        if (exchange->request().path == "/keep") return keeper.handler()(exchange);
        exchange->set_caller("anna");
        exchange->note("model", "small");
        exchange->reply({201, {}, "1234"});
      },
      options);
  {
    RawClient client(server->port());
    REQUIRE(
        client.ask("POST", "/a?secret=1", "User-Agent: test/1\r\nx-request-id: r1\r\n", "body"));
    const AccessRecord record = log.at(0);
    CHECK(record.method == "POST");
    CHECK(record.path == "/a");
    CHECK(record.status == 201);
    CHECK(record.request_id == "r1");
    CHECK(record.trace_id.size() == 32);
    CHECK(record.caller == "anna");
    CHECK(record.user_agent == "test/1");
    CHECK(record.notes == std::vector<std::pair<std::string, std::string>>{{"model", "small"}});
    CHECK(record.bytes_in > 40);
    CHECK(record.bytes_out > 100);
    CHECK(record.seconds < 1);
    CHECK(record.complete);
    client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    keeper.take()->context();
  }
  const AccessRecord abandoned = log.at(1);
  CHECK(abandoned.path == "/keep");
  RawClient client(server->port());
  client.send("NONSENSE\r\n\r\n");
  CHECK(client.read()->status == 400);
  CHECK(log.at(2).status == 400);
}

TEST_CASE("a server that cannot be started says why") {
  const auto server = serve([](const ExchangePtr&) {});
  const auto start = [](Server::Options options) {
    auto started = Server::start(std::move(options), [](const ExchangePtr&) {});
    REQUIRE(!started);
    return started.error();
  };
  Server::Options taken;
  taken.port = server->port();
  CHECK(start(taken).code() == Code::unavailable);
  Server::Options host;
  host.host = "not a host";
  CHECK(start(host).code() == Code::invalid_argument);
  Server::Options tls;
  tls.port = 0;
  tls.tls.certificate_file = "/nowhere.pem";
  CHECK(start(tls).code() == Code::invalid_argument);
}

TEST_CASE("a server listens on IPv6 too") {
  Server::Options options;
  options.host = "::1";
  options.port = 0;
  const auto server = Server::start(options, [](const ExchangePtr& e) { e->reply({}); });
  REQUIRE(server);
  CHECK((*server)->url().starts_with("http://[::1]:"));
}
