"""Texts per second and peak memory of Slipway beside Python with the same model, in one run.

The Python side does what LangChain's and Chroma's ONNX embedders do: batches of 32, padded to the
longest, all cores; and, for comparison, one text a call. Both get the same chunks of 800 characters.
Rounds alternate, so that a busy machine troubles all of them alike; CPU seconds are told as well.

Usage: python measure.py EMBED_LINES MODEL_FOLDER cls|mean CORPUS_FOLDER [--texts N] [--rounds N]
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

THREADS = 2


def chunks(folder, count):
    text = "\n".join(path.read_text(errors="replace") for path in sorted(pathlib.Path(folder).iterdir()) if path.is_file())
    return [text[at : at + 800] for at in range(0, len(text) - 800, max(800, len(text) // count))][:count]


def peer(folder, pooling, batch):
    """The child: reads texts from stdin, prints its own figures."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    start = time.perf_counter()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(512)
    tokenizer.enable_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    opened = time.perf_counter() - start
    texts = [json.loads(line) for line in sys.stdin]
    start = time.perf_counter()
    for at in range(0, len(texts), batch):
        encoded = tokenizer.encode_batch(texts[at : at + batch])
        ids = np.array([e.ids for e in encoded], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        hidden = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
        vectors = hidden[:, 0] if pooling == "cls" else (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    seconds = time.perf_counter() - start
    print(json.dumps({"texts": len(texts), "seconds": seconds, "open_seconds": opened, "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def child(command, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout), "cpu_seconds": cpu}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("pooling", choices=("cls", "mean"))
    parser.add_argument("corpus")
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=int)
    options = parser.parse_args()
    if options.peer:
        return peer(options.folder, options.pooling, options.peer)
    texts = chunks(options.corpus, options.texts)
    python = [sys.executable, *sys.argv, "--peer"]
    sides = {
        "slipway": [options.program, str(options.folder), options.pooling, "512", str(THREADS), "--measure"],
        "python, batches of 32": [*python, "32"],
        "python, one a call": [*python, "1"],
    }
    rows = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, command in sides.items():
            rows[name].append(child(command, texts))
    for name, figures in rows.items():
        speed = [f["texts"] / f["seconds"] for f in figures]
        cpu = min(f["cpu_seconds"] for f in figures)
        peak = max(f["peak_kib"] for f in figures) / 1024
        print(f"{name:22} texts/s {min(speed):6.1f} .. {max(speed):6.1f}   CPU ms/text {1000 * cpu / len(texts):6.1f}   peak {peak:6.0f} MiB")


if __name__ == "__main__":
    main()
