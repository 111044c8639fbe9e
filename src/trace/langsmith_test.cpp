#include "trace/langsmith.hpp"

#include <doctest/doctest.h>

#include <random>

namespace slipway::trace {

namespace {

const std::string id = "0197a1b2-0000-7000-8000-000000000001";
const std::string child = "0197a1b2-0000-7000-8000-000000000002";

struct Sent {
  std::string name, bytes, type = "application/json";
  bool has_length = true;
};

std::string multipart(const std::vector<Sent>& parts) {
  std::string body;
  for (const Sent& part : parts) {
    body += "--B\r\nContent-Disposition: form-data; name=\"" + part.name +
            "\"\r\nContent-Type: " + part.type + "\r\n";
    if (part.has_length) body += fmt::format("Content-Length: {}\r\n", part.bytes.size());
    body += "\r\n" + part.bytes + "\r\n";
  }
  return body + "--B--\r\n";
}

Result<LangSmithBatch> decode(const std::vector<Sent>& parts) {
  return decode_langsmith_multipart(multipart(parts), "multipart/form-data; boundary=B");
}

LangSmithBatch must(Result<LangSmithBatch> batch) {
  if (!batch) FAIL(batch.error().message());
  return *std::move(batch);
}

std::string error_of(const Result<LangSmithBatch>& batch) {
  return batch ? "" : batch.error().message();
}

}  // namespace

TEST_CASE(
    "a run that is posted alone says what it says, and its payloads stay the bytes they were") {
  const std::string body = R"({"id":")" + id + R"(","name":"Chat","run_type":"llm",
    "session_name":"shop","start_time":"2026-11-23T08:00:00.000001","tags":["a","b"],
    "inputs": {"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"} ,
    "extra":{"metadata":{"thread_id":"t1","ls_provider":"openai","ls_model_name":"gpt-4o",
    "customer":7},"runtime":{"sdk":"py"}},"outputs":{},"error":null,"session_id":"p1"})";
  const LangSmithBatch batch = must(decode_langsmith_run(body, ""));
  REQUIRE(batch.runs.size() == 1);
  const RunPatch& run = batch.runs.front();
  CHECK(run.id == id);
  CHECK(run.trace_id.empty());
  CHECK(run.name == "Chat");
  CHECK(run.kind == Kind::llm);
  CHECK(run.project == "shop");
  CHECK(run.start == 1'795'420'800'000'001'000);
  CHECK_FALSE(run.end);
  CHECK_FALSE(run.error);
  CHECK_FALSE(run.outputs);
  REQUIRE(run.inputs);
  CHECK(run.inputs->bytes == R"({"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"})");
  CHECK(run.tags == std::vector<std::string>{"a", "b"});
  CHECK(run.metadata.at("customer") == 7);
  CHECK(run.session_id == "t1");
  CHECK(run.provider == "openai");
  CHECK(run.model == "gpt-4o");
  CHECK(run.extra.at("runtime").at("sdk") == "py");
  CHECK(run.extra.at("session_id") == "p1");
}

TEST_CASE("nulls of a patch say nothing, and empty outputs of a patch do") {
  const LangSmithBatch batch = must(decode_langsmith_run(
      R"({"name":null,"trace_id":null,"end_time":1795420801500,"outputs":{},"error":"boom"})", id));
  const RunPatch& run = batch.runs.front();
  CHECK(run.id == id);
  CHECK_FALSE(run.name);
  CHECK(run.end == 1'795'420'801'500'000'000);
  CHECK(run.outputs->bytes == "{}");
  CHECK(run.error == "boom");
}

TEST_CASE("a dotted order names the trace of a run that does not") {
  const std::string order = "20261123T080000000001Z" + id + ".20261123T080000000002Z" + child;
  const LangSmithBatch batch = must(
      decode_langsmith_run(R"({"id":")" + child + R"(","dotted_order":")" + order + "\"}", ""));
  CHECK(batch.runs.front().trace_id == id);
}

