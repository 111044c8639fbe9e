#include "core/detail/jail_watch.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace slipway::detail {

namespace {

struct Use {
  std::int64_t cpu_ms = 0, memory_bytes = 0;
};

/// Of one process; nothing when it is gone.
Use use_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');  // The name may hold anything.
  if (end == std::string::npos) return {};
  std::istringstream fields(line.substr(end + 1));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  constexpr std::size_t user = 11;  // Counted from the state; see proc(5).
  if (words.size() < user + 4) return {};
  std::int64_t ticks = 0;
  for (std::size_t i = user; i < user + 4; ++i) ticks += std::atoll(words[i].c_str());
  // What is shared are libraries, which all processes have in common, and files of /tmp, which
  // has a limit of its own.
  std::int64_t size = 0, resident = 0, shared = 0;
  std::ifstream memory("/proc/" + std::to_string(process) + "/statm");
  memory >> size >> resident >> shared;
  static const long per_second = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
  return {ticks * 1000 / per_second, (resident - shared) * page};
}

std::vector<pid_t> children_of(pid_t process) {
  const std::string name = std::to_string(process);
  std::vector<pid_t> children;
  // Children of any of its threads: the kernel lists them by thread.
  std::ifstream file("/proc/" + name + "/task/" + name + "/children");
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

/// Of the first process and all below it; its own ended children are in its ticks.
Use use_of_all(pid_t first) {
  Use sum;
  std::vector<pid_t> open{first};
  constexpr std::size_t processes_max = 4096;
  for (std::size_t i = 0; i < open.size() && i < processes_max; ++i) {
    const Use one = use_of(open[i]);
    sum.cpu_ms += one.cpu_ms;
    if (open[i] != first) sum.memory_bytes += one.memory_bytes;
    for (const pid_t child : children_of(open[i])) open.push_back(child);
  }
  return sum;
}

}  // namespace

std::string watch_jail(pid_t first, const JailOrder& order) {
  const int ended = static_cast<int>(syscall(SYS_pidfd_open, first, 0));
  constexpr int pause_ms = 20;
  std::string limit;
  for (;;) {
    int status = 0;
    const pid_t got = waitpid(first, &status, WNOHANG);
    if (got == first || (got < 0 && errno != EINTR)) return limit;
    pollfd watched{ended, POLLIN, 0};
    (void)poll(&watched, ended >= 0 ? 1 : 0, pause_ms);
    if (!limit.empty()) continue;
    const Use use = use_of_all(first);
    if (use.cpu_ms > order.cpu_ms) limit = "cpu";
    if (use.memory_bytes > order.memory_bytes_max) limit = "memory";
    if (!limit.empty()) kill(first, SIGKILL);
  }
}

}  // namespace slipway::detail
