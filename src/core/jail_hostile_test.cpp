// Python that means harm, in a jail: it takes no more than it may, reaches nothing and nobody, and
// leaves nothing behind. What each call is answered with stands in jail_test.cpp.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/files.hpp"
#include "core/jail.hpp"

using namespace slipway;
using namespace std::chrono_literals;

namespace {

Jail python(const std::string& source) {
  Jail jail;
  jail.command = {"/usr/bin/python3", "-I", "-S", "-c", source};
  jail.readable = system_paths();
  jail.limits.wall = 60s;
  jail.limits.cpu = 30s;
  return jail;
}

/// What it printed, what it raised, or how it was ended.
std::string end_of(const Jail& jail) {
  const auto output = run_jailed({}, jail, "");
  if (!output) return output.error().message();
  return output->exit_code == 0 ? output->out : output->err;
}

constexpr const char* libc = "import ctypes\nl = ctypes.CDLL(None, use_errno=True)\n";
constexpr const char* too_much = "takes more than 134217728 bytes of memory";

Jail with_128_mib(const std::string& source) {
  Jail jail = python(source);
  jail.limits.memory_bytes_max = 128u << 20;
  return jail;
}

}  // namespace

TEST_CASE("memory that processes of a jail share counts") {
  CHECK(end_of(with_128_mib("import mmap, os, time\nfor i in range(3): os.fork()\n"
                            "m = mmap.mmap(-1, 40 << 20)\n"
                            "for at in range(0, len(m), 4096): m[at] = 1\ntime.sleep(50)")) ==
        too_much);
  // What is the same memory counts once.
  CHECK(end_of(with_128_mib("import mmap, os\nm = mmap.mmap(-1, 40 << 20)\n"
                            "for at in range(0, len(m), 4096): m[at] = 1\n"
                            "for i in range(5):\n  if os.fork() == 0:\n"
                            "    n = sum(m[at] for at in range(0, len(m), 4096))\n"
                            "    os._exit(0 if n == 10240 else 1)\n"
                            "print([os.wait()[1] for i in range(5)], end='')")) ==
        "[0, 0, 0, 0, 0]");
}

TEST_CASE("memory of which no process says that it has it is not to be had") {
  constexpr const char* tried =
      "import os\ntry:\n  os.memfd_create('x')\n  print('done', end='')\n"
      "except OSError as e: print(e.errno, end='')";
  CHECK(end_of(python(tried)) == "38");
  for (const char* call : {"l.shmget(0, 1 << 20, 0o1600)", "l.msgget(0, 0o1600)",
                           "l.semget(0, 1, 0o1600)", "l.syscall(447, 0)"})
    CHECK(end_of(python(fmt::format("{}r = {}\nprint(ctypes.get_errno() if r < 0 else 'done', "
                                    "end='')",
                                    libc, call))) == "38");
}

TEST_CASE("a process that another thread of a jail started counts") {
  CHECK(end_of(with_128_mib("import os, threading, time\ndef more():\n  for i in range(4):\n"
                            "    if os.fork() == 0:\n      x = bytearray(40 << 20)\n"
                            "      time.sleep(50)\n  time.sleep(50)\n"
                            "threading.Thread(target=more).start()\ntime.sleep(50)")) == too_much);
}

TEST_CASE("processor time of processes whose end nobody waits for counts") {
  Jail jail = python(
      "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True:\n"
      "  if os.fork() == 0:\n    end = time.process_time() + 0.3\n"
      "    while time.process_time() < end: pass\n    os._exit(0)\n  time.sleep(0.4)");
  jail.limits.cpu = 1'500ms;
  CHECK(end_of(jail) == "used up its 1500 ms of processor time");
}

TEST_CASE("what fills the disk of a jail meets its end and is gone afterwards") {
  CHECK(end_of(python("n = 0\ntry:\n  while True:\n    open(f'/tmp/{n}', 'w').close()\n    n += 1\n"
                      "except OSError as e: print(e.errno, 1000 < n < 20000, end='')")) ==
        "28 True");  // No space: too many files.
  CHECK(end_of(python("import os\ntry:\n  f = open('/tmp/x', 'wb')\n"
                      "  os.posix_fallocate(f.fileno(), 0, 200 << 20)\n"
                      "except OSError as e: print(e.errno, end='')")) == "28");
  CHECK(end_of(python("import os\nf = open('/tmp/x', 'wb')\nos.truncate('/tmp/x', 100 << 20)\n"
                      "for name in ('/usr/x', '/x', '/dev/x', '/dev/shm/x', '/var/tmp/x'):\n"
                      "  try: open(name, 'w'); print(name)\n  except OSError: pass\n"
                      "print('end', end='')")) == "end");
}

