"""Agents on the page of the real program, in a real browser: tests/browser/scenarios/agents.mjs."""
import json

import pytest

from conftest import Slipway
from serving import Server
from test_agents_http import DESK, REPLIES, SLOW, resume, run, thread_of
from test_page import browser  # noqa: F401  One Chromium, as for the other pages.

HOSTILE = "<img src=x onerror=\"window.stolen = 1\"> " + "W" * 300
POOR = """\
name: poor
models: {m: {provider: scripted, replies: "REPLIES"}}
state: {text: string}
budget: {tokens: 10, on_exceed: approve}
nodes: {think: {llm: {model: m, prompt: "poor", into: text, max_tokens: 200}}}
edges: [START -> think, think -> END]
"""
RESEARCH = """\
name: research
description: Plans, searches, writes, criticises
input: [question]
output: [report, score]
models: {m: {provider: scripted, replies: "REPLIES"}}
state: {question: string, queries: list, pages: list, facts: {type: list, reduce: append}, report: string,
        score: {type: number, default: 0}, advice: string}
budget: {tokens: 60000, usd: 0.50, on_exceed: finish}
limits: {steps: 40}
nodes:
  plan: {llm: {model: m, prompt: "Search queries for: {{question}}", schema: {queries: list}}}
  search: {map: {each: queries, as: q, do: {set: {page: "q"}}, into: pages}}
  extract: {llm: {model: m, prompt: "Facts on {{question}} in: {{page}}", schema: {facts: list}}}
  draft: {llm: {model: m, prompt: "Report on {{question}} from {{facts}}. Mend: {{advice}}", into: report}}
  critique: {llm: {model: m, prompt: "Rate 0-10 and advise: {{report}}", schema: {score: number, advice: string}}}
  release: {human: {ask: "Publish? {{report}}", into: advice}}
edges:
  - START -> plan
  - plan -> search
  - search -> extract: {each: pages, as: page, empty: draft}
  - extract -> draft
  - draft -> critique
  - critique -> draft: {when: "score < 8 && step < 12"}
  - critique -> release: {else: true}
  - release -> END
"""


class Yard:
    def __init__(self, server, replies):
        self.server, self.url = server, server.url
        for text in (DESK, SLOW, POOR, RESEARCH):
            reply = server.request("PUT", f"/api/agents/{text.split()[1]}", {"yaml": text.replace("REPLIES", str(replies))})
            assert reply.status == 200, reply
        self.waiting = thread_of(server)
        run(server, self.waiting)
        self.done = thread_of(server)
        for answer in ("approve", {"post": "Ships slide down it."}):
            result = run(server, self.done) if answer == "approve" else result
            result = resume(server, self.done, answers={result["interrupts"][0]["id"]: answer})
        assert result["status"] == "done"


@pytest.fixture(scope="module")
def yard(program, prefix, tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("yard")
    replies = folder / "replies.jsonl"
    replies.write_text("\n".join(map(json.dumps, REPLIES)))
    config = {"log": {"level": "error"}, "server": {"allowed_folders": [str(folder)]}}
    with Server(Slipway(program, prefix, folder, cache), config=config) as server:
        yield Yard(server, replies)


@pytest.mark.parametrize("scenario", [
    "an_agent_is_written_with_faults_at_their_lines",
    "a_run_is_watched_and_answered",
    "a_call_is_rejected_with_a_reason",
    "a_thread_is_forked_from_a_checkpoint",
    "a_model_is_heard_while_it_speaks_and_stopped",
    "more_budget_is_given",
    "a_question_is_answered_by_keys",
    "threads_are_found_by_their_state",
])
def test_agents_are_used(browser, yard, scenario):
    browser(scenario, yard.url)


@pytest.mark.parametrize("width", [360, 700, 1200])
def test_an_approval_is_seen_without_scrolling(browser, yard, width):
    browser("an_approval_is_seen_without_scrolling", yard.url, width=width, height=740, waiting=yard.waiting)


def test_hostile_states_stay_text(browser, yard):
    thread = thread_of(yard.server)
    run(yard.server, thread, input={"topic": HOSTILE})
    browser("hostile_states_stay_text", yard.url, thread=thread)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_of_agents_is_accessible_and_fits(browser, yard, theme, width):
    browser("every_page_of_agents_is_accessible_and_fits", yard.url, theme=theme, width=width, height=740, waiting=yard.waiting,
            done=yard.done)
