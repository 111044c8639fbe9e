// Bytes on their way out, in few pieces.
#pragma once

#include <sys/uio.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::http::detail {

/// Small pieces are put together, large ones are moved.
class Outbox {
 public:
  void add(std::string piece);
  void add_copy(std::string_view piece);
  /// Takes all of the other.
  void take(Outbox& other);
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }
  void clear();

  /// The first pieces, for writing.
  static constexpr std::size_t slices_max = 16;
  std::size_t slices(std::array<iovec, slices_max>& out) const;
  /// They have been written so far.
  void drop(std::size_t bytes);

 private:
  static constexpr std::size_t joined_bytes_max = 16u << 10;

  std::vector<std::string> pieces_;
  std::size_t first_ = 0;   ///< Pieces before it are written.
  std::size_t offset_ = 0;  ///< Written bytes of the first.
  std::size_t bytes_ = 0;
};

}  // namespace slipway::http::detail
