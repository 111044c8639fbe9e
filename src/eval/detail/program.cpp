#include "eval/detail/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/descriptor.hpp"
#include "core/spawn.hpp"

namespace slipway::eval::detail {

namespace {

constexpr std::size_t error_bytes_max = 64u << 10;
/// How long the child may take before it is looked after again.
constexpr int poll_ms = 50;

/// Our end and the child's. A socket, so that writing to a child that is gone is an error and no
/// signal.
Result<std::pair<Descriptor, Descriptor>> channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(Code::unavailable, "no channel to a program: {}", std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) end();
  }

  Result<void> start(const std::vector<std::string>& command) {
    auto in = TRY(channel()), out = TRY(channel()), err = TRY(channel());
    SpawnOptions options;
    options.command = command;
    options.descriptors = {in.second.get(), out.second.get(), err.second.get()};
    pid_ =
        TRY(spawn(options).within(fmt::format("the program '{}' does not start", command.front())));
    in_ = std::move(in.first);
    out_ = std::move(out.first);
    err_ = std::move(err.first);
    return {};
  }

  /// Moves what can be moved; false when nothing more can come.
  Result<bool> turn(std::string_view& input, ProgramOutput& output, std::size_t bytes_max) {
    if (input.empty() && in_.get() >= 0) {
      ::shutdown(in_.get(), SHUT_WR);
      in_.close();
    }
    pollfd waits[] = {{in_.get(), POLLOUT, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
    if (::poll(waits, 3, poll_ms) < 0 && errno != EINTR)
      return fail(Code::unavailable, "waiting for a program: {}", std::strerror(errno));
    if (waits[0].revents != 0) {
      const ssize_t sent = ::send(in_.get(), input.data(), input.size(), MSG_NOSIGNAL);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      // It does not want to hear more.
      if (sent < 0 && errno != EAGAIN && errno != EINTR) input = {};
    }
    if (waits[1].revents != 0) take(out_, output.out, bytes_max + 1);
    if (waits[2].revents != 0) take(err_, output.err, error_bytes_max);
    if (output.out.size() > bytes_max)
      return fail(Code::invalid_argument, "the program wrote more than {} bytes", bytes_max);
    return out_.get() >= 0 || err_.get() >= 0;
  }

  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    // What it may have left behind goes with it.
    ::kill(-pid_, SIGKILL);
    pid_ = -1;
    constexpr int signal_base = 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
  }
  /// Whether it has ended, without waiting and without taking its end.
  bool has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

 private:
  static void take(Descriptor& from, std::string& text, std::size_t bytes_max) {
    char buffer[16 << 10];
    const ssize_t got = ::recv(from.get(), buffer, sizeof buffer, 0);
    if (got > 0)
      text.append(buffer, std::min(static_cast<std::size_t>(got), bytes_max - text.size()));
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
      from.close();
  }

  void end() {
    ::kill(-pid_, SIGKILL);
    (void)wait();
  }

  pid_t pid_ = -1;
  Descriptor in_, out_, err_;
};

}  // namespace

Result<ProgramOutput> run_program(const Context& context, const std::vector<std::string>& command,
                                  std::string_view input, const ProgramLimits& limits) {
  if (command.empty() || command.front().empty())
    return fail(Code::invalid_argument, "no program is named");
  const Context bounded = context.with_timeout(limits.timeout);
  Child child;
  TRY(child.start(command));
  ProgramOutput output;
  const auto named = [&](Error error) { return std::move(error).within(command.front()); };
  for (;;) {
    const bool has_ended = child.has_ended();
    const std::size_t before = output.out.size() + output.err.size();
    auto turned = child.turn(input, output, limits.output_bytes_max);
    if (!turned) return named(std::move(turned.error()));
    // What a child left behind may hold the channels open for ever.
    if (!*turned || (has_ended && before == output.out.size() + output.err.size())) break;
    if (auto checked = bounded.check(); !checked) return named(std::move(checked.error()));
  }
  while (!child.has_ended()) {
    if (auto checked = bounded.check(); !checked) return named(std::move(checked.error()));
    ::usleep(1000);
  }
  output.exit_code = child.wait();
  return output;
}

}  // namespace slipway::eval::detail
