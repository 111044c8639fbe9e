#include "trace/otlp.hpp"

#include <doctest/doctest.h>

#include "trace/detail/otlp_span.hpp"

namespace slipway::trace {

namespace {

using detail::WireWriter;

const std::string trace_id = "0102030405060708090a0b0c0d0e0f10";
const std::string span_id = "a1a2a3a4a5a6a7a8";

/// One span in a request, in JSON; `fields` go behind its ids.
std::string request(const std::string& fields, const std::string& resource = "{}") {
  return fmt::format(R"({{"resourceSpans":[{{"resource":{},"scopeSpans":[{{"spans":[{{)"
                     R"("traceId":"{}","spanId":"{}"{}{}}}]}}]}}]}})",
                     resource, trace_id, span_id, fields.empty() ? "" : ",", fields);
}

OtlpBatch must(Result<OtlpBatch> batch) {
  if (!batch) FAIL(batch.error().message());
  return *std::move(batch);
}

OtlpBatch of_json(const std::string& body, const std::string& project = "") {
  return must(decode_otlp_traces(body, OtlpFormat::json, project));
}

RunPatch one(const std::string& fields, const std::string& resource = "{}") {
  OtlpBatch batch = of_json(request(fields, resource));
  if (batch.runs.size() != 1) FAIL(batch.message);
  return batch.runs.at(0);
}

std::string error_of(std::string_view body, OtlpFormat format = OtlpFormat::json) {
  const auto batch = decode_otlp_traces(body, format, "");
  return batch ? "no error" : batch.error().message();
}

/// A request of one span in protobuf.
std::string wrapped(const WireWriter& span) {
  WireWriter scope;
  scope.present_bytes(2, span.text());
  WireWriter resource;
  resource.present_bytes(2, scope.text());
  WireWriter all;
  all.present_bytes(1, resource.text());
  return all.take();
}

WireWriter wire_span(std::string_view trace, std::string_view span) {
  WireWriter out;
  out.present_bytes(1, trace);
  out.present_bytes(2, span);
  return out;
}

std::string attribute(const std::string& key, const std::string& value) {
  return fmt::format(R"({{"key":"{}","value":{}}})", key, value);
}

bool same(const std::vector<RunPatch>& some, const std::vector<RunPatch>& others) {
  REQUIRE(some.size() == others.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    const RunPatch& a = some[i];
    const RunPatch& b = others[i];
    CHECK(a.id == b.id);
    CHECK(a.trace_id == b.trace_id);
    CHECK(a.parent_id == b.parent_id);
    CHECK(a.project == b.project);
    CHECK(a.name == b.name);
    CHECK(a.error == b.error);
    CHECK(a.session_id == b.session_id);
    CHECK(a.user_id == b.user_id);
    CHECK(a.provider == b.provider);
    CHECK(a.model == b.model);
    CHECK(a.request_model == b.request_model);
    CHECK(a.service_tier == b.service_tier);
    CHECK(a.kind == b.kind);
    CHECK(a.status == b.status);
    CHECK(a.start == b.start);
    CHECK(a.end == b.end);
    CHECK(a.first_token == b.first_token);
    REQUIRE(a.inputs.has_value() == b.inputs.has_value());
    if (a.inputs) CHECK(a.inputs->bytes == b.inputs->bytes);
    REQUIRE(a.outputs.has_value() == b.outputs.has_value());
    if (a.outputs) CHECK(a.outputs->bytes == b.outputs->bytes);
    if (a.outputs) CHECK(a.outputs->is_text == b.outputs->is_text);
    CHECK(a.tags == b.tags);
    CHECK(a.metadata == b.metadata);
    CHECK(a.attributes == b.attributes);
    CHECK(a.usage.input == b.usage.input);
    CHECK(a.usage.cache_write == b.usage.cache_write);
    CHECK(a.usage.convention == b.usage.convention);
    CHECK(a.cost.total == b.cost.total);
    REQUIRE(a.events.size() == b.events.size());
    for (std::size_t j = 0; j < a.events.size(); ++j) {
      CHECK(a.events[j].name == b.events[j].name);
      CHECK(a.events[j].time == b.events[j].time);
      CHECK(a.events[j].attributes == b.events[j].attributes);
    }
  }
  return true;
}

const std::string full_span =
    R"("parentSpanId":"00000000000000b1","name":"chat gpt-4o","kind":3,"flags":257,
       "traceState":"a=b",
       "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000",
       "attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"gpt-4o"}},
         {"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},
         {"key":"gen_ai.input.messages","value":{"stringValue":"[ {\"role\": \"user\"} ]"}},
         {"key":"nested","value":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":
            {"values":[{"doubleValue":0.5},{"boolValue":false},{}]}}}]}}},
         {"key":"odd","value":{"doubleValue":"-Infinity"}}],
       "droppedAttributesCount":1,"droppedEventsCount":2,"droppedLinksCount":3,
       "events":[{"timeUnixNano":"1700000000500000000","name":"tick","droppedAttributesCount":4,
         "attributes":[{"key":"n","value":{"intValue":1}}]}],
       "links":[{"traceId":"000000000000000000000000000000c1","spanId":"00000000000000c2",
         "traceState":"x=y","flags":256,"droppedAttributesCount":5,
         "attributes":[{"key":"why","value":{"stringValue":"retry"}}]}],
       "status":{"code":2,"message":"broken"})";
