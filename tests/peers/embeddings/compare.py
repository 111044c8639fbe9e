"""Compares Slipway's vectors with the reference pipeline: `tokenizers` and `onnxruntime` in Python,
each text alone, pooled and normalised as the model's card says.

Usage: python compare.py EMBED_LINES MODELS
Prints the smallest cosine of each model; fails below 0.9999.
"""

import json
import pathlib
import random
import subprocess
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tokenizers"))
from compare_strings import SENTENCES, Strings  # noqa: E402

MODELS = {
    "bge-small-en-v1.5-q": ("cls", 512),
    "all-minilm-l6-v2-q": ("mean", 256),
    "e5-small-v2-q": ("mean", 512),
}
COSINE_MIN = 0.9999


def reference(folder, pooling, tokens_max, texts):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens_max)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    vectors = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(["last_hidden_state"], inputs)[0][0]
        vector = hidden[0] if pooling == "cls" else hidden.mean(axis=0)
        vectors.append(vector / np.linalg.norm(vector))
    return np.array(vectors, dtype=np.float64)


def ours(program, folder, pooling, tokens_max, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    command = [program, str(folder), pooling, str(tokens_max), "2"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return np.array([json.loads(line) for line in done.stdout.splitlines()], dtype=np.float64)


def sample(count):
    """Texts of 0 to about 1,000 words, mostly as long as chunks are."""
    r = random.Random(7)
    strings = Strings(7)
    words = " ".join(SENTENCES).split() + "the of and to in is for on with as by at from that this it".split() * 20
    texts = ["", " ", "[CLS]", "a"]
    while len(texts) < count:
        length = r.choice([1, 2, 5, 10, 20, 40, 80, 120, 160, 300])
        texts.append(strings.make() if r.random() < 0.2 else " ".join(r.choice(words) for _ in range(length)))
    return texts + [" ".join(r.choice(words) for _ in range(1000))]


def main():
    program, models = sys.argv[1], pathlib.Path(sys.argv[2])
    texts = sample(220)
    worst = 1.0
    for name, (pooling, tokens_max) in MODELS.items():
        wanted = reference(models / name, pooling, tokens_max, texts)
        got = ours(program, models / name, pooling, tokens_max, texts)
        cosines = (wanted * got).sum(axis=1) / np.linalg.norm(got, axis=1)
        print(f"{name}: {len(texts)} texts, smallest cosine {cosines.min():.9f}, largest difference {np.abs(wanted - got).max():.2e}")
        worst = min(worst, cosines.min())
    sys.exit(0 if worst >= COSINE_MIN else 1)


if __name__ == "__main__":
    main()
