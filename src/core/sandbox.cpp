// The parent's half of the sandbox: starts the child, gives it its input, drains what it says, ends
// it when the time is over, and always reaps it.
//
// posix_spawn and not fork: it shares the address space until exec, so starting a child costs the
// same in a process of gigabytes, and no code of ours runs between the two. The input is a sealed
// file in memory instead of a pipe: nothing to feed, no SIGPIPE, and the child maps it without a
// copy. Everything that the child says is foreign bytes again.
#include "core/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "core/detail/sandbox_protocol.hpp"
#include "core/fault.hpp"
#include "core/log.hpp"

namespace slipway {

namespace {

constexpr std::size_t error_bytes_max = 64u << 10;
constexpr int pipe_bytes = 1 << 20;  // Fewer switches between the two; the kernel may refuse.

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

Error system_error(std::string_view what) {
  return fail(Code::unavailable, "{}: {}", what, std::strerror(errno));
}

/// Above the numbers that the child's own descriptors get, so that placing one never overwrites
/// another, even in a process that was started with its standard descriptors closed.
Result<Fd> lift(int fd) {
  const Fd low(fd);
  if (fd < 0) return system_error("no file descriptor for a sandboxed child");
  Fd high(fcntl(fd, F_DUPFD_CLOEXEC, 16));
  if (!high.is_open()) return system_error("no file descriptor for a sandboxed child");
  return high;
}

struct Pipe {
  Fd ours;    ///< Read end, does not block.
  Fd theirs;  ///< Write end.
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("no pipe for a sandboxed child");
  auto ours = lift(ends[0]);
  auto theirs = lift(ends[1]);
  Fd read_end = TRY(std::move(ours));
  Fd write_end = TRY(std::move(theirs));
  Pipe pipe{std::move(read_end), std::move(write_end)};
  fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
  (void)fcntl(pipe.ours.get(), F_SETPIPE_SZ, pipe_bytes);
  return pipe;
}

Result<Fd> make_input(std::string_view input) {
  Fd file = TRY(lift(memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  for (std::size_t done = 0; done < input.size();) {
    const ssize_t wrote = write(file.get(), input.data() + done, input.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return system_error("cannot hand the input to a sandboxed child");
    done += static_cast<std::size_t>(wrote);
  }
  lseek(file.get(), 0, SEEK_SET);
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return file;
}

/// What the child may know of this process: nothing but the language and how to find its libraries.
std::vector<std::string> child_environment() {
  std::vector<std::string> variables{std::string(detail::sandbox_variable) + "=1", "LANG=C.UTF-8",
                                     "PATH=/usr/bin:/bin", "TZ=UTC"};
  for (const char* name : {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS"})
    if (const char* value = std::getenv(name))
      variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& string : strings) all.push_back(string.data());
  all.push_back(nullptr);
  return all;
}

/// A running child. Its destructor ends and reaps it, whatever happened.
class Child {
 public:
  Child(pid_t pid, Fd input, std::array<Pipe, 3> pipes) : pid_(pid), input_(std::move(input)) {
    for (std::size_t i = 0; i < pipes.size(); ++i) streams_[i] = std::move(pipes[i].ours);
    // Linux 5.3 has it; without it `wait` looks every few milliseconds.
    exited_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    (void)reap(0);
  }

  enum Stream { out, err, status };
  std::array<std::string, 3> said;

  /// Reads until the child has ended. Fails: deadline_exceeded, cancelled, invalid_argument.
  Result<int> wait(const Context& context, const SandboxLimits& limits);

 private:
  bool reap(int options) {
    pid_t got = 0;
    do got = waitpid(pid_, &wait_status_, options);
    while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    pid_ = 0;
    return true;
  }
  Result<void> drain(const SandboxLimits& limits);
  Result<void> drain(std::size_t stream, std::size_t bytes_max, bool is_cut);

  pid_t pid_;
  int wait_status_ = 0;
  Fd input_;
  std::array<Fd, 3> streams_;
  Fd exited_;
};

Result<void> Child::drain(std::size_t stream, std::size_t bytes_max, bool is_cut) {
  constexpr std::size_t block_bytes = 256u << 10;
  thread_local std::vector<char> block(block_bytes);
  while (streams_[stream].is_open()) {
    const ssize_t got = read(streams_[stream].get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      streams_[stream].reset();
      break;
    }
    const std::size_t room = bytes_max - said[stream].size();
    if (static_cast<std::size_t>(got) > room && !is_cut)
      return fail(Code::invalid_argument, "gives more than {} bytes of output", bytes_max);
    said[stream].append(block.data(), std::min(room, static_cast<std::size_t>(got)));
  }
  return {};
}

Result<void> Child::drain(const SandboxLimits& limits) {
  TRY(drain(out, limits.output_bytes_max, false));
  TRY(drain(err, error_bytes_max, true));
  return drain(status, error_bytes_max, true);
}

Result<int> Child::wait(const Context& context, const SandboxLimits& limits) {
  const Context narrowed = context.with_timeout(limits.timeout);
  Fd stopped(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback wake(context.stop(), [fd = stopped.get()] {
    const std::uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
  });
  while (!reap(WNOHANG)) {
    if (!narrowed.check()) {
      TRY(context.check());
      return fail(Code::deadline_exceeded, "takes longer than {} ms", limits.timeout.count());
    }
    std::array<pollfd, 5> watched{};
    for (std::size_t i = 0; i < streams_.size(); ++i)
      watched[i] = {streams_[i].get(), POLLIN, 0};  // A negative descriptor is skipped.
    watched[3] = {exited_.get(), POLLIN, 0};
    watched[4] = {stopped.get(), POLLIN, 0};
    auto pause = narrowed.remaining(limits.timeout) + std::chrono::milliseconds(1);
    if (!exited_.is_open()) pause = std::min(pause, std::chrono::milliseconds(5));
    pause = std::min(pause, std::chrono::milliseconds(60'000));  // Fits the int of poll.
    (void)poll(watched.data(), watched.size(), static_cast<int>(pause.count()));
    TRY(drain(limits));
  }
  TRY(drain(limits));
  return wait_status_;
}

struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  void place(const Fd& from, int to) { posix_spawn_file_actions_adddup2(&actions, from.get(), to); }
};

struct SpawnAttributes {
  posix_spawnattr_t attributes;
  SpawnAttributes() {
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // Its own group: Ctrl-C reaches only the parent, which then cancels in its own way.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes); }
};

Result<std::unique_ptr<Child>> start(std::vector<std::string> arguments, std::string_view input) {
  TRY(fault_point(FaultKind::file, "sandboxed child"));
  Fd file = TRY(make_input(input));
  std::array<Pipe, 3> pipes;
  FileActions files;
  files.place(file, STDIN_FILENO);
  for (int i = 0; i < 3; ++i) {
    pipes[static_cast<std::size_t>(i)] = TRY(make_pipe());
    files.place(pipes[static_cast<std::size_t>(i)].theirs, i + 1);
  }
  static_assert(detail::sandbox_status_fd == 3);
  posix_spawn_file_actions_addclosefrom_np(&files.actions, detail::sandbox_status_fd + 1);
  SpawnAttributes attributes;
  std::vector<std::string> environment = child_environment();
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/proc/self/exe", &files.actions, &attributes.attributes,
                                pointers(arguments).data(), pointers(environment).data());
  if (error != 0)
    return fail(Code::unavailable, "cannot start a sandboxed child: {}", std::strerror(error));
  return std::make_unique<Child>(pid, std::move(file), std::move(pipes));
}

std::string signal_name(int number) {
  const char* name = sigabbrev_np(number);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

void report_missing(std::string_view protection) {
  static std::atomic<bool> reported{false};
  if (reported.exchange(true)) return;
  log::warning("the sandbox for foreign files runs without {}: this system does not offer it",
               protection);
}

/// Reads the status lines. The error that they carry, if any; internal when there is no "ready".
Result<void> judge_status(std::string_view status) {
  bool is_ready = false;
  while (!status.empty()) {
    const std::size_t line_end = std::min(status.find('\n'), status.size());
    const std::string_view line = status.substr(0, line_end);
    status.remove_prefix(std::min(line_end + 1, status.size()));
    if (line == "ready") is_ready = true;
    if (line.starts_with("missing ")) report_missing(line.substr(8));
    if (!line.starts_with("error ")) continue;
    int code = -1;
    std::from_chars(line.data() + 6, line.data() + line.size(), code);
    const bool is_known = code >= 0 && code <= static_cast<int>(Code::internal);
    return Error(is_known ? static_cast<Code>(code) : Code::internal, std::string(status));
  }
  if (!is_ready)
    return fail(Code::internal,
                "a sandboxed child did not start: the main of this program must call "
                "run_sandbox_child first");
  return {};
}

Result<SandboxOutput> finish(Child& child, int wait_status, bool is_program) {
  TRY(judge_status(child.said[Child::status]));
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    if (number == SIGXCPU) return fail(Code::deadline_exceeded, "used up its processor time");
    if (number == SIGKILL)  // Not by us: we would not have come here.
      return fail(Code::invalid_argument, "was ended by the system, most likely out of memory");
    return fail(Code::invalid_argument, "crashed its reader ({})", signal_name(number));
  }
  if (!is_program && !child.said[Child::status].ends_with("done\n"))
    return fail(Code::invalid_argument, "made its reader stop with exit code {}: {}",
                WEXITSTATUS(wait_status), child.said[Child::err]);
  SandboxOutput output;
  output.out = std::move(child.said[Child::out]);
  output.err = std::move(child.said[Child::err]);
  output.exit_code = WEXITSTATUS(wait_status);
  return output;
}

Result<SandboxOutput> run(const Context& context, std::vector<std::string> arguments,
                          std::string_view input, const SandboxLimits& limits) {
  TRY(context.check());
  if (std::getenv(detail::sandbox_variable) != nullptr)
    return fail(Code::internal, "a sandboxed child cannot start another one");
  const bool is_program = arguments[2] == detail::sandbox_program;
  const auto child = TRY(start(std::move(arguments), input));
  const int wait_status = TRY(child->wait(context, limits));
  return finish(*child, wait_status, is_program);
}

std::vector<std::string> arguments_for(std::string_view entry, const SandboxLimits& limits) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.timeout).count();
  return {"slipway", detail::sandbox_argument, std::string(entry),
          std::to_string(std::max<std::int64_t>(seconds, 1)),
          std::to_string(limits.memory_bytes_max)};
}

}  // namespace

Result<detail::ChildSaid> detail::run_child(const Context& context, const ChildTask& task) {
  TRY(context.check());
  if (std::getenv(sandbox_variable) != nullptr)
    return fail(Code::internal, "a sandboxed child cannot start another one");
  const auto child = TRY(start(task.arguments, task.input));
  ChildSaid said;
  said.wait_status = TRY(
      child->wait(context, {.timeout = task.timeout, .output_bytes_max = task.output_bytes_max}));
  said.out = std::move(child->said[Child::out]);
  said.err = std::move(child->said[Child::err]);
  said.status = std::move(child->said[Child::status]);
  return said;
}

Result<SandboxOutput> run_sandboxed(const Context& context, std::string_view entry,
                                    std::string_view input, const SandboxLimits& limits) {
  SLIPWAY_ASSERT(detail::has_sandbox_entry(entry));
  return run(context, arguments_for(entry, limits), input, limits);
}

Result<SandboxOutput> run_program_sandboxed(const Context& context,
                                            const std::vector<std::string>& command,
                                            std::string_view input, const SandboxLimits& limits,
                                            const std::vector<std::string>& readable) {
  SLIPWAY_ASSERT(!command.empty() && command[0].starts_with('/'));
  std::vector<std::string> arguments = arguments_for(detail::sandbox_program, limits);
  arguments.push_back(std::to_string(readable.size() + 1));
  arguments.push_back(command[0]);  // The program itself, wherever it lies.
  arguments.insert(arguments.end(), readable.begin(), readable.end());
  arguments.insert(arguments.end(), command.begin(), command.end());
  return run(context, std::move(arguments), input, limits);
}

}  // namespace slipway
