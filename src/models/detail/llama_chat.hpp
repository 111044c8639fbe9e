// A GGUF file becomes a ChatModel in this process.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "models/chat_model.hpp"

namespace slipway::models::detail {

struct LlamaChatOptions {
  std::string name;
  std::filesystem::path path;
  std::string hash;                ///< "sha256:..." of the file.
  std::size_t context_tokens = 0;  ///< 0: what the model was trained for, at most 8192.
  std::size_t parallel = 1;        ///< Conversations at once; each has its own memory.
  std::size_t threads = 0;         ///< Of all conversations together; 0: one per core.
};

/// Maps the weights; memory for a conversation is made when the first one comes. The file must be
/// known to be sound (`vet_gguf`). Fails: not_found, invalid_argument (damaged file, options beyond
/// the model), unsupported (no text generator, unknown chat template).
Result<std::shared_ptr<ChatModel>> open_llama_chat(const LlamaChatOptions& options);

}  // namespace slipway::models::detail
