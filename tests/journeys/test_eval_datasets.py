"""Goldens in datasets and files, from the outside: add, versions, formats, traces, synthesis."""

import json

import pytest
from serving import serve

GOLDENS = [
    {"id": "a", "input": "why?", "expected_output": "so", "metadata": {"document": "d1"}},
    {"id": "b", "input": "how, then?", "context": ["x|y", "z"], "latency_ms": 12.5},
]


@pytest.fixture
def folder(slipway):
    text = "".join(json.dumps(golden) + "\n" for golden in GOLDENS)
    (slipway.folder / "goldens.jsonl").write_text(text)
    return slipway.folder


def test_every_version_stays_and_has_a_name(slipway, folder):
    dataset = ("eval", "dataset")
    first = slipway.result(*dataset, "add", "qa", "goldens.jsonl", "--alias",
                         "release")
    assert first["added"] == 2 and first["aliases"] == ["release"]
    (folder / "more.jsonl").write_text(
        json.dumps({**GOLDENS[0], "expected_output": "therefore"}) + "\n"
        + json.dumps({"id": "c", "input": "when?"}) + "\n")
    second = slipway.result(*dataset, "add", "qa", "more.jsonl")
    assert (second["added"], second["changed"], second["size"]) == (1, 1, 3)
    assert second["digest"] != first["digest"]
    # The order of rows does not matter.
    lines = (folder / "goldens.jsonl").read_text().splitlines()
    (folder / "turned.jsonl").write_text("\n".join(reversed(lines)))
    third = slipway.result(*dataset, "add", "other", "turned.jsonl")
    assert third["digest"] == first["digest"]

    difference = slipway.result(*dataset, "diff", "qa@release", "qa")
    assert [g["id"] for g in difference["added"]] == ["c"]
    assert difference["changed"][0]["members"] == ["expected_output"]
    old = slipway.result(*dataset, "show", "qa@" + first["digest"][:20])
    assert old["size"] == 2 and len(old["versions"]) >= 2
    listed = slipway.result(*dataset, "list")["items"]
    assert {one["name"]: one["size"] for one in listed} == {"qa": 3, "other": 2}
    assert "3 goldens" in slipway.ok(*dataset, "show", "qa").out
    assert "qa@yesterday is sha256:" in slipway.ok(*dataset, "alias", "qa@" + first["digest"][:20], "yesterday").out
    assert slipway.result(*dataset, "show", "qa@yesterday")["digest"] == first["digest"]
    wrong = slipway.fails(1, *dataset, "show", "qa@nothing")
    assert "has no version 'nothing'" in wrong.err


@pytest.mark.parametrize("form", ["deepeval", "ragas", "langsmith", "jsonl", "csv"])
def test_what_is_exported_can_be_imported_again(slipway, folder, form):
    for ending in ("jsonl", "json", "csv"):
        if form in ("jsonl", "csv") and form != ending:
            continue
        name = f"out.{ending}"
        slipway.ok("eval", "dataset", "export", "./goldens.jsonl", "--format", form,
                "-o", name)
        back = slipway.ok("eval", "dataset", "import", name).out
        assert [json.loads(line) for line in back.splitlines()] == GOLDENS


