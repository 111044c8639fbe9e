// ONNX models through ONNX Runtime, whose library is opened when the first model is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace slipway::models::detail {

enum class OnnxType { int64, float32, other };

/// An input or output as the model declares it; -1 is a size known only when it runs.
struct OnnxPort {
  std::string name;
  OnnxType type = OnnxType::other;
  std::vector<std::int64_t> shape;
};

/// One row of whole numbers: shape [1, values.size()].
struct OnnxInput {
  std::string name;
  std::span<const std::int64_t> values;
};

/// One tensor of floats.
struct OnnxFloats {
  std::string name;
  std::span<const float> values;
  std::vector<std::int64_t> shape;
};

/// One model. `run` and `run_floats` are safe to call from many threads; each call computes on the
/// caller's thread.
class OnnxModel {
 public:
  /// Sees the output while it lives.
  using Reader = std::function<Result<void>(std::span<const float> values,
                                            std::span<const std::int64_t> shape)>;

  /// `hash`: of the file, "sha256:...". Optimizing the graph takes longer than all else, so its
  /// outcome is kept in the cache directory; the vectors are the same bits with and without. Fails:
  /// not_found (the file, the library), unavailable (the library cannot be loaded),
  /// invalid_argument (not a model).
  static Result<std::unique_ptr<OnnxModel>> open(const std::filesystem::path& path,
                                                 const std::string& hash);
  virtual ~OnnxModel() = default;

  virtual const std::vector<OnnxPort>& inputs() const = 0;
  virtual const std::vector<OnnxPort>& outputs() const = 0;
  /// Fails: internal (what ONNX Runtime says), and as `read` does.
  virtual Result<void> run(std::span<const OnnxInput> inputs, const std::string& output,
                           const Reader& read) const = 0;
  /// The same for a model whose only input are floats. Fails also: unsupported.
  virtual Result<void> run_floats(const OnnxFloats& input, const std::string& output,
                                  const Reader& read) const;
};

}  // namespace slipway::models::detail
