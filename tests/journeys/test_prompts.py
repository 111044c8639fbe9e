"""Prompts: versions, tags, shares of the traffic, LangSmith's hub, and calls that name a prompt."""
import collections
import datetime
import json
import time
import uuid

import langsmith
import openai
import pytest
from keyed import KEY, keyed_server
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated", "ignore::UserWarning")

HEADERS = {"x-api-key": KEY}


@pytest.fixture
def server(slipway, monkeypatch):
    (slipway.folder / "replies.json").write_text(json.dumps(["fine", "fine", '{"score": 0.75, "comment": "good"}']))
    models = {"echo": {"provider": "scripted", "path": str(slipway.folder / "replies.json")}}
    with keyed_server(slipway, monkeypatch, models=models) as running:
        yield running


@pytest.fixture
def client(server):
    return langsmith.Client(api_url=server.url + "/langsmith", api_key=KEY)


def commit(server, name, **body):
    return server.post(f"/api/prompts/{name}/versions", body, headers=HEADERS)


def test_versions_tags_and_clear_refusals(server):
    first = commit(server, "greeting", text="Hello {name}", tags=["production"])
    assert first.status == 201 and first.json["version"] == 1 and first.json["tags"] == ["production"]
    assert first.json["variables"] == [{"name": "name", "required": True, "list": False}]
    again = commit(server, "greeting", text="Hello {name}")
    assert again.status == 409 and "Nothing to commit" in again.text
    assert commit(server, "greeting", text="Dear {name}", parent=1).json["version"] == 2
    assert commit(server, "greeting", text="Late {name}", parent=1).status == 409
    assert commit(server, "greeting", text="Broken {name").status == 400

    def render(where, **variables):
        return server.post(f"/api/prompts/greeting{where}/render", {"variables": variables}, headers=HEADERS)

    assert render("", name="Ann").json["messages"] == [{"role": "user", "content": "Hello Ann"}]
    assert render("/versions/latest", name="Ann").json["messages"][0]["content"] == "Dear Ann"
    missing = render("")
    assert missing.status == 400 and "variable 'name' is missing; this prompt has: name" in missing.text
    assert "'nom' is not in this prompt" in render("", name="Ann", nom="x").text
    moved = server.request("PUT", "/api/prompts/greeting/tags/production", {"reference": "2"}, headers=HEADERS)
    assert moved.status == 200 and render("", name="Ann").json["version"] == 2
    assert server.get("/api/prompts/greeting", headers=HEADERS).json["tags"] == {"production": 2}
    assert server.get("/api/prompts/greeting/versions/9", headers=HEADERS).status == 404


def test_traffic_is_shared_and_sticks_to_the_user(server):
    commit(server, "p", text="one")
    commit(server, "p", text="two")
    shares = [{"reference": "1", "share": 1}, {"reference": "2", "share": 1}]
    assert server.request("PUT", "/api/prompts/p/traffic", {"shares": shares}, headers=HEADERS).status == 200

    def version(user):
        return server.post("/api/prompts/p/render", {"sticky": user}, headers=HEADERS).json["version"]

    counts = collections.Counter(version(f"user {i}") for i in range(60))
    assert set(counts) == {1, 2} and min(counts.values()) > 12
    assert len({version("ann") for _ in range(10)}) == 1


