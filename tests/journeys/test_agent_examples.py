"""examples/agents: agents in C++ and in YAML, run as their comments say, without a network."""
import json
import os
import subprocess

import pytest
from conftest import ROOT

FOLDER = ROOT / "examples" / "agents"


@pytest.fixture
def example(program, slipway):
    def run(name, *arguments, code=0):
        path = program.resolve().parent.parent / "examples" / f"agent_{name}"
        assert path.is_file(), f"{path} is not there; run 'make build'"
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **slipway.environment})
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)
    return run


def test_a_model_uses_tools_until_it_knows(example):
    result = example("react")
    assert result["output"]["answer"] == "17 lamps cost 408 euros."
    assert result["usage"]["calls"] == 4 and result["tainted"] == {"answer": ["command"]}
    assert "only know" in example("react", "What is a cow?")["output"]["answer"]


def test_a_desk_of_agents_reviews_until_it_accepts(example):
    result = example("desk")
    assert result["state"]["verdict"] == "accept" and result["state"]["rounds"] == 2
    assert len(result["state"]["notes"]) == 3 and "two euros" in result["state"]["text"]


def test_research_criticises_itself_and_publishes_when_approved(example):
    asked = example("research")
    assert asked["status"] == "interrupted" and asked["state"]["score"] == 9
    value = asked["interrupts"][0]["value"]
    assert value["tool"] == "publish" and value["tainted"] == ["http"] and "risk: high" in value["why"]
    assert example("research", "approve")["state"]["post"] == {"id": 1}
    rejected = example("research", "reject")
    assert rejected["status"] == "done" and "post" not in rejected["state"]


@pytest.mark.parametrize("name", ["react", "desk", "research"])
def test_the_examples_are_short(name):
    assert len((FOLDER / f"{name}.cpp").read_text().splitlines()) < 100


def run(slipway, *arguments):
    return slipway.result("agent", *arguments)


def test_research_in_yaml_runs_as_its_comment_says(slipway):
    assert run(slipway, "check", FOLDER / "research.yaml", "--strict")["ok"]
    asked = run(slipway, "run", FOLDER / "research.yaml", "--thread", "r", "--input", '{"question": "When does the harbour open?"}')
    assert asked["status"] == "interrupted" and asked["interrupts"][0]["value"]["tainted"] == ["input"]
    done = run(slipway, "resume", "--thread", "r", "--answer", '"approve"')
    assert done["status"] == "done" and done["output"]["post"]["address"].startswith("https://cms.example/")
    assert done["output"]["report"] == "The harbour opens at seven; a metre costs two euros."


def test_the_desk_in_yaml_runs_as_its_comment_says(slipway):
    done = run(slipway, "run", FOLDER / "desk.yaml", "--input", '{"task": "A leaflet for guests of the harbour"}')
    assert done["status"] == "done" and done["output"] == {"text": "Forty berths at two euros a metre; come in at noon.", "verdict": "accept"}


def test_the_chat_in_yaml_sums_up_what_is_old_and_keeps_what_is_pinned(slipway):
    assert run(slipway, "check", FOLDER / "chat.yaml", "--strict")["ok"]
    for question, answer, calls in (("When does the harbour open?", "At seven.", 1), ("And on Sundays?", "At nine on Sundays.", 1),
                                    ("What does a berth cost?", "Two euros a metre: 24 euros.", 2)):
        done = run(slipway, "run", FOLDER / "chat.yaml", "--thread", "talk", "--input", json.dumps({"question": question}))
        assert done["output"] == {"answer": answer} and done["usage"]["calls"] == calls, done
    (summary,) = [message for message in done["state"]["log"] if "summary_of" in message]
    assert summary["content"] == "The harbour opens at seven." and len(done["state"]["log"]) == 8
    assert done["state"]["log"][0] == {"id": "boat", "role": "user", "content": "My boat is 12 metres long.", "pinned": True}
    assert len(run(slipway, "ledger", "--thread", "talk")["rows"]) == 4
    assert run(slipway, "replay", "--run", done["run"])["ok"]
