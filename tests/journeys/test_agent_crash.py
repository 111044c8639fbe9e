"""Agents whose program ends at any of its writes: nothing that was finished is lost, no effect happens twice."""
import concurrent.futures
import os
import random
import shutil
import threading

import crashing
import pytest
from crashing import Agents, Killed, Vector

# All points of all vectors are some 5000 and take minutes: SLIPWAY_CRASH_ALL=1.
IS_ALL = bool(os.environ.get("SLIPWAY_CRASH_ALL"))
POINTS = 2  # Of each call of a vector.
HOWS = ("kill", "torn", "power")


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return crashing.build_shim(tmp_path_factory.mktemp("shim"))


def told(result):
    """What must be the same however often the program was ended."""
    return {"status": result["status"], "state": result["state"], "output": result["output"],
            "questions": [(i["id"], i["kind"], i["value"]) for i in result["interrupts"]],
            "error": result.get("error", {}).get("kind")}


class Trial:
    """One call of a vector, ended at some of its writes and gone on with."""

    def __init__(self, vector, number, before, first, questions):
        self.vector, self.number, self.call, self.before = vector, number, vector.calls[number], before
        self.questions = questions
        self.command = vector.command(number, first, questions, lambda: before("history", "--thread", "t"))
        self.entries = before("history", "--thread", "t") if number else []
        clean = before.copy(before.data.with_name(f"clean{number}"))
        self.result, self.writes = clean.writes(*self.command)
        self.clean = clean
        after = clean.copy(clean.data.with_name(f"after{number}"))
        self.goals = [(self.result, clean.ledger("t"))]
        if self.result["status"] in ("failed", "interrupted"):
            # A call that had ended so goes on with a resume: the failed tasks again, or past the pause.
            again = after("resume", *vector.options(self.call))
            self.goals.append((again, after.ledger("t")))

    def go_on(self, agents):
        if self.call["do"] == "run":
            resumed = agents("resume", *self.vector.options(self.call))
            if resumed.get("error", {}).get("kind") != "no_thread" and resumed["run"] == f"r{self.number}":
                return resumed
            return agents(*self.command)
        if "at" in self.call or "set" in self.call:
            is_forked = len([e for e in agents("history", "--thread", "t") if e["source"] == "fork"]) > len(
                [e for e in self.entries if e["source"] == "fork"])
            return agents("resume", *self.vector.options(self.call)) if is_forked else agents(*self.command)
        # Those of the call that were not taken; others may have been asked since.
        open_ones = {key: question for key, question in agents.open_questions("t").items() if key in self.questions}
        answers = self.vector.answers(self.call, open_ones)
        return agents("resume", *self.vector.options(self.call), *answers)

    def kill(self, at, how):
        """Whether it was ended there."""
        agents = self.before.copy(self.before.data.with_name(f"{self.number}-{at}-{how}"))
        where = (self.vector.name, self.number, at, how)
        try:
            agents(*self.command, at=at, how=how)
            return False
        except Killed as killed:
            said = killed.args[0]
        known = agents.ledger("t") if self.vector.has_model else None
        result = self.go_on(agents)
        if not self.vector.name.startswith("limit"):  # Supersteps are counted anew.
            self.check(where, agents, known, result)
        if said:  # A reply that was seen is never taken back.
            assert agents("history", "--thread", "t"), where
        shutil.rmtree(agents.data)
        return True

    def check(self, where, agents, known, result):
        if self.result["status"] == result["status"] == "failed" and told(self.result) != told(result):
            # Some of the tasks that failed were written and began anew, the others only now.
            result = agents("resume", *self.vector.options(self.call))
        goals = [(goal, ledger) for goal, ledger in self.goals if told(goal) == told(result)]
        assert goals, (where, told(result), [told(goal) for goal, _ in self.goals])
        goal, clean = goals[0]
        more = sum(result["starts"].values()) - sum(goal["starts"].values())
        open_calls = 0
        if known is not None:
            rows = {row["key"]: row for row in agents.ledger("t")["rows"]}
            # What had ended was not made again, and nothing is there that would not have been made.
            assert set(rows) == {row["key"] for row in clean["rows"]}, where
            for row in known["rows"]:
                if row["state"] == "done":
                    assert rows[row["key"]] == row, where
            open_calls = len([row for row in known["rows"] if row["state"] == "intent"])
        assert 0 <= more <= max(1, open_calls), (where, result["starts"], goal["starts"])


def trials(vector, slipway, shim, folder, template):
    vector.write(folder)
    shutil.copytree(template, folder / "start")
    agents = Agents(slipway, shim, folder, folder / "start")
    first, questions = None, {}
    for number in range(len(vector.calls)):
        trial = Trial(vector, number, agents, first, questions)
        yield trial
        first = first or trial.result
        questions = {i["id"]: i for i in trial.result["interrupts"]}
        agents = trial.clean


def empty_data(slipway, folder):
    """A data folder whose agents.db has its tables."""
    folder.mkdir()
    data = folder / "empty"
    Agents(slipway, None, folder, data)("ledger", "--thread", "nobody")
    return data


@pytest.mark.timeout(1800)
def test_a_vector_ended_at_any_write_ends_as_it_would_have(slipway, shim, tmp_path):
    template = empty_data(slipway, tmp_path / "template")
    lock, ended = threading.Lock(), {how: 0 for how in HOWS}

    def kill_in(file):
        vector = Vector(file)
        chance = random.Random(vector.name)
        for trial in trials(vector, slipway, shim, tmp_path / vector.name, template):
            points = range(1, trial.writes + 1)
            if not IS_ALL:
                points = chance.sample(points, min(POINTS, len(points)))
            for place, at in enumerate(points):
                for how in HOWS if IS_ALL else (HOWS[(at + place) % len(HOWS)],):
                    if trial.kill(at, how):
                        with lock:
                            ended[how] += 1
        shutil.rmtree(tmp_path / vector.name)

    files = sorted(crashing.VECTORS.glob("*.json"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(kill_in, file) for file in files]:
            done.result()
    print(ended)
    assert sum(ended.values()) >= 350
