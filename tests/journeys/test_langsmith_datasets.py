"""LangSmith's unmodified client against the real server: datasets, examples, versions, experiments, comparisons."""
import datetime
import io
import shutil
import subprocess
import time
import uuid

import langsmith
import pytest
from conftest import HERE, ROOT
from keyed import KEY, keyed_server, native
from langsmith import evaluate, traceable
from langsmith.evaluation import evaluate_comparative
from langsmith.schemas import AttachmentsOperations, ExampleCreate, ExampleUpdate
from langsmith.utils import LangSmithConflictError, LangSmithError, LangSmithNotFoundError

# That client announces the end of methods that it still has; those who use it still call them.
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated", "ignore::UserWarning")]


@pytest.fixture
def server(slipway, monkeypatch):
    with keyed_server(slipway, monkeypatch) as running:
        yield running


@pytest.fixture(params=["", "/langsmith", "/api/v1"])
def client(server, request, monkeypatch):
    monkeypatch.setenv("LANGSMITH_ENDPOINT", server.url + request.param)
    monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
    langsmith.utils.get_env_var.cache_clear()  # It remembers what it once read.
    return langsmith.Client(api_url=server.url + request.param, api_key=KEY)


def test_examples_and_their_files_are_kept_in_versions(client):
    dataset = client.create_dataset("goldens", description="d", metadata={"team": "a"})
    with pytest.raises(LangSmithConflictError):
        client.create_dataset("goldens")
    image = b"\x89PNG\r\n--\x00"
    first = client.create_example(inputs={"q": "What?"}, reference_outputs={"a": "That"}, dataset_id=dataset.id,
                                  split=["train"], attachments={"picture": ("image/png", image)})
    assert first.metadata["dataset_split"] == ["train"]
    made = client.create_examples(dataset_id=dataset.id, examples=[
        {"inputs": {"q": i}, "outputs": {"a": i}, "metadata": {"hard": i % 2 == 0}} for i in range(5)])
    assert made["count"] == 5

    read = client.read_example(first.id)
    assert read.inputs == {"q": "What?"} and read.outputs == {"a": "That"}
    assert read.attachments["picture"]["reader"].read() == image
    assert read.attachments["picture"]["mime_type"] == "image/png"
    assert len(list(client.list_examples(dataset_id=dataset.id, metadata={"hard": True}))) == 3
    assert len(list(client.list_examples(dataset_id=dataset.id, filter='exists(metadata, "hard")'))) == 5
    assert [one.id for one in client.list_examples(dataset_id=dataset.id, splits=["train"])] == [first.id]
    assert len(list(client.list_examples(dataset_name="goldens", limit=2, offset=1))) == 2

    before = client.read_dataset_version(dataset_id=dataset.id, tag="latest")
    client.update_dataset_tag(dataset_id=dataset.id, as_of=before.as_of, tag="release")
    client.update_examples(dataset_id=dataset.id, updates=[
        ExampleUpdate(id=first.id, inputs={"q": "Which?"}, split="test",
                      attachments_operations=AttachmentsOperations(rename={"picture": "photo"}))])
    last = made["example_ids"][-1]
    client.delete_example(last)
    now = client.read_example(first.id)
    assert now.inputs == {"q": "Which?"} and now.outputs == {"a": "That"} and list(now.attachments) == ["photo"]
    old = client.read_example(first.id, as_of=before.as_of)
    assert old.inputs == {"q": "What?"} and list(old.attachments) == ["picture"]
    assert len(list(client.list_examples(dataset_id=dataset.id))) == 5
    assert len(list(client.list_examples(dataset_id=dataset.id, as_of="release"))) == 6
    diff = client.diff_dataset_versions(dataset.id, from_version="release", to_version="latest")
    assert diff.examples_modified == [first.id] and diff.examples_removed == [uuid.UUID(last)]
    assert client.list_dataset_splits(dataset_id=dataset.id) == ["base", "test"]
    client.update_dataset_splits(dataset_id=dataset.id, split_name="small", example_ids=[first.id])
    assert client.list_dataset_splits(dataset_id=dataset.id) == ["base", "small", "test"]
    assert [version.tags for version in client.list_dataset_versions(dataset_id=dataset.id)][0] == ["latest"]

    client.delete_examples([first.id], hard_delete=True)
    with pytest.raises(LangSmithNotFoundError):
        client.read_example(first.id, as_of=before.as_of)
    client.delete_dataset(dataset_id=dataset.id)
    assert not client.has_dataset(dataset_name="goldens")


