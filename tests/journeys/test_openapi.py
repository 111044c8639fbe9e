"""The API against its own description: schemathesis sends what the document allows and what it forbids, with all of
its checks, and follows resources through their lives."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
from openapi_hooks import AGENT
from serving import serve

HOOKS = pathlib.Path(__file__).resolve().parent / "openapi_hooks.py"
# A request that is well formed may still meet a state that forbids it, or a model that is not there; one that is not may
# be too long to be read at all.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "414", "501", "503"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "429", "431", "5xx"]
# The examples of single members make no whole of these.
[[operations]]
include-path-regex = "^/api/(budgets|feedback)"
phases.examples.enabled = false
# A run that is made up is not there: 404, which looks as if the dataset that was just made were not.
[[operations]]
include-path = "/api/datasets/{name}/examples"
phases.stateful.enabled = false
# Files, templates and evaluators have languages of their own; tags and approvals depend on a dataset's or a budget's state.
[[operations]]
include-path-regex = "^/api/(datasets/.name./(import|tags|export)|budgets/.id./approvals|prompts/.name./(versions|tags/.tag.)|evaluators.*)$"
enabled = false
"""


def run(server, key, folder, *options):
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    command = [program, "--config-file", config, "run", f"{server.url}/openapi.json", "--checks", "all",
               "--include-path-regex", "^/api/", "--header", f"Authorization: Bearer {key}", "--seed", "5",
               "--workers", "1", "--no-shrink", "--request-timeout", "120", "--max-response-time", "100", "--no-color", *options]
    result = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=540,
                            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "PYTHONPATH": str(HOOKS.parent)})
    assert result.returncode == 0, result.stdout[-20000:] + result.stderr[-5000:]
    return result.stdout


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(slipway):
    key = slipway.ok("keys", "create", "fuzzer", "--role", "admin").out.strip()
    with serve(slipway, config={"log": {"level": "error"}}) as server:
        headers = {"Authorization": f"Bearer {key}"}
        server.post("/api/collections/default/documents?wait=true", {"uri": "a", "text": "Traces are kept for 30 days."},
                    headers=headers)
        agent = server.request("PUT", "/api/agents/made", {"yaml": json.dumps(AGENT)}, headers=headers)
        assert agent.status == 200, agent
        run(server, key, slipway.folder, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "10",
            "--generation-deterministic")
        assert server.get("/health/ready").status == 200
        lines = server.access_lines()
    assert len(lines) > 300
    failed = [line for line in lines if line["status"] >= 500 and line["status"] not in (501, 503)]
    assert not failed, json.dumps(failed[:5])
