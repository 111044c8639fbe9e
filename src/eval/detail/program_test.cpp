#include "eval/detail/program.hpp"

#include <doctest/doctest.h>

namespace slipway::eval::detail {

namespace {

ProgramLimits within(int milliseconds, std::size_t bytes = 1u << 20) {
  return {.timeout = std::chrono::milliseconds(milliseconds), .output_bytes_max = bytes};
}

}  // namespace

TEST_CASE("a program gets its input and gives output, errors and exit code") {
  const std::string input(300'000, 'x');
  const auto echo = run_program({}, {"cat"}, input, within(60'000));
  REQUIRE(echo);
  CHECK(echo->out == input);
  const auto failed = run_program({}, {"sh", "-c", "echo no >&2; exit 3"}, "", within(60'000));
  REQUIRE(failed);
  CHECK(failed->exit_code == 3);
  CHECK(failed->err == "no\n");
  // It does not read what it gets.
  const auto deaf = run_program({}, {"true"}, input, within(60'000));
  REQUIRE(deaf);
  CHECK(deaf->exit_code == 0);
}

TEST_CASE("a program that is not there, never ends or never stops writing is an error") {
  CHECK(run_program({}, {"no-such-program-here"}, "").error().code() == Code::not_found);
  CHECK(run_program({}, {"sleep", "100"}, "", within(100)).error().code() ==
        Code::deadline_exceeded);
  CHECK(run_program({}, {"sh", "-c", "yes"}, "", within(60'000, 10'000)).error().code() ==
        Code::invalid_argument);
  std::stop_source stop;
  stop.request_stop();
  CHECK(run_program(Context(stop.get_token()), {"sleep", "100"}, "").error().code() ==
        Code::cancelled);
}

TEST_CASE("what a program leaves behind holds nobody up") {
  const auto done = run_program({}, {"sh", "-c", "sleep 100 & echo done"}, "", within(60'000));
  REQUIRE(done);
  CHECK(done->out == "done\n");
}

}  // namespace slipway::eval::detail
