#include "core/log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "core/clock.hpp"
#include "core/json.hpp"

using namespace slipway;

namespace {

/// What `use` writes to standard error.
template <typename Use>
std::string captured(Use&& use) {
  char name[] = "/tmp/slipway-log-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  std::fflush(stderr);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(file, STDERR_FILENO);
  use();
  std::fflush(stderr);
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(file);
  std::ifstream stream(name);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  ::unlink(name);
  return text;
}

/// Puts the defaults back.
struct Restore {
  ~Restore() {
    log::set_json(false);
    log::set_level(log::Level::warning);
  }
};

}  // namespace

TEST_CASE("only lines of the level and above are written, and off writes none") {
  const Restore restore;
  const auto all = [] {
    log::debug("line {}", 1);
    log::info("line {}", 2);
    log::warning("line {}", 3);
    log::error("line {}", 4);
  };
  log::set_level(log::Level::warning);
  const std::string some = captured(all);
  CHECK(some.find("line 2") == std::string::npos);
  CHECK(some.find("warning line 3\n") != std::string::npos);
  CHECK(some.find("error   line 4\n") != std::string::npos);
  log::set_level(log::Level::debug);
  CHECK(captured(all).find("line 1") != std::string::npos);
  log::set_level(log::Level::off);
  CHECK(captured(all).empty());
  CHECK_FALSE(log::enabled(log::Level::error));
}

TEST_CASE("a JSON line has time, level and message") {
  const Restore restore;
  log::set_json(true);
  const std::string line = captured([] { log::warning("\"quoted\" {}", "ä"); });
  CHECK(line.ends_with("}\n"));
  const auto value = json::parse(line);
  REQUIRE_MESSAGE(value.ok(), line);
  CHECK(value->at("level") == "warning");
  CHECK(value->at("message") == "\"quoted\" ä");
  CHECK(parse_time(std::string(value->at("time").as_string())).ok());
}

TEST_CASE("a message can forge no second line and no terminal command, and stays valid UTF-8") {
  const Restore restore;
  const std::string text = captured([] { log::error("name: {}", "a\nb\r\x1b[2J\xff\u009b"); });
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.find("name: a\\nb\\x0d\\x1b[2J\uFFFD\\x9b\n") != std::string::npos);
  log::set_json(true);
  const std::string line = captured([] { log::error("{}", "\xff\n"); });
  CHECK(json::parse(line).ok());
}

TEST_CASE("levels are read by name and an unknown one is refused with the list") {
  CHECK(*log::parse_level("info") == log::Level::info);
  CHECK(*log::parse_level("off") == log::Level::off);
  CHECK(log::parse_level("loud").error().message() ==
        "log level 'loud' is not one of debug, info, warning, error, off");
}
