#include "eval/detail/text_pile.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace slipway::eval {

namespace {

constexpr std::size_t pending_max = 256u << 10;

Result<int> nameless_file() {
  std::error_code failed;
  const auto folder = std::filesystem::temp_directory_path(failed);
  std::string name = ((failed ? "." : folder) / "slipway-goldens-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0)
    return fail(Code::unavailable, "{}: no temporary file: {}; set TMPDIR to a folder with room",
                name, std::strerror(errno));
  ::unlink(name.c_str());
  return file;
}

}  // namespace

TextPile::TextPile(TextPile&& other) noexcept
    : memory_max_(other.memory_max_),
      first_(std::move(other.first_)),
      pending_(std::move(other.pending_)),
      filed_(std::exchange(other.filed_, 0)),
      file_(std::exchange(other.file_, -1)) {}

TextPile& TextPile::operator=(TextPile&& other) noexcept {
  std::swap(memory_max_, other.memory_max_);
  std::swap(first_, other.first_);
  std::swap(pending_, other.pending_);
  std::swap(filed_, other.filed_);
  std::swap(file_, other.file_);
  return *this;
}

TextPile::~TextPile() {
  if (file_ >= 0) ::close(file_);
}

Result<std::uint64_t> TextPile::add(std::string_view text) {
  // Texts are not torn: after the first one that has no room all go to the file.
  if (file_ < 0 && first_.size() + text.size() <= memory_max_) {
    first_ += text;
    return first_.size() - text.size();
  }
  if (file_ < 0) file_ = TRY(nameless_file());
  if (pending_.size() + text.size() > pending_max) TRY(flush());
  const std::uint64_t begin = first_.size() + filed_ + pending_.size();
  pending_ += text;
  return begin;
}

Result<void> TextPile::flush() {
  for (std::size_t at = 0; at < pending_.size();) {
    const ssize_t count = ::write(file_, pending_.data() + at, pending_.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return fail(Code::unavailable,
                  "goldens do not fit on the disk: {}; set TMPDIR to a folder "
                  "with room",
                  std::strerror(errno));
    at += static_cast<std::size_t>(count);
  }
  filed_ += pending_.size();
  pending_.clear();
  return {};
}

std::string TextPile::read(std::uint64_t begin, std::size_t size) const {
  if (begin + size <= first_.size()) return first_.substr(begin, size);
  const std::uint64_t from = begin - first_.size();
  if (from >= filed_) return pending_.substr(from - filed_, size);
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const ssize_t count =
        ::pread(file_, text.data() + at, size - at, static_cast<off_t>(from + at));
    if (count < 0 && errno == EINTR) continue;
    SLIPWAY_ASSERT(count > 0);
    at += static_cast<std::size_t>(count);
  }
  return text;
}

}  // namespace slipway::eval
