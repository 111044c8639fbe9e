"""The unmodified SDKs of OpenAI, Anthropic and Cohere against the real server, each before each vendor and a local model."""
import base64
import http.client
import json
import shutil
import struct
import subprocess
import time

import anthropic
import cohere
import openai
import pydantic
import pytest
from cohere.core.api_error import ApiError
from conftest import HERE, ROOT, Slipway
from sdks import SDKS, WEATHER
from serving import serve
from upstreams import CALLS, USAGE_IN, USAGE_OUT, Upstreams

VENDORS = ("openai", "anthropic", "cohere")
PLANS = ("text", "tools", "json", "thinking", "long", "slow", "hang", "cut", "fails", "wrong", "denied", "limited", "down")
EVERY = [(sdk, vendor) for sdk in SDKS for vendor in VENDORS]


@pytest.fixture(scope="module")
def upstreams():
    server = Upstreams()
    yield server
    server.close()


def configuration(upstreams, folder):
    models = {f"{vendor}-{plan}": {"provider": vendor, "model": plan, "base_url": upstreams.base_url(vendor),
                                   "api_key": "env:UPSTREAM_KEY", "retries": 0, "breaker": {"failures": 0}}
              for vendor in VENDORS for plan in PLANS}
    for vendor in ("openai", "cohere"):
        models[f"{vendor}-embed"] = {**models[f"{vendor}-text"], "model": "embed", "task": "embed", "dimension": 4}
    models["cohere-rerank"] = {**models["cohere-text"], "model": "rerank", "task": "rerank"}
    turn = {"text": "I ask.", "tool_calls": [{"id": i, "name": n, "arguments": json.dumps(a)} for i, n, a in CALLS]}
    for name, replies in {"text": ["Hello from the vendor."] * 50, "tools": [turn, "It is 4 and 21."] * 20}.items():
        (folder / f"{name}.json").write_text(json.dumps(replies))
        models[f"local-{name}"] = {"provider": "scripted", "path": str(folder / f"{name}.json")}
    models["local-embed"] = {"provider": "scripted", "task": "embed"}
    models["local-rerank"] = {"provider": "scripted", "task": "rerank"}
    return {"models": models}


