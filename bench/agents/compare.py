"""What agents take beside LangGraph with its memory and SQLite savers, in one run.

    python bench/agents/compare.py --programs build/bench [--langgraph ENVIRONMENT/bin/python] [--repeats 5] [--rounds 3]

The same work goes to both: a node that counts, a hundred tasks sent in each superstep, a conversation of 200 messages of 500 bytes, a
ReAct run with one tool and a scripted model. Runs are interleaved, each in a process of its own, medians are compared; imports of
Python are not counted. Ratios are of processor time, which a busy machine does not change much; wall time is told beside it.

When is it on disk? Slipway writes a superstep to the log of its database before the next begins (so it survives the process) and
syncs before anything leaves the process: an effect, a reply, an event. SqliteSaver's connection syncs every commit as it comes;
"synchronous=NORMAL" is the same saver told not to, which is what is like ours.

Without --langgraph Slipway is measured alone. The environment is made by hand: python -m venv ENVIRONMENT, then
ENVIRONMENT/bin/pip install -r bench/agents/requirements.txt.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "tests" / "data" / "agents"

# What it is called, our case, the peer's cases, how often faster at least.
BESIDE = [
    ("superstep without store", "superstep", {"no saver": ("superstep", 100)}),
    ("superstep in memory", "superstep", {"InMemorySaver": ("superstep_memory", 100)}),
    ("superstep on disk, one thread", "superstep_durable",
     {"SqliteSaver": ("superstep_sqlite", 20), "SqliteSaver, synchronous=NORMAL": ("superstep_sqlite_normal", None)}),
    ("superstep on disk, 32 threads", "superstep_durable_group", {"SqliteSaver": ("superstep_sqlite", 20)}),
    ("task of a Send", "sent_task", {"no saver": ("sent_task", None)}),
    ("agent built in code", "construct_builder", {"compile()": ("construct", None)}),
    ("agent built from YAML", "construct_yaml", {"compile()": ("construct", None)}),
    ("ReAct agent built", "construct_react", {"create_react_agent": ("construct_react", None)}),
    ("ReAct run, one tool", "react_run", {"create_react_agent": ("react_run", None)}),
]
# Our case, the most microseconds.
LIMITS = {"superstep": 5, "superstep_durable": 50, "superstep_durable_group": 50, "construct_builder": 50, "construct_yaml": 50}
CONVERSATION_BYTES_MAX = 500_000
IDLE_BYTES_MAX = 100_000_000
IDLE_CASES = ("idle_memory", "idle_durable", "idle_host_questions", "idle_host_timers")


def answer(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


class Measured:
    """Cases of both, the median of the rounds."""

    def __init__(self, options):
        self.options, self.known = options, {}

    def one(self, side, case):
        options = self.options
        if side == "slipway":
            return answer([options.programs / "agents_bench", "--only", case, "--repeats", options.repeats])[case]
        return answer([options.langgraph, HERE / "peer.py", case, "--repeats", options.repeats])

    def run(self, cases):
        rounds = {pair: [] for pair in cases}
        for _ in range(self.options.rounds):
            for pair in rounds:
                rounds[pair].append(self.one(*pair))
        for pair, taken in rounds.items():
            self.known[pair] = {key: statistics.median(run[key] for run in taken) for key in taken[0]}

    def __getitem__(self, pair):
        return self.known[pair]


def compare(options):
    """{rows: [{what, slipway, peer?, peer_name?, times_cpu?, times_wall?, bar?}], ...}, microseconds."""
    measured = Measured(options)
    cases = [("slipway", case) for _, case, _ in BESIDE]
    if options.langgraph:
        cases += [("peer", case) for _, _, peers in BESIDE for case, _ in peers.values()]
    measured.run(dict.fromkeys(cases))
    rows = []
    for what, case, peers in BESIDE:
        ours = measured["slipway", case]
        for name, (peer_case, bar) in peers.items():
            row = {"what": what, "case": case, "slipway": ours}
            if options.langgraph:
                theirs = measured["peer", peer_case]
                row |= {"peer_name": name, "peer": theirs, "bar": bar, "times_cpu": round(theirs["cpu_us"] / ours["cpu_us"], 1),
                        "times_wall": round(theirs["wall_us"] / ours["wall_us"], 1)}
            rows.append(row)
    report = {"rows": rows, "vectors": answer([options.programs / "agents_bench", "--vectors", VECTORS]),
              "conversation_bytes": measured.one("slipway", "conversation")["bytes"],
              "idle": {case: measured.one("slipway", case) for case in IDLE_CASES}}
    if options.langgraph:
        report["peer_conversation_bytes"] = measured.one("peer", "conversation")["bytes"]
    return report


def faults(report):
    for row in report["rows"]:
        limit = LIMITS.get(row["case"])
        if limit and row["slipway"]["cpu_us"] > limit:
            yield f"{row['what']}: {row['slipway']['cpu_us']:.1f} us; {limit} at most"
        if row.get("bar") and row["times_cpu"] < row["bar"]:
            yield f"{row['what']}: {row['times_cpu']}x of {row['peer_name']}; {row['bar']}x is asked for"
    if report["conversation_bytes"] > CONVERSATION_BYTES_MAX:
        yield f"200 messages take {report['conversation_bytes']} bytes"
    for case, figures in report["idle"].items():
        if figures["all_bytes"] > IDLE_BYTES_MAX:
            yield f"{case}: {figures['all_bytes']} bytes for {figures['threads']} threads"
    if report["vectors"]["passed"] < report["vectors"]["count"]:
        yield f"vectors: {report['vectors']}"


def show(report):
    print(f"{'us, processor (wall)':<32} {'slipway':>18} {'LangGraph':>22} {'times':>14}")
    for row in report["rows"]:
        ours = row["slipway"]
        line = f"{row['what']:<32} {ours['cpu_us']:>9.2f} ({ours['wall_us']:>6.1f})"
        if "peer" in row:
            theirs = row["peer"]
            line += f" {theirs['cpu_us']:>10.0f} ({theirs['wall_us']:>8.0f}) {row['times_cpu']:>6.0f} ({row['times_wall']:>5.0f})  {row['peer_name']}"
        print(line)
    peer = report.get("peer_conversation_bytes")
    print(f"200 messages of 500 bytes: {report['conversation_bytes'] / 1e6:.2f} MB" + (f", LangGraph {peer / 1e6:.1f} MB" if peer else ""))
    for case, figures in report["idle"].items():
        print(f"{figures['threads']} threads that wait, {case[5:].replace('_', ', ')}: {figures['all_bytes'] / 1e6:.0f} MB of the whole process")
    print(f"vectors: {report['vectors']['passed']} of {report['vectors']['count']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--langgraph", help="the Python of an environment with langgraph")
    parser.add_argument("--repeats", type=int, default=5, help="within a process")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each")
    parser.add_argument("--json", type=pathlib.Path, help="where the figures are written")
    options = parser.parse_args()
    report = compare(options)
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    wrong = list(faults(report))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
