"""The command line: help, wrong use, pipes, Ctrl-C."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import documents
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = [[], ["ingest"], ["search"], ["ask"], ["collections"], ["collections", "list"],
            ["collections", "show"], ["collections", "delete"], ["documents"],
            ["documents", "list"], ["documents", "text"], ["documents", "delete"], ["models"],
            ["models", "list"], ["models", "pull"], ["models", "import"], ["config"],
            ["config", "check"], ["config", "show"], ["config", "schema"], ["doctor"],
            ["completion"]]


def plain(slipway, *arguments):
    return subprocess.run([slipway.program, *arguments], cwd=slipway.folder, capture_output=True,
                          text=True, env=slipway.environment, timeout=30)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c) or "slipway")
def test_help_shows_usage_and_an_example(slipway, command):
    shown = plain(slipway, *command, "--help")
    assert shown.returncode == 0 and shown.stderr == ""
    assert "Usage: slipway" in shown.stdout and "Examples:" in shown.stdout
    assert "  slipway" in shown.stdout.split("Examples:")[1] or "slipway" in shown.stdout
    assert not (slipway.folder / ".slipway").exists()


def test_commands_without_models_or_data_start_at_once(slipway):
    for command in (["--help"], ["config", "show"], ["models", "list"], ["completion", "bash"]):
        start = time.monotonic()
        assert plain(slipway, *command).returncode == 0
        assert time.monotonic() - start < 1.5, command
    assert not (slipway.folder / ".slipway").exists()


@pytest.mark.parametrize("arguments, message", [
    (["search", "x", "--limt", "3"], "did you mean '--limit'?"),
    (["serch", "x"], "did you mean 'search'?"),
    (["search"], "TEXT"),
    (["search", "x", "--limit", "0"], "--limit"),
    (["search", "x", "--mode", "guess"], "guess"),
    (["search", "x", "--filter", "{"], "--filter"),
    (["search", "x", "--filter", '{"year":{"$gtee":1}}'], "$gte"),
    (["ask"], "question"),
    (["ask", "how", "long"], "quotes"),
    (["ingest", "x", "--metadata", "year"], "key=value"),
    (["ask", "x", "--rerun"], "--replay"),
    ([], "a command is missing"),
])
def test_wrong_use_is_exit_2_with_one_clear_line(slipway, arguments, message):
    outcome = plain(slipway, *arguments)
    assert outcome.returncode == 2, outcome
    assert outcome.stdout == ""
    assert message in outcome.stderr.splitlines()[0], outcome.stderr
    assert "--help" in outcome.stderr.splitlines()[1]
    assert not (slipway.folder / ".slipway").exists()


def test_a_data_folder_that_cannot_be_written_is_named_with_the_remedy(slipway):
    (slipway.folder / "taken").write_text("a file")
    (slipway.folder / "a.md").write_text("# A\n\nText.\n")
    for command in (["ingest", "a.md", "--data", "taken/data"], ["serve", "--port", "0", "--data", "taken"]):
        refused = plain(slipway, *command)
        assert refused.returncode != 0 and "--data" in refused.stderr, refused
        assert "the data folder '" in refused.stderr and "taken" in refused.stderr and "Not a directory" in refused.stderr, refused


def test_without_data_the_remedy_is_named_and_nothing_is_made(slipway):
    for command in (["search", "x"], ["ask", "x"], ["collections", "list"], ["documents", "list"]):
        outcome = slipway.fails(1, *command)
        assert "slipway ingest" in outcome.err and outcome.err.count("\n") == 1
    assert not slipway.data.exists()


def test_an_unknown_collection_names_those_that_exist(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    slipway.ok("ingest", folder, "-c", "alpha")
    slipway.ok("ingest", folder, "-c", "beta")
    for command in (["search", "x"], ["ask", "x"], ["documents", "list"]):
        outcome = slipway.fails(1, *command, "-c", "gamma")
        assert "gamma" in outcome.err and "alpha" in outcome.err and "beta" in outcome.err
        assert outcome.err.startswith(f"slipway {' '.join(c for c in command if c != 'x')}: ")


def test_an_empty_query_is_an_error(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    for command in ("search", "ask"):
        outcome = slipway(command, "   ")
        assert outcome.code in (1, 2) and outcome.err.count("\n") <= 2, outcome


def test_collections_are_listed_shown_and_deleted(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"), "-c", "alpha")
    listed = slipway.result("collections", "list")
    assert [c["name"] for c in listed["items"]] == ["alpha"]
    assert slipway.result("collections", "show", "alpha")["documents"] == 4
    refused = slipway.fails(2, "collections", "delete", "alpha")
    assert "--yes" in refused.err
    slipway.ok("collections", "delete", "alpha", "--yes")
    assert slipway.result("collections", "list")["items"] == []
    slipway.fails(1, "collections", "delete", "alpha", "--yes")
    slipway.ok("doctor")


def test_every_json_is_valid_and_nothing_else_is_on_stdout(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    for command in (["search", "fuel"], ["ask", "When does the harbour open?", "--mode", "extract"],
                    ["collections", "list"], ["collections", "show", "default"],
                    ["documents", "list"], ["models", "list"], ["config", "show"],
                    ["config", "check"], ["doctor"]):
        outcome = slipway.ok(*command, "--json")
        assert isinstance(json.loads(outcome.out), dict)
        assert outcome.out.count("\n") == 1, "one line when piped"


def test_a_reader_that_goes_away_is_quiet(slipway, tmp_path):
    slipway.ok("ingest", documents.write_many(tmp_path / "docs", 10, paragraphs=2))
    process = slipway.start("search", "berth", "--limit", "1000", "--json")
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0


def test_a_full_disk_behind_stdout_is_an_error(slipway):
    with open("/dev/full", "w") as full:
        done = subprocess.run([slipway.program, "models", "list"], stdout=full,
                              stderr=subprocess.PIPE, text=True, env=slipway.environment)
    assert done.returncode == 1 and "No space left on device" in done.stderr


def test_closed_standard_streams_are_never_mistaken_for_files(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    command = " ".join(slipway.command("ingest", folder, "--json"))
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        subprocess.run(["bash", "-c", f"{command} {closed}"], env=slipway.environment,
                       cwd=slipway.folder, timeout=60)
    assert (slipway.data / "slipway.db").read_bytes().startswith(b"SQLite format 3\0")
    slipway.ok("doctor")
    assert len(slipway.documents()) == 4


def test_the_version_is_that_of_the_build(slipway):
    version = re.search(r"project\(slipway VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert plain(slipway, "--version").stdout == f"slipway {version[1]}\n"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_a_consistent_library(slipway, tmp_path, number, code):
    folder = documents.write_many(tmp_path / "docs", 100, paragraphs=2)
    process = slipway.start("ingest", folder)
    deadline = time.monotonic() + 30
    while not (slipway.data / "slipway.db").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(number)
    start = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, (process.returncode, out, err)
    assert time.monotonic() - start < 5
    assert b"interrupted" in err and out == b""
    before = len(slipway.documents()) if slipway.result("collections", "list")["items"] else 0
    assert before < 100
    slipway.ok("doctor")
    report = slipway.result("ingest", folder, timeout=240)
    assert report["unchanged"] == before and report["added"] == 100 - before
    slipway.ok("doctor")


def test_a_second_ctrl_c_ends_at_once(slipway, tmp_path):
    folder = documents.write_many(tmp_path / "docs", 100, paragraphs=2)
    process = slipway.start("ingest", folder)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == 130 and time.monotonic() - start < 5


def run_on_terminal(slipway, *arguments, environment=None):
    """What a person sees, colours and all."""
    leader, follower = pty.openpty()
    process = slipway.start(*arguments, stdin=follower, stdout=follower, stderr=follower,
                            environment={"TERM": "xterm-256color", **(environment or {})})
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    return process.wait(10), seen.decode().replace("\r\n", "\n")


def left_on_terminal(seen):
    """What a reader still sees: a progress line that was erased is gone."""
    return re.sub(r"[^\n]*\r\x1b\[2K", "", seen)


def test_a_terminal_sees_colours_and_a_progress_bar_and_the_same_words(slipway, tmp_path):
    code, seen = run_on_terminal(slipway, "ingest", documents.write_harbour(tmp_path / "docs"))
    assert code == 0 and "\x1b[2K" in seen and "documents" in seen
    question = ["ask", "How much does a mooring cost for a boat of seven metres?",
                "--mode", "extract"]
    code, seen = run_on_terminal(slipway, *question)
    assert code == 0 and "\x1b[1mSources\x1b[0m" in seen
    piped = slipway.ok(*question).out
    bare = re.sub(r"\x1b\[[012]m", "", left_on_terminal(seen))

    def body(text):  # Times and receipts differ.
        return [line for line in text.splitlines() if "receipt" not in line and "rcp_" not in line]
    assert body(bare) == body(piped)
    code, seen = run_on_terminal(slipway, *question, environment={"NO_COLOR": "1"})
    assert code == 0 and "\x1b" not in left_on_terminal(seen)


def test_completion_scripts_are_valid_bash(slipway):
    script = slipway.ok("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)

    def complete(*words):
        program = script + f"""
COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}
[ "${{COMP_WORDS[-2]}}" ] && _slipway; printf '%s\\n' "${{COMPREPLY[@]}}" """
        return subprocess.run(["bash", "-c", program], text=True, capture_output=True,
                              check=True).stdout.split()
    assert {"ingest", "search", "ask", "--data"} <= set(complete("slipway"))
    assert {"list", "pull", "import"} <= set(complete("slipway", "models"))
    assert complete("slipway", "ask", "--mode") == ["auto", "generate", "extract"]
    assert complete("slipway", "--json", "completion")[:3] == ["bash", "zsh", "fish"]
    for shell in ("zsh", "fish"):
        assert "models" in slipway.ok("completion", shell).out
