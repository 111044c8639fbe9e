"""What Slipway does itself is a run without opt-in: calls of the gateway, questions, searches, jobs; priced from the shipped table."""
import json
import time
import uuid

import pytest
from mock_upstream import Upstream
from serving import serve

KEY = "sk-the-deployment-s-own-key"


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.close()


def start(slipway, upstream, models, **more):
    config = {"models": {name: {"provider": "openai", "base_url": upstream.url, "api_key": "env:UPSTREAM_KEY", **one}
                         for name, one in models.items()}, **more}
    return serve(slipway, config=config, environment={"UPSTREAM_KEY": KEY})


def ask(server, name, headers=None, **more):
    body = {"model": name, "messages": [{"role": "user", "content": "How much is the fish?"}], **more}
    return server.post("/v1/chat/completions", body, headers=headers)


def runs(server, count, **query):
    """Runs of our own arrive a moment after their replies."""
    end = time.monotonic() + 10
    text = "&".join(f"{key}={value}" for key, value in query.items())
    while True:
        items = server.get(f"/api/runs?limit=1000&{text}").json["items"]
        if len(items) >= count:
            assert len(items) == count, items
            return items
        assert time.monotonic() < end, f"{len(items)} runs came, not {count}: {items}"
        time.sleep(0.05)


def tree(server, trace_id):
    """Its root is recorded last."""
    end = time.monotonic() + 10
    while True:
        reply = server.get(f"/api/traces/{trace_id}")
        if reply.status == 200 and reply.json["name"]:
            return reply.json
        assert time.monotonic() < end, reply
        time.sleep(0.05)


def test_a_call_is_a_run_priced_to_the_micro_dollar(slipway, upstream):
    with start(slipway, upstream, {"fast": {"model": "gpt-4o-mini"}}) as server:
        trace, span = uuid.uuid4().hex, "b7ad6b7169203331"
        reply = ask(server, "fast", user="ada",
                    headers={"traceparent": f"00-{trace}-{span}-01", "x-slipway-project": "shop", "x-slipway-session": "s1"})
        assert reply.headers["x-slipway-trace-id"] == trace
        run, = runs(server, 1)
        assert (run["trace_id"], run["parent_id"], run["kind"], run["status"]) == (trace, span, "llm", "ok")
        assert (run["project"], run["user_id"], run["session_id"]) == ("shop", "ada", "s1")
        assert run["provider"] == "openai" and run["metadata"]["deployment"] == "fast"
        # 10 x $0.15 + 4 x $0.60 for a million.
        assert run["cost"]["total_usd"] == 0.0000039 == float(reply.headers["x-slipway-cost-usd"])
        assert {line["bucket"]: line["tokens"] for line in run["cost"]["lines"]} == {"input": 10, "output": 4}
        assert run["usage"]["source"] == "provider"
        price, = server.get("/api/prices/gpt-4o-mini").json["items"]
        assert price["price_id"] == run["cost"]["price_id"] and price["source"].startswith("litellm 1.")
        assert run["inputs"]["messages"][0]["content"] == "How much is the fish?"
        assert run["outputs"]["choices"][0]["message"]["content"] == "Hello"
        # The call went on with our run as its parent.
        assert upstream.requests[0]["headers"]["traceparent"] == f"00-{trace}-{run['id']}-01"
        costs = server.get("/api/costs?group_by=user").json
        assert costs["total_usd"] == 0.0000039 and costs["groups"][0]["key"] == "ada"


