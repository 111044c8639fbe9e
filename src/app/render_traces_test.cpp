#include "app/render_traces.hpp"

#include <doctest/doctest.h>

namespace slipway::app {

namespace {

json::Value value_of(std::string_view text) {
  auto value = json::parse(text);
  REQUIRE(value.ok());
  return *std::move(value);
}

}  // namespace

TEST_CASE("a trace is a tree with latency, tokens and cost; errors stand below their runs") {
  const json::Value trace = value_of(R"({
    "id": "t1", "project": "shop", "start_time": "2026-11-28T08:00:00.000001Z", "status": "error",
    "latency_ms": 1204.5, "total_tokens": 1234, "cost_usd": 0.00018,
    "roots": [{"name": "ask", "kind": "chain", "latency_ms": 1204.5, "children": [
      {"name": "retrieve", "kind": "retriever", "latency_ms": 3.2, "children": [
        {"name": "embed", "kind": "embedding", "latency_ms": 1, "usage": {"input_tokens": 9,
         "output_tokens": 0}, "cost": {"total_usd": 0}, "children": []}]},
      {"name": "write", "kind": "llm", "latency_ms": null, "usage": {"input_tokens": 1200,
       "output_tokens": 25}, "cost": {"total_usd": 0.00018}, "error": "gone\u001b[2J",
       "children": []}]}]})");
  const std::string text = render_trace(trace, {});
  CHECK(text ==
        "t1 · shop · 2026-11-28 08:00:00 · error · 1.2 s · 1,234 tokens · $0.000180\n"
        "\n"
        "ask          chain      1.2 s\n"
        "├─ retrieve  retriever  3.20 ms\n"
        "│  └─ embed  embedding  1.00 ms  9 tok           $0.000000\n"
        "└─ write     llm        running  1,200 > 25 tok  $0.000180\n"
        "   error: gone�[2J\n");
}

TEST_CASE("a list of traces is a table, and says how to go on") {
  const json::Value page = value_of(R"({"items": [{"id": "t1", "name": null, "status": "pending",
    "start_time": "2026-11-28T08:00:00.000001Z", "latency_ms": null, "run_count": 1,
    "total_tokens": 0, "cost_usd": null}], "next_cursor": "abc"})");
  const std::string text = render_traces(page);
  CHECK(text.find("(no root yet)") != std::string::npos);
  CHECK(text.ends_with("There are more: --cursor abc\n"));
  CHECK(render_traces(value_of(R"({"items": [], "next_cursor": null})")) == "No traces match.\n");
}

TEST_CASE("a tree of any depth is shown") {
  json::Value run = json::Object{{"name", "leaf"}, {"children", json::Array()}};
  for (int i = 0; i < 200; ++i)
    run = json::Object{{"name", "n"}, {"children", json::Array{std::move(run)}}};
  const std::string text = render_trace(json::Object{{"roots", json::Array{std::move(run)}}}, {});
  CHECK(std::count(text.begin(), text.end(), '\n') == 203);
}

}  // namespace slipway::app