TEST_CASE("a batch holds posts, then patches, and names the one that is wrong") {
  const LangSmithBatch batch = must(decode_langsmith_batch(
      R"({"patch":[{"id":"a","outputs":{"x":1}}],"post":[{"id":"a","name":"n"},{"id":"b"}]})"));
  REQUIRE(batch.runs.size() == 3);
  CHECK(batch.runs[0].name == "n");
  CHECK(batch.runs[2].outputs->bytes == R"({"x":1})");
  CHECK(must(decode_langsmith_batch(R"({"post":null})")).runs.empty());
  CHECK(error_of(decode_langsmith_batch(R"({"post":[{"id":"a"},{"name":"x"}]})")) ==
        "post[1]: id: is required");
  CHECK(error_of(decode_langsmith_batch(R"({"patch":[{"id":"a","tags":"x"}]})")) ==
        "patch[0]: tags: expected an array of strings, got \"x\"");
  CHECK(error_of(decode_langsmith_batch("[1]")) == "the body: expected an object");
}

TEST_CASE("parts of a multipart body become one patch a run and operation, in their order") {
  const std::string bytes("\r\n--B\0x", 7);
  const LangSmithBatch batch = must(
      decode({{"post." + id, R"({"trace_id":")" + id + R"(","name":"root","run_type":"chain"})"},
              {"post." + id + ".inputs", R"({"q": 1.0})"},
              {"post." + id + ".outputs", "{}"},
              {"attachment." + id + ".pic.png", bytes, "image/png; length=7"},
              {"patch." + id, R"({"end_time":"2026-11-23T08:00:01Z","trace_id":null})"},
              {"patch." + id + ".outputs", R"({"a":"b"})", "application/json; length=9", false},
              {"patch." + id + ".error", "\"late\""},
              {"feedback.f1", R"({"key":"score","score":1})"}}));
  REQUIRE(batch.runs.size() == 2);
  CHECK(batch.runs[0].inputs->bytes == R"({"q": 1.0})");
  CHECK_FALSE(batch.runs[0].outputs);
  CHECK(batch.runs[1].outputs->bytes == R"({"a":"b"})");
  CHECK(batch.runs[1].error == "late");
  REQUIRE(batch.attachments.size() == 1);
  CHECK(batch.attachments[0].name == "pic.png");
  CHECK(batch.attachments[0].media_type == "image/png");
  CHECK(batch.attachments[0].bytes == bytes);
  CHECK(batch.feedback.front().at("key") == "score");
}

TEST_CASE("what is wrong with a multipart body is told with its part") {
  CHECK(error_of(decode_langsmith_multipart("x", "text/plain")) ==
        "Content-Type: 'text/plain' is not multipart/form-data");
  CHECK(error_of(decode_langsmith_multipart("x", "multipart/form-data")).find("boundary") !=
        std::string::npos);
  CHECK(error_of(decode_langsmith_multipart("x", "multipart/form-data; boundary=B")) ==
        "the body does not hold its boundary");
  CHECK(error_of(decode({{"post." + id + ".inputs", "{"}})) ==
        "post." + id + ".inputs: is not valid JSON");
  CHECK(error_of(decode({{"put.x", "{}"}})) == "put.x: is no post, patch, attachment or feedback");
  CHECK(error_of(decode({{"post." + id, R"({"id":"other"})"}})) ==
        "post." + id + ": id: expected that of the path, " + id + ", got \"other\"");
  std::string cut = multipart({{"post." + id, "{}"}});
  cut.resize(cut.size() - 6);
  CHECK(error_of(decode_langsmith_multipart(cut, "multipart/form-data; boundary=B"))
            .find("is cut off") != std::string::npos);
}

