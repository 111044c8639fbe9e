#include "trace/mount.hpp"

#include <doctest/doctest.h>

#include "trace/detail/json_text.hpp"
#include "trace/detail/mount_fixture.hpp"
#include "trace/detail/wire.hpp"

namespace slipway::trace::detail {

namespace {

/// A model call whose tokens and words are known.
RunPatch call(const std::string& trace_id, const std::string& id, const std::string& parent) {
  RunPatch patch = run(trace_id, id, parent, 1);
  patch.kind = Kind::llm;
  patch.model = "gpt-4o";
  patch.provider = "openai";
  patch.usage.input = 1000;
  patch.usage.output = 100;
  patch.inputs = Payload{R"({"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"})"};
  patch.outputs = Payload{"plain words of a refund", true};
  patch.metadata["customer"] = "a";
  patch.tags = {"blue"};
  return patch;
}

}  // namespace

TEST_CASE("a trace comes out as a tree, its payloads as the client sent them") {
  Fixture f;
  f.put({call("t1", "b", "a"), run("t1", "a"), run("t1", "c", "gone", 2)});
  const http::Response response = f.get("/api/traces/t1");
  const json::Value tree = Fixture::body_of(response);
  CHECK(tree.at("id") == "t1");
  CHECK(tree.at("name") == "run a");
  CHECK(tree.at("run_count") == 3);
  const auto& roots = tree.at("roots").as_array();
  REQUIRE(roots.size() == 2);
  CHECK(roots[0].at("id") == "a");
  CHECK(roots[1].at("parent_id") == "gone");
  const json::Value& child = roots[0].at("children").at(0);
  CHECK(child.at("start_time") == "2026-11-23T08:00:00.001000Z");
  CHECK(child.at("latency_ms") == 100);
  CHECK(child.at("usage").at("total_tokens") == 1100);
  CHECK(child.at("cost").is_null());
  CHECK(child.at("outputs") == "plain words of a refund");
  CHECK(response.body.find(
            R"("inputs":{"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"})") !=
        std::string::npos);

  const json::Value bare = f.read("/api/traces/t1?payload=false");
  CHECK_FALSE(bare.at("roots").at(0).as_object().contains("inputs"));
  CHECK_FALSE(bare.at("roots").at(0).as_object().contains("attributes"));
  CHECK(f.get("/api/traces/t2").status == 404);
}

TEST_CASE("payloads are given as the bytes that were received") {
  Fixture f;
  f.put(call("t1", "b", ""));
  const http::Response inputs = f.get("/api/runs/b/inputs");
  CHECK(inputs.body == R"({"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"})");
  CHECK(inputs.headers.get("content-type") == "application/json");
  const http::Response outputs = f.get("/api/runs/b/outputs");
  CHECK(outputs.body == "plain words of a refund");
  CHECK(outputs.headers.get("content-type") == "text/plain; charset=utf-8");
  f.put(run("t2", "empty"));
  const http::Response none = f.get("/api/runs/empty/inputs");
  CHECK(none.status == 404);
  CHECK(none.body.find("run 'empty' has no inputs") != std::string::npos);
  CHECK(f.get("/api/runs/none/inputs").status == 404);
}

TEST_CASE("one run has its children's ids, and a span of several traces is chosen") {
  Fixture f;
  f.put({run("t1", "a"), run("t1", "b", "a"), run("t1", "c", "a", 1), run("t2", "a")});
  const json::Value found = f.read("/api/runs/a?trace_id=t1");
  CHECK(found.at("child_ids") == json::Value(json::Array{"b", "c"}));
  CHECK(found.at("trace_id") == "t1");
  CHECK(f.read("/api/runs/a").at("trace_id") == "t2");
}

TEST_CASE("lists take the queries that the contract names, and walk by cursor") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.put(run("t" + std::to_string(i), "r" + std::to_string(i), "", i));
  RunPatch failed = run("bad", "bad", "", 9);
  failed.error = "boom";
  failed.status = Status::error;
  failed.project = "other";
  f.put(failed);
  CHECK(f.read("/api/traces").at("items").as_array().size() == 6);
  CHECK(f.read("/api/traces").at("items").at(0).at("id") == "bad");
  CHECK(f.read("/api/traces?project=shop").at("items").as_array().size() == 5);
  CHECK(f.read("/api/traces?status=error").at("items").at(0).at("error") == "boom");
  CHECK(f.read("/api/traces?sort=start_time&limit=1").at("items").at(0).at("id") == "t0");
  CHECK(f.read("/api/traces?from=2026-11-23T08:00:00.003Z&to=2026-11-23T08:00:00.005Z")
            .at("items")
            .as_array()
            .size() == 2);
  CHECK(f.read("/api/runs?trace_id=t3").at("items").at(0).at("id") == "r3");
  const std::string filter = http::percent_encode(R"({"$not":{"status":"error"}})");
  CHECK(f.read("/api/runs?filter=" + filter).at("items").as_array().size() == 5);

