// What ONNX models of texts have in common: their inputs and their tokenizer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/detail/onnx_runtime.hpp"
#include "models/detail/wordpiece.hpp"

namespace slipway::models::detail {

/// A model folder, opened.
struct OnnxText {
  WordPiece tokenizer;
  std::unique_ptr<OnnxModel> model;
  std::vector<std::string> inputs;  ///< In the order of the model.
  std::string hash;                 ///< Of model.onnx.

  /// `types` may be empty: all zero. Fails: internal.
  Result<void> run(const std::vector<TokenId>& ids, const std::vector<TokenId>& types,
                   const std::string& output, const OnnxModel::Reader& read) const;
};

/// What may compute a model.
enum class OnnxEngine {
  fastest,  ///< bert_engine.hpp for models that it knows, where it is faster; the bits are equal.
  onnx_runtime  ///< For comparison.
};

/// Reads model.onnx and tokenizer.json. Fails: not_found, invalid_argument (damaged, or inputs that
/// no model of texts has).
Result<OnnxText> open_onnx_text(const std::filesystem::path& folder,
                                OnnxEngine engine = OnnxEngine::fastest);

/// "name@first digits of the hash"
std::string onnx_identity(const std::string& name, const std::string& hash);

/// "scores[-1, 1], pooled[-1, 384]"
std::string list_outputs(const OnnxModel& model);

}  // namespace slipway::models::detail
