#include "models/detail/onnx_graph.hpp"

#include <doctest/doctest.h>

#include "core/files.hpp"
#include "models/detail/bert_graph.hpp"

namespace slipway::models::detail {

namespace {

std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<char>(number | 0x80));
  bytes.push_back(static_cast<char>(number));
  return bytes;
}

std::string field(unsigned id, std::uint64_t number) { return varint(id << 3) + varint(number); }

std::string field(unsigned id, std::string_view bytes) {
  return varint(id << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

std::string tensor(std::string_view name, unsigned type, std::size_t size, std::string_view rest) {
  return field(1, size) + field(2, type) + field(8, name) + std::string(rest);
}

std::string model(std::string_view graph_fields) { return field(7, graph_fields); }

Error error_of(std::string_view bytes) {
  const auto graph = parse_onnx(bytes);
  REQUIRE_FALSE(graph);
  return graph.error();
}

std::string tiny_bert() {
  return *read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "tiny_bert.onnx");
}

/// What is done with a model file up to the point where its sizes are known.
bool is_bert(std::string_view bytes) {
  const auto graph = parse_onnx(bytes);
  return graph && recognize_bert(**graph);
}

}  // namespace

TEST_CASE("nodes, attributes and tensors of an ONNX file are read") {
  const std::string node = field(1, "x") + field(1, "") + field(2, "y") + field(4, "Cast") +
                           field(5, field(1, "to") + field(3, 1) + field(20, 2)) +
                           field(5, field(1, "axes") + field(8, varint(0) + varint(2))) +
                           field(5, field(1, "mode") + field(4, "linear"));
  const std::string one("\x00\x00\x80\x3f", 4);
  const std::string value = field(5, field(1, "value") + field(5, tensor("", 1, 1, field(9, one))));
  const std::string good =
      field(1, node) + field(1, field(2, "c") + field(4, "Gelu") + field(7, "com.microsoft")) +
      field(1, field(2, "one") + field(4, "Constant") + value) +
      field(5, tensor("raw", 3, 2, field(9, "\x01\xff"))) +
      field(5, tensor("typed", 2, 2, field(5, varint(7) + varint(255)))) +
      field(5, tensor("long", 7, 1, field(7, varint(~0ull)))) + field(11, field(1, "x")) +
      field(11, field(1, "raw")) + field(12, field(1, "y"));
  const std::string bytes = model(good) + field(8, field(2, 11));
  const auto parsed = parse_onnx(bytes);
  if (!parsed) FAIL(parsed.error().message());
  const OnnxGraph& result = **parsed;
  CHECK(result.opset == 11);
  REQUIRE(result.nodes.size() == 2);
  CHECK(result.nodes[0].op == "Cast");
  CHECK(result.nodes[0].inputs == std::vector<std::string_view>{"x", ""});
  CHECK(result.nodes[0].numbers.at("to") == std::vector<std::int64_t>{1});
  CHECK(result.nodes[0].numbers.at("axes") == std::vector<std::int64_t>{0, 2});
  CHECK(result.nodes[0].others == std::vector<std::string_view>{"mode"});
  CHECK(result.nodes[1].op == "com.microsoft.Gelu");
  CHECK(result.node_of.at("c") == 1);
  CHECK(result.constants.at("one").bytes == one);
  CHECK(result.constants.at("raw").bytes == "\x01\xff");
  CHECK(result.constants.at("typed").bytes == "\x07\xff");
  CHECK(result.constants.at("long").bytes == std::string(8, '\xff'));
  CHECK(result.inputs == std::vector<std::string_view>{"x"});
  CHECK(result.outputs == std::vector<std::string_view>{"y"});
}

TEST_CASE("what is no ONNX file says why") {
  CHECK(error_of("").message() == "it has no graph, so it is no ONNX model");
  CHECK(error_of(std::string(11, '\xff')).message() ==
        "it is no ONNX model: a number has more than 10 bytes");
  CHECK(error_of("\x03").message() == "it is no ONNX model: a field has the number 0");
  CHECK(error_of("\x0b").message() == "it is no ONNX model: a field has the wire type 3");
  CHECK(error_of("\x3a\x05").message() == "it ends in the middle: it is cut");
  const std::string twice = field(5, tensor("a", 3, 1, field(9, "x")));
  CHECK(error_of(model(twice + twice)).message() == "'a' is there twice");
  CHECK(error_of(model(field(5, tensor("a", 3, 9, field(9, "x"))))).message() ==
        "tensor 'a' has 1 bytes, which is not its shape");
  const std::string huge = field(1, 1ull << 32) + field(1, 1ull << 32) + field(1, 1ull << 32);
  CHECK(error_of(model(field(5, huge + tensor("a", 1, 4, "")))).code() == Code::invalid_argument);
  CHECK(error_of(model(field(5, tensor("a", 3, 1, field(14, 1))))).code() == Code::unsupported);
  CHECK(error_of(model(field(1, "")) + field(25, "")).code() == Code::unsupported);
}

TEST_CASE("a BERT encoder is recognized with all its sizes") {
  const std::string bytes = tiny_bert();
  const auto graph = parse_onnx(bytes);
  REQUIRE(graph);
  const auto parts = recognize_bert(**graph);
  if (!parts) FAIL(parts.error().message());
  CHECK(parts->shape == BertShape{2, 32, 2, 48, 40, 24, 2, 1e-12f, 4});
  CHECK(parts->output == "last_hidden_state");
  CHECK(parts->layers[1].outer.inputs == 48);
}

TEST_CASE("a graph that differs anywhere is not taken for a BERT encoder") {
  const std::string bytes = tiny_bert();
  // Names of operations, attributes and inputs; the last of each, because a first is in layer 0.
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"Erf", "Exp"},
      {"Sub", "Add"},
      {"Div", "Mul"},
      {"Softmax", "Sigmoid"},
      {"Sqrt", "Relu"},
      {"ReduceMean", "ReduceProd"},
      {"Pow", "Mul"},
      {"Transpose", "Identityy"},
      {"DynamicQuantizeLinear", "DynamicQuantizeLineal"},
      {"axes", "axis"},
      {"perm", "pern"},
      {"attention_mask", "attentive_mask"}};
  for (const auto& [from, to] : changes) {
    CAPTURE(std::string(from));
    std::string changed = bytes;
    const std::size_t at = changed.rfind(from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    CHECK_FALSE(is_bert(changed));
  }
  CHECK(is_bert(bytes));
}

TEST_CASE("cut and damaged model files are refused or read, and never more") {
  const std::string bytes = tiny_bert();
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t stride = 11;  // Each parse takes twenty times as long there.
#else
  constexpr std::size_t stride = 1;
#endif
  for (std::size_t size = 0; size < bytes.size() - 16; size += size < 4096 ? stride : 97 * stride)
    CHECK_FALSE(is_bert(bytes.substr(0, size)));
  std::size_t still = 0;
  for (std::size_t at = 0; at < bytes.size(); at += at < 4096 ? stride : 13 * stride)
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      still += is_bert(damaged);
    }
  CHECK(still > 0);  // Weights may have any value.
}

}  // namespace slipway::models::detail
