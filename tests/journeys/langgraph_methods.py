"""Every method of LangGraph's Python client with a call that must work: `CALLS` by "part.method".

A call gets a client (of either kind) and a `Things` of the server; what it gives is settled (awaited, read to its end) and
checked. Methods that are refused stand in `REFUSED` with the status and a word of the reason."""
import contextlib
import dataclasses
import inspect

from langgraph_sdk.errors import NotFoundError

PARTS = ("assistants", "threads", "runs", "crons", "store")
REFUSED = {}


@dataclasses.dataclass
class Things:
    """Made anew for each call, by the client that is not tested."""
    assistant: str
    thread: str   # With a finished run of the agent "quick".
    run: str
    slow: str     # A thread with a run that takes long ...
    slow_run: str
    cron: str


def things_of(client):
    assistant = client.assistants.create("quick", name="of a test")["assistant_id"]
    thread = client.threads.create(metadata={"of": "methods"})["thread_id"]
    client.runs.wait(thread, "quick", input={"topic": "x"})
    slow = client.threads.create()["thread_id"]
    client.store.put_item(["methods"], "k", {"n": 1})
    cron = client.crons.create("quick", schedule="0 0 1 1 *", input={"topic": "x"}, metadata={"of": "methods"})
    return Things(assistant, thread, client.runs.list(thread)[0]["run_id"], slow,
                  client.runs.create(slow, "slow", input={"topic": "x"})["run_id"], cron["cron_id"])


def clean(client, things):
    for thread in (things.thread, things.slow):
        client.threads.prune([thread])
    with contextlib.suppress(NotFoundError):
        client.assistants.delete(things.assistant)
    for cron in client.crons.search(metadata={"of": "methods"}, limit=100):
        client.crons.delete(cron["cron_id"])


def methods_of(client):
    """What the SDK has, public and callable: "threads.get_state" ..."""
    return {f"{part}.{name}" for part in PARTS for name, _ in inspect.getmembers(getattr(client, part), callable)
            if not name.startswith("_") and name != "http"}


async def settle(made):
    if inspect.isawaitable(made):
        made = await made
    if hasattr(made, "__aiter__"):
        return [part async for part in made]
    if hasattr(made, "__next__"):
        return list(made)
    return made


async def live(client, things):
    """`threads.stream` is a thread that is followed, not a call."""
    stream = client.threads.stream(assistant_id="quick")
    if hasattr(stream, "__aenter__"):
        async with stream as thread:
            await thread.run.start(input={"topic": "x"})
            return await thread.output
    with stream as thread:
        thread.run.start(input={"topic": "x"})
        return thread.output if not callable(thread.output) else thread.output()


async def joined(client, things):
    """The stream of a thread goes on for ever: to the end of its run."""
    stream, told = client.threads.join_stream(things.thread, last_event_id="-"), []
    if inspect.isawaitable(stream):
        stream = await stream
    if hasattr(stream, "__aiter__"):
        async for part in stream:
            told.append(part.event)
            if part.data.get("status") == "run_done":
                return told
    for part in stream:
        told.append(part.event)
        if part.data.get("status") == "run_done":
            return told


NOTES = ["before x", "after"]
INPUT = {"topic": "x"}
EVENTS = ["metadata", "values", "values", "values"]


def names(parts):
    return [part.event for part in parts]


