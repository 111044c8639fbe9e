// The ways in that unmodified clients speak: OTLP and LangSmith.
#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

#include "core/log.hpp"
#include "trace/detail/mount_fixture.hpp"

namespace slipway::trace::detail {

namespace {

const std::string trace_hex = "0af7651916cd43dd8448eb211c80319c";
const std::string span_hex = "00f067aa0ba902b7";

std::string otlp_body(const std::string& span_id = span_hex) {
  return R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":
    {"stringValue":"billing"}}]},"scopeSpans":[{"spans":[{"traceId":")" +
         trace_hex + R"(","spanId":")" + span_id +
         R"(","name":"chat gpt-4o","startTimeUnixNano":"1795420800000000001",
    "endTimeUnixNano":"1795420800500000001"}]}]}]})";
}

http::Request otlp(const std::string& path, std::string body,
                   const std::string& type = "application/json") {
  return {.method = "POST",
          .target = path,
          .headers = {{"Content-Type", type}},
          .body = std::move(body)};
}

const std::string run_id = "0197a1b2-0000-7000-8000-000000000001";
const std::string child_id = "0197a1b2-0000-7000-8000-000000000002";

std::string post_of(const std::string& id, const std::string& parent) {
  return fmt::format(
      R"({{"id":"{}","name":"step","run_type":"chain","session_name":"shop",
      "start_time":"2026-11-23T08:00:00.000001","inputs":{{"q":1.0}}{},
      "extra":{{"metadata":{{"customer":"a"}},"runtime":{{"sdk":"py"}}}},"tags":["blue"]}})",
      id, parent.empty() ? "" : fmt::format(R"(,"parent_run_id":"{}")", parent));
}

struct Quiet {
  Quiet() { log::set_level(log::Level::off); }
  ~Quiet() { log::set_level(log::Level::warning); }
};

}  // namespace

TEST_CASE("spans of OTLP become runs at every path that clients know") {
  Fixture f;
  for (const char* prefix : {"", "/otlp", "/otel", "/api/public/otel", "/langsmith/otel",
                             "/api/v1/otel", "/langsmith/api/v1/otel"}) {
    const http::Response response = f.send(otlp(std::string(prefix) + "/v1/traces", otlp_body()));
    CHECK(response.status == 200);
    CHECK(response.headers.get("content-type") == "application/json");
    CHECK(response.body == "{}");
    for (const char* other : {"/v1/metrics", "/v1/logs"})
      CHECK(f.send(otlp(std::string(prefix) + other, "{}")).status == 200);
  }
  for (const char* path : {"/otel", "/langsmith/otel", "/api/v1/otel", "/langsmith/api/v1/otel"}) {
    CHECK(is_intake_path(path));
    CHECK(f.send(otlp(path, otlp_body())).status == 200);
  }
  CHECK(f.send(otlp("/otlp", otlp_body())).status == 404);
  const json::Value found = f.read("/api/runs/" + span_hex);
  CHECK(text_of(found.at("trace_id")) == trace_hex);
  CHECK(found.at("project") == "billing");
  CHECK(found.at("start_time") == "2026-11-23T08:00:00.000000001Z");
  http::Request named = otlp("/v1/traces", otlp_body("00f067aa0ba902b8"));
  named.headers.add("x-slipway-project", "named");
  CHECK(f.send(std::move(named)).status == 200);
  CHECK(f.read("/api/runs/00f067aa0ba902b8").at("project") == "named");
}

