"""What agents spend within tools, and where their runs stand among the traces of who asked for them."""
import json
import time

import pytest
from serving import serve
from upstreams import USAGE_IN, USAGE_OUT, Plan, Upstreams

TEXT = "Speeding in the harbour is fined with 250 euros. The harbour master collects the fine."
QUESTION = "What is the fine for speeding in the harbour?"
COST = (USAGE_IN * 1000 + USAGE_OUT * 2000) / 1_000_000
CLERK = """\
state: {question: string, found: any, said: string}
models: {m: {provider: scripted, replies: clerk.jsonl}}
nodes:
  look: {rag: {collection: default, question: "{{question}}", mode: ask, into: found}}
  say: {llm: {model: m, prompt: "Say: {{found.answer}}", into: said}}
edges: [START -> look, look -> say, say -> END]
"""
HELPER = """\
state: {question: string, found: any}
tools: {ask: {rag: {collection: default, mode: ask}}}
nodes: {look: {tool: {use: ask, args: {question: "{{question}}"}, into: found}}}
edges: [START -> look, look -> END]
"""
HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, SPAN = HEADER.split("-")[1:3]


@pytest.fixture(scope="module")
def upstreams():
    made = Upstreams()
    made.plans["writer"] = lambda body: Plan(text="Speeding is fined with 250 euros [1].")
    yield made
    made.close()


@pytest.fixture
def shop(slipway, upstreams):
    """A collection, a model that costs money, two agents that ask it by way of the collection."""
    (slipway.folder / "clerk.jsonl").write_text('{"text": "250 euros", "usage": {"input": 7, "output": 3}}\n')
    slipway.environment["VENDOR_KEY"] = "sk-of-the-vendor"
    writer = {"provider": "openai", "base_url": upstreams.base_url("openai"), "api_key": "env:VENDOR_KEY",
              "price": {"input": 1000, "output": 2000}, "retries": 0}
    config = {"log": {"level": "error"}, "models": {"writer": writer}, "defaults": {"chat_model": "writer"}}
    lines = json.dumps(config)[1:-1]
    agents = {}
    for name, text in {"clerk": CLERK, "helper": HELPER}.items():
        (slipway.folder / f"{name}.yaml").write_text(f"name: {name}\n{text}")
        agents[name] = str(slipway.folder / f"{name}.yaml")
    (slipway.folder / "slipway.yaml").write_text("{" + lines + ', "agents": ' + json.dumps(agents) + "}")
    (slipway.folder / "fines.md").write_text(f"# Fines\n\n{TEXT}\n")
    slipway.ok("ingest", "fines.md", "-c", "default")
    return slipway


def run(server, agent, headers=None, **options):
    thread = server.post("/api/threads", {"agent": agent}).json["thread"]
    reply = server.post(f"/api/threads/{thread}/runs", {"input": {"question": QUESTION}, "options": options, "wait": True},
                        headers=headers)
    assert reply.status == 200, reply
    return thread, reply.json


def tree(server, trace, wanted):
    """The trace once it has so many runs, each by its name: (run, name of its parent)."""
    for _ in range(400):
        reply = server.get(f"/api/traces/{trace}")
        if reply.status == 200:
            found, todo = {}, [(one, None) for one in reply.json["roots"]]
            while todo:
                one, parent = todo.pop()
                found[one["name"]] = (one, parent)
                todo += [(child, one["name"]) for child in one.get("children", [])]
            if wanted <= set(found) and all(one["end"] if "end" in one else True for one, _ in found.values()):
                return found
        time.sleep(0.05)
    raise AssertionError(f"trace {trace} has not got {wanted}: {reply}")


