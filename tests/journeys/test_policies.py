"""Policies of the gateway as an operator and unmodified SDKs meet them: what is declared holds, and is shown."""
import http.server
import json
import threading
import time

import anthropic
import cohere
import openai
import pytest
from mock_upstream import Upstream
from serving import serve

SECRETS = {"FIRST_KEY": "sk-first-9c1d2e3f4a", "SECOND_KEY": "sk-second-5b6c7d8e9f", "WEB_KEY": "sk-web-0a1b2c3d4e", "OLD_KEY": "sk-old-1122334455"}


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def webhook():
    """A house rule: texts with "blue" are altered, texts with "red" refused."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(body)
            text = " ".join(body["texts"])
            verdict = {"verdict": "allow"}
            if "red" in text:
                verdict = {"verdict": "refuse", "reason": "no red here"}
            elif "blue" in text:
                verdict = {"verdict": "mask", "texts": [one.replace("blue", "[colour]") for one in body["texts"]]}
            data = json.dumps(verdict).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.url = asked, f"http://127.0.0.1:{server.server_port}/check"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def model(upstream, **more):
    return {"provider": "openai", "base_url": upstream.url, "api_key": "env:FIRST_KEY", "retries": 0, **more}


def start(slipway, config):
    return serve(slipway, config=config, environment=SECRETS)


def ask(server, name, text="Hi", key="none", **more):
    client = openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0)
    return client.chat.completions.with_raw_response.create(model=name, messages=[{"role": "user", "content": text}], **more)


def test_every_policy_is_shown_as_it_was_declared(slipway, upstream, webhook):
    config = {
        "models": {"fast": model(upstream, retries=2, timeouts={"connect": "1s", "first_token": "5s", "total": "1m"}, fallback=["steady"],
                                 limits={"requests": "600/min", "tokens": "200000/min", "concurrent": 64},
                                 price={"input": 0.15, "output": 0.6}, breaker={"failures": 3, "pause": "5s"}),
                   "steady": model(upstream, api_key=[{"key": "env:FIRST_KEY", "weight": 3}, {"key": "env:SECOND_KEY", "weight": 1}]),
                   "words": {"provider": "scripted", "task": "embed", "dimension": 16}},
        "routes": {"chat": {"policy": "weighted", "targets": [{"model": "fast", "weight": 3}, {"model": "steady", "weight": 1}],
                            "sticky": "user", "cache": {"exact": "1h", "semantic": {"threshold": 0.97, "ttl": "1h", "embedder": "words"}}}},
        "keys": {"web": {"key": "env:WEB_KEY", "roles": ["admin"], "models": ["chat", "fast"], "limits": {"requests": "100/min"},
                         "expires": "2999-01-01"}},
        "guardrails": {"pii": {"on": ["input", "output"], "mask": ["email", "phone"]},
                       "tricks": {"on": ["input"], "prompt_injection": 0.7},
                       "house": {"on": ["input"], "webhook": webhook.url, "timeout": "500ms", "on_error": "refuse"}},
        "gateway": {"retry_budget": 0.3}}
    with start(slipway, config) as server:
        reply = server.get("/api/settings", headers={"x-api-key": SECRETS["WEB_KEY"]})
        shown = reply.json["config"]

        def holds(declared, found, path):
            if isinstance(declared, dict):
                for name, value in declared.items():
                    holds(value, found[name], f"{path}.{name}")
            elif isinstance(declared, list):
                assert len(found) == len(declared), path
                for i, value in enumerate(declared):
                    holds(value, found[i], f"{path}[{i}]")
            else:
                assert found == declared, path

        holds(config, shown, "config")
        assert not [secret for secret in SECRETS.values() if secret in reply.text]
        deployments = {one["name"]: one for one in reply.json["gateway"]["deployments"]}
        assert deployments["fast"]["circuit"] == "closed"


def test_calls_are_shared_by_weight_among_keys_and_deployments(slipway, upstream):
    config = {"models": {"heavy": model(upstream, api_key=[{"key": "env:FIRST_KEY", "weight": 4}, {"key": "env:SECOND_KEY", "weight": 1}]),
                         "light": model(upstream)},
              "routes": {"chat": {"policy": "weighted", "targets": [{"model": "heavy", "weight": 3}, {"model": "light", "weight": 1}]},
                         "soon": {"policy": "least_latency", "targets": [{"model": "heavy"}, {"model": "light"}]}}}
    with start(slipway, config) as server:
        names = [ask(server, "chat").headers["x-slipway-model"] for _ in range(200)]
        assert 110 < names.count("heavy") < 185
        used = [request["headers"]["authorization"] for request in upstream.requests if request["body"]["model"] == "heavy"]
        assert 0.55 < used.count(f"Bearer {SECRETS['FIRST_KEY']}") / len(used) < 0.97
        assert {ask(server, "soon").headers["x-slipway-model"] for _ in range(20)} <= {"heavy", "light"}


def test_a_key_has_models_limits_and_an_end(slipway, upstream):
    config = {"models": {"fast": model(upstream), "other": model(upstream), "claude": {**model(upstream), "provider": "anthropic"}},
              "keys": {"web": {"key": "env:WEB_KEY", "models": ["fast"], "limits": {"requests": "3/h"}},
                       "old": {"key": "env:OLD_KEY", "expires": "2020-01-01"}}}
    with start(slipway, config) as server:
        with pytest.raises(openai.AuthenticationError):
            ask(server, "fast", key=SECRETS["OLD_KEY"])
        # What a key may not use looks like what is not there.
        for name in ("other", "nobody"):
            with pytest.raises(openai.NotFoundError):
                ask(server, name, key=SECRETS["WEB_KEY"])
        listed = openai.OpenAI(base_url=server.url + "/v1", api_key=SECRETS["WEB_KEY"]).models.list()
        assert [one.id for one in listed] == ["fast"]
        caught = None
        for _ in range(4):
            try:
                ask(server, "fast", key=SECRETS["WEB_KEY"])
            except openai.RateLimitError as error:
                caught = error
        assert caught is not None and int(caught.response.headers["retry-after"]) > 60
        with pytest.raises(anthropic.RateLimitError):
            anthropic.Anthropic(base_url=server.url, api_key=SECRETS["WEB_KEY"], max_retries=0).messages.create(
                model="fast", max_tokens=4, messages=[{"role": "user", "content": "Hi"}])
        with pytest.raises(cohere.TooManyRequestsError):
            cohere.ClientV2(base_url=server.url + "/cohere", api_key=SECRETS["WEB_KEY"]).chat(
                model="fast", messages=[{"role": "user", "content": "Hi"}], request_options={"max_retries": 0})


def test_a_webhook_may_alter_refuse_and_fail(slipway, upstream, webhook):
    house = {"on": ["input"], "webhook": webhook.url, "timeout": "500ms"}
    config = {"models": {"fast": model(upstream)}, "guardrails": {"house": {**house, "on_error": "refuse"}}}
    with start(slipway, config) as server:
        ask(server, "fast", "a blue boat")
        assert upstream.requests[-1]["body"]["messages"][0]["content"] == "a [colour] boat"
        assert webhook.asked[-1]["phase"] == "input" and webhook.asked[-1]["model"] == "fast"
        before = len(upstream.requests)
        with pytest.raises(openai.BadRequestError) as caught:
            ask(server, "fast", "a red boat")
        assert "no red here" in str(caught.value) and len(upstream.requests) == before
        webhook.shutdown()
        webhook.server_close()
        with pytest.raises(openai.APIStatusError) as caught:
            ask(server, "fast", "a boat")
        assert "house" in str(caught.value) and len(upstream.requests) == before
    with start(slipway, {**config, "guardrails": {"house": {**house, "on_error": "allow"}}}) as server:
        assert ask(server, "fast", "a boat").http_response.status_code == 200


def test_the_three_patiences_are_apart(slipway, upstream):
    upstream.behaviour.update({"hang": "hang", "slow": "slow"})
    patience = {"connect": "1s", "first_token": "500ms", "total": "1500ms"}
    config = {"models": {"hang": model(upstream, timeouts=patience), "slow": model(upstream, timeouts=patience),
                         "far": model(upstream, base_url="http://127.0.0.1:9/v1", timeouts=patience)}}
    with start(slipway, config) as server:
        begin = time.monotonic()
        with pytest.raises(openai.APIStatusError) as caught:
            ask(server, "hang", stream=True)
        assert caught.value.status_code == 504 and 0.4 < time.monotonic() - begin < 1.4
        begin = time.monotonic()
        reply = server.post("/v1/chat/completions", {"model": "slow", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
        assert reply.status == 200 and '"error"' in reply.text and "[DONE]" not in reply.text
        assert 1.2 < time.monotonic() - begin < 4
        with pytest.raises(openai.APIStatusError) as caught:
            ask(server, "far")
        assert caught.value.status_code == 502


def test_a_collection_answers_every_sdk_with_citations(slipway):
    (slipway.folder / "docs").mkdir()
    (slipway.folder / "docs" / "traces.md").write_text("# Traces\n\nTraces are kept for 30 days by default.\n")
    slipway.ok("ingest", "docs", "-c", "handbook")
    question = [{"role": "user", "content": "How long are traces kept?"}]
    with serve(slipway) as server:
        chat = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        assert "rag/handbook" in [one.id for one in chat.models.list()]
        message = chat.chat.completions.create(model="rag/handbook", messages=question).choices[0].message
        assert "30 days" in message.content
        cited = message.annotations[0].url_citation
        assert cited.url.endswith("traces.md") and "30 days" in message.content[cited.start_index:cited.end_index]
        streamed = chat.responses.create(model="rag/handbook", input="How long are traces kept?")
        assert streamed.output[0].content[0].annotations
        claude = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
        blocks = claude.messages.create(model="rag/handbook", max_tokens=200, messages=question).content
        assert any("30 days" in citation.cited_text for block in blocks for citation in block.citations or [])
        answer = cohere.ClientV2(base_url=server.url + "/cohere", api_key="none").chat(model="rag/handbook", messages=question)
        assert answer.message.citations and "30 days" in answer.message.content[0].text
