#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <fstream>

#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

std::size_t resident_bytes() {
  std::size_t pages = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096;
}

Server::Options impatient() {
  Server::Options options;
  options.header_timeout = 100ms;
  options.body_timeout = 100ms;
  options.idle_timeout = 150ms;
  options.write_timeout = 150ms;
  return options;
}

/// Clients in a process of their own: both ends of ten thousand connections are more descriptors
/// than one process may have. Each asks once, then stays.
class Crowd {
 public:
  Crowd(int port, std::size_t count) {
    int ends[2] = {};
    REQUIRE(pipe(ends) == 0);
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const bool succeeds = stand(port, count);
      if (succeeds && ::write(ends[1], "+", 1) == 1) pause();
      _exit(1);
    }
    ::close(ends[1]);
    char sign = 0;
    REQUIRE(::read(ends[0], &sign, 1) == 1);
    ::close(ends[0]);
  }
  ~Crowd() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

 private:
  /// Nothing but system calls: other threads may have held any lock when this process was forked.
  static bool stand(int port, std::size_t count) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    constexpr std::string_view request =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789";
    constexpr std::size_t at_once = 500;  // Asked together, so that nobody waits for each.
    int fds[at_once];
    for (std::size_t i = 0; i < count; i += at_once) {
      const std::size_t here = std::min(at_once, count - i);
      for (std::size_t j = 0; j < here; ++j) {
        fds[j] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[j], reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::send(fds[j], request.data(), request.size(), 0) < 0)
          return false;
      }
      char answer[1024];
      for (std::size_t j = 0; j < here; ++j)
        if (::recv(fds[j], answer, sizeof answer, 0) <= 0) return false;
    }
    return true;
  }

  pid_t child_ = -1;
};

void echo(const ExchangePtr& exchange) { exchange->reply({.body = exchange->request().body}); }

}  // namespace

TEST_CASE("slow heads and slow bodies are told 408, idle connections are closed") {
  const auto server = serve(echo, impatient());
  const auto start = std::chrono::steady_clock::now();
  RawClient silent(server->port());
  RawClient slow_head(server->port());
  RawClient slow_body(server->port());
  RawClient used(server->port());
  slow_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(used.ask("GET", "/")->status == 200);
  // Byte after byte does not help: the time counts from the first.
  std::jthread dripping([&](const std::stop_token& stop) {
    const std::string_view head = "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (std::size_t i = 0; i < head.size() && !stop.stop_requested(); ++i) {
      slow_head.send(head.substr(i, 1));
      std::this_thread::sleep_for(10ms);
    }
  });
  CHECK(slow_body.read()->status == 408);
  CHECK(slow_body.is_ended());
  CHECK(slow_head.read()->status == 408);
  dripping.request_stop();
  CHECK(silent.is_ended());
  CHECK(used.is_ended());
  CHECK(milliseconds_since(start) > 90);
  CHECK(milliseconds_since(start) < 4000);
  CHECK(soon([&] { return server->stats().connections == 0; }));
}

TEST_CASE("a body that comes slowly but steadily is read") {
  auto options = impatient();
  options.body_timeout = 500ms;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(80ms);
    client.send("x");
  }
  CHECK(client.read()->body == "xxxxxxxx");
}

TEST_CASE("a client that takes no byte is given up, one that takes few is not") {
  Keeper keeper;
  auto options = impatient();
  options.write_timeout = 500ms;
  const auto server = serve(keeper.handler(), options);
  RawClient stuck(server->port());
  stuck.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto exchange = keeper.take();
  exchange->reply({.body = std::string(32u << 20, 'x')});
  CHECK(soon([&] { return server->stats().connections == 0; }));
  RawClient slow(server->port());
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  keeper.take()->reply({.body = std::string(16u << 20, 'x')});
  std::size_t taken = 0;
  while (taken < 16u << 20) {
    const std::string piece = slow.receive(2s);
    if (piece.empty()) break;
    const std::size_t before = taken;
    taken += piece.size();
    // Pauses shorter than the patience, together longer than a connection may be idle.
    if (before >> 21 != taken >> 21) std::this_thread::sleep_for(100ms);
  }
  CHECK(taken > 16u << 20);
}

TEST_CASE("a long answer has all the time it needs before its first byte") {
  Keeper keeper;
  const auto server = serve(keeper.handler(), impatient());
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto exchange = keeper.take();
  std::this_thread::sleep_for(400ms);
  exchange->reply({.body = "late"});
  CHECK(client.read()->body == "late");
}

TEST_CASE("connections beyond the limit are told 503 and closed") {
  Server::Options options;
  options.connections_max = 3;
  const auto server = serve(echo, options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server->port());
    CHECK(clients.back().ask("GET", "/")->status == 200);
  }
  RawClient refused(server->port());
  CHECK(refused.read()->status == 503);
  CHECK(refused.is_ended());
  CHECK(server->stats().refused == 1);
  clients.pop_back();
  CHECK(soon([&] { return server->stats().connections == 2; }));
  RawClient again(server->port());
  CHECK(again.ask("GET", "/")->status == 200);
}

TEST_CASE("a client that ends its side after its request gets an answer that is ready") {
  const auto server = serve(
      [](const ExchangePtr& exchange) { exchange->reply({.body = std::string(8u << 20, 'x')}); });
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.end_sending();
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->body.size() == 8u << 20);
  CHECK(client.is_ended());
}

TEST_CASE("ten thousand idle connections cost little and disturb nobody") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  const std::size_t count = std::min<std::size_t>(10'000, limit.rlim_max - 200);
  const auto server = serve(echo);
  const std::size_t before = resident_bytes();
  auto crowd = std::make_unique<Crowd>(server->port(), count);
  REQUIRE(soon([&] { return server->stats().connections == count; }, 20s));
  CHECK(server->stats().requests == count);
  const std::size_t each = (resident_bytes() - before) / count;
  MESSAGE("connections: " << count << ", bytes of memory for each: " << each);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  CHECK(each < 8'000);
#endif
  RawClient client(server->port());
  double slowest = 0;
  for (int i = 0; i < 100; ++i) {
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(client.ask("GET", "/"));
    slowest = std::max(slowest, milliseconds_since(start));
  }
  CHECK(slowest < 3'000);
  crowd.reset();
  CHECK(soon([&] { return server->stats().connections <= 1; }, 20s));
}