TEST_CASE("an OTLP request that cannot be taken is told so in its own format") {
  Fixture f(2000);
  const auto broken = f.send(otlp("/v1/traces", "{"));
  CHECK(broken.status == 400);
  CHECK(Fixture::body_of(broken, 400).at("code") == 3);
  const auto binary = f.send(otlp("/v1/traces", "\x01", "application/x-protobuf"));
  CHECK(binary.status == 400);
  CHECK(binary.headers.get("content-type") == "application/x-protobuf");
  CHECK(f.send(otlp("/v1/traces", "{}", "text/plain")).status == 415);
  CHECK(f.send(otlp("/v1/traces", std::string(2001, ' '))).status == 413);
  http::Request known = otlp("/v1/traces", otlp_body());
  known.headers.add("x-api-key", "read");
  CHECK(f.send(std::move(known)).status == 403);
  http::Request unknown = otlp("/v1/traces", otlp_body());
  unknown.headers.add("x-api-key", "guess");
  const auto refused = f.send(std::move(unknown));
  CHECK(refused.status == 401);
  CHECK(Fixture::body_of(refused, 401).at("code") == 16);
  const auto method = f.get("/v1/traces");
  CHECK(method.status == 405);
  CHECK(method.headers.get("allow") == "OPTIONS, POST");
  const auto rejected = f.send(otlp("/v1/traces", otlp_body("0000000000000000")));
  CHECK(rejected.status == 200);
  CHECK(rejected.body.find("partialSuccess") != std::string::npos);
  CHECK(f.intake.rejected() == 1);
}

TEST_CASE("bodies that wait are bounded, and one too many is told to come again") {
  Fixture f(1000, 1500);
  std::mutex mutex;
  std::condition_variable changed;
  bool may_go = false;
  // All workers are busy, so what comes waits.
  for (int i = 0; i < 4; ++i)
    f.pool.submit([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return may_go; });
    });
  const std::string body = otlp_body() + std::string(900 - otlp_body().size(), ' ');
  auto first = std::make_shared<http::FakeExchange>(otlp("/v1/traces", body));
  f.router.dispatch(first);
  CHECK(f.intake.queued_bytes() == 900);
  const auto second = f.send(otlp("/v1/traces", body));
  CHECK(second.status == 503);
  CHECK(second.headers.get("retry-after") == "1");
  CHECK(Fixture::body_of(second, 503).at("code") == 14);
  const auto third = f.send_json("POST", "/runs", body);
  CHECK(third.status == 503);
  CHECK(third.body.find("\"detail\":") != std::string::npos);
  {
    const std::lock_guard lock(mutex);
    may_go = true;
    changed.notify_all();
  }
  CHECK(first->wait_ended());
  CHECK(first->response().status == 200);
  // The room is given back a moment after the reply.
  for (int i = 0; i < 10'000 && f.intake.queued_bytes() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(f.send(otlp("/v1/traces", body)).status == 200);
}

TEST_CASE("LangSmith's info tells what its client needs to know") {
  Fixture f;
  for (const char* prefix : {"", "/langsmith", "/api/v1", "/langsmith/api/v1"}) {
    const json::Value info = f.read(std::string(prefix) + "/info");
    for (const char* key : {"size_limit", "scale_up_nthreads_limit", "scale_up_qsize_trigger",
                            "scale_down_nempty_trigger", "size_limit_bytes"})
      CHECK(info.at("batch_ingest_config").at(key).is_int64());
    CHECK(info.at("instance_flags").at("zstd_compression_enabled") == true);
  }
}

TEST_CASE("runs of LangSmith come in alone, in batches and in parts, and are read back") {
  Fixture f;
  CHECK(f.send_json("POST", "/langsmith/runs", post_of(run_id, "")).status == 202);
  CHECK(f.send_json("PATCH", "/runs/" + run_id,
                    R"({"name":null,"end_time":"2026-11-23T08:00:01","outputs":{"a":2.0}})")
            .status == 202);
  CHECK(f.send_json("POST", "/api/v1/runs/batch", R"({"post":[)" + post_of(child_id, run_id) + "]}")
            .status == 202);
  const std::string part =
      "--B\r\nContent-Disposition: form-data; name=\"patch." + child_id +
      "\"\r\nContent-Type: application/json\r\n\r\n{\"trace_id\":\"" + run_id +
      "\",\"error\":\"boom\",\"end_time\":\"2026-11-23T08:00:02\"}\r\n--B--\r\n";
  CHECK(f.send({.method = "POST",
                .target = "/langsmith/api/v1/runs/multipart",
                .headers = {{"Content-Type", "multipart/form-data; boundary=B"}},
                .body = part})
            .status == 202);

  const http::Response response = f.get("/langsmith/runs/" + run_id);
  const json::Value found = Fixture::body_of(response);
  CHECK(found.at("name") == "step");
  CHECK(found.at("status") == "success");
  CHECK(found.at("inputs") == json::Value(json::Object{{"q", 1.0}}));
  CHECK(response.body.find(R"("outputs":{"a":2.0})") != std::string::npos);
  CHECK(found.at("extra").at("metadata").at("customer") == "a");
  CHECK(found.at("extra").at("runtime").at("sdk") == "py");
  CHECK(text_of(found.at("dotted_order")) == "20261123T080000000001Z" + run_id);
  CHECK(found.at("child_run_ids") == json::Value(json::Array{child_id}));
  const json::Value child = f.read("/runs/" + child_id);
  CHECK(child.at("status") == "error");
  CHECK(child.at("parent_run_ids") == json::Value(json::Array{run_id}));
  CHECK(text_of(child.at("trace_id")) == run_id);
  CHECK(text_of(child.at("dotted_order")) ==
        "20261123T080000000001Z" + run_id + ".20261123T080000000001Z" + child_id);
  CHECK(f.get("/runs/" + std::string(36, '0')).status == 404);
  CHECK(f.send_json("POST", "/runs", "{}").status == 400);
}

