// The parts of a ZIP file in memory.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"

namespace slipway::documents::detail {

/// Reads the central directory once and unpacks parts when they are asked for, never to disk. The
/// bytes must outlive it. What is unpacked is counted over the whole life, so that no set of parts
/// can cost more than the limit.
class ZipArchive {
 public:
  struct Part {
    std::string name;  ///< With '/' between folders.
    int method = 0;
    bool is_encrypted = false;
    std::uint32_t checksum = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t bytes = 0;
    std::uint64_t header_at = 0;
  };

  /// Fails: invalid_argument (no ZIP file, truncated, damaged, a name that leads out of the
  /// archive).
  static Result<ZipArchive> open(std::string_view bytes, std::size_t unpacked_bytes_max);

  const std::vector<Part>& parts() const { return parts_; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Names are compared as office programs do: without regard to case. Fails: invalid_argument
  /// (missing, encrypted, damaged, over the limit), unsupported (the method of packing).
  Result<std::string> read(std::string_view name);

 private:
  Result<void> read_directory();
  Result<void> add_part(std::string_view record);
  const Part* find(std::string_view name) const;
  Result<std::string_view> packed_data(const Part& part) const;

  std::string_view bytes_;
  std::size_t budget_ = 0;  ///< Bytes that may still be unpacked.
  std::size_t limit_ = 0;
  std::vector<Part> parts_;
  std::unordered_map<std::string, std::size_t> by_name_;  ///< In lower case.
};

}  // namespace slipway::documents::detail
