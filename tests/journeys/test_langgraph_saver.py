"""LangGraph's own conformance suite of checkpoint savers, on the example that keeps them in Slipway's store."""
import asyncio
import operator
import sys
import typing

from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_sdk import get_sync_client

from conftest import ROOT
from serving import serve

sys.path.insert(0, str(ROOT / "examples" / "langgraph"))
from slipway_saver import SlipwaySaver  # noqa: E402

# Tests of each part of the suite (0.0.2): all of them, also of the three that LangGraph's own savers do not have.
SUITE = {"put": 17, "put_writes": 10, "get_tuple": 10, "list": 16, "delete_thread": 5, "copy_thread": 8, "prune": 8,
         "delete_for_runs": 7}


def test_the_conformance_suite_of_savers_passes_in_full(slipway):
    with serve(slipway) as server, get_sync_client(url=server.url + "/langgraph") as client:
        @checkpointer_test(name="SlipwaySaver")
        async def saver():
            yield SlipwaySaver(client)

        report = asyncio.run(validate(saver))
        failures = {name: part.failures for name, part in report.results.items() if part.failures}
        assert not failures and {name: part.tests_passed for name, part in report.results.items()} == SUITE


class State(typing.TypedDict, total=False):
    notes: typing.Annotated[list, operator.add]


def graph_of(saver):
    builder = StateGraph(State)
    builder.add_node("plan", lambda state: {"notes": ["plan"]})
    builder.add_node("ask", lambda state: {"notes": [interrupt("Go on?")]})
    builder.add_edge(START, "plan")
    builder.add_edge("plan", "ask")
    builder.add_edge("ask", END)
    return builder.compile(checkpointer=saver)


def test_a_graph_of_langgraph_goes_on_in_another_process_with_what_slipway_kept(slipway):
    config = {"configurable": {"thread_id": "a thread, by any name.."}}
    with serve(slipway) as server, get_sync_client(url=server.url + "/langgraph") as client:
        stopped = graph_of(SlipwaySaver(client)).invoke({"notes": []}, config)
        assert stopped["__interrupt__"][0].value == "Go on?"
    with serve(slipway) as server, get_sync_client(url=server.url + "/langgraph") as client:
        graph = graph_of(SlipwaySaver(client))
        assert graph.get_state(config).next == ("ask",)
        assert graph.invoke(Command(resume="yes"), config)["notes"] == ["plan", "yes"]
        history = list(graph.get_state_history(config))
        assert [one.metadata["step"] for one in history] == [2, 1, 0, -1]
        again = graph.invoke(None, history[2].config)  # From before the plan.
        assert again["notes"] == ["plan"] and again["__interrupt__"]
