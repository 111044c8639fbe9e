// Whatever bytes come, there is an answer or a close: no crash, no hang.
#include <doctest/doctest.h>

#include <random>

#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

const std::string_view seeds[] = {
    "GET /a/b?c=d HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: "
    "v\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n\r\n"
    "\x1f\x8b\x08\x01\x02\x03\x04\x05\x06\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\x3a\x8b\x05"
    "\x5e\x11\x01\x01\x01",
    "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
};

const std::string_view tokens[] = {"\r\n",
                                   "\n",
                                   "\r",
                                   ":",
                                   " ",
                                   "\t",
                                   "0",
                                   "ffffffffffffffff",
                                   "Content-Length: 1\r\n",
                                   "Transfer-Encoding: chunked\r\n",
                                   "Host: b\r\n",
                                   "HTTP/1.1",
                                   "%2e%2e/",
                                   "\r\n\r\n",
                                   ";",
                                   ",",
                                   "chunked",
                                   "Expect: 100-continue\r\n",
                                   "Connection: close\r\n",
                                   "\xff\xfe"};

std::string mutate(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t i = 0, count = 1 + below(4); i < count; ++i) {
    const std::size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0: bytes.insert(at, tokens[below(std::size(tokens))]); break;
      case 1: bytes.erase(at, 1 + below(8)); break;
      case 2:
        if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
        break;
      case 3: bytes.insert(at, 1, static_cast<char>(below(256))); break;
      case 4: bytes.insert(at, bytes.substr(below(bytes.size()), below(40))); break;
      default: bytes.resize(at); break;
    }
    if (bytes.empty()) bytes = "G";
  }
  return bytes;
}

}  // namespace

TEST_CASE("mutated requests always get an answer or a close") {
  Server::Options options;
  options.header_timeout = 100ms;  // What is cut off must end by itself.
  options.body_timeout = 100ms;
  options.idle_timeout = 100ms;
  options.body_bytes_max = 1u << 20;
  const auto server = serve(
      [](const ExchangePtr& exchange) {
        exchange->reply({.body = exchange->request().path + exchange->request().body});
      },
      options);
  constexpr int cases = 3000;
  constexpr int at_once = 100;
  std::mt19937_64 random(20261128);
  for (int i = 0; i < cases; i += at_once) {
    std::vector<std::pair<RawClient, std::string>> clients;
    for (int j = 0; j < at_once; ++j) {
      std::string bytes = mutate(std::string(seeds[random() % std::size(seeds)]), random);
      RawClient client(server->port());
      REQUIRE(client.is_connected());
      const std::size_t cut = random() % bytes.size();
      client.send(std::string_view(bytes).substr(0, cut));
      client.send(std::string_view(bytes).substr(cut));
      clients.emplace_back(std::move(client), std::move(bytes));
    }
    for (auto& [client, bytes] : clients) REQUIRE_MESSAGE(client.is_ended(10s), bytes);
  }
  CHECK(soon([&] { return server->stats().connections == 0; }));
  CHECK(server->stats().exchanges == 0);
  RawClient client(server->port());
  CHECK(client.ask("GET", "/alive")->body == "/alive");
}

TEST_CASE("random bytes always get an answer or a close") {
  Server::Options options;
  options.header_timeout = 100ms;
  options.idle_timeout = 100ms;
  const auto server = serve([](const ExchangePtr& exchange) { exchange->reply({}); }, options);
  std::mt19937_64 random(7);
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) {
    std::string bytes(random() % 3000, 'x');
    for (char& c : bytes) c = static_cast<char>(random());
    clients.emplace_back(server->port());
    clients.back().send(bytes);
  }
  for (RawClient& client : clients) REQUIRE(client.is_ended(10s));
}
