// A Hugging Face style folder with an ONNX cross-encoder becomes a Reranker.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "models/reranker.hpp"

namespace slipway::models::detail {

class OnnxModel;

struct CrossEncoderOptions {
  std::string name;
  std::filesystem::path folder;  ///< Has model.onnx and tokenizer.json.
  std::size_t tokens_max = 0;    ///< Special tokens included; 0: the positions the model has.
  std::size_t threads = 0;       ///< Pairs scored at once, whoever asks; 0: one per core.
};

/// The model and its tokenizer are read here; nothing is read later. Scores are the sigmoid of the
/// model's one logit, 0..1. Fails: not_found (a file or the ONNX Runtime library is missing),
/// invalid_argument (a file is damaged, or is no BERT-style cross-encoder).
Result<std::shared_ptr<Reranker>> open_cross_encoder(CrossEncoderOptions options);

/// Whether the model gives one number per pair, and no vectors.
bool is_cross_encoder(const OnnxModel& model);

}  // namespace slipway::models::detail
