// Three processes make a jail. The supervisor is this program, started anew by exec: it stays
// outside, gives the namespace its user and watches what all processes within use together. The
// first process of the namespaces builds the root, gives up every right and reaps; when it ends,
// the kernel ends all that is left. Its child becomes the program.
#include "core/detail/jail_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grp.h>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/detail/confinement.hpp"
#include "core/detail/jail_watch.hpp"
#include "core/detail/sandbox_protocol.hpp"
#include "core/json.hpp"

namespace slipway::detail {

namespace {

constexpr unsigned inner_id = 1000;
constexpr int lacks = static_cast<int>(Code::unsupported);

void tell(std::string_view status) {
  while (!status.empty()) {
    const ssize_t written = write(sandbox_status_fd, status.data(), status.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    status.remove_prefix(static_cast<std::size_t>(written));
  }
}

void demand(bool holds, const char* what) {
  if (holds) return;
  const int error = errno;
  leave_jail(lacks,
             fmt::format("this system does not let a sandbox {} ({})", what, std::strerror(error)));
}

JailOrder read_order(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t got = read(STDIN_FILENO, text.data() + done, bytes - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) leave_jail(static_cast<int>(Code::internal), "the order has no end");
    done += static_cast<std::size_t>(got);
  }
  const auto parsed = json::parse(text);
  if (!parsed) leave_jail(static_cast<int>(parsed.error().code()), parsed.error().message());
  auto order = json::from<JailOrder>(*parsed);
  if (!order) leave_jail(static_cast<int>(order.error().code()), order.error().message());
  return *std::move(order);
}

/// The order must not be found at the beginning of the program's own input.
void cut_input() {
  const int file = memfd_create("input", MFD_ALLOW_SEALING);
  std::vector<char> block(256u << 10);
  bool holds = file >= 0;
  while (holds) {
    const ssize_t got = read(STDIN_FILENO, block.data(), block.size());
    if (got == 0) break;
    holds = got > 0 && write(file, block.data(), static_cast<std::size_t>(got)) == got;
  }
  holds = holds && lseek(file, 0, SEEK_SET) == 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO;
  if (!holds) leave_jail(static_cast<int>(Code::unavailable), "no memory for the input");
  close(file);
  fcntl(STDIN_FILENO, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

bool write_file(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool holds = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(file);
  errno = error;
  return holds;
}

/// The user outside that the program is: root is somebody who owns nothing, anybody else himself,
/// since nobody may be more. Where root of a container stands for one user only, there is no other.
unsigned outer_id() {
  if (geteuid() != 0) return geteuid();
  // The range that systemd gives to users of one service, which no system's files belong to.
  constexpr unsigned first = 61184, count = 4336;
  const unsigned wanted = first + static_cast<unsigned>(getpid()) % count;
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0, outside = 0, size = 0;
  while (map >> inside >> outside >> size) {
    if (wanted >= inside && wanted - inside < size) return wanted;
    if (inside == 0 && outside == 0)
      leave_jail(lacks, "this system has no user but root for a sandbox to be");
  }
  return 0;
}

void give_user(pid_t first) {
  const unsigned user = outer_id();
  const unsigned group = geteuid() == 0 && user != 0 ? user : getegid();
  const std::string folder = fmt::format("/proc/{}/", first);
  bool holds = geteuid() == 0 && user != 0 ? true : write_file(folder + "setgroups", "deny");
  holds = holds && write_file(folder + "uid_map", fmt::format("{} {} 1", inner_id, user));
  holds = holds && write_file(folder + "gid_map", fmt::format("{} {} 1", inner_id, group));
  const int error = errno;
  if (!holds) kill(first, SIGKILL);
  errno = error;
  demand(holds, "have a user of its own");
}

void become_user() {
  (void)setgroups(0, nullptr);  // Not allowed, and not needed, where we were not root.
  demand(setresgid(inner_id, inner_id, inner_id) == 0, "have a group of its own");
  demand(setresuid(inner_id, inner_id, inner_id) == 0, "have a user of its own");
  // The change of user forgot it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void give_up_capabilities() {
  constexpr int capabilities_max = 63;
  for (int i = 0; i <= capabilities_max; ++i) (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct {
    std::uint32_t version = 0x20080522;
    int process = 0;
  } header;
  const std::uint32_t none[6] = {};
  demand(syscall(SYS_capset, &header, none) == 0, "give up its rights");
}

bool set_limit(__rlimit_resource resource, std::uint64_t soft, std::uint64_t hard) {
  const rlimit limit{soft, hard};
  return setrlimit(resource, &limit) == 0;
}

/// All that the first process and the program have in common.
void confine(const JailOrder& order) {
  become_user();
  const auto memory = static_cast<std::uint64_t>(order.memory_bytes_max);
  constexpr std::uint64_t signals_max = 1024;
  const std::uint64_t processes = static_cast<std::uint64_t>(order.processes_max) + 1;
  demand(set_limit(RLIMIT_CORE, 0, 0) && set_limit(RLIMIT_NOFILE, jail_files_max, jail_files_max) &&
             set_limit(RLIMIT_FSIZE, memory, memory) && set_limit(RLIMIT_MEMLOCK, 0, 0) &&
             set_limit(RLIMIT_MSGQUEUE, 0, 0) &&
             set_limit(RLIMIT_SIGPENDING, signals_max, signals_max) &&
             set_limit(RLIMIT_NPROC, processes, processes),
         "have limits");
  give_up_capabilities();
  demand(give_up_privileges(), "give up its rights");
  ReachablePaths paths{.writable = order.writable, .has_network = order.has_network};
  paths.readable = {"/"};
  for (const char* path : {"/tmp", "/dev"}) paths.writable.emplace_back(path);
  demand(restrict_paths(paths), "be confined to its files (Landlock)");
  demand(allow_program_calls(order.has_network), "be confined in what it may call (seccomp)");
  prctl(PR_SET_DUMPABLE, 0);
}

[[noreturn]] void become_program(const JailOrder& order) {
  const auto seconds = static_cast<std::uint64_t>((order.cpu_ms + 999) / 1000);
  const auto memory = static_cast<std::uint64_t>(order.memory_bytes_max);
  demand(set_limit(RLIMIT_CPU, seconds, seconds + 1) && set_limit(RLIMIT_AS, memory, memory),
         "have limits");
  std::map<std::string, std::string> environment = order.environment;
  environment.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  environment.try_emplace("HOME", "/tmp");
  environment.try_emplace("TMPDIR", "/tmp");
  environment.try_emplace("LANG", "C.UTF-8");
  std::vector<std::string> variables, words = order.command;
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> environment_pointers, argument_pointers;
  for (std::string& variable : variables) environment_pointers.push_back(variable.data());
  for (std::string& word : words) argument_pointers.push_back(word.data());
  environment_pointers.push_back(nullptr);
  argument_pointers.push_back(nullptr);
  execve(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
  const int error = errno;
  const bool is_missing = error == ENOENT || error == ENOTDIR;
  leave_jail(static_cast<int>(is_missing ? Code::not_found : Code::invalid_argument),
             fmt::format("cannot run {}: {}", order.command[0], std::strerror(error)));
}

[[noreturn]] void run_first(const JailOrder& order, int go) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)setsid();
  JailRoot root(order);
  char byte = 0;
  if (read(go, &byte, 1) != 1) _exit(1);  // The supervisor is gone.
  (void)sethostname("sandbox", std::strlen("sandbox"));
  become_user();
  root.enter();
  confine(order);
  // It may have gone between the two orders to be told of it.
  pollfd lifeline{go, POLLIN, 0};
  if (poll(&lifeline, 1, 0) != 0) _exit(1);
  tell("ready\n");
  const pid_t program = fork();
  demand(program >= 0, "start a process");
  if (program == 0) become_program(order);
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) _exit(1);
    if (ended != program) continue;
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    tell(fmt::format("exit {}\n", code));
    _exit(0);
  }
}

}  // namespace

void leave_jail(int code, const std::string& message) {
  tell(fmt::format("error {}\n{}", code, message));
  _exit(0);
}

void run_jail(std::size_t order_bytes) {
  const JailOrder order = read_order(order_bytes);
  cut_input();
  int ends[2];
  demand(pipe2(ends, O_CLOEXEC) == 0, "start a process");
  unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                        CLONE_NEWCGROUP | SIGCHLD;
  if (!order.has_network) flags |= CLONE_NEWNET;
  const auto first = static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, 0L));
  demand(first >= 0, "have namespaces of its own");
  if (first == 0) {
    close(ends[1]);
    run_first(order, ends[0]);
  }
  close(ends[0]);
  give_user(first);
  demand(write(ends[1], "g", 1) == 1, "start a process");
  const std::string limit = watch_jail(first, order);
  if (!limit.empty()) tell(fmt::format("limit {}\n", limit));
  _exit(0);
}

}  // namespace slipway::detail
