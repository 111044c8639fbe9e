"""Models: what is there, bringing one's own, and a remote provider spoken to over loopback."""
import contextlib
import hashlib
import http.server
import json
import math
import re
import threading

import documents


def test_the_default_models_are_installed(slipway):
    models = {m["name"]: m for m in slipway.result("models", "list")["items"]}
    for name, task in [("bge-small-en-v1.5-q", "embed"), ("smollm2-135m-instruct", "chat")]:
        assert models[name]["state"] == "installed", models[name]
        assert models[name]["task"] == task and models[name]["size_bytes"] > 1_000_000
    table = slipway.ok("models", "list").out
    assert table.splitlines()[0].split()[:4] == ["NAME", "TASK", "PROVIDER", "STATE"]


def test_an_unknown_model_names_the_known_ones(slipway):
    outcome = slipway.fails(1, "models", "pull", "nosuchmodel")
    assert "nosuchmodel" in outcome.err and "bge-small-en-v1.5-q" in outcome.err


def test_a_gguf_becomes_a_named_model(slipway, prefix):
    slipway.use_own_cache()
    source = prefix / "models" / "smollm2-135m-instruct" / "model.gguf"
    info = slipway.result("models", "import", source, "--name", "mine")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert (info["name"], info["task"], info["provider"]) == ("mine", "chat", "llama")
    assert info["hash"] == "sha256:" + digest
    listed = {m["name"]: m for m in slipway.result("models", "list")["items"]}
    assert listed["mine"]["state"] == "installed"
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    answer = slipway.result("ask", "What is the fine for speeding?", "--model", "mine", timeout=240)
    assert "250" in answer["answer"]


def test_an_onnx_folder_becomes_an_embedder_that_a_collection_uses(slipway, prefix):
    slipway.use_own_cache()
    source = prefix / "models" / "all-minilm-l6-v2-q"
    info = slipway.result("models", "import", source, "--name", "minilm")
    assert (info["task"], info["provider"]) == ("embed", "onnx")
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"), "--embedder", "minilm")
    assert slipway.result("collections", "show", "default")["embedder"] == "minilm"
    found = slipway.result("search", "speed limit", "--mode", "dense", "--limit", 1)["items"][0]
    assert found["path"].endswith("rules.pdf")


def test_files_that_are_no_model_are_refused_with_the_reason(slipway):
    slipway.use_own_cache()
    bad = slipway.folder / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\0" * 100)
    assert "bad.gguf" in slipway.fails(1, "models", "import", bad).err
    worse = slipway.folder / "worse.onnx"
    worse.write_bytes(b"not a model")
    slipway.fails(1, "models", "import", worse)
    slipway.fails(1, "models", "import", slipway.folder / "nowhere.gguf")
    names = {m["name"] for m in slipway.result("models", "list")["items"]}
    assert not names & {"bad", "worse", "nowhere"}


class Provider(http.server.BaseHTTPRequestHandler):
    """Speaks enough of the OpenAI protocol: embeddings by hashed words, chat by a script."""
    reply = "The fine for speeding is 250 euros [1]."
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        if self.server.status != 200:
            return self.send(self.server.status, {"error": {"message": "the server is tired"}})
        if self.path == "/v1/embeddings":
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            data = [{"object": "embedding", "index": i, "embedding": vector(t)}
                    for i, t in enumerate(texts)]
            return self.send(200, {"object": "list", "data": data, "model": body["model"],
                                   "usage": {"prompt_tokens": 7, "total_tokens": 7}})
        if body.get("stream"):
            return self.stream(body)
        self.send(200, {"id": "1", "object": "chat.completion", "model": body["model"],
                        "choices": [{"index": 0, "finish_reason": "stop",
                                     "message": {"role": "assistant", "content": self.reply}}],
                        "usage": {"prompt_tokens": 90, "completion_tokens": 9,
                                  "total_tokens": 99}})

    def stream(self, body):
        events = [{"id": "1", "object": "chat.completion.chunk", "model": body["model"],
                   "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
                  for piece in re.findall(r"\S+\s*", self.reply)]
        events.append({"id": "1", "object": "chat.completion.chunk", "model": body["model"],
                       "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({"id": "1", "object": "chat.completion.chunk", "model": body["model"],
                       "choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 9,
                                                "total_tokens": 99}})
        payload = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(payload.encode())))
        self.end_headers()
        self.wfile.write(payload.encode())

    def send(self, status, value):
        payload = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


