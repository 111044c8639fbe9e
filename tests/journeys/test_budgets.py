"""Budgets between real sockets: never over, also when the program is killed; streams, fallbacks, SDKs, alerts."""
import concurrent.futures
import http.server
import json
import socketserver
import threading
import time

import anthropic
import cohere
import openai
import pytest
from mock_upstream import Upstream
from serving import serve
from upstreams import USAGE_IN, USAGE_OUT, Plan, Upstreams

MILLION = 1_000_000
PRICE = {"input": 1, "output": 2}  # Dollars for a million tokens.
COST = (10 + 4 * 2) / MILLION  # Of what the upstream always answers.


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.close()


class Hooks:
    """Takes alerts: `heard` holds path, body and time of each; the first `failures` of them are answered with 500."""

    def __init__(self, failures=0):
        self.heard, self.failures = [], failures
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                hooks.heard.append((self.path, body, time.time()))
                self.send_response(500 if len(hooks.heard) <= hooks.failures else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class MailSink:
    """A mail server that keeps what it is given."""

    def __init__(self):
        self.mails = []
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 sink\r\n")
                while line := self.rfile.readline():
                    word = line.strip().upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        mail = b""
                        while (piece := self.rfile.readline()) != b".\r\n":
                            mail += piece
                        sink.mails.append(mail.decode())
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        break

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hooks():
    server = Hooks()
    yield server
    server.close()


def configuration(upstream, models=None, **more):
    models = models or {"m": {}}
    base = {"provider": "openai", "base_url": upstream.url, "price": PRICE, "retries": 0}
    return {"models": {name: {**base, **one} for name, one in models.items()}, **more}


def ask(server, name="m", headers=None, **more):
    body = {"model": name, "messages": [{"role": "user", "content": "Hi"}], **more}
    return server.post("/v1/chat/completions", body, headers=headers)


def make(server, name="team", **more):
    reply = server.post("/api/budgets", {"name": name, **more})
    assert reply.status == 201, reply
    return reply.json["id"]


def budget(server, id):
    return server.get(f"/api/budgets/{id}").json


def ledger(server, id):
    items, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/api/budgets/{id}/ledger?limit=1000&cursor={cursor}").json
        items, cursor = items + page["items"], page["next_cursor"]
    return items


def check_sums(server, id):
    state, items = budget(server, id), ledger(server, id)
    assert sum(item["usd"] for item in items) == pytest.approx(state["spent_usd"] + state["reserved_usd"], abs=1e-12)
    assert sum(item["tokens"] for item in items) == state["spent_tokens"] + state["reserved_tokens"]
    spent = [item for item in items if item["kind"] in ("settle", "adjust")]
    assert sum(item["usd"] for item in spent) == pytest.approx(state["spent_usd"], abs=1e-12)
    if state["limit_usd"] is not None:
        # Of a scope with "*" each subject has the limit, and what remains is the least of any.
        left = [state["limit_usd"] - one["spent_usd"] - one["reserved_usd"] for one in state.get("subjects") or [state]]
        assert state["remaining_usd"] == pytest.approx(max(0, min(left)), abs=1e-12)
    return state, items


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_two_hundred_calls_at_once_are_never_over(slipway, upstream):
    with serve(slipway, config=configuration(upstream)) as server:
        # At most 1,000 tokens are written for two dollars a million: a call reserves a bit more than 0.002.
        id = make(server, limit_usd=0.02)
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            replies = list(pool.map(lambda _: ask(server, max_tokens=1000), range(200)))
        good = [reply for reply in replies if reply.status == 200]
        assert {reply.status for reply in replies} == {200, 429} and len(upstream.requests) == len(good)
        state, items = check_sums(server, id)
        assert state["reserved_usd"] == 0 and state["spent_usd"] <= 0.02
        assert state["spent_usd"] == pytest.approx(len(good) * COST)
        assert state["admitted"] == len(good) and state["refused"] == 200 - len(good)
        # At no moment of the ledger was more reserved and spent than there is.
        taken = 0
        for item in items:
            taken += item["usd"]
            assert taken <= 0.02 + 1e-12
        # They are released soon, so that later calls fit again.
        assert ask(server, max_tokens=1000).status == 200


def test_a_run_has_a_limit_of_its_own_with_two_hundred_calls_at_once_and_after_a_kill(slipway, upstream):
    """Four runs of one trace, fifty calls each: none takes more than it may, whatever the others do."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    runs = [f"{number:016x}" for number in range(1, 5)]
    config = configuration(upstream, budgets={"each run": {"scope": {"run": "*"}, "limit_usd": 0.005}})
    server = serve(slipway, config=config)
    id = server.get("/api/budgets").json["items"][0]["id"]

    def call(number):
        return ask(server, max_tokens=1000, headers={"traceparent": f"00-{trace}-{runs[number % 4]}-01"})

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        replies = list(pool.map(call, range(200)))
    good = [reply for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies} == {200, 429} and len(upstream.requests) == len(good)
    _, items = check_sums(server, id)
    taken = dict.fromkeys(runs, 0)
    for item in items:
        taken[item["scope"]["run"]] += item["usd"]
        assert taken[item["scope"]["run"]] <= 0.005 + 1e-12
    assert sum(taken.values()) == pytest.approx(len(good) * COST)
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.json["error"]["budget"]["name"] == "each run"

    # What hangs when the program is killed counts for its own run alone.
    upstream.behaviour["m"] = "hang"
    pool = concurrent.futures.ThreadPoolExecutor(2)
    before = len(upstream.requests)
    calls = [pool.submit(ask, server, max_tokens=1000, headers={"x-slipway-run": "nightly"}) for _ in range(2)]
    eventually(lambda: len(upstream.requests) == before + 2)
    server.process.kill()
    server.process.wait()
    concurrent.futures.wait(calls)
    upstream.behaviour["m"] = "good"
    with serve(slipway, config=config) as server:
        state, items = check_sums(server, id)
        spent = {one["scope"]["run"]: one["spent_usd"] for one in state["subjects"]}
        assert spent["nightly"] > 2 * 0.002 and state["reserved_usd"] == 0
        assert {item["scope"]["run"] for item in items if item["kind"] == "adjust"} == {"nightly"}
        assert ask(server, max_tokens=1000, headers={"x-slipway-run": "nightly"}).status == 429
        assert ask(server, max_tokens=1000, metadata={"run_id": "nightly"}).status == 429
        assert ask(server, max_tokens=1000, headers={"x-slipway-run": "daily"}).status == 200
        assert ask(server, max_tokens=1000).status == 200  # A run for itself.


def test_killed_in_the_middle_what_was_open_counts_as_spent(slipway, upstream):
    upstream.behaviour["m"] = "hang"
    config = configuration(upstream)
    server = serve(slipway, config=config)
    id = make(server, limit_usd=1, period="month")
    pool = concurrent.futures.ThreadPoolExecutor(20)
    calls = [pool.submit(ask, server, max_tokens=1000) for _ in range(20)]
    eventually(lambda: len(upstream.requests) == 20)
    before = budget(server, id)
    assert before["reserved_usd"] > 20 * 0.002
    server.process.kill()
    server.process.wait()
    concurrent.futures.wait(calls)
    with serve(slipway, config=config) as server:
        state, items = check_sums(server, id)
        assert state["reserved_usd"] == 0 and state["spent_usd"] == pytest.approx(before["reserved_usd"])
        assert sum(item["kind"] == "adjust" for item in items) == 20
        upstream.behaviour["m"] = "good"
        assert ask(server).status == 200
        check_sums(server, id)


def test_streams_fallbacks_and_failures(slipway, upstream):
    models = {"m": {}, "flaky": {"fallback": ["m"], "model": "flaky"}}
    with serve(slipway, config=configuration(upstream, models)) as server:
        id = make(server, limit_usd=1)
        assert ask(server, stream=True, max_tokens=100).text.endswith("[DONE]\n\n")
        eventually(lambda: budget(server, id)["reserved_usd"] == 0)
        assert budget(server, id)["spent_usd"] == pytest.approx(COST)
        upstream.behaviour["m"] = "cut"
        ask(server, stream=True, max_tokens=100)
        spent = budget(server, id)["spent_usd"] - COST
        assert 2 / MILLION < spent < 100 / MILLION  # What was asked, and a token.
        upstream.behaviour = {"flaky": 500}
        reply = ask(server, "flaky", max_tokens=100)
        assert reply.status == 200
        state, items = check_sums(server, id)
        kinds = [item["kind"] for item in items[-5:]]
        assert kinds == ["reserve", "release", "reserve", "release", "settle"]
        before = state["spent_usd"]
        upstream.behaviour = {"m": 500}
        assert ask(server, max_tokens=100).status == 502
        assert budget(server, id)["spent_usd"] == before
        # The run says what it was given.
        trace = f"/api/traces/{reply.headers['x-slipway-trace-id']}"
        eventually(lambda: server.get(trace).status == 200)  # Runs are written after their reply.
        run = server.get(trace).json["roots"][0]
        assert run["metadata"]["budget"]["name"] == "team"
        assert run["metadata"]["budget"]["settled_usd"] == pytest.approx(COST)


def test_a_clamped_call_is_shortened_and_an_endless_stream_ends(slipway, upstream):
    with serve(slipway, config=configuration(upstream, {"m": {"price": {"input": 0, "output": 2}}})) as server:
        id = make(server, limit_usd=100 / MILLION, on_exceed="clamp")
        reply = ask(server, max_tokens=1000)
        assert reply.status == 200 and reply.headers["x-slipway-max-tokens"] == "50"
        assert upstream.requests[-1]["body"]["max_tokens"] == 50
        assert budget(server, id)["remaining_usd"] == pytest.approx(92 / MILLION)
        for _ in range(20):
            last = ask(server, max_tokens=1000)
            if last.status == 429:
                break
        assert last.json["error"]["budget"]["remaining_usd"] < 2 / MILLION
        check_sums(server, id)


def test_the_sdks_get_their_exception_and_do_not_ask_again(slipway, upstream):
    with serve(slipway, config=configuration(upstream)) as server:
        id = make(server, limit_usd=0.000001, period="day")
        client = openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key="none", max_retries=5)
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], max_tokens=50)
        error = refused.value
        assert error.status_code == 429 and error.code == "budget_exceeded" and error.type == "insufficient_quota"
        told = error.body["budget"]
        assert told["name"] == "team" and told["limit_usd"] == told["remaining_usd"] == 0.000001
        assert told["spent_usd"] == 0 and told["resets_at"].endswith("T00:00:00Z")
        assert "$0.000001" in error.message and "'team'" in error.message
        assert budget(server, id)["refused"] == 1

        client = anthropic.Anthropic(base_url=f"{server.url}/anthropic", api_key="none", max_retries=5)
        with pytest.raises(anthropic.RateLimitError) as refused:
            client.messages.create(model="m", max_tokens=50, messages=[{"role": "user", "content": "Hi"}])
        told = refused.value.body["error"]
        assert told["type"] == "rate_limit_error" and told["code"] == "budget_exceeded"
        assert told["budget"]["name"] == "team"
        assert budget(server, id)["refused"] == 2 and not upstream.requests

        with pytest.raises(openai.RateLimitError):
            openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key="none").chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
        eventually(lambda: server.get("/api/runs?status=error").json["items"])
        refused_run = server.get("/api/runs?status=error").json["items"][0]
        assert refused_run["metadata"]["budget"]["reserved_usd"] == 0


def test_a_budget_that_ends_a_stream_says_what_is_left_of_it(slipway, upstream):
    """The upstream writes on for ever; what was paid for is a few tokens of it."""
    upstream.behaviour["m"] = "writing"
    with serve(slipway, config=configuration(upstream)) as server:
        limit = 0.01
        make(server, limit_usd=limit, period="day")
        words = [{"role": "user", "content": "Hi"}]

        def check(told):
            assert told["name"] == "team" and told["limit_usd"] == limit and told["resets_at"].endswith("Z")
            assert 0 < told["remaining_usd"] < limit

        client = openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.APIError, match="longer than the 20 tokens that budget 'team'") as ended:
            list(client.chat.completions.create(model="m", messages=words, max_tokens=20, stream=True))
        assert ended.value.code == "budget_exceeded" and ended.value.type == "insufficient_quota"
        check(ended.value.body["budget"])
        with pytest.raises(openai.APIError, match="team") as ended:
            list(client.completions.create(model="m", prompt="Hi", max_tokens=20, stream=True))
        check(ended.value.body["budget"])
        with pytest.raises(openai.APIError, match="team") as ended:
            list(client.responses.create(model="m", input="Hi", max_output_tokens=20, stream=True))
        check(ended.value.body["budget"])
        client = anthropic.Anthropic(base_url=f"{server.url}/anthropic", api_key="none", max_retries=0)
        with pytest.raises(anthropic.APIError, match="team") as ended:
            with client.messages.stream(model="m", max_tokens=20, messages=words) as stream:
                list(stream.text_stream)
        check(ended.value.body["error"]["budget"])
        # The SDK passes on what it does not know of the end.
        client = cohere.ClientV2(base_url=f"{server.url}/cohere", api_key="none")
        last = list(client.chat_stream(model="m", messages=words, max_tokens=20))[-1]
        assert last.type == "message-end" and last.delta.finish_reason == "ERROR"
        check(last.delta.model_dump()["budget"])
        eventually(lambda: server.get("/api/budgets").json["items"][0]["reserved_usd"] == 0)


def test_scopes_come_from_bodies_and_headers(slipway, upstream):
    cost = 4 * 2 / MILLION
    with serve(slipway, config=configuration(upstream, {"m": {"price": {"input": 0, "output": 2}}})) as server:
        each = make(server, "each", scope={"user": "*"}, limit_usd=cost, on_exceed="clamp")
        make(server, "bob", scope={"user": "bob", "project": "shop"}, limit_usd=0)
        assert ask(server, user="ann").status == 200
        assert ask(server, user="bob").status == 200
        assert ask(server, user="ann").status == 429
        assert ask(server, headers={"x-slipway-user": "carl"}).status == 200
        assert ask(server).status == 200
        assert ask(server, headers={"x-slipway-user": "bob", "x-slipway-project": "shop"}).status == 429
        assert {one["scope"]["user"]: one["spent_usd"] for one in budget(server, each)["subjects"]} == \
            {"ann": pytest.approx(cost), "bob": pytest.approx(cost), "carl": pytest.approx(cost)}


def test_budgets_of_the_configuration_keep_what_was_spent(slipway, upstream):
    config = configuration(upstream, budgets={"team": {"limit_usd": COST * 1.5, "on_exceed": "clamp"}}, log={"level": "info"})
    with serve(slipway, config=config) as server:
        assert ask(server).status == 200
        assert ask(server, max_tokens=100).status == 429
        one = server.get("/api/budgets").json["items"][0]
        assert one["name"] == "team" and one["source"] == "slipway.yaml"
        assert server.request("PATCH", f"/api/budgets/{one['id']}", {"limit_usd": 9}).status == 409
        config["budgets"]["team"]["limit_usd"] = 1
        server.write_config(config)
        assert "read anew" in server.reload()
        assert budget(server, one["id"])["spent_usd"] == pytest.approx(COST)
        assert ask(server).status == 200
        text = server.get("/metrics").text
        assert 'slipway_budget_refused_total{budget="team"} 1' in text
        assert 'slipway_budget_remaining_usd{budget="team"} 0.99' in text
        config["budgets"]["team"]["period"] = "fortnight"
        server.write_config(config)
        said = server.reload()
        assert "budgets.team.period" in said and "total, hour, day, month" in said


def test_alerts_are_told_once_also_after_a_restart(slipway, upstream, hooks):
    hooks.failures = 1
    config = configuration(upstream)
    server = serve(slipway, config=config)
    id = make(server, limit_usd=COST * 4, on_exceed="clamp",
              alerts=[{"at": 0.5, "webhook": hooks.url + "/half"}, {"at": 0.9, "webhook": hooks.url + "/full"}])
    ask(server)
    ask(server)
    crossed = time.time()
    eventually(lambda: len(hooks.heard) >= 2)
    path, body, at = hooks.heard[0]
    assert path == "/half" and at - crossed < 5
    assert body["event"] == "budget.alert" and body["budget"] == {"id": id, "name": "team"} and body["at"] == 0.5
    assert body["spent_usd"] == pytest.approx(2 * COST) and body["limit_usd"] == pytest.approx(4 * COST)
    assert body["remaining_usd"] == pytest.approx(2 * COST) and body["time"].endswith("Z")
    assert hooks.heard[1][1] == body  # The first one was answered with 500.
    hooks.failures = 10**6
    ask(server)
    ask(server)
    eventually(lambda: len(hooks.heard) >= 3)
    assert budget(server, id)["alerts"][1]["fired_at"]
    hooks.failures = 0
    server.process.kill()
    server.process.wait()
    with serve(slipway, config=config) as server:
        eventually(lambda: len(hooks.heard) >= 4, 70)
        time.sleep(1.5)
        assert [path for path, _, _ in hooks.heard].count("/half") == 2
        assert {path for path, _, _ in hooks.heard[2:]} == {"/full"}


def test_rules_tell_a_webhook_slack_and_mail(slipway, upstream, hooks):
    sink = MailSink()
    rule = {"on": "error_rate", "rate": 0.5, "traces_min": 3, "send": [
        {"webhook": hooks.url + "/hook"}, {"slack": hooks.url + "/slack"},
        {"smtp": sink.url, "from": "slipway@example.org", "to": ["ops@example.org"]}]}
    upstream.behaviour["m"] = 500
    with serve(slipway, config=configuration(upstream, alerts={"errors": rule})) as server:
        for _ in range(5):
            ask(server)
        eventually(lambda: len(hooks.heard) >= 2 and sink.mails, 45)
        told = {path: body for path, body, _ in hooks.heard}
        assert told["/hook"]["event"] == "alert" and told["/hook"]["alert"] == "errors"
        assert set(told["/slack"]) == {"text"} and "failed" in told["/slack"]["text"]
        assert "To: <ops@example.org>" in sink.mails[0] and "Subject: Slipway: alert 'errors'" in sink.mails[0]
    sink.close()


def test_questions_pay_for_embedding_reranking_and_the_answer_together(slipway):
    upstreams = Upstreams()
    upstreams.plans["writer"] = lambda body: Plan(text="Speeding is fined with 250 euros [1].")
    config = {"models": {"writer": {"provider": "openai", "base_url": upstreams.base_url("openai"), "api_key": "env:VENDOR_KEY",
                                    "price": {"input": 1000, "output": 2000}},
                         "unpriced": {"provider": "openai", "model": "writer-unknown", "base_url": upstreams.base_url("openai"),
                                      "api_key": "env:VENDOR_KEY"}}, "defaults": {"chat_model": "writer"}}
    upstreams.plans["writer-unknown"] = upstreams.plans["writer"]
    with serve(slipway, config=config, environment={"VENDOR_KEY": "sk-of-the-vendor"}) as server:
        text = "Speeding in the harbour is fined with 250 euros. The harbour master collects the fine."
        assert server.post("/api/collections/default/documents?wait=true", {"uri": "fines", "text": text}).status == 200
        question = {"question": "What is the fine for speeding in the harbour?", "mode": "generate"}
        headers = {"x-slipway-user": "ann"}
        id = make(server, scope={"user": "ann"}, limit_usd=10, period="day")
        answer = server.post("/api/ask", question, headers=headers)
        assert answer.status == 200 and answer.json["cost_usd"] == pytest.approx((USAGE_IN * 1000 + USAGE_OUT * 2000) / MILLION)
        state, items = check_sums(server, id)
        assert state["spent_usd"] == pytest.approx(answer.json["cost_usd"]) and state["reserved_usd"] == 0
        assert [item["kind"] for item in items] == ["reserve", "release", "settle"]
        assert server.request("PATCH", f"/api/budgets/{id}", {"limit_usd": state["spent_usd"] + 0.0001}).status == 200
        asked = len(upstreams.requests)
        refused = server.post("/api/ask", question, headers=headers)
        assert refused.status == 429 and refused.headers["Content-Type"] == "application/problem+json", refused
        assert refused.json["code"] == "budget_exceeded" and refused.json["budget"]["name"] == "team"
        assert refused.json["budget"]["remaining_usd"] == pytest.approx(0.0001) and "'team'" in refused.json["detail"]
        assert len(upstreams.requests) == asked
        assert server.post("/api/ask", question).status == 200  # Not ann.
        # A search is free here, so a budget of dollars has room for it.
        found = server.post("/api/search", {"query": question["question"]}, headers=headers)
        assert found.status == 200 and found.json["cost_usd"] == 0
        # One of tokens counts it, and one of a model what that model writes.
        tokens = make(server, "searches", scope={"user": "carl"}, limit_tokens=100000)
        assert server.post("/api/search", {"query": question["question"]}, headers={"x-slipway-user": "carl"}).status == 200
        state = budget(server, tokens)
        assert state["reserved_tokens"] == 0 and state["admitted"] == 1
        assert server.request("PATCH", f"/api/budgets/{tokens}", {"limit_tokens": state["spent_tokens"] + 1}).status == 200
        refused = server.post("/api/search", {"query": question["question"]}, headers={"x-slipway-user": "carl"})
        assert refused.status == 429 and refused.json["code"] == "budget_exceeded" and refused.json["budget"]["remaining_tokens"] == 1
        of_model = make(server, "of the writer", scope={"model": "writer"}, limit_usd=0.0001)
        refused = server.post("/api/ask", question)
        assert refused.status == 429 and refused.json["budget"]["name"] == "of the writer"
        assert server.request("DELETE", f"/api/budgets/{of_model}").status == 204
        # So it is by the gateway, where the collection is a model.
        by_gateway = {"model": "rag/default", "messages": [{"role": "user", "content": question["question"]}]}
        asked, before = len(upstreams.requests), budget(server, id)["spent_usd"]
        told = server.post("/v1/chat/completions", by_gateway, headers=headers)  # It quotes where it cannot pay a writer.
        assert told.status == 200 and "harbour is fined with 250 euros" in told.json["choices"][0]["message"]["content"], told
        assert len(upstreams.requests) == asked and budget(server, id)["spent_usd"] == before
        assert server.request("PATCH", f"/api/budgets/{id}", {"limit_usd": 50}).status == 200
        before = budget(server, id)["spent_usd"]
        told = server.post("/v1/chat/completions", by_gateway, headers=headers)
        assert told.status == 200 and "250 euros" in told.json["choices"][0]["message"]["content"]
        state, _ = check_sums(server, id)
        assert state["spent_usd"] - before == pytest.approx(answer.json["cost_usd"]) and state["reserved_usd"] == 0
        # Tokens can be kept where nobody knows what they cost; dollars cannot.
        unpriced = {**question, "model": "unpriced"}
        asked = len(upstreams.requests)
        refused = server.post("/api/ask", unpriced, headers=headers)
        assert refused.status == 400 and refused.json["code"] == "price_unknown" and len(upstreams.requests) == asked, refused
        make(server, "tokens", scope={"user": "bob"}, limit_tokens=100_000)
        assert server.post("/api/ask", unpriced, headers={"x-slipway-user": "bob"}).status == 200
        # What the caller allows himself is kept as well, and is no error.
        mine = server.post("/api/ask", {**question, "budget_usd": 0.00001}).json
        assert mine["refused"] and mine["reason"] == "budget"
        check_sums(server, id)
    upstreams.close()


def test_a_collection_that_is_asked_as_a_model_is_refused_as_any_other_model(slipway):
    config = {"models": {"words": {"provider": "scripted", "task": "embed", "dimension": 32, "price": {"input": 1000, "output": 0}}},
              "defaults": {"embedder": "words"}}
    question = {"model": "rag/default", "messages": [{"role": "user", "content": "What is the fine for speeding in the harbour?"}]}
    headers = {"x-slipway-user": "ann"}
    with serve(slipway, config=config) as server:
        text = "Speeding in the harbour is fined with 250 euros. The harbour master collects the fine."
        assert server.post("/api/collections/default/documents?wait=true", {"uri": "fines", "text": text}).status == 200
        id = make(server, scope={"user": "ann"}, limit_usd=0.000001, period="day")
        for more in ({}, {"stream": True}):
            refused = server.post("/v1/chat/completions", {**question, **more}, headers=headers)
            assert refused.status == 429 and refused.headers["x-should-retry"] == "false", refused
            error = refused.json["error"]
            assert error["code"] == "budget_exceeded" and error["type"] == "insufficient_quota", error
            assert error["budget"]["name"] == "team" and error["budget"]["remaining_usd"] == 0.000001, error
        told = server.post("/v1/messages", {**question, "max_tokens": 100}, headers=headers)
        assert told.status == 429 and told.json["type"] == "error" and told.json["error"]["budget"]["name"] == "team", told
        told = server.post("/v2/chat", question, headers=headers)
        assert told.status == 429 and told.json["budget"]["name"] == "team", told
        with pytest.raises(openai.RateLimitError) as raised:
            client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", default_headers=headers)
            client.chat.completions.create(model="rag/default", messages=question["messages"])
        assert raised.value.code == "budget_exceeded"
        assert server.request("PATCH", f"/api/budgets/{id}", {"limit_usd": 10}).status == 200
        answer = server.post("/v1/chat/completions", question, headers=headers)
        assert answer.status == 200 and "250 euros" in answer.json["choices"][0]["message"]["content"], answer
        state, _ = check_sums(server, id)
        assert 0 < state["spent_usd"] < 1 and state["reserved_usd"] == 0
