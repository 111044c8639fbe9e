"""A store of a hundred million spans on one machine: what it takes to fill it, and what it answers then.

    python bench/traces/scale.py --program build/bin/slipway --folder FOLDER [--spans 100000000] [--days 7]
                                 [--senders 2] [--batch 1000] [--kill-at 0.5] [--minutes 60]
    python bench/traces/scale.py --program ... --folder FOLDER --spans N --read     # it is filled already

Trees of ten small spans go through OTLP over HTTP, spread over the last days. At --kill-at the server is killed with SIGKILL and
started again: every batch that it had acknowledged must be there. In the end all spans must be counted once. Then reads are
timed over HTTP (medians of 31), and a day is dropped by retention. 7 GB of disk for each 100 million, twice that while files merge.
"""
import argparse
import http.client
import json
import multiprocessing
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse

import numpy
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TREE = 10
DAY = 86_400_000_000_000
ODD = numpy.uint64(0x9E3779B97F4A7C15)
TEMPLATES = 20


def say(line):
    print(line, flush=True)


def hashed(numbers, seed):
    """64 bits that look like chance, one of each number."""
    with numpy.errstate(over="ignore"):
        mixed = (numbers.astype(numpy.uint64) + numpy.uint64(seed)) * ODD
        mixed ^= mixed >> numpy.uint64(29)
        return mixed * numpy.uint64(0xBF58476D1CE4E5B9)


def trace_id(tree):
    words = [int(hashed(numpy.array([tree]), seed)[0]) for seed in (1, 2)]
    return b"".join(word.to_bytes(8, "little") for word in words).hex()


