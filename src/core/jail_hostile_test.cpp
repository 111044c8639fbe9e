// Python that means harm, in a jail: it takes no more than it may, reaches nothing and nobody, and
// leaves nothing behind. What each call is answered with stands in jail_test.cpp.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/detail/jailed_python.hpp"
#include "core/files.hpp"
#include "core/jail.hpp"

using namespace slipway;
using namespace std::chrono_literals;
using detail::end_of, detail::python;

namespace {

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

TEST_CASE("what the kernel keeps for a jail counts") {
  // Unread in sockets. Each process alone would be within the limit, here and below.
  CHECK(end_of(with_128_mib("import os, socket, time\nfor i in range(3): os.fork()\nkept = []\n"
                            "for i in range(60):\n  kept += socket.socketpair()\n"
                            "  kept[-1].setblocking(False)\n"
                            "  try:\n    while True: kept[-1].send(b'x' * 65536)\n"
                            "  except BlockingIOError: pass\ntime.sleep(50)")) == too_much);
  // Pipes.
  CHECK(end_of(with_128_mib("import os, time\nfor i in range(4): os.fork()\n"
                            "kept = [os.pipe() for i in range(120)]\ntime.sleep(50)")) == too_much);
  // Sockets that were sent and closed, so that no process has them open.
  CHECK(end_of(with_128_mib("import array, socket, time\na, b = socket.socketpair()\n"
                            "for i in range(50):\n  c, d = socket.socketpair()\n"
                            "  a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, "
                            "array.array('i', [c.fileno(), d.fileno()]))])\n"
                            "  c.close()\n  d.close()\nx = bytearray(80 << 20)\n"
                            "time.sleep(50)")) == too_much);
  // Locks of parts of files.
  CHECK(end_of(with_128_mib("import fcntl, time\nx = bytearray(80 << 20)\n"
                            "f = [open(f'/tmp/{i}', 'wb') for i in range(240)]\n"
                            "for one in f:\n  for at in range(2000):\n"
                            "    fcntl.lockf(one, fcntl.LOCK_EX, 1, 2 * at)\n"
                            "time.sleep(50)")) == too_much);
  // Mappings of one page.
  CHECK(end_of(with_128_mib("import ctypes, mmap, os, time\nfor i in range(4): os.fork()\n"
                            "l = ctypes.CDLL(None)\nm = mmap.mmap(-1, 80 << 20)\n"
                            "a = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
                            "for at in range(0, 20480, 2):\n"
                            "  l.mprotect(ctypes.c_void_p(a + 4096 * at), 4096, 1)\n"
                            "time.sleep(50)")) == too_much);
}

TEST_CASE("buffers of the kernel stay as large as they are") {
  CHECK(end_of(python("import fcntl, os\nr, w = os.pipe()\n"
                      "try: fcntl.fcntl(w, 1031, 1 << 20)\nexcept PermissionError: pass\n"
                      "print(fcntl.fcntl(w, 1032), end='')")) == "65536");
  CHECK(end_of(python("import socket\na, b = socket.socketpair()\n"
                      "for option in (socket.SO_SNDBUF, socket.SO_RCVBUF, 32, 33):\n"
                      "  before = a.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)\n"
                      "  a.setsockopt(socket.SOL_SOCKET, option, 1 << 23)\n"
                      "  print(a.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before)")) ==
        "True\nTrue\nTrue\nTrue\n");
}

TEST_CASE("a call that no program needs is unknown in a jail, of newer kernels too") {
  // inotify (its queues), AIO (its rings), POSIX queues, pages in pipes, files in memory.
  CHECK(end_of(python("import ctypes, os\nl = ctypes.CDLL(None, use_errno=True)\n"
                      "known = []\nfor n in [253, 254, 294, 206, 240, 278, 216, 319, 447] + "
                      "list(range(468, 800)):\n"
                      "  if l.syscall(n, 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != 38: "
                      "known.append(n)\nprint(known, end='')")) == "[]");
}

TEST_CASE("what honest programs do works in a jail") {
  const std::string source =
      "import asyncio, concurrent.futures, fcntl, multiprocessing, os, select, shutil, signal\n"
      "import socket, sqlite3, ssl, subprocess, tempfile, threading, time\n"
      "with concurrent.futures.ThreadPoolExecutor(3) as pool: print(*pool.map(abs, (-1, -2)))\n"
      "print(subprocess.run(['/usr/bin/env', 'echo', 'a'], capture_output=True).stdout)\n"
      "a, b = multiprocessing.Pipe()\n"
      "p = multiprocessing.get_context('fork').Process(target=lambda: b.send('b'))\n"
      "p.start(); print(a.recv()); p.join()\n"
      "db = sqlite3.connect('/tmp/a.db'); db.execute('create table t(x)')\n"
      "db.execute('insert into t values (1)'); db.commit()\n"
      "print(db.execute('select * from t').fetchall())\n"
      "shutil.copy2('/usr/bin/env', '/tmp/env'); print(os.path.exists('/tmp/env'))\n"
      "async def main():\n"
      "  p = await asyncio.create_subprocess_exec('/usr/bin/cat', stdin=-1, stdout=-1)\n"
      "  print((await p.communicate(b'c'))[0])\n  await asyncio.sleep(0.01)\n"
      "  server = await asyncio.start_unix_server(lambda r, w: w.close(), '/tmp/s')\n"
      "  r, w = await asyncio.open_unix_connection('/tmp/s'); print(await r.read())\n"
      "asyncio.run(main())\n"
      "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
      "signal.setitimer(signal.ITIMER_REAL, 0.01); print(signal.sigwait({signal.SIGALRM}) > 0)\n"
      "with tempfile.TemporaryDirectory() as d: os.rename('/tmp/env', d + '/env')\n"
      "print(time.monotonic() > 0, os.cpu_count() > 0)\n";
  CHECK(end_of(python(source)) == "1 2\nb'a\\n'\nb\n[(1,)]\nTrue\nb'c'\nb''\nTrue\nTrue True\n");
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
