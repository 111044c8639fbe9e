// A model of two towers in one file becomes one model for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::models::detail {

/// The names of a model's inputs and outputs, from the file alone.
struct OnnxNames {
  std::vector<std::string> inputs;  ///< Initializers left out.
  std::vector<std::string> outputs;
};
/// Fails: invalid_argument (no ONNX model, cut).
Result<OnnxNames> onnx_names(std::string_view model);

/// The part of the model that computes `output`, as a model of its own: without it ONNX Runtime
/// would want all inputs and compute all of the graph. Fails: invalid_argument (no such output, no
/// ONNX model), unsupported (weights in other files).
Result<std::string> split_onnx(std::string_view model, std::string_view output);

}  // namespace slipway::models::detail