def vector(text):
    values = [1e-3] * 32
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        values[int(hashlib.md5(word.encode()).hexdigest(), 16) % 32] += 1.0
    length = math.sqrt(sum(v * v for v in values))
    return [v / length for v in values]


@contextlib.contextmanager
def provider():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.seen, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_remote_config(slipway, port):
    (slipway.folder / "slipway.yaml").write_text(f"""
models:
  remote-chat:
    task: chat
    provider: openai
    base_url: http://127.0.0.1:{port}/v1
    model: chat-large
    api_key: env:REMOTE_KEY
  remote-embed:
    task: embed
    provider: openai
    base_url: http://127.0.0.1:{port}/v1
    api_key: env:REMOTE_KEY
    dimension: 32
defaults:
  embedder: remote-embed
  chat_model: remote-chat
""")
    slipway.environment["REMOTE_KEY"] = "sk-loopback"


def test_a_remote_provider_embeds_and_answers(slipway):
    with provider() as server:
        write_remote_config(slipway, server.server_port)
        slipway.ok("config", "check")
        report = slipway.result("ingest", documents.write_harbour(slipway.folder / "docs"))
        assert report["added"] == 4, report
        answer = slipway.result("ask", "What is the fine for speeding?", "--mode", "generate")
        assert answer["answer"] == "The fine for speeding is 250 euros [1]."
        assert "remote-chat" in answer["model"] or "chat-large" in answer["model"]
        assert answer["usage"]["input_tokens"] >= 90 and answer["usage"]["output_tokens"] == 9
        paths = {path for path, _, _ in server.seen}
        assert paths == {"/v1/embeddings", "/v1/chat/completions"}
        assert {key for _, key, _ in server.seen} == {"Bearer sk-loopback"}
        assert {b["model"] for p, _, b in server.seen if p.endswith("completions")} == {"chat-large"}
        assert {b["model"] for p, _, b in server.seen if p.endswith("embeddings")} == {
            "remote-embed"}
    stored = b"".join(f.read_bytes() for f in slipway.data.rglob("*") if f.is_file())
    assert b"sk-loopback" not in stored


def test_a_remote_model_that_claims_too_much_is_not_believed(slipway):
    with provider() as server:
        write_remote_config(slipway, server.server_port)
        slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
        Provider.reply = "The fine for speeding is 900 euros [1]."
        try:
            answer = slipway.result("ask", "What is the fine for speeding?", "--mode", "generate")
        finally:
            Provider.reply = "The fine for speeding is 250 euros [1]."
        assert "900" not in answer["answer"]
        assert any("900" in d["text"] + d["why"] for d in answer["dropped"])


def test_a_remote_provider_that_fails_is_one_clear_error(slipway):
    with provider() as server:
        write_remote_config(slipway, server.server_port)
        folder = documents.write_harbour(slipway.folder / "docs")
        server.status = 401
        outcome = slipway("ingest", folder)
        assert outcome.code == 1 and "sk-loopback" not in outcome.err
        assert "the server is tired" in outcome.err or "401" in outcome.err
        server.status = 200
        slipway.ok("ingest", folder)
    outcome = slipway.fails(1, "search", "fuel", timeout=60)  # The server is gone now.
    assert "127.0.0.1" in outcome.err and outcome.err.count("\n") == 1
    assert slipway.result("search", "fuel", "--mode", "lexical")["items"]


def test_a_missing_key_names_the_variable(slipway):
    with provider() as server:
        write_remote_config(slipway, server.server_port)
        del slipway.environment["REMOTE_KEY"]
        outcome = slipway("ingest", documents.write_harbour(slipway.folder / "docs"))
        assert outcome.code == 1 and "REMOTE_KEY" in outcome.err
        assert server.seen == []
