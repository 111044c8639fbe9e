#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "http/detail/coding.hpp"
#include "http/loopback_server.hpp"
#include "http/server.hpp"
#include "http/upstream.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

using Connection = LoopbackServer::Connection;
using Asked = LoopbackServer::Request;

/// What came of a call.
class Outcome {
 public:
  UpstreamEvents events(std::function<bool(std::string_view)> on_body = {}) {
    return {.on_head =
                [this](int status, Headers headers) {
                  const std::lock_guard lock(mutex_);
                  status_ = status;
                  headers_ = std::move(headers);
                  changed_.notify_all();
                },
            .on_body =
                [this, on_body](std::string_view piece) {
                  {
                    const std::lock_guard lock(mutex_);
                    body_ += piece;
                    changed_.notify_all();
                  }
                  return !on_body || on_body(piece);
                },
            .on_end =
                [this](Result<void> result) {
                  const std::lock_guard lock(mutex_);
                  result_ = std::move(result);
                  ++ends_;
                  ended_at_ = std::chrono::steady_clock::now();
                  changed_.notify_all();
                }};
  }

  Result<void> wait() {
    REQUIRE(until([this] { return ends_ > 0; }));
    return *result_;
  }
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds patience = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, holds);
  }
  bool until_body(std::size_t bytes, std::chrono::milliseconds patience = 10s) {
    return until([&] { return body_.size() >= bytes; }, patience);
  }
  int status() const { return status_; }
  const Headers& headers() const { return headers_; }
  std::string body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }
  int ends() const { return ends_; }
  std::chrono::steady_clock::time_point ended_at() const { return ended_at_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int status_ = 0, ends_ = 0;
  Headers headers_;
  std::string body_;
  std::optional<Result<void>> result_;
  std::chrono::steady_clock::time_point ended_at_;
};

std::unique_ptr<Upstream> make(Upstream::Options options = {}) {
  auto upstream = Upstream::make(options);
  REQUIRE(upstream);
  return std::move(*upstream);
}

ClientRequest get(const std::string& url) {
  ClientRequest request;
  request.url = url;
  return request;
}

ClientRequest post(const std::string& url, std::string body) {
  ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"content-type", "application/json"}};
  request.body = std::move(body);
  return request;
}

}  // namespace

TEST_CASE("a call gets head, body and end, and the next one the same connection") {
  LoopbackServer server([](const Asked& request, Connection& connection) {
    connection.reply(201, request.method + request.body, "X-Made: yes\r\n");
  });
  const auto upstream = make();
  for (const std::string body : {"one", "", "three"}) {
    Outcome outcome;
    REQUIRE(upstream->start(post(server.url("/a"), body), {}, outcome.events()));
    REQUIRE(outcome.wait());
    CHECK(outcome.status() == 201);
    CHECK(outcome.headers().get("x-made") == "yes");
    CHECK(outcome.body() == "POST" + body);
  }
  Outcome outcome;
  REQUIRE(upstream->start(get(server.url("/b")), {}, outcome.events()));
  REQUIRE(outcome.wait());
  CHECK(outcome.body() == "GET");
  CHECK(server.connections() == 1);
  CHECK(server.requests()[0].headers.at("content-type") == "application/json");
  CHECK(server.requests()[3].headers.count("content-type") == 0);
  CHECK(server.requests()[3].headers.at("content-length").empty());
}

TEST_CASE("interim answers and trailers are not the head of a call") {
  LoopbackServer server([](const Asked&, Connection& connection) {
    connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    connection.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n2\r\nhi\r\n0\r\n"
        "Tail: x\r\n\r\n");
  });
  const auto upstream = make();
  Outcome outcome;
  REQUIRE(upstream->start(get(server.url()), {}, outcome.events()));
  REQUIRE(outcome.wait());
  CHECK(outcome.status() == 200);
  CHECK(outcome.headers().get("a") == "b");
  CHECK(outcome.headers().find("link") == nullptr);
  CHECK(outcome.body() == "hi");
}

