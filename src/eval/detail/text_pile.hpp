// Many texts, of which only the first ones stay in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::eval {

/// Texts one after the other; what is beyond `memory_max` lies in a file without a name, which goes
/// with its last reader. Filled by one thread, then read by many.
class TextPile {
 public:
  static constexpr std::size_t memory_max = 24u << 20;

  explicit TextPile(std::size_t memory = memory_max) : memory_max_(memory) {}
  TextPile(TextPile&& other) noexcept;
  TextPile& operator=(TextPile&& other) noexcept;
  ~TextPile();

  /// Where it begins. Fails: unavailable (no file can be made, the disk is full).
  Result<std::uint64_t> add(std::string_view text);
  /// `size` bytes of one text. A disk that cannot be read any more ends the process.
  std::string read(std::uint64_t begin, std::size_t size) const;

 private:
  Result<void> flush();

  std::size_t memory_max_;
  std::string first_;        ///< In memory for good.
  std::string pending_;      ///< The last ones, not in the file yet.
  std::uint64_t filed_ = 0;  ///< Bytes in the file.
  int file_ = -1;
};

}  // namespace slipway::eval
