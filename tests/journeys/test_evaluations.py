"""Evaluations over HTTP against the real program: goldens in, suites run as jobs, results, reports, comparisons."""
import http.server
import json
import signal
import threading
import time

import pytest

from serving import serve

GOLDENS = [{"id": f"case-{i:02}", "input": f"What is number {i}?", "expected_output": f"It is {i}",
            "actual_output": f"It is {i}" if i % 4 else "Nobody knows",
            "metadata": {"document": f"page {i // 3}", **({"severity": "critical"} if i == 1 else {})}} for i in range(24)]
METRICS = [{"name": "exact_match", "threshold": 1}, {"name": "token_f1", "threshold": 0.9}]


@pytest.fixture
def server(slipway):
    with serve(slipway) as running:
        yield running


def add(server, name="numbers", goldens=GOLDENS):
    reply = server.post(f"/api/datasets/{name}/goldens", {"goldens": goldens})
    assert reply.status == 200, reply
    return reply.json


def wait_for(server, id, *states):
    for _ in range(600):
        one = server.get(f"/api/evaluations/{id}?items=false").json
        if one["state"] in states:
            return one
        time.sleep(0.05)
    raise AssertionError(one)


def test_goldens_are_added_and_listed_page_by_page(server):
    first = add(server)
    assert first["added"] == 24 and first["version"].startswith("sha256:")
    again = add(server, goldens=GOLDENS[::-1])
    assert again["unchanged"] == 24 and again["version"] == first["version"]
    seen, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/api/datasets/numbers/goldens?limit=10&cursor={cursor}").json
        assert page["version"] == first["version"] and page["total"] == 24
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == GOLDENS
    assert add(server, goldens=[{**GOLDENS[0], "expected_output": "It is none"}])["changed"] == 1
    assert server.get(f"/api/datasets/numbers@{first['version']}/goldens?limit=1").json["items"] == GOLDENS[:1]
    wrong = server.post("/api/datasets/numbers/goldens", {"goldens": [{"input": "a", "expectd_output": "b"}]})
    assert wrong.status == 400 and "expectd_output" in wrong.text


def test_a_suite_runs_as_a_job(server):
    add(server)
    begun = server.post("/api/evaluations", {"name": "first", "dataset": "numbers", "metrics": METRICS})
    assert begun.status == 202, begun
    id = begun.json["evaluation"]["id"]
    assert begun.headers["Location"] == f"/api/evaluations/{id}" and begun.json["job"]["kind"] == "evaluation"
    one = wait_for(server, id, "done")
    assert one["passed"] is False and one["failures"] and one["total"] == 24 and one["dataset"]["name"] == "numbers"
    exact = next(metric for metric in one["metrics"] if metric["name"] == "exact_match")
    assert exact["mean"] == 0.75 and exact["n"] == 24 and exact["clusters"] == 8 and exact["low"] < 0.75 < exact["high"]
    assert exact["mde"] > 0 and exact["pass_rate"] == 0.75
    assert "items" not in one
    whole = server.get(f"/api/evaluations/{id}").json
    assert whole["format"] == "slipway-eval-result/1" and len(whole["items"]) == 24 and whole["dataset_version"].startswith("sha256:")
    failing = server.get(f"/api/evaluations/{id}/items?failing=true&metric=exact_match").json["items"]
    assert [item["id"] for item in failing] == [f"case-{i:02}" for i in range(0, 24, 4)]
    assert failing[0]["actual_output"] == "Nobody knows" and failing[0]["cluster"] == "page 0"
    assert [one["name"] for one in server.get("/api/evaluations").json["items"]] == ["first"]
    assert server.get(f"/api/jobs/{one['job']}").json["state"] == "done"


