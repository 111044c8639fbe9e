// Writing to whom nobody listens any more.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

namespace slipway {

/// While it lives, a write of this thread to a pipe or socket that nobody reads any more fails with
/// EPIPE. Without it the system ends the process (SIGPIPE), unless its owner ignores that signal:
/// a library cannot ask that of him. For the thread that made it; they may be nested.
class QuietPipes {
 public:
  QuietPipes() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only(), &before_);
  }
  ~QuietPipes() {
    // What came meanwhile is taken, or the old mask would deliver it now.
    sigset_t pending;
    sigpending(&pending);
    if (!was_pending_ && sigismember(&pending, SIGPIPE) == 1) {
      const timespec now{};
      while (sigtimedwait(&pipe_only(), nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  QuietPipes(const QuietPipes&) = delete;
  QuietPipes& operator=(const QuietPipes&) = delete;

 private:
  static const sigset_t& pipe_only() {
    static const sigset_t set = [] {
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      return pipe;
    }();
    return set;
  }
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace slipway
