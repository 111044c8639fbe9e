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

REVISIONS = {"2025-11-25": (30, 18), "2026-07-28": (37, 32)}
# Not scored by the frozen sets, and extensions that Slipway does not have (docs/guides/mcp.md).
EXTENSIONS = ("tasks-", "auth/client-credentials-jwt", "auth/enterprise-managed-authorization", "auth/dpop",
              "auth/wif-jwt-bearer")


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


def check(output, scored):
    told = {name: mark for mark, name in re.findall(r"^([✓✗]) ([\w/.-]+): \d+ passed", output, re.M)}
    failed = [name for name, mark in told.items() if mark == "✗" and not name.startswith(EXTENSIONS)]
    assert not failed, f"{failed}\n{output[-6000:]}"
    not_scored = re.search(r"Not scored for [\d-]+: (\d+) scenario", output)
    assert len(told) - int(not_scored[1]) == scored, output[-6000:]


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
    check(output, REVISIONS[revision][0])


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_conformance_suite_passes_against_the_client(slipway, node22, packages, revision):
    command = shlex.join(slipway.command("mcp", "conformance", "client"))
    output = run_suite(node22, packages, {**os.environ, **slipway.environment}, "client", "--command", command,
                       "--requirements", revision)
    check(output, REVISIONS[revision][1])


@pytest.fixture
def documents(slipway):
    folder = slipway.folder / "docs"
    folder.mkdir()
    (folder / "traces.md").write_text("# Traces\n\nTraces are kept for thirty days.\n")
    slipway.ok("ingest", folder)
    return folder


@pytest.fixture
def sdk(packages, tmp_path):
    shutil.copy(HERE / "mcp" / "sdk.mjs", tmp_path)
    shutil.copy(HERE / "mcp" / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)

    def run(environment, *arguments):
        run = subprocess.run(["node", "sdk.mjs", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True,
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
