"""Feedback, queues, shared links, attachments and the second version of the API: LangSmith's unmodified client."""
import asyncio
import datetime
import json
import time
import urllib.request
import uuid

import langsmith
import pytest
from keyed import KEY, keyed_server, native
from langsmith.schemas import Attachment

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated", "ignore::UserWarning")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def server(slipway, monkeypatch):
    with keyed_server(slipway, monkeypatch) as running:
        yield running


@pytest.fixture(params=["", "/langsmith"])
def client(server, request):
    return langsmith.Client(api_url=server.url + request.param, api_key=KEY, auto_batch_tracing=True)


def make_run(client, project="shop", **more):
    run = uuid.uuid4()
    client.create_run(name="step", run_type="chain", inputs={"question": "Why?"}, id=run, project_name=project,
                      start_time=now(), **more)
    client.update_run(run, outputs={"answer": "So."}, end_time=now())
    client.flush()
    return run


def test_feedback_is_given_read_changed_counted_and_deleted(client):
    run = make_run(client)
    read = client.read_run(run)
    one = client.create_feedback(run, key="correctness", score=1, comment="right", session_id=read.session_id)
    batched = client.create_feedback(run, key="correctness", score=0, trace_id=run, session_id=read.session_id)
    client.create_feedback(run, key="tone", value="kind", session_id=read.session_id)
    client.flush()
    listed = {feedback.id: feedback for feedback in client.list_feedback(run_ids=[run])}
    assert len(listed) == 3 and listed[one.id].comment == "right" and listed[batched.id].score == 0
    assert {f.key for f in client.list_feedback(run_ids=[run], feedback_key=["tone"])} == {"tone"}
    client.update_feedback(one.id, score=0.5, comment="half")
    assert client.read_feedback(one.id).score == 0.5
    stats = client.read_run(run).feedback_stats
    assert stats["correctness"]["n"] == 2 and stats["correctness"]["avg"] == 0.25
    assert stats["tone"]["values"] == {"kind": 1}
    client.create_feedback(None, key="total", score=0.9, project_id=read.session_id)
    project = client.read_project(project_id=read.session_id, include_stats=True)
    assert project.feedback_stats["correctness"]["n"] == 2
    assert project.session_feedback_stats["total"]["avg"] == 0.9
    other = make_run(client)
    found = {r.id for r in client.list_runs(project_name="shop", filter='and(eq(feedback_key, "correctness"), '
                                                                        'gt(feedback_score, 0.4))')}
    assert found == {run} and other not in found
    client.delete_feedback(one.id)
    assert len(list(client.list_feedback(run_ids=[run]))) == 2


def test_a_presigned_link_needs_no_key_and_expires(server, client):
    run = make_run(client)
    token = client.create_presigned_feedback_token(run, "thumb")
    with urllib.request.urlopen(f"{token.url}?score=1&comment=nice") as reply:
        assert reply.status == 200
    client.create_feedback_from_token(token.id, score=0, comment="posted")
    given = list(client.list_feedback(run_ids=[run]))
    assert {(f.key, f.score, f.comment) for f in given} == {("thumb", 1, "nice"), ("thumb", 0, "posted")}
    assert {str(t.id) for t in client.list_presigned_feedback_tokens(run)} == {str(token.id)}
    wrong = server.get(f"/feedback/tokens/{uuid.uuid4()}?score=1")
    assert wrong.status == 404
    past = client.request_with_retries  # The client itself refuses none: the server does.
    with pytest.raises(langsmith.utils.LangSmithError):
        past("POST", "/feedback/tokens", data=json.dumps({"run_id": str(run), "feedback_key": "k",
                                                          "expires_at": "2020-01-01T00:00:00Z"}))


def test_feedback_configurations_and_their_categories(client):
    client.create_feedback_config("topic", feedback_config={
        "type": "categorical", "categories": [{"value": 0, "label": "bill"}, {"value": 1, "label": "ship"}]})
    client.add_feedback_categories("topic", [{"value": 2, "label": "return"}])
    client.remove_feedback_categories("topic", [0])
    (config,) = client.list_feedback_configs(feedback_key=["topic"])
    assert [c["value"] for c in config.feedback_config["categories"]] == [1, 2]
    assert client.update_feedback_config("topic", is_lower_score_better=True).is_lower_score_better
    client.delete_feedback_config("topic")
    assert not list(client.list_feedback_configs(feedback_key=["topic"]))


