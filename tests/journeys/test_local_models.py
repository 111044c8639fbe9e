"""The model that comes along, through unmodified SDKs: schemas that always hold, refusals, limits, many at once."""
import concurrent.futures
import json
import time

import jsonschema
import openai
import pytest
from conftest import Slipway
from sdks import SDKS
from serving import serve

SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
                                           "kinds": {"type": "array", "items": {"enum": ["ship", "train"]}, "minItems": 1, "maxItems": 3}},
          "required": ["name", "year", "kinds"], "additionalProperties": False}


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 10}}, "required": ["city"], "additionalProperties": False}}}]
# By words of the template it is known how a model is told tools; the small model's own has none.
TEMPLATES = {"hermes": "{# tools <tool_call> <|im_start|> #}",
             "llama3": "{# tools ipython <|start_header_id|><|end_header_id|> #}",
             "mistral": "{# [AVAILABLE_TOOLS] [INST] [TOOL_CALLS] [ #}",
             "mistral-marks": "{# [AVAILABLE_TOOLS][INST][TOOL_CALLS][ARGS] #}"}


@pytest.fixture(scope="module")
def with_tools(program, prefix, cache, tmp_path_factory):
    """The small model with other templates of the same length."""
    folder = tmp_path_factory.mktemp("tools")
    data = (prefix / "models/smollm2-135m-instruct/model.gguf").read_bytes()
    at = data.index(b"{% for message in messages %}")
    length = int.from_bytes(data[at - 8:at], "little")
    models = {}
    for name, words in TEMPLATES.items():
        (folder / f"{name}.gguf").write_bytes(data[:at] + words.encode().ljust(length) + data[at + length:])
        models[name] = {"provider": "llama", "file": str(folder / f"{name}.gguf"), "context": 1024, "threads": 1}
    slipway = Slipway(program, prefix, folder, cache)
    with serve(slipway, config={"models": models}) as running:
        yield running


@pytest.fixture(scope="module")
def server(program, prefix, cache, tmp_path_factory):
    local = {"provider": "llama", "context": 512, "parallel": 4, "threads": 1}
    config = {"models": {"local": {**local, "file": "smollm2-135m-instruct"},
                         "alone": {**local, "file": "smollm2-135m-instruct", "parallel": 1, "retries": 0,
                                   "timeouts": {"total": "2s"}}}}
    slipway = Slipway(program, prefix, tmp_path_factory.mktemp("local"), cache)
    with serve(slipway, config=config) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def ask(client, text, model="local", **more):
    more.setdefault("max_tokens", 24)
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_answers_of_a_schema_are_valid_at_any_temperature(client):
    shape = {"type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": SCHEMA}}
    for seed, temperature in enumerate((0, 1, 2)):
        reply = ask(client, "Describe a ship as JSON.", response_format=shape, temperature=temperature, seed=seed, max_tokens=300)
        assert reply.choices[0].finish_reason == "stop"
        jsonschema.validate(json.loads(reply.choices[0].message.content), SCHEMA)
    shape["json_schema"]["schema"] = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "Hi", response_format=shape)
    assert "properties.a.not" in str(caught.value)


def test_seeds_stops_and_probabilities(client):
    drawn = [ask(client, "Tell of the sea.", temperature=1, seed=5).choices[0].message.content for _ in range(2)]
    assert drawn[0] == drawn[1]
    whole = ask(client, "Count: one, two, three.", logprobs=True, top_logprobs=2)
    text, told = whole.choices[0].message.content, whole.choices[0].logprobs.content
    assert "".join(token.token for token in told) == text and len(told) == whole.usage.completion_tokens
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in told)
    stop = text[len(text) // 2:len(text) // 2 + 3]
    cut = ask(client, "Count: one, two, three.", stop=[stop]).choices[0].message.content
    assert cut == text[:text.index(stop)]
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, "Count: one, two, three.", stream=True) if chunk.choices)
    assert streamed == text


def test_a_prompt_beyond_the_context_is_told_with_both_numbers(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "word " * 600)
    assert caught.value.code == "context_length_exceeded"
    assert "512" in str(caught.value) and "6" in str(caught.value)


def test_tools_are_refused_by_a_model_whose_template_has_none(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "Does it rain?", tools=TOOLS)
    assert "tools" in str(caught.value) and "template" in str(caught.value)


@pytest.mark.parametrize("way", ["whole", "streamed"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_tools_are_called_in_the_words_of_the_template(with_tools, name, way):
    chat = SDKS["openai"](with_tools.url, max_retries=0)
    say = chat.ask if way == "whole" else chat.stream
    more = {"tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 120, "temperature": 0}
    first = say(name, chat.question("Does it rain in Oslo?"), TOOLS, **more)
    [(call, called, arguments)] = first.calls
    assert first.finish == "calls" and called == "weather" and len(arguments["city"]) <= 10
    # The call and its result go back in the same words, and count.
    history = chat.question("Does it rain in Oslo?") + first.history
    answered = history + chat.results(first.calls, ["It rains."])
    second = chat.ask(name, answered, TOOLS, max_tokens=8, tool_choice="none")
    alone = chat.ask(name, chat.question("Does it rain in Oslo?"), TOOLS, max_tokens=1, tool_choice="none")
    assert second.usage[0] > alone.usage[0] + 10 and not second.calls
    with pytest.raises(openai.BadRequestError) as caught:
        chat.ask(name, history + chat.results([("nobody", "weather", {})], ["?"]), TOOLS, max_tokens=8)
    assert "tool_call_id" in str(caught.value)


def test_many_at_once_say_what_each_says_alone(client):
    questions = [f"Tell of {what}." for what in ("rain", "bread", "clocks", "bridges")]
    alone = [ask(client, question).choices[0].message.content for question in questions]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda question: ask(client, question).choices[0].message.content, questions))
    assert together == alone
    again = ask(client, questions[0] + " " + "It is long. " * 30)
    warm = ask(client, questions[0] + " " + "It is long. " * 30)
    assert warm.choices[0].message.content == again.choices[0].message.content
    assert warm.usage.prompt_tokens_details.cached_tokens >= 64


def test_who_waits_too_long_for_a_place_is_told_when_to_come_again(server, client):
    """One place, taken by a long answer: the time of those that wait ends, and they may try again."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask, client, f"Write a long story about ship {n}.", "alone", max_tokens=400) for n in range(3)]
        failures = [one.exception() for one in asked]
    waited = [failure for failure in failures if failure and failure.status_code == 503]
    assert waited, failures
    for failure in waited:
        assert isinstance(failure, openai.InternalServerError) and int(failure.response.headers["retry-after"]) >= 1
    # Who had the place, and no more time, is told something else.
    assert {failure.status_code for failure in failures if failure} <= {503, 504}
    end = time.monotonic() + 10
    while "slipway_gateway_running 0" not in server.get("/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.05)
