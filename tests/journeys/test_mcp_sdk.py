"""MCP beside the official Python SDK: it is a client of ours over HTTP and stdio, and a server for ours, in both eras."""
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.types import ElicitResult

from conftest import HERE, Slipway
from serving import Server

ERAS = ("legacy", "2026-07-28")
DESK = """\
name: desk
description: Asks, computes
input: [topic]
output: [sum, said]
expose: true
tools:
  calc: {builtin: calculator, expose: true, description: Computes, schema: {expression: string}}
  post: {builtin: calculator, expose: true, risk: high, effect: idempotent, approve: {ask: "Post it?"}}
  hidden: {builtin: now}
state: {topic: string, sum: any, said: any}
nodes:
  compute: {tool: {use: calc, args: {expression: "6 * 7"}, into: sum}}
  ask: {human: {ask: "What about {{topic}}?", into: said}}
edges: [START -> compute, compute -> ask, ask -> END]
"""
CONFIG = {"models": {"writer": {"provider": "scripted", "path": "replies.json"},
                     "vectors": {"provider": "scripted", "task": "embed", "dimension": 4},
                     "order": {"provider": "scripted", "task": "rerank"}},
          "defaults": {"chat_model": "writer"}, "log": {"level": "error"}}
TOOLS = ["agent_desk", "ask", "model_order", "model_vectors", "model_writer", "resume", "search", "tool_desk_calc",
         "tool_desk_post"]


@pytest.fixture(scope="module")
def house(program, prefix, tmp_path_factory, cache):
    """A folder with a collection, models and an agent that an earlier server was given."""
    folder = tmp_path_factory.mktemp("mcp")
    slipway = Slipway(program, prefix, folder, cache)
    (folder / "docs").mkdir()
    (folder / "docs" / "traces.md").write_text("# Traces\n\nTraces are kept for thirty days.\n")
    (folder / "replies.json").write_text(json.dumps(["Hello from the house."] * 20))
    slipway.ok("ingest", folder / "docs")
    with Server(slipway, config=CONFIG) as server:
        reply = server.request("PUT", "/api/agents/desk", DESK, headers={"Content-Type": "application/yaml"})
        assert reply.status == 200, reply
    return slipway


@pytest.fixture(params=("http", "stdio"))
def peer(request, house):
    """What the SDK's client connects to."""
    if request.param == "stdio":
        command, *arguments = house.command("mcp", "serve")
        yield StdioServerParameters(command=command, args=arguments, env=house.environment, cwd=house.folder)
    else:
        with Server(house, config=CONFIG) as server:
            yield f"{server.url}/mcp"


async def everything(peer, era):
    """What a client can do without asking a person anything."""
    progress = []

    async def note(done, total, message):
        progress.append(done)

    async with Client(peer, mode=era, read_timeout_seconds=60) as client:
        listed = (await client.list_tools()).tools
        tools = {tool.name: tool for tool in listed}
        assert sorted(tools) == TOOLS
        assert tools["tool_desk_calc"].description == "Computes"
        assert tools["tool_desk_calc"].input_schema["required"] == ["expression"]
        found = await client.call_tool("search", {"query": "How long are traces kept?"})
        assert "thirty days" in found.content[0].text
        uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
        assert {"slipway://models/writer", "slipway://models/vectors", "slipway://models/order"} < uris
        assert {"slipway://agents/desk", "slipway://collections/default"} < uris
        agent = json.loads((await client.read_resource("slipway://agents/desk")).contents[0].text)
        assert agent["tool"] == "agent_desk" and agent["output"] == ["sum", "said"] and "topic" in agent["inputSchema"]["properties"]
        collection = json.loads((await client.read_resource("slipway://collections/default")).contents[0].text)
        assert collection["documents"] == 1
        document = next(uri for uri in uris if "/documents/" in uri)
        assert "thirty days" in (await client.read_resource(document)).contents[0].text
        card = json.loads((await client.read_resource("slipway://models/vectors")).contents[0].text)
        assert card["task"] == "embed"
        computed = await client.call_tool("tool_desk_calc", {"expression": "2 + 3"})
        assert not computed.is_error and computed.structured_content == {"result": 5}, computed
        wrong = await client.call_tool("tool_desk_calc", {"expression": "2 +"})
        assert wrong.is_error
        said = await client.call_tool("model_writer", {"prompt": "Hello?"}, progress_callback=note)
        assert said.content[0].text == "Hello from the house." and progress
        vectors = await client.call_tool("model_vectors", {"texts": ["one", "two"]})
        assert [len(vector) for vector in vectors.structured_content["vectors"]] == [4, 4]
        ordered = await client.call_tool("model_order", {"query": "one", "documents": ["two", "one one"], "top_n": 1})
        assert len(ordered.structured_content["hits"]) == 1
        # This client has no forms: the result says how to go on, and a person decides what may be posted.
        asked = await client.call_tool("agent_desk", {"topic": "ships"})
        waiting = asked.structured_content
        assert waiting["status"] == "interrupted" and "What about ships?" in asked.content[0].text
        answered = await client.call_tool("resume", {"thread": waiting["thread"],
                                                     "answers": {waiting["interrupts"][0]["id"]: "They float."}})
        assert answered.structured_content == {"sum": 42, "said": "They float."}
        again = await client.call_tool("resume", {"thread": waiting["thread"]})
        assert again.structured_content == answered.structured_content
        posted = (await client.call_tool("tool_desk_post", {"expression": "1 + 1"})).structured_content
        approval = posted["interrupts"][0]
        assert approval["kind"] == "approval"
        refused = await client.call_tool("resume", {"thread": posted["thread"], "answers": {approval["id"]: "approve"}})
        assert refused.is_error and "for a person" in refused.content[0].text


