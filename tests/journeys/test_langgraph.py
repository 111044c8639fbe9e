"""LangGraph's clients, unmodified, on agents: the Python SDK, RemoteGraph, and the SDK for Node."""
import asyncio
import json
import operator
import pathlib
import shutil
import subprocess
import typing
import uuid

import httpx
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.pregel.remote import RemoteException, RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

from conftest import Slipway
from keyed import KEY
from serving import Server

DESK = """\
name: desk
description: Plans, talks, asks, finishes
models: {m: {provider: scripted, replies: "REPLIES"}}
state:
  topic: string
  notes: {type: list, reduce: append}
  answer: string
  verdict: string
  messages: {type: list, reduce: messages}
nodes:
  plan: {set: {notes: '["plan " + topic]'}}
  talk: {llm: {model: m, prompt: "{{topic}}", into: answer}}
  ask: {human: {ask: "Is it right? {{answer}}", into: verdict}}
  finish: {set: {notes: '["done"]'}}
edges: [START -> plan, plan -> talk, talk -> ask, ask -> finish, finish -> END]
"""
QUICK = """\
name: quick
state: {topic: string, notes: {type: list, reduce: append}, messages: {type: list, reduce: messages}}
nodes:
  before: {set: {notes: '["before " + topic]'}}
  after: {set: {notes: '["after"]', messages: '[{"role": "assistant", "content": "done " + topic}]'}}
edges: [START -> before, before -> after, after -> END]
"""
OUTER = """\
name: outer
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["outside"]'}}
  sub: {graph: {agent: quick, input: {topic: topic}, output: {notes: result.notes}}}
edges: [START -> before, before -> sub, sub -> END]
"""
FAILS = """\
name: fails
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["before"]'}}
  boom: {set: {notes: 'fail("bad topic")'}}
edges: [START -> before, before -> boom, boom -> END]
"""
SLOW = """\
name: slow
models: {m: {provider: scripted, replies: "REPLIES"}}
state: {topic: string, text: string}
nodes:
  think: {llm: {model: m, prompt: "slow", into: text}}
edges: [START -> think, think -> END]
"""
TELLS = """\
name: tells
state: {topic: string, total: number}
tools: {tell: {builtin: emit}, sum: {builtin: calculator}}
nodes:
  say: {tool: {use: tell, args: {name: progress, done: 1, topic: "{{topic}}"}}}
  add: {tool: {use: sum, args: {expression: "1 + 2"}, into: total}}
edges: [START -> say, say -> add, add -> END]
"""
ASKS = """\
name: asks
state: {topic: string, said: string, notes: {type: list, reduce: append}}
nodes:
  first: {set: {notes: '["first " + topic]'}}
  ask: {human: {ask: "Inner?", into: said}}
edges: [START -> first, first -> ask, ask -> END]
"""
DEEP = """\
name: deep
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["before"]'}}
  sub: {graph: {agent: asks, input: {topic: topic}, output: {notes: result.notes}}}
edges: [START -> before, before -> sub, sub -> END]
"""
TWO = """\
name: two
state: {topic: string, a: string, b: string}
nodes:
  first: {human: {ask: "A?", into: a}}
  second: {human: {ask: "B?", into: b}}
edges: [START -> first, START -> second, first -> END, second -> END]
"""
# The client gives up what it listens to when it learns of a question, also when it has not begun to listen: see `test_version_3...`.
LATER = DESK.replace("name: desk", "name: later").replace("talk", "speak")
REPLIES = [{"node": "talk", "text": "Hello there friend"}, {"node": "speak", "text": "Hello there friend", "delay_ms": 1500},
           {"node": "think", "text": "at last " * 40, "delay_ms": 5000}]
HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="module")
def server(program, prefix, tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("langgraph")
    replies = folder / "replies.jsonl"
    replies.write_text("\n".join(map(json.dumps, REPLIES)))
    config = {"log": {"level": "error"}, "server": {"allowed_folders": [str(folder)]},
              "keys": {"app": {"key": "env:SLIPWAY_TEST_KEY", "roles": ["admin"]}}}
    slipway = Slipway(program, prefix, folder, cache)
    with Server(slipway, config=config, environment={"SLIPWAY_TEST_KEY": KEY}) as server:
        for text in (DESK, LATER, QUICK, OUTER, FAILS, SLOW, TELLS, ASKS, DEEP, TWO):
            reply = server.request("PUT", f"/api/agents/{text.split()[1]}", text.replace("REPLIES", str(replies)),
                                   headers={"Content-Type": "application/yaml", "x-api-key": KEY})
            assert reply.status == 200, reply
        yield server


@pytest.fixture(scope="module")
def url(server):
    return server.url + "/langgraph"


@pytest.fixture
def client(url):
    with get_sync_client(url=url, api_key=KEY) as client:
        yield client


def events(parts):
    return [part.event for part in parts]


def test_a_key_is_needed_and_who_has_none_is_told_in_their_words(server):
    reply = server.get("/langgraph/assistants/desk")
    assert reply.status == 401 and reply.json["detail"], reply
    assert server.get("/langgraph/ok").json["ok"] is True
    assert server.get("/langgraph/info").json["version"]
    missing = server.get("/langgraph/nowhere", headers={"x-api-key": KEY})
    assert missing.status == 404 and "detail" in missing.json


def test_assistants(client):
    found = {one["graph_id"]: one for one in client.assistants.search(limit=100)}
    assert set(found) >= {"desk", "quick", "outer"}
    namespace = uuid.NAMESPACE_URL
    assert found["desk"]["assistant_id"] == str(uuid.uuid5(namespace, "desk"))
    assert client.assistants.count(graph_id="desk") == 1
    made = client.assistants.create("desk", config={"recursion_limit": 7}, metadata={"team": "x"}, name="mine")
    assert client.assistants.get(made["assistant_id"])["config"] == {"recursion_limit": 7}
    changed = client.assistants.update(made["assistant_id"], name="ours", metadata={"team": "y"})
    assert changed["version"] == 2 and changed["metadata"] == {"team": "y"}
    assert [one["version"] for one in client.assistants.get_versions(made["assistant_id"])] == [2, 1]
    assert client.assistants.set_latest(made["assistant_id"], 1)["name"] == "mine"
    with pytest.raises(ConflictError):
        client.assistants.create("desk", assistant_id=made["assistant_id"])
    assert client.assistants.create("desk", assistant_id=made["assistant_id"], if_exists="do_nothing")
    assert [one["name"] for one in client.assistants.search(metadata={"team": "x"})] == ["mine"]
    client.assistants.delete(made["assistant_id"])
    with pytest.raises(NotFoundError):
        client.assistants.get(made["assistant_id"])
    with pytest.raises(NotFoundError):
        client.assistants.create("nothing")
    graph = client.assistants.get_graph("outer", xray=True)
    assert {node["id"] for node in graph["nodes"]} == {"__start__", "before", "sub:before", "sub:after", "__end__"}
    schemas = client.assistants.get_schemas("desk")
    assert schemas["input_schema"]["properties"]["topic"]["type"] == "string"
    assert list(client.assistants.get_subgraphs("outer")) == ["sub"]


def test_threads(client):
    thread = client.threads.create(metadata={"user": "ann"})
    id = thread["thread_id"]
    assert thread["status"] == "idle" and thread["values"] is None
    with pytest.raises(ConflictError):
        client.threads.create(thread_id=id)
    assert client.threads.create(thread_id=id, if_exists="do_nothing")["thread_id"] == id
    assert client.threads.update(id, metadata={"b": 2})["metadata"] == {"user": "ann", "b": 2}
    assert client.threads.get_state(id)["values"] == {} and client.threads.get_history(id) == []
    client.runs.wait(id, "quick", input={"topic": "x"})
    found = client.threads.search(metadata={"user": "ann"}, values={"topic": "x"}, select=["thread_id", "values"])
    assert [one["thread_id"] for one in found] == [id] and found[0]["values"]["notes"] == ["before x", "after"]
    assert client.threads.count(metadata={"user": "ann"}, status="idle") == 1
    copy = client.threads.copy(id) or client.threads.search(limit=1)[0]
    assert client.threads.get_state(copy["thread_id"])["values"]["notes"] == ["before x", "after"]
    client.threads.delete(id)
    with pytest.raises(NotFoundError):
        client.threads.get(id)
    with pytest.raises(UnprocessableEntityError):
        client.threads.create(thread_id="no-uuid")
    begun = client.threads.create(graph_id="desk", supersteps=[
        {"updates": [{"values": {"topic": "t"}, "as_node": "__start__"}]},
        {"updates": [{"values": {"notes": ["p"]}, "as_node": "plan"}]}])
    assert client.threads.get_state(begun["thread_id"])["next"] == ["talk"]
    assert client.threads.prune([begun["thread_id"], copy["thread_id"]])["pruned_count"] == 2


def test_all_stream_modes(client):
    thread = client.threads.create()["thread_id"]
    modes = ["values", "updates", "messages-tuple", "tasks", "checkpoints", "debug", "custom"]
    parts = list(client.runs.stream(thread, "desk", input={"topic": "cats"}, stream_mode=modes, stream_resumable=True))
    names = [name for name in events(parts) if name not in ("messages", "custom")]
    assert names == ["metadata", "checkpoints", "debug", "values", "checkpoints", "debug",
                     "tasks", "debug", "updates", "tasks", "debug", "values", "checkpoints", "debug",
                     "tasks", "debug", "updates", "tasks", "debug", "values", "checkpoints", "debug",
                     "tasks", "debug", "updates", "values", "tasks", "debug"]
    said = "".join(part.data[0]["content"] for part in parts if part.event == "messages")
    assert said == "Hello there friend"
    numbers = [part.data["metadata"]["step"] for part in parts if part.event == "checkpoints"]
    assert numbers == [-1, 0, 1, 2]
    assert all(part.id for part in parts[1:])
    run = client.runs.list(thread)[0]
    rest = list(client.runs.join_stream(thread, run["run_id"], stream_mode=modes, last_event_id=parts[-4].id))
    assert events(rest)[-3:] == events(parts)[-3:]
    messages = list(client.runs.stream(None, "desk", input={"topic": "cats"}, stream_mode="messages"))
    assert messages[1].event == "messages/metadata"
    assert messages[-1].event == "messages/partial" and messages[-1].data[0]["content"] == "Hello there friend"


def test_events_and_the_custom_stream(client):
    parts = list(client.runs.stream(None, "tells", input={"topic": "cats"}, stream_mode=["events", "custom"]))
    spans = [part.data for part in parts if part.event == "events"]
    assert [f"{one['event']} {one['name']}" for one in spans] == [
        "on_chain_start tells", "on_chain_start say", "on_custom_event progress", "on_chain_stream say", "on_chain_end say",
        "on_chain_start add", "on_tool_start sum", "on_tool_end sum", "on_chain_stream add", "on_chain_end add", "on_chain_end tells"]
    assert next(part.data for part in parts if part.event == "custom") == {"name": "progress", "done": 1, "topic": "cats"}
    talk = [part.data for part in client.runs.stream(None, "desk", input={"topic": "x"}, stream_mode="events")]
    said = "".join(one["data"]["chunk"]["content"] for one in talk if one.get("event") == "on_chat_model_stream")
    assert said == "Hello there friend"


def test_sub_agents(client):
    thread = client.threads.create()["thread_id"]
    names = events(client.runs.stream(thread, "deep", input={"topic": "x"}, stream_mode=["updates", "values"], stream_subgraphs=True))
    [task] = client.threads.get_state(thread)["tasks"]
    assert f"updates|sub:{task['id']}" in names and task["checkpoint"]["checkpoint_ns"] == f"sub:{task['id']}"
    inner = client.threads.get_state(thread, subgraphs=True)["tasks"][0]["state"]
    assert inner["values"]["notes"] == ["first x"] and inner["next"] == ["ask"]
    assert client.threads.get_state(thread, checkpoint=task["checkpoint"])["values"] == inner["values"]
    assert client.threads.get_state(thread, select=["values.topic"]) == {"values": {"topic": "x"}}
    done = client.runs.wait(thread, "deep", command={"resume": "yes"})
    assert done["notes"] == ["before", "first x"]
    past = [one["tasks"][0]["result"] for one in client.threads.get_history(thread) if one["next"] == ["before"]]
    assert past == [{"notes": ["before"]}]


def test_several_questions(client):
    thread = client.threads.create()["thread_id"]
    first, second = client.runs.wait(thread, "two", input={"topic": "x"})["__interrupt__"]
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        client.runs.wait(thread, "two", command={"resume": "which?"})
    half = client.runs.wait(thread, "two", command={"resume": {first["id"]: "one"}})
    assert [one["id"] for one in half["__interrupt__"]] == [second["id"]]
    done = client.runs.wait(thread, "two", command={"resume": {second["id"]: "two"}})
    assert (done["a"], done["b"]) == ("one", "two")


def test_the_stream_of_a_thread(client):
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "quick", input={"topic": "x"})
    told = []
    for part in client.threads.join_stream(thread, last_event_id="-"):
        told.append(part)
        if isinstance(part.data, dict) and part.data.get("status") == "run_done":
            break
    assert events(told) == ["metadata", "values", "values", "values", "metadata"]


