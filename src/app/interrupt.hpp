// Ctrl-C as a stop token.
#pragma once

#include <stop_token>
#include <thread>

namespace slipway::app {

/// While it lives, the first SIGINT or SIGTERM asks for a stop and the second ends the process at
/// once; SIGPIPE is ignored, so that a reader that goes away is an ordinary write error. One at a
/// time in a process.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// 0 when nothing came, else what the shell expects: 130 after SIGINT, 143 after SIGTERM.
  static int exit_code();

 private:
  std::stop_source stop_;
  int pipe_[2] = {-1, -1};
  std::thread watcher_;
};

}  // namespace slipway::app
