#include "core/sandbox.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/fault.hpp"
#include "core/pool.hpp"

namespace slipway {

namespace {

using namespace std::chrono_literals;

Result<std::string> echo(std::string_view input) { return std::string(input); }
Result<std::string> refuse(std::string_view input) {
  return fail(Code::unsupported, "cannot read '{}'\nsecond line", input);
}
Result<std::string> throw_up(std::string_view) { throw std::runtime_error("unexpected"); }
Result<std::string> crash(std::string_view) { std::abort(); }
Result<std::string> fault(std::string_view) {
  ::raise(SIGSEGV);
  return std::string();
}
Result<std::string> spin(std::string_view) {
  for (std::atomic<int> i = 0;;) ++i;
}
Result<std::string> eat_memory(std::string_view) {
  std::vector<std::string> eaten;
  while (true) eaten.emplace_back(16u << 20, 'x');
}
Result<std::string> quit_early(std::string_view) { _exit(7); }
Result<std::string> change_input(std::string_view) {
  return std::to_string(write(STDIN_FILENO, "x", 1));
}

/// Tries what a hostile parser would try; the names of what worked.
Result<std::string> try_everything(std::string_view) {
  std::string worked;
  const auto note = [&](bool success, std::string_view what) {
    if (success) worked += fmt::format("{} ", what);
  };
  note(open("/etc/passwd", O_RDONLY) >= 0, "open");
  note(open("/tmp/slipway-sandbox-escape", O_WRONLY | O_CREAT, 0600) >= 0, "create");
  note(open("/proc/self/maps", O_RDONLY) >= 0, "proc");
  note(opendir("/") != nullptr, "list");
  note(access("/etc/passwd", F_OK) == 0, "stat");
  note(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
  note(socket(AF_UNIX, SOCK_STREAM, 0) >= 0, "unix socket");
  note(fork() >= 0, "fork");
  note(kill(getppid(), 0) == 0, "kill");
  note(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
       "executable memory");
  char* const command[] = {const_cast<char*>("/bin/true"), nullptr};
  note(execve("/bin/true", command, nullptr) == 0, "exec");
  for (int fd = 4; fd < 64; ++fd) note(lseek(fd, 0, SEEK_CUR) >= 0, "inherited descriptor");
  return worked;
}

const SandboxRegistration registrations[] = {
    {"test-echo", &echo},       {"test-refuse", &refuse},      {"test-throw", &throw_up},
    {"test-crash", &crash},     {"test-spin", &spin},          {"test-memory", &eat_memory},
    {"test-quit", &quit_early}, {"test-try", &try_everything}, {"test-change", &change_input},
    {"test-fault", &fault},
};

const Context context;

bool has_no_child() { return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace

TEST_CASE("a sandboxed function gets its input and gives its output") {
  const auto output = run_sandboxed(context, "test-echo", "hello", {});
  REQUIRE(output.ok());
  CHECK(output->out == "hello");
  const std::string bytes("a\0b\r\n", 5);
  CHECK(run_sandboxed(context, "test-echo", bytes, {})->out == bytes);
  CHECK(run_sandboxed(context, "test-echo", "", {})->out.empty());
  CHECK(has_no_child());
}

TEST_CASE("fifty megabytes go through the sandbox and come back unchanged") {
  std::string input(50u << 20, '\0');
  for (std::size_t i = 0; i < input.size(); ++i)
    input[i] = static_cast<char>(i * 2654435761u >> 13);
  const auto output = run_sandboxed(context, "test-echo", input, {});
  REQUIRE(output.ok());
  CHECK(output->out == input);
}

TEST_CASE("more output than allowed is refused") {
  SandboxLimits limits;
  limits.output_bytes_max = 1000;
  CHECK(run_sandboxed(context, "test-echo", std::string(1000, 'x'), limits).ok());
  const auto output = run_sandboxed(context, "test-echo", std::string(1001, 'x'), limits);
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::invalid_argument);
  CHECK(output.error().message() == "gives more than 1000 bytes of output");
  CHECK(has_no_child());
}

TEST_CASE("the error of a sandboxed function arrives with its code and whole message") {
  const auto output = run_sandboxed(context, "test-refuse", "that", {});
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::unsupported);
  CHECK(output.error().message() == "cannot read 'that'\nsecond line");
  const auto thrown = run_sandboxed(context, "test-throw", "", {});
  REQUIRE(!thrown.ok());
  CHECK(thrown.error().code() == Code::internal);
  CHECK(thrown.error().message().find("unexpected") != std::string::npos);
}

TEST_CASE("a sandboxed function can open nothing, reach nobody and start nothing") {
  const auto output = run_sandboxed(context, "test-try", "input", {});
  CHECK((output.ok() ? output->out : output.error().message()) == "");
  CHECK(!std::filesystem::exists("/tmp/slipway-sandbox-escape"));
}

TEST_CASE("a call costs a few milliseconds") {
  CHECK(run_sandboxed(context, "test-echo", "warm", {}).ok());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK(run_sandboxed(context, "test-echo", "x", {}).ok());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  MESSAGE("milliseconds per sandboxed call: " << took.count() / 20);
  CHECK(took.count() / 20 < 250);  // Not a measurement: machines and sanitizers differ.
}

TEST_CASE("an endless loop ends at the time limit") {
  SandboxLimits limits;
  limits.timeout = 200ms;
  const auto begin = std::chrono::steady_clock::now();
  const auto output = run_sandboxed(context, "test-spin", "", limits);
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::deadline_exceeded);
  CHECK(output.error().message() == "takes longer than 200 ms");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(has_no_child());
}

TEST_CASE("the deadline of the context ends the child too") {
  const auto output = run_sandboxed(context.with_timeout(100ms), "test-spin", "", {});
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::deadline_exceeded);
}

