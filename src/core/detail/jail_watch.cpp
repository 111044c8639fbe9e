#include "core/detail/jail_watch.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/detail/kernel_memory.hpp"

namespace slipway::detail {

namespace {

/// Of one process, of itself; nothing when it is gone.
struct Use {
  std::int64_t cpu_ms = 0, children_cpu_ms = 0, memory_bytes = 0;
};

std::int64_t bytes_of(const std::string& file, std::string_view field) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(field)) return std::atoll(line.c_str() + field.size()) * 1024;
  return -1;
}

/// Its part of the pages that processes share: of memory without a file, and of /tmp. A program may
/// forbid to look at parts; then they count whole.
std::int64_t shared_bytes(const std::string& folder) {
  const std::int64_t whole = bytes_of(folder + "status", "RssShmem:");
  if (whole <= 0) return 0;
  const std::int64_t part = bytes_of(folder + "smaps_rollup", "Pss_Shmem:");
  return part < 0 ? whole : part;
}

Use use_of(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process) + "/";
  std::ifstream file(folder + "stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');  // The name may hold anything.
  if (end == std::string::npos) return {};
  std::istringstream fields(line.substr(end + 1));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  constexpr std::size_t user = 11;  // Counted from the state; see proc(5).
  if (words.size() < user + 4) return {};
  std::int64_t ticks[4] = {};
  for (std::size_t i = 0; i < 4; ++i) ticks[i] = std::atoll(words[user + i].c_str());
  // What is resident and shared are also libraries, which all processes have in common.
  std::int64_t size = 0, resident = 0, shared = 0;
  std::ifstream memory(folder + "statm");
  memory >> size >> resident >> shared;
  static const long per_second = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
  return {.cpu_ms = (ticks[0] + ticks[1]) * 1000 / per_second,
          .children_cpu_ms = (ticks[2] + ticks[3]) * 1000 / per_second,
          .memory_bytes = (resident - shared) * page + shared_bytes(folder)};
}

std::vector<pid_t> children_of(pid_t process) {
  const std::string threads = "/proc/" + std::to_string(process) + "/task";
  std::vector<pid_t> children;
  std::error_code ignored;  // It may end meanwhile.
  // The kernel lists them by the thread that started them.
  for (std::filesystem::directory_iterator thread(threads, ignored), end; !ignored && thread != end;
       thread.increment(ignored)) {
    std::ifstream file(thread->path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

/// What the first process and all below it use together.
class Watch {
 public:
  explicit Watch(pid_t first) : first_(first) {}

  /// `cpu_ms` also of those that have ended.
  Use look() {
    Use sum;
    KernelMemory kernel;
    // Reading what is mapped takes longer, and it grows slower.
    const bool looks_at_mappings = looks_++ % 5 == 0;
    if (looks_at_mappings) mapping_bytes_ = 0;
    std::map<pid_t, std::int64_t> alive;
    std::vector<pid_t> open{first_};
    constexpr std::size_t processes_max = 4096;
    for (std::size_t i = 0; i < open.size() && i < processes_max; ++i) {
      const Use one = use_of(open[i]);
      sum.cpu_ms += one.cpu_ms + one.children_cpu_ms;
      if (open[i] != first_) {
        sum.memory_bytes += one.memory_bytes;
        kernel.add_open_files(open[i]);
        if (looks_at_mappings) mapping_bytes_ += mapping_bytes(open[i]);
      }
      alive[open[i]] = one.cpu_ms;
      for (const pid_t child : children_of(open[i])) open.push_back(child);
    }
    // The ticks of a child go to who waits for it, and to nobody if its end is ignored.
    std::int64_t seen_ms = 0;
    for (const auto& [process, cpu_ms] : last_) {
      const auto found = alive.find(process);
      if (found == alive.end() || found->second < cpu_ms) ended_ms_ += cpu_ms;
    }
    for (const auto& [process, cpu_ms] : alive) seen_ms += cpu_ms;
    last_ = std::move(alive);
    sum.cpu_ms = std::max(sum.cpu_ms, seen_ms + ended_ms_);
    sum.memory_bytes += kernel.bytes() + mapping_bytes_;
    return sum;
  }

 private:
  const pid_t first_;
  std::map<pid_t, std::int64_t> last_;  ///< What they had used when they were last seen.
  std::int64_t ended_ms_ = 0;
  int looks_ = 0;
  std::int64_t mapping_bytes_ = 0;
};

}  // namespace

std::string watch_jail(pid_t first, const JailOrder& order) {
  const int ended = static_cast<int>(syscall(SYS_pidfd_open, first, 0));
  constexpr int pause_ms = 20;
  std::string limit;
  Watch watch(first);
  for (;;) {
    int status = 0;
    const pid_t got = waitpid(first, &status, WNOHANG);
    if (got == first || (got < 0 && errno != EINTR)) return limit;
    pollfd watched{ended, POLLIN, 0};
    (void)poll(&watched, ended >= 0 ? 1 : 0, pause_ms);
    if (!limit.empty()) continue;
    const Use use = watch.look();
    if (use.cpu_ms > order.cpu_ms) limit = "cpu";
    if (use.memory_bytes > order.memory_bytes_max) limit = "memory";
    if (!limit.empty()) kill(first, SIGKILL);
  }
}

}  // namespace slipway::detail