@pytest.mark.parametrize("era", ERAS)
def test_the_sdk_uses_collections_models_agents_and_their_tools(peer, era):
    asyncio.run(everything(peer, era))


@pytest.mark.parametrize("era", ERAS)
def test_a_person_at_the_sdk_approves_changes_and_rejects(peer, era):
    forms = []

    async def fill(context, params):
        forms.append(params)
        return ElicitResult(action="accept", content=answers[len(forms) - 1])

    async def run():
        async with Client(peer, mode=era, read_timeout_seconds=60, elicitation_callback=fill) as client:
            approved = await client.call_tool("tool_desk_post", {"expression": "1 + 1"})
            assert approved.structured_content == {"result": 2}, approved
            changed = await client.call_tool("tool_desk_post", {"expression": "1 + 1"})
            assert changed.structured_content == {"result": 21}, changed
            rejected = await client.call_tool("tool_desk_post", {"expression": "1 + 1"})
            assert rejected.is_error and "not today" in rejected.content[0].text
            said = await client.call_tool("agent_desk", {"topic": "ships"})
            assert said.structured_content == {"sum": 42, "said": "They float."}

    answers = [{"decision": "approve"}, {"decision": "approve", "args_expression": "3 * 7"},
               {"decision": "reject", "reason": "not today"}, {"answer": "They float."}]
    asyncio.run(run())
    schema = forms[0].requested_schema
    assert forms[0].message == "Post it?" and schema["properties"]["args_expression"]["default"] == "1 + 1"
    assert len(forms) == 4


def test_keys_and_the_configuration_say_what_a_client_sees(house):
    config = {**CONFIG, "mcp": {"models": ["order"], "agents": False},
              "keys": {"reader": {"key": "env:READER", "roles": ["read"]},
                       "writer": {"key": "env:WRITER", "models": ["writer"]}}}

    async def names(server, key, call=None):
        http = create_mcp_http_client(headers={"Authorization": f"Bearer {key}"})
        async with Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client:
            listed = sorted(tool.name for tool in (await client.list_tools()).tools)
            return listed, await client.call_tool(*call) if call else None

    with Server(house, config=config, environment={"READER": "sk-r-" + "1" * 20, "WRITER": "sk-w-" + "2" * 20}) as server:
        call = ("model_order", {"query": "a", "documents": ["b"]})
        listed, refused = asyncio.run(names(server, "sk-r-" + "1" * 20, call))
        assert listed == ["ask", "model_order", "search"]
        assert refused.is_error and "write" in refused.content[0].text
        listed, _ = asyncio.run(names(server, "sk-w-" + "2" * 20))
        assert listed == ["ask", "search"]  # This key may use another model only.


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sdk_server(transport, command=(sys.executable, HERE / "mcp" / "peer_server.py")):
    """The `mcp:` of a server that an SDK serves: of the Python SDK unless told."""
    if transport == "stdio":
        yield f"stdio:{' '.join(map(str, command))} stdio"
        return
    port = free_port()
    process = subprocess.Popen([*command, "http", str(port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, "the SDK's server ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(30)


USES = """\
name: uses
input: [a, b]
output: [sum, steps, hello, why]
state: {a: int, b: int, sum: any, steps: any, hello: any, why: any}
tools:
  add: {mcp: "ADDRESS", tool: add, effect: pure}
  slow: {mcp: "ADDRESS", tool: slow, effect: pure}
  profile: {mcp: "ADDRESS", tool: profile, effect: pure}
  any: {mcp: "ADDRESS", effect: pure}
nodes:
  add: {tool: {use: add, args: {a: "{{a}}", b: "{{b}}"}, into: sum}}
  slow: {tool: {use: slow, args: {steps: 3}, into: steps}}
  hello: {tool: {use: profile, args: {name: Ada}, into: hello}}
  broken: {tool: {use: any, args: {tool: fail, arguments: {}}, into: why}}
  note: {set: {why: why.message}}
edges:
  - START -> add
  - add -> slow
  - slow -> hello
  - hello -> broken
  - broken -> END
  - broken -> note: {on: [tool], into: why}
  - note -> END
"""


def check_uses(slipway, address):
    (slipway.folder / "uses.yaml").write_text(USES.replace("ADDRESS", address))
    result = slipway.result("agent", "run", slipway.folder / "uses.yaml", "--input", '{"a": 19, "b": 23}')
    assert result["status"] == "done", result
    output = result["output"]
    assert output["sum"] in (42, "42", {"result": 42}) and "3 steps" in json.dumps(output["steps"])
    assert output["hello"]["greeting"] == "Hello, Ada" and "Error executing tool fail" in output["why"]


@pytest.mark.parametrize("transport", ("stdio", "http"))
def test_an_agent_uses_a_server_of_the_sdk(slipway, transport):
    with sdk_server(transport) as address:
        check_uses(slipway, address)
