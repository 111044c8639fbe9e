"""Suites, baselines and gates, as a person and a pipeline meet them; and the gate of this project's own answers."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from test_page import browser  # noqa: F401  One Chromium, as for the page.

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "eval"
HOSTILE = "<img src=x onerror=\"window.stolen=1\"> & '\"\n::error ::x"
WRONG = range(8, 40, 2)  # In eight documents.
SUITE = """name: demo
dataset: goldens.jsonl
metrics:
  - {name: exact_match, as: exact}
  - {name: token_f1, margin: 0.04}
"""


class Suite:
    """Sixty questions in fifteen documents; `wrong` of them are answered wrongly."""

    def __init__(self, folder, suite=SUITE):
        self.folder = folder
        self.path = folder / "suite.yaml"
        self.path.write_text(suite)
        self.answer()

    def answer(self, wrong=(), critical=(7,), count=60, hostile=False):
        lines = []
        for i in range(count):
            answer = f"the answer is {i}" if i not in wrong else "nobody knows"
            lines.append(json.dumps({
                "id": f"q{i:03}" + (HOSTILE if hostile and i == 3 else ""), "input": HOSTILE if hostile else f"question {i}",
                "expected_output": f"the answer is {i}", "actual_output": answer,
                "metadata": {"document": f"d{i // 4}", "severity": "critical" if i in critical else "normal"}}) + "\n")
        (self.folder / "goldens.jsonl").write_text("".join(lines))


@pytest.fixture
def suite(slipway):
    return Suite(slipway.folder)


def baseline(slipway, suite):
    slipway.ok("eval", "baseline", suite.path, "--output", "base.json")
    return "base.json"


def annotations(outcome):
    return [line for line in outcome.out.splitlines() if line.startswith("::")]


def test_no_change_passes_and_the_result_is_the_same_bytes(slipway, suite):
    base = baseline(slipway, suite)
    outcome = slipway.ok("eval", "gate", suite.path, "--baseline", base, "--output", "now.json")
    assert "the gate hold" in outcome.out
    slipway.ok("eval", "gate", suite.path, "--baseline", base, "--output", "again.json", "--jobs", 7)
    assert (slipway.folder / "now.json").read_bytes() == (slipway.folder / "again.json").read_bytes()
    result = json.loads((slipway.folder / "now.json").read_text())
    assert result["format"] == "slipway-eval-result/1" and list(result) == sorted(result)
    exact = result["metrics"][0]
    assert (exact["name"], exact["mean"], exact["n"], exact["clusters"]) == ("exact", 1, 60, 15)
    assert result["gate"]["decision"] == "pass"
    assert "/" not in json.dumps(result["items"])


def test_a_regression_is_told_alike_by_every_report(slipway, suite):
    base = baseline(slipway, suite)
    suite.answer(wrong=WRONG)
    outcome = slipway("eval", "gate", suite.path, "--baseline", base, "--format", "github", "--junit", "out.xml",
                      "--output", "now.json", environment={"GITHUB_STEP_SUMMARY": str(slipway.folder / "summary.md")})
    assert outcome.code == 1, outcome
    said = annotations(outcome)
    assert len(said) == 2 and all(line.startswith("::error file=suite.yaml,line=") for line in said)
    assert "line=4,title=exact regressed::" in said[0] and "line=5,title=token_f1 regressed::" in said[1]
    gate = json.loads((slipway.folder / "now.json").read_text())["gate"]
    assert gate["decision"] == "fail" and {m["verdict"] for m in gate["metrics"]} == {"regressed"}
    suites = ElementTree.parse(slipway.folder / "out.xml").getroot()
    assert suites.tag == "testsuites" and suites.get("failures") == "2"
    for one in suites:
        assert int(one.get("tests")) == len(one.findall("testcase"))
        assert int(one.get("failures")) == len(one.findall("testcase/failure"))
    assert [one.get("name") for one in suites] == ["demo.items", "demo.gate"]
    assert "| regressed |" in (slipway.folder / "summary.md").read_text()


def test_one_critical_item_fails_the_gate_and_names_its_line(slipway, suite):
    base = baseline(slipway, suite)
    suite.answer(wrong=[7])
    outcome = slipway("eval", "gate", suite.path, "--baseline", base, "--format", "github")
    assert outcome.code == 1
    assert annotations(outcome)[0].startswith("::error file=goldens.jsonl,line=8,title=critical item q007::")


def test_changed_questions_fail_unless_accepted_and_missing_ones_are_named(slipway, suite):
    base = baseline(slipway, suite)
    suite.answer(count=58)
    refused = slipway("eval", "gate", suite.path, "--baseline", base)
    assert refused.code == 1 and "only in the baseline: q058, q059" in refused.out
    accepted = slipway.ok("eval", "gate", suite.path, "--baseline", base, "--accept-changes")
    assert "2 of 60 items are on one side only" in accepted.out
    suite.answer(count=50)
    assert slipway("eval", "gate", suite.path, "--baseline", base, "--accept-changes").code == 1


def test_thresholds_decide_the_exit_code_without_a_baseline(slipway, suite):
    suite.answer(wrong=range(30))
    slipway.ok("eval", "run", suite.path)
    for bound, code in (("threshold: 0.4", 0), ("threshold: 0.6", 1), ("min_pass_rate: 0.5", 0), ("min_pass_rate: 0.51", 1),
                        ("per_item: true", 1)):
        suite.path.write_text(f"name: demo\ndataset: goldens.jsonl\nmetrics:\n  - {{name: exact_match, {bound}}}\n")
        assert slipway("eval", "run", suite.path).code == code, bound
    slipway("eval", "run", suite.path, "--junit", "out.xml")
    assert ElementTree.parse(slipway.folder / "out.xml").getroot()[0].get("failures") == "30"


@pytest.mark.parametrize("text, message", [
    (SUITE.replace("metrics", "metrcs"), "line 3: $.metrcs: unknown key; did you mean 'metrics'?"),
    (SUITE.replace("margin", "margni"), "line 5: $.metrics[1].margni: unknown key; did you mean 'margin'?"),
    (SUITE.replace("exact_match", "exact_mach"), "line 4: $.metrics[0].name: there is no metric 'exact_mach'; did you mean 'exact_match'?"),
    (SUITE.replace("token_f1", "faithfulness, mode: native"), "line 5: $.metrics[1] (faithfulness): metric 'faithfulness' in mode native asks a judge"),
    (SUITE.replace("goldens.jsonl", "nowhere.jsonl"), "nowhere.jsonl is not there"),
    ("name: [", "not valid YAML at line 1"),
])
def test_a_wrong_suite_is_wrong_use_and_says_where(slipway, suite, text, message):
    suite.path.write_text(text)
    outcome = slipway.fails(2, "eval", "run", suite.path)
    assert message in outcome.err, outcome


def test_wrong_files_are_wrong_use(slipway, suite):
    assert "is not there" in slipway.fails(2, "eval", "gate", suite.path, "--baseline", "nowhere.json").err
    assert "no baseline to compare with" in slipway.fails(2, "eval", "gate", suite.path).err
    slipway.fails(2, "eval", "run", "nowhere.yaml")
    (slipway.folder / "other.json").write_text('{"format": "something else"}')
    assert "its format is 'something else'" in slipway.fails(2, "eval", "gate", suite.path, "--baseline", "other.json").err
    (slipway.folder / "goldens.jsonl").write_text('{"input": "a"}\n{"inptu": "b"}\n')
    assert "goldens.jsonl:2: $.inptu: unknown key; did you mean 'input'?" in slipway.fails(2, "eval", "run", suite.path).err


def test_results_are_compared_and_reported_without_running_again(slipway, suite):
    base = baseline(slipway, suite)
    suite.answer(wrong=WRONG)
    slipway("eval", "run", suite.path, "--output", "now.json", "--details", "details.jsonl")
    outcome = slipway("eval", "compare", base, "now.json", "--suite", suite.path)
    assert outcome.code == 1 and outcome.out.count("regressed") >= 2
    assert slipway("eval", "compare", "now.json", base, "--suite", suite.path).code == 0
    slipway.ok("eval", "report", "now.json", "--baseline", base, "--details", "details.jsonl", "--html", "page.html")
    page = (slipway.folder / "page.html").read_text()
    assert page.count("<tr data-item=") == 60 and "nobody knows" in page
    slipway.fails(2, "eval", "compare", base, "nowhere.json")


def test_an_interrupted_run_goes_on_where_it_stopped(slipway, suite):
    slow = slipway.folder / "slow.sh"
    slow.write_text("#!/bin/sh\nsleep 0.2\necho \"nobody knows\"\n")
    slow.chmod(0o755)
    suite.path.write_text(SUITE.replace("metrics:", f"target: {{command: [\"{slow}\"]}}\nmetrics:"))
    process = slipway.start("eval", "run", suite.path, "--jobs", 2)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 130 and "run the same command again to go on" in err
    done = slipway.ok("eval", "run", suite.path, "--jobs", 8)
    assert "cases were done before the interruption" in done.err
    assert "exact" in done.out


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_shows_what_failed_and_why(slipway, suite, browser, theme):  # noqa: F811
    suite.answer(hostile=True)
    base = baseline(slipway, suite)
    suite.answer(wrong=WRONG, hostile=True)
    outcome = slipway("eval", "gate", suite.path, "--baseline", base, "--html", "page.html", "--format", "github")
    assert outcome.code == 1 and len(annotations(outcome)) == 2
    notes = browser("a_report_shows_what_failed_and_why", f"file://{slipway.folder}/", name="page.html", theme=theme,
                    items=60, failing=16, changed=16)
    assert notes["decision"] == "false" and notes["stolen"] is None
    assert notes["paper"] == ("rgb(245, 247, 250)" if theme == "light" else "rgb(15, 18, 24)")


def test_this_projects_own_answers_hold_its_baseline(slipway):
    slipway.ok("ingest", EXAMPLE / "handbook", "--collection", "handbook")
    outcome = slipway("eval", "gate", EXAMPLE / "handbook.yaml", "--html", "page.html", timeout=300)
    assert outcome.code == 0, outcome


def test_the_pytest_example_runs_as_it_stands(slipway, prefix):
    slipway.ok("ingest", EXAMPLE / "handbook", "--collection", "handbook")
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "test_handbook.py"],
                         cwd=slipway.folder, capture_output=True, text=True,
                         env={**slipway.environment, "SLIPWAY": f"{slipway.program} --data {slipway.data}"})
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout and "skipped" not in run.stdout


class Runner:
    """Runs the steps of a workflow as GitHub's runner does: in order, each by `bash -e`, what it adds to $GITHUB_PATH in front
    of the next one's PATH."""

    def __init__(self, slipway, checkout, path):
        self.checkout, self.added = checkout, slipway.folder / "github_path"
        self.environment = {**slipway.environment, "PATH": path, "GITHUB_PATH": str(self.added),
                            "GITHUB_STEP_SUMMARY": str(slipway.folder / "summary.md")}
        self.added.write_text("")

    def __call__(self, step):
        path = ":".join([*reversed(self.added.read_text().split()), self.environment["PATH"]])
        return subprocess.run(["bash", "-e", "-c", step["run"]], cwd=self.checkout, capture_output=True, text=True,
                              env={**self.environment, "PATH": path}, timeout=300)


