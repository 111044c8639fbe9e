// The parent's half of the sandbox: starts the child, gives it its input, drains what it says, ends
// it when the time is over, and always reaps it.
//
// The input is a sealed file in memory instead of a pipe: nothing to feed, no SIGPIPE, and the
// child maps it without a copy. Everything that the child says is foreign bytes again.
#include "core/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

#include "core/descriptor.hpp"
#include "core/detail/sandbox_protocol.hpp"
#include "core/fault.hpp"
#include "core/log.hpp"
#include "core/spawn.hpp"

namespace slipway {

namespace {

constexpr std::size_t error_bytes_max = 64u << 10;
constexpr int pipe_bytes = 1 << 20;  // Fewer switches between the two; the kernel may refuse.

Error system_error(std::string_view what) {
  return fail(Code::unavailable, "{}: {}", what, std::strerror(errno));
}

struct Pipe {
  Descriptor ours;    ///< Read end, does not block.
  Descriptor theirs;  ///< Write end.
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("no pipe for a sandboxed child");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
  (void)fcntl(pipe.ours.get(), F_SETPIPE_SZ, pipe_bytes);
  return pipe;
}

Result<Descriptor> make_input(std::string_view input) {
  Descriptor file(memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return system_error("no file descriptor for a sandboxed child");
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

/// A running child. Its destructor ends and reaps it, whatever happened.
class Child {
 public:
  Child(pid_t pid, Descriptor input, std::array<Pipe, 3> pipes)
      : pid_(pid), input_(std::move(input)) {
    for (std::size_t i = 0; i < pipes.size(); ++i) streams_[i] = std::move(pipes[i].ours);
    // Linux 5.3 has it; without it `wait` looks every few milliseconds.
    exited_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
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
  Descriptor input_;
  std::array<Descriptor, 3> streams_;
  Descriptor exited_;
};

Result<void> Child::drain(std::size_t stream, std::size_t bytes_max, bool is_cut) {
  constexpr std::size_t block_bytes = 256u << 10;
  thread_local std::vector<char> block(block_bytes);
  while (streams_[stream].is_open()) {
    const ssize_t got = read(streams_[stream].get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      streams_[stream].close();
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
  Descriptor stopped(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
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

Result<std::unique_ptr<Child>> start(const Context& context, std::vector<std::string> arguments,
                                     std::string_view input) {
  TRY(context.check());
  if (std::getenv(detail::sandbox_variable) != nullptr)
    return fail(Code::internal, "a sandboxed child cannot start another one");
  TRY(fault_point(FaultKind::file, "sandboxed child"));
  Descriptor file = TRY(make_input(input));
  std::array<Pipe, 3> pipes;
  SpawnOptions options;
  options.command = std::move(arguments);
  options.program = "/proc/self/exe";
  options.environment = child_environment();
  options.descriptors = {file.get()};
  static_assert(STDIN_FILENO == 0 && detail::sandbox_status_fd == 3);
  for (Pipe& pipe : pipes) {
    pipe = TRY(make_pipe());
    options.descriptors.push_back(pipe.theirs.get());
  }
  const pid_t pid = TRY(spawn(options).within("cannot start a sandboxed child"));
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
  const bool is_program = arguments[2] == detail::sandbox_program;
  const auto child = TRY(start(context, std::move(arguments), input));
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
  const auto child = TRY(start(context, task.arguments, task.input));
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