def test_a_question_to_a_collection_is_paid_from_the_agents_budget(shop, upstreams):
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        asked = len(upstreams.requests)
        thread, result = run(server, "clerk")
        assert result["status"] == "done" and "250 euros" in result["state"]["found"]["answer"], result
        assert result["usage"]["tokens"] == USAGE_IN + USAGE_OUT + 10 and result["usage"]["calls"] == 2
        assert result["usage"]["usd"] == pytest.approx(COST) and len(upstreams.requests) == asked + 1
        assert result["usage"]["reserved_peak"] > USAGE_IN + USAGE_OUT
        ledger = server.get(f"/api/threads/{thread}/ledger").json
        spent = ledger["rows"][0]["spent"]
        assert ledger["rows"][0]["tool"] == "rag" and ledger["rows"][0]["usd"] == pytest.approx(COST)
        assert spent["input_tokens"] == USAGE_IN and spent["output_tokens"] == USAGE_OUT
        assert spent["embedding_tokens"] > 0 and spent["estimated"] is False
        # Again from its records: nobody is asked, nobody pays.
        replayed = server.post(f"/api/threads/{thread}/runs/{result['run']}/replay")
        assert replayed.json["ok"] and len(upstreams.requests) == asked + 1, replayed
        # Too small for the most that it may cost: nobody is asked.
        for budget in ({"usd": COST / 2}, {"tokens": USAGE_IN + USAGE_OUT}):
            for agent in ("clerk", "helper"):
                _, result = run(server, agent, budget=budget)
                assert result["status"] == "failed" and result["error"]["kind"] == "budget", result
                assert result["error"]["node"] == "look" and result["usage"]["usd"] == 0
        assert len(upstreams.requests) == asked + 1
        # A budget of everybody's counts too: the collection quotes where it cannot pay a writer.
        reply = server.post("/api/budgets", {"name": "ann", "scope": {"user": "ann"}, "limit_usd": COST / 2})
        assert reply.status == 201, reply
        _, result = run(server, "helper", headers={"x-slipway-user": "ann"})
        assert result["status"] == "done" and result["usage"]["usd"] == 0 and "250 euros" in result["state"]["found"]["answer"], result
        assert len(upstreams.requests) == asked + 1
        assert server.request("PATCH", f"/api/budgets/{reply.json['id']}", {"limit_usd": 100}).status == 200
        _, result = run(server, "helper", headers={"x-slipway-user": "ann"})
        assert result["status"] == "done", result
        state = server.get(f"/api/budgets/{reply.json['id']}").json
        assert state["spent_usd"] == pytest.approx(COST) and state["reserved_usd"] == 0


def test_models_of_the_configuration_are_paid_at_their_prices(shop, upstreams):
    writing = ("name: direct\nstate: {question: string, said: string}\n"
               "nodes: {say: {llm: {model: writer, prompt: \"{{question}}\", into: said, max_tokens: 20}}}\n"
               "edges: [START -> say, say -> END]\n")
    own = writing.replace("name: direct", "name: own").replace(
        "state:", f"models: {{mine: {{provider: openai, model: writer, base_url: \"{upstreams.base_url('openai')}\", "
        "api_key: \"env:VENDOR_KEY\", price: {input: 1000, output: 2000}}}\nstate:").replace("model: writer, prompt", "model: mine, prompt")
    for name, text in (("direct", writing), ("own", own)):
        (shop.folder / f"{name}.yaml").write_text(text)
        asked = len(upstreams.requests)
        result = shop.result("agent", "run", f"{name}.yaml", "--input", json.dumps({"question": QUESTION}))
        assert result["status"] == "done" and result["usage"]["usd"] == pytest.approx(COST), result
        refused = shop("agent", "run", f"{name}.yaml", "--input", json.dumps({"question": QUESTION}), "--budget", f'{{"usd": {COST}}}', "--json")
        assert refused.code == 1 and refused.json["error"]["kind"] == "budget", refused
        assert len(upstreams.requests) == asked + 1
    checked = shop.result("agent", "check", "direct.yaml")
    assert checked["worst_case"]["usd"] > 1
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        assert server.request("PUT", "/api/agents/direct", writing, headers={"Content-Type": "application/yaml"}).status == 200
        budget = server.post("/api/budgets", {"name": "all", "limit_usd": 1})
        assert budget.status == 201, budget
        _, result = run(server, "direct")
        assert result["usage"]["usd"] == pytest.approx(COST), result
        assert server.get(f"/api/budgets/{budget.json['id']}").json["spent_usd"] == pytest.approx(COST)
        assert server.request("PATCH", f"/api/budgets/{budget.json['id']}", {"limit_usd": 2 * COST}).status == 200
        asked = len(upstreams.requests)
        _, result = run(server, "direct")
        assert result["status"] == "failed" and result["error"]["kind"] == "budget" and len(upstreams.requests) == asked, result


