"""tools/demo.sh over a program that is a script: the demo must end with an error when an answer is not what it promises."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]

GOOD = "Sixty seconds [1]. It has changed [2].\n\nSources\n[1] A\n[2] B\n\nreceipt rcp_01GOOD\n"
REFUSAL = "The documents do not answer this question.\n\nreceipt rcp_01NONE\n"
VALID = '{"citations":[{"number":1,"state":"valid"},{"number":2,"state":"valid"}]}'


@pytest.fixture
def demo(tmp_path):
    (tmp_path / "tools").mkdir()
    for name in ("demo.sh", "common.sh"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)

    def run(answer=GOOD, refusal=REFUSAL, replay=VALID, ingest_code=0):
        for name, text in {"answer": answer, "refusal": refusal, "replay": replay}.items():
            (tmp_path / name).write_text(text)
        program = tmp_path / "slipway"
        program.write_text(f"""#!/bin/bash
case "$1 $2" in
  ingest*) exit {ingest_code} ;;
  "ask --replay") [ "$3" = rcp_01NONE ] && echo '{{"citations":[]}}' || cat {tmp_path}/replay ;;
  *1998*) cat {tmp_path}/refusal ;;
  *) cat {tmp_path}/answer ;;
esac
""")
        program.chmod(0o755)
        done = subprocess.run([tmp_path / "tools/demo.sh"], capture_output=True, text=True,
                              env={**os.environ, "SLIPWAY_PROGRAM": str(program)})
        return done.returncode, done.stdout + done.stderr
    return run


def test_a_good_program_passes_and_its_commands_are_shown_as_typed(demo):
    code, said = demo()
    assert code == 0, said
    assert '$ build/slipway ask "What does it mean when a citation is stale?" --data build/demo' in said


@pytest.mark.parametrize("change", [
    {"answer": REFUSAL},
    {"answer": GOOD.replace("[2].", ".")},
    {"answer": GOOD.replace("rcp_", "")},
    {"replay": VALID.replace("valid", "stale", 1)},
    {"replay": '{"citations":[]}'},
    {"refusal": GOOD},
    {"refusal": REFUSAL.replace("rcp_01NONE", "rcp_01GOOD")},
    {"ingest_code": 1},
], ids=lambda change: next(iter(change)) if isinstance(change, dict) else None)
def test_a_bad_program_fails(demo, change):
    code, said = demo(**change)
    assert code == 1, said
    assert "demo: " in said