TEST_CASE("what a caller allows to be packed arrives unpacked") {
  const std::string text(1000, 'x');
  const auto packed = detail::compress(detail::Coding::gzip, text);
  REQUIRE(packed);
  LoopbackServer server([&](const Asked&, Connection& connection) {
    connection.reply(200, *packed, "Content-Encoding: gzip\r\n");
  });
  const auto upstream = make();
  Outcome outcome;
  auto request = get(server.url());
  request.headers["Accept-Encoding"] = "gzip";
  REQUIRE(upstream->start(request, {}, outcome.events()));
  const auto ended = outcome.wait();
  REQUIRE_MESSAGE(ended, ended.error().message());
  CHECK(outcome.body() == text);
  CHECK(outcome.headers().find("content-encoding") == nullptr);
}

TEST_CASE("each of the three timeouts ends a call and names itself") {
  LoopbackServer server([](const Asked& request, Connection& connection) {
    if (request.target == "/slow-body") {
      connection.begin_chunked();
      connection.chunk("x");
    }
    connection.wait(5s);
    connection.close();
  });
  const auto upstream = make();
  const auto fails_with = [&](const std::string& path, UpstreamTimeouts timeouts) {
    Outcome outcome;
    REQUIRE(upstream->start(get(server.url(path)), timeouts, outcome.events()));
    const auto ended = outcome.wait();
    REQUIRE(!ended);
    CHECK(ended.error().code() == Code::deadline_exceeded);
    return ended.error().message();
  };
  CHECK(fails_with("/x", {.first_byte = 50ms}).find("first byte timeout") != std::string::npos);
  CHECK(fails_with("/x", {.total = 50ms}).find("total timeout") != std::string::npos);
  CHECK(fails_with("/slow-body", {.first_byte = 400ms, .total = 900ms}).find("total timeout") !=
        std::string::npos);

  // A listener whose queue is full answers no SYN: the connection is never there.
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(fd, 0) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    [[maybe_unused]] const int pending =
        connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  Outcome outcome;
  const std::string url = fmt::format("http://127.0.0.1:{}/", ntohs(address.sin_port));
  REQUIRE(upstream->start(get(url), {.connect = 50ms}, outcome.events()));
  const auto ended = outcome.wait();
  REQUIRE(!ended);
  CHECK(ended.error().code() == Code::deadline_exceeded);
  CHECK(ended.error().message().find("connect timeout") != std::string::npos);
  for (const int filler : fillers) ::close(filler);
  ::close(fd);
}

TEST_CASE("a cancelled call ends within milliseconds and its server sees it") {
  std::atomic<bool> has_seen{false};
  LoopbackServer server([&](const Asked&, Connection& connection) {
    connection.begin_chunked();
    connection.chunk("first");
    if (!connection.wait(5s)) has_seen = true;
    connection.close();
  });
  const auto upstream = make();
  Outcome outcome;
  const auto call = upstream->start(get(server.url()), {}, outcome.events());
  REQUIRE(call);
  REQUIRE(outcome.until_body(5));
  const auto before = std::chrono::steady_clock::now();
  (*call)->cancel();
  const auto ended = outcome.wait();
  REQUIRE(!ended);
  CHECK(ended.error().code() == Code::cancelled);
  CHECK(outcome.ended_at() - before < 500ms);
  (*call)->cancel();
  (*call)->resume();
  for (int i = 0; i < 200 && !has_seen; ++i) std::this_thread::sleep_for(5ms);
  CHECK(has_seen);
  CHECK(outcome.ends() == 1);
}

TEST_CASE("a paused call holds its sender back until it is resumed") {
  std::atomic<std::size_t> sent{0};
  const std::string block(64u << 10, 'x');
  constexpr int blocks = 400;  // 25 MB: more than any buffer between.
  LoopbackServer server([&](const Asked&, Connection& connection) {
    connection.begin_chunked();
    for (int i = 0; i < blocks; ++i) {
      if (!connection.chunk(block)) return;
      sent += block.size();
    }
    connection.end_chunked();
  });
  const auto upstream = make();
  Outcome outcome;
  std::atomic<bool> takes{false};
  const auto call =
      upstream->start(get(server.url()), {}, outcome.events([&](auto) { return takes.load(); }));
  REQUIRE(call);
  REQUIRE(outcome.until_body(1));
  std::size_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(50ms);
  } while (sent != before);
  CHECK(sent < 16u << 20);
  CHECK(outcome.body().size() <= 64u << 10);
  takes = true;
  (*call)->resume();
  REQUIRE(outcome.wait());
  CHECK(outcome.body().size() == blocks * block.size());
}