const std::string full_resource =
    R"({"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],
        "droppedAttributesCount":6})";

}  // namespace

TEST_CASE("all that a span can say is in the run") {
  const RunPatch run = one(full_span, full_resource);
  CHECK(run.id == span_id);
  CHECK(run.trace_id == trace_id);
  CHECK(run.parent_id == "00000000000000b1");
  CHECK(run.name == "chat gpt-4o");
  CHECK(run.project == "shop");
  CHECK(run.kind == Kind::llm);
  CHECK(run.model == "gpt-4o");
  CHECK(run.usage.input == 12);
  CHECK(run.status == Status::error);
  CHECK(run.error == "broken");
  CHECK(run.start == 1'700'000'000'000'000'000);
  CHECK(run.end == 1'700'000'001'000'000'000);
  REQUIRE(run.inputs);
  CHECK(run.inputs->bytes == R"([ {"role": "user"} ])");
  const json::Object& attributes = run.attributes;
  CHECK(json::dump(attributes.at("nested")) == R"({"a":[5E-1,false,null]})");
  CHECK(attributes.at("odd") == "-Infinity");
  CHECK(attributes.at("otel.kind") == "client");
  CHECK(attributes.at("otel.trace_state") == "a=b");
  CHECK(attributes.at("otel.flags") == 257);
  CHECK(attributes.at("otel.dropped_attributes_count") == 1);
  CHECK(attributes.at("otel.dropped_events_count") == 2);
  CHECK(attributes.at("otel.dropped_links_count") == 3);
  CHECK(attributes.at("otel.resource.service.name") == "shop");
  CHECK(attributes.at("otel.resource_dropped_attributes_count") == 6);
  CHECK(json::dump(attributes.at("otel.links")) ==
        R"([{"trace_id":"000000000000000000000000000000c1","span_id":"00000000000000c2",)"
        R"("trace_state":"x=y","attributes":{"why":"retry"},"dropped_attributes_count":5,)"
        R"("flags":256}])");
  REQUIRE(run.events.size() == 1);
  CHECK(run.events[0].name == "tick");
  CHECK(run.events[0].time == 1'700'000'000'500'000'000);
  CHECK(json::dump(run.events[0].attributes) == R"({"n":1,"otel.dropped_attributes_count":4})");
}

TEST_CASE("what is exported is read again as the same runs, in both forms") {
  std::vector<RunPatch> runs{one(full_span, full_resource), one(""),
                             one(R"("endTimeUnixNano":"1","status":{"code":1})", full_resource)};
  runs[1].id = "a1a2a3a4a5a6a7a9";
  for (const OtlpFormat format : {OtlpFormat::protobuf, OtlpFormat::json}) {
    const OtlpBatch again = must(decode_otlp_traces(encode_otlp_traces(runs, format), format, ""));
    CHECK(again.rejected == 0);
    // The spans of one resource stand together.
    CHECK(same(again.runs, {runs[0], runs[2], runs[1]}));
  }
}

