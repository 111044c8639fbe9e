// An ONNX file as nodes and tensors, for code that must know what a model computes. The bytes are
// foreign: nothing in them can make the reader look outside of them or take memory out of
// proportion.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::models::detail {

/// The types that tensors of supported models have, by ONNX's numbers.
enum class TensorType : std::int32_t { other = 0, float32 = 1, uint8 = 2, int8 = 3, int64 = 7 };

/// A constant. `bytes` are its numbers, little-endian, row by row: as many as `shape` says.
struct Tensor {
  TensorType type = TensorType::other;
  std::vector<std::size_t> shape;
  std::string_view bytes;

  std::size_t count() const;
};

struct OnnxNode {
  std::string op;  ///< With the domain before it unless that is ONNX's own: "com.microsoft.Gelu".
  std::vector<std::string_view> inputs;  ///< An empty name is an input left out.
  std::vector<std::string_view> outputs;
  std::map<std::string_view, std::vector<std::int64_t>> numbers;  ///< Attributes of int or ints.
  std::vector<std::string_view> others;  ///< Names of attributes of other types.
};

/// Views into the file's bytes, which must live as long.
struct OnnxGraph {
  std::vector<OnnxNode> nodes;                      ///< Constant nodes left out.
  std::map<std::string_view, Tensor> constants;     ///< Initializers and Constant nodes.
  std::map<std::string_view, std::size_t> node_of;  ///< By the name of an output.
  std::vector<std::string_view> inputs;             ///< Initializers left out.
  std::vector<std::string_view> outputs;
  std::int64_t opset = 0;         ///< Of ONNX's own operators.
  std::deque<std::string> owned;  ///< Numbers that the file does not hold raw.
};

/// Fails: invalid_argument (no ONNX model, cut, inconsistent), unsupported (weights in other files,
/// functions, or more of something than any model has).
Result<std::unique_ptr<OnnxGraph>> parse_onnx(std::string_view bytes);

}  // namespace slipway::models::detail
