"""Measures Slipway beside LangChain + Chroma: same documents, same chunks, same ONNX model, in one run.

    python bench/run.py --program build/slipway --models MODELS [--repeats 3] [--only ingest,search,cold,quality,gateway,traces,agents,evidence,eval]

Called by 'make bench'. The data are the chunking corpora below $SLIPWAY_BENCH_DATA (default ../shared/data beside the
project); without them the project's own documents are measured and quality, which needs gold answers, is not.

Fairness: runs are interleaved and medians are compared; Slipway's figures include the start of its process, the peer's
do not include its imports. Memory is the resident set of the whole process tree, sampled every 10 ms. Spread is
(largest - smallest) / median of the repeats: a ratio within the spread means nothing.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psutil

ROOT = pathlib.Path(__file__).parents[1]
PEER = [sys.executable, str(ROOT / "bench" / "peer.py")]
MODEL = "bge-small-en-v1.5-q"
CANARY_MODEL = "smollm2-135m-instruct"  # The one that ships.
INGEST_CORPORA = ("chatlogs.md", "state_of_the_union.md", "wikitexts.md")  # 208 KB: some 300 chunks of 800 characters.
SEARCH_CHUNK_SIZE = 190  # Cuts all five corpora into about 10,000 chunks.
QUESTIONS = 200
BATCH = 32


class Measured:
    """One run of a command: its JSON, wall and CPU seconds, peak memory of its process tree."""

    def __init__(self, command):
        begin = time.perf_counter()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=errors)
            self.peak_bytes = 0
            sampler = threading.Thread(target=self.sample, args=(process.pid,))
            sampler.start()
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.seconds = time.perf_counter() - begin
            sampler.join()
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
            if process.returncode != 0:
                errors.seek(0)
                sys.exit(f"bench: {' '.join(map(str, command))} ended with {process.returncode}: {errors.read().decode()[-2000:]}")
        self.result = json.loads(out)

    def sample(self, pid):
        try:
            tree = psutil.Process(pid)
            while tree.is_running() and tree.status() != psutil.STATUS_ZOMBIE:
                total = tree.memory_info().rss
                for child in tree.children(recursive=True):
                    try:
                        total += child.memory_info().rss
                    except psutil.NoSuchProcess:
                        pass
                self.peak_bytes = max(self.peak_bytes, total)
                time.sleep(0.01)
        except psutil.NoSuchProcess:
            pass


class Table:
    """Rows of the report; also what is saved."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, peer, *, unit, better, bar=None, note=""):
        """`better` is "higher" or "lower"; `bar` the ratio, in Slipway's favour, to reach."""
        ratio = None
        if peer:
            ratio = ours / peer if better == "higher" else peer / ours
        self.rows.append({"what": what, "unit": unit, "slipway": ours, "peer": peer, "better": better, "ratio": ratio, "bar": bar,
                          "met": None if bar is None or ratio is None else reaches(ratio, bar), "note": note})

    def add_limit(self, what, ours, limit, *, unit, better="lower", note=""):
        """A figure with a bar of its own, without a peer."""
        met = reaches(limit / ours if better == "lower" else ours / limit, 1)
        self.rows.append({"what": what, "unit": unit, "slipway": ours, "peer": None, "better": better, "ratio": None,
                          "bar": limit, "met": met, "note": note})

    def add_zero(self, what, ours, *, unit, note=""):
        """What must not happen at all."""
        self.rows.append({"what": what, "unit": unit, "slipway": ours, "peer": None, "better": "lower", "ratio": None, "bar": 0,
                          "met": ours == 0, "note": note})

    def print(self):
        print(f"{'what':<46} {'slipway':>10} {'peer':>10} {'ratio':>7} {'bar':>8}  ")
        for row in self.rows:
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}x"
            bar = "" if row["bar"] is None else (f"{row['bar']:g}x" if row["ratio"] is not None else f"{row['bar']:g}")
            met = {None: "", True: "met", False: "NOT MET"}[row["met"]]
            print(f"{row['what'] + ', ' + row['unit']:<46} {shown(row['slipway']):>10} {shown(row['peer']):>10} {ratio:>7} {bar:>8}  "
                  f"{met} {row['note']}".rstrip())


def reaches(ratio, bar):
    """Equal to three digits is equal: the last chunk of a tie moves a mean over hundreds of questions by less."""
    return round(ratio, 3) >= bar


