"""What clients do wrong, by ill will or by bad luck, over real sockets: the program answers as it should, and lives."""
import asyncio
import gzip
import http.client
import io
import json
import pathlib
import random
import resource
import socket
import struct
import threading
import time
import zipfile

import pytest
from conftest import Slipway
from mock_upstream import Upstream
from serving import serve

WEB_KEY, UPSTREAM_KEY = "sk-web-7f3a9c1e5b", "sk-upstream-4d8e2f6a"


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.close()


def memory_of(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(dict(line.split(":", 1) for line in status.splitlines())["VmRSS"].split()[0]) / 1024


def exchange(server, data, seconds=5):
    """All that comes back until the server closes, or is silent for so long."""
    with socket.create_connection((server.host, server.port), timeout=seconds) as connection:
        connection.sendall(data)
        text = b""
        try:
            while piece := connection.recv(65536):
                text += piece
        except TimeoutError:
            return text, "open"
        except ConnectionResetError:
            pass
        return text, "closed"


def chat(server, name, text="Hi", **more):
    return server.post("/v1/chat/completions", {"model": name, "messages": [{"role": "user", "content": text}]}, **more)


# --- Connections


def test_ten_thousand_idle_connections_disturb_nobody(slipway):
    count = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count + 500, f"this test needs {count + 500} open files, the limit is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 500), hard))

    async def many(server):
        opened = []
        for _ in range(count // 500):
            opened += await asyncio.gather(*(asyncio.open_connection(server.host, server.port) for _ in range(500)))
        # Half of them have had an answer: they are kept alive for the next one.
        for reader, writer in opened[::2]:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, writer in opened[::2]:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        held = memory_of(server)
        begin = time.monotonic()
        reply = await asyncio.to_thread(server.get, "/health/ready")
        took = time.monotonic() - begin
        for _, writer in opened:
            writer.transport.abort()
        return held, reply.status, took

    with serve(slipway) as server:
        before = memory_of(server)
        held, status, took = asyncio.run(many(server))
        assert status == 200 and took < 1
        assert held - before < 200, f"{before:.0f} MB grew to {held:.0f} MB"
        assert server.get("/health/live").status == 200


def test_half_open_and_broken_connections(slipway, upstream):
    with start(slipway, models_of(upstream)) as server:
        # A client that has said all and closes its side still gets its answer.
        with socket.create_connection((server.host, server.port), timeout=10) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        # Those that vanish in the middle of a head, a body, an answer.
        body = json.dumps({"model": "hang", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        for sent in (b"GET /health", head % len(body) + body[:9], head % len(body) + body):
            for _ in range(20):
                connection = socket.create_connection((server.host, server.port))
                connection.sendall(sent)
                # Without a goodbye: a reset instead of the end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        assert server.get("/health/live").status == 200
        eventually(lambda: "slipway_gateway_running 0" in server.get("/metrics").text)
        # A head that does not go on is told so after ten seconds.
        begin = time.monotonic()
        text, state = exchange(server, b"GET /health/live HTTP/1.1\r\nHost: lo", seconds=20)
        assert text.startswith(b"HTTP/1.1 408") and state == "closed" and 8 < time.monotonic() - begin < 15


def models_of(upstream, **more):
    model = {"provider": "openai", "base_url": upstream.url, "api_key": "env:UPSTREAM_KEY", "retries": 0}
    upstream.behaviour["hang"] = "hang"
    return {"models": {"fast": model, "hang": model}, **more}


def start(slipway, config):
    return serve(slipway, config=config, environment={"UPSTREAM_KEY": UPSTREAM_KEY, "WEB_KEY": WEB_KEY})


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


HIDDEN = b"GET /health/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED = {
    "a length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 51\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 51\r\n\r\n",
    "a length with a sign": b"Content-Length: +0\r\n\r\n",
    "a hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "chunks that are no chunks": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a tab in a name": b"Transfer-Encoding\t: chunked\r\n\r\n",
    "a bare line feed": b"Content-Length: 0\nX-A: b\r\n\r\n",
    "a bare carriage return": b"X-A: b\rTransfer-Encoding: chunked\r\n\r\n",
    "a zero byte": b"X-A: b\0c\r\n\r\n",
    "a chunk's size with a sign": b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    "a chunk's size that overflows": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
    "a chunk without its end": b"Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",
    "a line feed after a chunk's size": b"Transfer-Encoding: chunked\r\n\r\n0\n\r\n",
    "no host": None,
    "two hosts": b"Host: other\r\nContent-Length: 0\r\n\r\n",
}


@pytest.fixture(scope="module")
def edge(program, prefix, cache, tmp_path_factory):
    slipway = Slipway(program, prefix, tmp_path_factory.mktemp("edge"), cache)
    with serve(slipway) as running:
        yield running
    assert "/health/hidden" not in {line["path"] for line in running.access_lines()}


@pytest.mark.parametrize("shape", SMUGGLED)
def test_no_second_request_is_smuggled(edge, shape):
    head = b"POST /api/search HTTP/1.1\r\n" + (b"\r\n" if SMUGGLED[shape] is None else b"Host: localhost\r\n" + SMUGGLED[shape])
    text, state = exchange(edge, head + HIDDEN)
    assert text[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 501"), text
    assert text.count(b"HTTP/1.1 ") == 1, f"the hidden request was answered: {text!r}"
    assert state == "closed"


def test_noise_leaves_it_alive(edge):
    random.seed(7)
    before = memory_of(edge)
    good = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"

    def noise(number):
        if number % 2:
            return random.randbytes(random.randrange(1, 400))
        damaged = bytearray(good + b'{"model": 1}')
        for _ in range(random.randrange(1, 6)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        return bytes(damaged)

    def client(texts):
        for text in texts:
            connection = socket.create_connection((edge.host, edge.port), timeout=10)
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass
            connection.close()

    clients = [threading.Thread(target=client, args=([noise(i) for i in range(500)],)) for _ in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert edge.get("/health/ready").status == 200
    assert memory_of(edge) - before < 100


# --- Bodies


def test_bombs_are_refused_and_do_not_fill_the_memory(edge):
    before = memory_of(edge)
    packed = gzip.compress(b" " * (300 << 20), 9)
    for path in ("/v1/chat/completions", "/api/search"):
        reply = edge.post(path, packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
        assert reply.status == 413, reply
    # A document of an office that would fill the disk, and one that holds itself by name of another place.
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", b" " * (400 << 20))
        file.writestr("../../../../outside.xml", "<a/>")
    boundary = "b0undary"
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="bomb.docx"\r\n\r\n').encode() \
        + archive.getvalue() + f"\r\n--{boundary}--\r\n".encode()
    report = edge.post("/api/collections/bombs/documents?wait=true", body,
                       headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}).json
    assert report["added"] == 0 and "bomb.docx" in report["failed"][0]["uri"], report
    assert memory_of(edge) - before < 150
    assert edge.get("/health/ready").status == 200


# --- Pages of others


def test_a_session_of_the_page_is_of_no_use_to_other_pages(slipway):
    admin = slipway.ok("keys", "create", "ops", "--role", "admin").out.strip()
    with serve(slipway) as server:
        own = {"x-slipway-ui": "1"}
        opened = server.post("/ui/session", {"key": admin}, headers=own)
        cookie = opened.headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in opened.headers["Set-Cookie"] and "SameSite=Strict" in opened.headers["Set-Cookie"]
        assert server.get("/api/keys", headers={"Cookie": cookie, **own}).status == 200
        # Another page may make the browser send the cookie, but not the header, and not without its origin.
        foreign = {"Cookie": cookie, "Origin": "https://evil.example"}
        assert server.get("/api/keys", headers=foreign).status == 403
        form = {"Cookie": cookie, "Content-Type": "text/plain", "Origin": "https://evil.example"}
        assert server.post("/api/keys", '{"name": "evil"}', headers=form).status in (401, 403)
        assert server.post("/api/keys", {"name": "evil"}, headers={"Cookie": cookie, "Origin": server.url}).status == 401
        assert server.post("/api/keys", {"name": "evil"},
                           headers={"Cookie": cookie, "Origin": "https://evil.example", **own}).status == 403
        names = [item["name"] for item in server.get("/api/keys", headers={"x-api-key": admin}).json["items"]]
        assert names == ["ops"]


# --- What is told


def test_secrets_are_in_no_log_answer_metric_or_setting(slipway, upstream):
    config = models_of(upstream, keys={"web": {"key": "env:WEB_KEY", "roles": ["admin"]}}, log={"level": "debug"})
    upstream.behaviour["denied"] = 401
    config["models"]["denied"] = config["models"]["fast"]
    config["models"]["gone"] = {**config["models"]["fast"], "base_url": "http://127.0.0.1:9/v1"}
    key = {"Authorization": f"Bearer {WEB_KEY}"}
    seen = []
    with start(slipway, config) as server:
        for name in ("fast", "denied", "gone", "nobody"):
            seen.append(chat(server, name, headers=key))
        seen.append(chat(server, "fast", headers={"Authorization": f"Bearer {WEB_KEY}x"}))
        seen.append(chat(server, "fast", headers={"x-api-key": WEB_KEY}))
        seen.append(server.get(f"/api/about?api_key={WEB_KEY}"))
        seen.append(server.get(f"/v1/models?key={WEB_KEY}", headers=key))
        for path in ("/api/settings", "/api/keys", "/metrics", "/api/models", "/v1/models", "/openapi.json"):
            seen.append(server.get(path, headers=key))
        assert [reply.status for reply in seen[:4]] == [200, 401, 502, 404]
        assert all(reply.status == 200 for reply in seen[-6:])
    told = "".join(reply.text + str(reply.headers) for reply in seen)
    written = server.log.read_text() + server.err.read_text()
    for secret in (WEB_KEY, UPSTREAM_KEY):
        assert secret not in told, "an answer shows a secret"
        assert secret not in written, "a log shows a secret"
    stored = b"".join(path.read_bytes() for path in slipway.folder.rglob("*.db*") if path.is_file())
    for secret in (WEB_KEY, UPSTREAM_KEY):
        assert secret.encode() not in stored, "a secret is in a database"


def test_latencies_are_histograms_and_callers_traces_reach_the_model(slipway, upstream):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with start(slipway, models_of(upstream)) as server:
        reply = chat(server, "fast", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert reply.status == 200 and reply.headers["x-slipway-trace-id"] == trace
        metrics = server.get("/metrics").text
        for name in ("http_server_request_duration_seconds", "slipway_gateway_request_duration_seconds",
                     "slipway_gateway_overhead_seconds", "slipway_gateway_time_to_first_token_seconds"):
            assert f"# TYPE {name} histogram" in metrics
        buckets = [float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines()
                   if line.startswith("slipway_gateway_request_duration_seconds_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == 1
        sent = upstream.requests[-1]["headers"]
        assert sent["traceparent"].split("-")[1] == trace
    line = next(line for line in server.access_lines() if line["path"] == "/v1/chat/completions")
    assert line["trace_id"] == trace and line["request_id"] == reply.headers["x-request-id"]


def test_the_measured_rate_of_false_hits_is_shown(slipway, upstream):
    config = models_of(upstream)
    config["models"]["words"] = {"provider": "scripted", "task": "embed", "dimension": 32}
    semantic = {"threshold": 0.8, "embedder": "words", "check": 1}
    config["routes"] = {"chat": {"targets": [{"model": "fast"}], "cache": {"semantic": semantic}}}

    def cache():
        return server.get("/api/settings").json["gateway"]["cache"]

    with start(slipway, config) as server:
        for ending in ("", " then"):
            assert chat(server, "chat", "how long are the old traces kept" + ending).status == 200
        eventually(lambda: cache()["checked"] == 1)
        assert cache()["false_hit_rate"] == 0
        assert "slipway_gateway_cache_checks_total{" in server.get("/metrics").text


def test_a_silent_stream_is_kept_alive(slipway, upstream):
    """Fifteen seconds without a word: a comment says that somebody is still there."""
    upstream.behaviour["slow"] = "slow"
    config = models_of(upstream)
    config["models"]["slow"] = config["models"]["fast"]
    with start(slipway, config) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        body = json.dumps({"model": "slow", "messages": [{"role": "user", "content": "Hi"}], "stream": True})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = b""
        while b"\n:" not in text:
            piece = reply.read1(65536)
            assert piece, "the stream ended"
            text += piece
        upstream.let_go()
        rest = reply.read()
        assert rest.endswith(b"data: [DONE]\n\n")
