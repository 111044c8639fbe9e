// A folder that holds one model: model.onnx with tokenizer.json, text_model.onnx and
// vision_model.onnx with their side files, or model.gguf; and what is known about it, in
// manifest.json or in the table of known models.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/catalog.hpp"

namespace slipway::models::detail {

/// manifest.json: the settings of the model (without a path: the folder is it) and its origin.
struct Manifest : ModelConfig {
  std::string hash;
  std::string licence;
  std::string description;
  std::string source;
  std::string source_hash;  ///< Of the weights that came, when they were rewritten.
  bool reads_images = false;
  /// Not ModelConfig's: here the files stand beside and need no path.
  Result<void> validate() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Manifest, (ModelConfig),
                      (hash, licence, description, source, source_hash, reads_images))

struct ModelFolder {
  std::string name;
  std::filesystem::path path;
  std::filesystem::path weights;
  /// What the vectors depend on beside `weights`: the second tower, how images are prepared.
  std::vector<std::filesystem::path> more;
  Manifest manifest;
};

/// "sha256:..." of the weights, or over the hashes of all files if there are more. Fails as
/// `remembered_hash`.
Result<std::string> hash_of(const ModelFolder& folder);

/// Nothing when there are no weights in `path`. Fails: invalid_argument (the manifest).
Result<std::optional<ModelFolder>> read_model_folder(const std::filesystem::path& path);

/// Settings of `config` that are not set become those of `defaults`.
void fill_settings(ModelConfig& config, const ModelConfig& defaults);

/// Fails: invalid_argument unless it is [a-z0-9._-]{1,64} and does not begin with a dot.
Result<void> check_model_name(std::string_view name);

Result<void> write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// $SLIPWAY_MODELS (folders separated by ':'), then <program>/../share/slipway/models, then the
/// cache directory's models/.
std::vector<std::filesystem::path> default_model_folders();

}  // namespace slipway::models::detail