TEST_CASE("LangSmith's queries find runs") {
  Fixture f;
  f.send_json("POST", "/runs", post_of(run_id, ""));
  f.send_json("POST", "/runs", post_of(child_id, run_id));
  f.put(run(trace_hex, span_hex));
  const auto ids = [&](const std::string& body) {
    std::string text;
    const json::Value found = Fixture::body_of(f.send_json("POST", "/runs/query", body));
    for (const json::Value& one : found.at("runs").as_array())
      text += text_of(one.at("id")).substr(text_of(one.at("id")).size() - 4) + " ";
    return text;
  };
  const json::Value sessions = f.read("/api/v1/sessions?name=shop");
  const std::string session = text_of(sessions.at(0).at("id"));
  CHECK(ids(R"({"session":[")" + session + R"("],"limit":10})") == "0002 0001 02b7 ");
  CHECK(ids(R"({"is_root":true})") == "0001 02b7 ");
  CHECK(ids(R"({"trace":")" + run_id + R"("})") == "0002 0001 ");
  CHECK(ids(R"({"parent_run":")" + run_id + R"("})") == "0002 ");
  CHECK(ids(R"({"id":[")" + run_id + R"(","0197a1b2-0000-7000-8000-00000000ffff"]})") == "0001 ");
  CHECK(ids(R"({"trace":"0af76519-16cd-43dd-8448-eb211c80319c"})") == "02b7 ");
  CHECK(ids(R"~({"filter":"and(has(tags, \"blue\"), eq(is_root, true))"})~") == "0001 ");
  CHECK(ids(R"({"error":true})").empty());
  CHECK(ids(R"({"session":["0197a1b2-0000-7000-8000-00000000ffff"]})").empty());
  const json::Value page =
      Fixture::body_of(f.send_json("POST", "/runs/query", R"({"limit":1,"order":"asc"})"));
  const std::string cursor = text_of(page.at("cursors").at("next"));
  CHECK(ids(R"({"limit":10,"order":"asc","cursor":")" + cursor + R"("})").size() == 10);
  for (const char* body : {R"~({"tree_filter":"eq(name)"})~", R"~({"filter":"eq(name"})~",
                           R"({"run_type":"robot"})", "[", R"({"limit":"x"})"}) {
    const auto refused = f.send_json("POST", "/runs/query", body);
    CHECK(refused.status == 400);
    CHECK(refused.body.find("\"detail\":") != std::string::npos);
  }
}

TEST_CASE("LangSmith's projects are those of the runs and those that were made") {
  Fixture f;
  f.put(run("t1", "a"));
  const json::Value made = Fixture::body_of(f.send_json(
      "POST", "/api/v1/sessions",
      R"({"id":"0197a1b2-0000-7000-8000-0000000000aa","name":"trial","extra":{"metadata":{}}})"));
  CHECK(made.at("id") == "0197a1b2-0000-7000-8000-0000000000aa");
  CHECK(f.send_json("POST", "/api/v1/sessions", R"({"name":"trial"})").status == 409);
  CHECK(f.send_json("POST", "/api/v1/sessions", R"({"name":"shop"})").status == 409);
  CHECK(Fixture::body_of(f.send_json("POST", "/api/v1/sessions?upsert=true", R"({"name":"trial"})"))
            .at("id") == made.at("id"));
  CHECK(f.send_json("POST", "/api/v1/sessions", R"({"name":""})").status == 400);
  CHECK(f.read("/sessions").as_array().size() == 2);
  CHECK(f.read("/sessions?limit=1&offset=1").as_array().size() == 1);
  CHECK(f.read("/sessions?offset=2").as_array().empty());
  CHECK(f.read("/sessions?name_contains=ria").at(0).at("name") == "trial");
  const json::Value shop = f.read("/sessions?name=shop&include_stats=true").at(0);
  CHECK(shop.at("run_count") == 1);
  CHECK(shop.at("latency_p50") == 0.1);
  CHECK(f.read("/langsmith/sessions/" + text_of(shop.at("id"))).at("name") == "shop");
  CHECK(f.get("/sessions/" + run_id).status == 404);
  CHECK(text_of(f.read("/langsmith/settings").at("tenant_handle")) == "slipway");
  // A run in a project that was made is told with that project's id.
  RunPatch trial = run("t2", run_id);
  trial.project = "trial";
  f.put(trial);
  CHECK(f.read("/runs/" + run_id).at("session_id") == made.at("id"));
}

TEST_CASE("what of a LangSmith batch is not kept is told") {
  const Quiet quiet;
  Fixture f;
  const std::string parts =
      "--B\r\nContent-Disposition: form-data; name=\"feedback.f1\"\r\nContent-Type: "
      "application/json\r\n\r\n{\"key\":\"good\"}\r\n--B\r\nContent-Disposition: form-data; "
      "name=\"feedback.f2\"\r\nContent-Type: application/json\r\n\r\n{\"key\":\"good\",\"score\":1,"
      "\"run_id\":\"0197a1b2-0000-7000-8000-000000000001\"}\r\n--B--\r\n";
  const auto response = f.send({.method = "POST",
                                .target = "/runs/multipart",
                                .headers = {{"Content-Type", "multipart/form-data; boundary=B"}},
                                .body = parts});
  CHECK(Fixture::body_of(response, 202).at("feedback_not_kept") == 1);
  CHECK(f.read("/feedback?run=0197a1b2-0000-7000-8000-000000000001").as_array().size() == 1);
}

TEST_CASE("refusals of the edge are in the dialect of the path") {
  CHECK(is_intake_path("/otlp/v1/traces"));
  CHECK(is_intake_path("/langsmith/runs/multipart"));
  CHECK_FALSE(is_intake_path("/api/traces"));
  CHECK_FALSE(is_intake_path("/api/v10/runs"));
  const auto otlp = dialect_refusal({.path = "/v1/traces"}, 413, "too much");
  REQUIRE(otlp);
  CHECK(otlp->body.find("\"code\":8") != std::string::npos);
  const auto smith = dialect_refusal({.path = "/api/v1/runs"}, 413, "too much");
  REQUIRE(smith);
  CHECK(smith->body == R"({"detail":"too much"})");
  CHECK_FALSE(dialect_refusal({.path = "/v1/chat/completions"}, 413, "too much"));
}

TEST_CASE("ids of OTLP have a UUID, and come back from it") {
  CHECK(as_uuid(trace_hex) == "0af76519-16cd-43dd-8448-eb211c80319c");
  CHECK(as_uuid("00F067AA0BA902B7") == "00000000-0000-0000-00f0-67aa0ba902b7");
  CHECK(as_uuid("x").size() == 36);
  CHECK(as_uuid("x") == as_uuid("x"));
  CHECK(ids_behind("00000000-0000-0000-00f0-67aa0ba902b7").back() == span_hex);
  CHECK(ids_behind("odd") == std::vector<std::string>{"odd"});
}

}  // namespace slipway::trace::detail
