#include "models/detail/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/fault.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t tail_bytes_max = 8u << 10;
constexpr int look_every_ms = 20;  // How late a stop request may be seen.

/// Kills its group and reaps it, unless it has ended before.
class Child {
 public:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      (void)reap(0);
    }
    close(output_);
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
      pollfd watched{output_, POLLIN, 0};
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
    const ssize_t count = read(output_, block, sizeof block);
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
  int output_;
  int status_ = 0;
};

int spawn(const std::vector<std::string>& command, int output, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int error =
      posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

}  // namespace

Result<ProgramOutput> run_program(const Context& context, const std::vector<std::string>& command,
                                  std::chrono::milliseconds timeout) {
  SLIPWAY_ASSERT(!command.empty());
  TRY(context.check());
  TRY(fault_point(FaultKind::file, "spawn"));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(Code::unavailable, "no pipe for {}: {}", command[0], std::strerror(errno));
  pid_t pid = 0;
  const int error = spawn(command, ends[1], pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return fail(error == ENOENT ? Code::not_found : Code::unavailable, "cannot run {}: {}",
                command[0], std::strerror(error));
  }
  Child child(pid, ends[0]);
  return child.wait(context.with_timeout(timeout)).within(command[0]);
}

}  // namespace slipway::models::detail
