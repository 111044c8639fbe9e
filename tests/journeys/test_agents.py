"""Agents on the command line: checks, runs, questions, branches, and what is left when the program is killed."""
import json
import pathlib
import random
import signal
import subprocess
import time

import pytest

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "data" / "agents"

PUBLISH = """\
name: publish
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {calc: {builtin: calculator, approve: {ask: "Compute {{args.expression}}?"}}}
state: {x: string, draft: string, out: any, err: any}
nodes:
  write: {llm: {model: m, prompt: "About {{x}}", into: draft}}
  go: {tool: {use: calc, args: {expression: "{{draft}}"}, into: out}}
  no: {set: {out: err.message}}
edges:
  - START -> write
  - write -> go
  - go -> END
  - go -> no: {on: [rejected], into: err}
  - no -> END
"""


@pytest.fixture
def agent(slipway):
    (slipway.folder / "publish.yaml").write_text(PUBLISH)
    (slipway.folder / "r.jsonl").write_text('{"text": "6 * 7"}\n')
    return "publish.yaml"


def call(slipway, *words):
    outcome = slipway("agent", *words, "--json")
    assert outcome.code in (0, 1), outcome
    return outcome.code, outcome.json


def test_a_file_is_checked_with_lines_and_remedies(slipway, agent):
    code, report = call(slipway, "check", agent)
    assert code == 0 and report["ok"] and report["graph"] == {"nodes": 3, "edges": 5}
    (slipway.folder / "bad.yaml").write_text(PUBLISH.replace("write -> go", "write -> goo"))
    code, report = call(slipway, "check", "bad.yaml")
    assert code == 1 and not report["ok"]
    told = {error["code"]: error for error in report["errors"]}
    assert told["unknown_node"]["line"] == 11
    assert "'goo' is no node" in told["unknown_node"]["message"]


def test_a_run_waits_for_its_approval_over_processes(slipway, agent):
    code, result = call(slipway, "run", agent, "--thread", "t", "--input", '{"x": "sums"}')
    assert code == 0 and result["status"] == "interrupted"
    (interrupt,) = result["interrupts"]
    assert interrupt["kind"] == "approval" and interrupt["value"]["ask"] == "Compute 6 * 7?"
    code, refused = call(slipway, "approve", "--thread", "t", "i_nothing")
    assert code == 1 and refused["error"]["kind"] == "answer"
    code, result = call(slipway, "approve", "--thread", "t", interrupt["id"])
    assert code == 0 and result["status"] == "done" and result["state"]["out"] == 42
    assert result["usage"]["calls"] == 1 and result["usage"]["tokens"] == 5
    code, _ = call(slipway, "approve", "--thread", "t", interrupt["id"])
    assert code == 1

    _, again = call(slipway, "run", agent, "--thread", "t", "--input", '{"x": "sums"}')
    _, result = call(slipway, "approve", "--thread", "t", again["interrupts"][0]["id"], "--reject", "not now")
    assert result["state"]["out"] == "rejected: not now"

    _, history = call(slipway, "history", "--thread", "t")
    assert [entry["source"] for entry in history][-3:] == ["step", "step", "input"]
    assert history[0]["parent"] == history[1]["checkpoint"]
    _, ledger = call(slipway, "ledger", "--thread", "t")
    assert [row["state"] for row in ledger["rows"]] == ["done", "done", "done"]


def test_a_thread_that_is_not_there_is_told(slipway):
    code, result = call(slipway, "resume", "--thread", "nobody")
    assert code == 1 and result["status"] == "failed" and result["error"]["kind"] == "no_thread"


def steps_of(result):
    return [[task["node"] + (f"[{task['index']}]" if "index" in task else "") for task in step["tasks"]]
            for step in result["steps"]]


def first_checkpoint(slipway, thread):
    return call(slipway, "history", "--thread", thread)[1][-1]["checkpoint"]


def test_every_vector_passes_through_the_program(slipway):
    passed = 0
    for file in sorted(VECTORS.glob("*.json")):
        vector = json.loads(file.read_text())
        folder = slipway.folder / file.stem
        folder.mkdir()
        for name, text in vector["files"].items():
            (folder / name).write_text(text)
        result, first = None, None
        for request in vector["calls"]:
            words = ["--thread", file.stem, "--trace"]
            if "steps" in request:
                words += ["--steps", str(request["steps"])]
            for node in request.get("pause_before", []):
                words += ["--pause-before", node]
            if request["do"] == "run":
                words = ["run", f"{file.stem}/agent.yaml", "--input", json.dumps(request["input"]), *words]
            else:
                words = ["resume", *words]
                for node, answer in request.get("answers", {}).items():
                    (waiting,) = [i["id"] for i in result["interrupts"] if i["node"] == node]
                    words += ["--answer", f"{waiting}={json.dumps(answer)}"]
                if "at" in request:
                    at = {step["step"]: step["checkpoint"] for step in first["steps"]}
                    words += ["--checkpoint", at.get(request["at"]) or first_checkpoint(slipway, file.stem)]
                if "set" in request:
                    words += ["--set", json.dumps(request["set"]), "--as", request["as"]]
            code, result = call(slipway, *words)
            first = first or result
            expect = request["expect"]
            assert result["status"] == expect["status"], (file.stem, result)
            assert code == (1 if expect["status"] == "failed" else 0)
            assert result["state"] == expect["state"], (file.stem, result)
            assert steps_of(result) == expect["steps"], (file.stem, result)
        passed += 1
    assert passed >= 151