TEST_CASE("what an upstream breaks is told as broken, and secrets of the URL are not") {
  LoopbackServer server([](const Asked& request, Connection& connection) {
    if (request.target.starts_with("/cut")) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      connection.close();
    } else if (request.target.starts_with("/chunk")) {
      connection.begin_chunked();
      connection.chunk("half");
      connection.close();
    } else {
      connection.reset();
    }
  });
  const auto upstream = make();
  for (const std::string path : {"/cut", "/chunk", "/reset"}) {
    Outcome outcome;
    auto url = server.url(path + "?key=hidden");
    url.insert(7, "user:hidden@");
    REQUIRE(upstream->start(get(url), {}, outcome.events()));
    const auto ended = outcome.wait();
    REQUIRE(!ended);
    CHECK(ended.error().code() == Code::unavailable);
    CHECK(ended.error().message().find("hidden") == std::string::npos);
  }
  Outcome outcome;
  for (const std::string url : {"ftp://x/", "http://", "no url"})
    CHECK(upstream->start(get(url), {}, outcome.events()).error().code() == Code::invalid_argument);
  auto request = get(server.url());
  request.headers["a"] = "b\r\nc: d";
  CHECK(upstream->start(request, {}, outcome.events()).error().code() == Code::invalid_argument);
}

TEST_CASE("many streams run at once on the one thread of an upstream, and no more than allowed") {
  std::atomic<bool> go_on{false};
  LoopbackServer server([&](const Asked& request, Connection& connection) {
    connection.begin_chunked();
    connection.chunk(request.target);
    while (!go_on && connection.wait(5ms)) continue;
    connection.end_chunked();
  });
  constexpr std::size_t streams = 60;
  const auto upstream = make({.calls_max = streams});
  std::vector<std::unique_ptr<Outcome>> outcomes;
  for (std::size_t i = 0; i < streams; ++i) {
    outcomes.push_back(std::make_unique<Outcome>());
    REQUIRE(
        upstream->start(get(server.url("/" + std::to_string(i))), {}, outcomes.back()->events()));
  }
  for (const auto& outcome : outcomes) REQUIRE(outcome->until_body(2));
  Outcome refused;
  const auto more = upstream->start(get(server.url()), {}, refused.events());
  REQUIRE(!more);
  CHECK(more.error().code() == Code::unavailable);
  go_on = true;
  for (std::size_t i = 0; i < streams; ++i) {
    REQUIRE(outcomes[i]->wait());
    CHECK(outcomes[i]->body() == "/" + std::to_string(i));
  }
}

TEST_CASE("an upstream that goes away cancels what runs") {
  LoopbackServer server([](const Asked&, Connection& connection) { connection.wait(5s); });
  Outcome outcome;
  std::shared_ptr<UpstreamCall> call;
  {
    const auto upstream = make();
    call = *upstream->start(get(server.url()), {}, outcome.events());
  }
  CHECK(outcome.ends() == 1);
  CHECK(outcome.wait().error().code() == Code::cancelled);
  call->cancel();
  call->resume();
}

TEST_CASE("an event may start, cancel and throw") {
  LoopbackServer server(
      [](const Asked&, Connection& connection) { connection.reply(200, "body"); });
  const auto upstream = make();
  Outcome first;
  Outcome second;
  auto events = first.events();
  const auto on_end = events.on_end;
  events.on_end = [&](Result<void> result) {
    REQUIRE(upstream->start(get(server.url()), {}, second.events()));
    on_end(std::move(result));
  };
  REQUIRE(upstream->start(get(server.url()), {}, events));
  CHECK(first.wait());
  CHECK(second.wait());
  Outcome third;
  auto throwing = third.events();
  throwing.on_body = [](std::string_view) -> bool { throw std::runtime_error("a bug"); };
  REQUIRE(upstream->start(get(server.url()), {}, throwing));
  CHECK(third.wait().error().code() == Code::internal);
}

