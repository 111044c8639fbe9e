#include "http/loopback.hpp"

#include <doctest/doctest.h>

using slipway::http::is_loopback;
using slipway::http::without_port;

TEST_CASE("this machine is known by its name or address, and nobody else by one that looks alike") {
  for (const char* host :
       {"localhost", "app.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1"}) {
    CAPTURE(host);
    CHECK(is_loopback(host));
  }
  for (const char* host : {"", "localhost.evil.example", "127.evil.example", "127.0.0.1.nip.io",
                           "128.0.0.1", "[::2]", "10.0.0.1", "evil-localhost"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback(host));
  }
}

TEST_CASE("a port is taken off a host, also behind an IPv6 address") {
  CHECK(without_port("example.org:8700") == "example.org");
  CHECK(without_port("example.org") == "example.org");
  CHECK(without_port("[::1]:8700") == "[::1]");
  CHECK(without_port("[::1]") == "[::1]");
  CHECK(without_port("") == "");
}
