#include "models/detail/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/descriptor.hpp"
#include "core/fault.hpp"
#include "core/spawn.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t tail_bytes_max = 8u << 10;
constexpr int look_every_ms = 20;  // How late a stop request may be seen.

/// Kills its group and reaps it, unless it has ended before.
class Child {
 public:
  Child(pid_t pid, Descriptor output) : pid_(pid), output_(std::move(output)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      (void)reap(0);
    }
  }

  Result<ProgramOutput> wait(const Context& context) {
    ProgramOutput output;
    bool is_open = true;
    while (is_open || !reap(WNOHANG)) {
      TRY(context.check());
      if (!is_open) {  // It closed its output, but has not ended.
        (void)poll(nullptr, 0, look_every_ms);
        continue;
      }
      pollfd watched{output_.get(), POLLIN, 0};
      if (poll(&watched, 1, look_every_ms) > 0) is_open = read_some(output.tail);
      // A grandchild may hold the output open for ever.
      if (is_open && reap(WNOHANG)) {
        while (poll(&watched, 1, 0) > 0 && read_some(output.tail)) continue;
        break;
      }
    }
    output.exit_code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
    return output;
  }

 private:
  bool read_some(std::string& tail) {
    char block[4096];
    const ssize_t count = read(output_.get(), block, sizeof block);
    if (count < 0 && errno == EINTR) return true;
    if (count <= 0) return false;
    tail.append(block, static_cast<std::size_t>(count));
    if (tail.size() > tail_bytes_max) tail.erase(0, tail.size() - tail_bytes_max);
    return true;
  }

  bool reap(int options) {
    if (pid_ <= 0) return true;
    pid_t got = 0;
    do got = waitpid(pid_, &status_, options);
    while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    pid_ = 0;
    return true;
  }

  pid_t pid_;
  Descriptor output_;
  int status_ = 0;
};

}  // namespace

Result<ProgramOutput> run_program(const Context& context, const std::vector<std::string>& command,
                                  std::chrono::milliseconds timeout) {
  SLIPWAY_ASSERT(!command.empty());
  TRY(context.check());
  TRY(fault_point(FaultKind::file, "spawn"));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(Code::unavailable, "no pipe for {}: {}", command[0], std::strerror(errno));
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  SpawnOptions options;
  options.command = command;
  options.descriptors = {nothing.get(), theirs.get(), theirs.get()};
  const pid_t pid = TRY(spawn(options).within(fmt::format("cannot run {}", command[0])));
  Child child(pid, std::move(ours));
  theirs.close();  // Or its output would never end.
  return child.wait(context.with_timeout(timeout)).within(command[0]);
}

}  // namespace slipway::models::detail