def test_langsmiths_hub_pushes_and_pulls(server, client):
    name = f"hub-{uuid.uuid4().hex[:8]}"
    prompt = ChatPromptTemplate.from_messages(
        [("system", "You are {role}."), MessagesPlaceholder("history", optional=True), ("human", "{question}")])
    url = client.push_prompt(name, object=prompt, description="first", tags=["a"], commit_tags=["staging"])
    assert name in url
    pulled = client.pull_prompt(name)
    assert pulled.invoke({"role": "kind", "question": "Why?"}).to_messages()[0].content == "You are kind."
    assert client.pull_prompt(f"{name}:staging") == pulled
    client.push_prompt(name, object=PromptTemplate.from_template("Just {question}"))
    assert client.get_prompt(name).num_commits == 2
    assert [c.commit_hash for c in client.list_prompt_commits(name)][0] == client.get_prompt(name).last_commit_hash
    assert client.list_prompts(query=name).total == 1
    assert client.like_prompt(name)["likes"] == 1
    # The same prompt in our own API, rendered here.
    rendered = server.post(f"/api/prompts/{name}/versions/staging/render",
                           {"variables": {"role": "kind", "question": "Why?"}}, headers=HEADERS)
    assert [m["content"] for m in rendered.json["messages"]] == ["You are kind.", "Why?"]
    # And one that was made there is pulled by that client.
    commit(server, "ours", messages=[{"role": "user", "content": "Hi {{who}}"}], syntax="mustache")
    assert client.pull_prompt("ours").invoke({"who": "Ann"}).to_messages()[0].content == "Hi Ann"
    client.delete_prompt(name)
    assert client.get_prompt(name) is None


def test_a_call_names_a_prompt_and_its_run_knows_the_version(server):
    commit(server, "greeting", messages=[{"role": "system", "content": "Greet {name}."}], model="echo",
           parameters={"temperature": 0})
    sdk = openai.OpenAI(base_url=server.url + "/v1", api_key=KEY, max_retries=0)
    reply = sdk.chat.completions.with_raw_response.create(
        model="echo", messages=[{"role": "user", "content": "hi"}], user="ann",
        extra_body={"prompt": {"id": "greeting@1", "variables": {"name": "Ann"}}})
    assert reply.headers["x-slipway-prompt"] == "greeting@1"
    assert reply.parse().choices[0].message.content == "fine"
    bare = server.post("/v1/chat/completions", {"prompt": {"id": "greeting", "variables": {"name": "Ann"}}},
                       headers=HEADERS)
    assert bare.status == 200, bare
    for body, status, words in [({"id": "none"}, 404, "Prompt 'none' not found"),
                                ({"id": "greeting"}, 400, "variable 'name' is missing"),
                                ({"id": "greeting@7"}, 404, "has no commit '7'")]:
        refused = server.post("/v1/chat/completions", {"model": "echo", "prompt": body}, headers=HEADERS)
        assert refused.status == status and words in refused.json["error"]["message"], refused
    for _ in range(100):  # Runs of our own follow their replies.
        runs = server.get("/api/runs?kind=llm", headers=HEADERS).json["items"]
        if len(runs) == 2:
            break
        time.sleep(0.05)
    prompts = [run["metadata"].get("prompt") for run in runs]
    assert {"name": "greeting", "version": "1"} in prompts
    full = server.get(f"/api/runs/{runs[-1]['id']}", headers=HEADERS).json
    assert "Greet Ann." in str(full["inputs"])


def test_a_judge_is_a_prompt_over_a_model(server, client):
    commit(server, "grader", text="Is {output} a good answer to {input}?", model="echo")
    rule = {"name": "good", "key": "good", "roots_only": True, "project": "shop",
            "evaluator": {"kind": "judge", "prompt": "grader"}}
    assert server.post("/api/evaluators", rule, headers=HEADERS).status == 201
    sdk = openai.OpenAI(base_url=server.url + "/v1", api_key=KEY, max_retries=0)
    for _ in range(2):  # The first two replies of that model are for others.
        sdk.chat.completions.create(model="echo", messages=[{"role": "user", "content": "hi"}])
    run = uuid.uuid4()
    client.create_run(name="ask", run_type="chain", inputs={"question": "Why?"}, id=run, project_name="shop",
                      outputs={"answer": "So."}, end_time=datetime.datetime.now(datetime.timezone.utc))
    client.flush()
    for _ in range(150):
        given = list(client.list_feedback(run_ids=[run]))
        if given:
            break
        time.sleep(0.1)
    assert [(f.key, f.score, f.comment) for f in given] == [("good", 0.75, "good")]
    assert given[0].feedback_source.type == "model"