def test_streams_fallbacks_caches_and_failures(slipway, upstream):
    upstream.behaviour = {"down": 500, "wrong": 400, "torn": "cut"}
    models = {"fast": {"price": {"input": 1, "output": 2}}, "down": {"retries": 1, "fallback": ["fast"]},
              "wrong": {}, "torn": {"price": {"input": 1, "output": 2}}}
    routes = {"smart": {"targets": [{"model": "fast"}], "cache": {"exact": "1h"}}}
    with start(slipway, upstream, models, routes=routes) as server:
        ask(server, "fast", stream=True)
        ask(server, "down")
        first, second = ask(server, "smart"), ask(server, "smart")
        assert second.headers["x-slipway-cache"] == "hit"
        ask(server, "wrong")
        ask(server, "torn", stream=True)
        by_name = {}
        for run in runs(server, 6):
            by_name.setdefault(run["name"], []).append(run)
        stream, = by_name["chat fast"]
        assert stream["outputs"]["choices"][0]["message"]["content"] == "Hello" and stream["metadata"]["stream"] is True
        assert stream["cost"]["total_usd"] == 0.000018 and stream["first_token_ms"] > 0
        fallen, = by_name["chat down"]
        assert [attempt["status"] for attempt in fallen["metadata"]["attempts"]] == [500, 500, 200]
        assert fallen["metadata"]["deployment"] == "fast" and fallen["status"] == "ok"
        cached, asked = sorted(by_name["chat smart"], key=lambda run: run["cost"]["total_usd"])
        assert cached["cost"]["total_usd"] == 0 and cached["metadata"]["cache"] == "hit"
        assert asked["cost"]["total_usd"] == 0.000018 and asked["metadata"]["cache"] == "miss"
        assert cached["outputs"] == asked["outputs"]
        wrong, = by_name["chat wrong"]
        assert wrong["status"] == "error" and "status 400" in wrong["error"] and wrong["cost"] is None
        torn, = by_name["chat torn"]
        assert torn["status"] == "error" and torn["usage"]["source"] == "estimated" and torn["cost"]["total_usd"] > 0
        assert torn["outputs"]["choices"][0]["message"]["content"] == "Hel"


def test_masks_samples_and_silence(slipway, upstream):
    with start(slipway, upstream, {"fast": {}}, traces={"mask": ["email"]}) as server:
        body = {"model": "fast", "messages": [{"role": "user", "content": "I am ada@example.com"}]}
        server.post("/v1/chat/completions", body)
        run, = runs(server, 1)
        assert run["inputs"]["messages"][0]["content"] == "I am [email]"
    assert b"ada@example.com" not in b"".join(file.read_bytes() for file in slipway.data.rglob("trace*") if file.is_file())
    upstream.behaviour["wrong"] = 400
    with start(slipway, upstream, {"fast": {}, "wrong": {}}, traces={"sampling": {"rate": 0}, "payloads": False}) as server:
        ask(server, "fast")
        ask(server, "wrong")
        failed, = (run for run in runs(server, 2) if run["name"] == "chat wrong")
        assert failed["inputs"] is None
    with start(slipway, upstream, {"fast": {}}, traces={"own": False}) as server:
        ask(server, "fast")
        time.sleep(0.5)
        runs(server, 2)


