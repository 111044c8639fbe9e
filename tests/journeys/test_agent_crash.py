"""Agents whose program ends at any of its writes: nothing that was finished is lost, no effect happens twice."""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import threading

import conftest
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


def tell_kills(ended, where):
    """`make test` says how often: five hundred times and more."""
    hows = ", ".join(f"{how} {ended[how]}" for how in HOWS)
    conftest.summary.append(f"agents ended at a write and gone on with, {where}: {sum(ended.values())} times ({hows})")


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
    lock, ended = threading.Lock(), collections.Counter()

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
    tell_kills(ended, "over the vectors")
    assert sum(ended.values()) >= 350


FORTY = """\
name: forty
limits: {steps: 100}
models: {m: {provider: scripted, replies: forty.jsonl}}
budget: {tokens: 100000, calls: 1000, on_exceed: fail}
tools:
  pay: {command: [pay, EFFECTS], effect: at_most_once}
  book: {command: [book, EFFECTS], effect: at_most_once, probe: booked}
  booked: {command: [probe, EFFECTS], effect: pure}
  note: {command: [note, EFFECTS], effect: idempotent}
state: {n: {type: int, default: 0}, said: string, log: {type: list, reduce: append}, sums: list, got: any, yes: any}
nodes:
  count: {set: {n: n + 1, log: "[n]"}}
  say: {llm: {model: m, prompt: "Say {{100 + n}}", into: said, max_tokens: 20}}
  pay: {tool: {use: pay, args: {n: "{{n}}"}, into: got}}
  book: {tool: {use: book, args: {n: "{{n}}"}, into: got}}
  note: {tool: {use: note, args: {n: "{{n}}"}, into: got}}
  many: {map: {each: "[1, 2, 3]", as: x, parallel: 1, do: {tool: {use: note, args: {x: "{{x}}"}}}, into: sums}}
  ask: {human: {ask: "Is {{n}} enough?", into: yes}}
edges:
  - START -> count
  - count -> say
  - say -> pay: {when: n % 4 == 1}
  - say -> book: {when: n % 4 == 2}
  - say -> note: {when: n % 4 == 3}
  - say -> many: {else: true}
  - pay -> count
  - book -> count
  - note -> count
  - many -> count: {when: n < 14}
  - many -> ask: {else: true}
  - ask -> END
"""
RESERVED = 2 + 20  # The prompt "Say 101" of a call of `say`, and max_tokens.
STATE = {"n": 16, "said": "ok", "log": list(range(16)), "sums": [1, 1, 1], "got": 1}


class Forty:
    """One run of more than forty supersteps whose effects are counted outside of it."""

    def __init__(self, slipway, shim, folder):
        folder.mkdir(parents=True)
        self.effects = folder / "effects"
        self.effects.touch()
        (folder / "forty.yaml").write_text(FORTY.replace("EFFECTS", str(self.effects)))
        (folder / "forty.jsonl").write_text('{"text": "ok"}\n')
        driver = pathlib.Path(slipway.program).resolve().parents[1] / "bench" / "crash_driver_bench"
        (folder / "data").mkdir()
        self.agents = Agents(slipway, shim, folder, folder / "data", driver)
        self.command = ["run", "forty.yaml", "--thread", "t", "--run-id", "r", "--input", "{}"]
        self.lost = 0  # Reserved by calls that were open when the program ended.
        self.first_id = None

    def counts(self):
        lines = collections.Counter(self.effects.read_text().splitlines())
        return {name: {line.split()[1]: count for line, count in lines.items() if line.startswith(name)}
                for name in ("pay", "book", "note")}

    def go_on(self, **crash):
        """A resume, with answers to what is asked about effects by who knows what happened."""
        answers = []
        for key, question in self.agents.open_questions("t").items():
            if question["kind"] == "effect":
                is_done = question["value"]["key"] in self.counts()["pay"]
                answers += ["--answer", f"{key}=" + json.dumps({"done": 1} if is_done else {"retry": True})]
        result = self.agents("resume", "--thread", "t", *answers, **crash)
        return self.agents(*self.command, **crash) if result.get("error", {}).get("kind") == "no_thread" else result

    def look(self):
        """After an end: what is spent stays within the budget, and is known to the token."""
        ledger = self.agents.ledger("t")
        settled, limits = ledger["budget"]["settled"], ledger["budget"]["limits"]
        assert not limits or (settled["tokens"] <= limits["tokens"] and settled["calls"] <= limits["calls"])
        return ledger

    def finish(self):
        for _ in range(20):
            result = self.go_on()
            if all(i["kind"] != "effect" for i in result["interrupts"]):
                return result
        raise AssertionError(result)