TEST_CASE("a run that did not come by OTLP is exported with all its fields") {
  RunPatch run;
  run.id = "0197a1b2-0000-7000-8000-000000000001";
  run.trace_id = run.id;
  run.parent_id = "0197a1b2-0000-7000-8000-000000000002";
  run.project = "p";
  run.name = "ChatOpenAI";
  run.kind = Kind::parser;
  run.status = Status::ok;
  run.start = 1'700'000'000'000'000'000;
  run.end = *run.start + 10'000'000;
  run.first_token = *run.start + 5'000'000;
  run.model = "gpt-4o-2024-08-06";
  run.request_model = "gpt-4o";
  run.provider = "openai";
  run.session_id = "s";
  run.user_id = "u";
  run.service_tier = "flex";
  run.inputs = Payload{"{\"a\":  1.0}"};
  run.outputs = Payload{"42", true};
  run.tags = {"x"};
  run.metadata = {{"customer", "acme"}};
  run.usage.input = 7;
  run.usage.cache_write = 3;
  run.usage.convention = Convention::exclusive;
  run.cost.total = 0.5;
  for (const OtlpFormat format : {OtlpFormat::protobuf, OtlpFormat::json}) {
    OtlpBatch again = must(decode_otlp_traces(encode_otlp_traces({run}, format), format, ""));
    REQUIRE(again.runs.size() == 1);
    CHECK(again.runs[0].trace_id == "0197a1b2000070008000000000000001");
    CHECK(again.runs[0].id == "8000000000000001");
    CHECK(again.runs[0].parent_id == "8000000000000002");
    RunPatch expected = run;
    expected.id = again.runs[0].id;
    expected.trace_id = again.runs[0].trace_id;
    expected.parent_id = again.runs[0].parent_id;
    expected.attributes = again.runs[0].attributes;
    CHECK(same(again.runs, {expected}));
  }
}

TEST_CASE("an id that is no OTLP id becomes one that is always the same") {
  RunPatch run;
  run.id = "my run";
  const auto first = of_json(encode_otlp_traces({run}, OtlpFormat::json));
  const auto second = must(decode_otlp_traces(encode_otlp_traces({run}, OtlpFormat::protobuf),
                                              OtlpFormat::protobuf, ""));
  REQUIRE(first.runs.size() == 1);
  CHECK(first.runs[0].id == second.runs.at(0).id);
  CHECK(first.runs[0].trace_id == second.runs[0].trace_id);
}

TEST_CASE("names of the .proto file, numbers for strings and words for numbers are read too") {
  const RunPatch run = one(
      R"("parent_span_id":"00000000000000B1","start_time_unix_nano":5,"end_time_unix_nano":"7",
         "kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},"unknown":{"x":[1]},
         "name":null,
         "attributes":[{"key":"i","value":{"int_value":7}},
           {"key":"d","value":{"double_value":"2.5"}},
           {"key":"b","value":{"bytesValue":"_-8"}},{"key":"n","value":null},
           {"key":"e","value":{"stringValue":""}}])");
  CHECK(run.parent_id == "00000000000000b1");
  CHECK(run.start == 5);
  CHECK(run.end == 7);
  CHECK(run.status == Status::error);
  CHECK(run.attributes.at("otel.kind") == "server");
  CHECK(run.attributes.at("i") == 7);
  CHECK(run.attributes.at("d") == 2.5);
  CHECK(run.attributes.at("b") == "/+8=");
  CHECK(run.attributes.at("n").is_null());
  CHECK(run.attributes.at("e") == "");
}

