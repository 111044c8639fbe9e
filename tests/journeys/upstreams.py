"""The three vendors' servers in one process: what they answer is a plan, how they say it is each one's wire format.

`Upstreams()` listens on a free port. Which plan a request gets is decided by the model it asks for; `plans` maps names to
a `Plan` or to a function of the request's body. Everything that was asked is in `requests`; `left` counts clients that
went away before their answer was complete.
"""
import dataclasses
import http.server
import json
import select
import socket
import threading
import time

USAGE_IN, USAGE_OUT = 11, 5
CALLS = (("call_1", "weather", {"city": "Oslo"}), ("call_2", "weather", {"city": "Rome"}))


@dataclasses.dataclass
class Plan:
    text: str = ""
    calls: tuple = ()
    reasoning: str = ""
    signature: str = ""
    status: int = 200
    message: str = "this is refused"
    headers: tuple = ()
    pause: float = 0  # Before each piece of a stream.
    hang: bool = False  # Says nothing until the client leaves.
    cut_after: int = -1  # Breaks the connection after so many pieces.
    fail_after: int = -1  # Says an error in the stream after so many pieces.
    finish: str = ""  # "length", "refusal"; else what the plan holds.


def has_results(body):
    text = json.dumps(body)
    return '"role": "tool"' in text or '"tool_result"' in text or '"function_call_output"' in text


def pieces(text):
    words = text.split(" ")
    return [word + (" " if i + 1 < len(words) else "") for i, word in enumerate(words)] if text else []


def halves(arguments):
    text = json.dumps(arguments)
    return text[:len(text) // 2], text[len(text) // 2:]


class OpenAI:
    @staticmethod
    def usage():
        return {"prompt_tokens": USAGE_IN, "completion_tokens": USAGE_OUT, "total_tokens": USAGE_IN + USAGE_OUT,
                "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 0}}

    @staticmethod
    def finish(plan):
        if plan.finish == "refusal":
            return "content_filter"
        return plan.finish or ("tool_calls" if plan.calls else "stop")

    @staticmethod
    def error(plan):
        return {"error": {"message": plan.message, "type": "invalid_request_error", "param": None, "code": "vendor_code"}}

    @classmethod
    def whole(cls, plan, body):
        message = {"role": "assistant", "content": plan.text or None, "refusal": None}
        if plan.reasoning:
            message["reasoning_content"] = plan.reasoning
        if plan.calls:
            message["tool_calls"] = [{"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
                                     for i, n, a in plan.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": cls.finish(plan)}
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": p, "logprob": -0.5, "bytes": list(p.encode()), "top_logprobs": []}
                                              for p in pieces(plan.text)], "refusal": None}
        return {"id": "chatcmpl-up", "object": "chat.completion", "created": 1700000000, "model": body["model"],
                "choices": [{**choice, "index": i} for i in range(body.get("n", 1))], "usage": cls.usage()}

    @classmethod
    def stream(cls, plan, body):
        def chunk(delta, finish=None, **more):
            choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
            value = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1700000000, "model": body["model"],
                     "choices": choices, **more}
            return f"data: {json.dumps(value)}\n\n"

        yield chunk({"role": "assistant", "content": ""})
        if plan.reasoning:
            yield chunk({"reasoning_content": plan.reasoning})
        for piece in pieces(plan.text):
            yield chunk({"content": piece})
        for index, (call, name, arguments) in enumerate(plan.calls):
            yield chunk({"tool_calls": [{"index": index, "id": call, "type": "function",
                                         "function": {"name": name, "arguments": ""}}]})
            for half in halves(arguments):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
        yield chunk({}, cls.finish(plan))
        if (body.get("stream_options") or {}).get("include_usage"):
            yield chunk({}).replace('"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": null}]',
                                    f'"choices": [], "usage": {json.dumps(cls.usage())}')
        yield "data: [DONE]\n\n"

    @classmethod
    def stream_error(cls, plan):
        return f"data: {json.dumps(cls.error(plan))}\n\n"


class Anthropic:
    @staticmethod
    def usage():
        return {"input_tokens": USAGE_IN - 2, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2,
                "output_tokens": USAGE_OUT}

    @staticmethod
    def finish(plan):
        return {"length": "max_tokens", "refusal": "refusal"}.get(plan.finish) or ("tool_use" if plan.calls else "end_turn")

    @staticmethod
    def error(plan):
        kind = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
                429: "rate_limit_error", 529: "overloaded_error"}.get(plan.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": plan.message}}

    @classmethod
    def whole(cls, plan, body):
        content = []
        if plan.reasoning:
            content.append({"type": "thinking", "thinking": plan.reasoning, "signature": plan.signature})
        if plan.text:
            content.append({"type": "text", "text": plan.text})
        content += [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in plan.calls]
        return {"id": "msg_up", "type": "message", "role": "assistant", "model": body["model"], "content": content,
                "stop_reason": cls.finish(plan), "stop_sequence": None, "usage": cls.usage()}

    @classmethod
    def stream(cls, plan, body):
        def event(kind, **more):
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

        def block(index, start, deltas):
            yield event("content_block_start", index=index, content_block=start)
            for delta in deltas:
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)

        message = {**cls.whole(Plan(), body), "stop_reason": None, "usage": {**cls.usage(), "output_tokens": 1}}
        yield event("message_start", message=message)
        yield event("ping")
        blocks = []
        if plan.reasoning:
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""},
                           [{"type": "thinking_delta", "thinking": plan.reasoning},
                            {"type": "signature_delta", "signature": plan.signature}]))
        if plan.text:
            blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in pieces(plan.text)]))
        for call, name, arguments in plan.calls:
            blocks.append(({"type": "tool_use", "id": call, "name": name, "input": {}},
                           [{"type": "input_json_delta", "partial_json": half} for half in ("", *halves(arguments))]))
        for index, (start, deltas) in enumerate(blocks):
            yield from block(index, start, deltas)
        yield event("message_delta", delta={"stop_reason": cls.finish(plan), "stop_sequence": None},
                    usage={"output_tokens": USAGE_OUT})
        yield event("message_stop")

    @classmethod
    def stream_error(cls, plan):
        return f"event: error\ndata: {json.dumps(cls.error(plan))}\n\n"