TEST_CASE("a stop request ends the child at once") {
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto output = run_sandboxed(context.with_stop(source.get_token()), "test-spin", "", {});
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::cancelled);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(!run_sandboxed(context.with_stop(source.get_token()), "test-echo", "", {}).ok());
  CHECK(has_no_child());
}

#if !defined(__SANITIZE_ADDRESS__)  // There the address space cannot be limited.
TEST_CASE("a function that eats memory is stopped and says so") {
  SandboxLimits limits;
  limits.memory_bytes_max = 256u << 20;
  const auto output = run_sandboxed(context, "test-memory", "", limits);
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::invalid_argument);
  CHECK(output.error().message() == "needs more memory than it may have");
}
#endif

TEST_CASE("a crash of the child is an error of the input, not of the parent") {
  for (const std::string_view entry : {"test-crash", "test-fault", "test-quit", "test-change"}) {
    CAPTURE(entry);
    const auto output = run_sandboxed(context, entry, "", {});
    REQUIRE(!output.ok());
    CHECK(output.error().code() == Code::invalid_argument);
  }
  CHECK(run_sandboxed(context, "test-crash", "", {}).error().message().find("SIGABRT") !=
        std::string::npos);
  CHECK(has_no_child());
}

TEST_CASE("many threads use the sandbox at once and leak neither children nor descriptors") {
  CHECK(run_sandboxed(context, "test-echo", "warm", {}).ok());
  const std::size_t before = open_descriptors();
  std::atomic<int> right{0};
  const auto done = parallel_for(context, 80, 8, [&](std::size_t i) -> Result<void> {
    const std::string input(i * 1000, static_cast<char>('a' + i % 26));
    if (TRY(run_sandboxed(context, "test-echo", input, {})).out == input) ++right;
    return {};
  });
  CHECK(done.ok());
  CHECK(right == 80);
  CHECK(open_descriptors() == before);
  CHECK(has_no_child());
}

TEST_CASE("a program in the sandbox reads its input and its libraries only") {
  const std::vector<std::string> readable{"/usr", "/lib", "/lib64", "/etc/ld.so.cache"};
  const auto copied = run_program_sandboxed(context, {"/bin/cat"}, "through cat", {}, readable);
  REQUIRE(copied.ok());
  CHECK(copied->out == "through cat");
  CHECK(copied->exit_code == 0);
  const auto peeked = run_program_sandboxed(context, {"/bin/cat", "/etc/passwd"}, "", {}, readable);
  REQUIRE(peeked.ok());
  CHECK(peeked->exit_code == 1);
  CHECK(peeked->out.empty());
  CHECK(peeked->err.find("Permission denied") != std::string::npos);
  const auto wrote = run_program_sandboxed(
      context, {"/bin/sh", "-c", "echo x > /tmp/slipway-sandbox-escape"}, "", {}, readable);
  REQUIRE(wrote.ok());
  CHECK(wrote->exit_code != 0);
  const auto forked =
      run_program_sandboxed(context, {"/bin/sh", "-c", "/bin/true; exit 0"}, "", {}, readable);
  REQUIRE(forked.ok());
  CHECK(forked->exit_code != 0);
  CHECK(!std::filesystem::exists("/tmp/slipway-sandbox-escape"));
}

TEST_CASE("a program that is not there is named") {
  const auto output = run_program_sandboxed(context, {"/no/such/program"}, "", {}, {"/usr"});
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::not_found);
  CHECK(output.error().message().find("/no/such/program") != std::string::npos);
}

TEST_CASE("a program that never reads its input does not stop the parent") {
  const std::vector<std::string> readable{"/usr", "/lib", "/lib64", "/etc/ld.so.cache"};
  const auto output =
      run_program_sandboxed(context, {"/bin/true"}, std::string(10u << 20, 'x'), {}, readable);
  REQUIRE(output.ok());
  CHECK(output->exit_code == 0);
}

TEST_CASE("a child that cannot be started is an error and leaves nothing behind") {
  const std::size_t before = open_descriptors();
  const FaultPlan plan(FaultKind::file, 1);
  const auto output = run_sandboxed(context, "test-echo", "", {});
  REQUIRE(!output.ok());
  CHECK(output.error().code() == Code::unavailable);
  CHECK(open_descriptors() == before);
}

}  // namespace slipway