  std::vector<std::string> walked;
  std::string cursor;
  do {
    const json::Value page = f.read("/api/traces?limit=2&cursor=" + http::percent_encode(cursor));
    for (const json::Value& item : page.at("items").as_array())
      walked.push_back(text_of(item.at("id")));
    cursor = page.at("next_cursor").is_null() ? "" : text_of(page.at("next_cursor"));
  } while (!cursor.empty());
  CHECK(walked == std::vector<std::string>{"bad", "t4", "t3", "t2", "t1", "t0"});
}

TEST_CASE("a wrong query is a problem that names what is wrong") {
  Fixture f;
  const std::pair<const char*, const char*> cases[] = {
      {"?sort=latenzy", "sort"},
      {"?limit=0", "limit"},
      {"?from=yesterday", "from: 'yesterday' is not a time"},
      {"?kind=robot", "kind"},
      {"?filter=%7B", "filter"},
      {"?filter=%7B%22a%22%3A1%7D", "filter.a: is no field"},
      {"?cursor=x", "cursor"},
      {"?min_latency_ms=long", "min_latency_ms"},
      {"?unknown=1", "unknown"}};
  for (const auto& [query, expected] : cases) {
    const http::Response response = f.get(std::string("/api/traces") + query);
    CHECK(response.status == 400);
    CHECK(response.headers.get("content-type") == "application/problem+json");
    CHECK_MESSAGE(response.body.find(expected) != std::string::npos, response.body);
  }
}

TEST_CASE("full text finds traces") {
  Fixture f;
  f.put({run("t1", "a"), call("t1", "b", "a"), run("t2", "c")});
  must(f.store->settle(Context()));
  CHECK(f.read("/api/traces?q=REFUND%20words").at("items").at(0).at("id") == "t1");
  CHECK(f.read("/api/traces?q=%22of%20a%20refund%22").at("items").as_array().size() == 1);
  CHECK(f.read("/api/traces?q=%22refund%20of%22").at("items").as_array().empty());
}

TEST_CASE("a deleted trace is gone from lists and costs") {
  Fixture f;
  f.put({run("t1", "a"), run("t2", "b")});
  CHECK(f.send_json("DELETE", "/api/traces/t1", "", "read").status == 403);
  CHECK(f.send({.method = "DELETE", .target = "/api/traces/t1"}).status == 204);
  CHECK(f.send({.method = "DELETE", .target = "/api/traces/t1"}).status == 404);
  CHECK(f.get("/api/traces/t1").status == 404);
  CHECK(f.read("/api/traces").at("items").as_array().size() == 1);
}

TEST_CASE("statistics and projects are counted") {
  Fixture f;
  RunPatch failed = run("t2", "b");
  failed.status = Status::error;
  failed.project = "other";
  f.put({run("t1", "a"), failed});
  const json::Value stats = f.read("/api/traces/stats");
  CHECK(stats.at("traces") == 2);
  CHECK(stats.at("errors") == 1);
  CHECK(stats.at("error_rate") == 0.5);
  CHECK(stats.at("latency_ms").at("p50") == 100);
  CHECK_FALSE(stats.as_object().contains("groups"));
  const json::Value grouped = f.read("/api/traces/stats?group_by=project");
  CHECK(grouped.at("groups").as_array().size() == 2);
  const json::Value projects = f.read("/api/projects");
  REQUIRE(projects.at("items").as_array().size() == 2);
  CHECK(projects.at("items").at(0).at("runs") == 1);
}

