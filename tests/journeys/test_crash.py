"""Whatever happens in the middle of an ingest: each document is old or new, and it goes on."""
import random
import time

import documents
import pytest

ROUNDS = 20
COUNT = 12


def write_version(folder, version):
    """Every document says its version, in a sentence of its own, and has several chunks."""
    folder.mkdir(exist_ok=True)
    for number in range(COUNT):
        (folder / f"berth-{number:02}.md").write_text(
            f"# Berth {number}\n\nThis is version {version} of the page on berth {number}.\n\n"
            + f"Berth {number} lies in row {number % 5}, version {version}. " * 24 + "\n")


def versions(slipway):
    """version of each document's stored text; fails when one is mixed."""
    found = {}
    for name, document in slipway.documents().items():
        text = slipway.ok("documents", "text", document["id"]).out
        seen = {v for v in range(ROUNDS + 2) if f"version {v}." in text or f"version {v} of" in text}
        assert len(seen) == 1, (name, seen)
        found[name] = seen.pop()
    return found


@pytest.mark.timeout(150)
def test_kill_9_leaves_each_document_old_or_new(slipway, tmp_path):
    folder = tmp_path / "docs"
    write_version(folder, 0)
    slipway.ok("ingest", folder)
    write_version(folder, 1)
    start = time.monotonic()
    slipway.ok("ingest", folder)
    whole = time.monotonic() - start
    chance = random.Random(3)
    killed = 0
    for version in range(2, ROUNDS + 2):
        write_version(folder, version)
        process = slipway.start("ingest", folder)
        time.sleep(chance.uniform(0.05, whole))
        process.kill()
        process.communicate()
        killed += process.returncode == -9
        if version % 5 == 1:  # Every text is read; enough to do now and then.
            found = versions(slipway)
            assert len(found) == COUNT
            assert all(v <= version for v in found.values())
    assert killed > ROUNDS / 2
    found = versions(slipway)
    assert len(found) == COUNT
    report = slipway.result("ingest", folder)
    assert report["failed"] == [] and report["added"] == 0
    assert set(versions(slipway).values()) == {ROUNDS + 1}
    hits = slipway.result("search", f"version {ROUNDS + 1}", "--mode", "lexical")["items"]
    assert hits and all(f"version {ROUNDS + 1}" in h["text"] for h in hits)
    slipway.ok("doctor")


@pytest.mark.parametrize("kind", ["database", "file"])
@pytest.mark.timeout(150)
def test_the_nth_failure_never_crashes_and_never_harms(slipway, tmp_path, kind):
    folder = documents.write_harbour(tmp_path / "docs")
    failures = 0
    for nth in range(1, 31):
        (folder / "winter.txt").write_text(f"Winter storage begins in week {nth}.\n")
        outcome = slipway("ingest", folder, environment={"SLIPWAY_FAULT": f"{kind}:{nth}"})
        assert outcome.code in (0, 1), (nth, outcome)
        assert "unexpected failure" not in outcome.err, (nth, outcome)
        if outcome.code == 1:
            failures += 1
            assert "injected" in outcome.err, (nth, outcome)
        if nth % 6 == 0:
            slipway.ok("doctor")
    assert failures > 3
    report = slipway.result("ingest", folder)
    assert report["failed"] == []
    assert len(slipway.documents()) == 4
    assert "week 30" in slipway.ok("documents", "text",
                                   slipway.documents()["winter.txt"]["id"]).out
    slipway.ok("doctor")


def test_a_failing_answer_is_an_error_and_not_half_an_answer(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    for nth in range(1, 16):
        outcome = slipway("ask", "What is the fine for speeding?", "--mode", "extract", "--json",
                          environment={"SLIPWAY_FAULT": f"database:{nth}"})
        assert outcome.code in (0, 1), outcome
        if outcome.code == 1:
            assert outcome.out == "" and "injected" in outcome.err
        else:
            assert "250" in outcome.json["answer"]
