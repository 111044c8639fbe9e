// The format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers below).
#include "models/detail/onnx_graph.hpp"

#include "models/detail/protobuf.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t nodes_max = 100'000;
constexpr std::size_t names_max = 4096;  ///< Inputs, outputs or numbers of one node.
constexpr std::size_t dimensions_max = 8;
constexpr std::size_t typed_numbers_max = 1u << 20;  ///< Big tensors are raw bytes in every model.

/// A repeated number: one, or several packed.
Result<void> append_numbers(const ProtobufField& field, std::size_t max,
                            std::vector<std::int64_t>& numbers) {
  if (field.wire == Wire::number) numbers.push_back(static_cast<std::int64_t>(field.number));
  if (field.wire == Wire::bytes) {
    ProtobufReader packed(field.bytes);
    while (!packed.is_done() && numbers.size() <= max)
      numbers.push_back(static_cast<std::int64_t>(TRY(packed.varint())));
  }
  if (numbers.size() > max) return fail(Code::unsupported, "a list has more than {} numbers", max);
  return {};
}

std::size_t bytes_of(TensorType type) {
  switch (type) {
    case TensorType::float32: return 4;
    case TensorType::int64: return 8;
    case TensorType::uint8:
    case TensorType::int8: return 1;
    case TensorType::other: break;
  }
  return 0;
}

TensorType tensor_type(std::uint64_t number) {
  for (const TensorType type :
       {TensorType::float32, TensorType::uint8, TensorType::int8, TensorType::int64})
    if (number == static_cast<std::uint64_t>(type)) return type;
  return TensorType::other;
}

/// What a TensorProto says, before it is one `Tensor`.
struct TensorParts {
  std::string_view name;
  Tensor tensor;
  std::string floats;
  std::vector<std::int64_t> integers;  ///< int32_data or int64_data.
  bool has_raw = false;
};

