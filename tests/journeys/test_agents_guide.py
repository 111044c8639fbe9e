"""docs/guides/agents.md, followed word by word by somebody who has the program and nothing else."""
import json
import re
import shlex
import subprocess

import pytest

from conftest import ROOT
from serving import Server

GUIDE = (ROOT / "docs" / "guides" / "agents.md").read_text()


def section(title):
    return GUIDE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def put_files(folder, text):
    """Files that the section shows: their name, then their text."""
    for name, shown in re.findall(r"^`([\w.]+)`[^\n]*:\n```\w*\n(.*?)```", text, re.S | re.M):
        (folder / name).write_text(shown)


def test_the_first_agent_is_checked_run_and_answered_as_it_says(slipway):
    text = section("A first agent")
    put_files(slipway.folder, text)
    commands = [line.split("#") for line in text.splitlines() if line.startswith("slipway agent")]
    assert [shlex.split(command)[2] for command, *_ in commands] == ["check", "run", "resume", "history", "ledger"]
    told = {}
    for command, *_ in commands:
        words = shlex.split(command)[1:]
        outcome = slipway.ok(*words)
        told[words[1]] = outcome.out
    assert "Send this? Hello!" in told["run"] and "good" in told["check"] and "done" in told["resume"], told


def test_the_routes_are_called_as_it_says(slipway):
    text = section("HTTP API")
    put_files(slipway.folder, text)
    (commands,) = re.findall(r"```sh\n(.*?)```", text, re.S)
    with Server(slipway, config={"log": {"level": "error"}}) as server:
        told, question = [], None
        for command in commands.replace("\\\n", " ").splitlines():
            command = command.split(" # ")[0].replace("localhost:8700", f"{server.host}:{server.port}")
            if question:
                command = command.replace("i_4f0c...", question)
            run = subprocess.run(["bash", "-c", command.replace("curl ", "curl -sS --fail-with-body ", 1)], cwd=slipway.folder,
                                 capture_output=True, text=True, timeout=60)
            assert run.returncode == 0, (command, run.stdout, run.stderr)
            told.append(json.loads(run.stdout))
            if "items" in told[-1]:
                question = told[-1]["items"][0]["id"]
        assert question and told[-1]["status"] == "done" and told[-1]["state"]["ok"] == "yes", told
        assert told[2]["interrupts"][0]["value"] == "Publish: All about slipways?"


def test_agents_of_the_configuration_are_run_as_it_says(slipway):
    text = section("Agents of the configuration")
    (config,) = re.findall(r"```yaml\n# slipway.yaml\n(.*?)```", text, re.S)
    (slipway.folder / "agents").mkdir()
    examples = ROOT / "examples" / "agents"
    for file in examples.glob("research*"):
        (slipway.folder / "agents" / file.name).write_bytes(file.read_bytes())
    (slipway.folder / "slipway.yaml").write_text(config)
    slipway.ok("config", "check")
    (command,) = re.findall(r"`(slipway agent run hello --input\s.*?)`", text, re.S)
    result = slipway.result(*shlex.split(command)[1:])
    assert result["status"] == "done" and result["state"]["text"] == "hello Ada"


@pytest.mark.parametrize("title", re.findall(r"^## (.+)$", GUIDE, re.M))
def test_every_tool_that_it_shows_can_be_declared(slipway, title):
    """Blocks that are `tools:` alone stand within an agent; what they name is there."""
    for number, shown in enumerate(re.findall(r"```yaml\n(tools:.*?)```", section(title), re.S)):
        tools, nodes = shown.split("nodes:") if "nodes:" in shown else (shown, "  one: {set: {x: \"1\"}}\n")
        (slipway.folder / "double.py").write_text("")
        (slipway.folder / "pay").write_text("")
        (slipway.folder / "shop.db").write_bytes(b"")
        file = slipway.folder / f"shown{number}.yaml"
        name = re.search(r"^  (\w+):", nodes, re.M)[1]
        file.write_text(f"name: shown\nstate: {{x: any, topic: string}}\n{tools}nodes:\n{nodes.strip(chr(10))}\n"
                        f"edges: [START -> {name}, {name} -> END]\n")
        outcome = slipway("agent", "check", file, "--json")
        assert outcome.code == 0, (shown, outcome)
