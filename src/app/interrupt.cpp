// A signal handler may do almost nothing, and `request_stop` runs callbacks. So the handler only
// writes a byte into a pipe, and a thread that waits at its other end asks for the stop. Blocking
// the signals and reading a signalfd would do too, but child processes inherit a blocked mask
// through exec.
#include "app/interrupt.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "core/result.hpp"

namespace slipway::app {

namespace {
std::atomic<int> signal_pipe{-1};
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

void on_signal(int number) {
  const int saved = errno;
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, number)) ::_exit(128 + number);
  const char byte = 's';
  // The pipe is empty before the first signal, so this cannot block or fail.
  if (::write(signal_pipe, &byte, 1) != 1) ::_exit(128 + number);
  errno = saved;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(number, &action, nullptr);
}
}  // namespace

Interrupt::Interrupt() {
  SLIPWAY_ASSERT(::pipe2(pipe_, O_CLOEXEC) == 0);
  first_signal = 0;
  signal_pipe = pipe_[1];
  watcher_ = std::thread([this] {
    char byte = 0;
    while (::read(pipe_[0], &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == 's') stop_.request_stop();
  });
  handle(SIGPIPE, SIG_IGN);
  // SIG_IGN inherited from `nohup` or a background job stays ignored.
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction current {};
    ::sigaction(number, nullptr, &current);
    if (current.sa_handler != SIG_IGN) handle(number, &on_signal);
  }
}

Interrupt::~Interrupt() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  ::close(pipe_[1]);  // Ends the watcher's read when no signal came.
  watcher_.join();
  ::close(pipe_[0]);
}

int Interrupt::exit_code() {
  const int number = first_signal;
  return number == 0 ? 0 : 128 + number;
}

}  // namespace slipway::app