@pytest.fixture(scope="module")
def server(program, prefix, cache, upstreams, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdks")
    slipway = Slipway(program, prefix, folder, cache)
    with serve(slipway, config=configuration(upstreams, folder), environment={"UPSTREAM_KEY": "sk-upstream"}) as running:
        yield running


def sdk_of(name, server, **options):
    if name != "cohere":
        options.setdefault("max_retries", 0)
    return SDKS[name](server.url, **options)


def eventually(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


# --- Conversations


@pytest.mark.parametrize("vendor", [*VENDORS, "local"])
@pytest.mark.parametrize("name", SDKS)
def test_text(server, name, vendor):
    sdk = sdk_of(name, server)
    for said in (sdk.ask(f"{vendor}-text", sdk.question("Hi")), sdk.stream(f"{vendor}-text", sdk.question("Hi"))):
        assert said.text == "Hello from the vendor." and said.finish == "stop" and said.calls == []
        assert said.model == f"{vendor}-text"  # The name that was asked for.
        if vendor != "local":
            assert said.usage == (USAGE_IN, USAGE_OUT)


@pytest.mark.parametrize("vendor", [*VENDORS, "local"])
@pytest.mark.parametrize("name", SDKS)
@pytest.mark.parametrize("way", ["ask", "stream"])
def test_tools_there_and_back(server, upstreams, name, vendor, way):
    sdk = sdk_of(name, server)
    say, tools = getattr(sdk, way), sdk.tools()
    messages = sdk.question("How warm is it in Oslo and in Rome?")
    first = say(f"{vendor}-tools", messages, tools)
    assert first.finish == "calls" and first.calls == [tuple(call) for call in CALLS]
    assert first.text == "I ask."
    second = say(f"{vendor}-tools", [*messages, *first.history, *sdk.results(first.calls, ["4 degrees", "21 degrees"])], tools)
    assert second.text == "It is 4 and 21." and second.finish == "stop"
    if vendor == "local":
        return
    sent = upstreams.asked("tools")[-1]["body"]
    text = json.dumps(sent)
    assert "4 degrees" in text and "21 degrees" in text and text.count("call_1") == 2
    schema = sent["tools"][0].get("input_schema") or sent["tools"][0]["function"]["parameters"]
    assert schema == WEATHER


@pytest.mark.parametrize("name,vendor", EVERY)
def test_an_answer_that_was_cut_says_so(server, name, vendor):
    sdk = sdk_of(name, server)
    assert sdk.ask(f"{vendor}-long", sdk.question("Hi")).finish == "length"
    if name != "responses":  # Its SDK has a final response only for whole ones.
        with_limit = sdk.stream if name != "openai" else None
        if with_limit:
            assert with_limit(f"{vendor}-long", sdk.question("Hi")).finish == "length"


class Answer(pydantic.BaseModel):
    answer: str


@pytest.mark.parametrize("name,vendor", EVERY)
def test_structured_output(server, upstreams, name, vendor):
    sdk, model = sdk_of(name, server), f"{vendor}-json"
    if name == "openai":
        reply = sdk.client.chat.completions.parse(model=model, messages=sdk.question("?"), response_format=Answer)
        assert reply.choices[0].message.parsed == Answer(answer="42")
    elif name == "responses":
        assert sdk.client.responses.parse(model=model, input="?", text_format=Answer).output_parsed == Answer(answer="42")
    elif name == "anthropic":
        reply = sdk.client.messages.parse(model=model, max_tokens=100, messages=sdk.question("?"), output_format=Answer)
        assert reply.parsed_output == Answer(answer="42")
    else:
        schema = {"type": "json_object", "json_schema": Answer.model_json_schema()}
        assert json.loads(sdk.ask(model, sdk.question("?"), response_format=schema).text) == {"answer": "42"}
    sent = upstreams.asked("json")[-1]["body"]
    schema = {"openai": lambda: sent["response_format"]["json_schema"]["schema"],
              "anthropic": lambda: sent["output_config"]["format"]["schema"],
              "cohere": lambda: sent["response_format"]["json_schema"]}[vendor]()
    assert schema["properties"]["answer"]["type"] == "string" and schema["required"] == ["answer"]


def test_thoughts_reach_those_who_can_hear_them(server, upstreams):
    for vendor in VENDORS:
        sdk = sdk_of("anthropic", server)
        reply = sdk.client.messages.create(model=f"{vendor}-thinking", max_tokens=2000, messages=sdk.question("?"))
        thinking = reply.content[0]
        assert thinking.type == "thinking" and thinking.thinking == "Hm, so."
        assert thinking.signature == ("c2lnbmVk" if vendor == "anthropic" else "")
        # The next turn takes them back.
        again = [*sdk.question("?"), {"role": "assistant", "content": reply.content}, *sdk.question("And?")]
        assert sdk.ask(f"{vendor}-thinking", again).text == "Done."
        chat = sdk_of("openai", server).client.chat.completions.create(
            model=f"{vendor}-thinking", messages=sdk.question("?"))
        assert chat.choices[0].message.reasoning_content == "Hm, so."
        responses = sdk_of("responses", server)
        reply = responses.client.responses.create(model=f"{vendor}-thinking", input="?")
        assert reply.output[0].type == "reasoning" and reply.output[0].summary[0].text == "Hm, so."
        items = [item.model_dump(exclude_none=True) for item in reply.output]
        said = responses.ask(f"{vendor}-thinking", [*responses.question("?"), *items, *responses.question("And?")])
        assert said.text == "Done."
        if vendor == "anthropic":  # The signature has found back.
            content = upstreams.asked("thinking")[-1]["body"]["messages"][1]["content"]
            assert content[0] == {"type": "thinking", "thinking": "Hm, so.", "signature": "c2lnbmVk"}


def test_the_older_completions(server):
    client = sdk_of("openai", server).client
    reply = client.completions.create(model="anthropic-text", prompt="Once", max_tokens=20)
    assert reply.choices[0].text == "Hello from the vendor." and reply.usage.completion_tokens == USAGE_OUT
    stream = client.completions.create(model="cohere-text", prompt="Once", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == "Hello from the vendor."


def test_images_system_prompts_and_sampling_reach_the_vendor(server, upstreams):
    client = sdk_of("openai", server).client
    client.chat.completions.create(
        model="anthropic-text", temperature=0.5, stop=["END"], max_tokens=50, messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"},
                                         {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}])
    sent = [r for r in upstreams.asked("text") if r["path"] == "/v1/messages"][-1]
    assert sent["headers"]["x-api-key"] == "sk-upstream"
    assert sent["body"]["system"] == "Be brief." and sent["body"]["stop_sequences"] == ["END"]
    assert sent["body"]["temperature"] == 0.5 and sent["body"]["max_tokens"] == 50
    image = sent["body"]["messages"][0]["content"][1]
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": "AAAA"}


# --- Errors


def status_of(error):
    return getattr(error, "status_code", None)


@pytest.mark.parametrize("name,vendor", EVERY)
@pytest.mark.parametrize("way", ["ask", "stream"])
def test_errors_are_the_class_that_the_vendor_would_raise(server, name, vendor, way):
    sdk = sdk_of(name, server)
    module = anthropic if name == "anthropic" else openai
    options = {"request_options": {"max_retries": 0}} if name == "cohere" else {}
    for plan, status, kind, words in (("wrong", 400, "BadRequestError", "does not like it"),
                                      ("denied", 401, "AuthenticationError", "key"),
                                      ("limited", 429, "RateLimitError", "slow down"),
                                      ("down", 502, "InternalServerError", "it is down")):
        expected = ApiError if name == "cohere" else getattr(module, kind)
        with pytest.raises(expected) as raised:
            getattr(sdk, way)(f"{vendor}-{plan}", sdk.question("Hi"), **options)
        assert status_of(raised.value) == status
        assert words in str(raised.value) and f"{vendor}-{plan}" in str(raised.value)
        assert "sk-upstream" not in str(raised.value)
    with pytest.raises(ApiError if name == "cohere" else module.NotFoundError) as raised:
        getattr(sdk, way)("openai-texd", sdk.question("Hi"), **options)
    assert status_of(raised.value) == 404 and "openai-text" in str(raised.value)


@pytest.mark.parametrize("name,vendor", EVERY)
@pytest.mark.parametrize("plan", ["cut", "fails"])
def test_a_stream_that_breaks_never_looks_whole(server, name, vendor, plan):
    sdk = sdk_of(name, server)
    if name == "cohere":
        events = list(sdk.raw_stream(f"{vendor}-{plan}", sdk.question("Hi")))
        assert events[-1].type == "message-end" and events[-1].delta.finish_reason == "ERROR"
        assert events[-1].delta.error
        return
    error = anthropic.APIError if name == "anthropic" else openai.APIError
    with pytest.raises(error) as raised:
        sdk.stream(f"{vendor}-{plan}", sdk.question("Hi"))
    if plan == "fails":
        assert "it broke inside" in str(raised.value)


def test_what_a_vendor_cannot_do_is_an_error_or_dropped_on_demand(server, upstreams):
    sdk = sdk_of("openai", server)
    asked = {"model": "anthropic-text", "messages": sdk.question("Hi"), "seed": 7, "logit_bias": {"50256": -100}}
    with pytest.raises(openai.BadRequestError) as raised:
        sdk.client.chat.completions.create(**asked)
    assert raised.value.param == "seed" and "anthropic-text" in str(raised.value)
    reply = sdk.client.chat.completions.with_raw_response.create(
        **asked, extra_headers={"x-slipway-drop-unsupported": "true"})
    assert reply.headers["x-slipway-dropped"].replace(" ", "") == "seed,logit_bias"
    with pytest.raises(openai.BadRequestError) as raised:
        sdk.client.chat.completions.create(model="anthropic-text", messages=sdk.question("Hi"), temperature=1.5)
    assert "temperature" in str(raised.value)


@pytest.mark.parametrize("vendor", VENDORS)
def test_retries_are_not_multiplied(server, upstreams, vendor):
    before = len(upstreams.asked("down"))
    with pytest.raises(openai.InternalServerError):
        SDKS["openai"](server.url, max_retries=3).ask(f"{vendor}-down", [{"role": "user", "content": "Hi"}])
    assert len(upstreams.asked("down")) == before + 1


def test_refusals_have_each_vendor_s_shape(server):
    def error(reply):
        return reply.json["error"]["message"] if "error" in reply.json else reply.json["message"]

    for path, shape in (("/v1/chat/completions", "error"), ("/openai/v1/responses", "error"), ("/v1/messages", "error"),
                        ("/cohere/v2/chat", "message"), ("/v2/chat", "message")):
        for reply, status in ((server.post(path, "{"), 400), (server.post(path, "[]"), 400), (server.get(path), 405),
                              (server.post(path + "/nothing", {}), 404)):
            assert reply.status == status, (path, reply)
            assert shape in reply.json and error(reply), (path, reply)
        assert "POST" in server.get(path).headers["Allow"]
    assert server.get("/v1/messages").json["type"] == "error"
    assert server.get("/v1/nothing", headers={"anthropic-version": "2023-06-01"}).json["type"] == "error"
    assert "type" not in server.get("/v1/nothing").json
    for path in ("/v1/chat/completions", "/anthropic/v1/messages", "/v2/chat"):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("POST", path, headers={"Content-Length": str(1 << 30)})  # The body need not come.
        reply = connection.getresponse()
        told = json.loads(reply.read())
        assert reply.status == 413 and "limit" in (told["error"] if "error" in told else told)["message"]
        connection.close()
    twice = server.post("/v1/chat/completions", '{"model":"a","model":"b","messages":[]}')
    assert twice.status == 400 and "twice" in error(twice)


# --- Leaving


@pytest.mark.parametrize("name,vendor", EVERY)
def test_who_leaves_a_stream_ends_the_vendor_s_work(server, upstreams, name, vendor):
    sdk = sdk_of(name, server)
    before = upstreams.left
    stream = sdk.raw_stream(f"{vendor}-slow", sdk.question("Hi"))
    for _, _event in zip(range(4), stream):
        pass
    stream.close()
    eventually(lambda: upstreams.left > before, seconds=3)


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_leaves_before_the_first_word_ends_it_too(server, upstreams, vendor):
    for stream in (False, True):
        before = upstreams.left
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=0.7)
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model=f"{vendor}-hang", messages=[{"role": "user", "content": "Hi"}], stream=stream)
        eventually(lambda: upstreams.left > before, seconds=3)


