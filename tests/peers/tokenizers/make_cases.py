"""Writes what tests/data/models holds for the unit tests: strings with the ids that the real
library gives them, a small tokenizer that uses every rule, and tiny ONNX models.

Usage: python make_cases.py ../../data/models MODELS     (also needs the package onnx)
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from compare_strings import SENTENCES, SPECIALS
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

MODELS = ("bge-small-en-v1.5-q", "all-minilm-l6-v2-q", "e5-small-v2-q")
MORE = ["", " \t\r\n", "a\r\nb", "x\u0000y\ufffdz", "a\u200bb\u00adc\u2028d\u0085e", "a" * 100, "a" * 101, "e\u0301" * 100, "e\u0301" * 101,
        "[CLS] in [SEP]the[MASK]text[PAD]", "İI\u0307", "\u1e9e\ufb01", "\u0344x\u0f73", "\ufa0e\uf900\u4e00", "\u00a0\u3000\u2003", "don't-stop_now", "+-*/=<>|~^`$"]
SMALL_WORDS = ["the", "quick", "fox", "un", "##aff", "##able", "a", "##b", "b", "strasse", "\u00e9", "e", "##\u00e9", "straße", "[", "]", "<", ">", "!", "x", "##x", "中"]
SMALL_TEXTS = ["the quick fox", "unaffable unaff unx", "ab bb  b", "[tok]the[tok]", "the  [left] fox", "the [right]   fox", "the[both]fox  [both]  a", "a[single]b [single] b[single]", "STRASSE straße Straße",
               "É é e\u0301", "é", "x" * 8, "x" * 9, "中a中", "[left][left]  [left]", "[right] [left] a", "[to", "", "Fox! quick!x", "a<b>", "quick_[single]_fox", "[single]中", "中[single]!"]


def small():
    vocab = {word: i for i, word in enumerate(["[UNK]", "[CLS]", "[SEP]", *SMALL_WORDS])}

    def token(content, **on):
        return {**dict(id=0, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True), **on}

    added = [token("[UNK]"), token("[CLS]"), token("[SEP]"), token("[tok]"), token("[left]", lstrip=True), token("[right]", rstrip=True), token("[both]", lstrip=True, rstrip=True),
             token("[single]", single_word=True), token("Straße", normalized=True), token("É", normalized=True, single_word=True), token("fox!", normalized=True, rstrip=True)]
    return {
        "version": "1.0", "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}, "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": False, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 8, "vocab": vocab},
    }


def cases(path, texts):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]


def paired(file):
    """The small tokenizer as cross-encoders have theirs."""
    special = [{"SpecialToken": {"id": name, "type_id": kind}} for name, kind in (("[CLS]", 0), ("[SEP]", 0), ("[SEP]", 1))]
    texts = [{"Sequence": {"id": name, "type_id": kind}} for name, kind in (("A", 0), ("B", 1))]
    processor = {**file["post_processor"], "pair": [special[0], texts[0], special[1], texts[1], special[2]]}
    return {**file, "post_processor": processor}


def pair_cases(path):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    rows = []
    for first, second in (("the quick", "fox"), ("", "fox"), ("the", ""), ("a b " * 9, "the fox"), ("quick", "a b " * 9), ("a " * 20, "b " * 20), ("a " * 21, "b " * 19)):
        for size in (3, 4, 5, 6, 7, 12, 13, 100):
            tokenizer.enable_truncation(size, strategy="longest_first")
            both = tokenizer.encode(first, second)
            rows.append({"first": first, "second": second, "tokens_max": size, "ids": both.ids, "types": both.type_ids})
    return rows


def write_json(path, rows):
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def save(folder, name, inputs, nodes, outputs, tables):
    graph = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(v, k) for k, v in tables.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / name)


def tiny_models(folder, tokens):
    """Row i of the table is (i, 1, 0): means and first rows can be computed by hand."""
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    per_token = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", 3])
    per_text = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", 3])
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3])
    table = np.array([[i, 1, 0] for i in range(tokens)], dtype=np.float32)
    gather = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    mean = helper.make_node("ReduceMean", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0)
    nothing = helper.make_node("Mul", ["last_hidden_state", "zero"], ["none"])
    save(folder, "per_token.onnx", [ids], [gather], [per_token], {"table": table})
    save(folder, "per_text.onnx", [ids], [gather, mean], [per_text], {"table": table})
    save(folder, "few_tokens.onnx", [ids], [gather], [per_token], {"table": table[:5]})
    none = helper.make_tensor_value_info("none", TensorProto.FLOAT, ["batch", "tokens", 3])
    save(folder, "no_direction.onnx", [ids], [gather, nothing], [none], {"table": table, "zero": np.zeros(3, dtype=np.float32)})
    identity = helper.make_node("Identity", ["pixels"], ["sentence_embedding"])
    save(folder, "no_text.onnx", [pixels], [identity], [per_text], {})
    whole = helper.make_tensor_value_info("whole", TensorProto.INT64, ["batch", "tokens"])
    save(folder, "no_vector.onnx", [ids], [helper.make_node("Identity", ["input_ids"], ["whole"])], [whole], {})


def cross_encoder(folder, tokens):
    """The logit is the sum over tokens of weight[id] * (0.1 + type), less half: "quick" weighs 1, "fox" 2."""
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names]
    weight = np.zeros(tokens, dtype=np.float32)
    weight[[4, 5]] = 1, 2
    tables = {"weight": weight, "tenth": np.array(0.1, np.float32), "half": np.array(0.5, np.float32), "axis": np.array([1])}
    nodes = [helper.make_node("Gather", ["weight", "input_ids"], ["w"]), helper.make_node("Cast", ["token_type_ids"], ["t"], to=TensorProto.FLOAT),
             helper.make_node("Cast", ["attention_mask"], ["m"], to=TensorProto.FLOAT), helper.make_node("Add", ["t", "tenth"], ["share"]),
             helper.make_node("Mul", ["w", "share"], ["shared"]), helper.make_node("Mul", ["shared", "m"], ["seen"]),
             helper.make_node("ReduceSum", ["seen", "axis"], ["sum"], keepdims=1), helper.make_node("Sub", ["sum", "half"], ["logits"])]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])
    save(folder, "cross_encoder.onnx", inputs, nodes, [logits], tables)
    many = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    three = [*nodes[:-1], helper.make_node("Sub", ["sum", "halves"], ["logits"])]
    save(folder, "three_labels.onnx", inputs, three, [many], {**tables, "halves": np.full(3, 0.5, np.float32)})


def main():
    folder, models = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    texts = SENTENCES + SPECIALS + MORE
    wanted = [cases(models / name / "tokenizer.json", texts) for name in MODELS]
    if any(other != wanted[0] for other in wanted):
        sys.exit("the three models disagree: write one file each")
    write_json(folder / "tokenizer_cases.json", wanted[0])
    (folder / "small_tokenizer.json").write_text(json.dumps(small(), indent=1, ensure_ascii=False) + "\n")
    write_json(folder / "small_tokenizer_cases.json", cases(folder / "small_tokenizer.json", SMALL_TEXTS))
    (folder / "pair_tokenizer.json").write_text(json.dumps(paired(small()), indent=1, ensure_ascii=False) + "\n")
    write_json(folder / "pair_tokenizer_cases.json", pair_cases(folder / "pair_tokenizer.json"))
    tiny_models(folder, 40)
    cross_encoder(folder, 40)


if __name__ == "__main__":
    main()