def test_commands_count_the_same(shop, upstreams):
    told = shop("agent", "run", "helper.yaml", "--input", json.dumps({"question": QUESTION}))
    assert told.code == 0 and f"1 call, {USAGE_IN + USAGE_OUT} tokens, 0.021 USD" in told.out, told
    asked = len(upstreams.requests)
    told = shop("agent", "run", "helper.yaml", "--input", json.dumps({"question": QUESTION}), "--budget", '{"tokens": 20}')
    assert told.code == 1 and "budget has no room" in told.out and len(upstreams.requests) == asked, told
    # What calls a program can say what it is below.
    result = shop("agent", "run", "clerk.yaml", "--input", json.dumps({"question": QUESTION}), "--json",
                  environment={"TRACEPARENT": HEADER}).json
    shown = shop.result("traces", "show", TRACE)
    assert result["status"] == "done" and [one["name"] for one in shown["roots"]] == ["clerk"]
    assert shown["roots"][0]["parent_id"] == SPAN and shown["cost_usd"] == pytest.approx(COST)


def test_runs_stand_below_who_asked_for_them(shop):
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        # The native routes.
        thread, result = run(server, "clerk", headers={"traceparent": HEADER, "x-slipway-project": "harbour"})
        found = tree(server, TRACE, {"clerk", "look", "rag", "say", "m", "ask default"})
        assert found["clerk"][0]["parent_id"] == SPAN and found["clerk"][0]["metadata"]["agent_run"] == result["run"]
        assert [found[name][1] for name in ("look", "rag", "ask default", "say", "m")] == ["clerk", "look", "rag", "clerk", "say"]
        assert {one["project"] for one, _ in found.values()} == {"harbour"}
        # The gateway's call is above the agent that it asks.
        trace = "1" * 32
        reply = server.post("/v1/chat/completions", {"model": "agent/clerk", "messages": [{"role": "user", "content": QUESTION}]},
                            headers={"traceparent": f"00-{trace}-{SPAN}-01"})
        assert reply.status == 200 and reply.json["choices"][0]["message"]["content"] == "250 euros", reply
        found = tree(server, trace, {"clerk", "look", "ask default", "chat agent/clerk"})
        above = found["clerk"][1]
        assert found[above][0]["parent_id"] == SPAN and found["ask default"][1] == "rag"
        assert server.get(f"/api/traces/{trace}").json["cost_usd"] == pytest.approx(COST)
        # LangSmith's client says it in its own way, and reads UUIDs.
        uuid = "0af76519-16cd-43dd-8448-eb211c80319d"
        order = f"20261129T120000000000Z{uuid}"
        _, result = run(server, "clerk", headers={"langsmith-trace": order, "baggage": "langsmith-project=desk"})
        found = tree(server, uuid, {"clerk", "look", "say", "m"})
        assert found["clerk"][0]["parent_id"] == uuid and found["clerk"][0]["project"] == "desk"
        assert all(len(found[name][0]["id"]) == 36 for name in ("clerk", "look", "say", "m"))


def test_a_run_that_goes_on_stays_in_its_trace(shop):
    text = ("name: person\nstate: {q: any, a: any}\nnodes: {ask: {human: {ask: \"{{q}}?\", into: a}}}\n"
            "edges: [START -> ask, ask -> END]\n")
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        assert server.request("PUT", "/api/agents/person", text, headers={"Content-Type": "application/yaml"}).status < 300
        thread = server.post("/api/threads", {"agent": "person"}).json["thread"]
        result = server.post(f"/api/threads/{thread}/runs", {"input": {"q": 1}, "wait": True}, headers={"traceparent": HEADER}).json
        assert result["status"] == "interrupted", result
        waiting = result["interrupts"][0]["id"]
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        result = server.post(f"/api/threads/{thread}/resume", {"answers": {waiting: 2}, "wait": True},
                             headers={"traceparent": HEADER.replace("0af", "1af")}).json
        assert result["status"] == "done", result
        found = tree(server, TRACE, {"person", "ask"})
        assert found["person"][0]["status"] == "ok" and found["person"][0]["parent_id"] == SPAN
        assert server.get(f"/api/traces/{TRACE.replace('0af', '1af')}").status == 404


def test_langgraphs_client_says_whose_trace_it_is(shop):
    with serve(shop, "--config", shop.folder / "slipway.yaml") as server:
        thread = server.post("/langgraph/threads", {}).json["thread_id"]
        reply = server.post(f"/langgraph/threads/{thread}/runs/wait", {"assistant_id": "clerk", "input": {"question": QUESTION}},
                            headers={"traceparent": HEADER})
        assert reply.status == 200, reply
        assert tree(server, TRACE, {"clerk", "look"})["clerk"][0]["parent_id"] == SPAN
