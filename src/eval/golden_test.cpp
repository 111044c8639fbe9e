#include "eval/golden.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {
Golden golden(std::string_view text) {
  auto read = parse_golden(*json::parse(text));
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message()));
  return *read;
}
std::string refusal(std::string_view text) {
  auto read = parse_golden(*json::parse(text));
  REQUIRE(!read.ok());
  CHECK(read.error().code() == Code::invalid_argument);
  return read.error().message();
}
constexpr std::string_view full = R"({"input":"How long?","expected_output":"Two years – é.",
  "relevance":{"b":1,"a":0.5},"latency_ms":12.0,
  "tools_called":[{"name":"search","input_parameters":{"q":1}}]})";
}  // namespace

TEST_CASE("the canonical form of a golden is what any language can make of it") {
  CHECK(canonical(golden(full)) ==
        R"({"expected_output":"Two years – é.","input":"How long?","latency_ms":12,)"
        R"("relevance":{"a":0.5,"b":1},)"
        R"("tools_called":[{"input_parameters":{"q":1},"name":"search"}]})");
  Golden one = golden(full);
  identify(one);
  // sha256 of the line above, by Python's hashlib.
  CHECK(one.id == "65675a6847fdfbfe");
  one.input = "else";
  identify(one);
  CHECK(one.id == "65675a6847fdfbfe");
}

TEST_CASE("absent and empty members are told apart, null is absent") {
  const Golden empty = golden(R"({"input":"a","tools_called":[],"context":null})");
  REQUIRE(empty.tools_called.has_value());
  CHECK(empty.tools_called->empty());
  CHECK(!empty.context);
  CHECK(!empty.expected_tools);
  CHECK(canonical(empty) == R"({"input":"a","tools_called":[]})");
}

TEST_CASE("what is written is what was read") {
  const Golden read = golden(R"({"id":"x","input":"q","actual_output":"a","context":["c"],
    "retrieval_context":["r"],"retrieved_ids":["d"],"expected_tools":[{"name":"t",
    "output":{"a":[1]},"type":"mcp","input_parameters":{}}],"cost_usd":0.25,"trace_id":"t1",
    "metadata":{"severity":"critical","slice":{"a":1}}})");
  CHECK(canonical(*parse_golden(to_json(read))) == canonical(read));
  CHECK(parse_golden(to_json(read))->id == "x");
  CHECK(read.severity() == Severity::critical);
  CHECK(read.metadata_text("slice") == R"({"a":1})");
  CHECK(read.metadata_text("none").empty());
}

TEST_CASE("a wrong golden is refused by its member") {
  CHECK(refusal(R"({"id":"x"})") == "$.input: is required");
  CHECK(refusal(R"([1])") == "$: expected an object, got [1]");
  CHECK(refusal(R"({"input":"a","expected_ouput":"b"})") ==
        "$.expected_ouput: unknown key; did you mean 'expected_output'?");
  CHECK(refusal(R"({"input":"a","context":["b",7]})") == "$.context[1]: expected a string, got 7");
  CHECK(refusal(R"({"input":"a","tools_called":[{"name":"b"},{"type":"c"}]})") ==
        "$.tools_called[1].name: is required");
  CHECK(refusal(R"({"input":"a","latency_ms":-1})") ==
        "$.latency_ms: -1 is negative; give milliseconds from 0");
  CHECK(refusal(R"({"input":"a","relevance":{"d":-1}})") ==
        "$.relevance.d: grade -1 is negative; 0: not relevant");
}

TEST_CASE("a version does not depend on the order of goldens, but on every edit") {
  std::vector<Golden> goldens = {golden(R"({"input":"a"})"), golden(R"({"input":"b"})")};
  for (Golden& each : goldens) identify(each);
  const std::string version = version_of(goldens);
  CHECK(version.starts_with("sha256:"));
  std::swap(goldens[0], goldens[1]);
  CHECK(version_of(goldens) == version);
  goldens[0].metadata["slice"] = "x";
  CHECK(version_of(goldens) != version);
}

}  // namespace slipway::eval
