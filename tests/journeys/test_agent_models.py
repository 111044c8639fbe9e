"""An agent as a chat model: the unmodified SDKs of OpenAI and Anthropic ask `agent/NAME`."""
import json
import threading
import time

import anthropic
import openai
import pytest
from conftest import Slipway
from serving import serve

KEYS = {"web": "a-key-that-is-long-enough", "other": "another-key-long-enough", "poor": "a-poor-key-long-enough"}

WRITER = """\
input: [question]
output: [answer]
models: {m: {provider: scripted, replies: r.jsonl, input_usd_per_million: 100, output_usd_per_million: 1000}}
state: {question: string, notes: string, answer: string}
nodes:
  think: {llm: {model: m, prompt: "About {{question}}", into: notes}}
  write: {llm: {model: m, prompt: "From {{notes}}", into: answer}}
edges: [START -> think, think -> write, write -> END]
"""
DESK = """\
input: [question]
output: [post]
tools: {calc: {builtin: calculator, approve: {ask: "Compute {{args.expression}}?"}}}
state: {question: string, sum: any, post: string}
nodes:
  go: {tool: {use: calc, args: {expression: "{{question}}"}, into: sum}}
  end: {set: {post: "'It is ' + string(sum)"}}
edges: [START -> go, go -> end, end -> END]
"""
SLOW = """\
models: {m: {provider: scripted, replies: r.jsonl}}
state: {question: string, answer: string}
nodes: {slow: {llm: {model: m, prompt: "{{question}}", into: answer}}}
edges: [START -> slow, slow -> END]
"""
TALKER = """\
state: {question: string, answer: string}
nodes: {talk: {llm: {model: words, prompt: "{{question}}", into: answer}}}
edges: [START -> talk, talk -> END]
"""
WORDS = "Words come one by one, as the model makes them."
REPLIES = [{"node": "think", "text": "secret notes", "usage": {"input": 10, "output": 20}},
           {"node": "write", "text": "A slipway is a ramp. " * 20, "usage": {"input": 30, "output": 40}},
           {"node": "slow", "text": "late", "delay_ms": 60000}]
COST = (40 * 100 + 60 * 1000) / 1e6


@pytest.fixture(scope="module")
def server(program, prefix, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("agent-models")
    (folder / "r.jsonl").write_text("\n".join(map(json.dumps, REPLIES)))
    lines = ["log: {level: error}", "agents:"]
    for name, text in {"writer": WRITER, "desk": DESK, "slow": SLOW, "talker": TALKER}.items():
        lines += [f"  {name}:", *("    " + line for line in text.splitlines())]
    (folder / "words.json").write_text(json.dumps([WORDS] * 3))
    lines += ["models: {words: {provider: scripted, path: words.json}}", "keys:"]
    for name, key in KEYS.items():
        models = "" if name != "other" else ", models: [agent/desk]"
        lines.append(f"  {name}: {{key: 'env:KEY_{name.upper()}', roles: [write]{models}}}")
    lines += ["budgets: {poor: {limit_usd: 0.0001, scope: {key: poor}}}"]
    (folder / "slipway.yaml").write_text("\n".join(lines))
    environment = {f"KEY_{name.upper()}": key for name, key in KEYS.items()}
    with serve(Slipway(program, prefix, folder, cache), "--config", folder / "slipway.yaml",
               environment=environment) as running:
        yield running


def client(server, key="web"):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=KEYS[key], max_retries=0, timeout=60)


def native(server, method, path, body=None):
    reply = server.request(method, path, body, headers={"Authorization": "Bearer " + KEYS["web"]})
    assert reply.status < 300, reply
    return reply.json


