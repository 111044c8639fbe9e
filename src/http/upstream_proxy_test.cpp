#include <doctest/doctest.h>

#include <cstdlib>

#include "http/detail/ask_upstream.hpp"
#include "http/loopback_server.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

/// Set for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("hosts elsewhere are reached through the proxy of the environment, this machine is not") {
  LoopbackServer proxy([](const LoopbackServer::Request& request, auto& connection) {
    if (request.method == "CONNECT")
      connection.send("HTTP/1.1 200 Connected\r\n\r\n");
    else
      connection.reply(200, "from behind the proxy");
  });
  LoopbackServer near([](const auto&, auto& connection) { connection.reply(200, "from here"); });
  const Variable http_proxy("http_proxy", proxy.url());
  const Variable https_proxy("https_proxy", proxy.url());
  const auto upstream = make_upstream({});

  const Answer far = ask(*upstream, to("http://upstream.invalid/a?b=c", "words"));
  REQUIRE_MESSAGE(*far.result, far.result->error().message());
  CHECK(far.body == "from behind the proxy");
  const auto asked = proxy.requests();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].target == "upstream.invalid:80");
  CHECK(asked[1].target == "/a?b=c");
  CHECK(asked[1].headers.at("host") == "upstream.invalid");
  CHECK(asked[1].body == "words");

  CHECK(ask(*upstream, to(near.url())).body == "from here");
  CHECK(proxy.requests().size() == 2);

  // TLS is spoken with the server, through the proxy, which answers no handshake here.
  CHECK_FALSE(*ask(*upstream, to("https://upstream.invalid/")).result);
  CHECK(proxy.requests().at(2).target == "upstream.invalid:443");

  // Whoever may only reach the public internet is not led around that by a proxy.
  const auto checked = make_upstream({.reach = Reach::public_only});
  CHECK_FALSE(*ask(*checked, to("http://upstream.invalid/")).result);
  CHECK(proxy.requests().size() == 3);
}

TEST_CASE("a user in the URL is told as such, and never in an error") {
  LoopbackServer server([](const auto&, auto& connection) { connection.reply(200, "ok"); });
  const auto upstream = make_upstream({});
  std::string url = server.url("/");
  url.insert(7, "anna:pass%20word@");
  CHECK(ask(*upstream, to(url)).body == "ok");
  CHECK(server.requests().at(0).headers.at("authorization") == "Basic YW5uYTpwYXNzIHdvcmQ=");
}
