#include "models/detail/bert_engine.hpp"

#include <cpuid.h>

#include <algorithm>

#include "core/guarded.hpp"
#include "models/detail/bert_kernels.hpp"
#include "models/detail/bert_weights.hpp"

namespace slipway::models::detail {

namespace {

/// Memory of one call, kept for the next one: as many as calls ever ran at once.
struct Scratch {
  std::vector<float> hidden;
  std::vector<float> wide;  ///< Query, key and value and the outcome of attention; or inner.
  std::vector<std::uint8_t> bytes;
  AttentionScratch attention;
};

class BertModel final : public OnnxModel {
 public:
  explicit BertModel(BertWeights weights) : weights_(std::move(weights)) {
    const auto hidden = static_cast<std::int64_t>(weights_.shape().hidden);
    for (const char* name : {"input_ids", "attention_mask", "token_type_ids"})
      inputs_.push_back({name, OnnxType::int64, {-1, -1}});
    outputs_.push_back({weights_.output(), OnnxType::float32, {-1, -1, hidden}});
  }

  const std::vector<OnnxPort>& inputs() const override { return inputs_; }
  const std::vector<OnnxPort>& outputs() const override { return outputs_; }

  Result<void> run(std::span<const OnnxInput> inputs, const std::string& output,
                   const Reader& read) const override {
    if (output != weights_.output())
      return fail(Code::internal, "the model has no output '{}'", output);
    const auto ids = TRY(values_of(inputs, "input_ids"));
    const auto mask = TRY(values_of(inputs, "attention_mask"));
    const auto types = TRY(values_of(inputs, "token_type_ids"));
    TRY(check_inputs(ids, mask, types));
    std::unique_ptr<Scratch> scratch = borrow();
    compute(ids, types, *scratch);
    const std::int64_t shape[] = {1, static_cast<std::int64_t>(ids.size()),
                                  static_cast<std::int64_t>(weights_.shape().hidden)};
    auto outcome = read(scratch->hidden, shape);
    free_.with([&](auto& free) { free.push_back(std::move(scratch)); });
    return outcome;
  }

 private:
  using Ids = std::span<const std::int64_t>;

  static Result<Ids> values_of(std::span<const OnnxInput> inputs, std::string_view name) {
    for (const OnnxInput& input : inputs)
      if (input.name == name) return input.values;
    return fail(Code::internal, "input '{}' is missing", name);
  }

  static Result<void> check_ids(Ids ids, std::size_t count, std::string_view what) {
    for (const std::int64_t id : ids)
      if (id < 0 || static_cast<std::size_t>(id) >= count)
        return fail(Code::internal, "{} {} is not among the model's {}", what, id, count);
    return {};
  }

  Result<void> check_inputs(Ids ids, Ids mask, Ids types) const {
    const BertShape& shape = weights_.shape();
    if (ids.empty() || ids.size() != mask.size() || ids.size() != types.size())
      return fail(Code::internal, "the inputs have {}, {} and {} numbers", ids.size(), mask.size(),
                  types.size());
    if (ids.size() > shape.positions)
      return fail(Code::internal, "the model takes at most {} tokens", shape.positions);
    TRY(check_ids(ids, shape.words, "token"));
    TRY(check_ids(types, shape.types, "token type"));
    if (std::any_of(mask.begin(), mask.end(), [](std::int64_t x) { return x != 1; }))
      return fail(Code::internal, "the text has padding");
    return {};
  }

  std::unique_ptr<Scratch> borrow() const {
    return free_.with([](std::vector<std::unique_ptr<Scratch>>& free) {
      if (free.empty()) return std::make_unique<Scratch>();
      std::unique_ptr<Scratch> scratch = std::move(free.back());
      free.pop_back();
      return scratch;
    });
  }

  /// The vectors are then in `scratch.hidden`.
  void compute(Ids ids, Ids types, Scratch& scratch) const {
    const BertShape& shape = weights_.shape();
    const std::size_t tokens = ids.size(), hidden = shape.hidden, inner = shape.inner;
    scratch.hidden.assign(tokens * hidden, 0.0f);
    scratch.wide.resize(tokens * std::max(4 * hidden, inner));
    scratch.bytes.resize(tokens * std::max(hidden, inner));
    Range range = embed(ids, types, scratch.hidden);
    for (const BertLayer& layer : weights_.sections().layers)
      range = compute_layer(layer, range, scratch);
  }

  Range embed(Ids ids, Ids types, std::span<float> values) const {
    const BertSections& sections = weights_.sections();
    const std::size_t hidden = weights_.shape().hidden;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::span<float> row = values.subspan(i * hidden, hidden);
      add_row(sections.words, static_cast<std::size_t>(ids[i]), row);
      add_row(sections.types, static_cast<std::size_t>(types[i]), row);
      add_row(sections.positions, i, row);
    }
    return normalize_rows(values, sections.after_embeddings, weights_.shape().epsilon);
  }

  /// `range` is that of the numbers between layers, before and after.
  Range compute_layer(const BertLayer& layer, Range range, Scratch& scratch) const {
    const BertShape& shape = weights_.shape();
    const std::size_t hidden = shape.hidden, inner = shape.inner;
    const std::size_t tokens = scratch.hidden.size() / hidden;
    const std::span<float> wide(scratch.wide);

    const std::span<float> heads = wide.first(tokens * 3 * hidden);
    const std::span<float> mixed = wide.subspan(heads.size(), tokens * hidden);
    multiply(quantize(scratch.hidden, hidden, range, scratch.bytes), layer.query_key_value, heads);
    attend({tokens, shape.heads, hidden / shape.heads, shape.divisor}, heads, mixed,
           scratch.attention);
    multiply_add(quantize(mixed, hidden, range_of(mixed), scratch.bytes), layer.attention_out,
                 scratch.hidden);
    range = normalize_rows(scratch.hidden, layer.after_attention, shape.epsilon);

    const std::span<float> between = wide.first(tokens * inner);
    range =
        multiply_gelu(quantize(scratch.hidden, hidden, range, scratch.bytes), layer.inner, between);
    multiply_add(quantize(between, inner, range, scratch.bytes), layer.outer, scratch.hidden);
    return normalize_rows(scratch.hidden, layer.after_outer, shape.epsilon);
  }

  const BertWeights weights_;
  std::vector<OnnxPort> inputs_;
  std::vector<OnnxPort> outputs_;
  mutable Guarded<std::vector<std::unique_ptr<Scratch>>> free_;
};

}  // namespace

bool bert_engine_pays() {
  constexpr unsigned avx512f = 1u << 16;  // In ebx of leaf 7.
  constexpr unsigned avx_vnni = 1u << 4;  // In eax of its first sub-leaf.
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & avx512f) != 0) return false;
  const bool has_more = a >= 1;
  return !has_more || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || (a & avx_vnni) == 0;
}

Result<std::unique_ptr<OnnxModel>> open_bert_model(const std::filesystem::path& path,
                                                   const std::string& hash) {
  return std::unique_ptr<OnnxModel>(
      std::make_unique<BertModel>(TRY(BertWeights::open(path, hash))));
}

}  // namespace slipway::models::detail