def test_agents_are_listed_for_keys_that_may_use_them(server):
    assert {"agent/writer", "agent/desk", "agent/slow"} <= {one.id for one in client(server).models.list()}
    assert [one.id for one in client(server, "other").models.list()] == ["agent/desk"]
    with pytest.raises(openai.NotFoundError):
        client(server, "other").chat.completions.create(model="agent/writer", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(openai.NotFoundError, match="agent/writer"):
        client(server).chat.completions.create(model="agent/writre", messages=[{"role": "user", "content": "x"}])


def test_openais_sdk_asks_an_agent_whole_and_streamed(server):
    ask = {"model": "agent/writer", "messages": [{"role": "user", "content": "slipways"}]}
    raw = client(server).chat.completions.with_raw_response.create(**ask)
    reply = raw.parse()
    assert reply.choices[0].message.content == REPLIES[1]["text"] and reply.choices[0].finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (40, 60)
    assert float(raw.headers["x-slipway-cost-usd"]) == pytest.approx(COST)
    assert raw.headers["x-slipway-status"] == "done"
    state = native(server, "GET", f"/api/threads/{raw.headers['x-slipway-thread']}/state")
    assert state["run"] == raw.headers["x-slipway-run"] and state["state"]["notes"] == "secret notes"

    stream = client(server).chat.completions.create(**ask, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(texts) == REPLIES[1]["text"]
    assert chunks[-1].usage.total_tokens == 100
    assert stream.response.headers["x-slipway-thread"]
    words = [chunk.choices[0].delta.content or "" for chunk in client(server).chat.completions.create(
        model="agent/talker", messages=[{"role": "user", "content": "hi"}], stream=True) if chunk.choices]
    assert "".join(words) == WORDS and sum(map(bool, words)) > 3


def test_responses_and_anthropics_messages_ask_the_same(server):
    reply = client(server).responses.create(model="agent/writer", input="slipways")
    assert reply.output_text == REPLIES[1]["text"] and reply.usage.total_tokens == 100
    claude = anthropic.Anthropic(base_url=server.url, api_key=KEYS["web"], max_retries=0)
    said = claude.messages.create(model="agent/writer", max_tokens=1000, messages=[{"role": "user", "content": "slipways"}])
    assert said.content[0].text == REPLIES[1]["text"] and said.stop_reason == "end_turn"
    assert said.usage.output_tokens == 60
    with claude.messages.stream(model="agent/writer", max_tokens=1000, messages=[{"role": "user", "content": "x"}]) as stream:
        assert "".join(stream.text_stream) == REPLIES[1]["text"]


def test_a_run_that_waits_for_an_approval_says_so_and_goes_on(server):
    ask = {"model": "agent/desk", "messages": [{"role": "user", "content": "6 * 7"}]}
    first = client(server).chat.completions.with_raw_response.create(**ask)
    thread = first.headers["x-slipway-thread"]
    assert first.headers["x-slipway-status"] == "interrupted"
    said = first.parse().choices[0]
    assert said.finish_reason == "content_filter" and said.message.content.startswith("Compute 6 * 7?")
    assert f"/api/threads/{thread}/resume" in said.message.content
    (waiting,) = native(server, "GET", f"/api/threads/{thread}/interrupts")["items"]

    # No text of a conversation approves it; the thread may stand in the metadata too.
    again = client(server).chat.completions.create(model="agent/desk", messages=[{"role": "user", "content": "approve"}],
                                                   metadata={"slipway_thread": thread})
    assert again.choices[0].finish_reason == "content_filter" and "Compute 6 * 7?" in again.choices[0].message.content
    with pytest.raises(openai.BadRequestError):
        client(server).chat.completions.create(**ask, extra_headers={"x-slipway-thread": thread, "x-slipway-answers": "approve"})
    last = client(server).chat.completions.create(**ask, extra_headers={
        "x-slipway-thread": thread, "x-slipway-answers": json.dumps({waiting["id"]: "approve"})})
    assert last.choices[0].message.content == "It is 42" and last.choices[0].finish_reason == "stop"

    # Approved elsewhere, the answer is asked for; by Anthropic's SDK a stop by a rule is a refusal.
    claude = anthropic.Anthropic(base_url=server.url, api_key=KEYS["web"], max_retries=0)
    words = {"model": "agent/desk", "max_tokens": 99, "messages": [{"role": "user", "content": "2 + 2"}]}
    waits = claude.messages.create(**words, extra_headers={"x-slipway-thread": "desk-7"})
    assert waits.stop_reason == "refusal"
    (waiting,) = native(server, "GET", "/api/threads/desk-7/interrupts")["items"]
    native(server, "POST", "/api/threads/desk-7/resume", {"answers": {waiting["id"]: {"edit": {"args": {"expression": "3 + 3"}}}}, "wait": True})
    told = claude.messages.create(**words, extra_headers={"x-slipway-thread": "desk-7", "x-slipway-answers": "{}"})
    assert told.content[0].text == "It is 6"


def test_budgets_of_the_key_pay_for_its_agents(server):
    with pytest.raises(openai.RateLimitError) as refused:
        client(server, "poor").chat.completions.create(model="agent/writer", messages=[{"role": "user", "content": "x"}])
    assert "budget" in str(refused.value)


def test_a_client_that_leaves_cancels_the_run(server):
    left = client(server).with_options(timeout=1.0)
    asking = threading.Thread(target=lambda: pytest.raises(
        openai.APITimeoutError, left.chat.completions.create, model="agent/slow", messages=[{"role": "user", "content": "x"}],
        extra_headers={"x-slipway-thread": "slow-1"}))
    asking.start()
    asking.join()
    for _ in range(200):
        runs = native(server, "GET", "/api/threads/slow-1/runs")["items"]
        if runs and runs[0]["status"] == "cancelled":
            break
        time.sleep(0.05)
    assert runs[0]["status"] == "cancelled"


def test_what_agents_cannot_do_is_told(server):
    with pytest.raises(openai.BadRequestError, match="tools"):
        client(server).chat.completions.create(model="agent/writer", messages=[{"role": "user", "content": "x"}], tools=[
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])
