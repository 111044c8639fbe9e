"""What the real OpenTelemetry SDK puts on the wire, with the attribute names of the real convention packages, read by
Slipway in both forms, and what Slipway exports, read by the real library. Usage: compare.py PROGRAM [ignored]"""
import base64
import difflib
import http.server
import json
import subprocess
import sys
import threading

from google.protobuf import json_format
from google.rpc.status_pb2 import Status as RpcStatus
from openinference.semconv.resource import ResourceAttributes
from openinference.semconv.trace import (DocumentAttributes, EmbeddingAttributes, MessageAttributes, SpanAttributes,
                                         ToolCallAttributes)
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (ExportMetricsServiceRequest,
                                                                          ExportMetricsServiceResponse)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as gen_ai
from opentelemetry.semconv_ai import SpanAttributes as Traceloop
from opentelemetry.semconv_ai import TraceloopSpanKindValues

PROGRAM = sys.argv[1]
BODIES = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        BODIES.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_):
        pass


def slipway(*words, body=b""):
    done = subprocess.run([PROGRAM, *map(str, words)], input=body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def span_of_every_value(tracer):
    other = trace.SpanContext(0x1234, 0x5678, True)
    with tracer.start_as_current_span("every value", kind=trace.SpanKind.CLIENT,
                                      links=[trace.Link(other, {"why": "retry"})]) as span:
        span.set_attributes({"s": "Grüße 😀 \" \\ \n", "yes": True, "no": False, "i": -(2**63), "d": 0.1, "whole": 1.0,
                             "list": ["a", "b"], "numbers": [1, 2], "empty": "", "b": b"\x00\xff\x80"})
        span.add_event("tick", {"n": 1}, timestamp=1_700_000_000_123_456_789)
        try:
            raise ValueError("it broke\nhere")
        except ValueError as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR)
        with tracer.start_as_current_span("child") as child:
            child.set_status(trace.StatusCode.OK)


def span_of_gen_ai(tracer):
    with tracer.start_as_current_span("chat gpt-4o") as span:
        span.set_attributes({
            gen_ai.GEN_AI_OPERATION_NAME: "chat", gen_ai.GEN_AI_PROVIDER_NAME: "openai", gen_ai.GEN_AI_REQUEST_MODEL: "gpt-4o",
            gen_ai.GEN_AI_RESPONSE_MODEL: "gpt-4o-2024-08-06", gen_ai.GEN_AI_USAGE_INPUT_TOKENS: 100,
            gen_ai.GEN_AI_USAGE_OUTPUT_TOKENS: 20, gen_ai.GEN_AI_CONVERSATION_ID: "talk-1",
            "gen_ai.usage.cache_read.input_tokens": 40, "openai.response.service_tier": "flex", "user.id": "u-1",
            gen_ai.GEN_AI_INPUT_MESSAGES: '[{"role": "user", "parts": [{"type":"text","content":"1.0"}]}]',
            gen_ai.GEN_AI_OUTPUT_MESSAGES: '[{"role":"assistant"}]'})


