// The hash of a large file without reading it every time.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace slipway::models::detail {

/// "sha256:..." of a model file. Remembered in the cache directory for as long as the file's size,
/// times and inode stay: hashing 34 MB would cost a cold command 25 to 70 ms. Fails as
/// `sha256_of_file`.
Result<std::string> remembered_hash(const std::filesystem::path& path);

}  // namespace slipway::models::detail
