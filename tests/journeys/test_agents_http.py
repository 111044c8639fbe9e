"""Agents over HTTP: put, checked, run, followed, answered, forked, replayed."""
import http.client
import json
import threading
import time

import pytest

from conftest import Slipway
from serving import Server

DESK = """\
name: desk
description: Writes, asks, publishes
input: [topic]
output: [text, post]
models: {m: {provider: scripted, replies: "REPLIES"}}
tools: {calc: {builtin: calculator, approve: {ask: "Compute {{args.expression}}?"}}}
state: {topic: string, text: string, notes: {type: list, reduce: append}, sum: any, post: any, why: any}
budget: {tokens: 5000, on_exceed: approve}
nodes:
  write: {llm: {model: m, prompt: "About {{topic}}", into: text}}
  look: {set: {notes: "['seen by look']"}}
  compute: {tool: {use: calc, args: {expression: "6 * 7"}, into: sum}}
  ask: {human: {ask: "Publish: {{text}}?", schema: {post: string}, into: post}}
  no: {set: {post: why.message}}
edges:
  - START -> write, look
  - write & look -> compute
  - compute -> ask
  - compute -> no: {on: [rejected], into: why}
  - ask -> END
  - no -> END
"""
SLOW = """\
name: slow
models: {m: {provider: scripted, replies: "REPLIES"}}
state: {text: string}
nodes:
  think: {llm: {model: m, prompt: "slow", into: text}}
edges: [START -> think, think -> END]
"""
REPLIES = [{"node": "write", "text": "A slipway lets ships down to the water."},
           {"node": "think", "text": "at last " * 40, "delay_ms": 4000}]


