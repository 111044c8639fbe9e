#include "core/spawn.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "core/descriptor.hpp"

using namespace slipway;

namespace {

struct Ended {
  int exit_code = -1;
  std::string out;
};

/// Runs a line of the shell to its end, with nothing to read.
Ended run(const std::string& line, SpawnOptions options = {}) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Descriptor ours(ends[0]), nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Descriptor theirs(ends[1]);
  options.command = {"sh", "-c", line, "sh"};
  if (options.descriptors.empty())
    options.descriptors = {nothing.get(), theirs.get(), theirs.get()};
  const auto pid = spawn(options);
  REQUIRE_MESSAGE(pid.ok(), pid.error().message());
  theirs.close();
  Ended ended;
  char buffer[1024];
  for (ssize_t got = 0; (got = ::read(ours.get(), buffer, sizeof buffer)) > 0;)
    ended.out.append(buffer, static_cast<std::size_t>(got));
  int status = 0;
  REQUIRE(::waitpid(*pid, &status, 0) == *pid);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  return ended;
}

}  // namespace

TEST_CASE("a program is found on PATH, starts where it shall, and sees what it shall") {
  SpawnOptions options;
  options.folder = "/";
  options.environment = {"PATH=/usr/bin:/bin", "WORD=one two"};
  const Ended ended = run("pwd; echo \"$WORD/$HOME\"; exit 3", options);
  CHECK(ended.out == "/\none two/\n");
  CHECK(ended.exit_code == 3);
  ::setenv("SLIPWAY_SPAWN_TEST", "ours", 1);
  CHECK(run("echo $SLIPWAY_SPAWN_TEST").out == "ours\n");
  ::unsetenv("SLIPWAY_SPAWN_TEST");
}

TEST_CASE("a program gets its descriptors and no others, also what was not closed on exec") {
  const Descriptor open_to_all(::open("/dev/null", O_RDONLY));
  REQUIRE(open_to_all.get() > STDERR_FILENO);
  CHECK(run(fmt::format("test -e /proc/self/fd/{} && echo leaked", open_to_all.get())).out.empty());
}

TEST_CASE("descriptors may change places: the output becomes what was the input") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Descriptor ours(ends[0]), theirs(ends[1]);
  const Descriptor kept_in(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10));
  const Descriptor kept_out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10));
  ::dup2(theirs.get(), STDIN_FILENO);  // The writing end stands at 0, and shall be 1.
  SpawnOptions options;
  options.command = {"sh", "-c", "echo said"};
  options.descriptors = {kept_out.get(), STDIN_FILENO, kept_out.get()};
  const auto pid = spawn(options);
  ::dup2(kept_in.get(), STDIN_FILENO);
  REQUIRE(pid.ok());
  char buffer[16];
  CHECK(::read(ours.get(), buffer, sizeof buffer) == 5);
  ::waitpid(*pid, nullptr, 0);
}

TEST_CASE("a program has a group of its own, and signals that are ignored here are not there") {
  const auto before = ::signal(SIGUSR1, SIG_IGN);
  CHECK(run("kill -USR1 $$; echo lives").out.empty());
  ::signal(SIGUSR1, before);
  const Ended group = run("cut -d' ' -f5 /proc/$$/stat; echo $$");
  const auto line_end = group.out.find('\n');
  REQUIRE(line_end != std::string::npos);
  CHECK(std::stoi(group.out.substr(0, line_end)) == std::stoi(group.out.substr(line_end + 1)));
}

TEST_CASE("a program that is not there is not found, and a folder is none") {
  SpawnOptions options;
  options.command = {"no-such-program-anywhere"};
  REQUIRE_FALSE(spawn(options).ok());
  CHECK(spawn(options).error().code() == Code::not_found);
  CHECK(spawn(options).error().message() == "No such file or directory");
  options.command = {"/tmp"};
  CHECK(spawn(options).error().code() == Code::unavailable);
}
