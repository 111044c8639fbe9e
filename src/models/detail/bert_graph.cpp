#include "models/detail/bert_graph.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "models/detail/int8_gemm.hpp"

namespace slipway::models::detail {

namespace {

using Names = std::vector<std::string_view>;
using Numbers = std::vector<std::int64_t>;

constexpr std::size_t layers_max = 256;
constexpr std::uint32_t head_size_max = 128;  ///< ONNX Runtime makes longer sums in parts.
constexpr std::int64_t to_float32 = 1;        ///< Of the attribute of Cast.

template <typename T>
std::vector<T> numbers_of(const Tensor& tensor) {
  std::vector<T> numbers(tensor.bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
  return numbers;
}

/// A sum or product of something computed and something constant.
struct WithConstant {
  std::string_view computed;
  const Tensor* constant;
};

class Recognizer {
 public:
  explicit Recognizer(const OnnxGraph& graph) : graph_(graph) {}

  Result<BertParts> recognize() {
    TRY(check_ports());
    // Opset 13 moved the axes of Unsqueeze and ReduceMean from attributes to inputs.
    if (graph_.opset < 11 || graph_.opset > 12)
      return fail(Code::unsupported, "the operators are those of opset {}", graph_.opset);
    BertParts parts;
    parts.output = graph_.outputs.front();
    std::string_view at = graph_.outputs.front();
    Norm norm = TRY(match_norm(at));
    while (!is_sum_of_tables(norm.input)) {
      if (parts.layers.size() >= layers_max)
        return fail(Code::unsupported, "it has more than {} layers", layers_max);
      BertLayerParts layer = TRY(match_layer(std::move(norm)).within(layer_text(parts)));
      at = layer.query.input;
      parts.layers.push_back(std::move(layer));
      norm = TRY(match_norm(at));
    }
    std::reverse(parts.layers.begin(), parts.layers.end());
    TRY(match_embeddings(norm, parts).within("embeddings"));
    parts.after_embeddings = std::move(norm);
    TRY(fit_sizes(parts));
    return parts;
  }

 private:
  static std::string layer_text(const BertParts& parts) {
    return fmt::format("layer {} from the end", parts.layers.size());
  }

  template <typename... Args>
  static Error no(fmt::format_string<Args...> format, Args&&... args) {
    return fail(Code::unsupported, format, std::forward<Args>(args)...);
  }

  Result<void> check_ports() const {
    const std::set<std::string_view> inputs(graph_.inputs.begin(), graph_.inputs.end());
    if (inputs != std::set<std::string_view>{"input_ids", "attention_mask", "token_type_ids"})
      return no("the inputs are not input_ids, attention_mask and token_type_ids");
    for (const std::string_view input : inputs)
      if (graph_.constants.contains(input) || graph_.node_of.contains(input))
        return no("'{}' is an input and more", input);
    if (graph_.outputs.size() != 1) return no("it has {} outputs", graph_.outputs.size());
    return {};
  }

  // -------------------------------------------------------------------------- Nodes

  const OnnxNode* maker_of(std::string_view name) const {
    const auto found = graph_.node_of.find(name);
    return found == graph_.node_of.end() ? nullptr : &graph_.nodes[found->second];
  }

  /// The node that makes `name` as its first output; with no attributes but those in `attributes`,
  /// which it must have.
  Result<const OnnxNode*> made(std::string_view name, std::string_view op, std::size_t inputs,
                               const std::map<std::string_view, Numbers>& attributes = {}) const {
    const OnnxNode* node = maker_of(name);
    if (!node) return no("'{}' is not computed by {}", name, op);
    if (node->op != op || node->inputs.size() != inputs || node->outputs.front() != name)
      return no("'{}' is computed by {} of {} inputs, not by {} of {}", name, node->op,
                node->inputs.size(), op, inputs);
    if (node->numbers != attributes || !node->others.empty())
      return no("{}, which computes '{}', has other attributes", op, name);
    return node;
  }

  /// The three tables are added up before the first layer; in a layer, dense products are.
  bool is_sum_of_tables(std::string_view name) const {
    const OnnxNode* sum = maker_of(name);
    const OnnxNode* last =
        sum && sum->op == "Add" && sum->inputs.size() == 2 ? maker_of(sum->inputs[1]) : nullptr;
    return last && last->op == "DequantizeLinear";
  }

  Result<const Tensor*> constant(std::string_view name, TensorType type) const {
    const auto found = graph_.constants.find(name);
    if (found == graph_.constants.end()) return no("'{}' is no constant", name);
    if (found->second.type != type) return no("'{}' has another type", name);
    return &found->second;
  }

  Result<float> one_float(std::string_view name) const {
    const Tensor* tensor = TRY(constant(name, TensorType::float32));
    if (tensor->count() != 1) return no("'{}' has {} numbers, not one", name, tensor->count());
    const float value = numbers_of<float>(*tensor).front();
    if (!std::isfinite(value)) return no("'{}' is not finite", name);
    return value;
  }

  Result<void> expect_float(std::string_view name, float expected) const {
    const float value = TRY(one_float(name));
    if (std::abs(value - expected) > 1e-6f * std::abs(expected))
      return no("'{}' is {}, not {}", name, value, expected);
    return {};
  }

  Result<void> expect_integers(std::string_view name, const Numbers& expected) const {
    const Tensor* tensor = TRY(constant(name, TensorType::int64));
    if (numbers_of<std::int64_t>(*tensor) != expected)
      return no("'{}' is not {}", name, fmt::join(expected, ", "));
    return {};
  }

  /// A constant of `count` floats in one dimension.
  Result<std::vector<float>> floats(const Tensor& tensor, std::size_t count,
                                    std::string_view what) const {
    if (tensor.shape != std::vector<std::size_t>{count})
      return no("the {} is not {} numbers", what, count);
    std::vector<float> numbers = numbers_of<float>(tensor);
    if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); }))
      return no("the {} has a number that is not finite", what);
    return numbers;
  }

  Result<WithConstant> with_constant(std::string_view name, std::string_view op) const {
    const OnnxNode* node = TRY(made(name, op, 2));
    for (const std::size_t i : {0u, 1u}) {
      const auto found = graph_.constants.find(node->inputs[i]);
      if (found != graph_.constants.end() && found->second.type == TensorType::float32)
        return WithConstant{node->inputs[1 - i], &found->second};
    }
    return no("{}, which computes '{}', has no constant", op, name);
  }

  // -------------------------------------------------------------------------- Patterns

  Result<Norm> match_norm(std::string_view name) const {
    const WithConstant sum = TRY(with_constant(name, "Add"));
    const WithConstant product = TRY(with_constant(sum.computed, "Mul"));
    const OnnxNode* quotient = TRY(made(product.computed, "Div", 2));
    const OnnxNode* difference = TRY(made(quotient->inputs[0], "Sub", 2));
    const std::map<std::string_view, Numbers> last{{"axes", {-1}}};
    const OnnxNode* mean = TRY(made(difference->inputs[1], "ReduceMean", 1, last));
    if (mean->inputs[0] != difference->inputs[0]) return no("'{}' is no normalization", name);
    const OnnxNode* root = TRY(made(quotient->inputs[1], "Sqrt", 1));
    const OnnxNode* variance = TRY(made(root->inputs[0], "Add", 2));
    const OnnxNode* mean_square = TRY(made(variance->inputs[0], "ReduceMean", 1, last));
    const OnnxNode* square = TRY(made(mean_square->inputs[0], "Pow", 2));
    TRY(expect_float(square->inputs[1], 2));
    if (square->inputs[0] != quotient->inputs[0]) return no("'{}' is no normalization", name);
    Norm norm;
    norm.input = mean->inputs[0];
    norm.epsilon = TRY(one_float(variance->inputs[1]));
    norm.weight = TRY(floats(*product.constant, product.constant->count(), "weight"));
    norm.bias = TRY(floats(*sum.constant, norm.weight.size(), "bias"));
    return norm;
  }

  Result<Dense> match_dense(std::string_view name) const {
    const WithConstant sum = TRY(with_constant(name, "Add"));
    const OnnxNode* product = TRY(made(sum.computed, "Mul", 2));
    const OnnxNode* cast = TRY(made(product->inputs[0], "Cast", 1, {{"to", {to_float32}}}));
    const OnnxNode* matmul = TRY(made(cast->inputs[0], "MatMulInteger", 4));
    const OnnxNode* quantized = TRY(made(matmul->inputs[0], "DynamicQuantizeLinear", 1));
    const WithConstant scale = TRY(with_constant(product->inputs[1], "Mul"));
    if (quantized->outputs.size() != 3 || scale.computed != quantized->outputs[1] ||
        matmul->inputs[2] != quantized->outputs[2])
      return no("'{}' has scale and zero point from elsewhere", name);
    const Tensor* weights = TRY(constant(matmul->inputs[1], TensorType::int8));
    if (weights->shape.size() != 2) return no("the weights of '{}' are no matrix", name);
    const Tensor* zeros = TRY(constant(matmul->inputs[3], TensorType::int8));
    if (std::any_of(zeros->bytes.begin(), zeros->bytes.end(), [](char zero) { return zero != 0; }))
      return no("the weights of '{}' have a zero point", name);
    Dense dense;
    dense.input = quantized->inputs[0];
    dense.weights = weights->bytes;
    dense.inputs = weights->shape[0];
    dense.outputs = weights->shape[1];
    if (zeros->count() != 1 && zeros->shape != std::vector<std::size_t>{dense.outputs})
      return no("the weights of '{}' have other zero points", name);
    dense.scales = scale.constant->count() == 1
                       ? std::vector<float>(dense.outputs, TRY(one_float_of(*scale.constant)))
                       : TRY(floats(*scale.constant, dense.outputs, "scale"));
    dense.bias = TRY(floats(*sum.constant, dense.outputs, "bias"));
    return dense;
  }

  Result<float> one_float_of(const Tensor& tensor) const {
    const float value = numbers_of<float>(tensor).front();
    if (!std::isfinite(value)) return no("a scale is not finite");
    return value;
  }

  /// Gives the input of the function.
  Result<std::string_view> match_gelu(std::string_view name) const {
    const OnnxNode* half = TRY(made(name, "Mul", 2));
    TRY(expect_float(half->inputs[1], 0.5f));
    const OnnxNode* product = TRY(made(half->inputs[0], "Mul", 2));
    const OnnxNode* sum = TRY(made(product->inputs[1], "Add", 2));
    TRY(expect_float(sum->inputs[1], 1));
    const OnnxNode* erf = TRY(made(sum->inputs[0], "Erf", 1));
    const OnnxNode* quotient = TRY(made(erf->inputs[0], "Div", 2));
    TRY(expect_float(quotient->inputs[1], std::sqrt(2.0f)));
    if (quotient->inputs[0] != product->inputs[0]) return no("'{}' is no Gelu", name);
    return product->inputs[0];
  }

  /// Size `index` of a tensor, as a list of one number.
  Result<void> expect_size(std::string_view name, std::string_view of, std::int64_t index) const {
    const OnnxNode* list = TRY(made(name, "Unsqueeze", 1, {{"axes", {0}}}));
    const OnnxNode* gather = maker_of(list->inputs[0]);
    const bool has_axis = gather && !gather->numbers.empty();
    gather = TRY(made(list->inputs[0], "Gather", 2,
                      has_axis ? std::map<std::string_view, Numbers>{{"axis", {0}}}
                               : std::map<std::string_view, Numbers>{}));
    TRY(expect_integers(gather->inputs[1], {index}));
    const OnnxNode* shape = TRY(made(gather->inputs[0], "Shape", 1));
    if (shape->inputs[0] != of) return no("'{}' is the size of another tensor", name);
    return {};
  }

  /// Reshape to [batch, tokens, tail...]; gives what is reshaped and the tail.
  struct Reshaped {
    std::string_view input;
    Numbers tail;
  };
  Result<Reshaped> match_reshape(std::string_view name) const {
    const OnnxNode* reshape = TRY(made(name, "Reshape", 2));
    const OnnxNode* shape = maker_of(reshape->inputs[1]);
    if (!shape || shape->inputs.size() < 3) return no("'{}' has an unknown shape", name);
    shape = TRY(made(reshape->inputs[1], "Concat", shape->inputs.size(), {{"axis", {0}}}));
    Reshaped result{reshape->inputs[0], {}};
    TRY(expect_size(shape->inputs[0], result.input, 0));
    TRY(expect_size(shape->inputs[1], result.input, 1));
    for (std::size_t i = 2; i < shape->inputs.size(); ++i) {
      const Tensor* size = TRY(constant(shape->inputs[i], TensorType::int64));
      for (const std::int64_t number : numbers_of<std::int64_t>(*size))
        result.tail.push_back(number);
    }
    return result;
  }

  /// A dense product, split into heads and transposed.
  struct Heads {
    Dense dense;
    Numbers sizes;  ///< Heads, numbers of one.
  };
  Result<Heads> match_heads(std::string_view name, const Numbers& order) const {
    const OnnxNode* transpose = TRY(made(name, "Transpose", 1, {{"perm", order}}));
    Reshaped reshaped = TRY(match_reshape(transpose->inputs[0]));
    Heads heads{TRY(match_dense(reshaped.input)), std::move(reshaped.tail)};
    if (heads.sizes.size() != 2) return no("'{}' is not split into heads", name);
    return heads;
  }

  /// (1 - attention_mask) times a large negative number: 0 for all tokens when none is padding.
  Result<void> match_mask(std::string_view name) const {
    const WithConstant product = TRY(with_constant(name, "Mul"));
    const OnnxNode* difference = TRY(made(product.computed, "Sub", 2));
    TRY(expect_float(difference->inputs[0], 1));
    const OnnxNode* cast = TRY(made(difference->inputs[1], "Cast", 1, {{"to", {to_float32}}}));
    const OnnxNode* outer = TRY(made(cast->inputs[0], "Unsqueeze", 1, {{"axes", {2}}}));
    const OnnxNode* inner = TRY(made(outer->inputs[0], "Unsqueeze", 1, {{"axes", {1}}}));
    if (inner->inputs[0] != "attention_mask") return no("'{}' is no mask", name);
    if (product.constant->count() != 1) return no("'{}' is no mask", name);
    TRY(one_float_of(*product.constant));
    return {};
  }

  Result<void> match_attention(std::string_view name, BertLayerParts& layer) {
    const Reshaped joined = TRY(match_reshape(name));
    const OnnxNode* transpose = TRY(made(joined.input, "Transpose", 1, {{"perm", {0, 2, 1, 3}}}));
    const OnnxNode* mixed = TRY(made(transpose->inputs[0], "MatMul", 2));
    const OnnxNode* softmax = maker_of(mixed->inputs[0]);
    const bool counts_back =
        softmax && softmax->numbers == std::map<std::string_view, Numbers>{{"axis", {-1}}};
    softmax = TRY(made(mixed->inputs[0], "Softmax", 1, {{"axis", {counts_back ? -1 : 3}}}));
    const OnnxNode* masked = TRY(made(softmax->inputs[0], "Add", 2));
    TRY(match_mask(masked->inputs[1]));
    const OnnxNode* scaled = TRY(made(masked->inputs[0], "Div", 2));
    const OnnxNode* scores = TRY(made(scaled->inputs[0], "MatMul", 2));
    Heads query = TRY(match_heads(scores->inputs[0], {0, 2, 1, 3}).within("query"));
    Heads key = TRY(match_heads(scores->inputs[1], {0, 2, 3, 1}).within("key"));
    Heads value = TRY(match_heads(mixed->inputs[1], {0, 2, 1, 3}).within("value"));
    if (query.sizes != key.sizes || query.sizes != value.sizes ||
        query.dense.input != key.dense.input || query.dense.input != value.dense.input)
      return no("query, key and value are not alike");
    // The sizes are checked against the weights in `fit_sizes`.
    if (joined.tail != Numbers{static_cast<std::int64_t>(query.dense.outputs)})
      return no("the heads are not joined again");
    TRY(agree(heads_, query.sizes[0], "heads"));
    TRY(agree(head_size_, query.sizes[1], "numbers of a head"));
    TRY(agree(divisor_, TRY(one_float(scaled->inputs[1])), "divisor of scores"));
    layer.query = std::move(query.dense);
    layer.key = std::move(key.dense);
    layer.value = std::move(value.dense);
    return {};
  }

  /// All layers have the same.
  template <typename T>
  static Result<void> agree(std::optional<T>& known, T value, std::string_view what) {
    if (!known) known = value;
    if (*known != value) return no("the layers have {} and {} {}", *known, value, what);
    return {};
  }

  Result<BertLayerParts> match_layer(Norm after_outer) {
    BertLayerParts layer;
    const OnnxNode* outer_sum = TRY(made(after_outer.input, "Add", 2));
    layer.after_outer = std::move(after_outer);
    layer.outer = TRY(match_dense(outer_sum->inputs[0]).within("second feed-forward product"));
    const std::string_view between = TRY(match_gelu(layer.outer.input));
    layer.inner = TRY(match_dense(between).within("first feed-forward product"));
    if (layer.inner.input != outer_sum->inputs[1]) return no("the input is not added again");
    layer.after_attention = TRY(match_norm(layer.inner.input));
    const OnnxNode* sum = TRY(made(layer.after_attention.input, "Add", 2));
    layer.attention_out = TRY(match_dense(sum->inputs[0]).within("product after attention"));
    TRY(match_attention(layer.attention_out.input, layer).within("attention"));
    if (layer.query.input != sum->inputs[1]) return no("the input is not added again");
    return layer;
  }

  // -------------------------------------------------------------------------- Embeddings

  /// Rows of a table; gives the name of the numbers of the rows.
  Result<std::string_view> match_table(std::string_view name, Table& table) const {
    const OnnxNode* dequantize = TRY(made(name, "DequantizeLinear", 3));
    const OnnxNode* gather = TRY(made(dequantize->inputs[0], "Gather", 2));
    const Tensor* values = TRY(constant(gather->inputs[0], TensorType::uint8));
    const Tensor* zero_point = TRY(constant(dequantize->inputs[2], TensorType::uint8));
    if (values->shape.size() != 2 || zero_point->count() != 1)
      return no("'{}' is no table with one zero point", gather->inputs[0]);
    table.values = values->bytes;
    table.rows = values->shape[0];
    table.columns = values->shape[1];
    table.scale = TRY(one_float(dequantize->inputs[1]));
    table.zero_point = static_cast<std::uint8_t>(zero_point->bytes.front());
    return gather->inputs[1];
  }

  Result<void> match_embeddings(const Norm& norm, BertParts& parts) const {
    const OnnxNode* sum = TRY(made(norm.input, "Add", 2));
    const OnnxNode* first = TRY(made(sum->inputs[0], "Add", 2));
    if (TRY(match_table(first->inputs[0], parts.words)) != "input_ids")
      return no("the first table is not that of input_ids");
    if (TRY(match_table(first->inputs[1], parts.types)) != "token_type_ids")
      return no("the second table is not that of token_type_ids");
    const std::string_view rows = TRY(match_table(sum->inputs[1], parts.positions));
    // The first numbers of 0, 1, 2, ..., as many as there are tokens.
    const OnnxNode* slice = TRY(made(rows, "Slice", 5));
    const Tensor* all = TRY(constant(slice->inputs[0], TensorType::int64));
    const Numbers numbers = numbers_of<std::int64_t>(*all);
    if (all->shape != std::vector<std::size_t>{1, parts.positions.rows})
      return no("there are not as many positions as rows for them");
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] != static_cast<std::int64_t>(i)) return no("the positions are out of order");
    TRY(expect_integers(slice->inputs[1], {0}));
    TRY(expect_size(slice->inputs[2], "input_ids", 1));
    TRY(expect_integers(slice->inputs[3], {1}));
    return expect_integers(slice->inputs[4], {1});
  }

  // -------------------------------------------------------------------------- Sizes

  static Result<void> expect(const Norm& norm, const BertShape& shape) {
    if (norm.weight.size() != shape.hidden || norm.epsilon != shape.epsilon)
      return no("a normalization has {} numbers or another epsilon", norm.weight.size());
    return {};
  }

  static Result<void> expect(const Dense& dense, std::size_t inputs, std::size_t outputs) {
    if (dense.inputs != inputs || dense.outputs != outputs)
      return no("weights of {} x {} are not {} x {}", dense.inputs, dense.outputs, inputs, outputs);
    return {};
  }

  Result<void> fit_sizes(BertParts& parts) const {
    if (parts.layers.empty()) return no("it has no layers");
    for (const Table* table : {&parts.words, &parts.positions, &parts.types})
      if (table->columns != parts.words.columns || table->rows > UINT32_MAX)
        return no("the tables have {} and {} columns", table->columns, parts.words.columns);
    const Dense& inner = parts.layers.front().inner;
    if (parts.words.columns > depth_max || inner.outputs > depth_max)
      return no("a token has more than {} numbers", depth_max);
    if (*heads_ <= 0 || *head_size_ <= 0 || *heads_ > INT32_MAX || *head_size_ > INT32_MAX ||
        *heads_ * *head_size_ != static_cast<std::int64_t>(parts.words.columns))
      return no("{} heads of {} are not {}", *heads_, *head_size_, parts.words.columns);
    BertShape& shape = parts.shape;
    shape.layers = static_cast<std::uint32_t>(parts.layers.size());
    shape.hidden = static_cast<std::uint32_t>(parts.words.columns);
    shape.heads = static_cast<std::uint32_t>(*heads_);
    shape.inner = static_cast<std::uint32_t>(inner.outputs);
    shape.words = static_cast<std::uint32_t>(parts.words.rows);
    shape.positions = static_cast<std::uint32_t>(parts.positions.rows);
    shape.types = static_cast<std::uint32_t>(parts.types.rows);
    shape.epsilon = parts.after_embeddings.epsilon;
    shape.divisor = *divisor_;
    TRY(expect(parts.after_embeddings, shape));
    for (const BertLayerParts& layer : parts.layers) {
      for (const Dense* dense : {&layer.query, &layer.key, &layer.value, &layer.attention_out})
        TRY(expect(*dense, shape.hidden, shape.hidden));
      TRY(expect(layer.inner, shape.hidden, shape.inner));
      TRY(expect(layer.outer, shape.inner, shape.hidden));
      TRY(expect(layer.after_attention, shape));
      TRY(expect(layer.after_outer, shape));
    }
    return check(shape);
  }

  const OnnxGraph& graph_;
  std::optional<std::int64_t> heads_, head_size_;
  std::optional<float> divisor_;
};

}  // namespace

