// Seeded mutations of good requests in both forms: whatever comes, there is an answer, and what is
// accepted can be written and read again. SLIPWAY_FUZZ_SECONDS makes it longer than the second of
// `make test`, SLIPWAY_FUZZ_SEED starts elsewhere; a failure names the seed that repeats it.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "trace/otlp.hpp"

namespace slipway::trace {

namespace {

/// Every kind of value and most conventions.
std::vector<RunPatch> samples() {
  RunPatch run;
  run.id = "a1a2a3a4a5a6a7a8";
  run.trace_id = "0102030405060708090a0b0c0d0e0f10";
  run.parent_id = "a1a2a3a4a5a6a7a9";
  run.project = "p";
  run.name = "chat";
  run.status = Status::error;
  run.error = "broken";
  run.start = 1'700'000'000'000'000'000;
  run.end = *run.start + 7;
  run.attributes = {
      {"i", -1},
      {"d", 0.5},
      {"b", true},
      {"n", nullptr},
      {"list", json::Array{1, "a", json::Object{{"k", json::Array{}}}}},
      {"otel.kind", "client"},
      {"otel.links", json::Array{json::Object{{"trace_id", "01"}, {"span_id", "02"}}}},
      {"otel.resource.service.name", "s"},
      {"otel.scope.name", "scope"},
      {"gen_ai.request.model", "gpt-4o"},
      {"gen_ai.usage.input_tokens", 5},
      {"gen_ai.prompt.0.role", "user"},
      {"gen_ai.prompt.0.content", "h\xc3\xa9llo"},
      {"llm.output_messages.1.message.tool_calls.0.tool_call.id", "c"},
      {"langfuse.observation.usage_details", R"({"input": 1, "output": 2})"},
      {"langfuse.trace.tags", R"(["a"])"},
      {"metadata", R"({"a": {"b": 1}})"},
      {"output.value", R"({"x": [1, 2.0, "\u00e9"]})"},
      {"my.service_tier", "flex"},
      {"langfuse.observation.completion_start_time", "\"2023-11-14T22:13:21.5Z\""}};
  run.events = {{"exception", 5, {{"exception.message", "m"}}},
                {"gen_ai.user.message", 6, {{"gen_ai.event.content", R"({"a": 1})"}}}};
  RunPatch other = run;
  other.id = "b1b2b3b4b5b6b7b8";
  other.attributes.erase("otel.scope.name");
  return {run, other};
}

/// Bytes that mean something to one reader or the other.
constexpr std::string_view tokens[] = {"{",     "}",
                                       "[",     "]",
                                       "\"",    ",",
                                       ":",     "0",
                                       "-1",    "1e9",
                                       "null",  "\\",
                                       "true",  "\\ud800",
                                       "..",    "\x0a",
                                       "\x12",  "\xff\xff\xff\xff\x0f",
                                       "\x0b",  "\x0c",
                                       "0.0",   "gen_ai.prompt.",
                                       "otel.", "\xc3"};

std::string mutated(std::string body, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (std::size_t changes = 1 + below(2); changes > 0; --changes) {
    const std::size_t at = below(body.size());
    switch (below(7)) {
      case 0: body[at] = static_cast<char>(random()); break;
      case 1: body[at] = static_cast<char>(body[at] ^ (1 << below(8))); break;
      case 2: body.erase(at, 1 + below(8)); break;
      case 3: body.insert(at, tokens[below(std::size(tokens))]); break;
      case 4: body.insert(at, body.substr(below(body.size()), below(60))); break;
      case 5: body.resize(at); break;
      default: body.replace(at, below(12), body.substr(below(body.size()), below(12))); break;
    }
    if (body.empty()) body = "x";
  }
  return body;
}

void check_export(const OtlpBatch& batch, OtlpFormat format) {
  const auto again = decode_otlp_traces(encode_otlp_traces(batch.runs, format), format, "");
  REQUIRE_MESSAGE(again.ok(), (again ? "" : again.error().message()));
  CHECK(again->rejected == 0);
  CHECK(again->runs.size() == batch.runs.size());
}

}  // namespace

TEST_CASE("mutated requests are read or refused, and what is read can be written again") {
  const char* const seconds = std::getenv("SLIPWAY_FUZZ_SECONDS");
  const char* const first = std::getenv("SLIPWAY_FUZZ_SEED");
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(seconds ? std::atoi(seconds) : 1);
  const std::string good[] = {encode_otlp_traces(samples(), OtlpFormat::protobuf),
                              encode_otlp_traces(samples(), OtlpFormat::json)};
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t seed = first ? std::strtoull(first, nullptr, 10) : 1;
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    INFO("SLIPWAY_FUZZ_SEED=" << seed);
    std::mt19937_64 random(seed);
    const OtlpFormat format = seed % 2 == 0 ? OtlpFormat::protobuf : OtlpFormat::json;
    const std::string body = mutated(good[seed % 2], random);
    const auto batch = decode_otlp_traces(body, format, "");
    (void)count_otlp_metrics(body, format);
    (void)count_otlp_logs(body, format);
    if (batch) {
      ++accepted;
      check_export(*batch, format);
    } else {
      ++refused;
      CHECK(batch.error().code() == Code::invalid_argument);
    }
  }
  MESSAGE(accepted << " read, " << refused << " refused, up to seed " << seed);
  CHECK(accepted > 0);
  CHECK(refused > 0);
}

}  // namespace slipway::trace
