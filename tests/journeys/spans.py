"""Traces for journeys, sent as OTLP JSON: shops' questions with every kind of run, large trees and deep ones."""
import hashlib
import json

START = 1_780_000_000_000_000_000  # Nanoseconds. Nothing here depends on the hour.
SECOND = 1_000_000_000
MILLISECOND = 1_000_000

MODELS = {"gpt-4o": ("openai", 2.5e-6, 1e-5), "gpt-4o-mini": ("openai", 1.5e-7, 6e-7),
          "claude-sonnet-4": ("anthropic", 3e-6, 1.5e-5)}


def trace_id(name):
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def span_id(trace, name):
    return hashlib.sha256(f"{trace}/{name}".encode()).hexdigest()[:16]


def value(of):
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    return {"stringValue": of if isinstance(of, str) else json.dumps(of)}


def span(trace, name, start_ms, length_ms, parent=None, key=None, start=START, error=None, of=None):
    """`key` tells spans of one name apart; `of` are the attributes."""
    begin = start + int(start_ms * MILLISECOND)
    made = {"traceId": trace, "spanId": span_id(trace, key or name), "name": name,
            "startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + int(length_ms * MILLISECOND)),
            "attributes": [{"key": key, "value": value(one)} for key, one in (of or {}).items()]}
    if parent:
        made["parentSpanId"] = span_id(trace, parent)
    if error:
        made["status"] = {"code": 2, "message": error}
    return made


def chat(trace, name, start_ms, length_ms, model, messages, answer, tokens, **more):
    of = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": MODELS[model][0], "gen_ai.request.model": model,
          "gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1],
          "gen_ai.input.messages": [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in messages],
          "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}],
          "gen_ai.request.temperature": 0.2, **more.pop("of", {})}
    return span(trace, name, start_ms, length_ms, of=of, **more)


def question(number, text, answer, *, length_ms=800.0, model="gpt-4o", tokens=(420, 60), start=START, error=None, user="ada",
             session=None):
    """An agent that looks up, ranks, asks a model and calls a tool."""
    trace = trace_id(f"question {number}")
    who = {"user.id": user, **({"session.id": session} if session else {})}
    end = length_ms - 20
    return [
        span(trace, "support agent", 0, length_ms, start=start, error=error,
             of={"openinference.span.kind": "AGENT", "input.value": {"question": text}, "input.mime_type": "application/json",
                 "output.value": answer, "tag.tags": '["support"]', **who}),
        span(trace, "find passages", 10, 0.15 * end, parent="support agent", start=start,
             of={"openinference.span.kind": "RETRIEVER", "input.value": text,
                 "output.value": {"documents": [{"content": "Refunds take five days.", "score": 0.92},
                                                {"content": "Parcels leave at noon.", "score": 0.41}]},
                 "output.mime_type": "application/json"}),
        span(trace, "weigh passages", 10 + 0.16 * end, 0.05 * end, parent="support agent", start=start,
             of={"openinference.span.kind": "RERANKER", "reranker.model_name": "bge-reranker"}),
        span(trace, "write", 10 + 0.22 * end, 0.7 * end, parent="support agent", start=start, error=error,
             of={"openinference.span.kind": "CHAIN"}),
        chat(trace, "chat " + model, 12 + 0.22 * end, 0.5 * end, model,
             [("system", "You answer for a shop. Be brief."), ("user", text)], answer, tokens, parent="write", start=start,
             error=error, of=who),
        span(trace, "order_status", 14 + 0.74 * end, 0.12 * end, parent="write", start=start,
             of={"openinference.span.kind": "TOOL", "input.value": {"order": 4711}, "input.mime_type": "application/json",
                 "output.value": {"state": "sent", "parcels": 2}, "output.mime_type": "application/json"}),
    ]


def wide(name, count, start=START):
    """One root with `count - 1` runs below it, three levels, every kind of length."""
    trace = trace_id(name)
    kinds = ["CHAIN", "LLM", "TOOL", "RETRIEVER", "EMBEDDING"]
    spans = [span(trace, name, 0, count + 10, start=start, of={"openinference.span.kind": "AGENT"})]
    for i in range(1, count):
        parent = name if i % 10 == 1 else f"step {i - (i - 1) % 10}"
        spans.append(span(trace, f"step {i}", i, 10 if i % 10 == 1 else 1, parent=parent, start=start,
                          error="the tool broke" if i % 997 == 0 else None,
                          of={"openinference.span.kind": kinds[i % 5], "input.value": f"input of step {i}",
                              "output.value": f"output of step {i} " + "word " * 20}))
    return spans


def deep(name, levels, start=START):
    """Every run below the one before."""
    trace = trace_id(name)
    return [span(trace, f"level {i}", i, 2 * levels - i, parent=f"level {i - 1}" if i else None, start=start,
                 of={"openinference.span.kind": "CHAIN"}) for i in range(levels)]


def request(spans, project="shop"):
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": project}}]},
                               "scopeSpans": [{"scope": {"name": "journey"}, "spans": spans}]}]}


def send(server, spans, project="shop"):
    for first in range(0, len(spans), 2000):
        reply = server.post("/otlp/v1/traces", request(spans[first:first + 2000], project))
        assert reply.status == 200, reply


def send_prices(server):
    for model, (_, into, out) in MODELS.items():
        reply = server.request("PUT", f"/api/prices/{model}", {"input_cost_per_token": into, "output_cost_per_token": out})
        assert reply.status == 201, reply