def test_version_3_of_the_protocol(url):
    async def go():
        async with get_client(url=url, api_key=KEY) as client:
            async with client.threads.stream(assistant_id="later") as thread:
                assert (await thread.run.start(input={"topic": "cats"}))["run_id"]
                messages = [message async for message in thread.messages]
                assert [await message.text for message in messages] == ["Hello there friend"]
                assert thread.interrupted and len(thread.interrupts) == 1
                await thread.run.respond("yes")
                assert (await thread.output)["verdict"] == "yes"
            async with client.threads.stream(assistant_id="outer") as thread:
                await thread.run.start(input={"topic": "x"})
                assert [sub.graph_name async for sub in thread.subgraphs] == ["sub"]
            async with client.threads.stream(assistant_id="tells") as thread:
                await thread.run.start(input={"topic": "x"})
                calls = [call async for call in thread.tool_calls]
                assert [(call.name, call.input) for call in calls] == [("tell", {"name": "progress", "done": 1, "topic": "x"}),
                                                                      ("sum", {"expression": "1 + 2"})]
            async with client.threads.stream(assistant_id="fails") as thread:
                await thread.run.start(input={"topic": "x"})
                with pytest.raises(Exception, match="bad topic"):
                    await thread.output
    asyncio.run(asyncio.wait_for(go(), 60))


