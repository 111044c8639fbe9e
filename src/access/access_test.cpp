#include "access/access.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "access/gate.hpp"

namespace slipway::access {

namespace {

struct Fixture {
  std::unique_ptr<store::Database> database = [] {
    auto opened = store::Database::open({.path = ":memory:"}, migrations());
    REQUIRE(opened);
    return *std::move(opened);
  }();
  FakeClock clock;
  std::unique_ptr<Keys> keys = open();

  std::unique_ptr<Keys> open() {
    auto opened = Keys::open(*database, clock);
    REQUIRE(opened);
    return *std::move(opened);
  }
  std::string create(const std::string& name, const KeyConfig& config = {}) {
    auto secret = keys->create(name, config);
    REQUIRE(secret);
    return *secret;
  }
};

http::Request request_with(std::initializer_list<std::pair<std::string, std::string>> headers) {
  http::Request request{.method = "POST", .path = "/api/ask"};
  for (const auto& [name, value] : headers) request.headers.add(name, value);
  return request;
}

}  // namespace

TEST_CASE("a created key is found, and only its hash is stored") {
  Fixture f;
  const std::string secret =
      f.create("web", {.roles = {Role::read, Role::write}, .models = {"chat"}});
  const auto caller = f.keys->find(secret);
  REQUIRE(caller);
  CHECK(caller->name == "web");
  CHECK(caller->role == Role::write);
  CHECK(caller->may_use("chat"));
  CHECK_FALSE(caller->may_use("other"));
  CHECK_FALSE(f.keys->find(secret + "x"));
  CHECK_FALSE(f.keys->find(""));
  CHECK(f.database->read({}, [&](store::Connection& connection) -> Result<void> {
    auto rows = TRY(connection.prepare("SELECT * FROM access_keys"));
    CHECK(TRY(rows.step()));
    for (int column = 0; column < 9; ++column)
      CHECK(rows.text(column).find(secret) == std::string_view::npos);
    return {};
  }));
}

TEST_CASE("a key ends at its time, and when it is revoked") {
  Fixture f;
  const std::string dated = f.create("dated", {.expires = "2023-11-15"});
  const std::string other = f.create("other");
  CHECK(f.keys->find(dated));
  f.clock.advance(std::chrono::hours(48));
  CHECK_FALSE(f.keys->find(dated));
  CHECK(f.keys->find(other));
  CHECK(f.keys->revoke("other"));
  CHECK_FALSE(f.keys->find(other));
  const auto again = f.keys->revoke("other");
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == Code::not_found);
}

TEST_CASE("what another process changes is seen after a refresh, and the last use is kept") {
  Fixture f;
  const std::string secret = f.create("web");
  auto other = f.open();
  CHECK(other->find(secret));
  CHECK(f.keys->revoke("web"));
  CHECK(other->refresh());
  CHECK_FALSE(other->find(secret));

  const std::string second = f.create("second");
  CHECK(f.keys->find(second));
  const auto list = f.keys->list();
  REQUIRE(list);
  REQUIRE(list->size() == 1);
  CHECK((*list)[0].last_used_at == format_time(f.clock.now()));
  CHECK((*list)[0].hint.size() < 12);
}

TEST_CASE("configured keys are seeded, and changed by the configuration") {
  Fixture f;
  ::setenv("SLIPWAY_TEST_KEY", "a-secret-of-some-length", 1);
  std::map<std::string, KeyConfig> configured{{"web", {.key = "env:SLIPWAY_TEST_KEY"}}};
  CHECK(f.keys->seed(configured));
  CHECK(f.keys->find("a-secret-of-some-length")->role == Role::write);
  configured["web"].roles = {Role::admin};
  CHECK(f.keys->seed(configured));
  CHECK(f.keys->find("a-secret-of-some-length")->role == Role::admin);
  ::setenv("SLIPWAY_TEST_KEY", "short", 1);
  const auto seeded = f.keys->seed(configured);
  REQUIRE_FALSE(seeded);
  CHECK(seeded.error().message().find("short") == std::string::npos);
  ::unsetenv("SLIPWAY_TEST_KEY");
}

