#include "core/quiet_pipes.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

namespace slipway {

TEST_CASE("a write to a pipe that nobody reads is an error and does not end the process") {
  struct sigaction before {};
  struct sigaction deadly {};
  deadly.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &deadly, &before);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  {
    const QuietPipes outer;
    {
      const QuietPipes inner;
      CHECK(::write(ends[1], "x", 1) == -1);
      CHECK(errno == EPIPE);
    }
    CHECK(::write(ends[1], "x", 1) == -1);
    CHECK(errno == EPIPE);
  }
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  CHECK(sigismember(&now, SIGPIPE) == 0);
  ::close(ends[1]);
  ::sigaction(SIGPIPE, &before, nullptr);
}

}  // namespace slipway
