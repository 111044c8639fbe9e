"""Agents in a program that ends at a write of our choice: killed, torn, without power, or with a full disk."""
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "data" / "agents"
KILLED = -9


def build_shim(folder):
    shim = folder / "crash_shim.so"
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", shim, HERE / "crash_shim.c", "-ldl"], check=True)
    return shim


class Killed(Exception):
    """The program was ended at its write, as it was told."""


class Agents:
    """`slipway agent` on one data folder, with --json."""

    def __init__(self, slipway, shim, folder, data, program=None):
        self.slipway, self.shim, self.folder, self.data = slipway, shim, folder, data
        self.program = program or slipway.program

    def copy(self, data):
        shutil.copytree(self.data, data)
        return Agents(self.slipway, self.shim, self.folder, data, self.program)

    def __call__(self, *words, at=0, how="none", count=None):
        environment = dict(self.slipway.environment)
        if self.shim and (at or count):
            environment |= {"LD_PRELOAD": str(self.shim), "CRASH_FOLDER": str(self.data), "CRASH_AT": str(at), "CRASH_HOW": how}
            if count:
                environment["CRASH_COUNT"] = str(count)
        done = subprocess.run([self.program, "agent", *map(str, words), "--json", "--data", self.data], cwd=self.folder,
                              env=environment, capture_output=True, timeout=60)
        if done.returncode == KILLED:
            raise Killed(done.stdout)
        assert done.returncode in (0, 1), (words, done)
        return json.loads(done.stdout) if done.stdout else {"failed": done.stderr.decode()}

    def writes(self, *words):
        """The result of a command, and how many writes it makes."""
        count = self.data.with_suffix(".count")
        result = self(*words, count=count)
        return result, int(count.read_text())

    def open_questions(self, thread):
        history = self("history", "--thread", thread)
        return {} if isinstance(history, dict) else {i["id"]: i for i in history[0]["interrupts"]}

    def ledger(self, thread):
        found = self("ledger", "--thread", thread)
        return found if "rows" in found else {"rows": [], "budget": {"limits": {}, "settled": {"tokens": 0, "calls": 0, "usd": 0}}}


class Vector:
    """The calls of one vector, as commands for thread t."""

    def __init__(self, file):
        self.name = file.stem
        self.document = json.loads(file.read_text())
        self.calls = self.document["calls"]
        self.has_model = "provider: scripted" in str(self.document["files"])

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.document["files"].items():
            (folder / name).write_text(text)

    def options(self, call):
        words = ["--thread", "t", "--trace"]
        if "steps" in call:
            words += ["--steps", call["steps"]]
        for place in ("before", "after"):
            for node in call.get(f"pause_{place}", []):
                words += [f"--pause-{place}", node]
        return words

    def answers(self, call, questions):
        """Of the questions that wait, as the call answers them."""
        words = []
        for node, answer in call.get("answers", {}).items():
            for key, question in questions.items():
                if question["node"] == node:
                    words += ["--answer", f"{key}={json.dumps(answer)}"]
        return words

    def command(self, number, first, questions, history):
        call = self.calls[number]
        if call["do"] == "run":
            return ["run", "agent.yaml", "--run-id", f"r{number}", "--input", json.dumps(call["input"]), *self.options(call)]
        words = ["resume", *self.options(call), *self.answers(call, questions)]
        if "at" in call:
            at = {step["step"]: step["checkpoint"] for step in first["steps"]}
            words += ["--checkpoint", at.get(call["at"]) or history()[-1]["checkpoint"]]
        if "set" in call:
            words += ["--set", json.dumps(call["set"]), "--as", call["as"]]
        return words
