// What a GGUF file says about itself, read without trusting it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/context.hpp"

namespace slipway::models::detail {

struct GgufHead {
  std::string architecture;
  std::string name;
  std::string licence;
  std::string chat_template;
  std::uint64_t tensors = 0;
  std::uint32_t file_type = 0;   ///< llama.cpp's number for the form of the weights.
  std::uint64_t data_start = 0;  ///< Where the head ends and the weights begin.
};

/// Checks every count, length, type and offset against the size of the file, so that llama.cpp,
/// which ends the process on some damaged files, sees only heads that are whole. `head` is the
/// file or its beginning. Fails: invalid_argument, naming the place.
Result<GgufHead> parse_gguf_head(std::string_view head, std::uint64_t file_bytes);
/// The same of a file; maps it and reads only the head.
Result<GgufHead> read_gguf_head(const std::filesystem::path& path);

/// Also lets llama.cpp read the head, in a sandboxed child, where a crash harms nobody. For files
/// that come from outside; takes about as long as loading without weights. Fails: invalid_argument.
Result<GgufHead> vet_gguf(const Context& context, const std::filesystem::path& path);

}  // namespace slipway::models::detail
