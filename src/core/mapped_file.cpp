#include "core/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/fault.hpp"

namespace slipway {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  TRY(fault_point(FaultKind::file, "open"));
  // O_NONBLOCK: a named pipe must not hang the open.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found
                      : errno == EACCES                   ? Code::forbidden
                                                          : Code::unavailable;
    return fail(code, "cannot open {}: {}", path.string(), std::strerror(errno));
  }
  struct stat info {};
  const bool is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
  void* const start =
      is_file ? mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0)
              : MAP_FAILED;
  ::close(fd);
  if (!is_file)
    return fail(Code::invalid_argument, "{} is empty or not a regular file", path.string());
  if (start == MAP_FAILED) return fail(Code::unavailable, "cannot map {}", path.string());
  return MappedFile({static_cast<const char*>(start), static_cast<std::size_t>(info.st_size)});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace slipway