def test_a_schema_is_held_and_a_table_taken_in(client):
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    dataset = client.create_dataset("strict", inputs_schema=schema)
    client.create_example(inputs={"q": "x"}, dataset_id=dataset.id)
    with pytest.raises(LangSmithError, match="expected"):
        client.create_example(inputs={"q": 1}, dataset_id=dataset.id)
    table = client.upload_csv(("qa.csv", io.BytesIO("q,a\nWas?,Straße\n".encode())), input_keys=["q"],
                              output_keys=["a"], name="table")
    (example,) = client.list_examples(dataset_id=table.id)
    assert example.inputs == {"q": "Was?"} and example.outputs == {"a": "Straße"}


def test_whoever_has_the_link_may_read_and_copy_a_shared_dataset(client):
    dataset = client.create_dataset("shared")
    client.create_examples(dataset_id=dataset.id, inputs=[{"q": 1}, {"q": 2}], outputs=[{"a": 1}, {"a": 2}])
    token = str(client.share_dataset(dataset_id=dataset.id)["share_token"])
    assert client.read_shared_dataset(token).name == "shared"
    stranger = langsmith.Client(api_url=client.api_url, api_key="nobody")
    assert len(list(stranger.list_shared_examples(token))) == 2
    copy = client.clone_public_dataset(token, dataset_name="copy")
    assert [one.inputs for one in client.list_examples(dataset_id=copy.id)] == [{"q": 1}, {"q": 2}]
    client.unshare_dataset(dataset_id=dataset.id)
    with pytest.raises(LangSmithError):
        list(stranger.list_shared_examples(token))


def wait_until(condition, seconds=20):
    for _ in range(seconds * 10):
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def test_an_experiment_is_run_judged_and_read_back(client, server):
    dataset = client.create_dataset("sums")
    client.create_examples(dataset_id=dataset.id, examples=[
        {"inputs": {"a": i, "b": 1}, "outputs": {"sum": i + 1}} for i in range(4)])

    @traceable(name="add", run_type="tool")
    def add(a, b):
        return a + b if a != 2 else 0

    def target(inputs):
        return {"sum": add(inputs["a"], inputs["b"])}

    def correct(outputs, reference_outputs):
        return {"key": "correct", "score": int(outputs == reference_outputs), "comment": "judged"}

    def share(outputs, reference_outputs):
        good = sum(one == other for one, other in zip(outputs, reference_outputs))
        return {"key": "share", "score": good / len(outputs)}

    def run(prefix, judged=target):
        return evaluate(judged, data="sums", evaluators=[correct], summary_evaluators=[share],
                        experiment_prefix=prefix, metadata={"model": prefix}, client=client)

    results = run("first")
    assert len(results) == 4
    client.flush()
    name = results.experiment_name
    project = wait_until(lambda: (p := client.read_project(project_name=name, include_stats=True)).feedback_stats and
                         (p.feedback_stats["correct"]["n"] == 4 and p))
    assert project.reference_dataset_id == dataset.id and project.run_count >= 4
    assert project.feedback_stats["correct"]["avg"] == 0.75
    assert project.session_feedback_stats["share"]["avg"] == 0.75
    assert project.metadata["model"] == "first" and project.metadata["dataset_version"]
    assert [one.name for one in client.list_projects(reference_dataset_name="sums")] == [name]
    read = client.get_experiment_results(name=name)
    rows = list(read["examples_with_runs"])
    assert [row.inputs["a"] for row in rows] == [0, 1, 2, 3]
    assert [row.runs[0].outputs["sum"] for row in rows] == [1, 2, 0, 4]
    assert [row.runs[0].feedback_stats["correct"]["avg"] for row in rows] == [1, 1, 0, 1]
    assert client.read_dataset(dataset_id=dataset.id).session_count == 1

    second = run("second", judged=lambda inputs: {"sum": inputs["a"] + inputs["b"]})
    client.flush()

    def preferred(inputs, outputs, reference_outputs):
        return [int(one == reference_outputs) for one in outputs]

    compared = evaluate_comparative([name, second.experiment_name], evaluators=[preferred], client=client)
    assert len(list(compared)) == 4
    listed = native(server, "/api/datasets/sums/experiments")["items"]
    assert {one["name"] for one in listed} == {name, second.experiment_name}
    assert {one["feedback"]["correct"]["avg"] for one in listed} == {0.75, 1.0}


async def query(client, dataset, experiment, **more):
    return await client.datasets.experiment_runs.query(str(dataset.id), experiment_ids=[str(experiment)], **more)


