#include "core/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/clock.hpp"
#include "core/descriptor.hpp"
#include "core/fault.hpp"
#include "core/sha256.hpp"

namespace slipway {

namespace {

Error from_errno(std::string_view doing, const std::filesystem::path& path) {
  const int number = errno;
  Code code = Code::unavailable;
  if (number == ENOENT || number == ENOTDIR) code = Code::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = Code::forbidden;
  if (number == ELOOP || number == ENAMETOOLONG || number == EISDIR) code = Code::invalid_argument;
  return fail(code, "cannot {} {}: {}", doing, path.string(), std::strerror(number));
}

Result<void> write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return from_errno("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory(const std::filesystem::path& path) {
  TRY(fault_point(FaultKind::file, "sync folder"));
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return from_errno("sync", path);
  return {};
}

Result<void> write_and_rename(const std::filesystem::path& path,
                              const std::filesystem::path& temporary,
                              std::span<const std::string_view> parts) {
  TRY(fault_point(FaultKind::file, "create"));
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) return from_errno("create", temporary);
  // A file that was private stays private.
  struct stat old {};
  if (::stat(path.c_str(), &old) == 0 && ::fchmod(file.get(), old.st_mode & 07777) != 0)
    return from_errno("set the mode of", temporary);
  for (const std::string_view part : parts) {
    TRY(fault_point(FaultKind::file, "write"));
    TRY(write_all(file.get(), part, temporary));
  }
  TRY(fault_point(FaultKind::file, "fsync"));
  if (::fsync(file.get()) != 0) return from_errno("sync", temporary);
  if (file.close() != 0) return from_errno("close", temporary);
  TRY(fault_point(FaultKind::file, "rename"));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return from_errno("rename to", path);
  return {};
}

/// Opens a regular file for reading and tells its size.
Result<int> open_for_reading(const std::filesystem::path& path, struct stat& info) {
  TRY(fault_point(FaultKind::file, "open"));
  // O_NONBLOCK: a named pipe must not hang the open; regular files ignore it.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return from_errno("open", path);
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return fail(Code::invalid_argument, "{} is not a regular file", path.string());
  }
  return fd;
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
  struct stat info {};
  const Descriptor file(TRY(open_for_reading(path, info)));
  if (static_cast<std::uint64_t>(info.st_size) > bytes_max)
    return fail(Code::invalid_argument, "{} has {} bytes, more than the limit of {}", path.string(),
                info.st_size, bytes_max);
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size())
      bytes.resize(filled + 4096);  // Files in /proc say 0; one more read finds the end.
    TRY(fault_point(FaultKind::file, "read"));
    const ssize_t count = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return from_errno("read", path);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > bytes_max)
      return fail(Code::invalid_argument, "{} is larger than the limit of {} bytes", path.string(),
                  bytes_max);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  return write_file_atomically(path, std::span(&bytes, 1));
}

Result<void> write_file_atomically(const std::filesystem::path& path,
                                   std::span<const std::string_view> parts) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  TRY(make_directories(folder));
  // Not made from the file's name, which may be as long as names can be.
  const auto temporary = folder / fmt::format(".{:016x}.tmp", system_random().next());
  Result<void> done = write_and_rename(path, temporary, parts);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_directory(folder);
}

Result<void> make_directories(const std::filesystem::path& path) {
  TRY(fault_point(FaultKind::file, "mkdir"));
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    errno = error.value();
    return from_errno("create folder", path);
  }
  return {};
}

std::string sha256(std::string_view bytes) {
  Sha256Stream hash;
  hash.add(bytes);
  return hash.finish();
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  struct stat info {};
  const Descriptor file(TRY(open_for_reading(path, info)));
  Sha256Stream hash;
  std::string buffer(1 << 20, '\0');
  for (;;) {
    TRY(fault_point(FaultKind::file, "read"));
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return from_errno("read", path);
    if (count == 0) return hash.finish();
    hash.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
}

std::filesystem::path cache_directory() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/')
    return std::filesystem::path(xdg) / "slipway";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr && *home != '\0' ? home : "/tmp") / ".cache" /
         "slipway";
}

}  // namespace slipway