# --- Lists, embeddings, reranking, counting


def test_models_are_listed_in_each_vendor_s_way(server):
    chat = sdk_of("openai", server).client
    names = [model.id for model in chat.models.list()]
    assert "openai-text" in names and "local-embed" in names
    assert chat.models.retrieve("openai-text").owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        chat.models.retrieve("openai-texd")
    messages = sdk_of("anthropic", server).client
    assert [model.id for model in messages.models.list(limit=5)] == names  # Page after page.
    assert messages.models.retrieve("cohere-text").display_name == "cohere-text"
    with pytest.raises(anthropic.NotFoundError):
        messages.models.retrieve("nobody")
    at_root = anthropic.Anthropic(base_url=server.url, api_key="none")
    assert at_root.models.list(limit=1000).data[0].id == names[0]
    listed = cohere.Client(base_url=server.url + "/cohere", api_key="none").models.list()
    assert [model.name for model in listed.models] == names


@pytest.mark.parametrize("vendor", ["openai", "cohere", "local"])
def test_embeddings(server, vendor):
    chat = sdk_of("openai", server).client
    floats = chat.embeddings.create(model=f"{vendor}-embed", input=["a", "bb"], encoding_format="float")
    assert [item.index for item in floats.data] == [0, 1] and floats.model == f"{vendor}-embed"
    coded = server.post("/v1/embeddings", {"model": f"{vendor}-embed", "input": ["a", "bb"], "encoding_format": "base64"})
    for item, text in zip(floats.data, coded.json["data"]):
        data = base64.b64decode(text["embedding"])
        assert list(struct.unpack(f"<{len(data) // 4}f", data)) == pytest.approx(item.embedding)
    assert chat.embeddings.create(model=f"{vendor}-embed", input="a").data[0].embedding == pytest.approx(floats.data[0].embedding)
    client = sdk_of("cohere", server).client
    typed = client.embed(model=f"{vendor}-embed", texts=["a", "bb"], input_type="search_document",
                         embedding_types=["float", "ubinary"])
    assert typed.texts == ["a", "bb"] and len(typed.embeddings.ubinary) == 2
    if vendor != "local":  # Whose embedder tells documents from questions.
        assert typed.embeddings.float_[1] == pytest.approx(floats.data[1].embedding)
    with pytest.raises(openai.NotFoundError):
        chat.embeddings.create(model="nobody", input="a")


