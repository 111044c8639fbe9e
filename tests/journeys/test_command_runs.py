"""What `slipway ingest`, `search` and `ask` do without a server is among the traces too; prompts and keys say who pays."""
import json
import time

import pytest
from serving import serve

DOCUMENT = "# Traces\n\nTraces are kept for 30 days. After that they are deleted every night.\n"
QUESTION = "How long are traces kept?"
MILLION = 1_000_000


@pytest.fixture
def shop(slipway):
    """A collection, and a model that costs money."""
    (slipway.folder / "docs").mkdir()
    (slipway.folder / "docs" / "traces.md").write_text(DOCUMENT)
    (slipway.folder / "replies.json").write_text(json.dumps(["Traces are kept for 30 days [1]."] * 9))
    slipway.config = {"models": {"writer": {"provider": "scripted", "path": "replies.json", "price": {"input": 10, "output": 20}}},
                      "defaults": {"chat_model": "writer"}}
    configure(slipway)
    return slipway


def configure(slipway, **more):
    slipway.config.update(more)
    (slipway.folder / "slipway.yaml").write_text(json.dumps(slipway.config))


def names(slipway):
    return [item["name"] for item in slipway.result("traces", "list")["items"]]


def test_commands_are_traces_with_their_tokens_and_costs(shop):
    shop.ok("ingest", "docs", "-c", "handbook")
    assert names(shop) == ["ingest handbook"]
    shop.ok("search", "retention", "-c", "handbook")
    answer = shop.result("ask", QUESTION, "-c", "handbook", "--mode", "generate")
    assert names(shop) == ["ask handbook", "retrieve handbook", "ingest handbook"]
    trace = shop.result("traces", "show", answer["trace_id"])
    assert trace["cost_usd"] == pytest.approx(answer["cost_usd"]) and trace["cost_usd"] > 0
    assert trace["roots"][0]["metadata"]["prompt"] == {"name": "builtin", "version": "1"}
    shop.fails(1, "ask", QUESTION, "-c", "handbook", "--model", "nobody", "--mode", "generate")
    failed = shop.result("traces", "list", "--status", "error")["items"]
    assert [item["name"] for item in failed] == ["ask handbook"] and "nobody" in failed[0]["error"]
    before = len(names(shop))
    shop.ok("ingest", "docs", "-c", "handbook", "--dry-run")
    configure(shop, traces={"own": False})
    shop.ok("search", "retention", "-c", "handbook")
    assert len(names(shop)) == before


def test_what_a_command_does_beside_a_server_is_told_to_be_missing(shop):
    shop.ok("ingest", "docs", "-c", "handbook")
    with serve(shop) as server:
        answered = shop.ok("ask", QUESTION, "-c", "handbook", "--mode", "extract")
        assert "30 days" in answered.out and answered.err.count("not among the traces") == 1
        assert "not among" not in shop.ok("search", "retention", "-c", "handbook", "--quiet").err
        assert [item["name"] for item in server.get("/api/traces").json["items"]] == ["ingest handbook"]
    shop.ok("search", "retention", "-c", "handbook")
    assert names(shop) == ["retrieve handbook", "ingest handbook"]


def test_many_commands_leave_few_files(shop):
    shop.ok("ingest", "docs", "-c", "handbook")
    for _ in range(5):
        shop.ok("search", "retention", "-c", "handbook")
    assert names(shop) == ["retrieve handbook"] * 5 + ["ingest handbook"]


def test_costs_are_told_by_key_and_by_prompt_version(shop):
    keys = {"web": "a-key-of-sufficient-length", "batch": "another-key-that-is-long-enough"}
    configure(shop, keys={name: {"key": f"env:KEY_{name.upper()}", "roles": ["admin"]} for name in keys},
              collections={"handbook": {"prompt": "answer@production"}})
    environment = {f"KEY_{name.upper()}": key for name, key in keys.items()}
    with serve(shop, "--config", shop.folder / "slipway.yaml", environment=environment) as server:
        def post(path, body, key="web", method="POST"):
            reply = server.request(method, path, body, headers={"x-api-key": keys[key]})
            assert reply.status < 300, reply
            return reply

        def costs(by):
            reply = server.get(f"/api/costs?group_by={by}", headers={"x-api-key": keys["web"]})
            return {group["key"]: group["cost_usd"] for group in reply.json["groups"] if group["cost_usd"]}

        text = "Answer from:\n{passages}\nThe question: {question}"
        for version in ("First. ", "Second. "):
            post("/api/prompts/answer/versions", {"text": version + text})
        post("/api/prompts/answer/tags/production", {"reference": "1"}, method="PUT")
        post("/api/collections/handbook/documents?wait=true", {"uri": "t", "text": DOCUMENT})
        body = {"collection": "handbook", "question": QUESTION, "mode": "generate"}
        first = post("/api/ask", body).json
        post("/api/prompts/answer/tags/production", {"reference": "2"}, method="PUT")
        second = post("/api/ask", body, key="batch").json
        assert not first["refused"] and not second["refused"]
        plain = post("/v1/chat/completions", {"model": "writer", "messages": [{"role": "user", "content": "Hi"}]}, key="batch")
        wanted = {"answer@1": first["cost_usd"], "answer@2": second["cost_usd"]}
        give_up = time.monotonic() + 20
        by_prompt = {}
        while len(by_prompt) < 3 and time.monotonic() < give_up:
            by_prompt, by_key = costs("prompt"), costs("key")
            time.sleep(0.05)
        assert by_prompt.pop("") == pytest.approx(float(plain.headers["x-slipway-cost-usd"]))
        assert by_prompt == pytest.approx(wanted)
        assert by_key == pytest.approx({"web": first["cost_usd"],
                                        "batch": second["cost_usd"] + float(plain.headers["x-slipway-cost-usd"])})
        found = server.get("/api/traces?prompt=answer@1", headers={"x-api-key": keys["web"]}).json["items"]
        assert [item["id"] for item in found] == [first["trace_id"]]
        found = server.get("/api/runs?key=batch&kind=llm", headers={"x-api-key": keys["web"]}).json["items"]
        assert len(found) == 2
        # The question may name another one, and a wrong one is told.
        staged = post("/api/ask", {**body, "prompt": "answer@1"}).json
        receipt = server.get(f"/api/receipts/{staged['receipt_id']}", headers={"x-api-key": keys["web"]}).json
        assert receipt["request"]["prompt"] == "answer@1" and receipt["prompt"].count("First. ") == 1
        wrong = server.post("/api/ask", {**body, "prompt": "nothing"}, headers={"x-api-key": keys["web"]})
        assert wrong.status == 404 and "nothing" in wrong.json["detail"]


def test_a_command_answers_with_a_prompt_and_keeps_to_a_budget(shop):
    shop.ok("ingest", "docs", "-c", "handbook")
    with serve(shop) as server:
        assert server.post("/api/prompts/short/versions", {"text": "{passages} {question}"}).status == 201
    answer = shop.result("ask", QUESTION, "-c", "handbook", "--mode", "generate", "--prompt", "short@1")
    receipt = answer["receipt_id"]
    assert shop.result("traces", "show", answer["trace_id"])["roots"][0]["metadata"]["prompt"] == {"name": "short", "version": "1"}
    assert shop.result("ask", "--replay", receipt, "--rerun")["answer"] == "identical"
    refused = shop.result("ask", QUESTION, "-c", "handbook", "--mode", "generate", "--budget", str(1 / MILLION))
    assert refused["refused"] and refused["reason"] == "budget" and refused["cost_usd"] == 0