def span_of_openinference(tracer):
    role, content = MessageAttributes.MESSAGE_ROLE, MessageAttributes.MESSAGE_CONTENT
    messages, document = SpanAttributes.LLM_INPUT_MESSAGES, SpanAttributes.RETRIEVAL_DOCUMENTS
    with tracer.start_as_current_span("ChatAnthropic") as span:
        span.set_attributes({
            SpanAttributes.OPENINFERENCE_SPAN_KIND: "LLM", SpanAttributes.LLM_MODEL_NAME: "claude-sonnet-4",
            SpanAttributes.LLM_PROVIDER: "anthropic", SpanAttributes.LLM_TOKEN_COUNT_PROMPT: 11,
            SpanAttributes.LLM_TOKEN_COUNT_COMPLETION: 7, SpanAttributes.LLM_TOKEN_COUNT_TOTAL: 18,
            SpanAttributes.LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ: 5,
            SpanAttributes.LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE: 2,
            SpanAttributes.LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING: 3, SpanAttributes.LLM_COST_TOTAL: 0.25,
            f"{messages}.0.{role}": "system", f"{messages}.0.{content}": "Be brief.",
            f"{messages}.1.{role}": "user", f"{messages}.1.{content}": "2+2?",
            f"{messages}.10.{role}": "assistant",
            f"{messages}.10.{MessageAttributes.MESSAGE_TOOL_CALLS}.0.{ToolCallAttributes.TOOL_CALL_FUNCTION_NAME}": "add",
            SpanAttributes.OUTPUT_VALUE: "four, of course", SpanAttributes.OUTPUT_MIME_TYPE: "text/plain",
            SpanAttributes.SESSION_ID: "s", SpanAttributes.USER_ID: "u", SpanAttributes.TAG_TAGS: ["x", "y"],
            SpanAttributes.METADATA: '{"customer": "acme", "n": 1}'})
    with tracer.start_as_current_span("search") as span:
        span.set_attributes({
            SpanAttributes.OPENINFERENCE_SPAN_KIND: "RETRIEVER", SpanAttributes.INPUT_VALUE: "who?",
            f"{document}.0.{DocumentAttributes.DOCUMENT_CONTENT}": "A", f"{document}.0.{DocumentAttributes.DOCUMENT_SCORE}": 0.5,
            f"{document}.1.{DocumentAttributes.DOCUMENT_CONTENT}": "B"})
    with tracer.start_as_current_span("embed") as span:
        span.set_attributes({
            SpanAttributes.OPENINFERENCE_SPAN_KIND: "EMBEDDING", SpanAttributes.EMBEDDING_MODEL_NAME: "bge",
            f"{SpanAttributes.EMBEDDING_EMBEDDINGS}.0.{EmbeddingAttributes.EMBEDDING_TEXT}": "hello"})


def span_of_traceloop(tracer):
    with tracer.start_as_current_span("openai.chat") as span:
        span.set_attributes({
            Traceloop.LLM_REQUEST_TYPE: "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi", "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "hello", "gen_ai.usage.prompt_tokens": 3, "gen_ai.usage.completion_tokens": 4,
            Traceloop.LLM_USAGE_TOTAL_TOKENS: 7,
            Traceloop.TRACELOOP_ASSOCIATION_PROPERTIES + ".session_id": "tl-1",
            Traceloop.TRACELOOP_ASSOCIATION_PROPERTIES + ".team": "blue"})
    with tracer.start_as_current_span("plan.workflow") as span:
        span.set_attributes({
            Traceloop.TRACELOOP_SPAN_KIND: TraceloopSpanKindValues.WORKFLOW.value,
            Traceloop.TRACELOOP_ENTITY_INPUT: '{"a":  1.0}', Traceloop.TRACELOOP_ENTITY_OUTPUT: "not json"})


def exported():
    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider = TracerProvider(resource=Resource.create({
        "service.name": "shop", "deployment.environment": "test", ResourceAttributes.PROJECT_NAME: "orders"}))
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    tracer = provider.get_tracer("my.scope", "1.2", attributes={"scoped": True})
    for make in (span_of_every_value, span_of_gen_ai, span_of_openinference, span_of_traceloop):
        make(tracer)
    provider.shutdown()
    server.shutdown()
    assert len(BODIES) == 1
    return BODIES[0]


