"""The comparisons below this folder, each in a process of its own: what it prints is the evidence."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
PROGRAMS = pathlib.Path(os.environ["SLIPWAY_PROGRAM"]).parent / "tests/peers"
PREFIX = pathlib.Path(os.environ["SLIPWAY_DEPS_PREFIX"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder, program", [("tokenizers", "tokenize_lines"), ("embeddings", "embed_lines"),
                                             ("splitters", "split_texts"), ("schemas", "reply_by_schema"),
                                             ("otlp", "otlp_runs")])
def test_slipway_agrees_with(folder, program):
    environment = {**os.environ, "SLIPWAY_ONNXRUNTIME": str(PREFIX / "lib/libonnxruntime.so.1")}
    done = subprocess.run([sys.executable, HERE / folder / "compare.py", PROGRAMS / program, PREFIX / "models"],
                          env=environment, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_every_comparison_is_run():
    named = {"tokenizers", "embeddings", "splitters", "schemas", "otlp"}
    assert {path.parent.name for path in HERE.glob("*/compare.py")} == named
