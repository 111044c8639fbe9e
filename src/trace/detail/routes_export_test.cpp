#include <doctest/doctest.h>

#include "trace/detail/mount_fixture.hpp"

namespace slipway::trace::detail {

namespace {

std::vector<json::Value> lines_of(const http::Response& response) {
  if (response.status != 200) FAIL(response.status << " " << response.body);
  std::vector<json::Value> lines;
  std::string_view rest = response.body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    REQUIRE(end != std::string_view::npos);
    lines.push_back(must(json::parse(rest.substr(0, end))));
    rest.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

TEST_CASE("traces and runs are exported a line each, over more than one page") {
  Fixture f;
  std::vector<RunPatch> runs;
  for (int i = 0; i < 450; ++i) {
    const std::string id = fmt::format("t{}", i);
    runs.push_back(run(id, "root " + id, "", i));
    runs.push_back(run(id, "leaf " + id, "root " + id, i));
  }
  runs.front().inputs = Payload{"{\r\n \"text\": \"a\\nb\",\n \"n\": 1.0\n}"};
  f.put(std::move(runs));
  const http::Response file = f.get("/api/traces/export?sort=start_time");
  CHECK(file.headers.get("content-type") == "application/x-ndjson");
  CHECK(file.headers.get("content-disposition").find("traces.jsonl") != std::string::npos);
  const auto traces = lines_of(file);
  REQUIRE(traces.size() == 450);
  const json::Value& first = traces.front().at("roots").at(0);
  CHECK(traces.front().at("id") == "t0");
  CHECK(first.at("inputs").at("text") == "a\nb");
  CHECK(first.at("children").at(0).at("id") == "leaf t0");
  CHECK(file.body.find("\"n\": 1.0") != std::string::npos);  // The bytes as they came.
  CHECK(lines_of(f.get("/api/runs/export")).size() == 900);
  CHECK(lines_of(f.get("/api/runs/export?limit=201")).size() == 201);
  CHECK(lines_of(f.get("/api/runs/export?name=nobody")).empty());
}

TEST_CASE("an export takes the queries of lists and refuses what they refuse") {
  Fixture f;
  f.put({run("t1", "a"), run("t2", "b")});
  CHECK(lines_of(f.get("/api/runs/export?name=run%20a")).size() == 1);
  CHECK(f.get("/api/runs/export?limit=0").status == 400);
  CHECK(f.get("/api/traces/export?sort=name").status == 400);
  CHECK(f.get("/api/traces/export?filter=%7B%22nobody%22%3A1%7D").status == 400);
  CHECK(f.get("/api/traces/export", "nobody").status == 401);
}

TEST_CASE("an export that is too large says how to ask for less") {
  Fixture f;
  std::vector<RunPatch> runs;
  for (int i = 0; i < 5; ++i) {
    runs.push_back(run("t1", fmt::format("r{}", i), "", i));
    runs.back().inputs = Payload{std::string(14u << 20, 'x'), true};
  }
  f.put(std::move(runs));
  for (const char* path : {"/api/runs/export", "/api/traces/export"}) {
    const http::Response refused = f.get(path);
    CHECK(refused.status == 400);
    CHECK(refused.body.find("more than the 64 MiB") != std::string::npos);
  }
  CHECK(lines_of(f.get("/api/runs/export?limit=2")).size() == 2);
}

}  // namespace slipway::trace::detail
