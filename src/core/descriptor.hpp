// A file descriptor with one owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace slipway {

/// Closes its descriptor at its end; -1 is none. For one thread at a time.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// From now on it is the caller's to close.
  int release() { return std::exchange(fd_, -1); }
  /// What close(2) says, which may be that written bytes were lost; 0 when there is none.
  int close() { return fd_ < 0 ? 0 : ::close(release()); }

 private:
  int fd_ = -1;
};

}  // namespace slipway