TEST_CASE("usage is found wherever clients put it") {
  const auto usage_of = [](const std::string& fields) {
    return must(decode_langsmith_run(R"({"id":"a",)" + fields + "}", "")).runs.front();
  };
  const std::string metadata =
      R"({"input_tokens":10,"output_tokens":5,"total_tokens":15,"total_cost":0.5,
      "input_token_details":{"cache_read":4,"cache_creation":2,"ephemeral_1h_input_tokens":1,
      "audio":3},
      "output_token_details":{"reasoning":2}})";
  for (const std::string& fields :
       {R"("extra":{"metadata":{"usage_metadata":)" + metadata + "}}",
        R"("outputs":{"usage_metadata":)" + metadata + "}",
        R"("outputs":{"generations":[[{"message":{"kwargs":{"usage_metadata":)" + metadata +
            "}}}]]}"}) {
    const RunPatch run = usage_of(fields);
    CHECK(run.usage.input == 10);
    CHECK(run.usage.cache_read == 4);
    CHECK(run.usage.cache_write_1h == 1);
    CHECK(run.usage.reasoning == 2);
    CHECK(run.cost.total == 0.5);
    CHECK(run.usage.convention == Convention::inclusive);
  }
  const RunPatch openai = usage_of(
      R"("outputs":{"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,
      "prompt_tokens_details":{"cached_tokens":2}}})");
  CHECK(openai.usage.cache_read == 2);
  CHECK(openai.usage.source == UsageSource::provider);
  const RunPatch anthropic = usage_of(
      R"("outputs":{"usage":{"input_tokens":7,"output_tokens":3,"cache_read_input_tokens":100}})");
  CHECK(anthropic.usage.convention == Convention::exclusive);
  const RunPatch langchain = usage_of(
      R"("outputs":{"llm_output":{"token_usage":{"prompt_tokens":1,"completion_tokens":2}}})");
  CHECK(langchain.usage.output == 2);
}

TEST_CASE("events carry the time of the first token") {
  const RunPatch run =
      must(decode_langsmith_run(
               R"({"id":"a","events":[{"name":"start","time":"2026-11-23T08:00:00Z"},
    {"name":"new_token","time":"2026-11-23T08:00:00.5Z","kwargs":{"token":"x"}},
    {"name":"new_token","time":"2026-11-23T08:00:01Z"}]})",
               ""))
          .runs.front();
  REQUIRE(run.events.size() == 3);
  CHECK(run.events[1].attributes.at("token") == "x");
  CHECK(run.first_token == 1'795'420'800'500'000'000);
}

TEST_CASE("a time is kept to the nanosecond, and one that does not fit is refused") {
  const auto start_of = [](const std::string& time) {
    return decode_langsmith_run(R"({"id":"a","start_time":")" + time + "\"}", "");
  };
  CHECK(must(start_of("2026-11-23T08:00:00.000000007")).runs[0].start == 1'795'420'800'000'000'007);
  CHECK(error_of(start_of("9999-01-01T00:00:00Z")).find("start_time: expected a time") == 0);
}

TEST_CASE("mutated bodies are decoded or refused, and always come to an end") {
  const std::string good = multipart(
      {{"post." + id, R"({"trace_id":"t","name":"root","tags":["a"],"extra":{"metadata":{}}})"},
       {"post." + id + ".inputs", R"({"q":[1,{"a":"b"}]})"},
       {"attachment." + id + ".x", "bytes"},
       {"feedback.f", R"({"key":"k"})"}});
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good;
    for (std::uint32_t edits = random() % 4 + 1; edits > 0 && !body.empty(); --edits) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body[at] = static_cast<char>(random()); break;
        case 1: body.erase(at, random() % 20); break;
        case 2: body.insert(at, body.substr(random() % body.size(), random() % 20)); break;
        default: body.resize(at);
      }
    }
    if (const auto batch = decode_langsmith_multipart(body, "multipart/form-data; boundary=B"))
      for (const RunPatch& run : batch->runs) REQUIRE_FALSE(run.id.empty());
    if (decode_langsmith_batch(body)) FAIL("a multipart body is no batch");
  }
}

}  // namespace slipway::trace
