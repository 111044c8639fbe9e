"""Guardrails of what is embedded, ranked and counted, through the unmodified SDKs: masked before it leaves, or refused."""
import anthropic
import cohere
import openai
import pytest
from conftest import Slipway
from sdks import SDKS
from serving import serve
from upstreams import Upstreams

PRIVATE = "write to ann@example.com about it"
MASKED = "write to [email] about it"
SECRET = "the plans of Project X"


@pytest.fixture(scope="module")
def upstreams():
    server = Upstreams()
    yield server
    server.close()


@pytest.fixture(scope="module")
def server(program, prefix, cache, upstreams, tmp_path_factory):
    def model(vendor, **more):
        return {"provider": vendor, "base_url": upstreams.base_url(vendor), "api_key": "env:UPSTREAM_KEY", "retries": 0, **more}

    embed = {"task": "embed", "dimension": 4}
    config = {
        "models": {"openai-embed": model("openai", **embed), "cohere-embed": model("cohere", **embed),
                   "local-embed": {"provider": "scripted", **embed, "dimension": 16},
                   "cohere-rerank": model("cohere", task="rerank"), "local-rerank": {"provider": "scripted", "task": "rerank"},
                   "claude": model("anthropic")},
        "guardrails": {"pii": {"on": ["input"], "mask": ["email"]},
                       "words": {"on": ["input"], "patterns": ["(?i)project x"], "on_match": "refuse"}}}
    slipway = Slipway(program, prefix, tmp_path_factory.mktemp("guardrails"), cache)
    with serve(slipway, config=config, environment={"UPSTREAM_KEY": "sk-upstream"}) as running:
        yield running
    assert "ann@" not in running.log.read_text() + running.err.read_text()


def last(upstreams, path):
    request = upstreams.requests[-1]
    assert request["path"].endswith(path)
    return request["body"]


def refused(upstreams, error, ask):
    before = len(upstreams.requests)
    with pytest.raises(error) as caught:
        ask()
    assert "guardrail 'words'" in str(caught.value)
    assert len(upstreams.requests) == before, "it left the house all the same"


@pytest.mark.parametrize("vendor", ["openai", "cohere", "local"])
def test_openai_s_embeddings(server, upstreams, vendor):
    client = SDKS["openai"](server.url, max_retries=0).client
    reply = client.embeddings.create(model=f"{vendor}-embed", input=[PRIVATE, "fine"], encoding_format="float")
    assert len(reply.data) == 2
    if vendor == "local":
        same = client.embeddings.create(model="local-embed", input=[MASKED, "fine"], encoding_format="float")
        assert same.data[0].embedding == reply.data[0].embedding
    else:
        body = last(upstreams, "/embeddings" if vendor == "openai" else "/v2/embed")
        assert body.get("input", body.get("texts")) == [MASKED, "fine"]
    refused(upstreams, openai.BadRequestError, lambda: client.embeddings.create(model=f"{vendor}-embed", input=["fine", SECRET]))
    # Tokens cannot be looked at, so they do not pass.
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=f"{vendor}-embed", input=[[1, 2, 3]])
    assert "tokens" in str(caught.value)


@pytest.mark.parametrize("vendor", ["openai", "cohere", "local"])
def test_cohere_s_embed(server, upstreams, vendor):
    client = SDKS["cohere"](server.url).client

    def embed(texts):
        return client.embed(model=f"{vendor}-embed", texts=texts, input_type="search_document", embedding_types=["float"])

    reply = embed(["fine", PRIVATE])
    if vendor == "local":
        assert reply.embeddings.float_[1] == embed([MASKED]).embeddings.float_[0]
    else:
        body = last(upstreams, "/embeddings" if vendor == "openai" else "/v2/embed")
        assert body.get("input", body.get("texts")) == ["fine", MASKED]
    refused(upstreams, cohere.BadRequestError, lambda: embed([SECRET]))


@pytest.mark.parametrize("vendor", ["cohere", "local"])
def test_cohere_s_rerank(server, upstreams, vendor):
    client = SDKS["cohere"](server.url).client
    reply = client.rerank(model=f"{vendor}-rerank", query="who is ann@example.com", documents=["nobody", PRIVATE])
    assert {result.index for result in reply.results} == {0, 1}
    if vendor == "cohere":
        body = last(upstreams, "/v2/rerank")
        assert (body["query"], body["documents"]) == ("who is [email]", ["nobody", MASKED])
    # Documents that are given back are the caller's own, not what was asked with.
    older = cohere.Client(base_url=server.url + "/cohere", api_key="none").rerank(
        model=f"{vendor}-rerank", query="write", documents=[PRIVATE], return_documents=True)
    assert older.results[0].document.text == PRIVATE
    for query, documents in ((SECRET, ["fine"]), ("fine", ["also fine", SECRET])):
        refused(upstreams, cohere.BadRequestError,
                lambda: client.rerank(model=f"{vendor}-rerank", query=query, documents=documents))


def test_anthropic_s_count_tokens(server, upstreams):
    client = SDKS["anthropic"](server.url, max_retries=0).client

    def count(text):
        return client.messages.count_tokens(model="claude", messages=[{"role": "user", "content": text}])

    assert count(PRIVATE).input_tokens == 42
    body = last(upstreams, "/messages/count_tokens")
    assert MASKED in str(body) and "ann@" not in str(body)
    refused(upstreams, anthropic.BadRequestError, lambda: count(SECRET))


def test_a_refusal_has_each_dialect_s_shape(server):
    shapes = (("/v1/embeddings", {"model": "openai-embed", "input": SECRET}, lambda body: body["error"]["code"]),
              ("/v2/embed", {"model": "cohere-embed", "texts": [SECRET], "input_type": "search_query", "embedding_types": ["float"]},
               lambda body: body["message"]),
              ("/v2/rerank", {"model": "cohere-rerank", "query": SECRET, "documents": ["a"]}, lambda body: body["message"]),
              ("/v1/messages/count_tokens", {"model": "claude", "messages": [{"role": "user", "content": SECRET}]},
               lambda body: body["error"]["message"]))
    for path, body, told in shapes:
        reply = server.post(path, body, headers={"anthropic-version": "2023-06-01"} if "messages" in path else None)
        assert reply.status == 400 and "guardrail" in told(reply.json), (path, reply)
        assert "Project X" not in reply.text
