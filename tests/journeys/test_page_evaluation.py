"""Datasets, experiments and comparisons on the page of the real program, in a real browser.

The experiments are left by `evaluate()` of LangSmith's unmodified client; what the browser does is in
tests/browser/scenarios/evaluation.mjs.
"""
import os

import langsmith
import pytest
from langsmith import evaluate, traceable

from conftest import Slipway
from serving import Server
from test_evaluations import GOLDENS, SLOW_SUITE, Upstream, add, slow_model
from test_page import browser  # noqa: F401  One Chromium, as for the other pages.

QUESTIONS = [
    ("How long are traces kept?", "Thirty days.", "retention"), ("Who may read a trace?", "Whoever has the role read.", "access"),
    ("What does a budget reserve?", "The most that a call can cost.", "budgets"), ("Where is the index?", "In the folder segments.", "storage"),
    ("How is a key revoked?", "With slipway keys revoke.", "access"), ("What is a receipt?", "All that is needed to repeat an answer.", "answers"),
    ("Is there a page?", "Yes, at the root.", "page"), ("Can prompts be tagged?", "Yes, tags move between versions.", "prompts"),
    ("What is refused?", "A question without evidence.", "answers"), ("How are costs counted?", "In picodollars.", "budgets"),
    ("Which database is used?", "SQLite.", "storage"), ("Does it need a network?", "No.", "storage"),
]
HOSTILE = "<img src=x onerror=\"window.stolen = 1\"> " + "W" * 300


class Lab:
    """A dataset of questions in two versions, and two experiments over it, the second one better but for one case."""

    def __init__(self, server, client):
        self.server, self.url, self.client = server, server.url, client
        self.dataset = client.create_dataset("handbook", description="What people ask about Slipway")
        client.create_examples(dataset_id=self.dataset.id, examples=[
            {"inputs": {"input": question}, "reference_outputs": {"expected_output": answer}, "split": "test" if i % 3 else "train",
             "metadata": {"document": document, **({"severity": "critical"} if i == 0 else {})}}
            for i, (question, answer, document) in enumerate(QUESTIONS)])
        self.first = self.run("quotes", lambda i: i % 2 == 0)
        self.second = self.run("writes", lambda i: i % 4 != 0)
        add(server, goldens=GOLDENS)
        hostile = client.create_dataset("hostile", description=HOSTILE)
        client.create_examples(dataset_id=hostile.id, examples=[{"inputs": {"input": HOSTILE}, "reference_outputs": {"a": HOSTILE}}])

    def run(self, prefix, knows):
        numbers = {question: i for i, (question, _, _) in enumerate(QUESTIONS)}

        @traceable(run_type="retriever", client=self.client)
        def retrieve(question):
            return [{"page_content": "The handbook says it.", "type": "Document"}]

        def answer(inputs):
            retrieve(inputs["input"])
            i = numbers[inputs["input"]]
            return {"answer": QUESTIONS[i][1] if knows(i) else "Nobody knows that."}

        def correct(outputs, reference_outputs):
            good = outputs["answer"] == reference_outputs["expected_output"]
            return {"key": "correct", "score": good, "comment": "as the handbook says" if good else "not in the handbook"}

        def brevity(outputs):
            return {"key": "brevity", "score": round(1 / (1 + len(outputs["answer"].split()) / 10), 4)}

        results = evaluate(answer, data="handbook", evaluators=[correct, brevity], experiment_prefix=prefix, client=self.client,
                           max_concurrency=0)
        self.client.flush()
        return str(self.client.read_project(project_name=results.experiment_name).id)


@pytest.fixture(scope="module")
def lab(program, prefix, tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("LANGSMITH_", "LANGCHAIN_")):
                patch.delenv(name)
        with Upstream(delay=2) as upstream, Server(Slipway(program, prefix, tmp_path_factory.mktemp("lab"), cache),
                                                     config=slow_model(upstream)) as server:
            patch.setenv("LANGSMITH_ENDPOINT", server.url + "/langsmith")
            patch.setenv("LANGSMITH_API_KEY", "none")
            langsmith.utils.get_env_var.cache_clear()
            yield Lab(server, langsmith.Client(api_url=server.url + "/langsmith", api_key="none"))
            langsmith.utils.get_env_var.cache_clear()