@pytest.mark.parametrize("vendor", ["cohere", "local"])
def test_reranking(server, vendor):
    documents = ["bananas are yellow", "oslo is cold in winter", "rome is warm"]
    newer = sdk_of("cohere", server).client.rerank(
        model=f"{vendor}-rerank", query="cold oslo", documents=documents, top_n=2)
    assert len(newer.results) == 2 and newer.results[0].index == 1
    older = cohere.Client(base_url=server.url + "/cohere", api_key="none").rerank(
        model=f"{vendor}-rerank", query="cold oslo", documents=documents, return_documents=True)
    assert older.results[0].document.text == documents[1] and len(older.results) == 3
    with pytest.raises(cohere.NotFoundError):
        sdk_of("cohere", server).client.rerank(model="nobody", query="q", documents=["a"])


def test_tokens_are_counted(server):
    client = sdk_of("anthropic", server).client
    question = [{"role": "user", "content": "How many are these?"}]
    assert client.messages.count_tokens(model="anthropic-text", messages=question, system="Be brief.").input_tokens == 42
    assert client.messages.count_tokens(model="local-text", messages=question).input_tokens > 0


# --- Node


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory):
    script = f". {ROOT}/tools/common.sh; node_packages tests/journeys/node"
    packages = subprocess.check_output(["bash", "-c", script], text=True, cwd=ROOT).strip()
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(HERE / "node" / "openai.mjs", folder)
    shutil.copy(HERE / "node" / "package.json", folder)
    (folder / "node_modules").symlink_to(packages)
    return folder


