"""The native API of the real server: documents in, searches and answers out, jobs, versions."""
import http.client
import io
import json
import re
import threading
import time
import uuid

import documents
import pytest
from serving import serve

BUDGETS = "# Budgets\n\nA budget is reserved before a call is made. The retention period for traces is 30 days by default.\n"
ROCKETS = "# Rockets\n\nA rocket is launched at dawn from the northern pad.\n"
LONG = "\n\n".join(f"Paragraph {n} speaks of subject {n * 7} at length and in words of its own." for n in range(20000))
DOCUMENTS = "/api/collections/default/documents"


@pytest.fixture
def server(slipway):
    with serve(slipway) as running:
        yield running


def form(files, **fields):
    """Body and headers of a multipart form, as a browser sends it."""
    boundary, body = uuid.uuid4().hex, io.BytesIO()
    for name, value in fields.items():
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, content in files.items():
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
                   f'Content-Type: application/octet-stream\r\n\r\n'.encode() + content + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return {"body": body.getvalue(), "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


def bring(server, uri, text, **more):
    reply = server.post(DOCUMENTS + "?wait=true", {"uri": uri, "text": text, **more})
    assert reply.status == 200, reply
    return reply.json


def events_of(server, method, path, body=None, headers=None):
    """(name, data) of every event, until the stream ends."""
    reply = server.request(method, path, body, headers={"Accept": "text/event-stream", **(headers or {})})
    assert reply.status == 200 and reply.headers["Content-Type"] == "text/event-stream", reply
    return [(name, json.loads(data)) for name, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", reply.text)]


def wait_for_job(server, job, seconds=60):
    end = time.monotonic() + seconds
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.02)
        job = server.get(f"/api/jobs/{job['id']}").json
    return job


def test_a_document_s_life(server):
    assert bring(server, "notes/budgets", BUDGETS, metadata={"team": "core"})["added"] == 1
    assert bring(server, "notes/budgets", BUDGETS, metadata={"team": "core"})["unchanged"] == 1
    [document] = server.get(DOCUMENTS).json["items"]
    assert server.get(f"{DOCUMENTS}/{document['id']}/text").text == BUDGETS
    found = server.post("/api/search", {"query": "how long are traces kept", "filter": {"team": "core"}}).json
    assert found["items"][0]["document_id"] == document["id"]
    answer = server.post("/api/ask", {"question": "What is the retention period for traces?", "mode": "extract"}).json
    [citation, *_] = answer["citations"]
    assert BUDGETS.encode()[citation["text_start"]:citation["text_end"]].decode() == citation["quote"]
    assert "30 days" in answer["answer"] and not answer["refused"]
    replay = server.post(f"/api/receipts/{answer['receipt_id']}/replay").json
    assert replay["retrieval"] == "identical" and replay["citations"][0]["state"] == "valid"
    gone = server.delete(f"{DOCUMENTS}/{document['id']}").json
    assert gone["remaining"] == [] and server.get(f"{DOCUMENTS}/{document['id']}").status == 404


def test_an_answer_comes_sentence_by_sentence(server):
    bring(server, "notes/budgets", BUDGETS)
    events = events_of(server, "POST", "/api/ask", {"question": "What is the retention period for traces?", "mode": "extract"})
    names = [name for name, _ in events]
    assert names[0] == "passages" and names[-1] == "done" and "sentence" in names
    done = events[-1][1]
    assert [data["text"] for name, data in events if name == "sentence"] == [s["text"] for s in done["sentences"]]
    assert server.post("/api/ask", {"question": "x", "collection": "none", "stream": True}).status == 404


def test_uploads_are_kept_byte_for_byte_and_names_lead_nowhere(server, slipway):
    page = b"<h1>Budgets</h1><p>A budget is reserved before a call.</p>"
    sent = form({"docs/page.html": page, "../../../../etc/evil.md": ROCKETS.encode()}, metadata='{"year": 2024}')
    report = server.post(DOCUMENTS + "?wait=true", **sent).json
    assert report["added"] == 2 and report["failed"] == [], report
    items = {item["path"]: item for item in server.get(DOCUMENTS).json["items"]}
    assert set(items) == {"docs/page.html", "etc/evil.md"}
    original = server.get(f"{DOCUMENTS}/{items['docs/page.html']['id']}/original")
    assert original.body == page and original.headers["X-Content-Type-Options"] == "nosniff"
    assert server.post("/api/search", {"query": "rocket", "filter": {"year": {"$gte": 2024}}}).json["matches"] == 2
    broken = server.post(DOCUMENTS + "?wait=true", **form({"x.pdf": b"%PDF-1.7 broken"})).json
    assert broken["failed"][0]["uri"] == "upload:x.pdf"
    assert server.post(DOCUMENTS, **form({})).status == 400


def test_a_pdf_shows_its_pages_for_citations(server):
    pdf = documents.pdf(["The retention period for traces is 30 days by default."])
    assert server.post(DOCUMENTS + "?wait=true", **form({"guide.pdf": pdf})).json["added"] == 1
    [document] = server.get(DOCUMENTS).json["items"]
    [item, *_] = server.post("/api/search", {"query": "retention of traces"}).json["items"]
    layout = server.get(f"{DOCUMENTS}/{document['id']}/pages/{item['page']}").json
    assert layout["pages"] == 1 and layout["width"] > 0
    assert any("retention" in line["text"] for line in layout["lines"])
    assert [line["box"] for line in layout["lines"]] == item["boxes"]
    assert server.get(f"{DOCUMENTS}/{document['id']}/original").body == pdf
    assert server.get(f"{DOCUMENTS}/{document['id']}/pages/9").status == 404


def test_the_server_s_own_files_and_network_are_closed(server, slipway):
    secret = slipway.folder / "secret.md"
    secret.write_text("a secret")
    for uri in (str(secret), f"file://{secret}", "/etc/passwd", "/etc/no-such-file", "../secret.md", "*"):
        reply = server.post(DOCUMENTS + "?wait=true", {"uri": uri})
        assert reply.status == 403, (uri, reply)
    for uri in (f"{server.url}/api/about", f"http://localhost:{server.port}/a", "http://[::1]:1/", "http://169.254.169.254/"):
        report = server.post(DOCUMENTS + "?wait=true", {"uri": uri}).json
        assert report["added"] == 0 and "public" in report["failed"][0]["error"], (uri, report)
    # Nothing was taken in, so the collection was not made.
    assert server.get(DOCUMENTS).status == 404


def test_a_job_is_followed_and_listed_and_survives_a_restart(slipway):
    with serve(slipway) as server:
        accepted = server.post(DOCUMENTS, {"uri": "a", "text": BUDGETS})
        assert accepted.status == 202 and accepted.headers["Location"] == f"/api/jobs/{accepted.json['job']['id']}"
        events = events_of(server, "GET", accepted.headers["Location"] + "/events")
        assert events[-1][0] == "done" and events[-1][1]["result"]["added"] == 1
        job = wait_for_job(server, accepted.json["job"])
        assert job["progress"]["done"] == 1 and job["errors"] == []
    with serve(slipway) as server:
        assert server.get(f"/api/jobs/{job['id']}").json == job
        assert server.get("/api/jobs").json["items"][0]["id"] == job["id"]
        assert server.delete(f"/api/jobs/{job['id']}").status == 204
        assert server.get(f"/api/jobs/{job['id']}").status == 404


def test_a_job_of_a_killed_server_is_failed(slipway):
    killed = serve(slipway)
    job = killed.post(DOCUMENTS, {"uri": "long", "text": LONG}).json["job"]
    while killed.get(f"/api/jobs/{job['id']}").json["state"] == "queued":
        time.sleep(0.01)
    killed.process.kill()
    killed.process.wait()
    with serve(slipway) as server:
        failed = server.get(f"/api/jobs/{job['id']}").json
        # That it had begun may not have been written when it was killed.
        assert failed["state"] == "failed" and re.search("the server ended while this job (ran|waited)", failed["error"])


def test_a_job_is_cancelled_and_what_waits_is_limited(slipway):
    with serve(slipway) as server:
        jobs = [server.post(DOCUMENTS, {"uri": f"long-{n}", "text": LONG}).json["job"] for n in range(4)]
        for job in jobs:
            assert server.delete(f"/api/jobs/{job['id']}").status == 202
        states = {wait_for_job(server, job)["state"] for job in jobs}
        assert states == {"cancelled"}


def test_a_client_that_leaves_ends_what_it_waits_for(slipway):
    with serve(slipway) as server:
        body = json.dumps({"uri": "long", "text": LONG})
        connection = http.client.HTTPConnection(server.host, server.port)
        connection.request("POST", DOCUMENTS + "?wait=true", body, {"Content-Type": "application/json"})
        while not server.get("/api/jobs").json["items"]:
            time.sleep(0.01)
        [job] = server.get("/api/jobs").json["items"]
        connection.close()
        assert wait_for_job(server, job, 20)["state"] == "cancelled"


def test_versions_and_migration(server):
    bring(server, "a", BUDGETS)
    base = "/api/collections/default"
    assert server.post(base + "/versions", {"name": "before"}).status == 201
    bring(server, "b", ROCKETS)
    difference = server.get(base + "/versions/before..current?query=rocket").json
    assert [d["uri"] for d in difference["added"]] == ["b"] and difference["overlap"]["queries"] == 1
    job = server.post(base + "/migrate", {"splitter": {"kind": "token", "chunk_size": 64}}).json["job"]
    assert wait_for_job(server, job)["result"]["switched"] is True
    job = server.post(base + "/rollback").json["job"]
    assert wait_for_job(server, job)["state"] == "done"
    assert server.get(base + "/index?recall_queries=3").json["recall"]["recall_at_10"] == 1
    assert server.delete(base + "/versions/before").status == 204
    assert server.delete(base).status == 204 and server.get(base).status == 404


def test_wrong_requests_are_problems_that_say_where(server):
    reply = server.post("/api/search", {"query": "", "limit": 0, "mode": "quick", "lmit": 3}, headers={"x-request-id": "mine-7"})
    assert reply.status == 400 and reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json
    assert problem["instance"] == "mine-7" and problem["type"] == "urn:slipway:problem:invalid_argument"
    assert {e["path"] for e in problem["errors"]} == {"/body/query", "/body/limit", "/body/mode", "/body/lmit"}
    assert server.get("/api/collections?limit=0&x=1").json["status"] == 400
    assert server.post("/api/search", "{}", headers={"Content-Type": "text/plain"}).status == 415
    assert server.get("/api/about", headers={"Accept": "text/html"}).status == 406
    assert server.get("/api/nothing").json["status"] == 404
    assert server.request("PUT", "/api/search").headers["Allow"]


def test_roles_are_kept(slipway):
    keys = {role: slipway.ok("keys", "create", role, "--role", role).out.strip() for role in ("read", "write", "admin")}
    with serve(slipway) as server:
        def status(role, method, path, body=None):
            return server.request(method, path, body, headers={"x-api-key": keys[role]}).status
        assert server.get("/api/collections").status == 401
        assert status("read", "POST", DOCUMENTS + "?wait=true", {"uri": "a", "text": BUDGETS}) == 403
        assert status("write", "POST", DOCUMENTS + "?wait=true", {"uri": "a", "text": BUDGETS}) == 200
        assert status("read", "POST", "/api/search", {"query": "budget"}) == 200
        assert status("write", "DELETE", "/api/collections/default") == 403
        assert status("write", "GET", "/api/settings") == 403
        assert status("admin", "GET", "/api/settings") == 200
        assert status("admin", "DELETE", "/api/collections/default") == 204


def test_many_ask_at_once(server):
    bring(server, "a", BUDGETS)
    statuses = []

    def ask():
        for _ in range(5):
            statuses.append(server.post("/api/search", {"query": "budget"}).status)
    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


def test_the_instance_describes_itself(server):
    assert server.get("/api/about").json["name"] == "slipway"
    assert "data" in server.get("/api/settings").json["config"]
    assert any(model["task"] == "embed" for model in server.get("/api/models").json["items"])
    document = server.get("/openapi.json").json
    assert document["openapi"] == "3.1.0" and "/api/ask" in document["paths"]
    assert server.get("/docs").headers["Content-Type"] == "text/html; charset=utf-8"