def check_forty(forty, result, clean, where):
    assert result["status"] == "interrupted" and result["state"] == STATE, (where, result)
    assert told(result) == told(clean[0]), where
    counts, expected = forty.counts(), clean[1]
    assert counts["pay"] == expected["pay"], where  # Each once, under its key.
    assert counts["book"] == expected["book"], where
    assert set(counts["note"]) == set(expected["note"]), where  # Again under the same key, if at all.
    assert result["starts"]["count"] == 16, where
    done = forty.agents("resume", "--thread", "t", "--answer", f"{result['interrupts'][0]['id']}=true")
    assert done["status"] == "done" and done["state"] == {**STATE, "yes": True}, (where, done)
    return done


@pytest.fixture(scope="module")
def forty_clean(program, prefix, cache, shim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("forty")
    slipway = conftest.Slipway(program, prefix, folder, cache)
    forty = Forty(slipway, shim, folder / "clean")
    result, writes = forty.agents.writes(*forty.command)
    assert max(entry["step"] for entry in forty.agents("history", "--thread", "t")) >= 40
    counts = forty.counts()
    done = check_forty(forty, result, (result, counts), "clean")
    assert [len(counts[name]) for name in ("pay", "book", "note")] == [4, 4, 4 + 3 * 4]
    return result, counts, writes, done


@pytest.mark.timeout(1800)
def test_a_long_run_ended_at_any_write_repeats_no_effect_and_spends_what_it_says(slipway, shim, tmp_path, forty_clean):
    result, _, writes, clean_done = forty_clean

    def kill(at):
        how = HOWS[at % len(HOWS)]
        forty = Forty(slipway, shim, tmp_path / f"{at}")
        with pytest.raises(Killed):
            forty.agents(*forty.command, at=at, how=how)
        known = forty.look()
        open_calls = [row for row in known["rows"] if row["state"] == "intent" and "model" in row]
        done = check_forty(forty, forty.finish(), forty_clean, (at, how))
        assert done["usage"]["tokens"] == clean_done["usage"]["tokens"] + RESERVED * len(open_calls), (at, how)
        rows = {row["key"]: row for row in forty.look()["rows"]}
        assert all(rows[row["key"]] == row for row in known["rows"] if row["state"] == "done"), (at, how)
        assert done["starts"]["say"] - clean_done["starts"]["say"] <= len(open_calls) <= 1, (at, how)
        shutil.rmtree(forty.agents.folder)

    points = range(1, writes + 1) if IS_ALL else range(1, writes + 1, max(1, writes // 170))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(kill, at) for at in points]:
            done.result()
    tell_kills(collections.Counter(HOWS[at % len(HOWS)] for at in points), "of one run of more than 40 supersteps")
    assert len(points) >= 150


# A power cut takes away what was not synced, so it must come after the first effect of a process to get anywhere.
@pytest.mark.parametrize("every, how", [(29, "kill"), (47, "kill"), (29, "torn"), (47, "torn"), (71, "power"), (97, "power")])
@pytest.mark.timeout(300)
def test_a_run_that_is_ended_again_and_again_comes_to_its_end(slipway, shim, tmp_path, forty_clean, every, how):
    forty = Forty(slipway, shim, tmp_path / "again")
    kills, result = 0, None
    while result is None or any(i["kind"] == "effect" for i in result["interrupts"]):
        try:
            result = forty.go_on(at=every + kills % 3, how=how)
        except Killed:
            kills += 1
            assert kills < 200
            forty.look()
    assert kills > 3
    check_forty(forty, result, forty_clean, (every, how))


def test_a_disk_that_is_full_at_any_write_is_told_and_the_run_goes_on_when_it_is_not(slipway, shim, tmp_path, forty_clean):
    writes = forty_clean[2]
    for at in range(1, writes, writes // 12):
        forty = Forty(slipway, shim, tmp_path / f"{at}")
        result = forty.agents(*forty.command, at=at, how="full")
        text = json.dumps(result)
        if result.get("status") == "failed":
            assert result["error"]["kind"] == "storage", (at, result)
        if result.get("status") != "interrupted":
            assert "disk" in text and ("space" in text or "full" in text), (at, result)
        forty.look()
        check_forty(forty, forty.finish(), forty_clean, at)