def test_a_suite_takes_the_splits_that_it_names(slipway, folder):
    lines = [{"inputs": {"question": f"q{i}"}, "outputs": {"answer": "a" if i < 3 else "b"},
              "metadata": {}, **({"split": "smoke"} if i < 3 else {})} for i in range(8)]
    (folder / "langsmith.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    slipway.ok("eval", "dataset", "import", "langsmith.jsonl", "--name", "made")
    assert slipway.result("eval", "dataset", "show", "made")["splits"] == {"base": 5, "smoke": 3}
    assert "splits base 5, smoke 3" in slipway.ok("eval", "dataset", "show", "made").out
    suite = folder / "suite.yaml"
    text = "name: s\ndataset: made\nsplits: [smoke]\ntarget: {command: [echo, a]}\nmetrics: [{name: exact_match, threshold: 1}]\n"
    suite.write_text(text)
    result = slipway.result("eval", "run", suite)
    assert result["metrics"][0]["n"] == 3 and result["metrics"][0]["mean"] == 1, result
    suite.write_text(text.replace("splits: [smoke]\n", ""))
    assert slipway("eval", "run", suite, "--json").json["metrics"][0]["n"] == 8
    suite.write_text(text.replace("[smoke]", "[smok]"))
    assert "no golden is in split smok; there are: base, smoke" in slipway.fails(2, "eval", "run", suite).err


def test_wrong_files_are_told_with_their_place(slipway, folder):
    (folder / "bad.csv").write_text("input,latency_ms\nwhy?,fast\n")
    told = slipway.fails(1, "eval", "dataset", "add", "qa", "bad.csv").err
    assert "bad.csv: line 2, column 6 (latency_ms): expected a number, got 'fast'" in told
    assert "not_found" not in told
    assert not slipway.data.exists()
    slipway.fails(2, "eval", "dataset", "add", "qa@1", "goldens.jsonl")


def test_traces_become_goldens_once_and_failures_wait_for_an_answer(slipway, folder):
    with serve(slipway) as server:
        for number in range(6):
            run = {"id": f"00000000-0000-4000-8000-00000000000{number}",
                   "trace_id": f"00000000-0000-4000-8000-00000000000{number}",
                   "dotted_order": f"20261123T08000{number}000000Z"
                                   f"00000000-0000-4000-8000-00000000000{number}",
                   "name": "ask", "run_type": "chain", "session_name": "shop",
                   "start_time": f"2026-11-23T08:00:0{number}Z",
                   "end_time": f"2026-11-23T08:00:0{number}.5Z",
                   "inputs": {"question": f"mail me at user{number}@example.org?"},
                   "outputs": {"answer": f"answer {number}"}}
            if number == 5:
                run["error"] = "it broke"
            server.post("/langsmith/runs", run)
        server.post("/langsmith/feedback",
                    {"run_id": "00000000-0000-4000-8000-000000000001", "key": "correct",
                     "score": 0, "trace_id": "00000000-0000-4000-8000-000000000001"})
        flow = ("eval", "dataset", "from-traces")
        chosen = slipway.result(*flow, "all", "--filter",
                              json.dumps({"project": "shop"}), "--sample", "3", "--redact")
        assert (chosen["matched"], chosen["added"]) == (6, 3)
        again = slipway.result(*flow, "all", "--project", "shop", "--sample", "3",
                             "--redact")
        assert (again["added"], again["known"], again["digest"]) == (0, 3, chosen["digest"])
        text = slipway.ok("eval", "dataset", "export", "all").out
        assert "[email]" in text and "example.org" not in text

        # The same of a server, whose dataset gets them; or they are printed.
        at = ("--url", server.url, "--project", "shop", "--sample", "3", "--redact")
        served = slipway.result(*flow, "all", *at)
        assert (served["matched"], served["added"], served["known"]) == (6, 0, 3)
        assert served["digest"] == chosen["digest"]
        assert slipway.result(*flow, "elsewhere", *at)["digest"] == chosen["digest"]
        printed = [json.loads(line) for line in slipway.ok(*flow, *at).out.splitlines()]
        assert len(printed) == 3 and all("[email]" in golden["input"] for golden in printed)
        refused = slipway(*flow, "all", "--url", "http://127.0.0.1:1")
        assert refused.code == 1 and "127.0.0.1:1" in refused.err
        assert slipway(*flow, "a@b", *at).code == 2
        assert slipway(*flow, "all", "--filter", "[1]", *at).code == 2

        failed = slipway.result(*flow, "regressions", "--failed", "--sample", "1")
        assert failed["added"] == 2
        goldens = [json.loads(line) for line in slipway.ok("eval", "dataset", "export", "regressions").out.splitlines()]
        assert all(g["metadata"]["severity"] == "critical" for g in goldens)
        assert sorted(g["metadata"]["failure"] for g in goldens) == [
            "error: it broke", "feedback correct 0"]
        assert all("expected_output" not in g for g in goldens)
        assert goldens[0]["latency_ms"] == 500

        # A person answers one of them by feedback, the other on the command line.
        server.post("/langsmith/feedback",
                    {"run_id": "00000000-0000-4000-8000-000000000001", "key": "note",
                     "correction": {"answer": "better 1"},
                     "trace_id": "00000000-0000-4000-8000-000000000001"})
        assert slipway.result(*flow, "regressions", "--failed")["answered"] == 1
        broken = next(g for g in goldens if "broke" in g["metadata"]["failure"])
        slipway.ok("eval", "dataset", "answer", "regressions", "--id", broken["id"],
                "better 5")
        goldens = [json.loads(line) for line in slipway.ok("eval", "dataset", "export", "regressions").out.splitlines()]
        assert sorted(g["expected_output"] for g in goldens) == ["better 1", "better 5"]


def test_questions_come_out_of_a_collection_with_the_span_that_answers_them(slipway, folder):
    text = ("# Traces\n\nTraces of all calls are kept for 30 days. A collection can hold 5 indexes "
            "at once.\n\nOld reports are deleted because disks are finite and others need them.\n")
    (folder / "guide.md").write_text(text)
    slipway.ok("ingest", "guide.md", "-c", "guide", "--quiet")
    made = slipway.ok("eval", "dataset", "synthesize", "guide").out
    goldens = [json.loads(line) for line in made.splitlines()]
    assert {g["input"] for g in goldens} >= {"How long are traces of all calls kept?"}
    for golden in goldens:
        span = golden["metadata"]["answer_span"]
        assert text[span["start"]:span["end"]] == golden["expected_output"]
        (name,) = golden["relevance"]
        assert name.endswith(f"guide.md#{span['start']}-{span['end']}")
    stored = slipway.result("eval", "dataset", "synthesize", "guide", "--name", "s")
    assert stored["added"] == len(goldens)