def test_attachments_come_back_byte_for_byte(client):
    run = uuid.uuid4()
    picture = bytes(range(256)) * 40
    client.create_run(name="see", run_type="chain", inputs={}, id=run, trace_id=run, project_name="shop",
                      start_time=now(), dotted_order=f"{now():%Y%m%dT%H%M%S%fZ}{run}",
                      attachments={"picture": Attachment(mime_type="image/png", data=picture)})
    client.flush()
    read = client.read_run(run)
    assert read.attachments["picture"]["reader"].read() == picture
    assert read.attachments["picture"]["mime_type"] == "image/png"
    (listed,) = client.list_runs(id=[run])
    assert listed.attachments["picture"]["reader"].read() == picture


def test_a_shared_run_is_read_by_its_link_alone(server, client):
    run = make_run(client)
    assert not client.run_is_shared(run)
    link = client.share_run(run)
    token = link.split("/")[-2]
    stranger = langsmith.Client(api_url=server.url, api_key="another-key-that-nobody-knows")
    assert stranger.read_shared_run(token).id == run
    assert [r.id for r in stranger.list_shared_runs(token)] == [run]
    with pytest.raises(langsmith.utils.LangSmithError):
        stranger.read_run(run)
    client.unshare_run(run)
    assert not client.run_is_shared(run)
    with pytest.raises(langsmith.utils.LangSmithNotFoundError):
        stranger.read_shared_run(token)


def test_annotation_queues_hold_runs_in_order(client):
    runs = [make_run(client) for _ in range(3)]
    queue = client.create_annotation_queue(name="look", description="d", rubric_instructions="carefully")
    client.add_runs_to_annotation_queue(queue.id, run_ids=runs)
    assert client.get_run_from_annotation_queue(queue.id, index=0).id == runs[0]
    assert [r.id for r in client.list_runs_from_annotation_queue(queue.id)] == runs
    client.delete_run_from_annotation_queue(queue.id, run_id=runs[0])
    assert client.get_run_from_annotation_queue(queue.id, index=0).id == runs[1]
    client.update_annotation_queue(queue.id, name="looked")
    assert client.read_annotation_queue(queue.id).name == "looked"
    assert [q.id for q in client.list_annotation_queues(name_contains="looked")] == [queue.id]
    client.delete_annotation_queue(queue.id)
    assert not list(client.list_annotation_queues(queue_ids=[queue.id]))


def test_the_second_version_finds_runs_traces_and_threads(client):
    run = make_run(client, extra={"metadata": {"thread_id": "t-1"}}, tags=["blue"])
    project = str(client.read_project(project_name="shop").id)

    async def look():
        found = [r async for r in client.runs.query(project_ids=[project], selects=["NAME", "TAGS", "STATUS"])]
        assert [(r.id, r.name, r.tags, r.status) for r in found] == [(str(run), "step", ["blue"], "SUCCESS")]
        one = await client.runs.retrieve(run_id=str(run), project_id=project, selects=["INPUTS", "SHARE_URL"])
        assert one.inputs == {"question": "Why?"} and one.share_url is None
        assert (await client.runs.get_url(run_id=str(run), project_id=project, trace_id=str(run))).url.endswith(
            f"/traces/{run}")
        traces = await client.traces.query(project_id=project)
        assert [t.root_run.id for t in traces.items] == [str(run)]
        assert len((await client.traces.list_runs(str(run), project_id=project)).items) == 1
        threads = await client.threads.query(project_id=project)
        assert [(t.thread_id, t.count) for t in threads.items] == [("t-1", 1)]
        stats = await client.threads.stats("t-1", selects=["TURNS"], session_id=project)
        assert stats.turns == 1
        shared = await client.runs.share.create(str(run), session_id=project, trace_id=str(run))
        page = await client.public.runs.query(shared.share_token, selects=["ID"])
        assert [r.id for r in page.items] == [str(run)]

    asyncio.run(look())


def test_our_own_api_knows_the_same_feedback(server, client):
    run = make_run(client)
    headers = {"x-api-key": KEY}
    made = server.post(f"/api/runs/{run}/feedback", {"key": "good", "score": 1, "comment": "yes"}, headers=headers)
    assert made.status == 201 and made.json["run_id"] == str(run)
    assert [f.comment for f in client.list_feedback(run_ids=[run])] == ["yes"]
    bad = make_run(client)
    server.post("/api/feedback", {"run_id": str(bad), "key": "good", "score": 0}, headers=headers)
    assert native(server, "/api/feedback/stats?project=shop")["runs"][0]["mean"] == 0.5
    query = urllib.request.quote(json.dumps({"feedback.good": {"$lt": 0.5}}))
    assert [t["id"] for t in native(server, f"/api/traces?filter={query}")["items"]] == [str(bad)]
    link = server.post(f"/api/runs/{run}/feedback-links", {"key": "thumb"}, headers=headers).json["url"]
    assert urllib.request.urlopen(link + "?score=1").status == 200
    assert len(native(server, f"/api/feedback?run_id={run}")["items"]) == 2


