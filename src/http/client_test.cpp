#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fault.hpp"
#include "http/client.hpp"
#include "http/loopback_server.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

using Request = LoopbackServer::Request;
using Connection = LoopbackServer::Connection;

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

Result<ClientResponse> get(Client& client, const std::string& url, const Context& context = {}) {
  ClientRequest request;
  request.url = url;
  return client.send(context, request);
}

/// A port on which nobody listens, as long as the object lives.
class DeadPort {
 public:
  DeadPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~DeadPort() { close(fd_); }
  int port = 0;

 private:
  int fd_;
};

}  // namespace

TEST_CASE("a host that has no address is an error, again and again") {
  const auto client = Client::make({});
  // A label may have 63 characters: refused without asking anyone.
  ClientRequest request;
  request.url = "http://" + std::string(64, 'a') + ".invalid/";
  for (int i = 0; i < 3; ++i) {
    const auto response = client->send(Context(), request);
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == Code::unavailable);
  }
}

TEST_CASE("a request arrives as it was written and its response comes back") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    connection.reply(207, request.body + "!", "X-One: a\r\nx-one: b\r\nEmpty:\r\n");
  });
  const auto client = Client::make({});
  ClientRequest request;
  request.method = "POST";
  request.url = server.url("/a/b?c=d");
  request.headers = {{"Authorization", "Bearer secret"}, {"X-Empty", ""}};
  request.body = std::string("zero \0 inside", 13);
  const auto response = client->send({}, request);
  REQUIRE(response.ok());
  CHECK(response->status == 207);
  CHECK(response->body == request.body + "!");
  CHECK(response->headers.at("x-one") == "a, b");
  CHECK(response->headers.at("empty") == "");
  const auto seen = server.requests();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].target == "/a/b?c=d");
  CHECK(seen[0].headers.at("authorization") == "Bearer secret");
  CHECK(seen[0].headers.contains("x-empty"));
  CHECK_FALSE(seen[0].headers.contains("expect"));
}

TEST_CASE("calls one after another use one connection, also after an error status") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    connection.reply(request.target == "/bad" ? 500 : 200, "x");
  });
  const auto client = Client::make({});
  for (int i = 0; i < 20; ++i) REQUIRE(get(*client, server.url(i % 2 ? "/bad" : "/good")).ok());
  CHECK(server.connections() == 1);
  CHECK(server.requests().size() == 20);
}

TEST_CASE("a connection that the server closed meanwhile is replaced without an error") {
  LoopbackServer server([](const Request&, Connection& connection) {
    connection.reply(200, "x");  // Promises to keep the connection, and closes it.
    connection.close();
  });
  const auto client = Client::make({});
  for (int i = 0; i < 5; ++i) {
    const auto response = get(*client, server.url());
    INFO((response.ok() ? "" : response.error().message()));
    REQUIRE(response.ok());
    std::this_thread::sleep_for(20ms);
  }
  CHECK(server.connections() == 5);
}

TEST_CASE("many threads share a client") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    connection.wait(5ms);
    connection.reply(200, request.target);
  });
  const auto client = Client::make({});
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string path = fmt::format("/{}/{}", t, i);
        const auto response = get(*client, server.url(path));
        if (response && response->body == path) ++good;
      }
    });
  threads.clear();
  CHECK(good == 80);
  CHECK(server.connections() <= 8);
}

TEST_CASE("chunks reach the sink while the server still writes") {
  std::atomic<bool> got_first{false};
  LoopbackServer server([&](const Request&, Connection& connection) {
    connection.begin_chunked();
    connection.chunk("first ");
    for (int i = 0; i < 400 && !got_first; ++i) connection.wait(5ms);
    connection.chunk(got_first ? "in time" : "too late");
    connection.end_chunked();
  });
  const auto client = Client::make({});
  std::string body;
  ClientRequest request;
  request.url = server.url();
  const auto response = client->send({}, request, [&](std::string_view piece) {
    body += piece;
    got_first = true;
    return true;
  });
  REQUIRE(response.ok());
  CHECK(body == "first in time");
  CHECK(response->body.empty());
}

TEST_CASE("the body of an error status does not reach the sink") {
  LoopbackServer server([](const Request&, Connection& connection) {
    connection.reply(503, "data: not a result\n\n");
  });
  const auto client = Client::make({});
  bool called = false;
  ClientRequest request;
  request.url = server.url();
  const auto response = client->send({}, request, [&](std::string_view) { return called = true; });
  REQUIRE(response.ok());
  CHECK_FALSE(called);
  CHECK(response->status == 503);
  CHECK(response->body == "data: not a result\n\n");
}

TEST_CASE("a sink that has enough ends the call, and the client stays usable") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    if (request.target == "/short") return void(connection.reply(200, "ok"));
    connection.begin_chunked();
    while (connection.chunk("data: x\n\n") && connection.wait(1ms)) continue;
    connection.close();
  });
  const auto client = Client::make({});
  ClientRequest request;
  request.url = server.url("/endless");
  const auto response = client->send({}, request, [](std::string_view) { return false; });
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code() == Code::cancelled);
  CHECK(get(*client, server.url("/short")).ok());
}

TEST_CASE("what a sink throws comes out of the call") {
  LoopbackServer server([](const Request&, Connection& connection) { connection.reply(200, "x"); });
  const auto client = Client::make({});
  ClientRequest request;
  request.url = server.url();
  const BodySink throwing = [](std::string_view) -> bool { throw std::runtime_error("a bug"); };
  CHECK_THROWS_WITH((void)client->send({}, request, throwing), "a bug");
}

