#include "ui/door.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::ui;

namespace {

struct Fixture {
  std::optional<std::string> known = "sk-good";
  FakeClock clock;
  SeededRandom random{7};
  Door door{{.find_key = [this](std::string_view key) -> std::optional<access::Caller> {
              if (!known || key != *known) return std::nullopt;
              return access::Caller{.name = "ada", .role = access::Role::read};
            }},
            clock,
            random};
};

http::Request request(std::string method, std::string cookie = {}) {
  http::Request result;
  result.method = std::move(method);
  result.headers = {{"Host", "127.0.0.1:8700"}, {"X-Slipway-UI", "1"}};
  if (!cookie.empty()) result.headers.add("Cookie", std::move(cookie));
  return result;
}

/// The part of Set-Cookie that a browser sends back.
std::string pair_of(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

}  // namespace

TEST_CASE("a good key opens a session whose cookie says who it is") {
  Fixture f;
  const auto cookie = f.door.sign_in(request("POST"), "sk-good");
  REQUIRE(cookie.ok());
  CHECK(cookie->find("; HttpOnly") != std::string::npos);
  CHECK(cookie->find("; SameSite=Strict") != std::string::npos);
  CHECK(cookie->find("; Path=/") != std::string::npos);
  CHECK(cookie->find("Secure") == std::string::npos);
  CHECK(cookie->find("sk-good") == std::string::npos);
  const auto caller = f.door.caller(request("GET", "other=1; " + pair_of(*cookie) + "; last=2"));
  REQUIRE(caller);
  CHECK(caller->name == "ada");
  CHECK_FALSE(f.door.caller(request("GET")));
  CHECK_FALSE(f.door.caller(request("GET", "slipway_session_8700=" + std::string(64, 'a'))));
}

TEST_CASE("over TLS the cookie is Secure") {
  Fixture f;
  http::Request secure = request("POST");
  secure.is_secure = true;
  CHECK(f.door.sign_in(secure, "sk-good")->ends_with("; Secure"));
}

TEST_CASE("servers on two ports of one host do not take each other's cookie") {
  Fixture f;
  const auto cookie = f.door.sign_in(request("POST"), "sk-good");
  http::Request elsewhere = request("GET", pair_of(*cookie));
  elsewhere.headers.set("Host", "127.0.0.1:8701");
  CHECK_FALSE(f.door.caller(elsewhere));
  elsewhere.headers.set("Host", "[::1]");
  CHECK_FALSE(f.door.caller(elsewhere));
}

TEST_CASE("a wrong key opens nothing and is not repeated in the error") {
  Fixture f;
  const auto refused = f.door.sign_in(request("POST"), "sk-wrong");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Code::unauthenticated);
  CHECK(refused.error().message().find("sk-wrong") == std::string::npos);
}

TEST_CASE("without the page's header a session reads and changes nothing") {
  Fixture f;
  const std::string cookie = pair_of(*f.door.sign_in(request("POST"), "sk-good"));
  http::Request bare = request("POST", cookie);
  bare.headers.remove("X-Slipway-UI");
  CHECK_FALSE(f.door.caller(bare));
  bare.method = "GET";
  CHECK(f.door.caller(bare));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "INVENTED"})
    CHECK(f.door.caller(request(method, cookie)));
  bare.method = "POST";
  CHECK(f.door.sign_in(bare, "sk-good").error().code() == Code::forbidden);
  CHECK(f.door.sign_out(bare).error().code() == Code::forbidden);
}

TEST_CASE("signing out ends the session and takes the cookie away") {
  Fixture f;
  const std::string cookie = pair_of(*f.door.sign_in(request("POST"), "sk-good"));
  const auto cleared = f.door.sign_out(request("DELETE", cookie));
  REQUIRE(cleared.ok());
  CHECK(cleared->starts_with("slipway_session_8700=; "));
  CHECK(cleared->find("Max-Age=0") != std::string::npos);
  CHECK_FALSE(f.door.caller(request("GET", cookie)));
}

TEST_CASE("signing in again leaves no second session") {
  Fixture f;
  const std::string first = pair_of(*f.door.sign_in(request("POST"), "sk-good"));
  const std::string second = pair_of(*f.door.sign_in(request("POST", first), "sk-good"));
  CHECK_FALSE(f.door.caller(request("GET", first)));
  CHECK(f.door.caller(request("GET", second)));
}

TEST_CASE("a revoked key ends its sessions at once") {
  Fixture f;
  const std::string cookie = pair_of(*f.door.sign_in(request("POST"), "sk-good"));
  f.known.reset();
  CHECK_FALSE(f.door.caller(request("GET", cookie)));
}

TEST_CASE("strange cookies are no session and no fault") {
  Fixture f;
  for (const char* cookie : {"=", ";;;", "slipway_session_8700", "slipway_session_8700=",
                             "slipway_session_8700=;", " = ; =", "slipway_session_87000=x"})
    CHECK_FALSE(f.door.caller(request("GET", cookie)));
  http::Request odd = request("GET", "slipway_session=x");
  for (const char* host : {"", ":", "host:", "host:x", "[::1", "]:["}) {
    odd.headers.set("Host", host);
    CHECK_FALSE(f.door.caller(odd));
  }
}