TEST_CASE("the project is that of the header, else what the resource names") {
  const auto project = [](const std::vector<std::string>& attributes, const std::string& header) {
    const std::string resource =
        fmt::format(R"({{"attributes":[{}]}})", fmt::join(attributes, ","));
    return of_json(request("", resource), header).runs.at(0).project;
  };
  const std::string own = attribute("slipway.project", R"({"stringValue":"own"})");
  const std::string phoenix =
      attribute("openinference.project.name", R"({"stringValue":"phoenix"})");
  const std::string service = attribute("service.name", R"({"stringValue":"service"})");
  const std::string unknown = attribute("service.name", R"({"stringValue":"unknown_service:py"})");
  CHECK(project({service, phoenix, own}, "header") == "header");
  CHECK(project({service, phoenix, own}, "") == "own");
  CHECK(project({service, phoenix}, "") == "phoenix");
  CHECK(project({service}, "") == "service");
  CHECK(project({unknown}, "") == "default");
  CHECK(project({}, "") == "default");
}

TEST_CASE("a span that has not ended is pending, and an exception tells what went wrong") {
  CHECK(one(R"("startTimeUnixNano":"1")").status == Status::pending);
  CHECK_FALSE(one(R"("startTimeUnixNano":"1")").end);
  const std::string exception =
      R"("events":[{"name":"exception","attributes":[{"key":"exception.message",
         "value":{"stringValue":"no route\nto host"}}]}],"endTimeUnixNano":"1",)";
  CHECK(one(exception + R"("status":{"code":2})").error == "no route\nto host");
  CHECK(one(exception + R"("status":{"code":2,"message":"told"})").error == "told");
  const RunPatch handled = one(exception + R"("status":{})");
  CHECK(handled.status == Status::ok);
  CHECK_FALSE(handled.error);
  CHECK(one(R"("startTimeUnixNano":"18446744073709551615")").start == 9223372036854775807);
}

TEST_CASE("times at the end of what a clock can say do no harm") {
  const std::string last = R"("startTimeUnixNano":"9223372036854775807","attributes":[)";
  const auto first_token = [&](const std::string& key, const std::string& value) {
    return one(last + attribute(key, value) + "]").first_token;
  };
  CHECK_FALSE(first_token("gen_ai.response.time_to_first_chunk", R"({"doubleValue":1})"));
  CHECK_FALSE(first_token("langfuse.observation.completion_start_time",
                          R"({"stringValue":"3023-11-14T22:13:21.5Z"})"));
}

TEST_CASE("spans without sound ids are rejected one by one and the others stay") {
  const auto spans = [](const std::string& list) {
    return of_json(R"({"resourceSpans":[{"scopeSpans":[{"spans":[)" + list + "]}]}]}");
  };
  const std::string good = fmt::format(R"({{"traceId":"{}","spanId":"{}"}})", trace_id, span_id);
  OtlpBatch batch = spans(R"({"name":"a"},)" + good + R"(,{"traceId":"00","spanId":"11"})");
  CHECK(batch.runs.size() == 1);
  CHECK(batch.rejected == 2);
  CHECK(batch.message == "span 'a' is rejected: it has no trace id (2 spans are rejected in all)");
  const auto problem = [&](const std::string& trace, const std::string& span,
                           const std::string& parent) {
    OtlpBatch told = spans(fmt::format(R"({{"traceId":"{}","spanId":"{}","parentSpanId":"{}"}})",
                                       trace, span, parent));
    CHECK(told.runs.size() + static_cast<std::size_t>(told.rejected) == 1);
    return told.message;
  };
  CHECK(problem(trace_id, span_id, "") == "");
  CHECK(problem(trace_id, span_id, "0000000000000000") == "");
  CHECK(problem(std::string(32, '0'), span_id, "") ==
        "span '' is rejected: its trace id is all zeros");
  CHECK(problem(trace_id, "a1a2", "") ==
        "span '' is rejected: its span id has 2 bytes instead of 8");
  CHECK(problem(trace_id, "a1a2a3a4a5a6a7zz", "") ==
        "span '' is rejected: its span id is not hexadecimal");
  CHECK(problem(trace_id, span_id, "a1") ==
        "span '' is rejected: its parent span id has 1 bytes instead of 8");

  using namespace std::string_view_literals;
  const auto wire = [](std::string_view trace, std::string_view span) {
    return must(decode_otlp_traces(wrapped(wire_span(trace, span)), OtlpFormat::protobuf, ""));
  };
  CHECK(wire(std::string(16, 'a'), "12345678").rejected == 0);
  CHECK(wire(std::string(16, '\0'), "12345678").rejected == 1);
  CHECK(wire(std::string(16, 'a'), std::string(8, '\0')).rejected == 1);
  CHECK(wire(std::string(15, 'a'), "12345678").rejected == 1);
  CHECK(wire("", "12345678").message == "span '' is rejected: it has no trace id");
}