TEST_CASE("links in a jail lead nowhere outside, whoever made them") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("slipway-jail-{}", getpid());
  std::filesystem::create_directories(folder / "work");
  std::ofstream(folder / "secret") << "secret";
  std::filesystem::create_symlink("../secret", folder / "work/link");
  std::filesystem::create_symlink(folder, folder / "work/up");
  std::filesystem::permissions(folder / "work", std::filesystem::perms::all);
  Jail jail = python("import os\nos.chdir('" + (folder / "work").string() +
                     "')\nos.symlink('/etc', 'etc')\n"
                     "for name in ('link', 'up/secret', 'etc/passwd', '../secret', "
                     "'/proc/self/root/etc/passwd', '/proc/self/fd/0/../../secret'):\n"
                     "  try: print(open(name).read())\n  except OSError: pass\n"
                     "try: os.link('" +
                     (folder / "secret").string() +
                     "', 'hard')\nexcept OSError: pass\n"
                     "open('mine', 'w').write('x')\nprint('end', end='')");
  jail.writable = {(folder / "work").string()};
  CHECK(end_of(jail) == "end");
  CHECK(std::filesystem::exists(folder / "work/mine"));
  CHECK(*read_file(folder / "secret") == "secret");
  std::filesystem::remove_all(folder);
}

TEST_CASE("/proc of a jail, where there is one, shows its own processes only") {
  Jail jail = python(
      "import os\nnames = os.listdir('/proc') if os.path.isdir('/proc') else []\n"
      "print(max([int(n) for n in names if n.isdigit()] or [0]) < 20, end='')\n"
      "for name in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/1/mem'):\n"
      "  try: open(name, 'r+b'); print(name)\n  except OSError: pass");
  jail.has_proc = true;
  CHECK(end_of(jail) == "True");
}

TEST_CASE("sockets of a jail meet nobody, and every kind but local ones is refused") {
  CHECK(end_of(python("import socket\nfor family in range(2, 46):\n  for kind in (1, 2, 3, 5):\n"
                      "    try: socket.socket(family, kind); print(family, kind)\n"
                      "    except OSError: pass\nprint('end', end='')")) == "end");
  CHECK(end_of(python("import socket\ns = socket.socket(socket.AF_UNIX)\n"
                      "for name in ('\\0/org/freedesktop/systemd1', '/run/docker.sock', "
                      "'/run/systemd/notify'):\n"
                      "  try: s.connect(name); print(name)\n  except OSError: pass\n"
                      "print('end', end='')")) == "end");
}

TEST_CASE("signals of a jail reach nobody outside of it") {
  const std::string parent = std::to_string(getpid());
  CHECK(end_of(python("import os, signal\nfor pid in (" + parent +
                      ", os.getppid(), -1, 0, 1):\n  for number in (9, 15, 19):\n"
                      "    if pid == 0: continue\n"
                      "    try: os.kill(pid, number)\n    except OSError: pass\n"
                      "print(os.getppid(), end='')")) == "1");
  CHECK(getpgrp() > 0);  // And we are still here to say so.
}

TEST_CASE("a program in a jail that breaks is told, and so is one that will not end") {
  const auto broken = run_jailed({}, python("import ctypes\nctypes.string_at(0)"), "");
  REQUIRE(broken.ok());
  CHECK(broken->exit_code == 128 + SIGSEGV);
  Jail jail = python(
      "import os, signal, time\n"
      "for number in range(1, 64):\n  try: signal.signal(number, signal.SIG_IGN)\n"
      "  except (OSError, ValueError): pass\nos.setsid()\n"
      "if os.fork() == 0:\n  os.close(1)\n  os.close(2)\ntime.sleep(100)");
  jail.limits.wall = 1s;
  const auto stubborn = run_jailed({}, jail, "");
  REQUIRE(!stubborn.ok());
  CHECK(stubborn.error().code() == Code::deadline_exceeded);
}

#if defined(__x86_64__)
TEST_CASE("calls by another architecture's numbers end a program in a jail") {
  // mov eax, 20; int 0x80; ret: getpid of 32-bit programs.
  const auto ended =
      run_jailed({},
                 python("import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\n"
                        "m.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))\n"
                        "at = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
                        "ctypes.CFUNCTYPE(ctypes.c_int)(at)()\nprint('done', end='')"),
                 "");
  REQUIRE(ended.ok());
  CHECK(ended->exit_code == 128 + SIGSYS);
}
#endif
