"""Suites that ask targets, sweeps over a collection, metrics on sampled traces."""

import http.server
import json
import threading
import time

import pytest
from serving import serve

GUIDE = ("# Traces\n\nTraces of all calls are kept for 30 days. They are written by the recorder.\n\n"
         "# Indexes\n\nA collection can hold 5 indexes at once. Old reports are deleted because "
         "disks are finite and others need them.\n\n# Budgets\n\nA budget window is the time in "
         "which spending counts for a key.\n")


@pytest.fixture
def folder(slipway):
    (slipway.folder / "guide.md").write_text(GUIDE)
    slipway.ok("ingest", "guide.md", "-c", "guide", "--quiet")
    slipway.ok("eval", "dataset", "synthesize", "guide", "--name", "made", "--quiet")
    return slipway.folder


def suite(folder, text, name="suite.yaml"):
    (folder / name).write_text("name: s\ndataset: made\n" + text)
    return name


METRICS = """metrics:
- {name: recall_at_k, as: recall, k: 3, threshold: 0.5}
- {name: mrr, k: 3}
"""


def means(result):
    return {metric["name"]: metric["mean"] for metric in result["metrics"]}


def test_a_collection_is_measured_by_spans_of_its_own_documents(slipway, folder):
    name = suite(folder, "target: {rag: guide, mode: extract}\n" + METRICS)
    result = slipway.result("eval", "run", name)
    assert means(result)["recall"] == 1 and means(result)["mrr"] > 0.5
    assert all(item["cluster"].endswith("guide.md") for item in result["items"])


