// Requests that two readers could read differently, or that nobody should read: refused, closed,
// and the server lives on.
#include <doctest/doctest.h>

#include "http/detail/body_reader.hpp"
#include "http/detail/head.hpp"
#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

struct Shape {
  int status;
  std::string_view bytes;
};

#define HOST "Host: a\r\n"

const Shape shapes[] = {
    // Lengths.
    {400,
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabc"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\nabc"},
    {413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n\r\nabc"},
    // Transfer codings.
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
          "chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
    // Chunks.
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\na: b\n\r\n"},
    // Lines.
    {400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n folded\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
    {400, "GET / HTTP/1.1\nHost: a\n\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "A: b\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "A: b\rc: d\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n"},
    {400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"},
    // Hosts.
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a:port\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
    // Targets and request lines.
    {400, "GET http://a/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET a HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
    {400, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /  HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a\\b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /%zz HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /%4 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\r\n\r\n"},
    {400, "GET\r\n\r\n"},
    {400, "G@T / HTTP/1.1\r\n" HOST "\r\n"},
    {400, " GET / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
    {400, "GET / http/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/11\r\n" HOST "\r\n"},
    {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
    {505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
    {505, "GET / HTTP/0.9\r\n" HOST "\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {400, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03"},
    // Codings of the body.
    {415, "POST / HTTP/1.1\r\n" HOST "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"},
    {415, "POST / HTTP/1.1\r\n" HOST "Content-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\nx"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"},
};

}  // namespace

TEST_CASE("malformed requests are refused and their connection is closed") {
  std::atomic<int> handled{0};
  const auto server = serve([&](const ExchangePtr& exchange) {
    ++handled;
    exchange->reply({});
  });
  for (const Shape& shape : shapes) {
    // A second request behind it must never be answered: that is what smuggling is.
    RawClient client(server->port());
    client.send(std::string(shape.bytes) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.read();
    REQUIRE_MESSAGE(answer, shape.bytes);
    CHECK_MESSAGE(answer->status == shape.status, shape.bytes);
    CHECK(answer->headers.at("connection") == "close");
    CHECK(answer->headers.at("content-type") == "application/problem+json");
    CHECK(answer->headers.count("x-request-id") == 1);
    client.end_sending();
    CHECK_MESSAGE(client.receive(1s).empty(), shape.bytes);
  }
  CHECK(handled == 0);
  CHECK(server->stats().malformed == std::size(shapes));
  RawClient client(server->port());
  CHECK(client.ask("GET", "/")->status == 200);
}

TEST_CASE("a zero byte anywhere in a head is refused") {
  const auto server = serve([](const ExchangePtr& exchange) { exchange->reply({}); });
  const std::string sound = "GET /a HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
  for (std::size_t at = 0; at < sound.size(); ++at) {
    RawClient client(server->port());
    std::string broken = sound;
    broken.insert(at, 1, '\0');
    client.send(broken);
    const auto answer = client.read();
    REQUIRE(answer);
    CHECK_MESSAGE(answer->status == 400, at);
  }
}

TEST_CASE("long heads are refused with the status that fits") {
  Server::Options options;
  options.header_bytes_max = 16u << 10;
  const auto server = serve([](const ExchangePtr& exchange) { exchange->reply({}); }, options);
  const auto status = [&](const std::string& bytes) {
    RawClient client(server->port());
    client.send(bytes);
    const auto answer = client.read();
    return answer ? answer->status : 0;
  };
  CHECK(status("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 414);
  CHECK(status("GET /" + std::string(100'000, 'a')) == 414);
  CHECK(status("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(20'000, 'a')) == 431);
  CHECK(status("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n") == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 200; ++i) many += "A: b\r\n";
  CHECK(status(many + "\r\n") == 431);
  CHECK(status("GET /" + std::string(8000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
}

TEST_CASE("a body is not read beyond its limit, however it is sent") {
  Server::Options options;
  options.body_bytes_max = 1000;
  options.body_limit = [](const Request& head) -> std::optional<std::size_t> {
    if (head.path == "/upload") return 100'000;
    return {};
  };
  const auto server = serve(
      [](const ExchangePtr& exchange) {
        exchange->reply({.body = std::to_string(exchange->request().body.size())});
      },
      options);
  RawClient client(server->port());
  CHECK(client.ask("POST", "/", "", std::string(1000, 'x'))->body == "1000");
  CHECK(client.ask("POST", "/upload", "", std::string(50'000, 'x'))->body == "50000");
  CHECK(client.ask("POST", "/", "", std::string(1001, 'x'))->status == 413);
  RawClient chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i)
    if (!chunked.send("64\r\n" + std::string(100, 'x') + "\r\n")) break;
  CHECK(chunked.read()->status == 413);
}

TEST_CASE("bodies that fill the memory together are refused") {
  Server::Options options;
  options.bodies_bytes_max = 200'000;
  Keeper keeper;
  const auto server = serve(
      [&](const ExchangePtr& exchange) {
        if (exchange->request().path == "/keep") return keeper.handler()(exchange);
        exchange->reply({});
      },
      options);
  const std::string body(80'000, 'x');
  RawClient first(server->port());
  first.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 80000\r\n\r\n" + body);
  auto exchange = keeper.take();
  RawClient second(server->port());
  CHECK(second.ask("POST", "/", "", body)->status == 503);
  exchange->reply({});
  exchange.reset();
  CHECK(first.read()->status == 200);
  // Once the first is forgotten there is room again.
  CHECK(soon([&] {
    const auto answer = RawClient(server->port()).ask("POST", "/", "", body);
    return answer && answer->status == 200;
  }));
}

TEST_CASE("dot segments are resolved, also escaped ones, and never leave the root") {
  using detail::resolve_dots;
  CHECK(resolve_dots("/a/b/c") == "/a/b/c");
  CHECK(resolve_dots("/a/./b") == "/a/b");
  CHECK(resolve_dots("/a/../b") == "/b");
  CHECK(resolve_dots("/../../b") == "/b");
  CHECK(resolve_dots("/a/..") == "/");
  CHECK(resolve_dots("/a/b/.") == "/a/b/");
  CHECK(resolve_dots("/a/%2e%2E/b") == "/b");
  CHECK(resolve_dots("/a/.%2e/b") == "/b");
  CHECK(resolve_dots("/a/...") == "/a/...");
  CHECK(resolve_dots("/a/%2f../b") == "/a/%2f../b");
  CHECK(resolve_dots("/.hidden") == "/.hidden");
  CHECK(resolve_dots("/") == "/");
  CHECK(resolve_dots("//a//") == "//a//");
}

TEST_CASE("queries and escapes are decoded or refused") {
  CHECK(percent_decode("a%20b+c") == "a b+c");
  CHECK(percent_decode("a%20b+c", true) == "a b c");
  CHECK(!percent_decode("%"));
  CHECK(!percent_decode("%4"));
  CHECK(!percent_decode("%zz"));
  CHECK(!percent_decode("%00"));
  CHECK(!percent_decode("%ff"));
  CHECK(percent_decode("%c3%a4") == "\xc3\xa4");
  CHECK(percent_encode("a b/\xc3\xa4~") == "a%20b%2F%C3%A4~");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(parse_query("a=1&b=%41+c&&d&a=2") ==
        Pairs{{"a", "1"}, {"b", "A c"}, {"d", ""}, {"a", "2"}});
  CHECK(!parse_query("a=%"));
  CHECK(parse_query("") == Pairs{});
  CHECK(etag_matches("\"a\", W/\"b\"", "\"b\""));
  CHECK(etag_matches("*", "\"b\""));
  CHECK(!etag_matches("\"a\"", "\"b\""));
}

TEST_CASE("many malformed connections at once leave the server alive") {
  const auto server = serve([](const ExchangePtr& exchange) { exchange->reply({}); });
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 500; ++i) {
        RawClient client(server->port());
        client.send(shapes[(i + static_cast<std::size_t>(t) * 17) % std::size(shapes)].bytes);
        if (i % 3 == 0) client.reset();
      }
    });
  threads.clear();
  RawClient client(server->port());
  CHECK(client.ask("GET", "/")->status == 200);
  CHECK(soon([&] { return server->stats().connections <= 1; }));
}
