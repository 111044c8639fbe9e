"""The suite as tests of pytest: one run, then the gate, each metric and each critical item as a test of its own.

    slipway ingest handbook --collection handbook
    pytest test_handbook.py

SLIPWAY names the program and what stands behind it: SLIPWAY="slipway --data /srv/data".
"""
import json
import os
import pathlib
import shlex
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
METRICS = ["faithfulness", "answer_correctness", "token_f1", "hit_at_3", "mrr"]
CRITICAL = [golden["id"] for golden in map(json.loads, (HERE / "goldens.jsonl").read_text().splitlines())
            if golden["metadata"].get("severity") == "critical"]


@pytest.fixture(scope="session")
def result(tmp_path_factory):
    program, *options = shlex.split(os.environ.get("SLIPWAY", "slipway"))
    file = tmp_path_factory.mktemp("evaluation") / "result.json"
    run = subprocess.run([program, "eval", "run", HERE / "handbook.yaml", "--output", file, "--quiet", *options],
                         capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    return json.loads(file.read_text())


def test_all_thresholds_and_the_gate_hold(result):
    assert [finding["message"] for finding in result["gate"]["findings"] if finding["fails"]] == []


@pytest.mark.parametrize("metric", METRICS)
def test_no_metric_has_regressed(result, metric):
    verdict = next(one for one in result["gate"]["metrics"] if one["name"] == metric)
    assert verdict["verdict"] != "regressed", verdict


@pytest.mark.parametrize("item", CRITICAL)
def test_critical_questions_are_answered(result, item):
    scores = next(one for one in result["items"] if one["id"] == item)["scores"]
    assert scores["hit_at_3"]["pass"], scores
