"""Traces, costs, budgets and the playground on the page of the real program, in a real browser.

The traces come in as OTLP JSON (spans.py); what the browser does is in tests/browser/scenarios/traces.mjs. Traces that a
test adds have names of their own and come after the counts were taken.
"""
import json
import os
import time
import uuid

import pytest

import spans
from conftest import ROOT, Slipway
from serving import Server
from test_page import browser  # noqa: F401  One Chromium, as for the other pages.

QUESTIONS = ["Where is my parcel?", "Can I return the blue kettle?", "When is the refund of order 4711 paid?"]
MODELS = list(spans.MODELS)
COUNT = 117
WIDE = 5000
LEVELS = 700
HOSTILE = "<img src=x onerror=\"window.stolen = 1\"> " + "W" * 4000


def questions():
    """Each of three questions and models as often; every 13th fails, every 9th is slow."""
    for i in range(COUNT):
        yield spans.question(
            i, QUESTIONS[i % 3], "Refunds take five days.", length_ms=3000 + i if i % 9 == 0 else 500 + i, model=MODELS[i // 3 % 3],
            start=spans.START - (i % 40) * 7_000 * spans.SECOND - i, user=["ada", "grace"][i % 2], session=f"session {i // 6}",
            error="the model answered 529: overloaded" if i % 13 == 12 else None)


class Shop:
    def __init__(self, server):
        self.server, self.url = server, server.url
        spans.send_prices(server)
        for i, question in enumerate(questions()):
            spans.send(server, question, project="shop" if i % 2 else "helpdesk")
        spans.send(server, spans.wide("long journey", WIDE, start=spans.START + 1000 * spans.SECOND))
        spans.send(server, spans.deep("deep well", LEVELS, start=spans.START + 999 * spans.SECOND))
        trace = spans.trace_id("hostile")
        spans.send(server, [spans.span(trace, HOSTILE, 0, 9, start=spans.START + 998 * spans.SECOND, error=HOSTILE,
                                       of={"input.value": {HOSTILE: [HOSTILE]}, "input.mime_type": "application/json",
                                           "output.value": HOSTILE, "user.id": HOSTILE[:200]})])

    def count(self, query=""):
        return self.server.get(f"/api/traces/stats{query}").json["traces"]

    def rows(self, trace):
        """The runs of a trace in the order of the tree, with where their bars must be."""
        tree = self.server.get(f"/api/traces/{trace}").json
        length, rows = tree["latency_ms"], []

        def walk(runs, depth):
            for run in runs:
                begin = offset_ms(tree["start_time"], run["start_time"])
                rows.append({"id": run["id"], "name": run["name"], "depth": depth, "status": run["status"],
                             "left": begin / length, "width": run["latency_ms"] / length})
                walk(run["children"], depth + 1)

        walk(tree["roots"], 0)
        return rows

    def chat(self, number):
        trace = spans.trace_id(f"question {number}")
        return {"trace": trace, "run": next(row["id"] for row in self.rows(trace) if row["name"].startswith("chat"))}


def offset_ms(begin, end):
    def nanoseconds(text):
        hours, minutes, seconds = text[11:-1].split(":")
        whole, _, fraction = seconds.partition(".")
        return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 10**9 + int(fraction.ljust(9, "0")[:9])
    return (nanoseconds(end) - nanoseconds(begin)) % (24 * 3600 * 10**9) / 1e6


@pytest.fixture(scope="module")
def shop(program, prefix, tmp_path_factory, cache):
    with Server(Slipway(program, prefix, tmp_path_factory.mktemp("traces"), cache)) as server:
        yield Shop(server)


def wait_for_words(shop, query, count):
    """Text search follows within two seconds."""
    for _ in range(100):
        if shop.count(query) == count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{query}: {shop.count(query)} traces, not {count}")


def wait_for_trace(shop, trace):
    """Of the server's own: it is written a moment after its reply."""
    for _ in range(100):
        reply = shop.server.get(f"/api/traces/{trace}")
        if reply.status == 200:
            return reply.json
        time.sleep(0.05)
    raise AssertionError(reply)


def test_traces_are_found_by_filters_in_the_address(browser, shop):
    refund = len([i for i in range(COUNT) if i % 3 == 2])
    wait_for_words(shop, "?q=%22refund%20of%20order%22", refund)
    browser("traces_are_found_by_filters_in_the_address", shop.url, total=shop.count(), refund=refund,
            slow=shop.count("?min_latency_ms=2000"))


def test_filters_are_kept_and_refusals_told(browser, shop):
    browser("filters_are_kept_and_refusals_told", shop.url)


def test_more_are_shown_page_by_page(browser, shop):
    browser("more_are_shown_page_by_page", shop.url, total=shop.count())


def test_what_fits_is_exported(browser, shop):
    browser("what_fits_is_exported", shop.url, slow=shop.count("?min_latency_ms=2000"), trace=spans.trace_id("question 1"))


def test_a_trace_opens_and_its_runs_are_read(browser, shop):
    trace = spans.trace_id("question 1")
    browser("a_trace_opens_and_its_runs_are_read", shop.url, trace=trace, runs=shop.rows(trace))


def test_an_error_is_found_in_its_trace(browser, shop):
    browser("an_error_is_found_in_its_trace", shop.url, trace=spans.trace_id("question 12"), words="529: overloaded")


def test_keys_walk_through_the_tree(browser, shop):
    browser("keys_walk_through_the_tree", shop.url, trace=spans.trace_id("question 1"))


def test_thousands_of_runs_open_at_once(browser, shop):
    notes = browser("thousands_of_runs_open_at_once", shop.url, trace=spans.trace_id("long journey"), count=WIDE, broken="step 3988")
    print(notes)
    # Where others compute, too, the browser gets its share of the processors only.
    slower = max(1, os.getloadavg()[0] / os.cpu_count())
    assert notes["open_ms"][0] < 1000 * slower
    assert notes["frame_ms"] < 100 * slower


@pytest.mark.parametrize("width", [390, 1200])
def test_deep_trees_are_whole(browser, shop, width):
    browser("deep_trees_are_whole", shop.url, trace=spans.trace_id("deep well"), levels=LEVELS, width=width)


def test_two_runs_are_compared(browser, shop):
    browser("two_runs_are_compared", shop.url, a=shop.chat(0), b=shop.chat(10))


def test_threads_are_read_as_conversations(browser, shop):
    browser("threads_are_read_as_conversations", shop.url, session="session 2", turns=6)


def test_costs_add_up(browser, shop):
    costs = shop.server.get("/api/costs?group_by=model").json
    assert costs["total_usd"] > 0 and len(costs["groups"]) == len(MODELS)
    browser("costs_add_up", shop.url, total=costs["total_usd"], groups=[[g["key"], g["cost_usd"]] for g in costs["groups"]])


def test_costs_by_prompt_lead_to_traces(browser, shop):
    trace = spans.trace_id("with a prompt")
    of = {"langfuse.observation.prompt.name": "greeting", "langfuse.observation.prompt.version": 3}
    spans.send(shop.server, [spans.chat(trace, "chat gpt-4o", 0, 9, "gpt-4o", [("user", "Hi")], "Hello", (10, 2), of=of)])
    browser("costs_by_prompt_lead_to_traces", shop.url, prompt="greeting@3", trace=trace)


def test_attachments_are_shown_or_saved(browser, shop):
    run = str(uuid.uuid4())
    post = {"id": run, "trace_id": run, "dotted_order": f"20260528T000000000000Z{run}", "name": "with files", "run_type": "chain",
            "session_name": "files", "start_time": "2026-05-28T00:00:00Z", "end_time": "2026-05-28T00:00:01Z"}
    parts = [(f"post.{run}", "application/json", json.dumps(post).encode()),
             (f"attachment.{run}.photo.png", "image/png", (ROOT / "tests" / "data" / "rag" / "red.png").read_bytes()),
             (f"attachment.{run}.page.html", "text/html", b"<script>window.stolen = 1</script>")]
    body = b"".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {kind}; length={len(data)}\r\n\r\n'.encode()
                    + data + b"\r\n" for name, kind, data in parts) + b"--b--\r\n"
    reply = shop.server.post("/langsmith/runs/multipart", body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status == 202, reply
    browser("attachments_are_shown_or_saved", shop.url, trace=run)


def test_hostile_traces_stay_text(browser, shop):
    browser("hostile_traces_stay_text", shop.url, trace=spans.trace_id("hostile"))
    browser("hostile_traces_stay_text", shop.url, trace=spans.trace_id("hostile"), width=390)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_of_traces_is_accessible_and_fits(browser, shop, theme, width):
    browser("every_page_of_traces_is_accessible_and_fits", shop.url, theme=theme, width=width, height=740,
            trace=spans.trace_id("question 1"), wide=spans.trace_id("long journey"), session="session 2")


def test_the_playground_asks_what_a_run_was_asked(browser, shop):
    browser("the_playground_asks_what_a_run_was_asked", shop.url, **shop.chat(1))


def test_budgets_are_made_changed_and_deleted(browser, shop):
    browser("budgets_are_made_changed_and_deleted", shop.url)


def test_prompts_are_written_tagged_and_tried(browser, shop):
    notes = browser("prompts_are_written_tagged_and_tried", shop.url, name="kettle-answer", run=shop.chat(1)["run"])
    trace = wait_for_trace(shop, notes["trace"].removeprefix("/traces/"))
    assert trace["roots"][0]["metadata"]["prompt"] == {"name": "kettle-answer", "version": "2"}


def test_a_run_is_judged_and_kept(browser, shop):
    browser("a_run_is_judged_and_kept", shop.url, **shop.chat(2))
    examples = shop.server.get("/api/datasets/from%20the%20page/examples?limit=1000").json["items"]
    assert {"answer": "five days"} in [example["outputs"] for example in examples]
    assert len(examples) == 1 + shop.count("?status=error")


def test_runs_wait_for_a_person(browser, shop):
    runs = [shop.chat(4), shop.chat(5)]
    browser("runs_wait_for_a_person", shop.url, runs=runs)
    given = [one for one in shop.server.get(f"/api/feedback?run_id={runs[1]['run']}").json["items"] if one["key"] == "says_how_long"]
    assert [(one["score"], one["comment"]) for one in given] == [(1, "five days")]


# What changes the list comes last.
def test_new_traces_appear_while_one_looks(browser, shop):
    def one(name, minutes):  # From now on: what the server itself has done since is older.
        start = time.time_ns() + minutes * 60 * spans.SECOND
        return spans.request([spans.span(spans.trace_id(name), name, 0, 70, start=start)])

    browser("new_traces_appear_while_one_looks", shop.url, name="came just now", fresh=one("came just now", 1),
            laterName="came later", later=one("came later", 2))


def test_traces_are_deleted(browser, shop):
    browser("traces_are_deleted", shop.url, trace=spans.trace_id("question 3"))