def test_a_suite_is_waited_for_reported_and_compared(server):
    add(server)
    suite = {"name": "before", "dataset": "numbers", "metrics": METRICS}
    before = server.post("/api/evaluations?wait=true", suite)
    assert before.status == 200 and before.json["state"] == "done", before
    add(server, goldens=[{**golden, "actual_output": "It is 8"} if golden["id"] in ("case-08", "case-01") else golden
                         for golden in GOLDENS])
    after = server.post("/api/evaluations?wait=true", {**suite, "name": "after", "baseline": before.json["id"]}).json
    assert any("case-01" in failure for failure in after["failures"]), after["failures"]  # It is critical, and passed before.
    found = server.get(f"/api/evaluations/compare?baseline={before.json['id']}&candidate={after['id']}&metric=exact_match").json
    assert any("version" in change for change in found["changes"])
    assert [(one["id"], one["change"]) for one in found["items"] if one["change"]] == [("case-01", -1), ("case-08", 1)]
    assert found["items"][0]["baseline"]["answer"] == "It is 1" and found["items"][0]["candidate"]["answer"] == "It is 8"
    report = server.get(f"/api/evaluations/{after['id']}/report.html")
    assert report.status == 200 and report.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert 'data-metric="exact_match"' in report.text and 'data-item="case-01"' in report.text
    assert server.delete(f"/api/evaluations/{after['id']}").status == 204
    assert server.get(f"/api/evaluations/{after['id']}").status == 404


def test_what_fails_is_kept_as_a_critical_golden(server):
    add(server)
    one = server.post("/api/evaluations?wait=true", {"dataset": "numbers", "metrics": METRICS}).json
    body = {"item": "case-04", "expected_output": "It is four"}
    first = server.post(f"/api/evaluations/{one['id']}/regressions", body).json
    assert first["ids"] == ["case-04"] and first["dataset"] == "regressions"
    assert server.post(f"/api/evaluations/{one['id']}/regressions", body).json["skipped"] == 1
    golden = server.get("/api/datasets/regressions/goldens").json["items"]
    assert len(golden) == 1 and golden[0]["expected_output"] == "It is four"
    assert golden[0]["metadata"]["severity"] == "critical" and golden[0]["metadata"]["document"] == "page 1"
    assert server.post(f"/api/evaluations/{one['id']}/regressions", {"item": "none"}).status == 404


def test_suites_that_were_sent_reach_nothing_of_the_server(server, slipway):
    add(server)
    (slipway.folder / "secret.jsonl").write_text(json.dumps({"input": "a", "actual_output": "b"}) + "\n")

    def refused(**more):
        reply = server.post("/api/evaluations", {"dataset": "numbers", "metrics": METRICS, **more})
        assert reply.status >= 400, reply
        return reply.status, reply.json["detail"]

    assert refused(target={"command": ["cat"]})[0] == 403
    assert refused(target={"url": "http://127.0.0.1:1"})[0] == 403
    assert refused(judge={"provider": "scripted", "replies": "secret.jsonl"})[0] == 403
    assert refused(dataset="secret.jsonl")[0] == 404
    assert refused(dataset="nowhere")[0] == 404
    status, why = refused(metrics=[{"name": "exact_mach"}])
    assert status == 400 and "exact_match" in why
    assert refused(baseline="none")[0] == 404
    assert refused(judge={"model": "no-such-model"})[0] in (400, 404)
    assert refused(metrics=[])[0] == 400
    assert refused(sort="up")[0] == 400
    assert server.get("/api/evaluations").json["items"] == []


class Upstream:
    """A chat model that takes its time and gives everything eight of ten."""

    def __init__(self, delay):
        outer, self.count = self, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.count += 1
                time.sleep(delay)
                body = json.dumps({
                    "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-slow",
                    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
                    "choices": [{"index": 0, "finish_reason": "stop",
                                 "message": {"role": "assistant", "content": '{"score": 8, "reason": "fine"}'}}]}).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # Whoever asked was ended.

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def slow_model(upstream):
    return {"models": {"slow": {"provider": "openai", "base_url": upstream.url, "retries": 0}}}


SLOW_SUITE = {"dataset": "numbers", "judge": {"model": "slow", "cache": False},
              "metrics": [{"name": "g_eval", "criteria": "Is it right?", "evaluation_steps": ["Look."]}]}


def test_a_model_of_the_server_answers(slipway):
    with Upstream(delay=0) as upstream, serve(slipway, config=slow_model(upstream)) as server:
        add(server)
        one = server.post("/api/evaluations?wait=true", {"dataset": "numbers", "target": {"model": "slow"}, "metrics": METRICS})
        assert one.status == 200 and one.json["state"] == "done" and "slow" in one.json["target"], one
        items = server.get(f"/api/evaluations/{one.json['id']}/items?limit=1").json["items"]
        assert json.loads(items[0]["actual_output"])["score"] == 8 and items[0]["latency_ms"] > 0
        # To clients of LangSmith it is an experiment over the dataset.
        experiments = server.get("/api/datasets/numbers/experiments").json["items"]
        assert len(experiments) == 1 and experiments[0]["runs"] == 24 and experiments[0]["feedback"]["exact_match"]["n"] == 24
        assert [one["source"] for one in server.get("/api/evaluations").json["items"]] == ["evaluation"]
        unknown = server.post("/api/evaluations", {"dataset": "numbers", "target": {"rag": "nowhere"}, "metrics": METRICS})
        assert unknown.status == 404 and "nowhere" in unknown.json["detail"]