TEST_CASE("a body that is no request says where it went wrong") {
  CHECK(error_of("") == "not valid JSON at line 1, column 1: incomplete JSON");
  CHECK(error_of("{\"resourceSpans\":\n [}") == "not valid JSON at line 2, column 3: syntax error");
  CHECK(error_of("{} {}") == "not valid JSON at line 1, column 4: extra data");
  CHECK(error_of("[]") == "$: expected an object, got []");
  CHECK(error_of(R"({"resourceSpans":5})") == "$.resourceSpans: expected an array, got 5");
  CHECK(error_of(request(R"("name":5)")) ==
        "$.resourceSpans[0].scopeSpans[0].spans[0].name: expected a string, got 5");
  CHECK(error_of(request(R"("kind":"X")")).find("expected a number or one of SPAN_KIND") !=
        std::string::npos);
  CHECK(error_of(request(R"("attributes":[{"key":"a"},{"value":{"intValue":"1x"}}])")) ==
        "$.resourceSpans[0].scopeSpans[0].spans[0].attributes[1].value.intValue: expected a whole "
        "number of 64 bits, got \"1x\"");
  CHECK(error_of(request(R"("startTimeUnixNano":-1)")).ends_with("0 or more, got -1"));
  CHECK(error_of("hello", OtlpFormat::protobuf) ==
        "not valid protobuf at byte 2: a group ends that has not begun");
  CHECK(error_of("{}") == "no error");
  CHECK(error_of("", OtlpFormat::protobuf) == "no error");
}

TEST_CASE("text that is not UTF-8 is repaired, not refused") {
  WireWriter span = wire_span(std::string(16, 'a'), "12345678");
  span.bytes(5, "caf\xe9 and plain text \xf0\x9f\x98\x80");
  const OtlpBatch batch = must(decode_otlp_traces(wrapped(span), OtlpFormat::protobuf, ""));
  REQUIRE(batch.runs.size() == 1);
  CHECK(batch.runs[0].name == "caf\xef\xbf\xbd and plain text \xf0\x9f\x98\x80");
}

TEST_CASE("a span beyond the limits is rejected, whatever form it comes in") {
  const auto nested = [](std::size_t depth) {
    std::string value = R"({"intValue":1})";
    for (std::size_t i = 0; i < depth; ++i) value = R"({"arrayValue":{"values":[)" + value + "]}}";
    return of_json(request(R"("attributes":[)" + attribute("a", value) + "]"));
  };
  CHECK(nested(detail::value_depth_max).rejected == 0);
  CHECK(nested(detail::value_depth_max + 1).message.ends_with("nested more than 32 levels deep"));

  std::string value;
  for (int i = 0; i < 1000; ++i) {
    WireWriter list;
    list.present_bytes(1, value);
    WireWriter any;
    any.present_bytes(5, list.text());
    value = any.take();
  }
  WireWriter deep;
  deep.bytes(1, "a");
  deep.bytes(2, value);
  WireWriter span = wire_span(std::string(16, 'a'), "12345678");
  span.bytes(9, deep.text());
  CHECK(must(decode_otlp_traces(wrapped(span), OtlpFormat::protobuf, "")).rejected == 1);

  WireWriter wide = wire_span(std::string(16, 'a'), "12345678");
  for (std::size_t i = 0; i <= detail::attributes_per_span_max; ++i) {
    WireWriter each;
    each.bytes(1, std::to_string(i));
    wide.bytes(9, each.text());
  }
  const OtlpBatch batch = must(decode_otlp_traces(wrapped(wide), OtlpFormat::protobuf, ""));
  CHECK(batch.message == "span '' is rejected: it has more than 16384 attributes");
}

