#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "http/detail/ask_upstream.hpp"
#include "http/detail/identity_for_tests.hpp"
#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

/// A server whose certificate names `names`, and a file with its authority.
class Secure {
 public:
  explicit Secure(const std::string& names) {
    const Identity authority = make_identity("authority");
    write_pem(authority, folder_ / "authority");
    write_pem(make_identity("server", &authority, names), folder_ / "server");
    Server::Options options;
    options.tls = {folder_ / "server.crt", folder_ / "server.key", ""};
    server_ = serve(
        [this](const ExchangePtr& exchange) {
          peers_.with([&](auto& peers) { peers.insert(exchange->request().peer); });
          exchange->reply({.body = exchange->request().body + std::string(400'000, 'z')});
        },
        options);
  }
  std::string url(const std::string& host) const {
    return fmt::format("https://{}:{}/", host, server_->port());
  }
  std::string authority() const { return folder_ / "authority.crt"; }
  std::size_t connections() {
    return peers_.with([](const auto& peers) { return peers.size(); });
  }

 private:
  Folder folder_;
  Guarded<std::set<std::string>> peers_;
  std::unique_ptr<Server> server_;
};

}  // namespace

TEST_CASE("a server that proves who it is gets calls over TLS, one after the other on one line") {
  Secure server("DNS:localhost,IP:127.0.0.1");
  const auto upstream = make_upstream({.ca_file = server.authority()});
  for (const char* host : {"localhost", "127.0.0.1"}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{1'000'000}}) {
      const Answer answer = ask(*upstream, to(server.url(host), std::string(size, 'y')));
      REQUIRE_MESSAGE(*answer.result, answer.result->error().message());
      CHECK(answer.status == 200);
      CHECK(answer.body.size() == size + 400'000);
    }
  }
  CHECK(server.connections() == 2);  // One for each name.
}

TEST_CASE("a server that does not prove who it is gets nothing") {
  Secure elsewhere("DNS:elsewhere.example");
  const auto knows = make_upstream({.ca_file = elsewhere.authority()});
  const Answer other_name = ask(*knows, to(elsewhere.url("localhost"), "secret"));
  REQUIRE_FALSE(*other_name.result);
  CHECK(other_name.result->error().code() == Code::unavailable);
  CHECK(other_name.result->error().message().find("not to be trusted") != std::string::npos);

  Secure known("DNS:localhost");
  const auto of_the_system = make_upstream({});
  const Answer stranger = ask(*of_the_system, to(known.url("localhost"), "secret"));
  REQUIRE_FALSE(*stranger.result);
  CHECK(stranger.result->error().message().find("not to be trusted") != std::string::npos);
  CHECK(elsewhere.connections() + known.connections() == 0);
}

TEST_CASE("a server that never shakes hands is left after the time for connecting") {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto upstream = make_upstream({});
  UpstreamTimeouts timeouts;
  timeouts.connect = 100ms;
  const Answer answer =
      ask(*upstream, to(fmt::format("https://127.0.0.1:{}/", ntohs(address.sin_port))), timeouts);
  REQUIRE_FALSE(*answer.result);
  CHECK(answer.result->error().code() == Code::deadline_exceeded);
  CHECK(answer.result->error().message().find("connect timeout") != std::string::npos);
  ::close(listener);
}
