"""Three hundred kills at random moments of ingest, update, delete, merge and model switch, and a disk that fills up.

The embedder only hashes words, so that the time goes into what is tested.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

KILLS = int(os.environ.get("SLIPWAY_SOAK_KILLS", "300"))
COUNT = 160  # Documents; their chunks are enough for segment files.
CONFIG = """
models:
  hashed: {task: embed, provider: scripted}
  hashed-otherwise: {task: embed, provider: scripted, dimension: 48}
collections:
  default: {embedder: hashed, splitter: {chunk_size: 80}, keep_versions: 40}
"""
PAGE = "Page {number} at version {version}: {words}.\n\n"


class Shelf:
    """A folder of documents, each at a version, and what has been acknowledged of it."""

    def __init__(self, slipway, folder):
        self.slipway, self.folder = slipway, folder
        folder.mkdir()
        (slipway.folder / "slipway.yaml").write_text(CONFIG)
        self.chance = random.Random(11)
        self.possible = {}  # Number -> versions that may be found; None: not there.
        self.version = 0
        for number in range(COUNT):
            self.write(number)

    def path(self, number):
        return self.folder / f"page-{number:03}.txt"

    def write(self, number):
        self.version += 1
        words = self.chance.sample("anchor buoy crane dock eddy fender gale harbour inlet jetty keel".split(), 6)
        self.path(number).write_text("".join(
            PAGE.format(number=number, version=self.version, words=" ".join(words)) for _ in range(8)))
        self.possible[number] = {*self.possible.get(number, {None}), self.version}

    def remove(self, number):
        self.path(number).unlink()
        self.possible[number] = {*self.possible[number], None}

    def acknowledged(self):
        """The last command ended well: every document is as it stands in the folder."""
        for number, versions in self.possible.items():
            self.possible[number] = {None if not self.path(number).exists() else max(v for v in versions if v)}

    def ingest(self):
        return ["ingest", self.folder, "--sync", "--quiet"]

    def switch(self):
        """To the other model, which builds a generation; or back to a former one."""
        shown = self.slipway("collections", "show", "default", "--json")
        now = shown.json["embedder"] if shown.code == 0 else "hashed"
        other = "hashed-otherwise" if now == "hashed" else "hashed"
        return ["collections", "migrate", "default", "--embedder", other, "--quiet"]

    def found(self):
        """Number -> version of every document, by a search that finds all chunks; fails when one is mixed."""
        versions = {}
        for tenth in range(10):  # At most 1000 results at once.
            pages = [n for n in self.possible if n % 10 == tenth]
            chosen = {"path": {"$in": [self.path(n).name for n in pages]}}
            reply = self.slipway.result("search", "page version", "--mode", "lexical", "--limit", "1000",
                                        "--filter", json.dumps(chosen))
            assert reply["matches"] == len(reply["items"])
            for item in reply["items"]:
                number, version = int(item["text"].split()[1]), int(item["text"].split()[4].rstrip(":"))
                versions.setdefault(number, []).append(version)
        for number, seen in versions.items():
            assert len(set(seen)) == 1 and len(seen) == 8, (number, seen)
        return {number: seen[0] for number, seen in versions.items()}

    def check(self):
        found = self.found()
        for number, versions in self.possible.items():
            assert found.get(number) in versions, (number, found.get(number), versions)


def answers(slipway):
    replies = []
    for query in ("anchor buoy", "gale at the jetty", "version 7", "keel fender crane"):
        for mode in ("hybrid", "dense", "lexical"):
            items = slipway.result("search", query, "--mode", mode, "--limit", "50")["items"]
            replies.append([(item["chunk_id"], item["text"], item["score"]) for item in items])
    return replies


@pytest.mark.timeout(600)
def test_three_hundred_kills_lose_nothing_and_mix_nothing(slipway, tmp_path):
    shelf = Shelf(slipway, tmp_path / "docs")
    slipway.ok(*shelf.ingest())
    shelf.acknowledged()
    shelf.check()
    killed, rounds, whole = 0, 0, 0.4  # `whole`: how long an undisturbed command takes here.
    while killed < KILLS:
        rounds += 1
        assert rounds < 4 * KILLS, f"only {killed} commands were still running when they were to be killed"
        for number in shelf.chance.sample(range(COUNT), 12):
            if shelf.path(number).exists() and shelf.chance.random() < 0.25:
                shelf.remove(number)
            else:
                shelf.write(number)
        command = {1: ["collections", "rollback", "default"], 3: shelf.switch(),
                   4: ["index", "optimize"]}.get(rounds % 5 if rounds > 5 else 0) or shelf.ingest()
        start = time.monotonic()
        process = slipway.start(*command)
        try:
            process.wait(shelf.chance.uniform(0.01, whole))
            if process.returncode == 0 and command[0] == "ingest":
                shelf.acknowledged()
                whole = 0.7 * whole + 0.3 * (time.monotonic() - start)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
        if rounds % 20 == 19:
            shelf.check()
    shelf.check()
    slipway.ok("doctor")
    slipway.ok(*shelf.ingest())
    shelf.acknowledged()
    shelf.check()
    if slipway.result("collections", "show", "default")["embedder"] != "hashed":
        slipway.ok(*shelf.switch())
        shelf.check()
    slipway.ok("index", "optimize")
    survived = answers(slipway)
    named = {segment["file"] for segment in slipway.result("index", "stats")["stats"]["segments"]}
    kept = {path.name for path in (slipway.data / "segments").glob("*.segment")}
    serving = {name for name in kept if name.split("-")[0] in {name.split("-")[0] for name in named}}
    assert serving == named - {""}
    slipway.data = tmp_path / "fresh"
    slipway.ok(*shelf.ingest())
    assert answers(slipway) == survived


@pytest.mark.timeout(120)
@pytest.mark.parametrize("room", range(2, 14, 3))
def test_a_full_disk_is_one_clear_error_and_loses_nothing(slipway, tmp_path, room):
    """In a namespace of its own: a file system of `room` MB is filled by an ingest, then makes room."""
    shelf = Shelf(slipway, tmp_path / "docs")
    mount = tmp_path / "disk"
    mount.mkdir()
    program = pathlib.Path(__file__).with_name("full_disk.py")
    slipway.data = mount / "data"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", sys.executable, program, str(mount), str(room),
                           *slipway.command(*shelf.ingest())],
                          cwd=slipway.folder, env=slipway.environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
