"""The server as its operators meet it: start, keys, reload, TLS, metrics, log, end."""
import http.client
import json
import ssl
import subprocess
import threading
import time

from serving import serve

KEY = "a-key-of-sufficient-length"


def test_it_is_ready_at_once_and_ends_when_asked(slipway):
    begin = time.monotonic()
    with serve(slipway) as server:
        assert server.get("/health/ready").json == {"status": "ready"}
        assert server.get("/health/live").status == 200
        assert time.monotonic() - begin < 10
        assert server.get("/nowhere").status == 404
        assert server.request("BREW", "/health/live").status in (405, 501)
    lines = server.access_lines()
    # Each connection's lines come in order, those of two as their edges come to write them.
    assert {line["path"] for line in lines} == {"/health/ready", "/health/live", "/nowhere"}
    assert all(line["request_id"] and len(line["trace_id"]) == 32 for line in lines)


def test_ids_are_propagated(slipway):
    with serve(slipway) as server:
        reply = server.get("/health/live", headers={"x-request-id": "mine-1",
                                                    "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
        assert reply.headers["x-request-id"] == "mine-1"
    assert server.access_lines()[0]["trace_id"] == "ab" * 16


def test_metrics_name_routes_and_the_process(slipway):
    with serve(slipway) as server:
        server.get("/health/live")
        text = server.get("/metrics").text
        assert 'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/health/live"' in text
        assert "process_resident_memory_bytes" in text and "slipway_build_info" in text
        resident = next(float(line.split()[1]) for line in text.splitlines()
                        if line.startswith("process_resident_memory_bytes"))
        assert resident < 200e6


def test_without_keys_it_answers_this_machine_s_programs_only(slipway):
    with serve(slipway) as server:
        assert server.get("/api/keys").status == 200
        foreign = server.get("/api/keys", headers={"Origin": "https://evil.example"})
        assert foreign.status == 403 and foreign.headers["Content-Type"] == "application/problem+json"
        assert server.get("/api/keys", headers={"Host": "rebound.example"}).status == 403
    refused = slipway("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 1 and "slipway keys create" in refused.err


def test_pages_of_listed_origins_may_call_and_no_others(slipway):
    with serve(slipway, config={"server": {"origins": ["https://app.example.org"]}}) as server:
        def preflight(origin):
            return server.request("OPTIONS", "/api/ask", headers={
                "Origin": origin, "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type"})
        allowed = preflight("https://app.example.org")
        assert allowed.status == 204
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
        assert "authorization" in allowed.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in preflight("https://other.example.org").headers
        answer = server.get("/api/about", headers={"Origin": "https://app.example.org"})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example.org")
        assert server.get("/api/about", headers={"Origin": "https://other.example.org"}).status == 403
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_keys_are_demanded_listed_and_revoked(slipway):
    reader = slipway.ok("keys", "create", "reader", "--role", "read").out.strip()
    admin = slipway.ok("keys", "create", "ops", "--role", "admin").out.strip()
    with serve(slipway) as server:
        assert server.get("/api/keys").status == 401
        assert server.get("/api/keys", headers={"Authorization": "Bearer nonsense"}).status == 401
        assert server.get("/api/keys", headers={"x-api-key": reader}).status == 403
        listed = server.get("/api/keys", headers={"Authorization": f"Bearer {admin}"})
        assert [item["name"] for item in listed.json["items"]] == ["ops", "reader"]
        assert reader not in listed.text and admin not in listed.text
        made = server.post("/api/keys", {"name": "web"}, headers={"x-api-key": admin})
        assert made.status == 201
        assert server.get("/metrics", headers={"x-api-key": made.json["secret"]}).status == 200
        slipway.ok("keys", "revoke", "reader")  # Another process: seen within seconds.
        for _ in range(100):
            if server.get("/metrics", headers={"x-api-key": reader}).status == 401:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("a revoked key still works")
    assert admin not in server.log.read_text() + server.err.read_text()
    assert {line.get("caller") for line in server.access_lines()} >= {"ops", "reader", "web"}


def test_a_reload_takes_all_of_a_configuration_or_nothing(slipway):
    slipway.environment["WEB_KEY"] = KEY
    with serve(slipway, config={"log": {"level": "info"}}) as server:
        assert server.get("/api/keys").status == 200
        server.write_config({"log": {"level": "info"}, "keyz": {}})
        assert "keyz" in server.reload()
        assert server.get("/api/keys").status == 200
        server.write_config({"log": {"level": "info"}, "keys": {"web": {"key": "env:WEB_KEY", "roles": ["admin"]}}})
        assert "read anew" in server.reload()
        assert server.get("/api/keys").status == 401
        assert server.get("/api/keys", headers={"x-api-key": KEY}).status == 200


def test_tls_and_client_certificates(slipway, tmp_path):
    def certificate(name, *more):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}",
                        "-addext", "subjectAltName=IP:127.0.0.1", *more], cwd=tmp_path, check=True, capture_output=True)
    certificate("server")
    certificate("client")
    tls = {"cert": str(tmp_path / "server.pem"), "key": str(tmp_path / "server.key"),
           "client_ca": str(tmp_path / "client.pem")}
    with serve(slipway, config={"server": {"tls": tls}}) as server:
        trust = ssl.create_default_context(cafile=tmp_path / "server.pem")
        trust.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trust, timeout=10)
        connection.request("GET", "/health/ready")
        assert json.load(connection.getresponse()) == {"status": "ready"}
        connection.close()
        stranger = ssl.create_default_context(cafile=tmp_path / "server.pem")
        try:
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=stranger, timeout=10)
            connection.request("GET", "/health/ready")
            connection.getresponse()
            raise AssertionError("a client without a certificate was answered")
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            pass


def test_a_full_port_and_a_folder_in_use_are_said(slipway):
    with serve(slipway) as server:
        second = slipway("serve", "--port", 0)
        assert second.code == 1 and "another process has the traces" in second.err
        slipway.data = slipway.folder / "other"
        second = slipway("serve", "--port", server.port)
        assert second.code == 1 and str(server.port) in second.err


def test_running_answers_end_before_it_does(slipway):
    """Readiness fails first, then the listener closes; a request that is being sent is still answered."""
    with serve(slipway, config={"server": {"drain": "5s"}}) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.putrequest("POST", "/api/keys")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "16")
        connection.endheaders(b'{"name"')
        ended = threading.Thread(target=server.stop)
        ended.start()
        while server.get("/health/ready").status != 503:
            time.sleep(0.02)
        time.sleep(1.2)
        connection.send(b': "late"}')
        assert connection.getresponse().status == 201
        ended.join()


def test_sources_with_a_schedule_are_brought_in_by_the_server(slipway, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Traces\n\nTraces are kept for 30 days.\n")
    config = {"sources": {"handbook": {"from": [str(docs)], "collection": "handbook", "every": "1s"}}}
    with serve(slipway, config=config) as server:
        def documents():
            reply = server.get("/api/collections/handbook/documents")
            return [item["path"] for item in reply.json["items"]] if reply.status == 200 else []

        def wait_for(names):
            for _ in range(400):
                if documents() == names:
                    return
                time.sleep(0.05)
            raise AssertionError(f"{documents()} instead of {names}")
        wait_for(["a.md"])
        (docs / "b.md").write_text("# Budgets\n\nA budget is settled after every call.\n")
        wait_for(["a.md", "b.md"])
        jobs = server.get("/api/jobs").json["items"]
        assert jobs[-1]["kind"] == "source" and jobs[-1]["state"] == "done"
