"""Answers that models of each vendor write, and collections that their embedders and rerankers serve, without the gateway."""
import json

import documents
import pytest
from serving import serve
from upstreams import USAGE_IN, USAGE_OUT, Plan, Upstreams

VENDORS = ("openai", "anthropic", "cohere")
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "cohere": "/v2/chat"}
ANSWER = "The fine for speeding is 250 euros [1]."
QUESTION = "What is the fine for speeding?"
SECRET = "sk-vendor-secret"


def say(body):
    """What the vendor's model writes: an answer, or for an ingest where a chunk stands."""
    wants_context = "250 euros" in json.dumps(body) and QUESTION not in json.dumps(body)
    return Plan(text="It stands in the harbour's rules." if wants_context else ANSWER)


@pytest.fixture
def upstreams():
    server = Upstreams()
    server.plans.update({"writer": say, "leaks": lambda body: Plan(status=401, message=f"bad key {SECRET}"),
                         "breaks": lambda body: Plan(text=ANSWER, fail_after=4, message="overloaded")})
    yield server
    server.close()


def configure(slipway, upstreams, vendor, model="writer", **collection):
    base = {"provider": vendor, "base_url": upstreams.base_url(vendor), "api_key": "env:VENDOR_KEY"}
    models = {"writer": {**base, "task": "chat", "model": model, "price": {"input": 1000, "output": 2000}},
              "embed": {**base, "provider": "cohere", "base_url": upstreams.host, "task": "embed", "dimension": 4},
              "rerank": {**base, "provider": "cohere", "base_url": upstreams.host, "task": "rerank"}}
    config = {"models": models, "defaults": {"chat_model": "writer"}, "collections": {"default": collection}}
    (slipway.folder / "slipway.yaml").write_text(json.dumps(config))
    slipway.environment["VENDOR_KEY"] = SECRET
    return config


def key_of(request):
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("vendor", VENDORS)
def test_ask_answers_with_a_model_of_each_vendor(slipway, upstreams, vendor):
    configure(slipway, upstreams, vendor)
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    answer = slipway.result("ask", QUESTION, "--mode", "generate")
    assert answer["answer"] == ANSWER and answer["citations"], answer
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (USAGE_IN, USAGE_OUT)
    assert answer["cost_usd"] == pytest.approx((USAGE_IN * 1000 + USAGE_OUT * 2000) / 1e6)
    asked = upstreams.asked("writer")
    assert {request["path"] for request in asked} == {PATHS[vendor]} and {key_of(r) for r in asked} == {SECRET}
    assert "250 euros" in json.dumps(asked[-1]["body"])  # What was found.
    stored = b"".join(f.read_bytes() for f in slipway.data.rglob("*") if f.is_file())
    assert SECRET.encode() not in stored
    again = slipway.result("ask", "--replay", answer["receipt_id"], "--rerun")
    assert again["answer"] == "identical", again


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_that_refuses_is_one_clear_line_without_the_key(slipway, upstreams, vendor):
    configure(slipway, upstreams, vendor, "leaks")
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    outcome = slipway("ask", QUESTION, "--mode", "generate")
    assert outcome.code != 0 and SECRET not in outcome.err + outcome.out
    assert "401" in outcome.err and "bad key ***" in outcome.err and "check api_key" in outcome.err
    configure(slipway, upstreams, vendor, "breaks")
    del slipway.environment["VENDOR_KEY"]
    assert "VENDOR_KEY" in slipway("ask", QUESTION, "--mode", "generate").err
    assert upstreams.asked("breaks") == []


@pytest.mark.parametrize("vendor", ("anthropic", "cohere"))
def test_a_vendor_writes_the_context_of_chunks(slipway, upstreams, vendor):
    configure(slipway, upstreams, vendor, contextual={"model": "writer"})
    report = slipway.result("ingest", documents.write_harbour(slipway.folder / "docs"))
    assert report["added"] == 4, report
    asked = upstreams.asked("writer")
    assert len(asked) >= 4 and {request["path"] for request in asked} == {PATHS[vendor]}


def test_cohere_embeds_and_reranks_a_collection(slipway, upstreams):
    configure(slipway, upstreams, "cohere", embedder="embed", reranker="rerank")
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    assert slipway.result("collections", "show", "default")["embedder"] == "embed"
    found = slipway.result("search", QUESTION, "--limit", 1)["items"][0]
    assert found["path"].endswith("rules.pdf")
    embeds = [request["body"] for request in upstreams.requests if request["path"] == "/v2/embed"]
    assert {body["input_type"] for body in embeds} == {"search_document", "search_query"}
    assert any(request["path"] == "/v2/rerank" for request in upstreams.requests)


@pytest.mark.parametrize("vendor", ("anthropic", "cohere"))
def test_the_server_streams_an_answer_of_each_vendor(slipway, upstreams, vendor):
    config = configure(slipway, upstreams, vendor)
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    with serve(slipway, config=config) as server:
        reply = server.post("/api/ask", {"question": QUESTION, "mode": "generate"},
                            headers={"Accept": "text/event-stream"})
        assert reply.status == 200, reply
        assert "250 euros" in reply.text and "event:" in reply.text
        asked = upstreams.asked("writer")[-1]
        assert asked["path"] == PATHS[vendor] and asked["body"]["stream"] is True
