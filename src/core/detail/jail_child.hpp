// The child's half of a jail, and what both halves agree on.
//
//   PROGRAM --sandbox-child @jail BYTES_OF_ORDER
//
// Descriptor 0 holds the order (JSON) and then the input. Descriptor 3 takes the status: "ready",
// then "exit N" with the program's end, "limit WORD" of what it used up; or "error CODE" and a
// text.
#pragma once

#include <boost/describe.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace slipway::detail {

inline constexpr const char* jail_entry = "@jail";
/// Open at once, by each process; as many may be under way from one process to another.
inline constexpr std::uint64_t jail_files_max = 256;

struct JailOrder {
  std::vector<std::string> command, readable, writable;
  std::map<std::string, std::string> environment;
  bool has_network = false, has_proc = false;
  std::int64_t cpu_ms = 0, memory_bytes_max = 0;
  int processes_max = 0;
};
BOOST_DESCRIBE_STRUCT(JailOrder, (),
                      (command, readable, writable, environment, has_network, has_proc, cpu_ms,
                       memory_bytes_max, processes_max))

/// Of `run_sandbox_child`: makes the jail, runs the program in it, never returns.
[[noreturn]] void run_jail(std::size_t order_bytes);

/// As `leave_with` of the sandbox: tells the error, ends the process.
[[noreturn]] void leave_jail(int code, const std::string& message);

/// Where the program will live: its root, made of the listed paths. Called in new namespaces, with
/// all rights within them. Ends the process where the kernel refuses.
class JailRoot {
 public:
  /// Opens what will be seen, while the old user may still do so.
  explicit JailRoot(const JailOrder& order);
  /// Makes it the root of this process, read-only but for /tmp and what is writable.
  void enter();

 private:
  struct Tree {
    int fd;
    std::string path;
    bool is_folder, is_writable, is_device;
  };
  void open_tree(const std::string& path, bool is_writable, bool is_device = false);
  void place(const Tree& tree) const;

  const JailOrder& order_;
  std::vector<Tree> trees_;
  std::vector<std::pair<std::string, std::string>> links_;
};

}  // namespace slipway::detail