def test_prices_of_the_configuration_go_before_the_table(slipway, upstream):
    prices = {"gpt-4o-mini": [{"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
                              {"input_cost_per_token": 3e-06, "output_cost_per_token": 4e-06, "valid_from": "2026-01-01T00:00:00Z"}]}
    with start(slipway, upstream, {"fast": {"model": "gpt-4o-mini"}}, prices=prices) as server:
        ask(server, "fast")
        run, = runs(server, 1)
        assert run["cost"]["total_usd"] == 0.000046
        sources = [row["source"] for row in server.get("/api/prices/gpt-4o-mini").json["items"]]
        assert sources[:2] == ["slipway.yaml", "slipway.yaml"] and sources[2].startswith("litellm")
    slipway.folder.joinpath("bad.yaml").write_text("prices: {m: {input_cost_per_token: dear}}\n")
    refused = slipway.fails(1, "config", "check", "--config", "bad.yaml")
    assert "prices.m" in refused.err and "input_cost_per_token" in refused.err


DOCUMENT = """# Traces

Traces are kept for 30 days. After that they are deleted every night.

The retention of a project can be shortened by its owner.
"""


def walk(run, depth=0):
    yield depth, run
    for child in run["children"]:
        yield from walk(child, depth + 1)


def handbook(slipway):
    """A collection, and a model that always says the same."""
    (slipway.folder / "docs").mkdir()
    (slipway.folder / "docs" / "traces.md").write_text(DOCUMENT)
    (slipway.folder / "replies.json").write_text(json.dumps(["Traces are kept for 30 days [1]."] * 9))
    slipway.ok("ingest", "docs", "-c", "handbook")
    return {"models": {"writer": {"provider": "scripted", "path": "replies.json"}}, "defaults": {"chat_model": "writer"}}


def test_a_question_is_a_tree(slipway):
    with serve(slipway, config=handbook(slipway)) as server:
        answer = server.post("/api/ask", {"collection": "handbook", "question": "How long are traces kept?"},
                             headers={"x-slipway-user": "ada"}).json
        assert not answer["refused"]
        trace = tree(server, answer["trace_id"])
        assert trace["name"] == "ask handbook" and trace["user_id"] == "ada" and trace["status"] == "ok"
        root, = trace["roots"]
        assert root["inputs"]["question"] == "How long are traces kept?" and root["outputs"]["receipt_id"] == answer["receipt_id"]
        kinds = [(depth, run["kind"]) for depth, run in walk(root)]
        assert kinds[:4] == [(0, "chain"), (1, "retriever"), (2, "embedding"), (1, "guardrail")]
        retrieved = root["children"][0]
        assert "30 days" in retrieved["outputs"]["documents"][0]["page_content"]
        model = next(run for _, run in walk(root) if run["kind"] == "llm")
        assert model["usage"]["input_tokens"] > 50 and model["inputs"]["messages"][1]["role"] == "user"
        for _, run in walk(root):
            if run["usage"]:
                assert run["cost"]["total_usd"] == 0, run  # It runs on this machine.
        found = server.post("/api/search", {"collection": "handbook", "query": "retention"}).json
        search = tree(server, found["trace_id"])
        assert search["name"] == "retrieve handbook" and search["roots"][0]["children"][0]["kind"] == "embedding"


def test_a_question_to_the_gateway_is_one_tree_and_counts_once(slipway):
    with serve(slipway, config=handbook(slipway)) as server:
        body = {"model": "rag/handbook", "messages": [{"role": "user", "content": "How long are traces kept?"}]}
        reply = server.post("/v1/chat/completions", body)
        root, = tree(server, reply.headers["x-slipway-trace-id"])["roots"]
        assert root["name"] == "chat rag/handbook" and root["kind"] == "chain" and root["usage"] is None
        assert [child["name"] for child in root["children"]] == ["ask handbook"]
        refused = server.post("/v1/chat/completions", {**body, "model": "rag/nothing"})
        assert refused.status == 404


def test_jobs_are_runs_and_the_terminal_shows_them(slipway):
    with serve(slipway) as server:
        server.post("/api/collections/notes/documents?wait=true", {"uri": "note:1", "text": DOCUMENT, "media_type": "text/markdown"})
        job, = (run for run in runs(server, 2) if run["kind"] == "chain")
        assert job["name"] == "ingest notes" and job["outputs"]["added"] == 1
        listed = slipway.result("traces", "list", "--url", server.url)
        assert [item["id"] for item in listed["items"]] == [job["trace_id"]]
        lines = slipway.ok("traces", "export", "--url", server.url).out.splitlines()
        assert {json.loads(line)["id"] for line in lines} == {run["id"] for run in runs(server, 2)}
    shown = slipway.ok("traces", "show", job["trace_id"]).out
    assert "ingest notes" in shown and "└─ embedding" in shown and "$0.000000" in shown
    assert "ingest notes" in slipway.ok("traces", "list", "--project", "default").out
    assert "No traces match" in slipway.ok("traces", "list", "--project", "other").out
    assert json.loads(slipway.ok("traces", "export", "--trace", job["trace_id"]).out.splitlines()[0])["trace_id"] == job["trace_id"]
    slipway.fails(2, "traces", "list", "--from", "yesterday")
    slipway.fails(1, "traces", "show", "nothing")