Result<void> check(const BertShape& shape) {
  const auto within = [](std::uint32_t value, std::uint32_t max) {
    return value >= 1 && value <= max;
  };
  if (!within(shape.layers, layers_max) || !within(shape.words, 1u << 22) ||
      !within(shape.positions, 1u << 16) || !within(shape.types, 1u << 10) ||
      !within(shape.hidden, depth_max) || !within(shape.inner, depth_max) ||
      !within(shape.heads, shape.hidden))
    return fail(Code::unsupported, "the model is larger than any known");
  const std::uint32_t head_size = shape.hidden / shape.heads;
  if (shape.hidden % shape.heads != 0 || head_size % panel_width != 0 ||
      head_size > head_size_max || shape.inner % panel_width != 0)
    return fail(Code::unsupported,
                "heads of {} / {} or {} inner numbers are no multiple of {}, or heads have more "
                "than {}",
                shape.hidden, shape.heads, shape.inner, panel_width, head_size_max);
  if (!(shape.epsilon > 0) || !std::isfinite(shape.epsilon) || !(shape.divisor > 0) ||
      !std::isfinite(shape.divisor))
    return fail(Code::unsupported, "epsilon {} or divisor {} is not positive", shape.epsilon,
                shape.divisor);
  return {};
}

Result<BertParts> recognize_bert(const OnnxGraph& graph) { return Recognizer(graph).recognize(); }

}  // namespace slipway::models::detail
