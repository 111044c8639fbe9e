// A folder with a text and a vision model in CLIP's layout becomes an Embedder of texts and images.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "models/embedder.hpp"

namespace slipway::models::detail {

inline constexpr const char* text_tower_file = "text_model.onnx";
inline constexpr const char* vision_tower_file = "vision_model.onnx";
inline constexpr const char* preprocessor_file = "preprocessor_config.json";

struct TwoTowerOptions {
  std::string name;
  /// Has both towers, preprocessor_config.json, and tokenizer.json or vocab.json with merges.txt.
  std::filesystem::path folder;
  std::string hash;  ///< Of what the vectors depend on.
  std::string query_prefix;
  std::string document_prefix;
  std::size_t tokens_max = 0;  ///< Special tokens included; 0: 77, as CLIP has.
  std::size_t threads = 0;     ///< Texts or images embedded at once, whoever asks; 0: one per core.
};

/// Both towers are read here and tried on a text and an image. Fails: not_found (a file or the ONNX
/// Runtime library is missing), invalid_argument (a file is damaged or not CLIP's, or the towers do
/// not belong together), unsupported.
Result<std::shared_ptr<Embedder>> open_two_towers(TwoTowerOptions options);

}  // namespace slipway::models::detail