SLOW = """\
name: slow
limits: {steps: 60}
models: {m: {provider: scripted, replies: slow.jsonl}}
state: {n: {type: int, reduce: sum}, log: {type: list, reduce: append}, said: string}
nodes:
  count: {set: {n: "1", log: "[n]"}}
  say: {llm: {model: m, prompt: "Say {{n}}", into: said}}
edges:
  - START -> count
  - count -> say
  - say -> count: {when: n < 10}
  - say -> END: {else: true}
"""


def test_a_killed_run_goes_on_and_repeats_nothing_that_had_ended(slipway):
    (slipway.folder / "slow.yaml").write_text(SLOW)
    (slipway.folder / "slow.jsonl").write_text('{"text": "ok", "delay_ms": 15}\n')
    chance = random.Random(8)
    for number in range(6):
        thread = f"t{number}"
        process = subprocess.Popen(
            [slipway.program, "agent", "run", "slow.yaml", "--thread", thread, "--data", slipway.data, "--json"],
            cwd=slipway.folder, env=slipway.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        code, result = call(slipway, "resume", "--thread", thread, "--trace")
        if result["status"] == "failed" and result["error"]["kind"] == "no_thread":
            continue  # Killed before the run was accepted.
        assert code == 0 and result["status"] == "done", result
        assert result["state"]["n"] == 10 and result["state"]["log"] == list(range(10))
        assert result["starts"]["count"] == 10
        assert 10 <= result["starts"]["say"] <= 11
        _, ledger = call(slipway, "ledger", "--thread", thread)
        assert len(ledger["rows"]) == 10


def test_runs_of_the_command_are_among_the_traces(slipway, agent):
    _, result = call(slipway, "run", agent, "--thread", "t", "--input", '{"x": "sums"}')
    _, result = call(slipway, "approve", "--thread", "t", result["interrupts"][0]["id"])
    (item,) = slipway.result("traces", "list")["items"]
    assert item["name"] == "publish" and item["status"] == "ok"
    (root,) = slipway.result("traces", "show", item["id"])["roots"]
    spans = {child["name"]: [below["kind"] for below in child["children"]] for child in root["children"]}
    assert spans["write"] == ["llm"] and spans["go"] == ["tool"] and item["session_id"] == "t"
    call(slipway, "run", agent, "--input", '{"x": "sums"}', "--durability", "none")
    (slipway.folder / "bad.yaml").write_text(PUBLISH.replace('prompt: "About', 'prompt: "{{x.y}} About'))
    call(slipway, "run", "bad.yaml", "--input", '{"x": "sums"}')
    assert [one["status"] for one in slipway.result("traces", "list")["items"]] == ["error", "ok"]


def test_tools_are_checked_when_their_agent_is(slipway, agent):
    def told(tool, args="{}"):
        text = PUBLISH.replace('{builtin: calculator, approve: {ask: "Compute {{args.expression}}?"}}', tool)
        (slipway.folder / "bad.yaml").write_text(text.replace('{expression: "{{draft}}"}', args))
        return [(one["line"], one["message"]) for one in call(slipway, "check", "bad.yaml")[1]["errors"]]

    ((line, message),) = told('{http: {url: "https://example.com/{{q"}, effect: pure}')
    assert line == 3 and "tool 'calc': http.url" in message and "without its '}}'" in message, message
    assert told('{http: {url: "https://example.com/{{q}}", max_bytes: 5GB}, effect: pure}')[0][0] == 3
    ((line, message),) = told("{sql: {sqlite: a.db}}", '{query: "SELEC 1"}')
    assert line == 7 and "syntax error" in message, message
    assert "only statements that read" in told("{sql: {sqlite: a.db}}", '{query: "ATTACH \'b.db\' AS b"}')[0][1]
    assert "only statements" in told('{sql: {postgres: "host=h"}}', '{query: "DELETE FROM a"}')[0][1]
    assert told("{sql: {sqlite: a.db}}", '{query: "SELECT * FROM later WHERE a = ?", params: [1]}') == []
    assert told("{sql: {sqlite: a.db}}", '{query: "{{x}}"}') == []
