#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/client.hpp"
#include "http/detail/reach.hpp"
#include "http/loopback_server.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

bool is_public_text(const std::string& text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1)
    address.ss_family = AF_INET;
  else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1)
    address.ss_family = AF_INET6;
  else
    FAIL(text);
  return detail::is_public(reinterpret_cast<const sockaddr&>(address));
}

}  // namespace

TEST_CASE("only addresses of the public internet are public") {
  for (const char* text :
       {"8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.167.255.255", "198.20.0.1",
        "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"})
    CHECK_MESSAGE(is_public_text(text), text);
  for (const char* text : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.1.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.192",
                           "192.0.2.1",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.51.100.1",
                           "203.0.113.1",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "64:ff9b::7f00:1",
                           "fe80::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "ff02::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "100::1"})
    CHECK_MESSAGE(!is_public_text(text), text);
}

TEST_CASE("a client for foreign URLs connects to nothing that is not public") {
  LoopbackServer server([](const auto&, auto& connection) { connection.reply(200, "secret"); });
  const auto client = Client::make({.reach = Reach::public_only});
  const std::string port = std::to_string(server.port());
  // Names, other spellings of the same address, and what only the resolver makes an address of.
  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1",
                                 "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"}) {
    ClientRequest request;
    request.url = "http://user:hidden@" + host + ":" + port + "/x?key=hidden";
    const auto answer = client->send({}, request);
    REQUIRE_MESSAGE(!answer, host);
    CHECK_MESSAGE(answer.error().code() == Code::forbidden, answer.error().message());
    CHECK(answer.error().message().find("not on the public internet") != std::string::npos);
    CHECK(answer.error().message().find("hidden") == std::string::npos);
  }
  CHECK(server.connections() == 0);
}
