// The second version of LangSmith's API, over the router.
#include <doctest/doctest.h>

#include "trace/detail/mount_fixture.hpp"
#include "trace/detail/v2_wire.hpp"

namespace slipway::trace::detail {

namespace {

std::string uuid(int n) { return fmt::format("00000000-0000-4000-8000-{:012}", n); }

/// Two turns of one thread and a run of none.
struct Traces : Fixture {
  std::string project;
  Traces() {
    for (int i = 1; i < 4; ++i) {
      RunPatch root = run(uuid(i), uuid(i), "", i);
      if (i < 3) root.session_id = "thread";
      root.inputs = Payload{fmt::format(R"({{"question":"{}"}})", i), false};
      RunPatch child = run(uuid(i), uuid(10 + i), uuid(i), i);
      child.kind = Kind::llm;
      child.usage.input = 10;
      child.usage.output = 2;
      put({std::move(root), std::move(child)});
    }
    project = text_of(read("/sessions?name=shop").as_array().at(0).at("id"));
  }
  json::Value query(const std::string& path, const std::string& members) {
    return body_of(
        send_json("POST", path,
                  fmt::format(R"({{"project_ids":["{0}"],"project_id":"{0}","min_start_time":)"
                              R"("2026-01-01T00:00:00Z"{1}}})",
                              project, members)));
  }
};

}  // namespace

TEST_CASE("runs of v2 have what was selected and nothing else") {
  Traces f;
  const json::Value bare = f.query("/api/v2/runs/query", "");
  CHECK(bare.at("items").as_array().size() == 6);
  CHECK(json::dump(bare.at("items").at(0)) == fmt::format(R"({{"id":"{}"}})", uuid(13)));
  const json::Value full = f.query(
      "/api/v2/runs/query",
      R"(,"selects":["NAME","RUN_TYPE","STATUS","IS_ROOT","TRACE_ID","PROMPT_TOKENS",)"
      R"("LATENCY_SECONDS","INPUTS_PREVIEW","ATTACHMENTS","FEEDBACK_STATS"],"run_type":"LLM",)"
      R"("page_size":2)");
  REQUIRE(full.at("items").as_array().size() == 2);
  const json::Object& one = full.at("items").at(0).as_object();
  CHECK(text_of(one.at("run_type")) == "LLM");
  CHECK(text_of(one.at("status")) == "SUCCESS");
  CHECK(!one.at("is_root").as_bool());
  CHECK(one.at("prompt_tokens").as_int64() == 10);
  CHECK(one.at("latency_seconds").to_number<double>() == doctest::Approx(0.1));
  CHECK(full.at("next_cursor").is_string());
  CHECK(f.query("/api/v2/runs/query", R"(,"has_error":true)").at("items").as_array().empty());
  CHECK(f.send_json("POST", "/api/v2/runs/query", R"({"selects":["NAMES"]})")
            .body.find("did you mean 'NAME'") != std::string::npos);
}

TEST_CASE("pages of v2 come as events to whoever takes only those") {
  Traces f;
  http::Request request{.method = "POST",
                        .target = "/api/v2/runs/query",
                        .headers = {{"Accept", "text/event-stream"}},
                        .body = R"({"ids":["00000000-0000-4000-8000-000000000001"]})"};
  const http::Response response = f.send(std::move(request));
  CHECK(response.headers.get("content-type") == "text/event-stream");
  CHECK(response.body.starts_with("event: data\ndata: [{\"op\":\"add\",\"path\":\"\",\"value\":"));
  CHECK(response.body.find("event: end") != std::string::npos);
}

TEST_CASE("traces of v2 have their root and what the tree comes to") {
  Traces f;
  const json::Value traces = f.query("/api/v2/traces/query", R"(,"selects":["NAME"])");
  REQUIRE(traces.at("items").as_array().size() == 3);
  const json::Value& first = traces.at("items").at(0);
  CHECK(text_of(first.at("root_run").at("id")) == uuid(3));
  CHECK(first.at("trace_aggregates").at("total_tokens").as_int64() == 12);
  const json::Value runs = f.read("/api/v2/traces/" + uuid(3) + "/runs?project_id=" + f.project);
  CHECK(runs.at("items").as_array().size() == 2);
  const json::Value tools =
      f.query("/api/v2/traces/query", R"-(,"tree_filter":"eq(run_type, \"tool\")")-");
  CHECK(tools.at("items").as_array().empty());
  const json::Value models =
      f.query("/api/v2/traces/query", R"-(,"tree_filter":"eq(run_type, \"llm\")")-");
  CHECK(models.at("items").as_array().size() == 3);
}

TEST_CASE("threads gather the roots of one thread, and tell what they come to") {
  Traces f;
  const json::Value threads = f.query("/api/v2/threads/query", "");
  REQUIRE(threads.at("items").as_array().size() == 1);
  const json::Value& one = threads.at("items").at(0);
  CHECK(text_of(one.at("thread_id")) == "thread");
  CHECK(one.at("count").as_int64() == 2);
  CHECK(one.at("total_tokens").as_int64() == 24);
  CHECK(text_of(one.at("first_trace_id")) == uuid(1));
  CHECK(text_of(one.at("last_trace_id")) == uuid(2));
  const json::Value turns =
      f.read("/api/v2/threads/thread/traces?selects=TURN_NUMBER&project_id=" + f.project);
  REQUIRE(turns.at("items").as_array().size() == 2);
  CHECK(turns.at("items").at(0).at("turn_number").as_int64() == 2);
  const json::Value stats =
      f.read("/api/v2/threads/thread/stats?selects=TURNS&session_id=" + f.project);
  CHECK(stats.at("turns").as_int64() == 2);
  CHECK(stats.at("prompt_tokens").as_int64() == 20);
  CHECK(f.query("/api/v2/threads/stats", R"(,"select":["THREAD_COUNT"])")
            .at("thread_count")
            .as_int64() == 1);
  CHECK(f.get("/api/v2/threads/none/stats?session_id=" + f.project).status == 404);
}

TEST_CASE("projects of v2 say what kind they are, and runs where they are shown") {
  Traces f;
  CHECK(text_of(f.read("/api/v2/sessions").at("items").at(0).at("type")) == "PROJECT");
  const json::Value made = Fixture::body_of(
      f.send_json("POST", "/api/v2/sessions", R"({"type":"PROJECT","name":"new"})"));
  CHECK(text_of(made.at("type")) == "PROJECT");
  CHECK(text_of(f.read("/api/v2/runs/" + uuid(1) + "/url").at("url")) ==
        "http://localhost/traces/" + uuid(1));
  const json::Value stats = Fixture::body_of(
      f.send_json("POST", "/runs/stats", fmt::format(R"({{"session":["{}"]}})", f.project)));
  CHECK(stats.at("run_count").as_int64() == 6);
  CHECK(stats.at("total_tokens").as_int64() == 36);
}

TEST_CASE("a quantile lies between its neighbours") {
  CHECK(!quantile({}, 0.5));
  CHECK(quantile({1}, 0.99) == 1);
  CHECK(quantile({1, 2, 4}, 0.5) == 2);
  CHECK(quantile({1, 2}, 0.5) == 1.5);
}

}  // namespace slipway::trace::detail
