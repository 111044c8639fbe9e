"""Tools of agents with the real program: HTTP, SQL of both engines, commands, code, searches, collections."""
import contextlib
import http.server
import json
import os
import socket
import sqlite3
import threading
import time

import pytest
from postgresql import postgres_server


class Fixture(http.server.BaseHTTPRequestHandler):
    """A shop, a search engine and a door to somewhere else."""

    def answer(self, body, status=200, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.server.seen.append((self.command, self.path, dict(self.headers), ""))
        if self.path.startswith("/search?"):
            self.answer({"results": [{"title": f"Page {i}", "url": f"https://site.example/{i}", "content": "text"}
                                     for i in range(9)]})
        elif self.path == "/inside":
            self.answer({}, 302, Location="http://127.0.0.1:1/metadata")
        elif self.path == "/busy":
            self.answer({"error": "slow down"}, 429)
        else:
            self.answer({"path": self.path, "items": [1, 2.5]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/breaks":
            self.server.seen[-1][2]["broken"] = "yes"
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.answer({"id": len(self.server.seen)}, 201)

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fixture)
    server.seen = []
    server.place = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


class Agent:
    """One node that calls one tool, and what the run came to."""

    def __init__(self, slipway):
        self.slipway = slipway

    def file(self, tool, args):
        text = json.dumps({
            "name": "one", "state": {"out": "any", "err": "any", "query": "string"}, "tools": {"t": tool},
            "nodes": {"call": {"tool": {"use": "t", "args": args, "into": "out"}}},
            "edges": ["START -> call", "call -> END"]})
        (self.slipway.folder / "one.yaml").write_text(text)
        return "one.yaml"

    def run(self, tool, thread="t", **args):
        outcome = self.slipway("agent", "run", self.file(tool, args), "--thread", thread, "--json")
        assert outcome.code in (0, 1), outcome
        return outcome.json

    def out(self, tool, **args):
        result = self.run(tool, thread=f"t{time.monotonic_ns()}", **args)
        assert result["status"] == "done", result
        return result["state"]["out"]

    def error_of(self, tool, query):
        """Of a statement that only the run knows: what stands in the file is read when the agent is loaded."""
        outcome = self.slipway("agent", "run", self.file(tool, {"query": "{{query}}"}), "--thread", f"t{time.monotonic_ns()}",
                               "--input", json.dumps({"query": query}), "--json")
        assert outcome.json["status"] == "failed", outcome
        return outcome.json["error"]["kind"], outcome.json["error"]["message"]

    def error(self, tool, **args):
        result = self.run(tool, thread=f"t{time.monotonic_ns()}", **args)
        assert result["status"] == "failed", result
        return result["error"]["kind"], result["error"]["message"]


@pytest.fixture
def agent(slipway):
    return Agent(slipway)


def test_http_sends_arguments_and_its_key_and_keeps_its_secret(agent, web):
    agent.slipway.environment["SHOP_TOKEN"] = "hunter2-hunter2"
    tool = {"http": {"method": "POST", "url": f"http://{web.place}/orders/{{{{id}}}}",
                     "headers": {"Authorization": "Bearer env:SHOP_TOKEN"}, "body": {"count": "{{count}}"},
                     "allow_private": [web.place]}}
    result = agent.run(tool, id="a b/c", count=3)
    assert result["state"]["out"] == {"id": 1}
    method, path, headers, body = web.seen[0]
    assert (method, path, json.loads(body)) == ("POST", "/orders/a%20b%2Fc", {"count": 3})
    assert headers["Authorization"] == "Bearer hunter2-hunter2"
    (row,) = agent.slipway("agent", "ledger", "--thread", "t", "--json").json["rows"]
    assert row["key"] == headers["Idempotency-Key"] and row["state"] == "done"
    for file in agent.slipway.data.rglob("*"):
        if file.is_file():
            assert b"hunter2" not in file.read_bytes(), file


def test_http_goes_nowhere_private_and_follows_nobody_there(agent, web):
    kind, message = agent.error({"http": {"url": f"http://{web.place}/"}})
    assert kind == "refused" and "not on the public internet" in message and not web.seen
    kind, _ = agent.error({"http": {"url": f"http://{web.place}/inside", "allow_private": [web.place]}})
    assert kind == "refused" and len(web.seen) == 1
    kind, _ = agent.error({"http": {"url": "{{url}}"}}, url="http://169.254.169.254/latest/meta-data")
    assert kind == "refused"
    kind, message = agent.error({"http": {"url": f"http://{web.place}/busy", "allow_private": [web.place]},
                                 "effect": "pure"})
    assert kind == "rate_limit" and "slow down" in message


def test_a_post_whose_answer_was_lost_is_asked_about_and_never_made_again(agent, web):
    tool = {"http": {"method": "POST", "url": f"http://{web.place}/breaks", "body": "{{text}}",
                     "allow_private": [web.place]}}
    result = agent.run(tool, text="once")
    assert result["status"] == "interrupted"
    (interrupt,) = result["interrupts"]
    assert interrupt["kind"] == "effect" and interrupt["value"]["args"] == {"text": "once"}
    outcome = agent.slipway("agent", "resume", "--thread", "t", "--answer", '{"done": {"id": 7}}', "--json")
    assert outcome.json["state"]["out"] == {"id": 7} and len(web.seen) == 1


def test_a_probe_answers_what_became_of_a_lost_call(agent, web):
    text = json.dumps({
        "name": "probed", "state": {"out": "any"},
        "tools": {
            "t": {"http": {"method": "POST", "url": f"http://{web.place}/breaks", "body": "x",
                           "allow_private": [web.place]}, "probe": "p"},
            "p": {"command": ["python3", "-c",
                              "import json,sys; k = json.load(sys.stdin)['key']; "
                              "print(json.dumps({'done': True, 'result': k[:2]}))"], "effect": "pure"}},
        "nodes": {"call": {"tool": {"use": "t", "into": "out"}}}, "edges": ["START -> call", "call -> END"]})
    (agent.slipway.folder / "probed.yaml").write_text(text)
    result = agent.slipway("agent", "run", "probed.yaml", "--json").json
    assert result["status"] == "done" and result["state"]["out"] == "e_", result


def test_sqlite_is_read_and_never_written(agent):
    path = agent.slipway.folder / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("CREATE TABLE item(name, price); INSERT INTO item VALUES('tea', 2.5), ('cake', 4);")
    tool = {"sql": {"sqlite": "shop.db"}}
    found = agent.out(tool, query="SELECT name, price FROM item WHERE price > ? ORDER BY name", params=[1])
    assert found == {"columns": ["name", "price"], "truncated": False,
                     "rows": [{"name": "cake", "price": 4}, {"name": "tea", "price": 2.5}]}
    for query in ("DELETE FROM item", "SELECT 1; DROP TABLE item", "ATTACH 'x' AS x", "PRAGMA journal_mode=WAL"):
        assert agent.error_of(tool, query)[0] == "refused", query
    assert agent.error_of(tool, "SELECT nothing")[0] == "tool"
    assert agent.out({"sql": {"sqlite": "shop.db", "max_rows": 1}}, query="SELECT * FROM item")["truncated"]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        server.ask("CREATE TABLE item(name text, price numeric, tags jsonb, many int8);"
                   "INSERT INTO item VALUES('tea', 2.5, '[1]', 9007199254740993), ('cake', 4, NULL, 1)")
        yield server.dsn, server.ask


def test_postgresql_is_read_and_never_written(agent, postgres):
    dsn, ask = postgres
    agent.slipway.environment["SHOP_DSN"] = dsn
    tool = {"sql": {"postgres": "env:SHOP_DSN"}}
    found = agent.out(tool, query="SELECT * FROM item WHERE price < $1::numeric", params=[3])
    assert found["rows"] == [{"name": "tea", "price": 2.5, "tags": [1], "many": 9007199254740993}]
    cut = agent.out({"sql": {"postgres": dsn, "max_rows": 2}}, query="SELECT generate_series(1, 100000000) AS n")
    assert cut == {"columns": ["n"], "rows": [{"n": 1}, {"n": 2}], "truncated": True}
    for query in ("DELETE FROM item", "WITH x AS (DELETE FROM item RETURNING 1) SELECT * FROM x", "COMMIT",
                  "SELECT pg_read_file('/etc/passwd')", "COPY item TO '/tmp/x'", "SELECT lo_import('/etc/passwd')",
                  "SELECT set_config('transaction_read_only', 'off', false)", "SELECT nextval('s')",
                  "EXPLAIN ANALYZE DELETE FROM item", "SELECT * INTO copy FROM item"):
        assert agent.error_of(tool, query)[0] == "refused", query
    kind, message = agent.error_of(tool, "SELECT 1; DELETE FROM item")
    assert kind == "tool" and "multiple commands" in message
    slow = {"sql": {"postgres": dsn}, "timeout": "300ms"}
    assert agent.error(slow, query="SELECT pg_sleep(60)")[0] == "timeout"
    assert ask("SELECT count(*) FROM item") == "2"
    sleeping = ("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
                " AND state = 'active'")
    for _ in range(100):  # The server hears of the end a moment later.
        if ask(sleeping) == "0":
            break
        time.sleep(0.1)
    assert ask(sleeping) == "0"


def test_a_command_runs_in_its_sandbox(agent):
    script = agent.slipway.folder / "double.py"
    script.write_text("import json, os, sys\na = json.load(sys.stdin)\n"
                      "print(json.dumps({'twice': a['n'] * 2, 'key': os.environ['SLIPWAY_EFFECT_KEY'],"
                      " 'home': os.path.exists('/etc/passwd'), 'names': sorted(os.environ)}))\n")
    agent.slipway.environment["SECRET_OF_MINE"] = "x"
    out = agent.out({"command": ["python3", "double.py"]}, n=21)
    assert out["twice"] == 42 and out["key"].startswith("e_") and out["home"] is False
    assert "SECRET_OF_MINE" not in out["names"]
    kind, message = agent.error({"command": ["sh", "-c", "echo sold out >&2; exit 4"]})
    assert kind == "tool" and message.endswith("sh ends with exit code 4: sold out")
    outcome = agent.slipway("agent", "check", agent.file({"command": {"run": ["true"], "netwrok": True}}, {}))
    assert outcome.code == 1 and "network" in outcome.out + outcome.err


CODE = """\
name: code
state: {xs: list, mean: any, err: any}
nodes:
  compute:
    code: {lang: python, source: %s, args: {xs: xs}, into: mean, limits: {cpu: 1s, memory: 128MB}}
edges:
  - START -> compute
  - compute -> END
"""


def run_code(slipway, source):
    (slipway.folder / "code.yaml").write_text(CODE % json.dumps(source))
    return slipway("agent", "run", "code.yaml", "--input", '{"xs": [1, 2, 6]}', "--json").json


@pytest.mark.parametrize("source, kind, words", [
    ("open('/etc/passwd')", "tool", "FileNotFoundError"),
    ("import socket; socket.socket()", "tool", "PermissionError"),
    ("while True: pass", "timeout", "processor time"),
    ("x = bytearray(1 << 30)", "tool", "MemoryError"),
    ("import os; os.write(3, b'ready')", "tool", "without a result"),
    ("x = 1 / 0", "tool", "ZeroDivisionError: division by zero (line 1)"),
])
def test_code_that_does_what_it_may_not_fails_its_node(slipway, source, kind, words):
    result = run_code(slipway, source)
    assert result["status"] == "failed" and result["error"]["kind"] == kind
    assert words in result["error"]["message"]


def test_code_computes(slipway):
    result = run_code(slipway, "print('noise')\nresult = sum(xs) / len(xs)")
    assert result["status"] == "done" and result["state"]["mean"] == 3.0


def test_searches_give_one_form(agent, web):
    tool = {"search": {"provider": "searxng", "url": f"http://{web.place}", "limit": 2, "allow_private": [web.place]}}
    assert agent.out(tool, query="slow boats") == [
        {"title": "Page 0", "url": "https://site.example/0", "snippet": "text"},
        {"title": "Page 1", "url": "https://site.example/1", "snippet": "text"}]
    assert web.seen[0][1] == "/search?q=slow%20boats&format=json"
    outcome = agent.slipway("agent", "check", agent.file({"search": {"provider": "bing"}}, {"query": "x"}))
    assert outcome.code == 1 and "searxng" in outcome.out + outcome.err


def test_a_collection_and_builtins_are_tools(agent):
    (agent.slipway.folder / "handbook.md").write_text("# Leave\n\nEverybody has 28 days of leave a year.\n")
    assert agent.slipway("ingest", "handbook.md", "--collection", "handbook").code == 0
    found = agent.out({"rag": {"collection": "handbook", "limit": 1}}, question="How many days of leave?")
    assert "28 days" in found[0]["text"]
    answer = agent.out({"rag": {"collection": "handbook", "mode": "ask"}}, question="How many days of leave?")
    assert "28 days" in json.dumps(answer)
    assert agent.out({"builtin": "calculator"}, expression="2 * (3 + 4) / 7.0") == 2.0
    assert agent.out({"builtin": "now"}, **{}).startswith("20")


def test_a_model_calls_tools_by_their_names(slipway):
    (slipway.folder / "react.jsonl").write_text(
        '{"turn": 1, "tool_calls": [{"name": "py", "args": {"source": "result = 6 * 7"}},'
        ' {"name": "py", "args": {"source": "result = 1 / 0"}}]}\n{"turn": 2, "text": "42"}\n')
    (slipway.folder / "react.yaml").write_text(
        "name: react\nmodels: {m: {provider: scripted, replies: react.jsonl}}\n"
        "tools: {py: {code: {}}}\nstate: {q: string, a: string, log: {type: list, reduce: messages}}\n"
        "nodes: {ask: {agent: {model: m, prompt: \"{{q}}\", tools: [py], into: a, messages: log}}}\n"
        "edges: [START -> ask, ask -> END]\n")
    result = slipway("agent", "run", "react.yaml", "--input", '{"q": "6 * 7?"}', "--json").json
    assert result["status"] == "done" and result["state"]["a"] == "42", result
    told = [message["content"] for message in result["state"]["log"] if message["role"] == "tool"]
    assert "42" in told[0] and "ZeroDivisionError" in told[1]
