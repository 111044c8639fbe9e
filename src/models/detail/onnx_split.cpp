// The file is cut at the level of the encoding: fields of nodes and tensors that are needed are
// copied byte for byte, so that nothing of them can be lost or misunderstood. The format:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers below).
#include "models/detail/onnx_split.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "models/detail/protobuf.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::uint32_t graph_field = 7;  // Of a model.
constexpr std::size_t depth_max = 16;     // Of graphs in nodes in graphs.

struct Named {
  std::string_view name;
  std::string_view raw;
};

struct Node {
  std::vector<std::string_view> uses;  ///< Inputs, and those of the graphs within.
  std::vector<std::string_view> outputs;
  std::string_view raw;
};

/// A model's graph as pieces of its bytes.
struct Pieces {
  std::vector<std::string_view> around;  ///< The model's fields but the graph.
  std::vector<std::string_view> others;  ///< The graph's: its name, its description.
  std::vector<Node> nodes;
  std::vector<Named> initializers, inputs, outputs, infos;
};

Result<void> collect_uses(std::string_view node, std::vector<std::string_view>& uses,
                          std::size_t depth);

/// An attribute may hold graphs, whose nodes see the names outside.
Result<void> collect_attribute(std::string_view attribute, std::vector<std::string_view>& uses,
                               std::size_t depth) {
  return for_fields(attribute, [&](const ProtobufField& field) -> Result<void> {
    if ((field.id != 6 && field.id != 11) || field.wire != Wire::bytes) return {};
    if (depth >= depth_max)
      return fail(Code::unsupported, "it has graphs in graphs more than {} deep", depth_max);
    return for_fields(field.bytes, [&](const ProtobufField& inner) -> Result<void> {
      if (inner.id == 1 && inner.wire == Wire::bytes)
        return collect_uses(inner.bytes, uses, depth + 1);
      return {};
    });
  });
}

Result<void> collect_uses(std::string_view node, std::vector<std::string_view>& uses,
                          std::size_t depth) {
  return for_fields(node, [&](const ProtobufField& field) -> Result<void> {
    if (field.wire != Wire::bytes) return {};
    if (field.id == 1 && !field.bytes.empty()) uses.push_back(field.bytes);
    if (field.id == 5) return collect_attribute(field.bytes, uses, depth);
    return {};
  });
}

Result<Node> read_node(const ProtobufField& whole) {
  Node node;
  node.raw = whole.raw;
  TRY(collect_uses(whole.bytes, node.uses, 0));
  TRY(for_fields(whole.bytes, [&](const ProtobufField& field) -> Result<void> {
    if (field.id == 2 && field.wire == Wire::bytes) node.outputs.push_back(field.bytes);
    return {};
  }));
  return node;
}

/// `id`: of the field that holds the name.
Result<Named> read_named(const ProtobufField& whole, std::uint32_t id) {
  Named named{{}, whole.raw};
  TRY(for_fields(whole.bytes, [&](const ProtobufField& field) -> Result<void> {
    if (field.id == id && field.wire == Wire::bytes) named.name = field.bytes;
    return {};
  }));
  return named;
}

Result<Named> read_initializer(const ProtobufField& whole) {
  TRY(for_fields(whole.bytes, [](const ProtobufField& field) -> Result<void> {
    if (field.id == 13 || (field.id == 14 && field.number != 0))
      return fail(Code::unsupported,
                  "the weights are in another file; export text and vision model separately");
    return {};
  }));
  return read_named(whole, 8);
}

Result<void> read_graph_field(const ProtobufField& field, Pieces& pieces) {
  if (field.wire != Wire::bytes) return {};
  switch (field.id) {
    case 1: pieces.nodes.push_back(TRY(read_node(field))); return {};
    case 5: pieces.initializers.push_back(TRY(read_initializer(field))); return {};
    case 11: pieces.inputs.push_back(TRY(read_named(field, 1))); return {};
    case 12: pieces.outputs.push_back(TRY(read_named(field, 1))); return {};
    case 13: pieces.infos.push_back(TRY(read_named(field, 1))); return {};
    case 14: return {};  // Quantization notes, which nothing here computes with.
    case 15: return fail(Code::unsupported, "the model has sparse weights");
    default: pieces.others.push_back(field.raw); return {};
  }
}

