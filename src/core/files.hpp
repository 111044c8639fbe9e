// Files and hashes. Every call is a fault point.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway {

/// The whole file. Fails: not_found, forbidden, invalid_argument (a directory, or larger than
/// `bytes_max`), unavailable (the disk).
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t bytes_max = 1ull << 40);

/// Old content or new content, never a mixture, also after a power cut: temporary file in the same
/// folder, fsync, rename, fsync of the folder. Creates missing parent folders.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
/// The same of parts that stand one after the other.
Result<void> write_file_atomically(const std::filesystem::path& path,
                                   std::span<const std::string_view> parts);

Result<void> make_directories(const std::filesystem::path& path);

/// "sha256:" + 64 hex digits.
std::string sha256(std::string_view bytes);
/// The same of a file, read in pieces. Fails as `read_file`.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

/// $XDG_CACHE_HOME/slipway or ~/.cache/slipway: shared between projects, may be deleted at any
/// time.
std::filesystem::path cache_directory();

}  // namespace slipway
