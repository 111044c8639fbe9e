#include "app/detail/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace slipway::app::detail {

Result<LineReader> LineReader::open(const std::string& path) {
  if (path == "-") return LineReader(STDIN_FILENO, "standard input");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(errno == EACCES ? Code::forbidden : Code::not_found, "{}: {}", path,
                std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    return fail(Code::invalid_argument, "{}: is a folder; name a file", path);
  }
  return LineReader(descriptor, path);
}

LineReader::LineReader(LineReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)),
      capacity_(std::exchange(other.capacity_, 0)),
      at_(std::exchange(other.at_, 0)),
      end_(std::exchange(other.end_, 0)),
      line_(other.line_),
      is_at_end_(other.is_at_end_) {}

LineReader::~LineReader() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

Result<bool> LineReader::fill() {
  constexpr std::size_t piece = 256u << 10;
  const std::size_t pending = end_ - at_;
  if (pending > line_bytes_max)
    return fail(Code::invalid_argument, "{}:{}: the line is longer than {} MB", name_, line_ + 1,
                line_bytes_max >> 20);
  if (pending + piece > capacity_) {
    const std::size_t capacity = std::max(2 * capacity_, pending + piece);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (pending > 0) std::memcpy(larger.get(), buffer_.get() + at_, pending);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + at_, pending);
  }
  at_ = 0;
  end_ = pending;
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer_.get() + end_, piece);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail(Code::unavailable, "reading {}: {}", name_, std::strerror(errno));
  end_ += static_cast<std::size_t>(count);
  return count > 0;
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t searched = 0;  // Of what is pending.
  for (;;) {
    const std::string_view pending(buffer_.get() + at_, end_ - at_);
    const std::size_t end = pending.find('\n', searched);
    if (end != std::string_view::npos || is_at_end_) {
      if (pending.empty()) return std::optional<std::string_view>();
      std::string_view line = pending.substr(0, end);
      at_ += std::min(pending.size(), line.size() + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      return std::optional(line);
    }
    searched = pending.size();
    is_at_end_ = !TRY(fill());
  }
}

}  // namespace slipway::app::detail