@pytest.fixture(scope="module")
def server(program, prefix, tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("agents")
    replies = folder / "replies.jsonl"
    replies.write_text("\n".join(map(json.dumps, REPLIES)))
    config = {"log": {"level": "error"}, "server": {"allowed_folders": [str(folder)]}}
    with Server(Slipway(program, prefix, folder, cache), config=config) as server:
        for text in (DESK, SLOW):
            name = text.split()[1]
            reply = server.request("PUT", f"/api/agents/{name}", text.replace("REPLIES", str(replies)),
                                   headers={"Content-Type": "application/yaml"})
            assert reply.status == 200, reply
        yield server


def thread_of(server, agent="desk"):
    reply = server.post("/api/threads", {"agent": agent})
    assert reply.status == 201, reply
    assert reply.headers["Location"] == "/api/threads/" + reply.json["thread"]
    return reply.json["thread"]


def run(server, thread, **more):
    reply = server.post(f"/api/threads/{thread}/runs", {"input": {"topic": "slipways"}, "wait": True, **more})
    assert reply.status == 200, reply
    return reply.json


def resume(server, thread, **more):
    reply = server.post(f"/api/threads/{thread}/resume", {"wait": True, **more})
    assert reply.status == 200, reply
    return reply.json


def read_events(server, path, headers=None):
    """(id, name, data) of each, to the end of the stream."""
    reply = server.get(path, headers=headers or {})
    assert reply.status == 200 and reply.headers["Content-Type"] == "text/event-stream", reply
    events = []
    for block in reply.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return events


def test_agents_are_put_listed_drawn_and_removed(server):
    items = {one["name"]: one for one in server.get("/api/agents").json["items"]}
    assert items["desk"]["description"] == "Writes, asks, publishes" and items["desk"]["version"] == 1
    found = server.get("/api/agents/desk").json
    assert found["yaml"].startswith("name: desk") and found["declared"] is False
    graph = server.get("/api/agents/desk/graph").json
    assert [node["name"] for node in graph["nodes"]] == ["ask", "compute", "look", "no", "write"]
    kinds = {node["name"]: node for node in graph["nodes"]}
    assert kinds["ask"]["asks"] and kinds["ask"]["schema"]["properties"]["post"] and kinds["write"]["about"] == "m"
    (rejected,) = [edge for edge in graph["edges"] if edge["kind"] == "on"]
    line = rejected.pop("line")
    assert rejected == {"from": "compute", "to": "no", "kind": "on", "label": "on rejected"}
    assert "on: [rejected]" in found["yaml"].splitlines()[line - 1]
    assert sum(edge["kind"] == "join" for edge in graph["edges"]) == 2
    assert graph["input"] == ["topic"] and graph["budget"]["tokens"] == 5000

    again = server.request("PUT", "/api/agents/gone", {"yaml": found["yaml"].replace("A slipway", "One")})
    assert again.status == 200 and again.json["name"] == "gone"
    assert server.delete("/api/agents/gone").status == 204
    assert server.get("/api/agents/gone").status == 404
    assert server.get("/api/agents/gone/graph").status == 404


def test_a_text_is_checked_with_lines_and_what_a_run_costs(server):
    good = server.post("/api/agents/check", {"yaml": server.get("/api/agents/desk").json["yaml"]}).json
    assert good["ok"] and good["graph"] == {"nodes": 5, "edges": 7} and good["worst_case"]["calls"] == 1
    assert good["drawing"] is None
    bad = server.post("/api/agents/check", DESK.replace("compute -> ask", "compute -> aks"),
                      headers={"Content-Type": "application/yaml"}).json
    assert not bad["ok"]
    told = {one["code"]: one for one in bad["errors"]}
    assert told["unknown_node"]["line"] == 18 and "ask" in told["unknown_node"]["message"]
    refused = server.request("PUT", "/api/agents/bad", "name: bad\nnodes: {a: {set: {x: '1'}}}\nedges: []\n",
                             headers={"Content-Type": "application/yaml"})
    assert refused.status == 400 and refused.headers["Content-Type"] == "application/problem+json"
    outside = server.post("/api/agents/check", {"yaml": DESK.replace(
        "look: {set: {notes: \"['seen by look']\"}}", "look: {code: {lang: python, file: /etc/passwd, into: notes}}")}).json
    assert not outside["ok"] and "root:" not in json.dumps(outside)


def test_a_run_asks_is_answered_and_is_read_again(server):
    thread = thread_of(server)
    first = run(server, thread)
    assert first["status"] == "interrupted" and first["thread"] == thread
    (approval,) = first["interrupts"]
    assert approval["kind"] == "approval" and approval["value"]["ask"] == "Compute 6 * 7?"
    assert server.get(f"/api/threads/{thread}").json["status"] == "interrupted"
    assert [one["id"] for one in server.get(f"/api/threads/{thread}/interrupts").json["items"]] == [approval["id"]]

    wrong = server.post(f"/api/threads/{thread}/resume", {"answers": {"i_nothing": "approve"}, "wait": True})
    assert wrong.status in (400, 404), wrong
    second = resume(server, thread, answers={approval["id"]: {"edit": {"args": {"expression": "2 + 2"}}}})
    (question,) = second["interrupts"]
    assert question["kind"] == "human" and second["state"]["sum"] == 4
    last = resume(server, thread, answers={question["id"]: {"post": "as it is"}})
    assert last["status"] == "done" and last["output"]["post"] == {"post": "as it is"}
    assert last["usage"]["calls"] == 1

    whole = server.get(f"/api/threads/{thread}/runs/{last['run']}").json
    assert whole["status"] == "done" and whole["result"]["output"] == last["output"]
    state = server.get(f"/api/threads/{thread}/state").json
    assert state["state"] == last["state"] and state["interrupts"] == []
    history = server.get(f"/api/threads/{thread}/history").json["items"]
    assert history[-1]["source"] == "input" and history[0]["state"] == last["state"]
    assert server.get(f"/api/threads/{thread}/history?limit=1&offset=1").json["items"] == history[1:2]
    rows = server.get(f"/api/threads/{thread}/ledger").json["rows"]
    assert {row["state"] for row in rows} == {"done"} and len(rows) == 2
    replay = server.post(f"/api/threads/{thread}/runs/{first['run']}/replay")
    assert replay.status == 200 and replay.json["ok"], replay
    changed = server.post(f"/api/threads/{thread}/runs/{first['run']}/replay",
                          {"yaml": server.get("/api/agents/desk").json["yaml"].replace("seen by look", "seen by nobody")})
    assert not changed.json["ok"] and changed.json["first_difference"]["keys"] == ["notes"]


def test_a_thread_goes_on_from_any_checkpoint_with_other_values(server):
    thread = thread_of(server)
    first = run(server, thread)
    history = server.get(f"/api/threads/{thread}/history").json["items"]
    start = history[-1]
    forked = resume(server, thread, checkpoint=start["checkpoint"], set={"text": "Another text."}, **{"as": "write"})
    assert forked["state"]["text"] == "Another text."
    later = server.get(f"/api/threads/{thread}/history").json["items"]
    assert len(later) > len(history) and any(one["source"] == "fork" for one in later)
    assert server.post(f"/api/threads/{thread}/resume", {"checkpoint": start["checkpoint"], "set": {"text": "x"}}).status == 400
    assert first["checkpoint"] in {one["checkpoint"] for one in later}


def test_a_rejected_call_takes_the_edge_for_it(server):
    thread = thread_of(server)
    (approval,) = run(server, thread)["interrupts"]
    last = resume(server, thread, answers={approval["id"]: {"reject": {"reason": "not today"}}})
    assert last["status"] == "done" and last["output"]["post"] == "rejected: not today"


def test_events_come_in_their_order_and_again_after_the_last_one_seen(server):
    thread = thread_of(server)
    reply = server.post(f"/api/threads/{thread}/runs", {"input": {"topic": "events"}})
    assert reply.status == 202 and reply.headers["Location"] == f"/api/threads/{thread}/runs/{reply.json['run']}"
    path = f"{reply.headers['Location']}/events"
    events = read_events(server, path)
    ids = [one[0] for one in events]
    assert ids == sorted(set(ids))
    names = [one[1] for one in events]
    assert names[0] == "run.started" and names[-1] == "run.finished" and {"token", "interrupt"} <= set(names)
    assert "".join(data["text"] for _, name, data in events if name == "token") == REPLIES[0]["text"]
    finished = [data for _, name, data in events if name == "step.finished"]
    assert finished[0]["state"]["notes"] == ["seen by look"] and finished[0]["checkpoint"]
    middle = len(ids) // 2
    rest = read_events(server, path, headers={"Last-Event-ID": str(ids[middle])})
    assert [one[0] for one in rest] == ids[middle + 1:]
    assert [one[0] for one in read_events(server, f"{path}?after={ids[middle]}")] == ids[middle + 1:]
    assert server.get(path, headers={"Last-Event-ID": "abc"}).status == 400
    assert server.get(f"/api/threads/{thread}/runs/nothing/events").status == 404


def test_events_answer_the_start_of_a_run(server):
    thread = thread_of(server)
    reply = server.post(f"/api/threads/{thread}/runs", {"input": {"topic": "x"}}, headers={"Accept": "text/event-stream"})
    assert reply.headers["Content-Type"] == "text/event-stream" and "event: run.finished" in reply.text


def test_a_busy_thread_refuses_a_second_run_and_a_run_is_cancelled(server):
    thread = thread_of(server, "slow")
    started = server.post(f"/api/threads/{thread}/runs", {}).json
    assert started["status"] in ("pending", "running")
    second = server.post(f"/api/threads/{thread}/runs", {})
    assert second.status == 409 and second.json["type"].endswith("conflict"), second
    assert server.delete(f"/api/threads/{thread}").status == 409
    queued = server.post(f"/api/threads/{thread}/runs", {"options": {"multitask": "enqueue"}})
    assert queued.status == 202 and queued.json["status"] == "pending"
    assert [one["run"] for one in server.get(f"/api/threads/{thread}/runs").json["items"]] == [queued.json["run"], started["run"]]
    began = time.monotonic()
    assert server.post(f"/api/threads/{thread}/runs/{queued.json['run']}/cancel").status == 200
    gone = server.post(f"/api/threads/{thread}/runs/{started['run']}/cancel")
    assert gone.status == 200 and gone.json["status"] == "cancelled", gone
    assert time.monotonic() - began < 3.5
    assert server.delete(f"/api/threads/{thread}").status == 204
    assert server.get(f"/api/threads/{thread}").status == 404


def test_many_who_wait_leave_the_server_free(server):
    threads = [thread_of(server, "slow") for _ in range(12)]
    waiting = [threading.Thread(target=server.post, args=(f"/api/threads/{thread}/runs", {"wait": True})) for thread in threads]
    for one in waiting:
        one.start()
    began = time.monotonic()
    assert server.get("/api/agents").status == 200
    assert time.monotonic() - began < 2
    for thread in threads:
        for one in server.get(f"/api/threads/{thread}/runs").json["items"]:
            server.post(f"/api/threads/{thread}/runs/{one['run']}/cancel")
    for one in waiting:
        one.join()


def test_a_follower_does_not_hold_the_server_at_its_end(program, prefix, tmp_path, cache):
    with Server(Slipway(program, prefix, tmp_path, cache), config={"log": {"level": "error"}}) as own:
        text = "name: w\nstate: {x: any}\nnodes: {doze: {wait: {for: 1h}}}\nedges: [START -> doze, doze -> END]\n"
        own.request("PUT", "/api/agents/w", text, headers={"Content-Type": "application/yaml"})
        thread = thread_of(own, "w")
        started = own.post(f"/api/threads/{thread}/runs", {}).json
        connection = http.client.HTTPConnection(own.host, own.port, timeout=60)
        connection.request("GET", f"/api/threads/{thread}/runs/{started['run']}/events")
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read(3)
        began = time.monotonic()
        assert own.stop() == 0
        assert time.monotonic() - began < 10
        connection.close()


def test_threads_are_listed_by_agent_and_state(server):
    thread = thread_of(server)
    run(server, thread)
    items = server.get("/api/threads?agent=desk&status=interrupted").json["items"]
    assert items[0]["thread"] == thread and {one["status"] for one in items} == {"interrupted"}
    assert server.get("/api/threads?status=sleeping").status == 400
    assert server.post("/api/threads", {"agent": "nobody"}).status == 404
    assert server.post("/api/threads", {"agent": "desk", "thread": thread}).status == 409
    reply = server.post(f"/api/threads/{thread}/runs", {"options": {"pause_before": ["wirte"]}})
    assert reply.status == 400 and "did you mean 'write'?" in reply.json["detail"]


def test_only_those_with_the_role_may(program, prefix, tmp_path, cache):
    slipway = Slipway(program, prefix, tmp_path, cache)
    reader = {"Authorization": "Bearer " + slipway.ok("keys", "create", "reader", "--role", "read").out.strip()}
    writer = {"Authorization": "Bearer " + slipway.ok("keys", "create", "writer", "--role", "write").out.strip()}
    with Server(slipway, config={"log": {"level": "error"}}) as own:
        text = "name: w\nstate: {x: any}\nnodes: {a: {set: {x: '1'}}}\nedges: [START -> a, a -> END]\n"
        put = lambda headers: own.request("PUT", "/api/agents/w", {"yaml": text}, headers=headers).status
        assert put(reader) == 403 and put(writer) == 403
        assert own.get("/api/agents", headers=reader).status == 200
        assert own.post("/api/threads", {"agent": "w"}, headers=reader).status == 403


def test_agents_that_are_put_reach_what_the_operator_allows(program, prefix, tmp_path, cache):
    text = ("name: w\nstate: {x: any}\ntools: {t: {command: [cat], effect: pure}}\n"
            "nodes: {a: {tool: {use: t, args: {}, into: x}}}\nedges: [START -> a, a -> END]\n")
    yaml = {"Content-Type": "application/yaml"}
    config = {"log": {"level": "info"}}
    with Server(Slipway(program, prefix, tmp_path, cache), config=config) as own:
        refused = own.request("PUT", "/api/agents/w", text, headers=yaml)
        assert refused.status == 403 and "starts no programs" in refused.json["detail"], refused
        assert "server.agents_may" in refused.json["detail"] and own.get("/api/agents/w").status == 404
        (told,) = own.post("/api/agents/check", text, headers=yaml).json["errors"]
        assert told["code"] == "beyond_reach" and told["line"] == 3
        scripted = text.replace("tools: {t: {command: [cat], effect: pure}}", "models: {m: {provider: scripted, replies: /etc/passwd}}") \
            .replace("tool: {use: t, args: {}, into: x}", "llm: {model: m, prompt: x, into: x}")
        assert "allowed_folders" in own.request("PUT", "/api/agents/w", scripted, headers=yaml).json["detail"]

        own.write_config({**config, "server": {"agents_may": ["comands"]}})
        assert "agents_may: 'comands' is none of" in own.reload()
        own.write_config({**config, "server": {"agents_may": ["commands"]}})
        assert "read anew" in own.reload()
        assert own.request("PUT", "/api/agents/w", text, headers=yaml).status == 200
        thread = thread_of(own, "w")
        own.write_config(config)
        assert "read anew" in own.reload()
        assert own.post(f"/api/threads/{thread}/runs", {"wait": True}).status == 403