class Template:
    """The body of a batch, and where in it stands what differs from batch to batch."""

    def __init__(self, which, batch):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        self.text(resource.resource.attributes, "service.name", "bench")
        spans = resource.scope_spans.add().spans
        for at in range(batch):
            number = which * batch + at
            span = spans.add()
            span.trace_id = b"T" * 8 + (at // TREE + 1).to_bytes(8, "big")
            span.span_id = b"S" * 4 + (at + 1).to_bytes(4, "big")
            if at % TREE:
                span.parent_span_id = b"P" * 4 + (at + 1).to_bytes(4, "big")
            span.name = "step" if at % TREE else "answer"
            span.start_time_unix_nano = 0x4141414100000000 + at
            span.end_time_unix_nano = 0x4242424200000000 + at
            self.text(span.attributes, "http.route", "/answer")
            self.text(span.attributes, "customer", number % 1000)
            if at % TREE == 0:
                self.text(span.attributes, "input.value", f"order Q{at:08d}")
            if at % TREE == 1:
                self.text(span.attributes, "gen_ai.operation.name", "chat")
                self.text(span.attributes, "gen_ai.request.model", "gpt-4o")
                self.text(span.attributes, "gen_ai.usage.input_tokens", 100 + number % 50)
                self.text(span.attributes, "gen_ai.usage.output_tokens", 20)
        self.bytes = numpy.frombuffer(request.SerializeToString(), dtype=numpy.uint8)
        body = self.bytes.tobytes()
        every = range(batch)
        self.traces = self.places(body, [b"T" * 8 + (at // TREE + 1).to_bytes(8, "big") for at in every], 16)
        self.spans = self.places(body, [b"S" * 4 + (at + 1).to_bytes(4, "big") for at in every], 8)
        self.parents = self.places(body, [b"P" * 4 + (at + 1).to_bytes(4, "big") for at in every if at % TREE], 8)
        self.starts = self.places(body, [(0x4141414100000000 + at).to_bytes(8, "little") for at in every], 8)
        self.ends = self.places(body, [(0x4242424200000000 + at).to_bytes(8, "little") for at in every], 8)
        self.words = self.places(body, [f"Q{at:08d}".encode() for at in every if at % TREE == 0], 9)
        self.took = numpy.array([(which * batch + at) % 997 for at in every], dtype=numpy.uint64) * numpy.uint64(1_000_000)

    @staticmethod
    def text(attributes, key, value):
        attribute = attributes.add()
        attribute.key = key
        if isinstance(value, int):
            attribute.value.int_value = value
        else:
            attribute.value.string_value = value

    @staticmethod
    def places(body, marks, size):
        found, at = [], 0
        for mark in marks:
            at = body.index(mark, at)
            found.append(at)
            at += size
        return numpy.array(found)[:, None] + numpy.arange(size)

    def body(self, first, start, step):
        made = self.bytes.copy()
        numbers = numpy.arange(first, first + len(self.spans), dtype=numpy.uint64)
        trees = numbers // numpy.uint64(TREE)
        ids = numpy.stack([hashed(trees, 1), hashed(trees, 2)], axis=1)
        made[self.traces] = ids.view(numpy.uint8).reshape(-1, 16)
        made[self.spans] = hashed(numbers, 3).view(numpy.uint8).reshape(-1, 8)
        inner = numbers % numpy.uint64(TREE) != 0
        made[self.parents] = hashed(trees[inner] * numpy.uint64(TREE), 3).view(numpy.uint8).reshape(-1, 8)
        starts = numpy.uint64(start) + numbers * numpy.uint64(step)
        made[self.starts] = starts.view(numpy.uint8).reshape(-1, 8)
        made[self.ends] = (starts + self.took).view(numpy.uint8).reshape(-1, 8)
        words = trees[~inner]
        digits = words[:, None] // numpy.uint64(10) ** numpy.arange(7, -1, -1, dtype=numpy.uint64) % numpy.uint64(10)
        made[self.words[:, 1:]] = digits.astype(numpy.uint8) + 48
        return made.tobytes()


def send(which, options, port, start, step, acknowledged):
    """Every `senders`-th batch, one after the other; what was not answered is sent again."""
    os.nice(10)
    templates = [Template(number, options.batch) for number in range(TEMPLATES)]
    connection, headers = None, {"Content-Type": "application/x-protobuf"}
    last = time.monotonic() + options.minutes * 60
    for number in range(which, options.spans // options.batch, options.senders):
        if time.monotonic() > last:
            break
        body = templates[number % TEMPLATES].body(number * options.batch, start, step)
        while True:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=600)
                connection.request("POST", "/v1/traces", body, headers)
                reply = connection.getresponse()
                said = reply.read()
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.2)
                continue
            if reply.status < 300:
                break
            if reply.status != 503:
                raise SystemExit(f"{reply.status} {said[:300]!r}")
            time.sleep(0.05)
        acknowledged[which] += 1


class Server:
    def __init__(self, options, port, configuration=None):
        self.port = port
        command = [options.program, "serve", "--port", str(port), "--data", str(options.folder)]
        if configuration:
            command += ["--config", str(configuration)]
        begin = time.monotonic()
        self.process = subprocess.Popen(command, cwd=options.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.is_ready():
            if self.process.poll() is not None:
                sys.exit("the server ended while it started")
            time.sleep(0.01)
        self.started = time.monotonic() - begin

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def memory_mb(self, which="VmHWM"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+)", status).group(1)) // 1024

    def get(self, path, **query):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))
        reply = connection.getresponse()
        said = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{path} {query}: {reply.status} {said[:300]!r}")
        return json.loads(said)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def files_of(folder):
    sizes = [path.stat().st_size for path in pathlib.Path(folder, "traces").rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def runs_of(server):
    return sum(project["runs"] for project in server.get("/api/projects", limit=1000)["items"])


def check_after_kill(server, options, counts):
    """All of the last batches that were acknowledged, and the sum of all."""
    for sender, count in enumerate(counts):
        for back in range(min(20, count)):
            batch = sender + (count - 1 - back) * options.senders
            for tree in range(batch * options.batch // TREE, (batch + 1) * options.batch // TREE, 7):
                found = server.get(f"/api/traces/{trace_id(tree)}", payload="false")
                if found["run_count"] != TREE:
                    raise SystemExit(f"trace {tree} has {found['run_count']} of {TREE} runs after the kill")
    there = runs_of(server)
    if there < sum(counts) * options.batch:
        raise SystemExit(f"{sum(counts) * options.batch} runs were acknowledged, {there} are there after the kill")


def fill(options, port, start, step):
    server = Server(options, port)
    acknowledged = multiprocessing.Array("q", options.senders, lock=False)
    senders = [multiprocessing.Process(target=send, args=(which, options, port, start, step, acknowledged), daemon=True)
               for which in range(options.senders)]
    begin = time.monotonic()
    for sender in senders:
        sender.start()
    told, memory, own_memory, may_kill = 0, 0, 0, options.kill_at > 0
    while any(sender.is_alive() for sender in senders):
        time.sleep(1)
        done = sum(acknowledged) * options.batch
        memory = max(memory, server.memory_mb())
        own_memory = max(own_memory, server.memory_mb("RssAnon"))
        if may_kill and done >= options.kill_at * options.spans:
            may_kill = False
            server.process.kill()
            server.process.wait()
            counts = list(acknowledged)
            server = Server(options, port)
            check_after_kill(server, options, counts)
            say(f"killed after {sum(counts) * options.batch:,} spans, ready again in {server.started:.2f} s, nothing lost")
        if done - told >= options.spans / 20:
            told = done
            files, size = files_of(options.folder)
            say(f"{done:>13,} spans, {done / (time.monotonic() - begin):>9,.0f}/s so far, {files} files, {size / done:.1f} bytes each, "
                f"{memory} MB at most ({own_memory} without mapped files), load {os.getloadavg()[0]:.1f}")
    if any(sender.exitcode for sender in senders):
        sys.exit("a sender ended with an error")
    seconds = time.monotonic() - begin
    # Of batches in a row, where time ended it.
    options.spans = min(options.spans, min(acknowledged) * options.senders * options.batch)
    say(f"{options.spans / seconds:,.0f} spans/s over {seconds:,.0f} s, {memory} MB of memory at most "
        f"({own_memory} without mapped files)")
    return server


def timed(what, ask, repeats=31):
    times = []
    for number in range(repeats):
        begin = time.monotonic()
        ask(number)
        times.append((time.monotonic() - begin) * 1000)
    times.sort()
    say(f"{what:<52} {statistics.median(times):>9.1f} ms, at most {times[-1]:,.1f}")


def dashboards(server, when, repeats):
    for path, group in (("/api/traces/stats", "model"), ("/api/traces/stats", "day"), ("/api/costs", "model"), ("/api/costs", "day")):
        timed(f"{path} of all by {group}{when}", lambda number: server.get(path, group_by=group), repeats)
    timed(f"/api/projects{when}", lambda number: server.get("/api/projects"), repeats)


def read(server, options):
    there = runs_of(server)
    if there < options.spans:
        sys.exit(f"of {options.spans:,} spans that were acknowledged {there:,} are there")
    files, size = files_of(options.folder)
    say(f"{there:,} spans in {files} files, {size / there:.1f} bytes each")
    trees = options.spans // TREE
    some = lambda number: (number * 7919 * 7919 + 17) % trees
    lists = lambda what, query: timed(f"list, {what}", lambda number: server.get("/api/traces", **query(number)))
    timed("tree of ten", lambda number: server.get(f"/api/traces/{trace_id(some(number))}"))
    lists("newest", lambda number: {"project": "bench"})
    lists("from some latency on", lambda number: {"project": "bench", "min_latency_ms": number * 10})
    lists("slowest first", lambda number: {"sort": "-latency_ms"})
    lists("one customer's (attribute)", lambda number: {"filter": json.dumps({"attributes.customer": number * 10})})
    lists("which nothing is", lambda number: {"min_latency_ms": 995.5, "max_latency_ms": 995.6})
    lists("words that one trace has", lambda number: {"q": f"Q{some(number):08d}"})
    lists("words that every trace has", lambda number: {"q": "order"})
    lists("words that no trace has", lambda number: {"q": f"unheard{number}"})
    dashboards(server, "", 5)
    say(f"{server.memory_mb()} MB of memory at most after reads ({server.memory_mb('RssAnon')} without mapped files now)")


def drop_a_day(options, port):
    """The first day is past its time when the server begins."""
    configuration = pathlib.Path(options.folder, "retention.yaml")
    configuration.write_text(f"traces: {{retention_days: {options.days - 1}}}\n")
    begin, before = time.monotonic(), options.spans
    server = Server(options, port, configuration)
    while (there := runs_of(server)) > before - options.spans * 0.5 / options.days and time.monotonic() - begin < 600:
        time.sleep(0.2)
    say(f"retention: {there:,} spans left after {time.monotonic() - begin:.1f} s, ready after {server.started:.2f} s, "
        f"{server.memory_mb()} MB at most, {files_of(options.folder)[0]} files")
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--folder", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--spans", type=int, default=100_000_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--kill-at", type=float, default=0.5, help="share of the spans; 0: never")
    parser.add_argument("--minutes", type=float, default=1e6, help="no longer than that")
    parser.add_argument("--read", action="store_true", help="the folder is filled already")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    step = options.days * DAY // options.spans
    start = time.time_ns() // DAY * DAY - (options.days - 1) * DAY - DAY // 2
    if not options.read:
        fill(options, port, start, step).stop()
    server = Server(options, port)
    say(f"ready {server.started:.2f} s after its start, with {server.memory_mb()} MB")
    dashboards(server, ", first", 1)
    read(server, options)
    server.stop()
    drop_a_day(options, port)


if __name__ == "__main__":
    main()