def test_interrupt_resume_history_fork(client):
    thread = client.threads.create()["thread_id"]
    stopped = client.runs.wait(thread, "desk", input={"topic": "cats"})
    [interrupt] = stopped["__interrupt__"]
    assert client.threads.get(thread)["status"] == "interrupted"
    assert [run["status"] for run in client.runs.list(thread)] == ["success"]
    state = client.threads.get_state(thread)
    assert state["next"] == ["ask"] and state["tasks"][0]["interrupts"][0]["id"] == interrupt["id"]
    done = client.runs.wait(thread, "desk", command={"resume": {interrupt["id"]: "yes"}})
    assert done["verdict"] == "yes" and done["notes"] == ["plan cats", "done"]
    history = client.threads.get_history(thread)
    assert [one["metadata"]["step"] for one in history] == [4, 3, 2, 1, 0, -1]
    assert [one["metadata"]["source"] for one in history] == ["loop"] * 5 + ["input"]
    assert history[0]["parent_checkpoint"]["checkpoint_id"] == history[1]["checkpoint"]["checkpoint_id"]
    assert client.threads.get_history(thread, limit=2, before=history[1]["checkpoint"])[0]["metadata"]["step"] == 2
    # A fork: other notes after the plan, then on from there.
    after_plan = history[3]["checkpoint"]
    made = client.threads.update_state(thread, {"notes": ["other"]}, as_node="plan", checkpoint=after_plan)
    state = client.threads.get_state(thread)
    assert state["checkpoint"]["checkpoint_id"] == made["checkpoint"]["checkpoint_id"]
    assert state["metadata"]["source"] == "update" and state["next"] == ["talk"]
    again = client.runs.wait(thread, "desk", input=None)
    assert again["notes"] == ["plan cats", "other"] and "__interrupt__" in again
    # And from an old checkpoint as it was.
    old = client.runs.wait(thread, "desk", checkpoint_id=after_plan["checkpoint_id"])
    assert old["notes"] == ["plan cats"] and "__interrupt__" in old
    at = client.threads.get_state(thread, checkpoint=after_plan)
    assert at["next"] == ["talk"]