class Cohere:
    @staticmethod
    def usage():
        return {"billed_units": {"input_tokens": USAGE_IN, "output_tokens": USAGE_OUT},
                "tokens": {"input_tokens": USAGE_IN, "output_tokens": USAGE_OUT}}

    @staticmethod
    def finish(plan):
        return {"length": "MAX_TOKENS", "refusal": "ERROR"}.get(plan.finish) or ("TOOL_CALL" if plan.calls else "COMPLETE")

    @staticmethod
    def error(plan):
        return {"id": "e-1", "message": plan.message}

    @classmethod
    def whole(cls, plan, body):
        message = {"role": "assistant"}
        content = [{"type": "thinking", "thinking": plan.reasoning}] if plan.reasoning else []
        if plan.calls:
            message["tool_plan"] = plan.text
            message["tool_calls"] = [{"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
                                     for i, n, a in plan.calls]
        else:
            content.append({"type": "text", "text": plan.text})
        if content:
            message["content"] = content
        return {"id": "c-up", "finish_reason": cls.finish(plan), "message": message, "usage": cls.usage()}

    @classmethod
    def stream(cls, plan, body):
        def event(kind, **more):
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

        def with_message(kind, index, **message):
            return event(kind, index=index, delta={"message": message})

        yield event("message-start", id="c-up", delta={"message": {"role": "assistant", "content": [], "tool_plan": "",
                                                                   "tool_calls": [], "citations": []}})
        index = 0
        if plan.reasoning:
            yield with_message("content-start", 0, content={"type": "thinking", "thinking": ""})
            yield with_message("content-delta", 0, content={"thinking": plan.reasoning})
            yield event("content-end", index=0)
            index = 1
        if plan.calls:
            for piece in pieces(plan.text):
                yield event("tool-plan-delta", delta={"message": {"tool_plan": piece}})
        else:
            yield with_message("content-start", index, content={"type": "text", "text": ""})
            for piece in pieces(plan.text):
                yield with_message("content-delta", index, content={"text": piece})
            yield event("content-end", index=index)
        for number, (call, name, arguments) in enumerate(plan.calls):
            yield with_message("tool-call-start", number,
                               tool_calls={"id": call, "type": "function", "function": {"name": name, "arguments": ""}})
            for half in halves(arguments):
                yield with_message("tool-call-delta", number, tool_calls={"function": {"arguments": half}})
            yield event("tool-call-end", index=number)
        yield event("message-end", id="c-up", delta={"finish_reason": cls.finish(plan), "usage": cls.usage()})
        yield "data: [DONE]\n\n"

    @classmethod
    def stream_error(cls, plan):
        end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": plan.message, "usage": cls.usage()}}
        return f"event: message-end\ndata: {json.dumps(end)}\n\n"


def vector_of(text):
    return [len(text) / 100, 0.5, -0.25, 1.0]


def score_of(query, document):
    words = set(query.lower().split())
    return len(words & set(document.lower().split())) / len(words)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def log_message(self, *_):
        pass

    def do_POST(self):
        upstreams = self.server.upstreams
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        upstreams.requests.append({"path": self.path, "headers": dict(self.headers.items()), "body": body})
        plan = upstreams.plan(body)
        vendor = {"/v1/chat/completions": OpenAI, "/v1/messages": Anthropic, "/v2/chat": Cohere}.get(self.path)
        try:
            if vendor is None:
                self.task(plan, body)
            elif plan.status != 200:
                self.reply(plan.status, vendor.error(plan), plan.headers)
            elif plan.hang:
                self.wait_for_end()
            elif body.get("stream"):
                self.stream(vendor, plan, body)
            else:
                self.reply(200, vendor.whole(plan, body))
        except (BrokenPipeError, ConnectionError):
            upstreams.left += 1
            self.close_connection = True

    def task(self, plan, body):
        if plan.status != 200:
            return self.reply(plan.status, OpenAI.error(plan) if self.path.startswith("/v1/e") else Cohere.error(plan))
        if self.path == "/v1/messages/count_tokens":
            return self.reply(200, {"input_tokens": 42})
        if self.path == "/v1/embeddings":
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            data = [{"object": "embedding", "index": i, "embedding": vector_of(t)} for i, t in enumerate(texts)]
            return self.reply(200, {"object": "list", "data": data, "model": body["model"],
                                    "usage": {"prompt_tokens": USAGE_IN, "total_tokens": USAGE_IN}})
        if self.path == "/v2/embed":
            return self.reply(200, {"id": "e-up", "response_type": "embeddings_by_type", "texts": body["texts"],
                                    "embeddings": {"float": [vector_of(t) for t in body["texts"]]},
                                    "meta": {"billed_units": {"input_tokens": USAGE_IN}}})
        if self.path == "/v2/rerank":
            results = [{"index": i, "relevance_score": score_of(body["query"], d)} for i, d in enumerate(body["documents"])]
            results.sort(key=lambda result: -result["relevance_score"])
            return self.reply(200, {"id": "r-up", "results": results[:body.get("top_n", len(results))],
                                    "meta": {"billed_units": {"search_units": 1}}})
        self.reply(404, {"error": {"message": f"nothing at {self.path}"}})

    def reply(self, status, value, headers=()):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, vendor, plan, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(vendor.stream(plan, body)):
            if number == plan.cut_after:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if number == plan.fail_after:
                self.chunk(vendor.stream_error(plan))
                break
            if plan.pause:
                self.pause(plan.pause)
            self.chunk(piece)
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def pause(self, seconds):
        """Notices at once when the client leaves."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError

    def wait_for_end(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.pause(1)


class Upstreams:
    def __init__(self):
        self.requests, self.left = [], 0
        self.plans = {
            "text": lambda body: Plan(text="Hello from the vendor."),
            "tools": lambda body: Plan(text="It is 4 and 21.") if has_results(body) else Plan(text="I ask.", calls=CALLS),
            "json": lambda body: Plan(text='{"answer": "42"}'),
            "thinking": lambda body: Plan(text="Done.", reasoning="Hm, so.", signature="c2lnbmVk"),
            "long": lambda body: Plan(text="Cut off", finish="length"),
            "slow": lambda body: Plan(text="word " * 200, pause=0.05),
            "hang": lambda body: Plan(hang=True),
            "cut": lambda body: Plan(text="Hello from the vendor.", cut_after=4),
            "fails": lambda body: Plan(text="Hello from the vendor.", fail_after=4, message="it broke inside"),
            "wrong": lambda body: Plan(status=400, message="the vendor does not like it"),
            "denied": lambda body: Plan(status=401, message="bad key"),
            "limited": lambda body: Plan(status=429, message="slow down", headers=(("Retry-After", "7"),)),
            "down": lambda body: Plan(status=500, message="it is down"),
        }
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.upstreams = self
        self.host = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def plan(self, body):
        plan = self.plans.get(body.get("model"), Plan(text="Hello from the vendor."))
        return plan(body) if callable(plan) else plan

    def asked(self, model):
        return [request for request in self.requests if request["body"].get("model") == model]

    def base_url(self, vendor):
        return self.host + "/v1" if vendor == "openai" else self.host

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
