"""What calls of our MCP server cost, whose budgets pay for it, and what `_meta` tells in both directions."""
import json

import pytest

from serving import Server
from test_agent_money import COST, HEADER, QUESTION, SPAN, TEXT, TRACE, tree
from test_agent_money import upstreams  # noqa: F401 (a fixture)
from upstreams import USAGE_IN, USAGE_OUT

KEYS = {name: f"sk-slip-{name}-" + "0" * 24 for name in ("clerk", "guest")}
ERAS = ("2025-11-25", "2026-07-28")
AGENT = """\
name: echo
expose: true
input: [word]
output: [said]
state: {word: string, said: any}
models: {m: {provider: scripted, replies: echo.jsonl, input_usd_per_million: 1000, output_usd_per_million: 2000}}
nodes: {say: {llm: {model: m, prompt: "{{word}}", into: said, max_tokens: 20}}}
edges: [START -> say, say -> END]
"""


class Client:
    """One that shows all that is said: (messages before the result, result)."""

    def __init__(self, server, key, era):
        self.server, self.key, self.era, self.session, self.number, self.headers = server, key, era, None, 0, {}
        if era == ERAS[0]:
            reply = self.post("initialize", {"protocolVersion": era, "capabilities": {},
                                             "clientInfo": {"name": "journey", "version": "1"}})
            assert reply.status == 200, reply
            self.session = reply.headers["Mcp-Session-Id"]
            self.post("notifications/initialized", {}, is_request=False)

    def post(self, method, params, is_request=True, **headers):
        self.number += 1
        body = {"jsonrpc": "2.0", **({"id": self.number} if is_request else {}), "method": method, "params": params}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                   "Authorization": f"Bearer {KEYS[self.key]}", **self.headers, **headers}
        if self.session or self.era == ERAS[1]:
            headers["MCP-Protocol-Version"] = self.era
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        return self.server.request("POST", "/mcp", body, headers)

    def call(self, tool, arguments, **meta):
        params, headers = {"name": tool, "arguments": arguments}, {}
        if self.era == ERAS[1]:
            meta = {"io.modelcontextprotocol/protocolVersion": self.era, "io.modelcontextprotocol/clientCapabilities": {}, **meta}
            headers = {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        reply = self.post("tools/call", {**params, "_meta": meta}, **headers)
        assert reply.status == 200, reply
        told = [reply.json] if reply.headers["Content-Type"] == "application/json" else [
            json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
        assert "result" in told[-1], told
        return told[:-1], told[-1]["result"]


@pytest.fixture
def server(slipway, upstreams):  # noqa: F811
    (slipway.folder / "fines.md").write_text(f"# Fines\n\n{TEXT}\n")
    slipway.ok("ingest", "fines.md", "-c", "default")
    (slipway.folder / "echo.jsonl").write_text('{"text": "so it is", "usage": {"input": 7, "output": 3}}\n')
    (slipway.folder / "echo.yaml").write_text(AGENT)
    environment = {"VENDOR_KEY": "sk-of-the-vendor", **{name.upper(): key for name, key in KEYS.items()}}
    config = {"log": {"level": "error"}, "defaults": {"chat_model": "writer"}, "agents": {"echo": "echo.yaml"},
              "models": {"writer": {"provider": "openai", "base_url": upstreams.base_url("openai"), "api_key": "env:VENDOR_KEY",
                                    "price": {"input": 1000, "output": 2000}, "retries": 0}},
              "keys": {**{name: {"key": f"env:{name.upper()}"} for name in KEYS}, "boss": {"key": "env:BOSS", "roles": ["admin"]}}}
    boss = "sk-slip-boss-" + "0" * 24
    with Server(slipway, config=config, environment={**environment, "BOSS": boss}) as made:
        made.boss = {"Authorization": f"Bearer {boss}"}
        yield made


def budget_of(server, name, scope, **limits):
    reply = server.post("/api/budgets", {"name": name, "scope": scope, **limits}, headers=server.boss)
    assert reply.status == 201, reply
    return lambda: server.get(f"/api/budgets/{reply.json['id']}", headers=server.boss).json


@pytest.mark.parametrize("era", ERAS)
def test_a_question_is_paid_by_the_budget_of_its_own_key_and_told_what_is_left(server, upstreams, era):  # noqa: F811
    budget = budget_of(server, "clerks", {"key": "clerk"}, limit_usd=1)
    clerk, guest = Client(server, "clerk", era), Client(server, "guest", era)
    asked = len(upstreams.requests)
    _, result = clerk.call("ask", {"question": QUESTION})
    assert "250 euros" in result["content"][0]["text"] and len(upstreams.requests) == asked + 1, result
    spent, left = result["_meta"]["slipway/spent"], result["_meta"]["slipway/budget"]
    assert spent["usd"] == pytest.approx(COST) and spent["input_tokens"] == USAGE_IN and spent["output_tokens"] == USAGE_OUT
    assert left["name"] == "clerks" and left["limit_usd"] == 1 and left["spent_usd"] == pytest.approx(COST)
    assert left["remaining_usd"] == pytest.approx(1 - COST)
    state = budget()
    assert state["spent_usd"] == pytest.approx(COST) and state["reserved_usd"] == 0 and state["admitted"] == 1
    # Another key has nothing to do with it.
    _, result = guest.call("ask", {"question": QUESTION})
    assert result["_meta"]["slipway/spent"]["usd"] == pytest.approx(COST) and "slipway/budget" not in result["_meta"]
    # Again: what is left is less.
    _, result = clerk.call("ask", {"question": QUESTION})
    assert result["_meta"]["slipway/budget"]["remaining_usd"] == pytest.approx(1 - 2 * COST)
    assert budget()["spent_usd"] == pytest.approx(2 * COST)


@pytest.mark.parametrize("era", ERAS)
def test_what_does_not_fit_is_refused_before_anybody_is_asked(server, upstreams, era):  # noqa: F811
    tokens = budget_of(server, "few", {"key": "clerk"}, limit_tokens=3)
    clerk, guest = Client(server, "clerk", era), Client(server, "guest", era)
    asked = len(upstreams.requests)
    for tool, arguments in (("ask", {"question": QUESTION}), ("search", {"query": QUESTION})):
        _, result = clerk.call(tool, arguments)
        assert result["isError"] and "budget 'few' allows 3 tokens" in result["content"][0]["text"], result
        left = result["_meta"]["slipway/budget"]
        assert left["name"] == "few" and left["limit_tokens"] == left["remaining_tokens"] == 3, result
        _, result = guest.call(tool, arguments)
        assert not result.get("isError") and "250 euros" in result["content"][0]["text"], result
    state = tokens()
    assert state["refused"] == 2 and state["spent_tokens"] == state["reserved_tokens"] == 0
    assert len(upstreams.requests) == asked + 1
    # More is allowed, and both go through: a search embeds its query, and pays for that.
    assert server.request("PATCH", f"/api/budgets/{state['id']}", {"limit_tokens": 100_000}, headers=server.boss).status == 200
    _, result = clerk.call("search", {"query": QUESTION})
    spent = result["_meta"]["slipway/spent"]
    assert spent["embedding_tokens"] > 0 and result["_meta"]["slipway/budget"]["spent_tokens"] == spent["embedding_tokens"]
    assert tokens()["spent_tokens"] == spent["embedding_tokens"]


def test_without_money_for_a_writer_a_question_is_answered_with_quotes(server, upstreams):  # noqa: F811
    budget = budget_of(server, "poor", {"key": "clerk"}, limit_usd=COST / 2)
    asked = len(upstreams.requests)
    _, result = Client(server, "clerk", ERAS[1]).call("ask", {"question": QUESTION})
    assert "250 euros" in result["content"][0]["text"] and not result["structuredContent"]["refused"], result
    assert len(upstreams.requests) == asked and result["_meta"]["slipway/budget"]["remaining_usd"] == pytest.approx(COST / 2)
    assert budget()["spent_usd"] == 0


@pytest.mark.parametrize("era", ERAS)
def test_a_call_tells_its_progress_by_the_token_that_it_was_given(server, era):
    told, result = Client(server, "clerk", era).call("ask", {"question": QUESTION}, progressToken="p-7")
    steps = [one["params"] for one in told if one["method"] == "notifications/progress"]
    assert steps and {one["progressToken"] for one in steps} == {"p-7"}, told
    assert [one["progress"] for one in steps] == sorted({one["progress"] for one in steps})
    assert any("passages found" in one["message"] for one in steps) and any("250 euros" in one["message"] for one in steps)
    assert "250 euros" in result["content"][0]["text"]
    told, _ = Client(server, "clerk", era).call("ask", {"question": QUESTION})
    assert not told  # Nobody asked for it.


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_is_traced_names_its_place_in_headers(server, era):
    clerk = Client(server, "clerk", era)
    clerk.headers = {"traceparent": HEADER, "baggage": "langsmith-project=harbour"}
    clerk.call("ask", {"question": QUESTION})
    run, above = tree(server_as(server), TRACE, {"ask default"})["ask default"]
    assert run["parent_id"] == SPAN and above is None and run["project"] == "harbour"
    other = TRACE[::-1]
    clerk.call("ask", {"question": QUESTION}, traceparent=f"00-{other}-{SPAN}-01")  # What the call itself says comes first.
    run, _ = tree(server_as(server), other, {"ask default"})["ask default"]
    assert run["parent_id"] == SPAN and run["project"] != "harbour"


@pytest.mark.parametrize("era", ERAS)
def test_what_a_call_causes_stands_below_the_run_that_its_meta_names(server, upstreams, era):  # noqa: F811
    ann = budget_of(server, "ann", {"user": "ann"}, limit_usd=1)
    runs = budget_of(server, "steps", {"run": "*"}, limit_usd=5)
    clerk = Client(server, "clerk", era)
    said = {"traceparent": HEADER, "baggage": "langsmith-project=harbour", "slipway/user": "ann"}
    clerk.call("ask", {"question": QUESTION}, **said)
    found = tree(server_as(server), TRACE, {"ask default"})
    run, above = found["ask default"]
    assert run["parent_id"] == SPAN and above is None and run["project"] == "harbour"
    assert run["user_id"] == "ann" and run["metadata"]["key"] == "clerk"
    assert ann()["spent_usd"] == pytest.approx(COST)
    assert [one["scope"]["run"] for one in runs()["subjects"]] == [SPAN]
    # Agents and models stand there too, and say what they cost.
    _, result = clerk.call("agent_echo", {"word": "ships"}, **said)
    assert result["structuredContent"] == {"said": "so it is"} and result["_meta"]["slipway/spent"]["usd"] == pytest.approx(0.013)
    _, result = clerk.call("model_writer", {"prompt": "Hello?", "max_tokens": 10}, **said)
    assert result["_meta"]["slipway/spent"]["usd"] == pytest.approx(COST), result
    found = tree(server_as(server), TRACE, {"ask default", "echo", "say", "chat writer"})
    assert all(found[name][0]["parent_id"] == SPAN for name in ("ask default", "echo", "chat writer"))
    # What is unsound is as if it were not there.
    _, result = clerk.call("ask", {"question": QUESTION}, traceparent="00-zz", **{"slipway/user": 7})
    assert "250 euros" in result["content"][0]["text"]
    assert ann()["spent_usd"] == pytest.approx(2 * COST + 0.013)  # The question, the agent and the model.


def test_what_another_slipway_asks_here_stands_below_its_call_and_is_paid_there_too(server, slipway):
    (slipway.folder / "far.yaml").write_text(f"""\
name: far
state: {{question: string, found: any}}
tools: {{far: {{mcp: {{url: "{server.url}/mcp", headers: {{Authorization: "Bearer env:GUEST"}}}}, tool: ask, effect: pure}}}}
nodes: {{look: {{tool: {{use: far, args: {{question: "{{{{question}}}}"}}, into: found}}}}}}
edges: [START -> look, look -> END]
""")
    slipway.data = slipway.folder / "other"
    result = slipway.result("agent", "run", "far.yaml", "--input", json.dumps({"question": QUESTION}),
                            environment={"GUEST": KEYS["guest"]})
    assert result["status"] == "done" and result["usage"]["usd"] == pytest.approx(COST), result
    (item,) = slipway.result("traces", "list")["items"]
    (root,) = slipway.result("traces", "show", item["id"])["roots"]
    call = root["children"][0]["children"][0]
    assert call["name"] == "far" and call["kind"] == "tool"
    run, _ = tree(server_as(server), item["id"], {"ask default"})["ask default"]
    assert run["parent_id"] == call["id"]


def server_as(server):
    """The boss may read traces of all keys."""
    class Boss:
        @staticmethod
        def get(path):
            return server.get(path, headers=server.boss)
    return Boss