def test_commands_and_pauses(client):
    thread = client.threads.create()["thread_id"]
    parts = list(client.runs.stream(thread, "quick", input={"topic": "x"}, interrupt_before=["after"],
                                    stream_mode=["updates", "values"]))
    assert events(parts) == ["metadata", "values", "updates", "values", "updates"]
    assert parts[-1].data == {"__interrupt__": []}
    assert client.threads.get(thread)["status"] == "interrupted"
    values = client.runs.wait(thread, "quick", input=None)
    assert values["notes"] == ["before x", "after"]
    assert values["messages"][0]["type"] == "ai"
    values = client.runs.wait(thread, "quick", command={"goto": "after", "update": {"topic": "y"}})
    assert values["notes"] == ["before x", "after", "after"] and values["messages"][-1]["content"] == "done y"
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        client.runs.wait(thread, "quick", command={"goto": "nowhere"})


def test_failures(client):
    thread = client.threads.create()["thread_id"]
    parts = list(client.runs.stream(thread, "fails", input={"topic": "x"}))
    assert parts[-1].event == "error" and parts[-1].data["message"] == "bad topic"
    with pytest.raises(Exception, match="bad topic"):
        client.runs.wait(thread, "fails", input={"topic": "x"}, raise_error=True)
    assert client.threads.get(thread)["status"] == "error"
    assert client.runs.list(thread)[0]["status"] == "error"
    state = client.threads.get_state(thread)
    assert state["next"] == ["boom"] and "bad topic" in state["tasks"][0]["error"]
    with pytest.raises(UnprocessableEntityError, match="stream_mode"):
        list(client.runs.stream(thread, "fails", input={}, stream_mode="bogus"))


def test_cancelling_and_several_at_once(client):
    thread = client.threads.create()["thread_id"]
    run = client.runs.create(thread, "slow", input={"topic": "x"})
    assert run["status"] in ("pending", "running") and client.threads.get(thread)["status"] == "busy"
    with pytest.raises(ConflictError):
        client.runs.create(thread, "slow", input={"topic": "y"}, multitask_strategy="reject")
    client.runs.cancel(thread, run["run_id"], wait=True)
    assert client.runs.get(thread, run["run_id"])["status"] == "interrupted"
    run = client.runs.create(thread, "slow", input={"topic": "z"})
    after = client.runs.wait(thread, "quick", input={"topic": "q"}, multitask_strategy="rollback")
    assert after["notes"] == ["before q", "after"]
    client.runs.delete(thread, client.runs.list(thread)[0]["run_id"])
    later = client.runs.create(thread, "quick", input={"topic": "later"}, after_seconds=1)
    assert client.runs.get(thread, later["run_id"])["status"] == "pending"
    for _ in range(100):
        if client.runs.get(thread, later["run_id"])["status"] == "success":
            break
        asyncio.run(asyncio.sleep(0.1))
    assert client.runs.join(thread, later["run_id"])["topic"] == "later"


def test_runs_without_a_thread(client):
    assert client.runs.wait(None, "quick", input={"topic": "x"})["notes"] == ["before x", "after"]
    batch = client.runs.create_batch([{"assistant_id": "quick", "input": {"topic": "x"}}] * 2)
    assert len({run["thread_id"] for run in batch}) == 2
    parts = list(client.runs.stream(None, "outer", input={"topic": "x"}, stream_mode=["updates"], stream_subgraphs=True))
    assert [name.split(":")[0] for name in events(parts)] == ["metadata", "updates", "updates|sub", "updates|sub", "updates"]


def test_the_store(client):
    store = client.store
    store.put_item(["u", "1"], "a", {"n": 1, "t": "x"})
    store.put_item(["u", "1"], "b", {"n": 5, "t": "y"}, ttl=10)
    store.put_item(["u", "2"], "c", {"n": 7})
    assert store.get_item(["u", "1"], key="a")["value"] == {"n": 1, "t": "x"}
    assert store.get_item(["u", "1"], key="z") is None
    found = store.search_items(["u"], filter={"n": {"$gt": 1, "$lte": 7}})["items"]
    assert [item["key"] for item in found] == ["b", "c"]
    assert [item["key"] for item in store.search_items(["u"], filter={"t": "x"})["items"]] == ["a"]
    assert store.list_namespaces(prefix=["u"])["namespaces"] == [["u", "1"], ["u", "2"]]
    assert store.list_namespaces(max_depth=1)["namespaces"] == [["u"]]
    store.delete_item(["u", "1"], key="a")
    assert store.get_item(["u", "1"], key="a") is None
    with pytest.raises(UnprocessableEntityError):
        store.search_items(["u"], filter={"n": {"$like": 1}})


