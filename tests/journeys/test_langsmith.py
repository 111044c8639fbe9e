"""LangSmith's unmodified client against the real server: trees, batches, zstd, order, reading back; OTLP beside it."""
import datetime
import gzip
import json
import time
import uuid

import langsmith
import pytest
from keyed import KEY, keyed_server, native
from langsmith import traceable, tracing_context
from serving import serve

# That client announces the end of methods that it still has; those who use it still call them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated")


def make_client(url, **options):
    return langsmith.Client(api_url=url, api_key=KEY, **{"auto_batch_tracing": True, **options})


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def server(slipway, monkeypatch):
    with keyed_server(slipway, monkeypatch, traces={"max_request_bytes": 4 << 20, "max_queued_bytes": 16 << 20}) as running:
        yield running


@pytest.mark.parametrize("base", ["", "/langsmith", "/api/v1", "/langsmith/api/v1"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_traced_tree_comes_out_as_it_went_in(server, monkeypatch, base, compressed):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "false" if compressed else "true")
    langsmith.utils.get_env_var.cache_clear()  # It remembers what it once read.
    client = make_client(server.url + base)
    @traceable(run_type="retriever", name="look up")
    def look_up(question):
        return [{"page_content": "Straße 7", "metadata": {}}]

    @traceable(run_type="llm", name="model", metadata={"ls_provider": "openai", "ls_model_name": "gpt-4o"})
    def model(messages):
        return {"role": "assistant", "content": "fine",
                "usage_metadata": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}

    @traceable(name="answer", tags=["journey"], metadata={"customer": "a", "thread_id": "t-1"})
    def answer(question):
        look_up(question)
        return model([{"role": "user", "content": question}])["content"]

    with tracing_context(enabled=True, client=client, project_name="shop"):
        assert answer("Where?") == "fine"
    client.flush()
    assert (client.compressed_traces is not None) == compressed  # One stream of zstd, or plain multipart.

    traces = native(server, "/api/traces?project=shop")["items"]
    assert len(traces) == 1 and traces[0]["name"] == "answer" and traces[0]["run_count"] == 3
    assert traces[0]["session_id"] == "t-1" and traces[0]["total_tokens"] == 12
    tree = native(server, f"/api/traces/{traces[0]['id']}")
    (root,) = tree["roots"]
    assert root["inputs"] == {"question": "Where?"} and root["outputs"] == {"output": "fine"}
    assert root["tags"] == ["journey"] and root["metadata"]["customer"] == "a"
    assert [child["name"] for child in root["children"]] == ["look up", "model"]
    assert [child["kind"] for child in root["children"]] == ["retriever", "llm"]
    assert root["children"][1]["usage"]["input_tokens"] == 10
    assert root["children"][0]["outputs"]["output"][0]["page_content"] == "Straße 7"

    read = client.read_run(traces[0]["id"], load_child_runs=True)
    assert read.name == "answer" and read.status == "success" and read.total_tokens in (0, 12)
    assert [child.name for child in read.child_runs] == ["look up", "model"]


def test_runs_are_listed_and_filtered_by_the_client(server):
    client = make_client(server.url + "/langsmith")
    ids = [uuid.uuid4() for _ in range(3)]
    for i, run in enumerate(ids):
        client.create_run(name=f"step {i}", run_type="llm" if i == 2 else "chain", inputs={"i": i}, id=run,
                          project_name="shop", start_time=now(), tags=["even"] if i % 2 == 0 else ["odd"],
                          extra={"metadata": {"customer": str(i)}})
        client.update_run(run, outputs={"i": i}, end_time=now(), error="boom" if i == 1 else None)
    client.flush()

    def found(**wish):
        return {run.id for run in client.list_runs(project_name="shop", **wish)}

    assert found() == set(ids)
    assert found(run_type="llm") == {ids[2]}
    assert found(error=True) == {ids[1]}
    assert found(filter='has(tags, "even")') == {ids[0], ids[2]}
    assert found(filter='and(eq(metadata_key, "customer"), eq(metadata_value, "1"))') == {ids[1]}
    assert {run.id for run in client.list_runs(id=ids[:2])} == set(ids[:2])
    assert len(list(client.list_runs(project_name="shop", limit=2))) == 2
    project = client.read_project(project_name="shop", include_stats=True)
    assert project.run_count == 3
    assert project.id == client.read_run(ids[0]).session_id
    assert any(one.name == "shop" for one in client.list_projects())
    assert client.create_project("trial").name == "trial"
    assert client.has_project("trial") and not client.has_project("none")


def test_a_patch_before_its_post_is_joined_to_it(server):
    run = str(uuid.uuid4())
    headers = {"x-api-key": KEY}
    patch = {"end_time": "2026-11-23T08:00:01", "outputs": {"a": 1}, "name": None}
    assert server.request("PATCH", f"/runs/{run}", patch, headers=headers).status == 202
    post = {"id": run, "name": "late", "run_type": "tool", "session_name": "shop", "inputs": {"q": 1},
            "start_time": "2026-11-23T08:00:00", "outputs": {}}
    assert server.post("/runs", post, headers=headers).status == 202
    found = native(server, f"/api/runs/{run}")
    assert (found["name"], found["status"], found["latency_ms"]) == ("late", "ok", 1000)
    assert found["inputs"] == {"q": 1} and found["outputs"] == {"a": 1}


def test_many_runs_arrive_and_none_is_lost(server):
    client = make_client(server.url)
    for i in range(500):
        client.create_run(name="many", run_type="chain", inputs={"i": i, "text": "x" * 1000}, id=uuid.uuid4(),
                          project_name="many", start_time=now(), end_time=now(), outputs={"i": i})
    client.flush()
    for _ in range(100):
        projects = {one["name"]: one["runs"] for one in native(server, "/api/projects")["items"]}
        if projects.get("many") == 500:
            break
        time.sleep(0.1)
    assert projects["many"] == 500
    seen, cursor = [], ""
    while cursor is not None:
        page = native(server, f"/api/runs?project=many&limit=200&cursor={cursor}")
        seen += [item["inputs"]["i"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == list(range(500))
    text = server.get("/metrics", headers={"x-api-key": KEY}).text
    assert "slipway_trace_runs_stored_total" in text and "slipway_trace_runs_rejected_total 0" in text


def test_what_was_taken_is_there_after_a_restart(slipway):
    run = str(uuid.uuid4())
    server = serve(slipway)
    assert server.post("/runs", {"id": run, "name": "kept", "run_type": "chain",
                                 "start_time": "2026-11-23T08:00:00", "inputs": {}}).status == 202
    server.process.kill()
    server.process.wait()
    with serve(slipway) as server:
        assert server.get(f"/api/runs/{run}").json["name"] == "kept"


def test_who_may_not_write_is_refused_in_the_dialect(server):
    assert server.post("/runs", {"id": "x"}, headers={"x-api-key": "wrong"}).status == 401
    assert "detail" in server.post("/langsmith/runs", {"id": "x"}, headers={"x-api-key": "wrong"}).json
    reply = server.post("/v1/traces", {}, headers={"x-api-key": "wrong"})
    assert reply.status == 401 and reply.json["code"] == 16
    too_much = server.post("/v1/traces", gzip.compress(b" " * (5 << 20)), headers={
        "x-api-key": KEY, "Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert too_much.status == 413 and too_much.json["code"] == 8


def span(index):
    return {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": f"{index + 1:016x}", "name": f"span {index}",
            "startTimeUnixNano": str(1795420800000000000 + index), "endTimeUnixNano": "1795420801000000000"}


def test_otlp_comes_in_compressed_and_in_part(server):
    spans = [span(0), {**span(1), "parentSpanId": f"{1:016x}"}, {**span(2), "spanId": "00"}]
    body = gzip.compress(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode())
    reply = server.post("/otlp/v1/traces", body, headers={
        "x-api-key": KEY, "Content-Type": "application/json", "Content-Encoding": "gzip", "x-slipway-project": "spans"})
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/json"
    assert int(reply.json["partialSuccess"]["rejectedSpans"]) == 1
    tree = native(server, "/api/traces/0af7651916cd43dd8448eb211c80319c")
    assert tree["project"] == "spans" and tree["run_count"] == 2
    assert tree["roots"][0]["children"][0]["id"] == f"{2:016x}"
    # The LangSmith face shows it too, with ids as its client wants them.
    client = make_client(server.url)
    runs = {run.name: run for run in client.list_runs(project_name="spans")}
    assert runs["span 1"].parent_run_id == runs["span 0"].id


def test_masks_work_before_anything_is_written(slipway):
    config = {"traces": {"mask": ["email", "$..password", "sk-[a-z0-9]+"]}}
    with serve(slipway, config=config) as server:
        run = str(uuid.uuid4())
        inputs = {"to": "ann@example.com", "login": {"password": "s3cret-word"}, "note": "key sk-abc123", "n": 1.5}
        assert server.post("/runs", {"id": run, "name": "m", "run_type": "chain", "inputs": inputs,
                                     "start_time": "2026-11-23T08:00:00"}).status == 202
        found = server.get(f"/api/runs/{run}").json
        assert found["inputs"] == {"to": "[email]", "login": {"password": "[masked]"}, "note": "key [masked]", "n": 1.5}
    stored = b"".join(path.read_bytes() for path in (slipway.data / "traces").iterdir())
    assert b"[email]" in stored  # The journal, as it came.
    assert b"ann@example" not in stored and b"s3cret" not in stored and b"sk-abc123" not in stored


def test_a_mask_that_is_none_is_told(slipway):
    (slipway.folder / "slipway.yaml").write_text("traces:\n  mask: ['[']\n")
    outcome = slipway.fails(1, "config", "show")
    assert "traces" in outcome.err and "mask[0]" in outcome.err