# name: (the call, what must be true of what it gives)
CALLS = {
    "assistants.count": (lambda c, t: c.assistants.count(graph_id="outer"), lambda r: r == 1),
    "assistants.create": (lambda c, t: c.assistants.create("desk", name="n"), lambda r: r["version"] == 1),
    "assistants.delete": (lambda c, t: c.assistants.delete(t.assistant), lambda r: r is None),
    "assistants.get": (lambda c, t: c.assistants.get(t.assistant), lambda r: r["graph_id"] == "quick"),
    "assistants.get_graph": (lambda c, t: c.assistants.get_graph("quick"), lambda r: len(r["nodes"]) == 4),
    "assistants.get_schemas": (lambda c, t: c.assistants.get_schemas("quick"), lambda r: r["graph_id"] == "quick"),
    "assistants.get_subgraphs": (lambda c, t: c.assistants.get_subgraphs("outer"), lambda r: list(r) == ["sub"]),
    "assistants.get_versions": (lambda c, t: c.assistants.get_versions(t.assistant), lambda r: len(r) == 1),
    "assistants.search": (lambda c, t: c.assistants.search(graph_id="desk", response_format="object"),
                          lambda r: r["assistants"] and r["next"] is None),
    "assistants.set_latest": (lambda c, t: c.assistants.set_latest(t.assistant, 1), lambda r: r["version"] == 1),
    "assistants.update": (lambda c, t: c.assistants.update(t.assistant, name="m"), lambda r: r["name"] == "m"),
    "threads.copy": (lambda c, t: c.threads.copy(t.thread), lambda r: r is None or r["thread_id"]),
    "threads.count": (lambda c, t: c.threads.count(metadata={"of": "methods"}), lambda r: r >= 1),
    "threads.create": (lambda c, t: c.threads.create(ttl=5), lambda r: r["status"] == "idle"),
    "threads.delete": (lambda c, t: c.threads.delete(t.thread), lambda r: r is None),
    "threads.get": (lambda c, t: c.threads.get(t.thread, include=["ttl"]), lambda r: r["values"]["notes"] == NOTES),
    "threads.get_history": (lambda c, t: c.threads.get_history(t.thread),
                            lambda r: [one["metadata"]["step"] for one in r] == [2, 1, 0, -1]),
    "threads.get_state": (lambda c, t: c.threads.get_state(t.thread, subgraphs=True), lambda r: r["next"] == []),
    "threads.join_stream": (joined, lambda r: r == ["metadata", "values", "values", "values", "metadata"]),
    "threads.prune": (lambda c, t: c.threads.prune([t.thread]), lambda r: r["pruned_count"] == 1),
    "threads.search": (lambda c, t: c.threads.search(ids=[t.thread], extract={"topic": "values.topic"}),
                       lambda r: r[0]["extracted"] == {"topic": "x"}),
    "threads.stream": (live, lambda r: r["notes"] == NOTES),
    "threads.update": (lambda c, t: c.threads.update(t.thread, metadata={"a": 1}), lambda r: r["metadata"]["a"] == 1),
    "threads.update_state": (lambda c, t: c.threads.update_state(t.thread, {"notes": ["m"]}, as_node="before"),
                             lambda r: r["checkpoint"]["checkpoint_id"]),
    "runs.cancel": (lambda c, t: c.runs.cancel(t.slow, t.slow_run, wait=True), lambda r: not r),
    "runs.cancel_many": (lambda c, t: c.runs.cancel_many(thread_id=t.slow, run_ids=[t.slow_run]), lambda r: r is None),
    "runs.create": (lambda c, t: c.runs.create(t.thread, "quick", input=INPUT), lambda r: r["thread_id"]),
    "runs.create_batch": (lambda c, t: c.runs.create_batch([{"assistant_id": "quick", "input": INPUT}]), lambda r: len(r) == 1),
    "runs.delete": (lambda c, t: c.runs.delete(t.thread, t.run), lambda r: r is None),
    "runs.get": (lambda c, t: c.runs.get(t.thread, t.run), lambda r: r["status"] == "success"),
    "runs.join": (lambda c, t: c.runs.join(t.thread, t.run), lambda r: r["notes"] == NOTES),
    "runs.join_stream": (lambda c, t: c.runs.join_stream(t.thread, t.run, stream_mode="values"), lambda r: names(r) == EVENTS),
    "runs.list": (lambda c, t: c.runs.list(t.thread, status="success", select=["run_id"]), lambda r: len(r) == 1),
    "runs.stream": (lambda c, t: c.runs.stream(t.thread, "quick", input=INPUT), lambda r: names(r) == EVENTS),
    "runs.wait": (lambda c, t: c.runs.wait(None, "quick", input=INPUT), lambda r: r["notes"] == NOTES),
    "crons.count": (lambda c, t: c.crons.count(metadata={"of": "methods"}), lambda r: r == 1),
    "crons.create": (lambda c, t: c.crons.create("quick", schedule="0 0 1 1 *", input=INPUT, metadata={"of": "methods"}),
                     lambda r: r["next_run_date"]),
    "crons.create_for_thread": (lambda c, t: c.crons.create_for_thread(t.thread, "quick", schedule="@daily", input=INPUT),
                                lambda r: r["thread_id"]),
    "crons.delete": (lambda c, t: c.crons.delete(t.cron), lambda r: r is None),
    "crons.search": (lambda c, t: c.crons.search(metadata={"of": "methods"}, sort_by="next_run_date"), lambda r: len(r) == 1),
    "crons.update": (lambda c, t: c.crons.update(t.cron, enabled=False, end_time=None),
                     lambda r: r["next_run_date"] is None and not r["enabled"]),
    "store.delete_item": (lambda c, t: c.store.delete_item(["methods"], "k"), lambda r: r is None),
    "store.get_item": (lambda c, t: c.store.get_item(["methods"], "k"), lambda r: r["value"] == {"n": 1}),
    "store.list_namespaces": (lambda c, t: c.store.list_namespaces(prefix=["methods"]), lambda r: r["namespaces"] == [["methods"]]),
    "store.put_item": (lambda c, t: c.store.put_item(["methods"], "k2", {"n": 2}, ttl=1), lambda r: r is None),
    "store.search_items": (lambda c, t: c.store.search_items(["methods"], filter={"n": 1}), lambda r: len(r["items"]) == 1),
}
