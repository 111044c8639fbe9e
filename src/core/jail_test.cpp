#include "core/jail.hpp"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/detail/jailed_python.hpp"

using namespace slipway;
using namespace std::chrono_literals;
using detail::end_of, detail::python;

namespace {

std::string said(const std::string& source) { return end_of(python(source)); }

/// Tries a statement, prints "done" or the name of what it raised.
std::string tried(const std::string& statement) {
  return said("try:\n  " + statement +
              "\n  print('done', end='')\nexcept BaseException as e:\n"
              "  print(type(e).__name__, end='')\n");
}

/// "done", or the error's number, of a call of the kernel.
std::string called(const std::string& arguments) {
  return said("import ctypes\nl = ctypes.CDLL(None, use_errno=True)\nr = l.syscall(" + arguments +
              ")\nprint(ctypes.get_errno() if r < 0 else 'done', end='')");
}
std::string call(long number, const std::string& arguments) {
  return called(std::to_string(number) + ", " + arguments);
}

}  // namespace

TEST_CASE("a jail runs a program with its input, arguments and environment") {
  Jail jail =
      python("import os, sys; print(sys.stdin.read() + os.environ['X'], end=''); sys.exit(3)");
  jail.environment["X"] = "!";
  const auto output = run_jailed({}, jail, "hello");
  REQUIRE_MESSAGE(output, output.error().message());
  CHECK(output->out == "hello!");
  CHECK(output->exit_code == 3);
}

TEST_CASE("nothing of the machine is seen from a jail") {
  CHECK(tried("open('/etc/passwd')") == "FileNotFoundError");
  CHECK(tried("open('/etc/shadow')") == "FileNotFoundError");
  CHECK(tried("import os; os.listdir('/srv')") == "FileNotFoundError");
  CHECK(tried("import os; os.listdir('/home')") == "FileNotFoundError");
  CHECK(tried("open('/proc/1/environ')") == "FileNotFoundError");
  CHECK(tried("open('/dev/mem')") == "FileNotFoundError");
  CHECK(said("import os; print(sorted(os.listdir('/tmp')), os.getcwd(), end='')") == "[] /tmp");
  CHECK(said("import os; print(os.getpid(), os.getuid(), os.uname().nodename, end='')") ==
        "2 1000 sandbox");
}

TEST_CASE("a jail holds no descriptor but the three of its program") {
  CHECK(said("import os\nopen_ones = []\nfor n in range(256):\n  try:\n    os.fstat(n)\n    "
             "open_ones.append(n)\n  except OSError: pass\nprint(open_ones, end='')") ==
        "[0, 1, 2]");
}

TEST_CASE("a program in a jail writes to its own /tmp only, and it is gone afterwards") {
  CHECK(tried("open('/tmp/a', 'w').write('x')") == "done");
  CHECK(tried("open('/usr/lib/a', 'w')") == "OSError");
  CHECK(tried("open('/a', 'w')") != "done");
  CHECK(tried("open('/dev/a', 'w')") != "done");
  CHECK(tried("import os; os.symlink('/etc/passwd', '/tmp/l'); open('/tmp/l')") ==
        "FileNotFoundError");
  CHECK(tried("open('/tmp/../../../../etc/passwd')") == "FileNotFoundError");
  CHECK(tried("import os; os.remove('/usr/bin/python3')") != "done");
  CHECK(tried("import os; os.chmod('/usr/bin/env', 0o777)") != "done");
  CHECK(!std::filesystem::exists("/tmp/a"));
  CHECK(!std::filesystem::exists("/tmp/l"));
}

TEST_CASE("a jail has no network") {
  CHECK(tried("import socket; socket.create_connection(('127.0.0.1', 22), 1)") != "done");
  CHECK(tried("import socket; socket.socket(socket.AF_INET)") == "PermissionError");
  CHECK(tried("import socket; socket.socket(socket.AF_INET6)") == "PermissionError");
  CHECK(tried("import socket; socket.socket(socket.AF_NETLINK)") == "PermissionError");
  CHECK(tried("import socket; socket.socket(socket.AF_PACKET)") == "PermissionError");
  CHECK(tried("import socket; socket.getaddrinfo('example.com', 80)") != "done");
}

TEST_CASE("calls that lead out of a jail are refused") {
  constexpr const char* eperm = "1";
  constexpr const char* enosys = "38";
  CHECK(call(SYS_ptrace, "0, 0, 0, 0") == eperm);
  CHECK(call(SYS_mount, "b'x', b'/tmp', b'tmpfs', 0, 0") == eperm);
  CHECK(call(SYS_chroot, "b'/tmp'") == eperm);
  CHECK(call(SYS_unshare, "0x10000000") == eperm);  // CLONE_NEWUSER
  CHECK(call(SYS_setns, "0, 0") == eperm);
  CHECK(call(SYS_clone, "0x10000000 | 17, 0, 0, 0, 0") == eperm);
  CHECK(call(SYS_bpf, "0, 0, 0") == eperm);
  CHECK(call(SYS_userfaultfd, "0") == eperm);
  CHECK(call(SYS_keyctl, "0, 0, 0, 0, 0") == eperm);
  CHECK(call(SYS_add_key, "b'user', b'a', b'b', 1, -3") == eperm);
  CHECK(call(SYS_perf_event_open, "0, 0, 0, 0, 0") == eperm);
  CHECK(call(SYS_init_module, "0, 0, b''") == eperm);
  CHECK(call(SYS_finit_module, "0, b'', 0") == eperm);
  CHECK(call(SYS_process_vm_readv, "1, 0, 0, 0, 0, 0") == eperm);
  CHECK(call(SYS_kexec_load, "0, 0, 0, 0") == eperm);
  CHECK(call(SYS_reboot, "0, 0, 0, 0") == eperm);
  CHECK(call(SYS_pidfd_open, "1, 0") == eperm);
  CHECK(call(428, "-100, b'/', 0x8001") == eperm);  // open_tree
  CHECK(call(438, "0, 0, 0") == eperm);             // pidfd_getfd
  for (const char* io_uring : {"425, 8, b'0' * 256", "426, 0, 1, 0, 0, 0, 0", "427, 0, 0, 0, 0"})
    CHECK(called(io_uring) == enosys);
  CHECK(call(435, "0, 0") == enosys);  // clone3
  CHECK(call(SYS_setrlimit, "7, 0") != "done");
  CHECK(call(SYS_setuid, "0") != "done");
}