def test_crons(client):
    thread = client.threads.create()["thread_id"]
    cron = client.crons.create_for_thread(thread, "quick", schedule="* * * * *", input={"topic": "x"}, metadata={"n": 1},
                                          timezone="Europe/Berlin")
    assert cron["thread_id"] == thread and cron["timezone"] == "Europe/Berlin" and cron["payload"]["input"] == {"topic": "x"}
    assert client.crons.search(thread_id=thread)[0]["cron_id"] == cron["cron_id"]
    off = client.crons.update(cron["cron_id"], enabled=False)
    assert off["next_run_date"] is None and client.crons.search(enabled=True, thread_id=thread) == []
    with pytest.raises(UnprocessableEntityError, match="minute '61'"):
        client.crons.create("quick", schedule="61 * * * *", input={"topic": "x"})
    with pytest.raises(UnprocessableEntityError, match="'Mars/Base' is no time zone"):
        client.crons.create("quick", schedule="0 * * * *", input={"topic": "x"}, timezone="Mars/Base")
    client.threads.delete(thread)
    assert client.crons.count(metadata={"n": 1}) == 0
    assert client.http.get("/info")["flags"]["crons"] is True


class State(typing.TypedDict, total=False):
    topic: str
    notes: typing.Annotated[list, operator.add]


def test_a_remote_graph_alone(url):
    remote = RemoteGraph("desk", url=url, api_key=KEY)
    assert {"plan", "talk", "ask", "finish"} <= set(remote.get_graph().nodes)
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    chunks = list(remote.stream({"topic": "cats"}, config, stream_mode="updates"))
    assert [list(chunk) for chunk in chunks] == [["plan"], ["talk"], ["__interrupt__"]]
    state = remote.get_state(config)
    assert state.next == ("ask",) and len(state.interrupts) == 1
    assert remote.invoke(Command(resume="yes"), config)["verdict"] == "yes"
    assert [one.metadata["step"] for one in remote.get_state_history(config)] == [4, 3, 2, 1, 0, -1]
    assert remote.update_state(config, {"notes": ["more"]}, as_node="finish")["configurable"]["checkpoint_id"]
    assert asyncio.run(RemoteGraph("quick", url=url, api_key=KEY).ainvoke({"topic": "x"}))["notes"] == ["before x", "after"]
    with pytest.raises(RemoteException, match="bad topic"):
        RemoteGraph("fails", url=url, api_key=KEY).invoke({"topic": "x"})


