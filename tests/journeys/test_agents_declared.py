"""Agents that slipway.yaml declares: checked with its lines, run by name, served, reloaded as one."""
from serving import Server

CONFIG = """\
log: {level: info}
agents:
  # Says hello to whoever is named.
  hello:
    description: Says hello
    state: {who: string, text: string}
    nodes:
      say: {set: {text: "'hello ' + who"}}
    edges:
      - START -> say
      - say -> END
  filed: agents/filed.yaml
  both:
    state: {who: string, text: string}
    nodes:
      ask: {graph: {agent: hello, input: {who: who}, output: {text: result.text}}}
      more: {graph: {agent: filed, input: {text: text}, output: {text: result.text}}}
    edges: [START -> ask, ask -> more, more -> END]
"""
FILED = """\
name: filed
state: {text: string}
models: {m: {provider: scripted, replies: replies.jsonl}}
nodes: {add: {llm: {model: m, prompt: "{{text}}", into: text}}}
edges: [START -> add, add -> END]
"""


def write(slipway, config=CONFIG, filed=FILED):
    folder = slipway.folder / "agents"
    folder.mkdir(exist_ok=True)
    (folder / "filed.yaml").write_text(filed)
    (folder / "replies.jsonl").write_text('{"contains": "hello you", "text": "hello you, and well met"}\n')
    (slipway.folder / "slipway.yaml").write_text(config)


def test_the_configuration_is_checked_with_the_lines_of_its_agents(slipway):
    write(slipway)
    slipway.ok("config", "check")
    write(slipway, CONFIG.replace("- say -> END", "- sya -> END").replace("{who: who}", "{hwo: who}"),
          FILED.replace("into: text", "into: txet"))
    said = slipway.fails(1, "config", "check").err
    assert "slipway.yaml:11: " in said and "'sya' is no node" in said, said
    assert "slipway.yaml:16: " in said and "agents/filed.yaml:4: " in said, said
    write(slipway, CONFIG.replace("filed: agents/filed.yaml", "filed: {fil: agents/filed.yaml}"))
    assert "slipway.yaml:12: " in slipway.fails(1, "config", "check").err
    write(slipway, CONFIG.replace("filed: agents/filed.yaml", "filed: 7"))
    assert "line 12: $.agents.filed: a file is expected" in slipway.fails(1, "config", "check").err


def test_agents_of_the_configuration_are_run_by_name(slipway):
    write(slipway)
    slipway.ok("agent", "check", "both")
    run = slipway.result("agent", "run", "both", "--input", '{"who": "you"}', "--thread", "t")
    assert run["status"] == "done" and run["output"]["text"] == "hello you, and well met"
    (slipway.folder / "slipway.yaml").unlink()
    replay = slipway.result("agent", "replay", "--run", run["run"])
    assert replay["ok"], replay


def test_they_are_served_cannot_be_put_and_are_reloaded_as_one(slipway):
    write(slipway)
    with Server(slipway, "--config", slipway.folder / "slipway.yaml") as server:
        listed = {one["name"]: one for one in server.get("/api/agents").json["items"]}
        assert set(listed) == {"hello", "filed", "both"} and all(one["declared"] for one in listed.values())
        hello = server.get("/api/agents/hello").json
        assert hello["file"] == str(slipway.folder / "slipway.yaml") and "say: {set:" in hello["yaml"]
        refused = server.request("PUT", "/api/agents/hello", hello["yaml"], headers={"Content-Type": "application/yaml"})
        assert refused.status == 409 and "is declared in the configuration" in refused.json["detail"]
        assert server.delete("/api/agents/hello").status == 409
        settings = server.get("/api/settings").json
        assert settings["config"]["agents"]["filed"] == "agents/filed.yaml"
        assert settings["origins"]["$.agents.filed"].endswith("slipway.yaml:12")

        def run(agent, who="you"):
            thread = server.post("/api/threads", {"agent": agent}).json["thread"]
            return server.post(f"/api/threads/{thread}/runs", {"input": {"who": who}, "wait": True}).json

        assert run("both")["output"]["text"] == "hello you, and well met"
        (slipway.folder / "late.json").write_text('["late"]')
        # One is wrong: all stay as they were, models of the gateway too.
        write(slipway, CONFIG.replace("'hello '", "'good day '").replace("text: result.text}}}\n      more", "txt: result.text}}}\n      more")
              + "models: {late: {provider: scripted, path: late.json}}\n")
        said = server.reload()
        assert "refused" in said and "slipway.yaml:16" in said, said
        assert run("hello")["output"]["text"] == "hello you"
        assert "late" not in [one["id"] for one in server.get("/v1/models").json["data"]]
        write(slipway, CONFIG.replace("'hello '", "'good day '").replace("  filed: agents/filed.yaml\n", "").split("  both:")[0])
        assert "read anew" in server.reload()
        assert [one["name"] for one in server.get("/api/agents").json["items"]] == ["hello"]
        assert run("hello")["output"]["text"] == "good day you"
        assert server.get("/api/agents/hello").json["version"] == 2