def as_otlp_json(request):
    """Proto3's JSON, with the ids as OTLP wants them."""
    def hexadecimal(value):
        if isinstance(value, list):
            return [hexadecimal(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: base64.b64decode(item).hex() if key in ("traceId", "spanId", "parentSpanId") else hexadecimal(item)
                for key, item in value.items()}
    return json.dumps(hexadecimal(json_format.MessageToDict(request))).encode()


def check_every_value(runs, request):
    run, child = runs["every value"], runs["child"]
    sent = {span.name: span for scope in request.resource_spans[0].scope_spans for span in scope.spans}["every value"]
    assert run["id"] == sent.span_id.hex() and run["trace_id"] == sent.trace_id.hex()
    assert child["parent_id"] == run["id"] and "parent_id" not in run
    assert run["start"] == sent.start_time_unix_nano and run["end"] == sent.end_time_unix_nano
    assert run["project"] == "orders" and run["kind"] == "span"
    assert run["status"] == "error" and run["error"] == "it broke\nhere" and child["status"] == "ok"
    values = run["attributes"]
    assert values["s"] == "Grüße 😀 \" \\ \n" and values["i"] == -(2**63) and values["d"] == 0.1
    assert values["whole"] == 1.0 and isinstance(values["whole"], float)
    assert values["yes"] is True and values["no"] is False and values["empty"] == ""
    assert values["list"] == ["a", "b"] and values["numbers"] == [1, 2] and values["b"] == "AP+A"
    assert values["otel.kind"] == "client" and child["attributes"]["otel.status_code"] == "OK"
    assert values["otel.resource.deployment.environment"] == "test" and values["otel.scope.name"] == "my.scope"
    assert values["otel.scope.version"] == "1.2" and values["otel.scope.attributes.scoped"] is True
    link = values["otel.links"][0]
    assert link["trace_id"] == f"{0x1234:032x}" and link["span_id"] == f"{0x5678:016x}"
    assert link["attributes"] == {"why": "retry"}
    tick, exception = run["events"]
    assert tick == {"name": "tick", "time": 1_700_000_000_123_456_789, "attributes": {"n": 1}}
    assert exception["name"] == "exception" and exception["attributes"]["exception.type"] == "ValueError"


def check_conventions(runs):
    run = runs["chat gpt-4o"]
    assert (run["kind"], run["provider"], run["model"], run["request_model"]) == ("llm", "openai", "gpt-4o-2024-08-06", "gpt-4o")
    assert run["usage"] == {"input": 100, "output": 20, "cache_read": 40, "convention": "inclusive"}
    assert run["session_id"] == "talk-1" and run["user_id"] == "u-1" and run["service_tier"] == "flex"
    assert run["inputs"] == {"bytes": '[{"role": "user", "parts": [{"type":"text","content":"1.0"}]}]', "is_text": False}

    run = runs["ChatAnthropic"]
    assert (run["kind"], run["provider"], run["model"]) == ("llm", "anthropic", "claude-sonnet-4")
    assert run["usage"] == {"input": 11, "output": 7, "total": 18, "cache_read": 5, "cache_write": 2, "reasoning": 3,
                            "convention": "inclusive"}
    assert run["cost"] == 0.25 and run["tags"] == ["x", "y"] and run["metadata"] == {"customer": "acme", "n": 1}
    assert json.loads(run["inputs"]["bytes"]) == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "add"}}]}]
    assert run["outputs"] == {"bytes": "four, of course", "is_text": True}
    assert runs["search"]["kind"] == "retriever" and runs["search"]["inputs"] == {"bytes": "who?", "is_text": True}
    assert json.loads(runs["search"]["outputs"]["bytes"]) == [{"content": "A", "score": 0.5}, {"content": "B"}]
    assert runs["embed"]["kind"] == "embedding" and runs["embed"]["model"] == "bge"

    run = runs["openai.chat"]
    assert (run["kind"], run["provider"], run["model"]) == ("llm", "openai", "gpt-4o-mini")
    assert run["usage"] == {"input": 3, "output": 4, "total": 7, "convention": "inclusive"}
    assert json.loads(run["inputs"]["bytes"]) == [{"role": "user", "content": "hi"}]
    assert json.loads(run["outputs"]["bytes"]) == [{"role": "assistant", "content": "hello"}]
    assert run["session_id"] == "tl-1" and run["metadata"]["team"] == "blue"
    run = runs["plan.workflow"]
    assert run["kind"] == "chain" and run["inputs"] == {"bytes": '{"a":  1.0}', "is_text": False}
    assert run["outputs"] == {"bytes": "not json", "is_text": True}