def test_judges_leave_runs_and_pay_by_budgets(slipway):
    """What a judge is asked stands in the project of evaluations; when that may spend no more, cases are left out."""
    budgets = {"budgets": {"judges": {"scope": {"project": "evaluations"}, "limit_tokens": 100_000}}}
    with Upstream(delay=0) as upstream, serve(slipway, config={**slow_model(upstream), **budgets}) as server:
        add(server, goldens=GOLDENS[:3])
        suite = {"dataset": "numbers", "judge": {"model": "slow", "cache": False}, "metrics": [
            {"name": "g_eval", "criteria": "Is it right?", "evaluation_steps": ["Look."], "threshold": 0}]}
        one = server.post("/api/evaluations?wait=true", suite).json
        assert one["state"] == "done", one
        items = server.get(f"/api/evaluations/{one['id']}/items").json["items"]
        for _ in range(100):
            runs = server.get("/api/runs?project=evaluations").json["items"]
            if len(runs) >= 3:
                break
            time.sleep(0.1)
        assert len(runs) == 3 and {run["kind"] for run in runs} == {"evaluator"}, runs
        (budget,) = server.get("/api/budgets").json["items"]
        spent = budget["spent_tokens"]
        assert spent > 0 and budget["reserved_tokens"] == 0 and len(items) == 3, budget
    # Not enough is left for what one call may take.
    budgets["budgets"]["judges"]["limit_tokens"] = spent + 10
    with Upstream(delay=0) as upstream, serve(slipway, config={**slow_model(upstream), **budgets}) as server:
        one = server.post("/api/evaluations?wait=true", suite).json
        assert one["state"] == "done" and one["metrics"][0]["mean"] is None, one
        item = server.get(f"/api/evaluations/{one['id']}/items?limit=1").json["items"][0]
        assert "the budget of the judge is spent" in json.dumps(item), item


@pytest.mark.parametrize("method, path, status", [("POST", "/cancel", 200), ("DELETE", "", 202)])
def test_a_running_evaluation_is_cancelled(slipway, method, path, status):
    with Upstream(delay=1.0) as upstream, serve(slipway, config=slow_model(upstream)) as server:
        add(server)
        begun = server.post("/api/evaluations", SLOW_SUITE)
        assert begun.status == 202, begun
        id = begun.json["evaluation"]["id"]
        wait_for(server, id, "running")
        assert server.request(method, f"/api/evaluations/{id}{path}").status == status
        ended = wait_for(server, id, "cancelled")
        assert ended["error"] == "it was cancelled"
        # A cancel that comes too late takes nothing away.
        assert server.post(f"/api/evaluations/{id}/cancel").json["state"] == "cancelled"
        assert server.get(f"/api/evaluations/{id}").status == 200
        assert server.delete(f"/api/evaluations/{id}").status == 204


def test_an_evaluation_goes_on_after_the_server_was_killed(slipway):
    with Upstream(delay=0.7) as upstream:
        first = serve(slipway, config=slow_model(upstream))
        add(first)
        begun = first.post("/api/evaluations", SLOW_SUITE)
        assert begun.status == 202, begun
        id = begun.json["evaluation"]["id"]
        for _ in range(200):
            if first.get(f"/api/evaluations/{id}?items=false").json["done"] >= 16:
                break
            time.sleep(0.05)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        asked = upstream.count
        with serve(slipway, config=slow_model(upstream)) as second:
            one = wait_for(second, id, "done", "failed", "interrupted")
            assert one["state"] == "done" and one["total"] == 24 and one["metadata"]["resumed"] == 1, one
            assert len(second.get(f"/api/evaluations/{id}/items").json["items"]) == 24
        # What was done is not asked again, but for the last second and what was under way.
        assert upstream.count - asked <= 24 - 16 + 8