TEST_CASE("a program in a jail reaches no process but its own") {
  const std::string pid = std::to_string(getpid());
  CHECK(tried("import os; os.kill(" + pid + ", 9)") != "done");
  // The first process of the namespace cannot be ended from within.
  CHECK(said("import os, time\ntry: os.kill(1, 9)\nexcept PermissionError: pass\n"
             "time.sleep(0.1)\nprint('here', end='')") == "here");
  CHECK(said("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint('here', end='')") ==
        "here");
}

TEST_CASE("a jail ends what takes too long, also what it started") {
  Jail jail = python("while True: pass");
  jail.limits.cpu = 300ms;
  const auto spun = run_jailed({}, jail, "");
  REQUIRE(!spun);
  CHECK(spun.error().code() == Code::deadline_exceeded);
  CHECK(spun.error().message() == "used up its 300 ms of processor time");
  jail = python("import os, time\nos.fork()\ntime.sleep(100)");
  jail.limits.wall = 500ms;
  const auto slept = run_jailed({}, jail, "");
  REQUIRE(!slept);
  CHECK(slept.error().code() == Code::deadline_exceeded);
  jail = python("import os, time\nif os.fork() == 0: time.sleep(100)\nprint('x', end='')");
  const auto left = run_jailed({}, jail, "");
  REQUIRE(left);
  CHECK(left->out == "x");
}

TEST_CASE("processor time counts over all processes of a jail") {
  Jail jail = python("import os\nfor i in range(2): os.fork()\nwhile True: pass");
  jail.limits.cpu = 1000ms;
  const auto output = run_jailed({}, jail, "");
  REQUIRE(!output);
  CHECK(output.error().code() == Code::deadline_exceeded);
}

TEST_CASE("a fork bomb stays within its number of processes") {
  const std::string bomb =
      "import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\n    n "
      "+= 1\n"
      "except OSError: print(n, end='')";
  Jail jail = python(bomb);
  jail.limits.processes_max = 5;
  const auto output = run_jailed({}, jail, "");
  REQUIRE_MESSAGE(output, output.error().message());
  CHECK(output->out == "4");
}

TEST_CASE("a program in a jail cannot take more memory than it may") {
  CHECK(said("try:\n  x = bytearray(1 << 30)\nexcept MemoryError: print('full', end='')") ==
        "full");
  Jail jail = python(
      "import os, time\nfor i in range(3): os.fork()\nx = bytearray(40 << 20)\ntime.sleep(20)");
  jail.limits.memory_bytes_max = 128u << 20;
  const auto together = run_jailed({}, jail, "");
  REQUIRE(!together);
  CHECK(together.error().message() == "takes more than 134217728 bytes of memory");
  CHECK(tried("f = open('/tmp/x', 'wb')\n  while True: f.write(b'x' * (1 << 20)); f.flush()") ==
        "OSError");
}

TEST_CASE("a jail's output has a limit") {
  Jail jail = python("while True: print('x' * 10000)");
  const auto output = run_jailed({}, jail, "");
  REQUIRE(!output);
  CHECK(output.error().code() == Code::invalid_argument);
  CHECK(output.error().message() == "gives more than 1048576 bytes of output");
  jail = python("import sys\nfor i in range(1000): print('x' * 10000, file=sys.stderr)");
  const auto errors = run_jailed({}, jail, "");
  REQUIRE(errors);
  CHECK(errors->err.size() == 64u << 10);
}

TEST_CASE("a jail reads and writes the paths that it is given, and no others") {
  const std::string folder = std::filesystem::temp_directory_path() / "slipway-jail-test";
  std::filesystem::create_directories(folder + "/in");
  std::ofstream(folder + "/in/a") << "text";
  std::ofstream(folder + "/secret") << "secret";
  Jail jail = python("print(open('" + folder + "/in/a').read(), end='')");
  jail.readable.push_back(folder + "/in");
  const auto read = run_jailed({}, jail, "");
  REQUIRE_MESSAGE(read, read.error().message());
  CHECK_MESSAGE(read->out == "text", read->err);
  jail.command.back() = "open('" + folder + "/in/a', 'w')";
  CHECK(run_jailed({}, jail, "")->exit_code != 0);
  jail.command.back() = "open('" + folder + "/secret')";
  CHECK(run_jailed({}, jail, "")->err.find("FileNotFoundError") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a program that is not there, or a path that is none, is named") {
  Jail jail = python("");
  jail.command[0] = "/usr/bin/no-such-program";
  const auto output = run_jailed({}, jail, "");
  REQUIRE(!output);
  CHECK(output.error().code() == Code::not_found);
  CHECK(output.error().message().find("no-such-program") != std::string::npos);
}

TEST_CASE("a stop request ends a jail at once") {
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  const auto output = run_jailed(Context(source.get_token()), python("while True: pass"), "");
  REQUIRE(!output);
  CHECK(output.error().code() == Code::cancelled);
}
