// Is an ONNX graph a BERT encoder as the kernels here compute it? Every operation between inputs
// and output is looked at; one that is not known makes the answer no.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/detail/onnx_graph.hpp"

namespace slipway::models::detail {

/// All sizes of a model; also the head of the packed file, so without padding.
struct BertShape {
  std::uint32_t layers = 0;
  std::uint32_t hidden = 0;  ///< Numbers of a token between layers.
  std::uint32_t heads = 0;   ///< Divides `hidden`.
  std::uint32_t inner = 0;   ///< Numbers of a token within a layer's feed-forward part.
  std::uint32_t words = 0;
  std::uint32_t positions = 0;
  std::uint32_t types = 0;
  float epsilon = 0;  ///< Of all normalizations.
  float divisor = 0;  ///< Of all attention scores.

  bool operator==(const BertShape&) const = default;
};

/// Fails: unsupported (not sizes that the kernels take).
Result<void> check(const BertShape& shape);

/// y = x * weights * scales + bias, x quantized before.
struct Dense {
  std::string_view input;
  std::string_view weights;  ///< Bytes, [inputs][outputs].
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> scales;  ///< Per output.
  std::vector<float> bias;
};

struct Norm {
  std::string_view input;
  std::vector<float> weight;
  std::vector<float> bias;
  float epsilon = 0;
};

/// Rows of bytes; a byte q stands for scale * (q - zero_point).
struct Table {
  std::string_view values;
  std::size_t rows = 0;
  std::size_t columns = 0;
  float scale = 0;
  std::int32_t zero_point = 0;
};

struct BertLayerParts {
  Dense query, key, value, attention_out, inner, outer;
  Norm after_attention, after_outer;
};

/// Views into the graph and its file.
struct BertParts {
  BertShape shape;
  std::string output;  ///< The name of the vectors per token.
  Table words, positions, types;
  Norm after_embeddings;
  std::vector<BertLayerParts> layers;
};

/// Fails: unsupported, with what is different.
Result<BertParts> recognize_bert(const OnnxGraph& graph);

}  // namespace slipway::models::detail
