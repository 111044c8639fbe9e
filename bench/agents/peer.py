"""The work of src/agents/agents_bench.cpp done by LangGraph: one figure a call, as JSON.

    ENVIRONMENT/bin/python bench/agents/peer.py CASE [--repeats N]

CASE is superstep, superstep_memory, superstep_sqlite, superstep_sqlite_normal, sent_task, construct, construct_react, react_run or
conversation. Microseconds of wall and processor time, medians of the repeats, imports not counted. `superstep_sqlite` is SqliteSaver
as it is made by from_conn_string (it syncs every commit); with `_normal` its connection does not sync commits in its log, as
Slipway's does not where nothing leaves the process.
"""
import argparse
import json
import operator
import pathlib
import sqlite3
import statistics
import tempfile
import time
import warnings
from typing import Annotated, TypedDict

warnings.filterwarnings("ignore")

from langchain_core.language_models.chat_models import BaseChatModel  # noqa: E402
from langchain_core.messages import AIMessage  # noqa: E402
from langchain_core.outputs import ChatGeneration, ChatResult  # noqa: E402
from langchain_core.tools import tool  # noqa: E402
from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: E402
from langgraph.graph import END, START, StateGraph  # noqa: E402
from langgraph.graph.message import add_messages  # noqa: E402
from langgraph.prebuilt import create_react_agent  # noqa: E402
from langgraph.types import Send  # noqa: E402


class Count(TypedDict):
    n: int
    most: int


def counting():
    graph = StateGraph(Count)
    graph.add_node("a", lambda state: {"n": state["n"] + 1})
    graph.add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: "a" if state["n"] < state["most"] else END)
    return graph


class Sent(TypedDict):
    n: int
    most: int
    sum: Annotated[int, operator.add]


def sending():
    graph = StateGraph(Sent)
    graph.add_node("a", lambda state: {"n": state["n"] + 1})
    graph.add_node("b", lambda item: {"sum": item["x"]})
    graph.add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: [Send("b", {"x": x}) for x in range(100)] if state["n"] < state["most"] else END)
    graph.add_edge("b", "a")
    return graph


class Talk(TypedDict):
    ms: Annotated[list, add_messages]
    n: Annotated[int, operator.add]


def talking():
    graph = StateGraph(Talk)
    graph.add_node("a", lambda state: {"n": 1, "ms": [{"role": "user", "content": "x" * 500 + str(state["n"])}]})
    graph.add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: "a" if state["n"] < 200 else END)
    return graph


@tool
def calc(expression: str) -> str:
    """Computes."""
    return "42"


class Scripted(BaseChatModel):
    """Calls the tool once, then answers."""

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **more):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **more):
        if messages[-1].type == "tool":
            reply = AIMessage("It is 42.")
        else:
            reply = AIMessage("", tool_calls=[{"name": "calc", "args": {"expression": "6 * 7"}, "id": "1"}])
        return ChatResult(generations=[ChatGeneration(message=reply)])


def measure(repeats, count, act):
    wall, cpu = [], []
    act()
    for _ in range(repeats):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        act()
        cpu.append((time.process_time() - cpu_begin) * 1e6 / count)
        wall.append((time.perf_counter() - begin) * 1e6 / count)
    return {"wall_us": statistics.median(wall), "cpu_us": statistics.median(cpu)}


def run_steps(repeats, saver, steps):
    graph = counting().compile(checkpointer=saver)
    threads = iter(range(10**6))

    def act():
        config = {"recursion_limit": steps + 5, "configurable": {"thread_id": str(next(threads))}}
        assert graph.invoke({"n": 0, "most": steps}, config, durability="sync" if saver else None)["n"] == steps
    return measure(repeats, steps, act)


def superstep(repeats):
    return run_steps(repeats, None, 1000)


def superstep_memory(repeats):
    return run_steps(repeats, InMemorySaver(), 500)


def superstep_sqlite(repeats, synchronous=None):
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(pathlib.Path(folder) / "threads.db", check_same_thread=False)
        saver = SqliteSaver(connection)
        saver.setup()
        if synchronous:
            connection.execute(f"PRAGMA synchronous={synchronous}")
        return run_steps(repeats, saver, 300)


def superstep_sqlite_normal(repeats):
    return superstep_sqlite(repeats, "NORMAL")


def sent_task(repeats):
    graph, rounds = sending().compile(), 5
    return measure(repeats, rounds * 100, lambda: graph.invoke({"n": 0, "most": rounds + 1, "sum": 0}, {"recursion_limit": 100}))


def construct(repeats):
    return measure(repeats, 50, lambda: [counting().compile() for _ in range(50)])


def construct_react(repeats):
    return measure(repeats, 20, lambda: [create_react_agent(Scripted(), [calc]) for _ in range(20)])


def react_run(repeats):
    agent = create_react_agent(Scripted(), [calc])

    def act():
        for _ in range(20):
            assert agent.invoke({"messages": [("user", "What is 6 * 7?")]})["messages"][-1].content == "It is 42."
    return measure(repeats, 20, act)


def conversation(_):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "threads.db"
        connection = sqlite3.connect(path, check_same_thread=False)
        graph = talking().compile(checkpointer=SqliteSaver(connection))
        graph.invoke({"ms": [], "n": 0}, {"recursion_limit": 300, "configurable": {"thread_id": "t"}})
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return {"bytes": path.stat().st_size}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    cases = (superstep, superstep_memory, superstep_sqlite, superstep_sqlite_normal, sent_task, construct, construct_react, react_run, conversation)
    print(json.dumps({case.__name__: case for case in cases}[options.case](options.repeats)))


if __name__ == "__main__":
    main()
