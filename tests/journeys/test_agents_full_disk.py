"""A disk that becomes full under a server with budgets and agents."""
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.timeout(180)
def test_a_full_disk_stops_payments_and_runs_by_its_name_and_loses_nothing(slipway, tmp_path):
    """In a namespace of its own: budgets.db and agents.db stand on a file system that is filled up, and emptied again."""
    mount = tmp_path / "disk"
    mount.mkdir()
    program = pathlib.Path(__file__).with_name("full_disk_serve.py")
    slipway.data = mount / "data"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", sys.executable, program, str(mount), "64",
                           *slipway.command("serve", "--port", 0, "--config", slipway.folder / "slipway.yaml")],
                          cwd=slipway.folder, env=slipway.environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
