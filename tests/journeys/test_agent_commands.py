"""What the commands of agents take, and how they end."""
import json
import signal
import time

import pytest

AGENT = """\
name: maker
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {calc: {builtin: calculator, schema: {expression: string}, approve: {ask: "Compute?"}}}
state: {x: string, draft: string, out: any}
nodes:
  write: {llm: {model: m, prompt: "About {{x}}", into: draft}}
  go: {tool: {use: calc, args: {expression: "{{draft}}"}, into: out}}
edges: [START -> write, write -> go, go -> END]
"""
COUNT = """\
name: count
state: {n: {type: int, reduce: sum}}
nodes: {a: {set: {n: "1"}}, b: {set: {n: "10"}}, c: {set: {n: "100"}}}
edges: [START -> a, a -> b, b -> c, c -> END]
"""
SLOW = """\
name: slow
models: {m: {provider: scripted, replies: slow.jsonl}}
state: {text: string}
nodes: {think: {llm: {model: m, prompt: "slow", into: text}}}
edges: [START -> think, think -> END]
"""


@pytest.fixture
def folder(slipway):
    for name, text in {"maker.yaml": AGENT, "count.yaml": COUNT, "slow.yaml": SLOW, "r.jsonl": '{"text": "6 * 7"}\n',
                       "slow.jsonl": '{"text": "late", "delay_ms": 60000}\n', "in.json": '{"x": "sums"}'}.items():
        (slipway.folder / name).write_text(text)
    return slipway.folder


def call(slipway, *words, code=0):
    outcome = slipway("agent", *words, "--json")
    assert outcome.code == code, outcome
    return outcome.json


def test_a_run_has_the_input_of_a_file_a_name_and_is_replayed_by_it(slipway, folder):
    asked = call(slipway, "run", "maker.yaml", "--input", "@in.json", "--thread", "t", "--run-id", "r7")
    assert asked["run"] == "r7" and asked["state"]["x"] == "sums" and asked["status"] == "interrupted"
    done = call(slipway, "approve", "--thread", "t", asked["interrupts"][0]["id"], "--edit", '{"expression": "2 + 2"}')
    assert done["status"] == "done" and done["state"]["out"] == 4
    (given,) = call(slipway, "ledger", "--thread", "t")["answers"]
    assert given["id"] == asked["interrupts"][0]["id"] and given["answer"]["is"] == "edit" and given["node"] == "go"
    report = call(slipway, "replay", "--run", "r7")
    assert report["ok"]
    # A changed file: the first difference, or the call that nobody recorded.
    (folder / "changed.yaml").write_text(AGENT.replace("into: draft", "into: x"))
    changed = call(slipway, "replay", "--run", "r7", "--with", "changed.yaml", code=1)
    assert not changed["ok"] and changed["first_difference"]["step"] == 1, changed
    (folder / "other.yaml").write_text(AGENT.replace("About {{x}}", "Against {{x}}"))
    other = call(slipway, "replay", "--run", "r7", "--with", "other.yaml", code=1)
    assert not other["ok"] and "write" in json.dumps(other) and len(call(slipway, "ledger", "--thread", "t")["rows"]) == 2, other


def test_a_run_stops_where_it_is_told_to(slipway, folder):
    first = call(slipway, "run", "count.yaml", "--thread", "t", "--pause-before", "b")
    assert first["status"] == "interrupted" and first["interrupts"] == [] and first["state"]["n"] == 1
    second = call(slipway, "resume", "--thread", "t", "--pause-after", "b")
    assert second["status"] == "interrupted" and second["state"]["n"] == 11
    assert call(slipway, "resume", "--thread", "t")["state"]["n"] == 111
    limited = call(slipway, "run", "count.yaml", "--thread", "u", "--steps", "2", code=1)
    assert limited["error"]["kind"] == "step_limit" and limited["state"]["n"] == 11
    assert call(slipway, "resume", "--thread", "u", "--steps", "1")["state"]["n"] == 111


def test_durabilities_are_refused_and_kept_as_they_say(slipway, folder):
    refused = call(slipway, "run", "maker.yaml", "--input", "@in.json", "--thread", "t", "--durability", "exit")
    assert refused["status"] == "interrupted"  # The calculator changes nothing.
    (folder / "effect.yaml").write_text(AGENT.replace("{builtin: calculator,", "{command: [cat],"))
    refused = call(slipway, "run", "effect.yaml", "--input", "@in.json", "--durability", "exit", code=1)
    assert refused["error"]["kind"] == "durability" and "'calc'" in refused["error"]["message"], refused
    call(slipway, "run", "count.yaml", "--thread", "gone", "--durability", "none")
    assert call(slipway, "resume", "--thread", "gone", code=1)["error"]["kind"] == "no_thread"


def test_warnings_are_errors_where_it_is_strict(slipway, folder):
    (folder / "loose.yaml").write_text(AGENT.replace("state: {", "input: [x]\noutput: [out]\nstate: {idle: any, "))
    loose = call(slipway, "check", "loose.yaml")
    told = {(one["code"], one["line"]) for one in loose["warnings"]}
    assert loose["ok"] and told == {("never_written", 6), ("never_read", 6)}, loose
    assert all("idle" in one["message"] and one["file"].endswith("loose.yaml") for one in loose["warnings"])
    strict = call(slipway, "check", "loose.yaml", "--strict", code=1)
    assert not strict["ok"] and strict["warnings"] == [] and len(strict["errors"]) == 2
    assert loose["worst_case"]["calls"] == 1 and loose["worst_case"]["steps"] == 100 and loose["graph"] == {"nodes": 2, "edges": 3}


@pytest.mark.parametrize("words, told", [
    (("run",), "FILE"),
    (("run", "count.yaml", "--input", "{broken"), "--input"),
    (("run", "count.yaml", "--input", "@nowhere.json"), "nowhere.json"),
    (("run", "count.yaml", "--durability", "forever"), "--durability"),
    (("run", "count.yaml", "--steps", "0"), "--steps"),
    (("run", "count.yaml", "--budget", '{"tokns": 1}'), "tokns"),
    (("run", "count.yaml", "--stps", "3"), "--steps"),
    (("resume",), "--thread"),
    (("resume", "--thread", "t", "--set", "{}"), "--as"),
    (("resume", "--thread", "t", "--answer", "{"), "--answer"),
    (("approve", "--thread", "t"), "ID"),
    (("approve", "--thread", "t", "i_1", "--edit", "[1"), "--edit"),
])
def test_wrong_use_ends_with_2_and_says_what_is_wrong(slipway, folder, words, told):
    call(slipway, "run", "count.yaml", "--thread", "t")
    outcome = slipway("agent", *words)
    assert outcome.code == 2 and told in outcome.err + outcome.out, outcome


def test_a_run_that_is_interrupted_from_the_keyboard_is_cancelled_and_goes_on_later(slipway, folder):
    process = slipway.start("agent", "run", "slow.yaml", "--thread", "t", "--json")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    result = json.loads(out)
    assert result["status"] == "cancelled" and result["thread"] == "t", (result, err)
    (folder / "slow.jsonl").write_text('{"text": "soon"}\n')
    assert call(slipway, "resume", "--thread", "t")["state"]["text"] == "soon"


def test_a_data_folder_is_of_one_process_at_a_time(slipway, folder):
    process = slipway.start("agent", "run", "slow.yaml", "--thread", "t")
    try:
        for _ in range(100):
            second = slipway("agent", "history", "--thread", "t")
            if second.code == 1 and "another process" in second.err:
                return
            time.sleep(0.05)
        raise AssertionError(second)
    finally:
        process.kill()
        process.communicate()
