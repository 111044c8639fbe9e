"""Spans a second that a server has acknowledged and keeps: Slipway, and beside it Arize Phoenix and MLflow if they are named.

    python bench/traces/compare.py --program build/slipway [--spans 400000] [--batch 500] [--senders 4]
                                   [--phoenix ENVIRONMENT/bin/phoenix] [--mlflow ENVIRONMENT/bin/mlflow]

The same bodies go to all of them: OTLP over HTTP as protobuf, trees of ten small spans as an application makes them. To Slipway also
LangSmith's batches. A span counts when it can be read back: the clock stops when the server's own store (SQLite of the peers, the
API of Slipway) has them all, which for a server that answers before it has written is later than its last answer. Senders are
threads of this process, so they take their share of the processors.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TREE = 10
START = 1_795_420_800_000_000_000


def say(line):
    print(line, file=sys.stderr, flush=True)


def text(attributes, key, value):
    attribute = attributes.add()
    attribute.key = key
    if isinstance(value, int):
        attribute.value.int_value = value
    else:
        attribute.value.string_value = value


def otlp(first, count):
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    text(resource_spans.resource.attributes, "service.name", "bench")
    spans = resource_spans.scope_spans.add().spans
    for number in range(first, first + count):
        place = number % TREE
        span = spans.add()
        span.trace_id = ((number // TREE + 1) * 0x9E3779B97F4A7C15 % 2**128).to_bytes(16, "big")
        span.span_id = ((number + 1) * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big")
        if place:
            span.parent_span_id = ((number - place + 1) * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big")
        span.name = "step" if place else "answer"
        span.start_time_unix_nano = START + number * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + number % 997 * 1_000_000
        text(span.attributes, "http.route", "/answer")
        text(span.attributes, "customer", number % 1000)
        if place == 1:
            text(span.attributes, "gen_ai.operation.name", "chat")
            text(span.attributes, "gen_ai.request.model", "gpt-4o")
            text(span.attributes, "gen_ai.usage.input_tokens", 100 + number % 50)
            text(span.attributes, "gen_ai.usage.output_tokens", 20)
    return request.SerializeToString()


def langsmith(first, count):
    runs = []
    for number in range(first, first + count):
        place = number % TREE
        if not place:
            root = str(uuid.uuid4())
        runs.append({"id": root if not place else str(uuid.uuid4()), "trace_id": root, "parent_run_id": root if place else None,
                     "name": "step" if place else "answer", "run_type": "chain", "session_name": "bench",
                     "start_time": "2026-11-23T08:00:00.000001", "end_time": "2026-11-23T08:00:00.5",
                     "inputs": {"question": f"order {number}"}, "extra": {"metadata": {"customer": number % 1000}}})
    return json.dumps({"post": runs, "patch": []}).encode()


class Served:
    """A server that runs while it is measured."""

    def __init__(self, name, command, folder, ready, environment=None):
        self.name, self.folder, self.port = name, folder, free_port()
        command = [part.replace("PORT", str(self.port)).replace("FOLDER", str(folder)) for part in command]
        environment = {key: value.replace("PORT", str(self.port)).replace("FOLDER", str(folder)) for key, value in (environment or {}).items()}
        self.process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not self.answers(ready):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                sys.exit(f"{name} did not start")
            time.sleep(0.2)

    def answers(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024

    def send(self, path, headers, bodies, senders):
        """Seconds for all bodies; a refusal for lack of room is sent again."""
        left = iter(bodies)

        def work(_):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            for body in left_of(left):
                while True:
                    connection.request("POST", path, body, headers)
                    reply = connection.getresponse()
                    said = reply.read()
                    if reply.status < 300:
                        break
                    if reply.status not in (429, 503):
                        raise SystemExit(f"{self.name}: {reply.status} {said[:300]!r}")
                    time.sleep(0.05)

        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(senders) as pool:
            list(pool.map(work, range(senders)))
        return time.monotonic() - begin


def left_of(iterator):
    while True:
        try:
            yield next(iterator)
        except (StopIteration, ValueError):
            return


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def size_of(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def rows_of(database, table):
    """How many rows the table of another's database has; 0 while it has none."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as connection:
            return connection.execute(f"select count(*) from {table}").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def runs_of(server):
    """How many runs Slipway has of the project that they were sent to."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/metrics")
    for line in connection.getresponse().read().decode().splitlines():
        if line.startswith("slipway_trace_runs_stored_total"):
            return int(float(line.split()[-1]))
    sys.exit("slipway_trace_runs_stored_total is not in /metrics")


def measure(server, request, bodies, spans, options, row, stored):
    """`stored` says how many are there. Gives spans a second until all of them are."""
    begin = time.monotonic()
    answered = server.send(*request, bodies, options.senders)
    while stored() < spans:
        if time.monotonic() - begin > 600:
            sys.exit(f"{row}: of {spans} spans that were acknowledged only {stored()} were stored in ten minutes")
        time.sleep(0.02)
    rate = spans / (time.monotonic() - begin)
    say(f"{row:<28} {rate:>10,.0f} spans/s   {size_of(server.folder) / spans:>8,.0f} bytes each   "
          f"(answered {spans / answered:,.0f}/s)")
    return rate


def compare(options):
    """Spans a second of each, and Slipway's memory; printed as they come."""
    protobuf = {"Content-Type": "application/x-protobuf"}
    make = lambda kind, count: [kind(first, min(options.batch, count - first)) for first in range(0, count, options.batch)]
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        program = str(pathlib.Path(options.program).resolve())
        bodies = make(otlp, options.spans)
        server = Served("Slipway", [program, "serve", "--port", "PORT", "--data", "FOLDER"], folder, "/health/ready")
        ours = measure(server, ("/v1/traces", protobuf), bodies, options.spans, options, "Slipway, OTLP", lambda: runs_of(server))
        figures["otlp"] = ours
        figures["bytes_each"] = size_of(folder) / options.spans
        figures["memory_mb"] = server.stop()
        say(f"{'':<28} {figures['memory_mb']:>10,} MB of memory at most")
    with tempfile.TemporaryDirectory() as folder:
        runs = options.spans // 2
        bodies = make(langsmith, runs)
        server = Served("Slipway", [program, "serve", "--port", "PORT", "--data", "FOLDER"], folder, "/health/ready")
        figures["langsmith"] = measure(server, ("/langsmith/runs/batch", {"Content-Type": "application/json"}), bodies, runs, options,
                                       "Slipway, LangSmith batches", lambda: runs_of(server))
        server.stop()
    peers = []
    if options.phoenix:
        peers.append(("Arize Phoenix", [options.phoenix, "serve"], "/healthz", protobuf,
                      {"PHOENIX_PORT": "PORT", "PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_WORKING_DIR": "FOLDER"}, "phoenix.db"))
    if options.mlflow:
        peers.append(("MLflow", [options.mlflow, "server", "--port", "PORT", "--backend-store-uri", "sqlite:///FOLDER/mlflow.db"],
                      "/health", {**protobuf, "x-mlflow-experiment-id": "0"}, None, "mlflow.db"))
    bodies = make(otlp, options.peer_spans)
    for name, command, ready, headers, environment, database in peers:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            server = Served(name, command, folder, ready, environment)
            figures[name] = measure(server, ("/v1/traces", headers), bodies, options.peer_spans, options, name,
                                    lambda: rows_of(pathlib.Path(folder) / database, "spans"))
            server.stop()
            say(f"{'':<28} {ours / figures[name]:>10,.0f} times as many by Slipway")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--spans", type=int, default=400_000)
    parser.add_argument("--peer-spans", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--phoenix")
    parser.add_argument("--mlflow")
    compare(parser.parse_args())


if __name__ == "__main__":
    main()