def check_export(body, request):
    """Our export is the client's request again; but bytes have become base64, and attributes keep no order."""
    def normal(message):
        for resource in message.resource_spans:
            attributes = list(resource.resource.attributes)
            del resource.resource.attributes[:]
            resource.resource.attributes.extend(sorted(attributes, key=lambda each: each.key))
            for scope in resource.scope_spans:
                for span in scope.spans:
                    span.status.SetInParent()
                    for attribute in span.attributes:
                        if attribute.value.HasField("bytes_value"):
                            attribute.value.string_value = base64.b64encode(attribute.value.bytes_value).decode()
                    # What the exception says was told as the error, and is told so.
                    if span.name == "every value":
                        span.status.message = "it broke\nhere"
                    attributes = sorted(span.attributes, key=lambda each: each.key)
                    del span.attributes[:]
                    span.attributes.extend(attributes)
        return message
    for form, sent in (("protobuf", body), ("json", as_otlp_json(request))):
        ours = ExportTraceServiceRequest.FromString(slipway("reencode", form, "protobuf", body=sent))
        expected = ExportTraceServiceRequest.FromString(body)
        assert normal(ours) == normal(expected), "\n".join(difflib.unified_diff(str(expected).split("\n"), str(ours).split("\n")))
        through_json = slipway("reencode", form, "json", body=sent)
        again = ExportTraceServiceRequest.FromString(slipway("reencode", "json", "protobuf", body=through_json))
        assert normal(again) == normal(ExportTraceServiceRequest.FromString(body))


def check_replies():
    for signal, reply, count in (("traces", ExportTraceServiceResponse, "rejected_spans"),
                                 ("metrics", ExportMetricsServiceResponse, "rejected_data_points"),
                                 ("logs", ExportLogsServiceResponse, "rejected_log_records")):
        assert slipway("reply", signal, "protobuf", 0) == b"" and slipway("reply", signal, "json", 0) == b"{}"
        for told in (reply.FromString(slipway("reply", signal, "protobuf", 3)),
                     json_format.Parse(slipway("reply", signal, "json", 3), reply())):
            assert getattr(told.partial_success, count) == 3
            assert told.partial_success.error_message == "span 'a' is rejected"
    for told in (RpcStatus.FromString(slipway("error", "protobuf")), json_format.Parse(slipway("error", "json"), RpcStatus())):
        assert told.code == 3 and told.message == "not valid protobuf at byte 7"


def check_counts():
    metrics = json_format.ParseDict({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "a", "gauge": {"dataPoints": [{"asInt": "1"}, {"asDouble": 2}]}},
        {"name": "b", "histogram": {"dataPoints": [{"count": "1", "bucketCounts": ["1", "2"]}]}}]}]}]}, ExportMetricsServiceRequest())
    logs = json_format.ParseDict({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"body": {"stringValue": "a"}}, {}]}]}]}, ExportLogsServiceRequest())
    for signal, request, expected in (("metrics", metrics, b"3"), ("logs", logs, b"2")):
        assert slipway("count", signal, "protobuf", body=request.SerializeToString()) == expected
        assert slipway("count", signal, "json", body=json_format.MessageToJson(request).encode()) == expected


def main():
    body = exported()
    request = ExportTraceServiceRequest.FromString(body)
    told = json.loads(slipway("decode", "protobuf", body=body))
    assert told["rejected"] == 0 and len(told["runs"]) == 8, told
    assert json.loads(slipway("decode", "json", body=as_otlp_json(request))) == told
    runs = {run["name"]: run for run in told["runs"]}
    check_every_value(runs, request)
    check_conventions(runs)
    check_export(body, request)
    check_replies()
    check_counts()
    print(f"{len(runs)} spans of the SDK, {len(body)} bytes, read in both forms and exported again")


main()