def test_a_remote_graph_as_a_node(url):
    remote = RemoteGraph("quick", url=url, api_key=KEY)
    builder = StateGraph(State)
    builder.add_node("first", lambda state: {"notes": ["local"]})
    builder.add_node("remote", remote)
    builder.add_edge(START, "first")
    builder.add_edge("first", "remote")
    builder.add_edge("remote", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    # The caller's thread is the remote one's too, and both are UUIDs.
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    result = graph.invoke({"topic": "x"}, config)
    assert result["notes"][-2:] == ["before x", "after"] and "local" in result["notes"]
    inner = [chunk for chunk in graph.stream({"topic": "y"}, {"configurable": {"thread_id": str(uuid.uuid4())}}, subgraphs=True,
                                             stream_mode="updates") if chunk[0]]
    assert [list(data) for _, data in inner] == [["before"], ["after"]]


def parent_of(remote, **more):
    builder = StateGraph(State)
    builder.add_node("first", lambda state: {"notes": ["local"]})
    builder.add_node("remote", remote)
    builder.add_edge(START, "first")
    builder.add_edge("first", "remote")
    builder.add_edge("remote", END)
    return builder.compile(checkpointer=InMemorySaver(), **more)


def test_what_a_remote_node_asks_stops_its_graph(url):
    remote = RemoteGraph("asks", url=url, api_key=KEY)
    graph = parent_of(remote)
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    stopped = graph.invoke({"topic": "x"}, config)
    [interrupt] = stopped["__interrupt__"]
    assert interrupt.value["ask"] == "Inner?" if isinstance(interrupt.value, dict) else interrupt.value == "Inner?"
    state = graph.get_state(config)
    assert state.next == ("remote",) and state.tasks[0].interrupts[0].id == interrupt.id
    assert remote.get_state(config).tasks[0].interrupts[0].id == interrupt.id
    # The answer goes to the remote agent, which goes on from where it stood.
    answered = remote.invoke(Command(resume={interrupt.id: "yes"}), config)
    assert answered["said"] == "yes" and answered["notes"][-1] == "first x"
    assert answered["notes"].count("first x") == 1


def test_what_fails_in_a_remote_node_fails_its_graph(url):
    graph = parent_of(RemoteGraph("fails", url=url, api_key=KEY))
    with pytest.raises(RemoteException, match="bad topic"):
        graph.invoke({"topic": "x"}, {"configurable": {"thread_id": str(uuid.uuid4())}})


def test_a_remote_node_streams_into_its_graph(url):
    graph = parent_of(RemoteGraph("outer", url=url, api_key=KEY))
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    told = [(space, mode, list(data)) for space, mode, data in
            graph.stream({"topic": "x"}, config, stream_mode=["updates", "custom"], subgraphs=True) if mode == "updates"]
    nodes = [(len(space), data[0]) for space, _, data in told]
    # Of the graph, of the remote agent below it, of its own sub-agent below that.
    assert nodes == [(0, "first"), (1, "before"), (2, "before"), (2, "after"), (1, "sub"), (0, "remote")]

    async def go():
        return [space async for space, _ in graph.astream({"topic": "x"}, {"configurable": {"thread_id": str(uuid.uuid4())}},
                                                          stream_mode="updates", subgraphs=True)]
    assert [len(space) for space in asyncio.run(go())] == [0, 1, 2, 2, 1, 0]


def test_a_remote_graph_goes_back_in_time(url):
    remote = RemoteGraph("desk", url=url, api_key=KEY)
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    remote.invoke({"topic": "cats"}, config)
    remote.invoke(Command(resume="yes"), config)
    history = list(remote.get_state_history(config))
    planned = next(one for one in history if one.next == ("talk",))
    assert remote.get_state(planned.config).values["notes"] == ["plan cats"]
    parents = [one.parent_config["configurable"]["checkpoint_id"] if one.parent_config else None for one in history]
    assert parents == [one.config["configurable"]["checkpoint_id"] for one in history[1:]] + [None]
    forked = remote.update_state(planned.config, {"notes": ["other"]}, as_node="plan")
    assert remote.get_state(forked).next == ("talk",)
    again = remote.invoke(None, forked)
    assert again["notes"] == ["plan cats", "other"] and again["__interrupt__"]
    limited = list(remote.get_state_history(config, limit=2, filter={"source": "loop"}))
    assert len(limited) == 2 and all(one.metadata["source"] == "loop" for one in limited)

    async def go():
        state = await remote.aget_state(config)
        numbers = [one.metadata["step"] async for one in remote.aget_state_history(config, limit=3)]
        graph = await remote.aget_graph()
        made = await remote.aupdate_state(config, {"notes": ["more"]}, as_node="plan")
        return state.next, len(numbers), "plan" in graph.nodes, made["configurable"]["checkpoint_id"]
    assert asyncio.run(go())[:3] == (("ask",), 3, True)


def test_checkpoints_are_kept_as_langgraph_keeps_them(client):
    """Order, parents, sources, steps; an unknown one; a fork leaves the old branch."""
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "quick", input={"topic": "x"})
    client.runs.wait(thread, "quick", input={"topic": "y"})
    history = client.threads.get_history(thread, limit=100)
    ids = [one["checkpoint"]["checkpoint_id"] for one in history]
    assert [(one["metadata"]["source"], one["metadata"]["step"]) for one in history] == [
        ("loop", 6), ("loop", 5), ("loop", 4), ("input", 3), ("loop", 2), ("loop", 1), ("loop", 0), ("input", -1)]
    assert len(set(ids)) == len(ids) and [one["created_at"] for one in history] == sorted((one["created_at"] for one in history), reverse=True)
    assert [one["parent_checkpoint"]["checkpoint_id"] for one in history[:-1]] == ids[1:] and history[-1]["parent_checkpoint"] is None
    assert [one["next"] for one in history[:4]] == [[], ["after"], ["before"], ["__start__"]]
    assert all(one["checkpoint"]["thread_id"] == thread and one["checkpoint"]["checkpoint_ns"] == "" for one in history)
    # Each is read alike by its id, and is what it was.
    for one in history:
        at = client.threads.get_state(thread, checkpoint=one["checkpoint"])
        assert (at["values"], at["next"], at["metadata"]["step"]) == (one["values"], one["next"], one["metadata"]["step"])
    assert client.threads.get_state(thread)["checkpoint"] == history[0]["checkpoint"]
    # Filters and pages.
    assert [one["metadata"]["step"] for one in client.threads.get_history(thread, metadata={"source": "input"})] == [3, -1]
    assert [one["metadata"]["step"] for one in client.threads.get_history(thread, limit=2, before=history[1]["checkpoint"])] == [4, 3]
    # A fork at an old place: a child of it; the other branch is as it was.
    past = history[5]["checkpoint"]
    made = client.threads.update_state(thread, {"notes": ["forked"]}, as_node="before", checkpoint=past)
    forked = client.threads.get_state(thread)
    assert forked["checkpoint"]["checkpoint_id"] == made["checkpoint"]["checkpoint_id"]
    assert forked["parent_checkpoint"]["checkpoint_id"] == past["checkpoint_id"] and forked["next"] == ["after"]
    assert (forked["metadata"]["source"], forked["metadata"]["step"]) == ("update", 2)
    assert client.threads.get_state(thread, checkpoint=history[0]["checkpoint"])["values"] == history[0]["values"]
    assert client.runs.wait(thread, "quick", input=None)["notes"][-2:] == ["forked", "after"]
    assert ids == [one["checkpoint"]["checkpoint_id"] for one in client.threads.get_history(thread, limit=100)
                   if one["checkpoint"]["checkpoint_id"] in ids]
    # Going on from a checkpoint makes what follows it anew.
    replayed = client.runs.wait(thread, "quick", checkpoint_id=past["checkpoint_id"])
    assert replayed["notes"] == ["before x", "after"]
    with pytest.raises(NotFoundError):
        client.threads.get_state(thread, checkpoint_id="1ef00000-0000-6000-8000-000000000000")
    # A copy has the history and goes its own way.
    copied = client.threads.copy(thread) or client.threads.search(limit=1)[0]
    assert client.threads.get_state(copied["thread_id"])["values"] == client.threads.get_state(thread)["values"]
    client.threads.delete(thread)
    with pytest.raises(NotFoundError):
        client.threads.get_history(thread)
    assert client.threads.get_state(copied["thread_id"])["values"]["notes"]


