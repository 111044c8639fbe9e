"""Each method of LangGraph's clients for Python and JavaScript, found in the SDKs themselves: served, or refused with a
reason. The guide's table of them is read here, too, so it cannot be wrong about a name."""
import asyncio
import json
import pathlib
import re
import subprocess

import pytest
from langgraph_sdk import get_client, get_sync_client

from conftest import ROOT
from keyed import KEY
from langgraph_methods import CALLS, REFUSED, clean, methods_of, settle, things_of
from test_langgraph import node_folder, server, url  # noqa: F401 (fixtures)

GUIDE = ROOT / "docs" / "guides" / "langgraph.md"


def told(language):
    """What the guide's table says of each method: {"threads.get_state": "served"}."""
    table = GUIDE.read_text().split("## Every method")[1].split("\n## ")[0]
    found = {}
    for row in re.findall(r"^\|(.+)\|$", table, re.M):
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) == 4 and (name := re.fullmatch(r"`([\w.]+)`", cells[("Python", "JavaScript").index(language)])):
            found[name[1]] = cells[2]
    return found


@pytest.fixture
def plain(url):
    with get_sync_client(url=url, api_key=KEY) as client:
        yield client


def test_the_guide_tells_each_method_of_the_python_client(plain, url):
    methods = methods_of(plain)
    assert methods == methods_of(get_client(url=url)), "the two clients of the SDK differ"
    assert methods == set(CALLS) | set(REFUSED), "a method has no test"
    assert told("Python") == {name: "refused" if name in REFUSED else "served" for name in methods}


@pytest.mark.parametrize("kind", ("sync", "async"))
@pytest.mark.parametrize("part", ("assistants", "threads", "runs", "crons", "store"))
def test_each_method_of_the_python_client(plain, url, part, kind):
    async def go():
        for name in sorted(name for name in CALLS if name.startswith(part + ".")):
            things = things_of(plain)
            try:
                if kind == "sync":
                    given = await settle(CALLS[name][0](plain, things))
                else:
                    async with get_client(url=url, api_key=KEY) as client:
                        given = await settle(CALLS[name][0](client, things))
                assert CALLS[name][1](given), (name, given)
            finally:
                clean(plain, things)

    asyncio.run(asyncio.wait_for(go(), 120))


def test_each_method_of_the_javascript_client(url, node_folder):
    script = pathlib.Path(__file__).parent / "node" / "langgraph_methods.mjs"
    (node_folder / script.name).write_text(script.read_text())
    done = subprocess.run(["node", script.name, url, KEY], cwd=node_folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert told("JavaScript") == json.loads(done.stdout)


def test_what_is_wrong_is_told_with_its_name_and_what_would_be_right(server):
    """Refusals: a status and words, of all kinds of things that can be asked for."""
    def ask(method, path, body=None):
        reply = server.request(method, "/langgraph" + path, body, headers={"x-api-key": KEY})
        return reply.status, reply.json["detail"]

    nobody = "00000000-0000-4000-8000-000000000000"
    run = {"assistant_id": "quick", "input": {}}
    for method, path, body, status, words in [
            ("GET", f"/assistants/{nobody}", None, 404, nobody),
            ("GET", "/assistants/nobody", None, 422, "registered graphs"),
            ("GET", f"/threads/{nobody}", None, 404, nobody),
            ("GET", "/threads/none", None, 422, "UUID"),
            ("GET", f"/threads/{nobody}/runs/{nobody}", None, 404, "Run not found"),
            ("GET", f"/runs/crons/{nobody}", None, 404, nobody),
            ("POST", "/runs/crons", {**run, "schedule": "every day"}, 422, "five are expected"),
            ("POST", "/runs/crons", {**run, "schedule": "0 0 * * *", "timezone": "Mars/Base"}, 422, "Europe/Berlin"),
            ("POST", "/runs/wait", {**run, "stream_mode": "tools"}, 422, "served are"),
            ("POST", "/runs/wait", {**run, "feedback_keys": ["a"]}, 422, "/api/v1/feedback"),
            ("POST", "/runs/wait", {"assistant_id": "quick"}, 422, "input"),
            ("POST", "/threads/prune", {"thread_ids": [nobody], "strategy": "keep_latest"}, 400, "'delete' is served"),
            ("POST", "/threads", {"ttl": {"ttl": 5, "strategy": "keep_latest"}}, 422, "ttl.strategy"),
            ("PUT", "/store/items", {"namespace": [], "key": "k", "value": {}}, 422, "namespace"),
            ("PUT", "/threads", {}, 405, "takes"),
            ("GET", "/nowhere", None, 404, "nothing at /langgraph/nowhere"),
            ("POST", f"/a2a/{nobody}", {}, 404, "nothing at")]:
        told = ask(method, path, body)
        assert told[0] == status and words in told[1], (method, path, told)
