"""Cases a second beside the real deepeval and ragas, with the same scripted judge, in one run.

    python bench/eval/compare.py --program build/slipway --peers ENVIRONMENT/bin/python [--cases 2000] [--memory-cases 100000]

The same goldens and the same written replies go to all: 5 metrics of deepeval, 3 of ragas. A judge of 0 ms, so what is measured is
the program. Wall and processor time are those of the whole process, start included, and every score must be the same. Without --peers
Slipway is measured alone. The environment of the peers is made by hand: python -m venv ENVIRONMENT, then
ENVIRONMENT/bin/pip install -r bench/eval/requirements.txt.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import score_requests

HERE = pathlib.Path(__file__).resolve().parent
TIMES_MIN = 50
MEMORY_MB_MAX = 200


def measured(command, out=None):
    """Wall and processor seconds and the peak of memory of a process and its children."""
    with open(out or os.devnull, "w") as file:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE)
        errors = process.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    if status:
        raise SystemExit(f"{command[0]} failed: {errors[-2000:]}")
    return {"wall_s": round(wall, 4), "cpu_s": round(usage.ru_utime + usage.ru_stime, 4), "peak_mb": round(usage.ru_maxrss / 1024, 1)}


def scores_of(path):
    with open(path) as file:
        return {line["id"]: line["score"] for line in map(json.loads, file)}


def different(ours, theirs):
    """Names of scores that are not the same; what cannot be scored is NaN there and null here."""
    def same(a, b):
        return (b != b) if a is None else abs(a - b) <= 1e-6
    return [name for name in theirs if name not in ours or not same(ours[name], theirs[name])] + sorted(set(ours) - set(theirs))


def beside(mode, options, folder):
    lines = folder / f"{mode}.jsonl"
    count = score_requests.write(lines, mode, options.cases, seed=7)
    result = {"metrics": count, "cases": options.cases}
    runs = [measured([options.program, "eval", "score", str(lines)], folder / "ours.jsonl") for _ in range(options.repeats)]
    result["slipway"] = min(runs, key=lambda run: run["wall_s"])
    result["slipway"]["scores_per_s"] = round(count * options.cases / result["slipway"]["wall_s"])
    if not options.peers:
        return result
    theirs = folder / "theirs.jsonl"
    result["peer"] = measured([options.peers, str(HERE / "peer.py"), mode, str(lines), str(theirs)])
    result["times_wall"] = round(result["peer"]["wall_s"] / result["slipway"]["wall_s"], 1)
    result["times_cpu"] = round(result["peer"]["cpu_s"] / result["slipway"]["cpu_s"], 1)
    result["different_scores"] = different(scores_of(folder / "ours.jsonl"), scores_of(theirs))[:10]
    return result


def memory(options, folder):
    lines = folder / "many.jsonl"
    score_requests.write(lines, "ragas", options.memory_cases, seed=8)
    result = {"cases": options.memory_cases, "requests_mb": round(lines.stat().st_size / 1e6)}
    result["score"] = measured([options.program, "eval", "score", str(lines)])
    lines.unlink()
    score_requests.write_goldens(folder / "goldens.jsonl", options.memory_cases, seed=9)
    (folder / "suite.yaml").write_text("name: many\ndataset: goldens.jsonl\nembedder: none\nresamples: 200\nmetrics:\n"
                                       "  - {name: faithfulness, mode: local}\n  - {name: rouge_l}\n")
    result["run"] = measured([options.program, "eval", "run", str(folder / "suite.yaml"), "--data", str(folder / "data"),
                              "--output", str(folder / "result.json"), "--format", "json"])
    return result


def faults(report):
    for mode in ("deepeval", "ragas"):
        result = report[mode]
        if "peer" not in result:
            continue
        if min(result["times_wall"], result["times_cpu"]) < TIMES_MIN:
            yield f"{mode}: {result['times_wall']}x in wall and {result['times_cpu']}x in processor time; {TIMES_MIN}x is asked for"
        if result["different_scores"]:
            yield f"{mode}: scores differ: {result['different_scores']}"
    for command in ("score", "run"):
        peak = report["memory"][command]["peak_mb"]
        if peak > MEMORY_MB_MAX:
            yield f"memory of 'eval {command}': {peak} MB for {report['memory']['cases']} cases"


def measure(options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        report = {mode: beside(mode, options, folder) for mode in ("deepeval", "ragas")}
        report["memory"] = memory(options, folder)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/slipway")
    parser.add_argument("--peers", help="the Python of an environment with deepeval and ragas")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--memory-cases", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3, help="of ours; the fastest counts")
    options = parser.parse_args()
    report = measure(options)
    print(json.dumps(report, indent=2))
    wrong = list(faults(report))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