def test_evaluators_judge_runs_as_they_come(server, client):
    headers = {"x-api-key": KEY}
    rule = {"name": "polite", "key": "polite", "project": "shop",
            "evaluator": {"kind": "contains", "text": "So", "path": "/answer"}}
    assert server.post("/api/evaluators", rule, headers=headers).status == 201
    assert server.post("/api/evaluators", {**rule, "evaluator": {"kind": "regex", "pattern": "("}},
                       headers=headers).status == 400
    run = make_run(client)
    for _ in range(100):
        given = list(client.list_feedback(run_ids=[run]))
        if given:
            break
        time.sleep(0.1)
    assert [(f.key, f.score) for f in given] == [("polite", 1)]


CODE = """def perform_eval(run, example):
    said = run["outputs"]["answer"]
    return {"key": "short", "score": len(said) < 10, "comment": run["name"]}
"""


def wait_for_feedback(client, run, count):
    for _ in range(150):
        given = list(client.list_feedback(run_ids=[run]))
        if len(given) >= count:
            return given
        time.sleep(0.1)
    raise AssertionError(f"{len(given)} of {count} opinions came")


def test_evaluators_are_made_attached_and_deleted_by_the_client(server, client):
    headers = {"x-api-key": KEY}
    unheard = make_run(client)

    async def make():
        created = await client.evaluators.create(name="short", type="code", metadata={"team": "a"},
                                                 code_evaluator={"code": CODE, "language": "python"})
        changed = await client.evaluators.update(created.evaluator.id, name="short answers")
        judge = await client.evaluators.create(
            name="grader", type="llm",
            llm_evaluator={"prompt_repo_handle": "grader", "commit_hash_or_tag": "production",
                           "variable_mapping": {"question": "input.question"}})
        return created.evaluator, changed.evaluator, judge.evaluator

    made, changed, judge = asyncio.run(make())
    assert made.type == "code" and made.run_rules == [] and changed.name == "short answers"
    assert judge.type == "llm" and judge.llm_evaluator.prompt_repo_handle == "grader"
    project = client.read_project(project_name="shop")
    answer = server.post("/langsmith/runs/rules", {
        "display_name": "short answers of the shop", "evaluator_id": made.id, "session_id": str(project.id),
        "sampling_rate": 1, "filter": "eq(is_root, true)"}, headers=headers)
    assert answer.status == 200, answer.text
    run = make_run(client)
    assert [(f.key, f.score, f.comment) for f in wait_for_feedback(client, run, 1)] == [("short", 1, "step")]
    assert list(client.list_feedback(run_ids=[unheard])) == []

    async def look_and_delete():
        listed = [one async for one in client.evaluators.list(name_contains="ANSWERS", limit=10)]
        assert [one.id for one in listed] == [made.id]
        assert listed[0].run_rules[0].session_name == "shop"
        rules = [one async for one in client._get_langsmith_api().evaluators.list_v2(project_id=str(project.id))]
        assert [(rule.display_name, rule.project_name) for rule in rules] == [("short answers of the shop", "shop")]
        with pytest.raises(Exception, match="delete_run_rules"):
            await client.evaluators.delete(made.id)
        await client.evaluators.delete(made.id, delete_run_rules=True)
        gone = await client.evaluators.bulk_delete(evaluator_ids=[judge.id, made.id])
        assert gone.succeeded == [judge.id] and gone.failed[0].id == made.id

    asyncio.run(look_and_delete())
    assert server.get("/api/evaluators", headers=headers).json["items"] == []


def test_code_of_an_evaluator_is_bounded_and_refused_in_its_own_words(server, client):
    headers = {"x-api-key": KEY}

    def rule(code):
        return server.post("/api/evaluators", {"name": "code", "key": "code", "evaluator": {"kind": "code", "code": code}},
                           headers=headers)

    for code, told in [("def perform_eval(run) return 1", "SyntaxError"), ("x = 1", "perform_eval"),
                       ("import nothing_like_it", "ModuleNotFoundError")]:
        answer = rule(code)
        assert answer.status == 400 and told in answer.text, answer.text
    looks = ("def perform_eval(run):\n    import os, socket\n"
             "    assert not os.path.exists('/etc/passwd')\n"
             "    try:\n        socket.create_connection(('127.0.0.1', %d), 1)\n        return 1\n"
             "    except OSError:\n        return 0\n" % server.port)
    assert rule(looks).status == 201
    assert rule("def perform_eval(run):\n    return run['outputs']['question']").status == 201
    given = {f.score: f for f in wait_for_feedback(client, make_run(client), 2)}
    assert given[0].comment is None and "KeyError: 'question'" in given[None].comment