Result<Pieces> read_pieces(std::string_view model) {
  Pieces pieces;
  bool has_graph = false;
  TRY(for_fields(model, [&](const ProtobufField& field) -> Result<void> {
    if (field.id != graph_field || field.wire != Wire::bytes) {
      pieces.around.push_back(field.raw);
      return {};
    }
    has_graph = true;
    return for_fields(field.bytes,
                      [&](const ProtobufField& inner) { return read_graph_field(inner, pieces); });
  }));
  if (!has_graph) return fail(Code::invalid_argument, "it has no graph, so it is no ONNX model");
  return pieces;
}

struct Needed {
  std::set<std::string_view> names;
  std::vector<bool> nodes;
};

/// From the output backwards.
Needed needed_for(const Pieces& pieces, std::string_view output) {
  std::unordered_map<std::string_view, std::size_t> maker;
  for (std::size_t i = 0; i < pieces.nodes.size(); ++i)
    for (const std::string_view name : pieces.nodes[i].outputs) maker.emplace(name, i);
  Needed needed{{output}, std::vector<bool>(pieces.nodes.size())};
  std::vector<std::string_view> open = {output};
  while (!open.empty()) {
    const auto found = maker.find(open.back());
    open.pop_back();
    if (found == maker.end() || needed.nodes[found->second]) continue;
    needed.nodes[found->second] = true;
    const Node& node = pieces.nodes[found->second];
    needed.names.insert(node.outputs.begin(), node.outputs.end());
    for (const std::string_view name : node.uses)
      if (needed.names.insert(name).second) open.push_back(name);
  }
  return needed;
}

void append_key(std::string& out, std::uint32_t id, std::size_t size) {
  constexpr std::uint64_t bytes_wire = 2;
  for (std::uint64_t value : {std::uint64_t{id} << 3 | bytes_wire, std::uint64_t{size}}) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
  }
}

const Named* find(const std::vector<Named>& list, std::string_view name) {
  for (const Named& named : list)
    if (named.name == name) return &named;
  return nullptr;
}

}  // namespace

Result<OnnxNames> onnx_names(std::string_view model) {
  const Pieces pieces = TRY(read_pieces(model));
  std::set<std::string_view> constant;
  for (const Named& named : pieces.initializers) constant.insert(named.name);
  OnnxNames names;
  for (const Named& named : pieces.inputs)
    if (!constant.contains(named.name)) names.inputs.emplace_back(named.name);
  for (const Named& named : pieces.outputs) names.outputs.emplace_back(named.name);
  return names;
}

Result<std::string> split_onnx(std::string_view model, std::string_view output) {
  const Pieces pieces = TRY(read_pieces(model));
  const Named* wanted = find(pieces.outputs, output);
  if (!wanted) return fail(Code::invalid_argument, "the model has no output '{}'", output);
  const Needed needed = needed_for(pieces, output);
  std::string graph;
  for (const std::string_view raw : pieces.others) graph += raw;
  for (std::size_t i = 0; i < pieces.nodes.size(); ++i)
    if (needed.nodes[i]) graph += pieces.nodes[i].raw;
  for (const auto* list : {&pieces.initializers, &pieces.inputs, &pieces.infos})
    for (const Named& named : *list)
      if (needed.names.contains(named.name)) graph += named.raw;
  graph += wanted->raw;
  std::string part;
  part.reserve(graph.size() + 4096);
  for (const std::string_view raw : pieces.around) part += raw;
  append_key(part, graph_field, graph.size());
  return part += graph;
}

}  // namespace slipway::models::detail
