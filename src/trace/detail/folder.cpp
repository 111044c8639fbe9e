#include "trace/detail/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/files.hpp"

namespace slipway::trace::detail {

Result<std::unique_ptr<Folder>> Folder::open(const std::filesystem::path& path) {
  const bool is_private = path == ":memory:";
  std::filesystem::path place = path;
  if (is_private) {
    std::error_code error;
    std::string name = (std::filesystem::temp_directory_path(error) / "slipway-traces-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr)
      return fail(Code::unavailable, "cannot make {}: {}", name, std::strerror(errno));
    place = name;
  } else {
    TRY(make_directories(path));
  }
  auto folder = std::unique_ptr<Folder>(new Folder(std::move(place), is_private));
  const std::filesystem::path lock = folder->path_ / "lock";
  folder->lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (folder->lock_ < 0)
    return fail(errno == EACCES || errno == EROFS ? Code::forbidden : Code::unavailable,
                "cannot open {}: {}", lock.string(), std::strerror(errno));
  if (::flock(folder->lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(Code::conflict, "another process has the traces in {}; stop it first",
                folder->path_.string());
  return folder;
}

Result<std::unique_ptr<Folder>> Folder::look_at(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    return fail(Code::not_found, "there are no traces in {}", path.string());
  return std::unique_ptr<Folder>(new Folder(path, false));
}

Folder::~Folder() {
  if (lock_ >= 0) ::close(lock_);
  std::error_code error;
  if (is_private_) std::filesystem::remove_all(path_, error);
}

}  // namespace slipway::trace::detail