def test_a_command_and_a_url_answer(slipway, folder):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            golden = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = json.dumps({"actual_output": golden["expected_output"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    exact = "metrics: [{name: exact_match}]\n"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/ask"
        right = suite(folder, f"target: {{url: \"{url}\"}}\n" + exact)
        assert means(slipway.result("eval", "run", right)) == {"exact_match": 1}
    finally:
        server.shutdown()
        server.server_close()
    echo = suite(folder, "target: {command: [cat]}\n" + exact)
    outcome = slipway("eval", "run", echo, "--json")
    assert outcome.code == 1, outcome  # What cat gives back has no answer.


def test_a_sweep_finds_what_serves_best_and_applies_it(slipway, folder):
    name = suite(folder, "target: {rag: guide, limit: 1}\n" + METRICS + "sweep:\n"
                 "  chunk_size: [40, 800]\n  search: [lexical, hybrid]\n  quality: recall\n")
    report = slipway.result("eval", "sweep", name, "--apply", "--output", "sweep.json")
    variants = report["variants"]
    assert len(variants) == 4 and [v["winner"] for v in variants].count(True) == 1
    assert variants[0]["winner"] and variants[0]["settings"]["chunk_size"] == 800
    assert any(v["pareto"] for v in variants)
    # Sentences longer than a chunk are in none of them.
    small = [v for v in variants if v["settings"]["chunk_size"] == 40]
    assert all(v["scores"][0]["mean"] < variants[0]["scores"][0]["mean"] for v in small)
    assert report["applied"]["migrated"] is bool(report["applied"]["defaults"])  # Its index is the best already.
    assert slipway.result("eval", "sweep", name, "--apply")["applied"]["migrated"] is False
    assert json.loads((folder / "sweep.json").read_text())["variants"] == variants
    assert "best" in slipway.ok("eval", "sweep", name, "--quiet").out
    # Chunks that hold no whole sentence serve now; the sweep puts it right.
    slipway.ok("collections", "migrate", "guide", "--chunk-size", "40", "--quiet")
    assert slipway.result("eval", "sweep", name, "--apply")["applied"]["migrated"] is True
    assert slipway.result("collections", "show", "guide")["splitter"]["chunk_size"] == 800


@pytest.mark.parametrize("text, told", [
    ("target: {rag: guide}\n" + METRICS, "there is no 'sweep:'"),
    ("target: {rag: guide}\nsweep: {chunk_sizes: [1]}\n" + METRICS, "did you mean 'chunk_size'"),
    ("sweep: {chunk_size: [1]}\n" + METRICS, "a sweep wants 'target: {rag: COLLECTION}'"),
    ("target: {rag: nothing}\nsweep: {chunk_size: [1]}\n" + METRICS, "nothing"),
])
def test_a_wrong_sweep_is_wrong_use(slipway, folder, text, told):
    assert told in slipway.fails(2, "eval", "sweep", suite(folder, text)).err


def test_a_sweep_weighs_how_lists_are_fused(slipway, folder):
    name = suite(folder, "target: {rag: guide, limit: 1}\n" + METRICS + "sweep:\n  search: [hybrid, lexical]\n"
                 "  fusion: [relative_score, rrf]\n  dense_weight: [0.3, 0.5]\n  quality: recall\n")
    variants = slipway.result("eval", "sweep", name)["variants"]
    assert len(variants) == 5 and len({json.dumps(v["settings"], sort_keys=True) for v in variants}) == 5
    assert [v["settings"].get("dense_weight") for v in variants].count(0.3) == 2
    # The collection's next version holds it, whether its index is another or not; the version before can be gone back to.
    only = suite(folder, "target: {rag: guide, limit: 1}\n" + METRICS + "sweep: {fusion: [rrf], dense_weight: [0.3]}\n")
    outcome = slipway.ok("eval", "sweep", only, "--apply", "--json")
    applied = outcome.json["applied"]
    assert applied["defaults"] == {"fusion": "rrf", "dense_weight": 0.3} and applied["slipway_yaml"] == {}, applied
    assert applied["migrated"] is True and applied["each_question"] == {"limit": 1} and "limit 1" in outcome.err
    info = slipway.result("collections", "show", "guide")
    assert info["index_version"] == applied["index_version"] and info["defaults"]["fusion"] == "rrf", info
    assert "rrf" in slipway.ok("collections", "show", "guide").out
    variants = slipway.result("eval", "sweep", only)["variants"]  # The only one is what is now.
    assert len(variants) == 1
    assert slipway.result("eval", "sweep", only, "--apply")["applied"]["migrated"] is False
    slipway.ok("collections", "rollback", "guide")
    assert slipway.result("collections", "show", "guide")["defaults"] is None
    wrong = suite(folder, "target: {rag: guide}\nsweep: {answer: [extract], prompt: [x]}\n" + METRICS)
    assert "of generated answers" in slipway.fails(2, "eval", "sweep", wrong).err


def test_the_searches_of_answers_are_swept_and_applied_and_the_file_counts_first(slipway, folder):
    name = suite(folder, "target: {rag: guide}\nmetrics:\n  - {name: token_f1, threshold: 0}\n"
                 "sweep:\n  search: [lexical]\n  answer: [extract]\n")
    applied = slipway.result("eval", "sweep", name, "--apply")["applied"]
    assert applied["defaults"] == {"search": "lexical", "answer": "extract"} and applied["migrated"] is True, applied
    assert slipway.result("search", "orders", "-c", "guide")["mode"] == "lexical"
    assert slipway.result("search", "orders", "-c", "guide", "--mode", "dense")["mode"] == "dense"
    asked = slipway.result("ask", "How long are traces of all calls kept?", "-c", "guide")
    assert asked["mode"] == "extract" and not asked["refused"], asked
    replayed = slipway.result("ask", "--replay", asked["receipt_id"], "--rerun")
    assert replayed["retrieval"] == "identical" and replayed["answer"] == "identical"
    (folder / "slipway.yaml").write_text("collections: {guide: {defaults: {search: dense}}}\n")
    assert slipway.result("search", "orders", "-c", "guide")["mode"] == "dense"
    outcome = slipway.ok("eval", "sweep", name, "--apply", "--json")
    assert outcome.json["applied"]["slipway_yaml"] == {"search": "lexical"} and "counts first" in outcome.err, outcome
    assert outcome.json["applied"]["migrated"] is False and "holds all of that already" in outcome.err, outcome
    (folder / "slipway.yaml").write_text("collections: {guide: {defaults: {serch: dense}}}\n")
    assert "did you mean 'search'" in slipway.fails(1, "search", "orders", "-c", "guide").err


AGENT = """\
name: sums
tools: {calc: {builtin: calculator}}
state: {question: string, answer: any}
input: [question]
output: [answer]
nodes:
  go: {tool: {use: calc, args: {expression: "{{question}}"}, into: answer}}
edges: [START -> go, go -> END]
"""


def test_an_agent_answers_and_its_calls_are_scored(slipway):
    (slipway.folder / "sums.yaml").write_text(AGENT)
    golden = {"input": "6 * 7", "expected_output": '{"answer":42}',
              "expected_tools": [{"name": "calc", "input_parameters": {"expression": "6 * 7"}}]}
    other = {"input": "1 / 0", "expected_output": "none", "expected_tools": []}
    (slipway.folder / "goldens.jsonl").write_text(json.dumps(golden) + "\n" + json.dumps(other) + "\n")
    (slipway.folder / "agent.yaml").write_text(
        "name: s\ndataset: goldens.jsonl\ntarget: {agent: sums.yaml}\nmetrics:\n"
        "- {name: exact_match, as: exact}\n- {name: tool_call_accuracy, as: calls}\n"
        "- {name: tool_correctness, evaluation_params: [input_parameters]}\n- {name: latency}\n")
    outcome = slipway("eval", "run", "agent.yaml", "--json")
    result = outcome.json
    scores = {metric["name"]: (metric["mean"], metric["n"], metric["errors"]) for metric in result["metrics"]}
    # What divides by zero fails, and fails alone.
    assert outcome.code == 1 and scores["exact"] == (1, 1, 1) and scores["calls"] == (1, 1, 1), outcome
    assert scores["tool_correctness"] == (1, 1, 1)
    (slipway.folder / "sums.yaml").write_text(AGENT.replace("go -> END", "go -> ENDE"))
    assert "ENDE" in slipway.fails(2, "eval", "run", "agent.yaml").err
    (slipway.folder / "agent.yaml").write_text("name: s\ndataset: goldens.jsonl\ntarget: {agent: none.yaml}\nmetrics: [{name: latency}]\n")
    assert "none.yaml" in slipway.fails(2, "eval", "run", "agent.yaml").err


def send_trajectory(server, project="agents"):
    """What an agent's traces look like: its run, and below it the calls of its tools, one of them wrong and put right."""
    root = "00000000-0000-4000-8000-0000000000aa"
    order = f"20261123T080000000000Z{root}"
    server.post("/langsmith/runs", {
        "id": root, "trace_id": root, "dotted_order": order, "name": "refunds", "run_type": "chain", "session_name": project,
        "start_time": "2026-11-23T08:00:00Z", "end_time": "2026-11-23T08:00:02Z",
        "inputs": {"question": "Refund order 7"}, "outputs": {"answer": "Order 7 is refunded."}})
    for number, (tool, inputs, output) in enumerate([("find_order", {"id": 7}, {"total": 30}), ("refund", {"id": 7, "usd": 20}, {"ok": True})]):
        id = f"00000000-0000-4000-8000-0000000000b{number}"
        server.post("/langsmith/runs", {
            "id": id, "trace_id": root, "parent_run_id": root, "dotted_order": f"{order}.20261123T08000{number}500000Z{id}", "name": tool,
            "run_type": "tool", "session_name": project, "start_time": f"2026-11-23T08:00:0{number}.5Z",
            "end_time": f"2026-11-23T08:00:0{number}.9Z", "inputs": inputs, "outputs": output})


def test_what_an_agent_did_is_scored_from_its_traces(slipway):
    with serve(slipway) as server:
        send_trajectory(server)
        printed = slipway.ok("eval", "dataset", "from-traces", "--project", "agents", "--url", server.url).out
    golden = json.loads(printed)
    assert [call["name"] for call in golden["tools_called"]] == ["find_order", "refund"]
    golden["expected_tools"] = [{"name": "find_order", "input_parameters": {"id": 7}}, {"name": "refund", "input_parameters": {"id": 7, "usd": 30}}]
    (slipway.folder / "goldens.jsonl").write_text(json.dumps(golden) + "\n")
    said = {"task": ['{"task": "refund order 7", "outcome": "20 of 30 dollars", "criteria": ["found", "refunded", "in full", "told"]}'],
            "verdict": ['{"verdicts": [{"verdict": "yes"}, {"verdict": "yes"}, {"verdict": "no"}, {"verdict": "yes"}]}']}
    (slipway.folder / "replies.jsonl").write_text(json.dumps({"case": golden["id"], "metric": "task_completion", "replies": said}) + "\n")
    (slipway.folder / "done.yaml").write_text(
        "name: done\ndataset: goldens.jsonl\njudge: {provider: scripted, replies: replies.jsonl}\nmetrics:\n"
        "- {name: tool_correctness, evaluation_params: [input_parameters]}\n- {name: tool_correctness, as: names}\n"
        "- {name: tool_call_f1}\n- {name: task_completion}\n- {name: latency}\n")
    result = slipway.result("eval", "run", "done.yaml")
    assert means(result) == {"tool_correctness": 0.75, "names": 1, "tool_call_f1": 0.5, "task_completion": 0.75, "latency": 2000}


def send_run(server, number, project="shop"):
    id = f"00000000-0000-4000-8000-00000000000{number}"
    server.post("/langsmith/runs", {
        "id": id, "trace_id": id, "dotted_order": f"20261123T08000{number}000000Z{id}", "name": "ask", "run_type": "chain",
        "session_name": project, "start_time": f"2026-11-23T08:00:0{number}Z", "end_time": f"2026-11-23T08:00:0{number}.5Z",
        "inputs": {"question": "How long are traces kept?"}, "outputs": {"answer": "Traces are kept for 30 days."}})
    return id


def test_a_metric_is_an_evaluator(slipway):
    with serve(slipway) as server:
        wish = {"name": "near", "key": "relevancy", "project": "shop",
                "evaluator": {"kind": "metric", "metric": {"name": "answer_relevancy", "mode": "local"}}}
        assert server.post("/api/evaluators", wish).status == 201
        wrong = {**wish, "evaluator": {"kind": "metric", "metric": {"name": "answer_relevanc"}}}
        refused = server.post("/api/evaluators", wrong)
        assert refused.status == 400 and "did you mean 'answer_relevancy'" in refused.json["detail"], refused
        wrong = {**wish, "evaluator": {"kind": "metric", "metric": {"name": "faithfulness", "mode": "native"}}}
        assert "asks a judge and there is none" in server.post("/api/evaluators", wrong).json["detail"]
        id = send_run(server, 1)
        for _ in range(200):
            feedback = server.get(f"/langsmith/feedback?run={id}").json
            if feedback:
                break
            time.sleep(0.1)
        (one,) = feedback
        assert one["key"] == "relevancy" and 0 < one["score"] <= 1 and one["feedback_source"]["type"] == "rule", one


def test_sampled_traces_are_scored_as_they_end(slipway):
    config = {"evaluations": {"online": [
        {"name": "shop", "sample": 1, "filter": {"project": "shop"},
         "metrics": ["latency", {"name": "answer_relevancy", "mode": "local", "as": "relevancy"}]}]}}
    with serve(slipway, config=config) as server:
        for number, project in enumerate(("shop", "other", "shop")):
            id = f"00000000-0000-4000-8000-00000000000{number}"
            server.post("/langsmith/runs", {
                "id": id, "trace_id": id, "dotted_order": f"20261123T08000{number}000000Z{id}",
                "name": "ask", "run_type": "chain", "session_name": project,
                "start_time": f"2026-11-23T08:00:0{number}Z",
                "end_time": f"2026-11-23T08:00:0{number}.5Z",
                "inputs": {"question": "How long are traces kept?"},
                "outputs": {"answer": "Traces are kept for 30 days."}})
        for _ in range(200):
            rates = server.get("/api/online-evaluations").json["items"]
            if sum(rate["n"] for rate in rates) == 4:
                break
            time.sleep(0.1)
        assert {(rate["metric"], rate["n"], rate["sample"]) for rate in rates} == {
            ("latency", 2, 1), ("relevancy", 2, 1)}
        latency = next(rate for rate in rates if rate["metric"] == "latency")
        assert latency["mean"] == 500 and latency["entry"] == "shop"
        feedback = server.get("/langsmith/feedback?run=00000000-0000-4000-8000-000000000002").json
        assert {one["key"] for one in feedback} == {"latency", "relevancy"}
    wrong = {"evaluations": {"online": [{"metrics": ["latencyy"]}]}}
    (slipway.folder / "wrong.yaml").write_text(json.dumps(wrong))
    told = slipway.fails(1, "serve", "--config", "wrong.yaml", "--port", "0").err
    assert "evaluations.online[0]" in told and "did you mean 'latency'" in told
