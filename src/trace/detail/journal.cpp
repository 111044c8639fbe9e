#include "trace/detail/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/fault.hpp"
#include "core/mapped_file.hpp"
#include "trace/detail/blocks.hpp"
#include "trace/detail/packing.hpp"

namespace slipway::trace::detail {

namespace {

struct BatchHead {
  std::uint64_t magic = 0x31686374614254ull;
  std::uint64_t size = 0;
  std::uint64_t hash = 0;
};

Error from_errno(std::string_view doing, const std::filesystem::path& path) {
  return fail(errno == EACCES || errno == EROFS ? Code::forbidden : Code::unavailable,
              "cannot {} {}: {}", doing, path.string(), std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::create(const std::filesystem::path& path,
                                                 bool is_durable) {
  TRY(fault_point(FaultKind::file, "create"));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return from_errno("create", path);
  auto journal = std::unique_ptr<Journal>(new Journal(path, descriptor, is_durable));
  if (is_durable) TRY(sync_folder(path.parent_path()));
  return journal;
}

Result<std::unique_ptr<Journal>> Journal::go_on(const std::filesystem::path& path,
                                                bool is_durable) {
  TRY(fault_point(FaultKind::file, "open"));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return from_errno("open", path);
  auto journal = std::unique_ptr<Journal>(new Journal(path, descriptor, is_durable));
  const off_t end = ::lseek(descriptor, 0, SEEK_END);
  if (end < 0) return from_errno("open", path);
  journal->size_ = static_cast<std::uint64_t>(end);
  return journal;
}

Journal::~Journal() { ::close(descriptor_); }

Result<void> Journal::write(std::string_view bytes) {
  TRY(fault_point(FaultKind::file, "write"));
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return from_errno("write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> Journal::append(std::string_view batch) {
  if (is_broken_) return fail(Code::unavailable, "{} cannot be written any more", path_.string());
  BatchHead head;
  head.size = batch.size();
  head.hash = hash64(batch, head.size);
  const auto taken = [&]() -> Result<void> {
    TRY(write({reinterpret_cast<const char*>(&head), sizeof head}));
    TRY(write(batch));
    TRY(fault_point(FaultKind::file, "fsync"));
    if (is_durable_ && ::fdatasync(descriptor_) != 0) {
      is_broken_ = true;  // What the kernel has dropped it does not report again.
      return from_errno("sync", path_);
    }
    return {};
  }();
  if (taken) {
    size_ += sizeof head + batch.size();
    return {};
  }
  // Nothing that was refused may come back after a restart.
  if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0 ||
      ::lseek(descriptor_, static_cast<off_t>(size_), SEEK_SET) < 0)
    is_broken_ = true;
  return taken;
}

Result<std::uint64_t> read_journal(const std::filesystem::path& path,
                                   const std::function<Result<void>(std::string_view)>& take) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) == 0 && !error) return std::uint64_t(0);
  const MappedFile file = TRY(MappedFile::open(path));
  std::string_view rest = file.bytes();
  while (!rest.empty()) {
    BatchHead head;
    const BatchHead expected;
    if (rest.size() < sizeof head) break;
    std::memcpy(&head, rest.data(), sizeof head);
    if (head.magic != expected.magic || head.size > rest.size() - sizeof head) break;
    const std::string_view batch = rest.substr(sizeof head, head.size);
    if (hash64(batch, head.size) != head.hash) break;
    TRY(take(batch));
    rest.remove_prefix(sizeof head + head.size);
  }
  return static_cast<std::uint64_t>(rest.size());
}

}  // namespace slipway::trace::detail
