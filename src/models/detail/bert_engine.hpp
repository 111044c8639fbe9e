// BERT encoders computed here, faster than by ONNX Runtime on processors with AVX2 that have no
// instructions for products of bytes. Why, and how the bits come to be equal:
// docs/decisions/0013-bert-engine.md.
#pragma once

#include "models/detail/onnx_runtime.hpp"

namespace slipway::models::detail {

/// Whether this processor is of the kind that the kernels are made for. On others, those with
/// AVX-512 or AVX-VNNI, ONNX Runtime has faster ones, and its bits are others, too.
bool bert_engine_pays();

/// The model at `path` if it is a quantized BERT encoder of the form that optimum's export and
/// `onnxruntime.quantization` make. It takes one text without padding, as long as its positions
/// reach. The numbers are those of ONNX Runtime 1.32 with AVX2, to the last bit. Fails: as
/// `BertWeights::open`, so `unsupported` for all other models.
Result<std::unique_ptr<OnnxModel>> open_bert_model(const std::filesystem::path& path,
                                                   const std::string& hash);

}  // namespace slipway::models::detail
