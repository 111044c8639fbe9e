"""What goes on while an MCP call runs, beside the official Python SDK: progress both ways, cancellation both ways; and the
same server for clients that start it beside a running one."""
import asyncio
import contextlib
import json
import os
import subprocess
import time
import urllib.request

import pytest
from mcp import Client, StdioServerParameters

import mock_upstream
from conftest import ROOT, Slipway
from serving import Server
from test_mcp import packages, scripts  # noqa: F401 (fixtures)
from test_mcp_sdk import CONFIG, ERAS, house, sdk_server  # noqa: F401 (a fixture)

WRITER = """\
name: writer
expose: true
input: [topic]
output: [text]
state: {topic: string, text: string}
nodes:
  think: {llm: {model: words, prompt: "{{topic}}", into: text}}
edges: [START -> think, think -> END]
"""
CALLER = """\
name: caller
expose: true
input: [marker, after]
output: [said]
tools:
  slow: {mcp: "ADDRESS", tool: slow, effect: pure}
  hang: {mcp: "ADDRESS", tool: hang, effect: pure}
state: {marker: string, after: string, said: any}
nodes:
  first: {tool: {use: slow, args: {steps: 3, after: "{{after}}"}, into: said}}
  wait: {tool: {use: hang, args: {marker: "{{marker}}"}, into: said}}
edges:
  - START -> first
  - first -> END: {when: "marker == ''"}
  - first -> wait: {else: true}
  - wait -> END
"""


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def put(server, text):
    """From a file, so that it may start programs."""
    name = text.split()[1]
    reply = server.request("PUT", f"/api/agents/{name}", text, headers={"Content-Type": "application/yaml"})
    assert reply.status == 200, reply


def parameters(slipway, *more):
    command, *arguments = slipway.command("mcp", "serve", *more)
    return StdioServerParameters(command=command, args=arguments, env=slipway.environment, cwd=slipway.folder)


@pytest.fixture
def words():
    upstream = mock_upstream.Upstream()
    upstream.behaviour.update(words="writing")
    yield upstream
    upstream.close()


@pytest.fixture(params=("http", "stdio"))
def writing(request, slipway, words):
    """What a client connects to for the agent "writer", whose model writes until somebody stops it."""
    (slipway.folder / "writer.yaml").write_text(WRITER)
    config = {"log": {"level": "error"}, "agents": {"writer": {"file": "writer.yaml"}},
              "models": {"words": {"provider": "openai", "base_url": words.url, "retries": 0}}}
    if request.param == "stdio":
        (slipway.folder / "slipway.yaml").write_text(json.dumps(config))
        yield parameters(slipway, "--config", slipway.folder / "slipway.yaml")
    else:
        with Server(slipway, config=config) as server:
            yield f"{server.url}/mcp"


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_cancels_a_call_stops_the_agents_model(writing, words, era):
    async def run():
        async with Client(writing, mode=era, read_timeout_seconds=120) as client:
            call = asyncio.create_task(client.call_tool("agent_writer", {"topic": "ships"}))
            while words.written < 5:
                assert not call.done(), call.result()
                await asyncio.sleep(0.02)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while words.open_now > 0:  # The connection is gone: nobody reads on, and nobody pays on.
                await asyncio.sleep(0.02)
            # The session is as good as before.
            assert "agent_writer" in [tool.name for tool in (await client.list_tools()).tools]

    asyncio.run(asyncio.wait_for(run(), 60))
    assert words.left == 1