@pytest.mark.parametrize("vendor", VENDORS)
def test_openai_s_sdk_for_node(server, upstreams, node_folder, vendor):
    left = upstreams.left
    run = subprocess.run(["node", "openai.mjs", server.url, vendor], cwd=node_folder, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("fine") == 5
    eventually(lambda: upstreams.left > left, seconds=3)


# --- Keys


def test_keys_in_each_vendor_s_header(program, prefix, cache, upstreams, tmp_path):
    slipway = Slipway(program, prefix, tmp_path, cache)
    config = configuration(upstreams, tmp_path)
    config["keys"] = {"web": {"key": "env:WEB_KEY", "roles": ["write"], "models": ["openai-text", "anthropic-text"]},
                      "eyes": {"key": "env:READ_KEY", "roles": ["read"]}}
    secrets = {"UPSTREAM_KEY": "sk-upstream", "WEB_KEY": "sk-web-1234567890", "READ_KEY": "sk-eyes-1234567890"}
    with serve(slipway, config=config, environment=secrets) as server:
        for name in SDKS:
            module = anthropic if name == "anthropic" else openai
            good = sdk_of(name, server, key=secrets["WEB_KEY"])
            assert good.ask("openai-text", good.question("Hi")).text == "Hello from the vendor."
            # What the key may not use looks as if it was not there.
            for sdk, model, kind, status in (
                    (good, "cohere-text", "NotFoundError", 404),
                    (sdk_of(name, server, key="sk-wrong"), "openai-text", "AuthenticationError", 401),
                    (sdk_of(name, server, key=secrets["READ_KEY"]), "openai-text", "PermissionDeniedError", 403)):
                with pytest.raises(ApiError if name == "cohere" else getattr(module, kind)) as raised:
                    sdk.ask(model, sdk.question("Hi"))
                assert status_of(raised.value) == status
                assert "sk-" not in str(raised.value)
        listed = openai.OpenAI(base_url=server.url + "/v1", api_key=secrets["WEB_KEY"]).models.list()
        assert sorted(model.id for model in listed) == ["anthropic-text", "openai-text"]
