#include "app/detail/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
      at_(other.at_),
      line_(other.line_),
      is_at_end_(other.is_at_end_) {}

LineReader::~LineReader() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

Result<bool> LineReader::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  if (buffer_.size() > line_bytes_max)
    return fail(Code::invalid_argument, "{}:{}: the line is longer than {} MB", name_, line_ + 1,
                line_bytes_max >> 20);
  constexpr std::size_t piece = 256u << 10;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + piece);
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer_.data() + before, piece);
  } while (count < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) return fail(Code::unavailable, "reading {}: {}", name_, std::strerror(errno));
  return count > 0;
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t searched = at_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos || is_at_end_) {
      if (end == std::string::npos && at_ >= buffer_.size())
        return std::optional<std::string_view>();
      std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
      at_ = end == std::string::npos ? buffer_.size() : end + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      return std::optional(line);
    }
    const std::size_t pending = buffer_.size() - at_;
    is_at_end_ = !TRY(fill());
    searched = at_ + pending;
  }
}

}  // namespace slipway::app::detail