@pytest.fixture
def workflow(slipway):
    """Its steps, and a checkout of what they need, in a folder where nothing else is."""
    job = yaml.safe_load((ROOT / "docs" / "ci" / "evaluation.yml").read_text())["jobs"]["answers"]
    checkout = slipway.folder / "checkout"
    shutil.copytree(EXAMPLE, checkout / "examples" / "eval", ignore=shutil.ignore_patterns("__pycache__"))
    return job, [step for step in job["steps"] if "run" in step], checkout


@pytest.fixture
def without_slipway(slipway):
    """A PATH of the machine's programs alone."""
    return os.pathsep.join(folder for folder in slipway.environment["PATH"].split(os.pathsep)
                           if not (pathlib.Path(folder) / "slipway").exists())


def test_the_workflow_file_runs_as_it_stands(slipway, workflow, without_slipway):
    job, steps, checkout = workflow
    programs = slipway.folder / "programs"
    programs.mkdir()
    (programs / "slipway").symlink_to(slipway.program)
    run = Runner(slipway, checkout, f"{programs}:{without_slipway}")
    for step in steps:
        done = run(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    assert not [line for line in done.stdout.splitlines() if line.startswith("::error")]
    kept = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))["with"]["path"].split()
    assert sorted(kept) == ["eval.html", "eval.json", "eval.xml"] and all((checkout / name).stat().st_size for name in kept)
    assert "| faithfulness |" in (slipway.folder / "summary.md").read_text()
    # What the pull request makes worse fails the job, and says where.
    for document in (checkout / "examples" / "eval" / "handbook").iterdir():
        document.write_text(document.read_text()[:200])
    assert run(steps[-2]).returncode == 0
    worse = run(steps[-1])
    assert worse.returncode == 1, worse
    assert [line for line in worse.stdout.splitlines() if line.startswith("::error file=examples/eval/")], worse.stdout


def test_the_workflow_unpacks_a_tarball_where_no_slipway_is_installed(slipway, workflow, without_slipway):
    _, steps, checkout = workflow
    release = slipway.folder / "slipway-1-linux" / "bin" / "slipway"
    release.parent.mkdir(parents=True)
    release.write_text(f"#!/bin/sh\nexec {slipway.program} \"$@\"\n")
    release.chmod(0o755)
    with tarfile.open(slipway.folder / "release.tar.gz", "w:gz") as tarball:
        tarball.add(slipway.folder / "slipway-1-linux", "slipway-1-linux")
    run = Runner(slipway, checkout, without_slipway)
    run.environment["SLIPWAY_TARBALL"] = (slipway.folder / "release.tar.gz").as_uri()
    for step in steps:
        done = run(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    run.environment["HOME"], run.environment["SLIPWAY_TARBALL"] = str(slipway.folder / "other"), "file:///nowhere.tar.gz"
    run.added.write_text("")
    assert run(steps[0]).returncode != 0
