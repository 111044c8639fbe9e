// A Hugging Face style folder with an ONNX model becomes an Embedder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "models/catalog.hpp"
#include "models/detail/onnx_text.hpp"
#include "models/embedder.hpp"

namespace slipway::models::detail {

struct OnnxEmbedderOptions {
  std::string name;
  std::filesystem::path folder;  ///< Has model.onnx and tokenizer.json.
  Pooling pooling = Pooling::mean;
  std::string query_prefix;
  std::string document_prefix;
  std::size_t tokens_max = 0;  ///< Special tokens included; 0: the positions the model has.
  std::size_t threads = 0;     ///< Texts embedded at once, whoever asks; 0: one per core.
  OnnxEngine engine = OnnxEngine::fastest;
};

/// The model and its tokenizer are read here; nothing is read later. Fails: not_found (a file or
/// the ONNX Runtime library is missing), invalid_argument (a file is damaged, or is no BERT-style
/// embedding model).
Result<std::shared_ptr<Embedder>> open_onnx_embedder(OnnxEmbedderOptions options);

}  // namespace slipway::models::detail
