"""Writes tiny_bert.onnx: a BERT encoder of two small layers with random weights, in the form that
optimum's export and onnxruntime.quantization give real ones. For unit tests of the reader and the
kernels, which compare it with ONNX Runtime.

Usage: python make_tiny_bert.py ../../data/models     (needs the packages numpy and onnx)
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WORDS, POSITIONS, TYPES = 40, 24, 2
HIDDEN, HEADS, INNER, LAYERS = 32, 2, 48, 2


class Graph:
    def __init__(self):
        self.random = np.random.RandomState(7)
        self.nodes, self.tensors, self.count = [], [], 0

    def op(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{kind.lower()}_{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def tensor(self, value):
        self.count += 1
        self.tensors.append(numpy_helper.from_array(np.asarray(value), f"tensor_{self.count}"))
        return self.tensors[-1].name

    def constant(self, value):
        return self.op("Constant", value=numpy_helper.from_array(np.asarray(value)))

    def floats(self, size, scale=1.0, around=0.0):
        return self.tensor((around + scale * self.random.randn(size)).astype(np.float32))

    def norm(self, x):
        difference = self.op("Sub", x, self.op("ReduceMean", x, axes=[-1]))
        square = self.op("Pow", difference, self.constant(np.float32(2)))
        variance = self.op("Add", self.op("ReduceMean", square, axes=[-1]), self.constant(np.float32(1e-12)))
        unit = self.op("Div", difference, self.op("Sqrt", variance))
        return self.op("Add", self.op("Mul", unit, self.floats(HIDDEN, 0.2, 1)), self.floats(HIDDEN, 0.2))

    def quantized(self, x):
        return self.op("DynamicQuantizeLinear", x, outputs=3)

    def dense(self, quantized, inputs, outputs):
        values, scale, zero = quantized
        # Some heavy rows: not every four groups of weights fit into 16 bits together.
        weights = np.clip(np.round(self.random.randn(inputs, outputs) * self.random.choice([12, 40], (inputs, 1))), -64, 64)
        whole = self.op("MatMulInteger", values, self.tensor(weights.astype(np.int8)), zero, self.tensor(np.zeros(outputs, np.int8)))
        scales = self.op("Mul", scale, self.tensor((0.004 + 0.004 * self.random.rand(outputs)).astype(np.float32)))
        product = self.op("Mul", self.op("Cast", whole, to=TensorProto.FLOAT), scales)
        return self.op("Add", self.floats(outputs, 0.1), product)

    def size(self, x, index):
        gathered = self.op("Gather", self.op("Shape", x), self.constant(np.int64(index)), axis=0)
        return self.op("Unsqueeze", gathered, axes=[0])

    def reshape(self, x, *tail):
        sizes = [self.constant(np.array([number], np.int64)) for number in tail]
        return self.op("Reshape", x, self.op("Concat", self.size(x, 0), self.size(x, 1), *sizes, axis=0))

    def heads(self, x, order):
        return self.op("Transpose", self.reshape(x, HEADS, HIDDEN // HEADS), perm=order)

    def layer(self, x, mask):
        quantized = self.quantized(x)
        query, key, value = (self.dense(quantized, HIDDEN, HIDDEN) for _ in range(3))
        scores = self.op("MatMul", self.heads(query, [0, 2, 1, 3]), self.heads(key, [0, 2, 3, 1]))
        scaled = self.op("Div", scores, self.constant(np.float32(np.sqrt(HIDDEN // HEADS))))
        softmax = self.op("Softmax", self.op("Add", scaled, mask), axis=3)
        mixed = self.op("MatMul", softmax, self.heads(value, [0, 2, 1, 3]))
        joined = self.reshape(self.op("Transpose", mixed, perm=[0, 2, 1, 3]), HIDDEN)
        x = self.norm(self.op("Add", self.dense(self.quantized(joined), HIDDEN, HIDDEN), x))
        inner = self.dense(self.quantized(x), HIDDEN, INNER)
        erf = self.op("Erf", self.op("Div", inner, self.constant(np.float32(np.sqrt(2)))))
        product = self.op("Mul", inner, self.op("Add", erf, self.constant(np.float32(1))))
        gelu = self.op("Mul", product, self.constant(np.float32(0.5)))
        return self.norm(self.op("Add", self.dense(self.quantized(gelu), INNER, HIDDEN), x))

    def table(self, rows, ids):
        values = self.tensor(self.random.randint(60, 200, (rows, HIDDEN)).astype(np.uint8))
        gathered = self.op("Gather", values, ids)
        return self.op("DequantizeLinear", gathered, self.tensor(np.float32(0.01)), self.tensor(np.uint8(128)))

    def mask(self):
        cast = self.op("Cast", self.op("Unsqueeze", self.op("Unsqueeze", "attention_mask", axes=[1]), axes=[2]), to=TensorProto.FLOAT)
        return self.op("Mul", self.op("Sub", self.constant(np.float32(1)), cast), self.constant(np.finfo(np.float32).min))


def main(folder):
    graph = Graph()
    mask = graph.mask()
    one = graph.constant(np.array([1], np.int64))
    positions = graph.op("Slice", graph.tensor(np.arange(POSITIONS)[None]), graph.constant(np.array([0], np.int64)), graph.size("input_ids", 1), one, one)
    first = graph.op("Add", graph.table(WORDS, "input_ids"), graph.table(TYPES, "token_type_ids"))
    x = graph.norm(graph.op("Add", first, graph.table(POSITIONS, positions)))
    for _ in range(LAYERS):
        x = graph.layer(x, mask)
    graph.nodes[-1].output[0] = "last_hidden_state"
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask", "token_type_ids")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", HIDDEN])
    model = helper.make_model(helper.make_graph(graph.nodes, "tiny", inputs, [output], graph.tensors), opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.checker.check_model(model)
    onnx.save(model, pathlib.Path(folder) / "tiny_bert.onnx")


main(sys.argv[1])