TEST_CASE("an upstream for foreign URLs connects to nothing that is not public") {
  LoopbackServer server([](const Asked&, Connection& connection) { connection.reply(200, "x"); });
  const auto upstream = make({.reach = Reach::public_only});
  Outcome outcome;
  REQUIRE(upstream->start(get(server.url()), {}, outcome.events()));
  CHECK(outcome.wait().error().code() == Code::forbidden);
  CHECK(server.connections() == 0);
}

TEST_CASE("hosts with names are resolved and called, again and again") {
  char name[256] = "";
  REQUIRE(gethostname(name, sizeof name - 1) == 0);
  Server::Options options;
  options.host = "0.0.0.0";
  options.port = 0;
  const auto server = Server::start(options, [](const ExchangePtr& exchange) {
    exchange->reply({200, {{"connection", "close"}}, "named"});
  });
  REQUIRE(server);
  for (int i = 0; i < 10; ++i) {
    // A new upstream has an empty cache of names.
    const auto upstream = make();
    for (int j = 0; j < 3; ++j) {
      Outcome outcome;
      auto request = get(fmt::format("http://{}:{}/", name, (*server)->port()));
      const auto start = std::chrono::steady_clock::now();
      REQUIRE(upstream->start(request, {}, outcome.events()));
      const auto ended = outcome.wait();
      // Where the name of this machine leads nowhere, it must be told, and as quickly.
      CHECK_MESSAGE((ended || ended.error().code() == Code::unavailable), name);
      CHECK(std::chrono::steady_clock::now() - start < 3s);
      if (ended) CHECK(outcome.body() == "named");
    }
  }
}

namespace {

/// Relays every request to `url` and keeps the threads on which things happened.
struct Relay {
  explicit Relay(const std::string& target) : url(target) {
    Server::Options options;
    options.port = 0;
    options.threads = 2;
    auto started = Server::start(options, [this](const ExchangePtr& exchange) { relay(exchange); });
    REQUIRE(started);
    server = std::move(*started);
  }
  void relay(const ExchangePtr& exchange) {
    const auto asked_on = std::this_thread::get_id();
    const auto body = std::make_shared<std::string>();
    UpstreamEvents events;
    events.on_body = [body](std::string_view piece) {
      *body += piece;
      return true;
    };
    events.on_end = [this, exchange, asked_on, body](Result<void> result) {
      is_same_thread = is_same_thread && std::this_thread::get_id() == asked_on;
      if (!result) ++failed;
      exchange->reply({.status = result ? 200 : 502, .body = *body});
    };
    auto call = upstream->start(get(url), {}, std::move(events));
    if (!call) exchange->reply({.status = 503});
  }

  std::string url;
  std::unique_ptr<Upstream> upstream = make();
  std::unique_ptr<Server> server;
  std::atomic<bool> is_same_thread{true};
  std::atomic<int> failed{0};
};

}  // namespace

TEST_CASE("a call that starts on an edge stays on its thread, and each edge keeps its connection") {
  LoopbackServer upstream(
      [](const Asked&, Connection& connection) { connection.reply(200, "hello"); });
  Relay relay(upstream.url());
  for (int i = 0; i < 8; ++i) {
    const auto response = Client::make({})->send(Context(), get(relay.server->url()));
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body == "hello");
  }
  CHECK(relay.is_same_thread);
  CHECK(upstream.connections() == 2);
}

TEST_CASE("a call on an edge is cancelled when the upstream goes, and when the edge does") {
  std::atomic<int> asked{0};
  LoopbackServer silent([&](const Asked&, Connection& connection) {
    ++asked;
    connection.wait(10s);
  });
  for (const bool is_upstream_first : {true, false}) {
    CAPTURE(is_upstream_first);
    Relay relay(silent.url());
    const int before = asked;
    std::thread client([url = relay.server->url()] {
      const auto response = Client::make({})->send(Context(), get(url));
      CHECK((!response || response->status == 502));
    });
    for (int i = 0; i < 10'000 && asked == before; ++i) std::this_thread::sleep_for(1ms);
    if (is_upstream_first)
      relay.upstream.reset();
    else
      relay.server.reset();
    CHECK(relay.failed == 1);
    client.join();
  }
}
