#include "ui/sessions.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::ui;
using namespace std::chrono_literals;

namespace {
struct Fixture {
  FakeClock clock;
  SeededRandom random{7};
  Sessions sessions{{.sessions_max = 3, .lifetime = 100s, .idle = 30s}, clock, random};
};
}  // namespace

TEST_CASE("a session gives back the key that opened it, until it is closed") {
  Fixture f;
  const std::string token = f.sessions.open("secret");
  CHECK(token.size() == 64);
  CHECK(f.sessions.key_of(token) == "secret");
  f.sessions.close(token);
  CHECK_FALSE(f.sessions.key_of(token));
}

TEST_CASE("no two sessions have the same token, and other tokens open nothing") {
  Fixture f;
  const std::string first = f.sessions.open("a"), second = f.sessions.open("b");
  CHECK(first != second);
  CHECK_FALSE(f.sessions.key_of(""));
  CHECK_FALSE(f.sessions.key_of(std::string(64, '0')));
  CHECK_FALSE(f.sessions.key_of(first.substr(0, 63)));
  CHECK_FALSE(f.sessions.key_of(first + "0"));
}

TEST_CASE("a session that nobody uses ends, and one that is used ends at its lifetime") {
  Fixture f;
  const std::string idle = f.sessions.open("a"), busy = f.sessions.open("b");
  for (int i = 0; i < 4; ++i) {
    f.clock.advance(24s);
    CHECK(f.sessions.key_of(busy));
  }
  CHECK_FALSE(f.sessions.key_of(idle));
  f.clock.advance(4s);
  CHECK_FALSE(f.sessions.key_of(busy));
  CHECK(f.sessions.size() == 0);
}

TEST_CASE("there are never more sessions than the limit: the one unused for the longest ends") {
  Fixture f;
  std::vector<std::string> tokens;
  for (int i = 0; i < 3; ++i) {
    tokens.push_back(f.sessions.open("key"));
    f.clock.advance(1s);
  }
  CHECK(f.sessions.key_of(tokens[0]));
  tokens.push_back(f.sessions.open("key"));
  CHECK(f.sessions.size() == 3);
  CHECK(f.sessions.key_of(tokens[0]));
  CHECK_FALSE(f.sessions.key_of(tokens[1]));
  CHECK(f.sessions.key_of(tokens[3]));
}