def test_experiments_of_the_client_are_evaluations(lab):
    assert lab.server.get("/api/evaluations").json["items"][0]["source"] == "experiment"
    everything = lab.server.get("/api/evaluations?dataset=handbook").json["items"]
    assert [one["id"] for one in everything] == [lab.second, lab.first]
    metrics = {one["name"]: one for one in everything[1]["metrics"]}
    assert metrics["correct"]["mean"] == 0.5 and metrics["correct"]["n"] == 12
    assert metrics["correct"]["method"] == "studentized_cluster_bootstrap" and metrics["correct"]["clusters"] == 7
    whole = lab.server.get(f"/api/evaluations/{lab.first}").json
    assert whole["format"] == "slipway-eval-result/1" and len(whole["items"]) == 12
    correct = {one["name"]: one for one in whole["metrics"]}["correct"]
    assert correct == metrics["correct"] and correct["low"] < 0.5 < correct["high"]
    items = lab.server.get(f"/api/evaluations/{lab.first}/items?failing=true&metric=correct&limit=4").json
    assert len(items["items"]) == 4 and items["next_cursor"] == "4"
    assert items["items"][0]["actual_output"] == "Nobody knows that."
    assert items["items"][0]["scores"]["correct"] | {"items": []} == {
        "score": 0, "pass": False, "reason": "not in the handbook", "error": None, "items": []}
    assert lab.server.get("/api/evaluations/none").status == 404
    assert lab.server.get(f"/api/evaluations/{lab.first}/items?metric=corect").json["detail"].endswith("did you mean 'correct'?")


def test_two_experiments_are_compared_case_by_case(lab):
    found = lab.server.get(f"/api/evaluations/compare?baseline={lab.first}&candidate={lab.second}&metric=correct").json
    correct = {one["name"]: one for one in found["metrics"]}["correct"]
    assert correct["baseline"] == 0.5 and correct["candidate"] == 0.75 and correct["difference"] == 0.25 and correct["n"] == 12
    assert correct["low"] < 0.25 < correct["high"]
    changes = [one["change"] for one in found["items"]]
    assert changes == sorted(changes) and changes.count(-1) == 3 and changes.count(1) == 6 and changes.count(0) == 3
    worst = found["items"][0]
    assert worst["baseline"]["answer"] != worst["candidate"]["answer"] == "Nobody knows that."
    assert worst["baseline"]["trace_id"] and worst["candidate"]["trace_id"]
    assert lab.server.get(f"/api/evaluations/compare?baseline={lab.first}&candidate={lab.first}").status == 400


def test_datasets_are_found_and_read(browser, lab):
    browser("datasets_are_found_and_read", lab.url, count=len(QUESTIONS))


def test_examples_are_added_changed_and_removed(browser, lab):
    browser("examples_are_added_changed_and_removed", lab.url)


def test_files_are_imported(browser, lab, tmp_path):
    file = tmp_path / "more.jsonl"
    file.write_text('{"inputs": {"input": "One?"}, "outputs": {"answer": "1"}}\n{"inputs": {"input": "Two?"}, "outputs": null}\n')
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{broken\n")
    browser("files_are_imported", lab.url, file=str(file), wrong=str(wrong))


def test_versions_are_named_and_compared(browser, lab):
    browser("versions_are_named_and_compared", lab.url)


def test_experiments_are_read_case_by_case(browser, lab):
    browser("experiments_are_read_case_by_case", lab.url, id=lab.first)


def test_experiments_are_compared_side_by_side(browser, lab):
    browser("experiments_are_compared_side_by_side", lab.url, first=lab.first, second=lab.second)


def test_an_evaluation_is_started_and_read(browser, lab):
    browser("an_evaluation_is_started_and_read", lab.url)


def test_a_running_evaluation_is_watched_and_cancelled(browser, lab):
    browser("a_running_evaluation_is_watched_and_cancelled", lab.url, suite=SLOW_SUITE)


def test_evaluators_are_made_and_changed(browser, lab):
    browser("evaluators_are_made_and_changed", lab.url)


def test_hostile_examples_stay_text(browser, lab):
    browser("hostile_examples_stay_text", lab.url)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_of_evaluations_is_accessible_and_fits(browser, lab, theme, width):
    browser("every_page_of_evaluations_is_accessible_and_fits", lab.url, theme=theme, width=width, height=740, first=lab.first,
            second=lab.second)
