#include "trace/feedback.hpp"

#include <doctest/doctest.h>

#include "trace/detail/mount_fixture.hpp"
#include "trace/feedback_filter.hpp"

namespace slipway::trace {

namespace {

using detail::Fixture;
using detail::must;
using detail::run;
using detail::text_of;

Feedback of(const std::string& run_id, const std::string& key, double score) {
  Feedback one;
  one.run_id = run_id;
  one.key = key;
  one.score = score;
  return one;
}

std::string uuid(int n) { return fmt::format("00000000-0000-4000-8000-{:012}", n); }

std::string names(const json::Value& list, const char* items, const char* member) {
  std::string out;
  for (const json::Value& one : list.at(items).as_array())
    out += (out.empty() ? "" : " ") + text_of(one.at(member));
  return out;
}

}  // namespace

TEST_CASE("feedback sent again with its id replaces itself and keeps its birth") {
  Fixture f;
  Feedback one = of(uuid(1), "good", 1);
  one.id = uuid(7);
  const auto first = must(f.feedbacks.put(Context(), {one}));
  f.clock.advance(std::chrono::seconds(5));
  one.score = 0.5;
  must(f.feedbacks.put(Context(), {one}));
  const auto all = must(f.feedbacks.list(Context(), {}));
  REQUIRE(all.size() == 1);
  CHECK(all[0].score.as_double() == 0.5);
  CHECK(all[0].created == first[0].created);
  must(f.feedbacks.change(Context(), uuid(7), {.comment = std::optional<std::string>("hm")}));
  CHECK(must(f.feedbacks.get(Context(), uuid(7))).comment == "hm");
  must(f.feedbacks.remove(Context(), uuid(7)));
  CHECK(!f.feedbacks.remove(Context(), uuid(7)));
}

TEST_CASE("feedback without key, run and project, or of a megabyte, is refused") {
  Fixture f;
  const auto refusal = [&](const Feedback& one) {
    const auto put = f.feedbacks.put(Context(), {one});
    return put ? "taken" : put.error().message();
  };
  CHECK(refusal(of(uuid(1), "", 1)).starts_with("key: 1 to 256 bytes"));
  Feedback lost;
  lost.key = "k";
  CHECK(refusal(lost).find("neither a run") != std::string::npos);
  Feedback large = of(uuid(1), "k", 1);
  large.comment = std::string(2u << 20, 'x');
  CHECK(refusal(large).find("at most 1048576") != std::string::npos);
}

TEST_CASE("statistics leave failed evaluators out of the mean, and count values") {
  Fixture f;
  std::vector<Feedback> all = {of(uuid(1), "good", 1), of(uuid(1), "good", 0)};
  all.push_back(of(uuid(1), "good", 9));
  all.back().error = true;
  all.push_back(of(uuid(2), "tone", 0));
  all.back().score = nullptr;
  all.back().value = "kind";
  for (Feedback& one : all) one.session_id = uuid(9);
  must(f.feedbacks.put(Context(), all));
  const auto by_run = must(f.feedbacks.stats_of_runs(Context(), {uuid(1), uuid(2), uuid(3)}));
  CHECK(by_run.size() == 2);
  CHECK(by_run.at(uuid(1)).at("good").count == 3);
  CHECK(by_run.at(uuid(1)).at("good").errors == 1);
  CHECK(by_run.at(uuid(1)).at("good").mean() == 0.5);
  CHECK(by_run.at(uuid(1)).at("good").deviation() == 0.5);
  const auto of_session = must(f.feedbacks.stats_of_session(Context(), uuid(9), false));
  CHECK(of_session.at("good").mean() == 0.5);
  CHECK(of_session.at("tone").values.at("kind") == 1);
  CHECK(!of_session.at("tone").mean());
  CHECK(must(f.feedbacks.stats_of_session(Context(), uuid(9), true)).empty());
}

TEST_CASE("a link gives feedback without a key until it expires, and each use counts") {
  Fixture f;
  f.put(run("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"));
  const json::Value link = Fixture::body_of(
      f.send_json("POST", "/api/runs/00f067aa0ba902b7/feedback-links", R"({"key": "thumb"})"), 201);
  const std::string url = text_of(link.at("url"));
  REQUIRE(url.starts_with("http://localhost/api/v1/feedback/tokens/"));
  const std::string path = url.substr(std::string("http://localhost").size());
  CHECK(f.get(path + "?score=1&comment=nice", "nobody").status == 200);
  CHECK(f.send_json("POST", path, R"({"score": false, "value": "x"})", "nobody").status == 200);
  const auto all = must(f.feedbacks.list(Context(), {.run_ids = {"00f067aa0ba902b7"}}));
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == "thumb");
  CHECK(all[0].trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(all[0].source.at("type").as_string() == "app");
  CHECK(f.get("/api/v1/feedback/tokens/" + uuid(5)).status == 404);
  f.clock.advance(std::chrono::hours(24 * 365));
  const auto token = must(f.feedbacks.tokens(Context(), "00f067aa0ba902b7"));
  CHECK(token.empty());
}

TEST_CASE("runs and traces are found by their feedback, and by what they lack of it") {
  Fixture f;
  for (int i = 0; i < 4; ++i)
    f.put({run(uuid(i), uuid(i), "", i), run(uuid(i), uuid(100 + i), uuid(i), i)});
  Feedback bad = of(uuid(101), "good", 0.1), good = of(uuid(2), "good", 0.9);
  good.value = "fine";
  must(f.feedbacks.put(Context(), {bad, good}));
  f.read("/api/feedback/stats?project=shop");  // Finds out where the runs are.
  const auto traces = [&](const std::string& filter) {
    return names(f.read("/api/traces?sort=start_time&filter=" + http::percent_encode(filter)),
                 "items", "id");
  };
  const auto runs = [&](const std::string& filter) {
    return names(f.read("/api/runs?sort=start_time&filter=" + http::percent_encode(filter)),
                 "items", "id");
  };
  CHECK(runs(R"({"feedback.good": {"$lt": 0.5}})") == uuid(101));
  CHECK(traces(R"({"feedback.good": {"$lt": 0.5}})") == uuid(1));
  CHECK(traces(R"({"feedback.good": {"$exists": true}})") == uuid(1) + " " + uuid(2));
  CHECK(traces(R"({"feedback.good": {"$exists": false}})") == uuid(0) + " " + uuid(3));
  CHECK(traces(R"({"feedback.good": "fine"})") == uuid(2));
  CHECK(traces(R"({"feedback.none": {"$exists": true}})").empty());
  CHECK(runs(R"({"$and": [{"feedback.*": {"$gte": 0}}, {"parent_id": {"$exists": true}}]})") ==
        uuid(101));
}

TEST_CASE("LangSmith's filter pairs a key of feedback with its score") {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.put(run(uuid(i), uuid(i), "", i));
  must(f.feedbacks.put(
      Context(), {of(uuid(0), "good", 0.2), of(uuid(1), "good", 0.8), of(uuid(2), "other", 0.9)}));
  const auto found = [&](const std::string& filter) {
    const json::Value body(json::Object{{"filter", filter}, {"order", "asc"}});
    return names(Fixture::body_of(f.send_json("POST", "/runs/query", json::dump(body))), "runs",
                 "id");
  };
  CHECK(found(R"(and(eq(feedback_key, "good"), gt(feedback_score, 0.5)))") == uuid(1));
  CHECK(found(R"(eq(feedback_key, "good"))") == uuid(0) + " " + uuid(1));
  CHECK(found(R"(gt(feedback_score, 0.5))") == uuid(1) + " " + uuid(2));
  CHECK(
      found(R"(and(eq(feedback_key, "good"), gt(feedback_score, 0.1), lt(feedback_score, 0.5)))") ==
      uuid(0));
  CHECK(found(R"(and(eq(metadata_key, "a"), eq(metadata_value, "b")))").empty());
}

TEST_CASE("texts of feedback are masked before they are written") {
  Fixture f;
  Feedbacks masked(*f.database, [](RunPatch& run) {
    if (run.error) run.error = "[masked]";
    run.metadata["value"] = "[masked]";
  });
  Feedback one = of(uuid(1), "k", 1);
  one.comment = "4111 1111 1111 1111";
  one.value = "secret";
  must(masked.put(Context(), {one}));
  const auto all = must(masked.list(Context(), {}));
  CHECK(all[0].comment == "[masked]");
  CHECK(all[0].value.as_string() == "[masked]");
}

TEST_CASE("a run's attachments are listed, and only pictures are shown") {
  Fixture f;
  f.put(run("t", uuid(1)));
  must(f.attachments.put(Context(), {{uuid(1), "a.txt", "text/plain", "bytes"},
                                     {uuid(1), "b.svg", "image/svg+xml", "<svg/>"},
                                     {uuid(1), "c.png", "image/png", "PNG"}}));
  const json::Value listed = f.read("/api/runs/" + uuid(1) + "/attachments");
  const auto& files = listed.at("items").as_array();
  REQUIRE(files.size() == 3);
  CHECK(files[0].at("size_bytes") == 5);
  CHECK(files[1].at("is_picture") == false);  // It may hold a program.
  CHECK(files[2].at("is_picture") == true);
  const http::Response shown = f.get(text_of(files[2].at("url")));
  CHECK(shown.body == "PNG");
  CHECK(shown.headers.get("content-disposition") == "inline");
  CHECK(shown.headers.get("content-security-policy").find("sandbox") != std::string::npos);
  CHECK(f.get(text_of(files[1].at("url"))).headers.get("content-disposition") == "attachment");
  CHECK(f.get("/api/runs/none/attachments").status == 404);
}

TEST_CASE("attachments are read by their signed link, and deleted after their run") {
  Fixture f;
  must(f.attachments.put(Context(), {{uuid(1), "a.txt", "text/plain", "bytes"},
                                     {uuid(1), "b", "image/png", "bytes"}}));
  const auto found = must(f.attachments.of_runs(Context(), {uuid(1), uuid(2)}));
  REQUIRE(found.size() == 1);
  const std::string link = f.attachments.link(found.at(uuid(1))[0]);
  CHECK(f.get("/api/v1" + link, "nobody").body == "bytes");
  std::string other = link;
  other.back() = other.back() == '0' ? '1' : '0';
  CHECK(f.get("/api/v1" + other).status == 404);
  f.clock.advance(std::chrono::hours(25));
  CHECK(f.get("/api/v1" + link).status == 403);
  const auto has_run = [](const std::string&) -> Result<bool> { return false; };
  CHECK(must(f.attachments.remove_orphans(Context(), 1, has_run)) == 1);
  CHECK(must(f.blobs->list()).size() == 1);  // The other one has the same bytes.
  CHECK(must(f.attachments.remove_orphans(Context(), 10, has_run)) == 1);
  CHECK(must(f.blobs->list()).empty());
}

TEST_CASE("a shared link shows a run and what is below it, and nothing else of the trace") {
  Fixture f;
  f.put({run(uuid(1), uuid(1)), run(uuid(1), uuid(2), uuid(1), 1),
         run(uuid(1), uuid(3), uuid(2), 2), run(uuid(1), uuid(4), uuid(1), 3)});
  const json::Value shared =
      Fixture::body_of(f.send_json("PUT", "/runs/" + uuid(2) + "/share", "{}"));
  const std::string token = text_of(shared.at("share_token"));
  const std::string base = "/public/" + token;
  CHECK(text_of(Fixture::body_of(f.get(base + "/run", "nobody")).at("id")) == uuid(2));
  CHECK(f.get(base + "/run/" + uuid(3), "nobody").status == 200);
  CHECK(f.get(base + "/run/" + uuid(4), "nobody").status == 404);
  CHECK(names(Fixture::body_of(f.send_json("POST", base + "/runs/query", "{}", "nobody")), "runs",
              "id") == uuid(2) + " " + uuid(3));
  CHECK(f.get("/runs/" + uuid(2) + "/share", "nobody").status == 401);
  f.send_json("DELETE", "/runs/" + uuid(2) + "/share", "");
  CHECK(f.get(base + "/run", "nobody").status == 404);
}

TEST_CASE("runs wait in a queue in the order in which they were added, until they are completed") {
  Fixture f;
  for (int i = 1; i < 4; ++i) f.put(run(uuid(i), uuid(i), "", i));
  const json::Value queue = Fixture::body_of(
      f.send_json("POST", "/annotation-queues", R"({"name": "look", "rubric_instructions": "r"})"));
  const std::string path = "/annotation-queues/" + text_of(queue.at("id"));
  const std::string ids = fmt::format(R"(["{}", "{}", "{}"])", uuid(1), uuid(2), uuid(3));
  const json::Value added = Fixture::body_of(f.send_json("POST", path + "/runs", ids));
  Fixture::body_of(f.send_json("POST", path + "/runs", ids));  // Once is enough.
  CHECK(f.read(path + "/size").at("size").as_int64() == 3);
  CHECK(text_of(f.read(path + "/run/0").at("id")) == uuid(1));
  CHECK(f.read(path + "/run/0").at("added_at").is_string());
  f.send_json("POST", "/annotation-queues/status/" + text_of(added.at(0).at("id")),
              R"({"status": "completed"})");
  CHECK(text_of(f.read(path + "/run/0").at("id")) == uuid(2));
  CHECK(f.read(path + "/runs?status=completed").as_array().size() == 1);
  CHECK(f.get(path + "/run/2").status == 404);
  Fixture::body_of(f.send_json("DELETE", path + "/runs/" + uuid(3), ""));
  CHECK(f.read(path + "/total_size").at("size").as_int64() == 2);
  CHECK(f.read("/annotation-queues/" + uuid(2) + "/queues").as_array().size() == 1);
  CHECK(f.send_json("POST", path + "/runs", R"(["00000000-0000-4000-8000-999999999999"])").status ==
        404);
  Fixture::body_of(f.send_json("DELETE", path, ""));
  CHECK(f.get(path).status == 404);
}

}  // namespace slipway::trace
