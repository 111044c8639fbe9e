#include "eval/detail/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace slipway::eval::detail {

namespace {

constexpr std::size_t error_bytes_max = 64u << 10;
/// How long the child may take before it is looked after again.
constexpr int poll_ms = 50;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

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
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in.second.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out.second.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err.second.get(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int error =
        ::posix_spawnp(&pid_, arguments.front(), &files, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      pid_ = -1;
      return fail(error == ENOENT ? Code::not_found : Code::unavailable,
                  "the program '{}' does not start: {}", command.front(), std::strerror(error));
    }
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
