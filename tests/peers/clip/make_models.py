"""Writes a tiny CLIP to tests/data/models/clip: a text tower that knows the names of six colours
and a vision tower that sees the mean colour, in the layouts of optimum and transformers.js, and
broken relatives of it. Also preprocessor_config.json and config.json as CLIP models have them.

Usage: python make_models.py ../../data/models/clip    (after make_tokenizer.py; needs onnx, numpy)
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COLOURS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1), "yellow": (1, 1, -1), "white": (1, 1, 1), "black": (-1, -1, -1)}
MEAN, STD = np.array([0.48145466, 0.4578275, 0.40821073], np.float32), np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
SIDE, DIMENSION = 32, 4  # The fourth number is always small and positive: no vector is without a direction.
FLOAT, INT64, INT32 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32


def tensor(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def text_tower(vocab):
    table = np.zeros((len(vocab), DIMENSION), np.float32)
    for colour, values in COLOURS.items():
        table[vocab[colour + "</w>"], :3] = values
    nodes = [
        helper.make_node("Gather", ["text.table", "input_ids"], ["text.rows"]),
        helper.make_node("Cast", ["attention_mask"], ["text.mask"], to=FLOAT),
        helper.make_node("Unsqueeze", ["text.mask", "text.last"], ["text.column"]),
        helper.make_node("Mul", ["text.rows", "text.column"], ["text.masked"]),
        helper.make_node("ReduceSum", ["text.masked", "text.tokens"], ["text.sum"], keepdims=0),
        helper.make_node("Add", ["text.sum", "offset"], ["text_embeds"]),
    ]
    constants = [tensor("text.table", table), tensor("text.last", np.array([2])), tensor("text.tokens", np.array([1]))]
    return nodes, constants


def vision_tower():
    """The mean of what the preprocessing gives, back to 0..1 and then to -1..1."""
    project = np.concatenate([np.eye(3, dtype=np.float32) * 2, np.zeros((3, 1), np.float32)], axis=1)
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["vision.mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["vision.mean", "vision.std"], ["vision.scaled"]),
        helper.make_node("Add", ["vision.scaled", "vision.middle"], ["vision.colour"]),
        helper.make_node("MatMul", ["vision.colour", "vision.project"], ["vision.projected"]),
        helper.make_node("Add", ["vision.projected", "offset"], ["image_embeds"]),
    ]
    return nodes, [tensor("vision.std", STD), tensor("vision.middle", MEAN - np.float32(0.5)), tensor("vision.project", project)]


def offset():
    return tensor("offset", np.array([0, 0, 0, 0.2], np.float32))


def logits():
    """What a whole CLIP computes from both, as optimum exports it. If chooses by a constant: its
    graphs see the names outside."""
    branch = helper.make_graph([helper.make_node("MatMul", ["text_embeds", "logits.images"], ["logits.branch"])], "branch", [], [helper.make_tensor_value_info("logits.branch", FLOAT, None)])
    nodes = [
        helper.make_node("Transpose", ["image_embeds"], ["logits.images"], perm=[1, 0]),
        helper.make_node("If", ["logits.yes"], ["logits_per_text"], then_branch=branch, else_branch=branch),
        helper.make_node("Transpose", ["logits_per_text"], ["logits_per_image"], perm=[1, 0]),
    ]
    return nodes, [tensor("logits.yes", np.array(True))]


def port(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def write(folder, name, parts, inputs, outputs):
    nodes = [node for part in parts for node in part[0]]
    constants = [constant for part in parts for constant in part[1]]
    graph = helper.make_graph(nodes, "clip", inputs, outputs, [*constants, offset()])
    model = helper.make_model(graph, producer_name="slipway-tests", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    pathlib.Path(folder, name).write_bytes(model.SerializeToString())


def main(folder):
    vocab = json.loads(pathlib.Path(folder, "vocab.json").read_text())
    text, vision = text_tower(vocab), vision_tower()
    ids = [port("input_ids", INT64, "text_batch_size", "sequence_length"), port("attention_mask", INT64, "text_batch_size", "sequence_length")]
    fixed = [port("input_ids", INT64, "batch", 16), port("attention_mask", INT64, "batch", 16)]
    pixels = [port("pixel_values", FLOAT, "image_batch_size", 3, SIDE, SIDE)]
    text_out, image_out = [port("text_embeds", FLOAT, "text_batch_size", DIMENSION)], [port("image_embeds", FLOAT, "image_batch_size", DIMENSION)]
    write(folder, "text_model.onnx", [text], ids, text_out)
    write(folder, "vision_model.onnx", [vision], pixels, image_out)
    both = [port("logits_per_image", FLOAT, "image_batch_size", "text_batch_size"), port("logits_per_text", FLOAT, "text_batch_size", "image_batch_size"), *text_out, *image_out]
    write(folder, "model.onnx", [text, vision, logits()], [ids[0], pixels[0], ids[1]], both)
    write(folder, "text_of_16.onnx", [text], fixed, text_out)
    # Without its projection, and of another size.
    renamed = [([*vision[0][:-1], helper.make_node("Add", ["vision.projected", "offset"], ["pooler_output"])], vision[1])]
    write(folder, "vision_unprojected.onnx", renamed, pixels, [port("pooler_output", FLOAT, "image_batch_size", DIMENSION)])
    longer = ([*vision[0][:-1], helper.make_node("Add", ["vision.projected", "offset"], ["vision.four"]), helper.make_node("Concat", ["vision.four", "vision.four"], ["image_embeds"], axis=1)], vision[1])
    write(folder, "vision_of_8.onnx", [longer], pixels, [port("image_embeds", FLOAT, "image_batch_size", 2 * DIMENSION)])
    config = {"crop_size": {"height": SIDE, "width": SIDE}, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
              "image_mean": [float(x) for x in MEAN.round(8).tolist()], "image_processor_type": "CLIPImageProcessor", "image_std": STD.tolist(), "resample": 3,
              "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": SIDE}}
    pathlib.Path(folder, "preprocessor_config.json").write_text(json.dumps(config, indent=2) + "\n")
    pathlib.Path(folder, "config.json").write_text(json.dumps({"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": DIMENSION, "text_config": {"max_position_embeddings": 24}}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
