"""Runs leave as they came: as lines of JSON, as a Parquet file that others read, and to another OpenTelemetry collector."""
import http.server
import json
import threading
import time

import pyarrow.parquet
from postgresql import postgres_server
from serving import serve

TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(number, **attributes):
    return {
        "traceId": TRACE, "spanId": f"{number:016x}", "name": f"call {number}", "kind": 1,
        "startTimeUnixNano": str(1_700_000_000_000_000_001 + number), "endTimeUnixNano": str(1_700_000_000_500_000_001 + number),
        "attributes": [{"key": key.replace("__", "."), "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
                       for key, value in attributes.items()],
    }


def send(server, spans):
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                               "scopeSpans": [{"spans": spans}]}]}
    assert server.post("/v1/traces", body).status == 200


def test_a_parquet_file_holds_what_the_api_shows(slipway, tmp_path):
    with serve(slipway) as server:
        send(server, [span(1, input__value='{"question": "warum? ü"}', output__value='{"answer": 1.0}', gen_ai__request__model="gpt-4o",
                           gen_ai__usage__input_tokens=1000, gen_ai__usage__output_tokens=10),
                      span(2, user__id="ada"), *[span(number) for number in range(3, 600)]])
        shown = {run["id"]: run for run in map(json.loads, slipway.ok("traces", "export", "--url", server.url).out.splitlines())}
        path = tmp_path / "runs.parquet"
        slipway.ok("traces", "export", "--url", server.url, "--parquet", path)
    table = pyarrow.parquet.read_table(path)
    times = [table.column(name).cast("int64").to_pylist() for name in ("start_time", "end_time")]
    rows = table.drop_columns(["start_time", "end_time"]).to_pylist()
    assert len(rows) == len(shown) == 599
    for row, start, end in zip(rows, *times, strict=True):
        run = shown[row["id"]]
        for name in ("trace_id", "parent_id", "project", "name", "kind", "status", "error", "latency_ms", "user_id", "model"):
            assert row[name] == run[name], name
        assert start == 1_700_000_000_000_000_001 + int(row["id"], 16) and end == start + 500_000_000
    first = next(row for row in rows if row["id"] == f"{1:016x}")
    assert json.loads(first["inputs"]) == {"question": "warum? ü"} and '1.0' in first["outputs"]
    assert (first["usage_input_tokens"], first["usage_output_tokens"]) == (1000, 10)
    assert first["cost_total_usd"] == shown[first["id"]]["cost"]["total_usd"] == 0.0026
    assert next(row for row in rows if row["id"] == f"{2:016x}")["inputs"] is None
    # From the data folder too, without a server; and a place that cannot be written is named.
    slipway.ok("traces", "export", "--project", "shop", "--parquet", path)
    assert pyarrow.parquet.read_metadata(path).num_rows == 599
    slipway.ok("traces", "export", "--project", "other", "--parquet", path)
    assert pyarrow.parquet.read_metadata(path).num_rows == 0
    assert "nowhere" in slipway.fails(1, "traces", "export", "--parquet", tmp_path / "nowhere" / "runs.parquet").err


def test_a_file_of_sql_fills_a_table_of_postgresql(slipway, tmp_path):
    odd = json.dumps({"question": "tab\there, \\. and \u0000", "number": 12345678901234567890123}, ensure_ascii=False)
    with serve(slipway) as server:
        send(server, [span(1, input__value=odd, output__value="no JSON:\n\\.\nat all", user__id="a\tb",
                           gen_ai__request__model="gpt-4o", gen_ai__usage__input_tokens=1000, gen_ai__usage__output_tokens=10),
                      *[span(number) for number in range(2, 400)]])
        first, second = tmp_path / "first.sql", tmp_path / "second.sql"
        slipway.ok("traces", "export", "--url", server.url, "--sql", first)
        shown = {run["id"]: run for run in map(json.loads, slipway.ok("traces", "export", "--url", server.url).out.splitlines())}
        send(server, [span(1, user__id="ada"), span(500)])  # One more, and another word of one that is there.
        slipway.ok("traces", "export", "--url", server.url, "--sql", second)
    folder = tmp_path / "server"
    folder.mkdir()
    with postgres_server(folder) as postgres:
        postgres.load(first)
        assert postgres.ask("SELECT count(*), sum(cost_total_usd), sum(usage_input_tokens) FROM slipway_runs") == "399|0.0026|1000"
        one = "FROM slipway_runs WHERE id = '0000000000000001'"
        row = json.loads(postgres.ask(f"SELECT row_to_json(r) FROM (SELECT * {one}) r"))
        run = shown[f"{1:016x}"]
        for name in ("trace_id", "parent_id", "project", "name", "kind", "status", "model", "user_id", "latency_ms", "outputs", "tags"):
            assert row[name] == run[name], name
        assert row["inputs"] == {**run["inputs"], "question": run["inputs"]["question"].replace("\0", "\ufffd")}
        assert postgres.ask(f"SELECT inputs->>'number' {one}") == "12345678901234567890123"
        assert postgres.ask(f"SELECT start_time = '{run['start_time']}'::timestamptz {one}") == "t"
        for _ in range(2):
            postgres.load(second)
            assert postgres.ask("SELECT count(*) FROM slipway_runs") == "400"
            assert postgres.ask(f"SELECT user_id {one}") == "ada"
    assert "excludes" in slipway.fails(2, "traces", "export", "--sql", first, "--parquet", second).err


class Collector:
    """Refuses once, for want of time; then takes."""

    def __init__(self):
        outer, self.bodies, self.keys, self.refusals = self, [], [], 1

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.keys.append(self.headers["x-api-key"])
                outer.refusals -= 1
                if outer.refusals < 0:
                    outer.bodies.append(body)
                self.send_response(200 if outer.refusals < 0 else 503)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_runs_go_on_to_another_collector_masked(slipway):
    collector = Collector()
    try:
        exports = {"second": {"endpoint": collector.url, "headers": {"x-api-key": "env:COLLECTOR_KEY"}}}
        config = {"traces": {"exports": exports, "mask": ["$.inputs.card"]}}
        with serve(slipway, config=config, environment={"COLLECTOR_KEY": "k-1"}) as server:
            send(server, [span(1, input__value='{"card": "4111111111111111", "text": "hello"}')])
            end = time.monotonic() + 20
            while not collector.bodies:
                assert time.monotonic() < end, "nothing came"
                time.sleep(0.05)
            while "slipway_trace_runs_exported_total 1" not in server.get("/metrics").text:
                assert time.monotonic() < end, "it is not counted"
                time.sleep(0.05)
    finally:
        collector.close()
    assert len(collector.bodies) == 1 and set(collector.keys) == {"k-1"}
    body = collector.bodies[0]
    assert bytes.fromhex(TRACE) in body and b"call 1" in body and b"hello" in body
    assert b"4111111111111111" not in body and b"[masked]" in body