TEST_CASE("own prices price runs, and old runs only when that is asked for") {
  Fixture f;
  f.put(call("t1", "a", ""));
  CHECK(f.read("/api/costs").at("unpriced_runs") == 1);
  CHECK(f.get("/api/prices/gpt-4o").status == 404);
  const std::string row = R"({"input_cost_per_token": 2.5e-06, "output_cost_per_token": 0.00001})";
  CHECK(f.send_json("PUT", "/api/prices/gpt-4o", row, "write").status == 403);
  const json::Value made = Fixture::body_of(f.send_json("PUT", "/api/prices/gpt-4o", row), 201);
  CHECK(made.at("source") == "own");
  CHECK(made.at("input_cost_per_token") == 2.5e-06);
  CHECK(made.at("valid_from") == "1970-01-01T00:00:00.000000Z");
  CHECK(f.read("/api/costs").at("unpriced_runs") == 1);

  const json::Value report =
      Fixture::body_of(f.send_json("POST", "/api/prices/reprice", R"({"model":"gpt-4o"})"));
  CHECK(report.at("changed") == 1);
  CHECK(report.at("after_usd") == 0.0035);
  const http::Response costs = f.get("/api/costs?group_by=model");
  CHECK(costs.body.find(R"("total_usd":0.0035,)") != std::string::npos);
  CHECK(Fixture::body_of(costs).at("groups").at(0).at("key") == "gpt-4o");
  const json::Value cost = f.read("/api/runs/a").at("cost");
  CHECK(cost.at("total_usd") == 0.0035);
  CHECK(cost.at("source") == "priced");
  CHECK(cost.at("price_id") == made.at("price_id"));

  const json::Value next = Fixture::body_of(
      f.send_json("PUT", "/api/prices/gpt-4o", R"({"input_cost_per_token": 1e-06})"), 201);
  CHECK(next.at("valid_from") == "2026-11-23T08:00:00.000000Z");
  const json::Value rows = f.read("/api/prices/gpt-4o");
  REQUIRE(rows.at("items").as_array().size() == 2);
  CHECK(rows.at("items").at(0).at("price_id") == next.at("price_id"));
  CHECK(f.read("/api/prices?model=gpt-4o") == rows);
  CHECK(f.read("/api/runs/a").at("cost") == cost);
  CHECK(f.send_json("PUT", "/api/prices/m", R"({"input_cost_per_token": -1})").status == 400);
  CHECK(f.send_json("PUT", "/api/prices/m", R"({"colour": 1})").status == 400);
  CHECK(
      f.send_json("PUT", "/api/prices/m", R"({"input_cost_per_token": 1e-6, "valid_from": "soon"})")
          .status == 400);
  CHECK(f.send_json("POST", "/api/prices/reprice", R"({"price_id":"none"})").status == 404);

  // A model with a slash in its name, and the rows after a restart.
  Fixture::body_of(f.send_json("PUT", "/api/prices/a/b", R"({"input_cost_per_token": 1e-06})"),
                   201);
  CHECK(f.read("/api/prices/a/b").at("items").as_array().size() == 1);
  const auto again = must(OwnPrices::open({.database = *f.database}));
  CHECK(again->book()->rows("").size() == 3);
}

TEST_CASE("money is written to the picodollar") {
  CHECK(dollars_text({0}) == "0");
  CHECK(dollars_text({1}) == "0.000000000001");
  CHECK(dollars_text({2'500'000'000'000}) == "2.5");
  CHECK(dollars_text({-1'000'000'000'003}) == "-1.000000000003");
  CHECK(dollars_text({std::numeric_limits<std::int64_t>::min()}) == "-9223372.036854775808");
}

TEST_CASE("ten thousand runs make ten thousand, however deep they stand") {
  Trace trace;
  trace.summary.id = "t";
  constexpr int count = 10'000;
  for (int i = 0; i < count; ++i) {
    Run& one = trace.runs.emplace_back();
    one.id = std::to_string(i);
    if (i > 0) one.parent_id = std::to_string(i - 1);
  }
  const auto count_in = [](const std::string& text, std::string_view part) {
    int found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  };
  const std::string deep = trace_text(trace, Payloads::left_out);
  CHECK(count_in(deep, "\"children\":[{") == count - 1);
  CHECK(deep.find(std::string(2 * count, ' ')) == std::string::npos);
  std::string end;
  for (int i = 0; i < count; ++i) end += "]}";
  CHECK(deep.ends_with(end + "]}"));
  for (Run& one : trace.runs)
    if (one.parent_id) one.parent_id = "0";
  const std::string wide = trace_text(trace, Payloads::left_out);
  CHECK(count_in(wide, "\"children\":[]") == count - 1);
  CHECK(must(json::parse(wide)).at("roots").as_array().size() == 1);
}

TEST_CASE("runs that are parents of each other are shown once, at the first of them") {
  Trace trace;
  const auto add = [&](const char* id, const char* parent) {
    Run& one = trace.runs.emplace_back();
    one.id = id;
    if (*parent != 0) one.parent_id = parent;
  };
  add("tail", "b");
  add("a", "c");
  add("b", "a");
  add("c", "b");
  add("self", "self");
  const json::Value tree = must(json::parse(trace_text(trace, Payloads::left_out)));
  const auto& roots = tree.at("roots").as_array();
  REQUIRE(roots.size() == 2);
  CHECK(roots[0].at("id") == "a");
  CHECK(roots[1].at("id") == "self");
  const json::Value& b = roots[0].at("children").at(0);
  CHECK(b.at("id") == "b");
  CHECK(b.at("children").at(0).at("id") == "tail");
  CHECK(b.at("children").at(1).at("id") == "c");
}

}  // namespace slipway::trace::detail