TEST_CASE("bad names, rates and dates are refused") {
  Fixture f;
  f.create("web");
  CHECK(f.keys->create("web", {}).error().code() == Code::conflict);
  CHECK_FALSE(f.keys->create("two words", {}));
  CHECK_FALSE(f.keys->create("a", {.roles = {}}));
  CHECK_FALSE(f.keys->create("a", {.expires = "tomorrow"}));
  CHECK_FALSE(f.keys->create("a", {.expires = "2003-01-01"}));
  CHECK_FALSE(f.keys->create("a", {.limits = {.requests = "many"}}));
  for (const char* text :
       {"", "5", "/min", "5/", "-1/s", "0/s", "nan/s", "1e99/s", "5/minute", "5 /s"})
    CHECK_FALSE(parse_rate(text));
  const auto rate = parse_rate("100/min");
  REQUIRE(rate);
  CHECK(rate->count == 100);
  CHECK(rate->per == std::chrono::minutes(1));
}

TEST_CASE("without keys this machine's programs may do all, and foreign pages nothing") {
  Fixture f;
  const Gate gate({.keys = *f.keys});
  CHECK(gate.admit(request_with({{"Host", "127.0.0.1:8700"}}), Role::admin));
  CHECK(gate.admit(request_with({{"Host", "localhost"}, {"Authorization", "Bearer unused"}}),
                   Role::admin));
  CHECK(gate.who(request_with({{"Host", "evil.example:8700"}})).error().code() == Code::forbidden);
  CHECK(gate.who(request_with({{"Host", "127.evil.example"}})).error().code() == Code::forbidden);
  CHECK(gate.who(request_with({{"Host", "127.0.0.2"}})));
  CHECK(gate.who(request_with({{"Host", "localhost:8700"}, {"Origin", "https://evil.example"}}))
            .error()
            .code() == Code::forbidden);
  CHECK(gate.who(request_with({{"Host", "localhost:8700"}, {"Origin", "null"}})).error().code() ==
        Code::forbidden);
  CHECK_FALSE(gate.who(request_with({{"Host", "[::1]:8700"}, {"Sec-Fetch-Site", "cross-site"}})));
  CHECK(gate.who(request_with({{"Host", "localhost:8700"}, {"Origin", "http://localhost:8700"}})));
}

TEST_CASE("with keys a request needs one, in either header, of a sufficient role") {
  Fixture f;
  const std::string reader = f.create("reader", {.roles = {Role::read}});
  const Gate gate({.keys = *f.keys});
  CHECK(gate.who(request_with({{"Host", "localhost"}})).error().code() == Code::unauthenticated);
  CHECK(gate.who(request_with({{"Authorization", "Bearer wrong"}})).error().code() ==
        Code::unauthenticated);
  CHECK(gate.admit(request_with({{"Authorization", "bearer  " + reader}}), Role::read));
  CHECK(gate.admit(request_with({{"X-Api-Key", reader}}), Role::read));
  const auto refused = gate.admit(request_with({{"x-api-key", reader}}), Role::write);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::forbidden);
  CHECK(refused.error().message().find(reader) == std::string::npos);
}

TEST_CASE("a session counts only for pages of this server, and of listed origins") {
  Fixture f;
  f.create("any");
  const Gate gate({.keys = *f.keys,
                   .origins = {"https://app.example"},
                   .session = [](const http::Request&) { return Caller{.name = "ui"}; }});
  CHECK(
      gate.who(request_with({{"Host", "slipway.example"}, {"Origin", "https://slipway.example"}})));
  CHECK(gate.who(request_with({{"Host", "slipway.example"}, {"Origin", "https://app.example"}})));
  CHECK_FALSE(
      gate.who(request_with({{"Host", "slipway.example"}, {"Origin", "https://a.example"}})));
}

}  // namespace slipway::access
