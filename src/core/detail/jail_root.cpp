// The root of a jail: a small file system in memory, on which the listed parts of the real one are
// mounted again, read-only. Mounts of the kernel's new interface (5.12) are cloned before the user
// changes, so that a path counts as readable when the one who started Slipway can read it.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/detail/jail_child.hpp"
#include "core/result.hpp"

namespace slipway::detail {

namespace {

// Debian 12's libc declares none of these for C++ beside <sys/mount.h>.
constexpr long open_tree_call = 428, move_mount_call = 429, mount_setattr_call = 442;
constexpr unsigned tree_clone = 1, tree_cloexec = O_CLOEXEC, tree_recursive = 0x8000;
constexpr unsigned empty_path = 0x1000, move_from_empty_path = 4;
constexpr std::uint64_t read_only = 1, no_set_user = 2, no_devices = 4, no_execute = 8;
struct MountAttributes {
  std::uint64_t set = 0, clear = 0, propagation = 0, user_namespace = 0;
};

void demand(bool holds, const char* what) {
  if (holds) return;
  const int error = errno;
  leave_jail(static_cast<int>(Code::unsupported),
             fmt::format("this system does not let a sandbox {} ({})", what, std::strerror(error)));
}

void set_attributes(int tree, std::uint64_t attributes) {
  const MountAttributes wanted{.set = attributes};
  demand(syscall(mount_setattr_call, tree, "", empty_path | tree_recursive, &wanted,
                 sizeof wanted) == 0,
         "mount read-only");
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

void make_folders(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos && at < path.size();) {
    at = path.find('/', at + 1);
    (void)mkdir(path.substr(0, at).c_str(), 0755);
  }
}

}  // namespace

JailRoot::JailRoot(const JailOrder& order) : order_(order) {
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
    open_tree(device, true, true);
  for (const std::string& path : order.readable) open_tree(path, false);
  for (const std::string& path : order.writable) open_tree(path, true);
  // The outer before the inner; a second mount of what is there already is none.
  std::stable_sort(trees_.begin(), trees_.end(),
                   [](const Tree& a, const Tree& b) { return a.path.size() < b.path.size(); });
}

void JailRoot::open_tree(const std::string& path, bool is_writable, bool is_device) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (S_ISLNK(status.st_mode)) {  // As /lib is one to usr/lib.
    std::string target(4096, '\0');
    const ssize_t size = readlink(path.c_str(), target.data(), target.size());
    if (size > 0) links_.emplace_back(path, target.substr(0, static_cast<std::size_t>(size)));
    return;
  }
  const int fd = static_cast<int>(
      syscall(open_tree_call, AT_FDCWD, path.c_str(), tree_clone | tree_cloexec | tree_recursive));
  demand(fd >= 0, "take a part of the file system with it");
  trees_.push_back({fd, path, S_ISDIR(status.st_mode), is_writable, is_device});
}

void JailRoot::place(const Tree& tree) const {
  const bool is_inside = std::any_of(trees_.begin(), trees_.end(), [&](const Tree& other) {
    return &other != &tree && other.path.size() < tree.path.size() &&
           is_below(tree.path, other.path) && other.is_writable == tree.is_writable;
  });
  if (is_inside) return;
  const std::string path = "." + tree.path;
  make_folders(path.substr(0, path.rfind('/')));
  if (tree.is_folder)
    (void)mkdir(path.c_str(), 0755);
  else if (const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644); file >= 0)
    close(file);
  std::uint64_t attributes = no_set_user;
  if (!tree.is_writable) attributes |= read_only;
  attributes |= tree.is_device ? no_execute : no_devices;
  set_attributes(tree.fd, attributes);
  demand(syscall(move_mount_call, tree.fd, "", AT_FDCWD, path.c_str(), move_from_empty_path) == 0,
         "mount a part of the file system");
  close(tree.fd);
}

void JailRoot::enter() {
  demand(mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0, "have mounts of its own");
  // Over a folder that is always there; nobody of this namespace needs it any more.
  constexpr const char* base = "/usr";
  demand(
      mount("root", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m,nr_inodes=4096") == 0,
      "have a root of its own");
  demand(chdir(base) == 0, "have a root of its own");
  for (const auto& [path, target] : links_) {
    make_folders("." + path.substr(0, path.rfind('/')));
    (void)symlink(target.c_str(), ("." + path).c_str());
  }
  (void)mkdir("./tmp", 0755);
  const std::string scratch =
      fmt::format("mode=1777,size={},nr_inodes=16384", order_.memory_bytes_max / 2);
  demand(mount("scratch", "./tmp", "tmpfs", MS_NOSUID | MS_NODEV, scratch.c_str()) == 0,
         "have a /tmp of its own");
  for (const Tree& tree : trees_) place(tree);
  (void)mkdir("./proc", 0555);
  // Refused in containers that hide parts of theirs: then there is none.
  if (order_.has_proc)
    (void)mount("proc", "./proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  demand(syscall(SYS_pivot_root, ".", ".") == 0, "change its root");
  demand(umount2(".", MNT_DETACH) == 0, "let go of the old root");
  demand(chdir("/") == 0, "change its root");
  demand(mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
               nullptr) == 0,
         "mount its root read-only");
  demand(chdir("/tmp") == 0, "have a /tmp of its own");
}

}  // namespace slipway::detail