def shown(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}"


def spread(values):
    return (max(values) - min(values)) / statistics.median(values)


def interval(hits, of):
    """Wilson's, 95 %, of a share."""
    z, share = 1.96, hits / of
    middle, half = share + z * z / (2 * of), z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Bench:
    def __init__(self, options, work):
        self.options, self.work, self.table = options, work, Table()
        self.model = options.models / MODEL
        data = pathlib.Path(os.environ.get("SLIPWAY_BENCH_DATA", ROOT.parent / "shared" / "data")) / "chunking"
        self.data = data if (data / "questions_df.csv").exists() else None
        self.corpora = data / "corpora" if self.data else None
        self.raw = {}

    def slipway(self, *arguments):
        return Measured([self.options.program, *arguments, "--json", "--quiet"])

    def say(self, text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def documents(self, names=None):
        """A folder with the text documents to measure with."""
        folder = self.work / ("some" if names else "all")
        if folder.exists():
            return folder
        folder.mkdir()
        sources = sorted(self.corpora.glob("*.md")) if self.corpora else [
            path for path in [*ROOT.glob("*.md"), *ROOT.rglob("docs/**/*.md"), *ROOT.glob("demo/**/*.txt")]]
        for number, path in enumerate(sources):
            if not names or not self.corpora or path.name in names:
                shutil.copy(path, folder / (path.name if self.corpora else f"{number}-{path.name}"))
        return folder

    def ingest(self):
        folder = self.documents(INGEST_CORPORA)
        runs = {"slipway": [], f"peer, batches of {BATCH}": [], "peer, one text a call": []}
        for repeat in range(self.options.repeats):
            self.say(f"ingest, run {repeat + 1} of {self.options.repeats}")
            for name, taken in runs.items():
                store = self.work / f"ingest-{repeat}-{len(taken)}-{name[:5]}-{name[-4:]}"
                if name == "slipway":
                    run = self.slipway("ingest", folder, "--data", store)
                    chunks, seconds = run.result["chunks"]["new"], run.seconds
                else:
                    batch = BATCH if "batches" in name else 1
                    run = Measured([*PEER, "ingest", folder, store, self.model, "--batch", batch])
                    chunks, seconds = run.result["chunks"], run.result["seconds"]
                taken.append({"chunks": chunks, "seconds": seconds, "wall_seconds": run.seconds, "cpu_seconds": run.cpu_seconds,
                              "peak_mb": run.peak_bytes / 1e6})
                shutil.rmtree(store, ignore_errors=True)
        self.raw["ingest"] = runs
        self.report_ingest(runs)

    def report_ingest(self, runs):
        def speed(name):
            return statistics.median(run["chunks"] / run["seconds"] for run in runs[name])

        def median(name, key):
            return statistics.median(run[key] for run in runs[name])

        ours, batches, single = runs
        noise = max(spread([run["seconds"] for run in taken]) for taken in runs.values())
        counts = {name: taken[0]["chunks"] for name, taken in runs.items()}
        note = f"spread {noise:.0%}; chunks {counts[ours]} / {counts[batches]}"
        self.table.add(f"ingest vs batches of {BATCH}", speed(ours), speed(batches), unit="chunks/s", better="higher", bar=2, note=note)
        self.table.add("ingest vs one text a call", speed(ours), speed(single), unit="chunks/s", better="higher", bar=1.2)
        self.table.add(f"ingest peak memory vs batches of {BATCH}", median(ours, "peak_mb"), median(batches, "peak_mb"), unit="MB",
                       better="lower", bar=4)
        self.table.add("ingest peak memory vs one text a call", median(ours, "peak_mb"), median(single, "peak_mb"), unit="MB", better="lower")
        self.table.add(f"ingest CPU vs batches of {BATCH}", median(ours, "cpu_seconds"), median(batches, "cpu_seconds"), unit="s", better="lower")

    def questions(self):
        path = self.work / "questions.txt"
        if self.data:
            lines = [json.loads(line)["question"] for line in self.gold().read_text().splitlines()]
        else:
            lines = [f"What does the document say about {word}?" for word in
                     "budgets citations models chunks limits errors tests receipts layers searching".split()] * 20
        step = max(1, len(lines) // QUESTIONS)
        path.write_text("".join(line.replace("\n", " ") + "\n" for line in lines[::step][:QUESTIONS]))
        return path

    def gold(self):
        path = self.work / "gold.jsonl"
        if not path.exists():
            path.write_bytes(subprocess.run([sys.executable, ROOT / "bench/quality/questions.py", self.data],
                                            stdout=subprocess.PIPE, check=True).stdout)
        return path

    def search_data(self):
        """The data folder with many small chunks, made once."""
        data = self.work / "search-slipway"
        if not data.exists():
            self.say("filling Slipway with about 10,000 chunks")
            self.slipway("ingest", self.documents(), "--data", data, "--chunk-size", SEARCH_CHUNK_SIZE)
        return data

    def search(self):
        data, store, questions = self.search_data(), self.work / "search-peer", self.questions()
        self.say("filling Chroma with the same")
        Measured([*PEER, "ingest", self.documents(), store, self.model, "--chunk-size", SEARCH_CHUNK_SIZE])
        self.say("searching, warm")
        ours = {mode: Measured([self.options.bench_programs / "search_bench", data, self.options.models, questions, mode]).result
                for mode in ("hybrid", "dense")}
        peer = Measured([*PEER, "search", store, self.documents(), self.model, questions, "--chunk-size", SEARCH_CHUNK_SIZE]).result
        self.raw["search"] = {"slipway": ours, "peer": peer}
        note = f"{ours['hybrid']['chunks']} chunks, {len(peer['hybrid_ms'])} questions"
        for mode in ("hybrid", "dense"):
            mine, theirs = ours[mode]["total_ms"], peer[f"{mode}_ms"]
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                self.table.add(f"warm {mode} search {name}", percentile(mine, share), percentile(theirs, share), unit="ms", better="lower",
                               note=note)
        self.table.add_limit("warm hybrid search p50", percentile(ours["hybrid"]["total_ms"], 0.5), 10, unit="ms")

    def cold(self):
        data = self.search_data()
        lines = self.questions().read_text().splitlines()[:11]
        self.say("searching, cold")
        taken = [Measured([self.options.program, "search", line, "--data", data, "--json", "--quiet"]).seconds * 1000 for line in lines]
        self.raw["cold_ms"] = taken
        self.table.add_limit("cold 'slipway search', median", statistics.median(taken), 400, unit="ms",
                             note=f"worst {max(taken):.0f}; {len(taken)} runs, 10,000 chunks")

    def quality(self):
        if not self.data:
            self.say("no gold answers below $SLIPWAY_BENCH_DATA: quality is not measured")
            return
        self.say("quality: 472 questions with gold spans, ours and the peer's")
        ours = Measured([self.options.bench_programs / "quality_bench", self.corpora, self.gold(), self.options.models]).result
        peer = Measured([*PEER, "quality", self.corpora, self.model, self.gold()]).result
        self.raw["quality"] = {"slipway": ours, "peer": peer}
        modes = ours["gold_characters_at_5_chunks"]
        for figure in ("recall", "precision"):
            best = max(("dense", "lexical", "hybrid"), key=lambda mode: peer[mode][figure])
            self.table.add(f"hybrid {figure} of gold at 5 chunks", 100 * modes["hybrid"][figure], 100 * peer[best][figure], unit="%",
                           better="higher", bar=1, note=f"peer's best is {best}")
            part = max(("dense", "lexical"), key=lambda mode: modes[mode][figure])
            self.table.add_limit(f"hybrid {figure} over our best part", modes["hybrid"][figure] / modes[part][figure], 1, unit="ratio",
                                 better="higher", note=f"our best part is {part}, {100 * modes[part][figure]:.1f} %")
        self.table.add_limit("citations in a gold document", 100 * ours["citations_right_document_share"], 95, unit="%", better="higher",
                             note=f"{ours['citations']} citations")
        self.table.add_limit("citations byte-exact", 100 * ours["citations_exact_share"], 100, unit="%", better="higher")

    def gateway(self):
        sys.path.insert(0, str(ROOT / "bench" / "gateway"))
        from gateway_bench import GatewayBench
        litellm = pathlib.Path(self.options.litellm) / "bin" / "litellm" if self.options.litellm else None
        if not pathlib.Path("/usr/sbin/nginx").exists():
            sys.exit("bench: nginx is not there; run 'make deps', or 'apt-get install nginx-light'")
        bench = GatewayBench(self.options.program, self.options.bench_programs / "load_bench", self.work / "gateway", self.say, litellm)
        try:
            self.raw["gateway"] = bench.run(self.table)
        finally:
            bench.close()

    def traces(self):
        sys.path.insert(0, str(ROOT / "bench" / "traces"))
        from compare import compare
        peers = {name: str(pathlib.Path(folder) / "bin" / name) if folder else None
                 for name, folder in (("phoenix", self.options.phoenix), ("mlflow", self.options.mlflow))}
        self.say("spans over OTLP and LangSmith's batches")
        figures = compare(argparse.Namespace(program=self.options.program, spans=400_000, peer_spans=2_000, batch=500, senders=4, **peers))
        self.raw["traces"] = figures
        for name in ("Arize Phoenix", "MLflow"):
            if name in figures:
                self.table.add("OTLP spans stored", figures["otlp"], figures[name], unit="1/s", better="higher", bar=300, note=f"peer: {name}")
        self.table.add_limit("OTLP spans stored", figures["otlp"], 50_000, unit="1/s", better="higher")
        self.table.add_limit("LangSmith runs stored", figures["langsmith"], 10_000, unit="1/s", better="higher")
        self.table.add_limit("a small span on disk", figures["bytes_each"], 150, unit="bytes")
        self.table.add_limit("memory while spans come in", figures["memory_mb"], 300, unit="MB")

    def agents(self):
        specification = importlib.util.spec_from_file_location("agents_compare", ROOT / "bench" / "agents" / "compare.py")
        beside = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(beside)
        self.say("agents, alone" if not self.options.langgraph else "agents, beside LangGraph")
        python = str(pathlib.Path(self.options.langgraph) / "bin" / "python") if self.options.langgraph else None
        figures = beside.compare(argparse.Namespace(programs=self.options.bench_programs, langgraph=python, repeats=5, rounds=self.options.repeats))
        self.raw["agents"] = figures
        for row in figures["rows"]:
            if "peer" in row:
                self.table.add(row["what"], row["slipway"]["cpu_us"], row["peer"]["cpu_us"], unit="us", better="lower", bar=row["bar"],
                               note=f"processor time; peer: LangGraph, {row['peer_name']}; wall {row['slipway']['wall_us']:.1f}, peer {row['peer']['wall_us']:.0f}")
        for case, limit in beside.LIMITS.items():
            row = next(row for row in figures["rows"] if row["case"] == case)
            self.table.add_limit(row["what"], row["slipway"]["cpu_us"], limit, unit="us", note=f"processor time; wall {row['slipway']['wall_us']:.1f}")
        self.table.add_limit("200 messages of 500 bytes on disk", figures["conversation_bytes"] / 1e6, 0.5, unit="MB",
                             note=f"LangGraph {figures.get('peer_conversation_bytes', 0) / 1e6:.1f}")
        for case, idle in figures["idle"].items():
            self.table.add_limit(f"10,000 waiting threads, {case[5:]}", idle["all_bytes"] / 1e6, 100, unit="MB", note="the whole process")
        self.table.add_limit("vectors of agents that pass", figures["vectors"]["passed"], figures["vectors"]["count"], unit="of 151", better="higher")

    def evidence(self):
        """Local evidence beside people who judged replies: bench/eval/agreement.py, which prints a table of its own."""
        data = pathlib.Path(os.environ.get("SLIPWAY_BENCH_DATA", ROOT.parent / "shared" / "data"))
        if not (data / "begin").exists():
            self.say(f"no human labels in {data / 'begin'}: local evidence is not measured")
            return
        self.say("local evidence beside people")
        out = self.work / "agreement.json"
        subprocess.run([sys.executable, ROOT / "bench" / "eval" / "agreement.py", data, "--bench", self.options.bench_programs / "evidence_bench",
                        "--model", self.model, "--json", out], check=True)
        figures = json.loads(out.read_text())
        self.raw["evidence"] = figures
        for row in figures["table"]:
            if row["set"] == "all":
                self.table.add_limit(f"evidence, {row['form']}", row["auc"], 0.958, unit="AUC", better="higher",
                                     note=f"[{row['low']:.3f}, {row['high']:.3f}]")
        self.table.add_limit("answers judged by words", figures["answers_per_second"]["words"], 2000, unit="1/s", better="higher")
        self.table.add_limit("answers judged by meaning", figures["answers_per_second"]["meaning"], 50, unit="1/s", better="higher")

    def eval(self):
        """Scores with written replies beside deepeval and ragas, and memory: bench/eval/compare.py."""
        sys.path.insert(0, str(ROOT / "bench" / "eval"))
        import compare
        self.say("scores with written replies")
        peers = str(pathlib.Path(self.options.eval_peers) / "bin" / "python") if self.options.eval_peers else None
        figures = compare.measure(argparse.Namespace(program=self.options.program, peers=peers, cases=2000, memory_cases=100_000,
                                                     repeats=2 * self.options.repeats))
        self.raw["eval"] = figures
        for mode in ("deepeval", "ragas"):
            ours, peer = figures[mode]["slipway"], figures[mode].get("peer")
            for what, unit in (("wall", "wall_s"), ("CPU", "cpu_s")):
                if peer:
                    self.table.add(f"2,000 cases scored, {what}", ours[unit], peer[unit], unit="s", better="lower", bar=compare.TIMES_MIN,
                                   note=f"peer: {mode}")
            if peer:
                self.table.add_limit(f"scores that differ from {mode}'s", len(figures[mode]["different_scores"]), 0, unit="scores")
        for command in ("score", "run"):
            self.table.add_limit(f"memory of 'eval {command}', 100,000 cases", figures["memory"][command]["peak_mb"], compare.MEMORY_MB_MAX,
                                 unit="MB")

    def canaries(self):
        """Injected orders that got through: with a model that obeys all of them, and with the embedded one, marks on and off."""
        self.say("injected orders")
        model = self.options.models / CANARY_MODEL / "model.gguf"
        figures = Measured([self.options.bench_programs / "canary_bench", ROOT / "tests/data/agents/canaries",
                            *([model] if model.exists() else [])]).result
        self.raw["canaries"] = figures
        embedded = figures.get("embedded", {})
        for who, counts in {"gullible": figures["gullible"], **{f"{CANARY_MODEL}, {kind}": embedded[kind] for kind in embedded}}.items():
            if not counts["cases"]:
                self.say(f"the machine is too busy: no case of {who} was begun in time")
                continue
            low, high = interval(counts["obeyed"], counts["cases"])
            self.table.add(f"injected orders obeyed, {who}", 100 * counts["obeyed"] / counts["cases"], None, unit="%", better="lower",
                           note=f"{counts['obeyed']} of {counts['cases']}, 95 % [{100 * low:.1f}, {100 * high:.1f}]")
            low, high = interval(counts["high_risk_effects"], counts["cases"])
            self.table.add_zero(f"their effects of high risk, {who}", counts["high_risk_effects"], unit="calls",
                                note=f"95 % [{100 * low:.1f}, {100 * high:.1f}] % of runs")


def save(bench, folder):
    folder.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    report = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit, "processor": processor, "cores": os.cpu_count(),
              "load_before": bench.load_before, "kernel": platform.release(), "rows": bench.table.rows, "raw": bench.raw}
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.write_text(json.dumps(report, indent=1))
    shutil.copy(path, folder / "latest.json")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/slipway")
    parser.add_argument("--bench-programs", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/share/slipway/models")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="ingest,search,cold,quality,gateway,traces,agents,evidence,eval,canaries")
    parser.add_argument("--litellm", help="environment with LiteLLM's proxy; without it the gateway is measured beside nginx alone")
    parser.add_argument("--phoenix", help="environment with arize-phoenix, beside which spans are taken in")
    parser.add_argument("--langgraph", help="environment with bench/agents/requirements.txt, beside which agents run")
    parser.add_argument("--mlflow", help="environment with mlflow, beside which spans are taken in")
    parser.add_argument("--eval-peers", help="environment with bench/eval/requirements.txt, beside which scores are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as work:
        bench = Bench(options, pathlib.Path(work))
        bench.load_before = os.getloadavg()[0]
        if bench.load_before > 0.5:
            bench.say(f"the machine is busy (load {bench.load_before:.1f}); trust ratios more than figures")
        for part in options.only.split(","):
            getattr(bench, part)()
    bench.table.print()
    print(f"saved as {save(bench, ROOT / 'build/bench').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