def test_runs_of_an_experiment_are_read_page_by_page_by_the_newer_client(client):
    import asyncio
    dataset = client.create_dataset("pages")
    client.create_examples(dataset_id=dataset.id, examples=[{"inputs": {"q": i}} for i in range(3)])
    results = evaluate(lambda inputs: {"a": inputs["q"]}, data="pages", client=client)
    client.flush()
    experiment = client.read_project(project_name=results.experiment_name).id

    async def walk():
        seen, cursor = [], {}
        while True:
            page = await query(client, dataset, experiment, page_size=2, selects=["ID", "OUTPUTS", "STATUS"], **cursor)
            seen += page.items
            if not page.next_cursor:
                return seen
            cursor = {"cursor": page.next_cursor}

    items = asyncio.run(walk())
    assert [item.inputs["q"] for item in items] == [0, 1, 2]
    assert [item.runs[0].outputs["a"] for item in items] == [0, 1, 2]


def test_what_was_traced_becomes_examples(client, server):
    @traceable(name="answer", client=client, project_name="shop")
    def answer(question):
        if question == "?":
            raise ValueError("no question")
        return question.upper()

    with langsmith.tracing_context(enabled=True, client=client, project_name="shop"):
        answer("one")
        answer("two")
        with pytest.raises(ValueError):
            answer("?")
    client.flush()
    runs = native(server, "/api/runs?project=shop")["items"]
    assert len(runs) == 3
    assert server.post("/api/datasets", {"name": "traffic"}, headers={"x-api-key": KEY}).status == 201

    def add(where, body):
        reply = server.post(f"/api/datasets/traffic/{where}", body, headers={"x-api-key": KEY})
        assert reply.status == 201, reply
        return reply.json

    failed = next(run for run in runs if run["status"] == "error")
    add("examples", {"from_run": failed["id"], "outputs": {"output": "What?"}, "splits": ["regression"]})
    assert add("from-traces", {"project": "shop", "status": "ok"})["skipped"] == 0
    assert add("from-traces", {"project": "shop"})["skipped"] == 3
    examples = {one.inputs["question"]: one for one in client.list_examples(dataset_name="traffic")}
    assert examples["one"].outputs == {"output": "ONE"} and examples["?"].outputs == {"output": "What?"}
    assert str(examples["?"].source_run_id) == failed["id"]
    lines = server.get("/api/datasets/traffic/export?format=jsonl", headers={"x-api-key": KEY}).text.splitlines()
    assert len(lines) == 3
    client.create_example(use_source_run_io=True, source_run_id=failed["id"], dataset_name="traffic",
                          inputs={"unused": 1})
    assert len(list(client.list_examples(dataset_name="traffic"))) == 4


def test_a_project_is_changed_and_deleted_with_its_runs(client, server):
    project = client.create_project("trial", metadata={"a": 1})
    client.update_project(project.id, description="d", end_time=datetime.datetime.now(datetime.timezone.utc))
    assert client.read_project(project_id=project.id).description == "d"
    client.create_run(name="r", run_type="chain", inputs={}, project_name="trial", id=uuid.uuid4(),
                      start_time=datetime.datetime.now(datetime.timezone.utc))
    client.flush()
    assert native(server, "/api/traces?project=trial")["items"]
    client.delete_project(project_name="trial")
    assert not native(server, "/api/traces?project=trial")["items"]
    assert not client.has_project("trial")


def test_examples_that_are_not_sound_are_refused_by_name(client):
    dataset = client.create_dataset("goldens")
    with pytest.raises(LangSmithNotFoundError):
        client.upload_examples_multipart(dataset_id=uuid.uuid4(), uploads=[ExampleCreate(inputs={})])
    made = client.create_example(inputs={}, dataset_id=dataset.id)
    with pytest.raises(LangSmithConflictError):
        client.create_example(inputs={}, dataset_id=dataset.id, example_id=made.id)
    other = client.create_dataset("other")
    with pytest.raises(LangSmithConflictError):
        client.update_examples(dataset_id=other.id, updates=[ExampleUpdate(id=made.id, inputs={"q": 1})])


@pytest.mark.parametrize("base", ["", "/langsmith"])
def test_the_client_for_javascript_does_the_same(server, tmp_path, base):
    script = f". {ROOT}/tools/common.sh; node_packages tests/journeys/node"
    packages = subprocess.check_output(["bash", "-c", script], text=True, cwd=ROOT).strip()
    for file in ("langsmith.mjs", "package.json"):
        shutil.copy(HERE / "node" / file, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)
    run = subprocess.run(["node", "langsmith.mjs", server.url + base, KEY], cwd=tmp_path, capture_output=True, text=True,
                         timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("fine") == 3
