// The weights of a BERT encoder in the order of the kernels.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/mapped_file.hpp"
#include "models/detail/bert_graph.hpp"
#include "models/detail/int8_gemm.hpp"

namespace slipway::models::detail {

struct PackedNorm {
  std::span<float> weight;
  std::span<float> bias;
};

struct PackedTable {
  std::span<std::uint8_t> values;
  std::span<float> scale;              ///< One.
  std::span<std::int32_t> zero_point;  ///< One.
};

struct BertLayer {
  PackedMatrix query_key_value;  ///< Side by side: [hidden][3 * hidden].
  PackedMatrix attention_out;
  PackedNorm after_attention;
  PackedMatrix inner;
  PackedMatrix outer;
  PackedNorm after_outer;
};

/// What a packed file has, in its order.
struct BertSections {
  PackedTable words, positions, types;
  PackedNorm after_embeddings;
  std::vector<BertLayer> layers;
};

/// Immutable after `open`.
class BertWeights {
 public:
  /// Packing takes longer than all else, so its outcome is kept in the cache directory under
  /// `hash` (of the file, "sha256:...") and mapped from there; what is damaged there is made again.
  /// Fails: not_found, forbidden, invalid_argument (no ONNX model), unsupported (not the graph, the
  /// sizes or the weights that the kernels take).
  static Result<BertWeights> open(const std::filesystem::path& path, const std::string& hash);

  const BertShape& shape() const { return shape_; }
  const std::string& output() const { return output_; }
  const BertSections& sections() const { return sections_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  using Buffer = std::unique_ptr<std::byte, Free>;

  BertWeights() = default;
  static Result<BertWeights> from_cache(const std::filesystem::path& path);
  static Result<BertWeights> from_model(std::string_view bytes);
  static Result<BertWeights> from_parts(const BertParts& parts);

  BertShape shape_;
  std::string output_;
  BertSections sections_;
  std::optional<MappedFile> file_;  ///< The sections are in this,
  Buffer buffer_;                   ///< or in this.
  std::size_t bytes_ = 0;           ///< Of `buffer_`.
};

}  // namespace slipway::models::detail