class Reader {
 public:
  Result<std::unique_ptr<OnnxGraph>> read(std::string_view bytes) {
    std::optional<std::string_view> graph;
    TRY(for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      if (field.id == 7 && field.wire == Wire::bytes) graph = field.bytes;
      if (field.id == 8 && field.wire == Wire::bytes) return read_opset(field.bytes);
      if (field.id == 25) return fail(Code::unsupported, "the model defines functions");
      return {};
    }));
    if (!graph) return fail(Code::invalid_argument, "it has no graph, so it is no ONNX model");
    TRY(for_fields(*graph, [&](const ProtobufField& field) { return read_graph_field(field); }));
    std::erase_if(result_->inputs,
                  [&](std::string_view name) { return result_->constants.contains(name); });
    return std::move(result_);
  }

 private:
  Result<void> read_opset(std::string_view bytes) {
    std::string_view domain;
    std::int64_t version = 0;
    TRY(for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      if (field.id == 1) domain = field.bytes;
      if (field.id == 2) version = static_cast<std::int64_t>(field.number);
      return {};
    }));
    if (domain.empty() || domain == "ai.onnx") result_->opset = version;
    return {};
  }

  Result<void> read_graph_field(const ProtobufField& field) {
    if (field.wire != Wire::bytes) return {};
    switch (field.id) {
      case 1: return read_node(field.bytes);
      case 5: return read_initializer(field.bytes);
      case 11: return read_port(field.bytes, result_->inputs);
      case 12: return read_port(field.bytes, result_->outputs);
      case 15: return fail(Code::unsupported, "the model has sparse weights");
      default: return {};
    }
  }

  Result<void> read_port(std::string_view bytes, std::vector<std::string_view>& names) {
    return for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      if (field.id == 1) names.push_back(field.bytes);
      if (names.size() > names_max)
        return fail(Code::unsupported, "the model has more than {} inputs or outputs", names_max);
      return {};
    });
  }

  Result<void> read_node(std::string_view bytes) {
    if (result_->nodes.size() >= nodes_max)
      return fail(Code::unsupported, "the model has more than {} nodes", nodes_max);
    OnnxNode node;
    std::string_view op, domain;
    std::optional<Tensor> value;
    TRY(for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      if (field.id == 1) node.inputs.push_back(field.bytes);
      if (field.id == 2) node.outputs.push_back(field.bytes);
      if (field.id == 4) op = field.bytes;
      if (field.id == 7) domain = field.bytes;
      if (field.id == 5 && field.wire == Wire::bytes) TRY(read_attribute(field.bytes, node, value));
      if (node.inputs.size() > names_max || node.outputs.size() > names_max)
        return fail(Code::unsupported, "a node has more than {} inputs or outputs", names_max);
      return {};
    }));
    if (!domain.empty() && domain != "ai.onnx") node.op.append(domain).append(".");
    node.op.append(op);
    if (node.op == "Constant" && value && node.outputs.size() == 1)
      return add_constant(node.outputs.front(), *std::move(value));
    for (const std::string_view output : node.outputs) {
      if (output.empty()) continue;
      TRY(check_new(output));
      result_->node_of.emplace(output, result_->nodes.size());
    }
    result_->nodes.push_back(std::move(node));
    return {};
  }

  Result<void> read_attribute(std::string_view bytes, OnnxNode& node,
                              std::optional<Tensor>& value) {
    std::string_view name;
    std::vector<std::int64_t> numbers;
    std::optional<std::string_view> tensor;
    bool is_other = false;
    TRY(for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      if (field.id == 1)
        name = field.bytes;
      else if (field.id == 3 || field.id == 8)
        return append_numbers(field, names_max, numbers);
      else if (field.id == 5 && field.wire == Wire::bytes)
        tensor = field.bytes;
      else if (field.id != 20 && field.id != 13)
        is_other = true;  // Not its type, not its text.
      return {};
    }));
    if (tensor && name == "value") {
      TensorParts parts;
      value = TRY(read_tensor(*tensor, parts));
    } else if (tensor || is_other) {
      node.others.push_back(name);
    } else {
      node.numbers.emplace(name, std::move(numbers));
    }
    return {};
  }

  Result<void> read_initializer(std::string_view bytes) {
    TensorParts parts;
    Tensor tensor = TRY(read_tensor(bytes, parts));
    return add_constant(parts.name, std::move(tensor));
  }

  Result<void> add_constant(std::string_view name, Tensor tensor) {
    TRY(check_new(name));
    if (result_->constants.size() >= nodes_max)
      return fail(Code::unsupported, "the model has more than {} constants", nodes_max);
    result_->constants.emplace(name, std::move(tensor));
    return {};
  }

  Result<void> check_new(std::string_view name) const {
    if (result_->constants.contains(name) || result_->node_of.contains(name))
      return fail(Code::invalid_argument, "'{}' is there twice", name);
    return {};
  }

  Result<Tensor> read_tensor(std::string_view bytes, TensorParts& parts) {
    std::vector<std::int64_t> dimensions;
    TRY(for_fields(bytes, [&](const ProtobufField& field) -> Result<void> {
      switch (field.id) {
        case 1: return append_numbers(field, dimensions_max, dimensions);
        case 2: parts.tensor.type = tensor_type(field.number); return {};
        case 4: return append_floats(field, parts.floats);
        case 5:
        case 7: return append_numbers(field, typed_numbers_max, parts.integers);
        case 8: parts.name = field.bytes; return {};
        case 9:
          parts.tensor.bytes = field.bytes;
          parts.has_raw = true;
          return {};
        case 13: return fail(Code::unsupported, "the weights are in another file");
        case 14:
          if (field.number != 0) return fail(Code::unsupported, "the weights are in another file");
          return {};
        default: return {};
      }
    }));
    for (const std::int64_t size : dimensions) {
      if (size < 0 || size > std::int64_t{1} << 32)
        return fail(Code::invalid_argument, "tensor '{}' has a dimension of {}", parts.name, size);
      parts.tensor.shape.push_back(static_cast<std::size_t>(size));
    }
    return finish(parts);
  }

  static Result<void> append_floats(const ProtobufField& field, std::string& floats) {
    if (field.wire == Wire::four_bytes) {
      const auto number = static_cast<std::uint32_t>(field.number);
      floats.append(reinterpret_cast<const char*>(&number), sizeof number);
    } else {
      floats.append(field.bytes);
    }
    if (floats.size() > typed_numbers_max * sizeof(float))
      return fail(Code::unsupported, "a list has more than {} numbers", typed_numbers_max);
    return {};
  }

  /// One form for all the ways of writing numbers down, and as many as the shape says.
  Result<Tensor> finish(TensorParts& parts) {
    Tensor tensor = parts.tensor;
    const std::size_t size = bytes_of(tensor.type);
    if (size == 0) {
      tensor.bytes = {};
      return tensor;
    }
    if (!parts.has_raw) tensor.bytes = typed_bytes(parts);
    // Sizes of up to 2^32 each: their product is compared before it can overflow.
    std::size_t count = 1;
    for (const std::size_t dimension : tensor.shape) {
      if (dimension != 0 && count > tensor.bytes.size() / dimension) count = SIZE_MAX / size;
      if (count == SIZE_MAX / size) break;
      count *= dimension;
    }
    if (count * size != tensor.bytes.size())
      return fail(Code::invalid_argument, "tensor '{}' has {} bytes, which is not its shape",
                  parts.name, tensor.bytes.size());
    return tensor;
  }

  std::string_view typed_bytes(const TensorParts& parts) {
    std::string bytes;
    if (parts.tensor.type == TensorType::float32) bytes = parts.floats;
    for (const std::int64_t number : parts.integers) {
      if (parts.tensor.type == TensorType::int64)
        bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
      else if (parts.tensor.type != TensorType::float32)
        bytes.push_back(static_cast<char>(number));
    }
    return result_->owned.emplace_back(std::move(bytes));
  }

  std::unique_ptr<OnnxGraph> result_ = std::make_unique<OnnxGraph>();
};

}  // namespace

std::size_t Tensor::count() const {
  std::size_t count = 1;
  for (const std::size_t dimension : shape) count *= dimension;
  return count;
}

Result<std::unique_ptr<OnnxGraph>> parse_onnx(std::string_view bytes) {
  return Reader().read(bytes);
}

}  // namespace slipway::models::detail
