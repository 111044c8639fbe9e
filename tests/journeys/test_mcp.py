"""MCP: the public conformance suite in both revisions, the official SDK as a client, collections as tools."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import HERE, ROOT
from serving import Server
from test_mcp_sdk import check_uses, sdk_server

REVISIONS = {"2025-11-25": (30, 18), "2026-07-28": (37, 32)}
GUIDE = ROOT / "docs" / "guides" / "mcp.md"


@pytest.fixture(scope="session")
def packages():
    script = f". {ROOT}/tools/common.sh; node_packages tests/journeys/mcp"
    return pathlib.Path(subprocess.check_output(["bash", "-c", script], cwd=ROOT, text=True).strip())


@pytest.fixture(scope="session")
def node22(packages):
    found = sorted(packages.glob("node-linux-*/bin/node"))
    assert found, "the suite needs Node 22, and no package of it is installed"
    return found[0]


def run_suite(node22, packages, environment, *arguments):
    suite = packages / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    run = subprocess.run([node22, suite, *map(str, arguments)], capture_output=True, text=True, timeout=180,
                         env=environment)
    return run.stdout + run.stderr


def not_served():
    """Scenarios outside the sets that do not pass, as the guide lists them with their reasons."""
    table = GUIDE.read_text().split("## Conformance")[1].split("\n## ")[0]
    return {name for row in re.findall(r"^\| (`.+?) \| [a-z]", table, re.M) for name in re.findall(r"`([\w/.-]+)`", row)}


def check(output, scored):
    told = {name: mark for mark, name in re.findall(r"^([✓✗]) ([\w/.-]+): \d+ passed", output, re.M)}
    outside = re.search(r"Not scored for [\d-]+: (\d+) scenario", output)
    names = set(re.findall(r"^  [✓✗] ([\w/.-]+) \(", output[outside.start():], re.M))
    assert len(names) == int(outside[1]), output[-6000:]
    failed = {name for name, mark in told.items() if mark == "✗"}
    # Every scenario of the frozen set is there and passes.
    assert len(set(told) - names) == scored and not failed - names, f"{failed - names}\n{output[-6000:]}"
    return failed


@pytest.fixture
def conformance_server(slipway):
    process = slipway.start("mcp", "conformance", "server", "--port", 0)
    url = None
    for line in process.stderr:
        if found := re.search(rb"http://\S+/mcp", line):
            url = found[0].decode()
            break
    assert url, "the fixture did not start"
    yield url
    process.terminate()
    assert process.wait(20) in (0, 143)


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_conformance_suite_passes_against_the_server(conformance_server, node22, packages, revision):
    output = run_suite(node22, packages, dict(os.environ), "server", "--url", conformance_server, "--requirements",
                       revision)
    failed = check(output, REVISIONS[revision][0])
    assert failed == {name for name in not_served() if name.startswith("tasks-") and revision == "2026-07-28"}


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_conformance_suite_passes_against_the_client(slipway, node22, packages, revision):
    command = shlex.join(slipway.command("mcp", "conformance", "client"))
    output = run_suite(node22, packages, {**os.environ, **slipway.environment}, "client", "--command", command,
                       "--requirements", revision)
    failed = check(output, REVISIONS[revision][1])
    assert failed == {name for name in not_served() if name.startswith("auth/")}


@pytest.fixture
def documents(slipway):
    folder = slipway.folder / "docs"
    folder.mkdir()
    (folder / "traces.md").write_text("# Traces\n\nTraces are kept for thirty days.\n")
    slipway.ok("ingest", folder)
    return folder


@pytest.fixture(scope="session")
def scripts(packages, tmp_path_factory):
    """The folder of the scripts that use the TypeScript SDK."""
    folder = tmp_path_factory.mktemp("scripts")
    for file in (HERE / "mcp").glob("*.mjs"):
        shutil.copy(file, folder)
    shutil.copy(HERE / "mcp" / "package.json", folder)
    (folder / "node_modules").symlink_to(packages)
    return folder


@pytest.fixture
def sdk(scripts):
    def run(environment, *arguments):
        run = subprocess.run(["node", "sdk.mjs", *map(str, arguments)], cwd=scripts, capture_output=True, text=True,
                             timeout=60, env=environment)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return run


def check_collection(told):
    assert told["server"]["name"] == "slipway"
    assert told["tools"] == ["ask", "search"]
    assert "thirty days" in told["search"]["content"][0]["text"]
    assert told["search"]["structuredContent"]["items"][0]["path"].endswith("traces.md")
    assert "thirty days" in told["read"]["contents"][0]["text"]


def test_the_official_sdk_uses_collections_over_http(slipway, documents, sdk):
    with Server(slipway) as server:
        check_collection(sdk(dict(os.environ), f"{server.url}/mcp"))


def test_the_official_sdk_starts_the_server_as_a_subprocess(slipway, documents, sdk):
    check_collection(sdk({**os.environ, **slipway.environment}, "--", *slipway.command("mcp", "serve")))


def test_a_modern_client_uses_collections_without_a_session(slipway, documents):
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}}

    def ask(server, method, params, **headers):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        return server.request("POST", "/mcp", body, {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **headers})

    with Server(slipway) as server:
        found = ask(server, "server/discover", {})
        assert found.status == 200 and found.json["result"]["supportedVersions"] == ["2026-07-28"]
        asked = ask(server, "tools/call", {"name": "ask", "arguments": {"question": "How long are traces kept?"}},
                    **{"Mcp-Name": "ask"})
        assert "thirty days" in asked.json["result"]["content"][0]["text"]
        assert ask(server, "tools/list", {}, Origin="https://evil.example").status == 403
        assert server.request("POST", "/mcp", b"{", {"Content-Type": "application/json"}).status == 400


def test_an_agent_uses_the_tools_of_an_mcp_server(slipway, packages):
    everything = packages / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
    (slipway.folder / "adder.yaml").write_text(f"""
name: adder
input: [a, b]
output: [text]
state: {{a: int, b: int, text: any}}
tools:
  sum: {{mcp: "stdio:node {everything} stdio", tool: get-sum, effect: pure}}
nodes:
  add: {{tool: {{use: sum, args: {{a: "{{{{a}}}}", b: "{{{{b}}}}"}}, into: text}}}}
edges: [START -> add, add -> END]
""")
    result = slipway.result("agent", "run", slipway.folder / "adder.yaml", "--input", '{"a": 19, "b": 23}')
    assert result["status"] == "done" and "42" in json.dumps(result["output"]["text"]), result


@pytest.mark.parametrize("transport", ("stdio", "http"))
def test_an_agent_uses_a_server_of_the_typescript_sdk(slipway, scripts, transport):
    with sdk_server(transport, ("node", scripts / "peer_server.mjs")) as address:
        check_uses(slipway, address)
