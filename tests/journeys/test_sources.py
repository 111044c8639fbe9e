"""Documents from the network: a web page, a Confluence, declared sources and their schedule."""
import http.server
import json
import signal
import threading
import time
import urllib.parse

import pytest


class Site:
    """A server on loopback whose pages a test changes; it remembers what was asked."""

    def __init__(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.requests.append((self.path, dict(self.headers)))
                status, headers, body = site.answer(self.path, self.headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.pages, self.requests, self.confluence = {}, [], {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, headers):
        parts = urllib.parse.urlsplit(path)
        if parts.path.startswith("/rest/api/"):
            return self.answer_as_confluence(parts)
        if path not in self.pages:
            return 404, {}, b"none"
        text = self.pages[path].encode()
        tag = f'"{hash(text) & 0xFFFFFFFF:08x}"'
        if headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, b""
        return 200, {"ETag": tag, "Content-Type": "text/html; charset=utf-8"}, text

    def page(self, identity):
        title, version, body = self.confluence[identity]
        return {"id": identity, "type": "page", "status": "current", "title": title,
                "version": {"number": version, "when": "2026-05-01T10:00:00.000Z", "by": {"displayName": "Ann"}},
                "space": {"key": "DOC", "name": "Documents"}, "ancestors": [],
                "metadata": {"labels": {"results": [], "start": 0, "limit": 200, "size": 0}},
                "body": {"storage": {"value": body, "representation": "storage"}},
                "_links": {"webui": f"/pages/{identity}"}}

    def answer_as_confluence(self, parts):
        query = dict(urllib.parse.parse_qsl(parts.query))
        json_type = {"Content-Type": "application/json", "X-AUSERNAME": "ann"}
        tail = parts.path.removeprefix("/rest/api/")
        if tail in ("content", "content/search", "search"):
            wanted = sorted(self.confluence)
            if 'type="attachment"' in query.get("cql", "").replace(" ", "") or query.get("type") in ("attachment", "blogpost"):
                wanted = []
            start, limit = int(query.get("start", 0)), min(int(query.get("limit", 25)), 2)
            results = [self.page(identity) for identity in wanted[start:start + limit]]
            links = {"base": self.url, "context": ""}
            if start + limit < len(wanted):
                more = urllib.parse.urlencode({**query, "start": start + limit, "limit": limit})
                links["next"] = f"{parts.path}?{more}"
            return 200, json_type, json.dumps({"results": results, "start": start, "limit": limit, "size": len(results),
                                               "_links": links}).encode()
        identity = tail.removeprefix("content/").split("/")[0]
        if tail.endswith("child/attachment"):
            return 200, json_type, json.dumps({"results": [], "start": 0, "limit": 50, "size": 0, "_links": {}}).encode()
        if identity in self.confluence:
            return 200, json_type, json.dumps(self.page(identity)).encode()
        return 404, json_type, json.dumps({"statusCode": 404, "message": "No content found"}).encode()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def test_a_web_page_is_taken_in_followed_and_goes_when_it_is_gone(slipway, site):
    site.pages["/guide"] = "<html><title>Guide</title><h1>Guide</h1><p>Traces are kept for 30 days.</p></html>"
    url = site.url + "/guide"
    assert slipway.result("ingest", url)["added"] == 1
    (document,) = slipway.result("documents", "list")["items"]
    assert document["uri"] == url and document["media_type"] == "text/html"
    assert slipway.result("ingest", url)["unchanged"] == 1
    assert site.requests[-1][1]["If-None-Match"]
    site.pages["/guide"] = site.pages["/guide"].replace("30", "60")
    assert slipway.result("ingest", url)["updated"] == 1
    answer = slipway.result("ask", "How long are traces kept?", "--mode", "extract")
    assert "60 days" in answer["answer"] and answer["citations"][0]["uri"] == url
    del site.pages["/guide"]
    gone = slipway("ingest", url, "--json")
    assert gone.code == 1 and gone.json["failed"][0]["uri"] == url and "--sync" in gone.json["failed"][0]["error"]
    assert slipway.result("collections", "show", "default")["documents"] == 1
    assert slipway.result("ingest", url, "--sync")["deleted"] == 1
    dead = slipway("ingest", "http://127.0.0.1:1/x")
    assert dead.code == 1 and "127.0.0.1:1" in dead.err


def test_a_confluence_space_is_followed_by_versions(slipway, site):
    site.confluence = {str(100 + i): (f"Page {i}", 1, f"<p>Mooring number {i} is at the north quay.</p>") for i in range(5)}
    source = f"confluence:{site.url}?space=DOC"
    first = slipway.result("ingest", source, "--sync")
    assert first["added"] == 5 and first["failed"] == []
    site.requests.clear()
    assert slipway.result("ingest", source, "--sync")["unchanged"] == 5
    assert not [path for path, _ in site.requests if path.startswith("/rest/api/content/10") and "body" in path]
    title, _, body = site.confluence["102"]
    site.confluence["102"] = (title, 2, body.replace("north", "southern"))
    del site.confluence["104"]
    report = slipway.result("ingest", source, "--sync")
    assert (report["updated"], report["unchanged"], report["deleted"]) == (1, 3, 1)
    items = slipway.result("search", "southern quay", "--limit", "1")["items"]
    assert items[0]["title"] == "Page 2" and items[0]["uri"].endswith("/102")
    assert items[0]["metadata"]["space"]
    assert slipway.result("search", "quay", "--filter", '{"source": {"$exists": true}}')["matches"] == 4


def test_declared_sources_run_when_asked_and_when_they_are_due(slipway, site, tmp_path):
    site.pages["/a"] = "<p>Anchors hold ships.</p>"
    docs = slipway.folder / "notes"
    docs.mkdir()
    (docs / "b.md").write_text("# Buoys\n\nBuoys mark the channel.\n")
    (slipway.folder / "slipway.yaml").write_text(f"""
sources:
  site: {{from: ["{site.url}/a"], every: 1s, metadata: {{kind: web}}}}
  notes: {{from: [notes], collection: notes}}
""")
    listed = slipway.result("sources", "list")["items"]
    assert [(item["name"], item["last"]) for item in listed] == [("notes", None), ("site", None)]
    assert [item["source"] for item in slipway.result("sources", "run", "--due")["items"]] == ["site"]
    assert slipway.result("sources", "run", "notes")["items"][0]["report"]["added"] == 1
    assert slipway.result("search", "anchors", "--filter", '{"kind": "web"}')["matches"] == 1
    unknown = slipway("sources", "run", "nothing")
    assert unknown.code == 2 and "there are: notes, site" in unknown.err
    watching = slipway.start("sources", "watch", "--json")
    site.pages["/a"] = "<p>Bollards hold ropes.</p>"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if slipway.result("search", "bollards", "--mode", "lexical")["items"]:
            break
        time.sleep(0.2)
    else:
        pytest.fail("the changed page was not brought in")
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=20)
    assert watching.returncode == 130
    (site_run,) = [item["last"] for item in slipway.result("sources", "list")["items"] if item["name"] == "site"]
    assert site_run["error"] is None and not site_run["is_running"]
    del site.pages["/a"]
    assert slipway.result("sources", "run", "site")["items"][0]["report"]["deleted"] == 1
    (slipway.folder / "slipway.yaml").write_text("sources:\n  bad: {from: [x], every: sometimes}\n")
    refused = slipway("config", "check")
    assert refused.code != 0 and "every" in refused.err + refused.out and "30m" in refused.err + refused.out