def test_the_async_client(url):
    async def go():
        async with get_client(url=url, api_key=KEY) as client:
            thread = (await client.threads.create())["thread_id"]
            return [part.event async for part in client.runs.stream(thread, "quick", input={"topic": "x"})]
    assert asyncio.run(go()) == ["metadata", "values", "values", "values"]


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory):
    script = f". {ROOT}/tools/common.sh; node_packages tests/journeys/node"
    packages = subprocess.check_output(["bash", "-c", script], text=True, cwd=ROOT).strip()
    folder = tmp_path_factory.mktemp("node")
    for name in ("langgraph.mjs", "package.json"):
        shutil.copy(HERE / "node" / name, folder)
    (folder / "node_modules").symlink_to(packages)
    return folder


def test_the_sdk_for_node(url, node_folder):
    done = subprocess.run(["node", "langgraph.mjs", url, KEY], cwd=node_folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["modes"] == ["metadata", "values", "updates", "values", "updates", "values", "updates", "values"]
    assert told["status"] == "interrupted" and told["verdict"] == "fine" and told["message"] == "human"
    assert told["steps"] == [4, 3, 2, 1, 0, -1] and told["next"] == ["talk"]
    assert told["runs"] == ["success", "success"] and told["assistants"] == 1
    assert told["live"] == "fine" and told["lives"] == ["running", "interrupted"]
    assert told["joined"] == ["metadata", "values", "values", "values", "metadata"]
    assert told["item"] == {"n": 1} and "bad topic" in told["failed"]