TEST_CASE("a request that would unpack to too much is refused") {
  WireWriter scope;
  for (std::size_t i = 0; i <= detail::spans_per_request_max; ++i) scope.present_bytes(2, "");
  WireWriter resource;
  resource.present_bytes(2, scope.text());
  WireWriter all;
  all.present_bytes(1, resource.text());
  CHECK(error_of(all.text(), OtlpFormat::protobuf).ends_with(detail::too_many_spans));

  WireWriter span = wire_span(std::string(16, 'a'), "12345678");
  for (std::size_t i = 0; i <= detail::values_per_request_max; ++i) span.present_bytes(11, "");
  CHECK(error_of(wrapped(span), OtlpFormat::protobuf).ends_with(detail::too_many_values));
}

TEST_CASE("a large resource is not copied to more spans than there is memory for") {
  WireWriter value;
  value.bytes(1, std::string(1 << 20, 'v'));
  WireWriter named;
  named.bytes(1, "k");
  named.bytes(2, value.text());
  WireWriter described;
  described.bytes(1, named.text());
  const auto body = [&](int spans) {
    WireWriter scope;
    for (int i = 0; i < spans; ++i)
      scope.present_bytes(2, wire_span(std::string(16, 'a'), "12345678").text());
    WireWriter resource;
    resource.bytes(1, described.text());
    // Scopes cost nothing until they have spans.
    for (int i = 0; i < 100'000; ++i) resource.present_bytes(2, "");
    resource.present_bytes(2, scope.text());
    WireWriter all;
    all.present_bytes(1, resource.text());
    return all.take();
  };
  CHECK(must(decode_otlp_traces(body(3), OtlpFormat::protobuf, "")).runs.size() == 3);
  CHECK(error_of(body(300), OtlpFormat::protobuf).ends_with(detail::too_much_copied));
}

TEST_CASE("metrics and logs are counted in both forms") {
  const auto count = [](Result<std::int64_t> counted) { return counted ? *counted : -1; };
  CHECK(count(count_otlp_metrics(
            R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},
                {"exponentialHistogram":{"dataPoints":[{}]}},{"name":"none"}]}]}]})",
            OtlpFormat::json)) == 3);
  CHECK(count(count_otlp_logs(R"({"resource_logs":[{"scope_logs":[{"log_records":[{},{}]}]}]})",
                              OtlpFormat::json)) == 2);
  CHECK(count(count_otlp_metrics(R"({"resourceMetrics":1})", OtlpFormat::json)) == -1);
  CHECK(count(count_otlp_logs("x", OtlpFormat::protobuf)) == -1);
  CHECK(count(count_otlp_logs("", OtlpFormat::protobuf)) == 0);
  WireWriter points;
  points.present_bytes(1, "");
  points.present_bytes(1, "");
  WireWriter metric;
  metric.bytes(7, points.text());
  CHECK(count(count_otlp_metrics(wrapped(metric), OtlpFormat::protobuf)) == 2);
  CHECK(count(count_otlp_logs(wrapped(metric), OtlpFormat::protobuf)) == 1);
  CHECK(count(count_otlp_logs(wrapped(WireWriter(points)) + "\x0a\x02\x12\x05",
                              OtlpFormat::protobuf)) == -1);
}

TEST_CASE("a reply says nothing unless something was rejected") {
  CHECK(otlp_reply(OtlpSignal::traces, OtlpFormat::json, 0, "") == "{}");
  CHECK(otlp_reply(OtlpSignal::traces, OtlpFormat::protobuf, 0, "").empty());
  CHECK(otlp_reply(OtlpSignal::traces, OtlpFormat::json, 2, "why") ==
        R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"why"}})");
  CHECK(otlp_reply(OtlpSignal::logs, OtlpFormat::json, 1, "") ==
        R"({"partialSuccess":{"rejectedLogRecords":"1"}})");
  CHECK(otlp_reply(OtlpSignal::metrics, OtlpFormat::protobuf, 2, "why") ==
        "\x0a\x07\x08\x02\x12\x03why");
  CHECK(otlp_error(OtlpFormat::json, 3, "why") == R"({"code":3,"message":"why"})");
  CHECK(otlp_error(OtlpFormat::protobuf, 3, "why") == "\x08\x03\x12\x03why");
}

}  // namespace slipway::trace
