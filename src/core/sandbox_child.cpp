// The child's half of the sandbox: gives up all rights, then looks at the input.
//
// The child is this same program, started again by exec, so it begins with a clean address space:
// no secrets of the parent, no locks held by threads that do not exist here. It confines itself,
// which is safe because nothing foreign has been read yet, and which lets everything run as
// ordinary code instead of the few calls that are allowed between fork and exec.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "core/detail/confinement.hpp"
#include "core/detail/jail_child.hpp"
#include "core/detail/sandbox_protocol.hpp"
#include "core/sandbox.hpp"

namespace slipway {

namespace {

/// Filled before main by namespace-scope objects, read-only afterwards.
std::map<std::string, SandboxEntry, std::less<>>& entries() {
  static std::map<std::string, SandboxEntry, std::less<>> all;
  return all;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void tell(std::string_view status) { (void)write_all(detail::sandbox_status_fd, status); }

[[noreturn]] void leave(int exit_code) {
  _exit(exit_code);  // Without destructors: what they would free ends with the process.
}

[[noreturn]] void leave_with(const Error& error) {
  tell(fmt::format("error {}\n{}", static_cast<int>(error.code()), error.message()));
  leave(0);
}

/// Must not allocate: it runs when there is no memory left.
[[noreturn]] void leave_without_memory() {
  static_assert(static_cast<int>(Code::invalid_argument) == 0);
  tell("error 0\nneeds more memory than it may have");
  leave(0);
}

std::size_t number(const char* text) {
  std::size_t value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

/// The input without a copy: it is a sealed file in memory, so nobody can change it meanwhile.
std::string_view map_input() {
  struct stat status {};
  if (fstat(STDIN_FILENO, &status) != 0) leave_with(fail(Code::internal, "the input has no size"));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return {};
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
  if (mapped == MAP_FAILED) leave_without_memory();
  return {static_cast<const char*>(mapped), size};
}

Result<std::string> call(SandboxEntry entry, std::string_view input) {
  try {
    return entry(input);
  } catch (const std::exception& error) {
    return fail(Code::internal, "a bug stopped the sandboxed function: {}", error.what());
  }
}

[[noreturn]] void run_entry(std::string_view name, bool files_hold) {
  const auto found = entries().find(name);
  if (found == entries().end()) leave_with(fail(Code::internal, "no entry '{}'", name));
  const std::string_view input = map_input();
  std::set_new_handler(&leave_without_memory);
  if (!files_hold) tell("missing Landlock\n");
  if (!detail::allow_computing_only()) tell("missing seccomp\n");
  tell("ready\n");
  auto output = call(found->second, input);
  if (!output) leave_with(output.error());
  if (!write_all(STDOUT_FILENO, *output)) leave(1);
  tell("done\n");
  leave(0);
}

[[noreturn]] void run_program(char** command, bool files_hold) {
  if (!files_hold) tell("missing Landlock\n");
  if (!detail::deny_network_and_processes()) tell("missing seccomp\n");
  tell("ready\n");
  unsetenv(detail::sandbox_variable);
  execv(command[0], command);
  const int error = errno;
  leave_with(fail(error == ENOENT ? Code::not_found : Code::internal, "cannot run {}: {}",
                  command[0], std::strerror(error)));
}

[[noreturn]] void run(int argc, char** argv) {
  // The parent may die by a signal that it cannot handle; nobody would read the result.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  fcntl(detail::sandbox_status_fd, F_SETFD, FD_CLOEXEC);
  const bool is_program = std::string_view(argv[2]) == detail::sandbox_program;
  detail::ResourceLimits limits;
  limits.cpu_seconds_max = number(argv[3]);
  limits.memory_bytes_max = number(argv[4]);
  if (!detail::limit_resources(limits)) tell("missing resource limits\n");
  const bool privileges_hold = detail::give_up_privileges();
  if (!is_program) run_entry(argv[2], privileges_hold && detail::restrict_files({}));
  const std::size_t count = argc > 5 ? number(argv[5]) : 0;
  if (static_cast<std::size_t>(argc) < 6 + count + 1) leave(2);
  const std::vector<std::string> readable(argv + 6, argv + 6 + count);
  run_program(argv + 6 + count, privileges_hold && detail::restrict_files(readable));
}

}  // namespace

bool detail::has_sandbox_entry(std::string_view entry) { return entries().contains(entry); }

SandboxRegistration::SandboxRegistration(std::string_view entry, SandboxEntry function) {
  entries().insert_or_assign(std::string(entry), function);
}

void run_sandbox_child(int argc, char** argv) {
  if (argc < 4 || std::string_view(argv[1]) != detail::sandbox_argument) return;
  if (std::getenv(detail::sandbox_variable) == nullptr) return;  // Typed by a person.
  if (std::string_view(argv[2]) == detail::jail_entry) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fcntl(detail::sandbox_status_fd, F_SETFD, FD_CLOEXEC);
    detail::run_jail(number(argv[3]));
  }
  if (argc < 5) return;
  run(argc, argv);
}

}  // namespace slipway