TEST_CASE("a stop request ends a call within 50 ms, wherever it waits") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    if (request.target == "/middle") {
      connection.begin_chunked();
      connection.chunk("a");
    }
    connection.wait(10s);
    connection.close();
  });
  const auto client = Client::make({});
  for (const char* path : {"/silent", "/middle"}) {
    CAPTURE(path);
    std::stop_source source;
    std::chrono::steady_clock::time_point asked;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(100ms);
      asked = std::chrono::steady_clock::now();
      source.request_stop();
    });
    const auto response = get(*client, server.url(path), Context(source.get_token()));
    const double late = milliseconds_since(asked);
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code() == Code::cancelled);
    CHECK(late < 50);
  }
  std::stop_source stopped;
  stopped.request_stop();
  CHECK(get(*client, server.url("/"), Context(stopped.get_token())).error().code() ==
        Code::cancelled);
}

TEST_CASE("the deadline of the context holds, and the client's own timeout behind it") {
  LoopbackServer server([](const Request&, Connection& connection) {
    connection.begin_chunked();
    while (connection.chunk("a") && connection.wait(10ms)) continue;  // Slow, but never silent.
    connection.close();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto client = Client::make({});
  auto response = get(*client, server.url(), Context().with_timeout(150ms));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code() == Code::deadline_exceeded);
  CHECK(milliseconds_since(start) >= 145);
  CHECK(milliseconds_since(start) < 400);

  const auto hasty = Client::make({.timeout = 100ms});
  response = get(*hasty, server.url());
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code() == Code::deadline_exceeded);
  CHECK(response.error().message().find("100 ms") != std::string::npos);
}

TEST_CASE("refused, reset, cut and garbled answers are unavailable and name the address") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    if (request.target == "/cut")
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    if (request.target == "/cut-chunk")
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    if (request.target == "/bad-chunk")
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n");
    if (request.target == "/garbage") connection.send("\x01\x02 this is not HTTP\r\n\r\n");
    if (request.target == "/reset") return connection.reset();
    connection.close();
  });
  const auto client = Client::make({});
  for (const char* path : {"/cut", "/cut-chunk", "/bad-chunk", "/garbage", "/reset", "/nothing"}) {
    CAPTURE(path);
    const auto response = get(*client, server.url(path));
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code() == Code::unavailable);
    CHECK(response.error().message().find(server.url(path)) != std::string::npos);
  }
  const DeadPort dead;
  const auto response = get(*client, fmt::format("http://127.0.0.1:{}/", dead.port));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code() == Code::unavailable);
}

TEST_CASE("a body or a head beyond the limit is refused") {
  LoopbackServer server([](const Request& request, Connection& connection) {
    const std::string block(64u << 10, 'x');
    if (request.target == "/head") {
      connection.send("HTTP/1.1 200 OK\r\n");
      while (connection.send(fmt::format("X: {}\r\n", block.substr(0, 1000)))) continue;
    } else {
      connection.begin_chunked();
      while (connection.chunk(block)) continue;
    }
    connection.close();
  });
  const auto client = Client::make({.timeout = 20s, .body_bytes_max = 1u << 20});
  for (const char* path : {"/body", "/head"}) {
    CAPTURE(path);
    const auto response = get(*client, server.url(path));
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code() == Code::unavailable);
  }
}

TEST_CASE("ten megabytes go both ways") {
  LoopbackServer server(
      [](const Request& request, Connection& connection) { connection.reply(200, request.body); });
  const auto client = Client::make({});
  ClientRequest request;
  request.method = "PUT";
  request.url = server.url();
  for (int i = 0; request.body.size() < 10u << 20; ++i) request.body += std::to_string(i);
  const auto response = client->send({}, request);
  REQUIRE(response.ok());
  CHECK(response->body == request.body);
}

TEST_CASE("redirects are answers, not detours") {
  LoopbackServer server([](const Request&, Connection& connection) {
    connection.reply(302, "", "Location: http://127.0.0.1:1/\r\n");
  });
  const auto response = get(*Client::make({}), server.url());
  REQUIRE(response.ok());
  CHECK(response->status == 302);
}

TEST_CASE("what cannot be sent is refused before anything is sent") {
  const auto client = Client::make({});
  for (const std::string url : {"", "file:///etc/passwd", "ftp://h/", "http://", "nonsense",
                                "http://a b/", "gopher://h:1/"}) {
    CAPTURE(url);
    const auto response = get(*client, url);
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code() == Code::invalid_argument);
  }
  ClientRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X", "a\r\nInjected: b"}};
  CHECK(client->send({}, request).error().code() == Code::invalid_argument);
  request.headers = {{"X\r\nY", "a"}};
  CHECK(client->send({}, request).error().code() == Code::invalid_argument);
  request.headers = {};
  request.method = "GET /\r\n";
  CHECK(client->send({}, request).error().code() == Code::invalid_argument);
}

TEST_CASE("messages do not show what is secret in a URL") {
  const DeadPort dead;
  const auto client = Client::make({});
  const auto response =
      get(*client, fmt::format("http://user:hunter2@127.0.0.1:{}/v1?key=hunter2", dead.port));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().message().find("hunter2") == std::string::npos);
  CHECK(redact_url("https://u:p@h/a?b#c") == "https://h/a");
  CHECK(redact_url("https://h/a@b") == "https://h/a@b");
}

TEST_CASE("every call is a fault point") {
  LoopbackServer server([](const Request&, Connection& connection) { connection.reply(200, "x"); });
  const auto client = Client::make({});
  {
    const FaultPlan plan(FaultKind::network, 2);
    CHECK(get(*client, server.url()).ok());
    CHECK(get(*client, server.url()).error().code() == Code::unavailable);
    CHECK(plan.fired());
  }
  CHECK(get(*client, server.url()).ok());
  CHECK(server.requests().size() == 2);
}