def test_the_typescript_sdk_cancels_a_call_and_stops_the_agents_model(writing, words, scripts):  # noqa: F811
    arguments = [writing] if isinstance(writing, str) else ["--", writing.command, *writing.args]
    environment = dict(os.environ) if isinstance(writing, str) else {**os.environ, **writing.env}
    client = subprocess.Popen(["node", scripts / "cancel.mjs", *arguments], cwd=scripts, env=environment,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        until(lambda: words.written >= 5)
        client.stdin.write(b"now\n")
        client.stdin.flush()
        until(lambda: words.open_now == 0)
        told = json.loads(client.stdout.readline())
        assert told["ended"] == "cancelled" and "agent_writer" in told["tools"] and told["progress"], told
        assert words.left == 1
        client.communicate(b"end\n", timeout=60)
    finally:
        client.kill()
        client.wait(30)


@pytest.fixture(scope="module", params=("stdio", "http"))
def calling(request, program, prefix, tmp_path_factory, cache):
    """A server with an agent that calls a server of the SDK."""
    slipway = Slipway(program, prefix, tmp_path_factory.mktemp("calling"), cache)
    with sdk_server(request.param) as address:
        (slipway.folder / "caller.yaml").write_text(CALLER.replace("ADDRESS", address))
        with Server(slipway, config={"log": {"level": "error"}, "agents": {"caller": {"file": "caller.yaml"}}}) as server:
            yield server


def test_progress_of_a_servers_tool_is_told_in_the_events_of_the_run(calling, tmp_path):
    go_on = tmp_path / "go on"
    thread = calling.post("/api/threads", {"agent": "caller"}).json["thread"]
    run = calling.post(f"/api/threads/{thread}/runs", {"input": {"marker": "", "after": str(go_on)}}).json["run"]
    told = []
    # It is told while it happens, and not kept: whoever follows hears it.
    with urllib.request.urlopen(f"{calling.url}/api/threads/{thread}/runs/{run}/events", timeout=60) as stream:
        for line in stream:
            if line.startswith(b"event: task.started"):
                go_on.touch()
            if line.startswith(b"data: ") and b'"progress"' in line:
                told.append(json.loads(line[6:])["value"])
            if line.startswith(b"event: run.finished"):
                break
    assert told == [{"tool": "slow", "progress": n, "total": 3, "message": f"step {n}"} for n in (1, 2, 3)]


@pytest.mark.parametrize("era", ERAS)
def test_progress_of_a_servers_tool_reaches_the_client_of_the_agent(calling, era):
    told = []

    async def note(done, total, message):
        told.append((done, message))

    async def run():
        async with Client(f"{calling.url}/mcp", mode=era, read_timeout_seconds=60) as client:
            result = await client.call_tool("agent_caller", {"marker": "", "after": ""}, progress_callback=note)
            assert "3 steps" in json.dumps(result.structured_content)

    asyncio.run(run())
    assert [message for _, message in told if message.startswith("step ")] == ["step 1", "step 2", "step 3"], told
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_run_that_is_cancelled_cancels_the_call_at_the_server(calling, tmp_path):
    marker = tmp_path / "marker"
    thread = calling.post("/api/threads", {"agent": "caller"}).json["thread"]
    run = calling.post(f"/api/threads/{thread}/runs", {"input": {"marker": str(marker), "after": ""}}).json["run"]
    until(lambda: marker.exists() and marker.read_text() == "begun")
    gone = calling.post(f"/api/threads/{thread}/runs/{run}/cancel")
    assert gone.json["status"] == "cancelled", gone
    until(lambda: marker.read_text() == "cancelled")


async def names(peer):
    async with Client(peer, read_timeout_seconds=60) as client:
        return sorted(tool.name for tool in (await client.list_tools()).tools)


def test_a_client_that_starts_the_program_beside_a_server_has_all_that_the_server_has(house):
    """And beside another client that has started it; the budget, the ledger and the threads are the one server's."""
    async def beside(server):
        async with Client(parameters(house), read_timeout_seconds=60) as client:
            computed = await client.call_tool("tool_desk_calc", {"expression": "2 + 3"})
            assert computed.structured_content == {"result": 5}
            said = await client.call_tool("model_writer", {"prompt": "Hello?"})
            assert said.content[0].text == "Hello from the house."
            asked = (await client.call_tool("agent_desk", {"topic": "ships"})).structured_content
            assert server.get(f"/api/threads/{asked['thread']}").json["status"] == "interrupted"
            return await names(f"{server.url}/mcp"), sorted(tool.name for tool in (await client.list_tools()).tools)

    with Server(house, config=CONFIG) as server:
        over_http, started = asyncio.run(beside(server))
    assert over_http == started and "agent_desk" in started

    async def two():
        async with Client(parameters(house), read_timeout_seconds=60) as first:
            await first.list_tools()
            assert await names(parameters(house)) == sorted(tool.name for tool in (await first.list_tools()).tools)

    asyncio.run(two())


def test_a_server_that_ends_tells_who_speaks_through_it(house):
    with Server(house, config=CONFIG):
        started = subprocess.Popen(house.command("mcp", "serve"), cwd=house.folder, env=house.environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        started.stdin.flush()
        assert json.loads(started.stdout.readline())["id"] == 1
    _, said = started.communicate(timeout=60)
    assert started.returncode != 0 and b"has ended" in said, said
    assert not (house.data / "mcp.sock").exists()


def test_the_configuration_of_a_desktop_client_as_the_guide_has_it(house):
    """The JSON of the guide, with the folder of this test in it."""
    guide = (ROOT / "docs" / "guides" / "mcp.md").read_text()
    block = next(part.split("```")[0] for part in guide.split("```json\n")[1:] if '"command"' in part)
    entry = json.loads(block.replace("/srv/handbook/.slipway", str(house.data)))["mcpServers"]["handbook"]
    assert entry["command"] == "slipway" and set(entry) == {"command", "args"}
    folder = house.folder / "bin"
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "slipway").symlink_to(house.program)
    environment = {**house.environment, "PATH": f"{folder}:{house.environment['PATH']}"}
    started = StdioServerParameters(**{**entry, "command": str(folder / entry["command"])}, env=environment, cwd=house.folder)
    assert {"ask", "search", "agent_desk", "resume"} <= set(asyncio.run(names(started)))


def test_who_has_no_key_is_told_so_in_the_protocols_words(house):
    config = {**CONFIG, "keys": {"reader": {"key": "env:READER", "roles": ["read"]}}}
    with Server(house, config=config, environment={"READER": "sk-r-" + "1" * 20}) as server:
        body = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {}}
        for headers in ({}, {"Authorization": "Bearer wrong-key-of-some-length"}):
            refused = server.request("POST", "/mcp", body, {"Content-Type": "application/json", **headers})
            assert refused.status == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer"), refused
            assert "key" in refused.json["detail"], refused
        # Slipway is no resource of an authorization server, and says so: keys are given by its operator.
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
            assert server.get(path).status == 404
