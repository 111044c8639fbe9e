#include "api/mount.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "api/detail/fixture.hpp"
#include "core/log.hpp"

using namespace slipway;
using namespace slipway::api;
using namespace slipway::api::detail;

namespace {

struct Quiet {
  Quiet() { log::set_level(log::Level::off); }
  ~Quiet() { log::set_level(log::Level::warning); }
};

const std::string handbook =
    "# Budgets\n\nA budget is reserved before a call is made. The retention period for traces is "
    "30 days by default.\n";

std::string text_of(const json::Value& value) { return std::string(value.as_string()); }

std::string document_path(const json::Value& document) {
  return "/api/collections/default/documents/" + text_of(document.at("id"));
}

json::Value wait_for_job(Fixture& f, const http::Response& accepted) {
  CHECK(accepted.status == 202);
  const std::string location(accepted.headers.get("location"));
  json::Value job;
  for (int i = 0; i < 5000; ++i) {
    job = Fixture::body_of(f.get(location));
    if (job.at("state") != "queued" && job.at("state") != "running") return job;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL("the job does not end: " << json::dump(job));
  return job;
}

}  // namespace

TEST_CASE("a text comes in, is listed, read, found, asked for and erased") {
  Fixture f;
  const json::Value document = f.bring("notes/budgets", handbook);
  CHECK(Fixture::body_of(f.get(document_path(document))) == document);
  const auto text = f.get(document_path(document) + "/text");
  CHECK(text.body == handbook);
  CHECK(text.headers.get("content-type") == "text/plain; charset=utf-8");

  const json::Value found =
      Fixture::body_of(f.post("/api/search", json::Object{{"query", "retention of traces"}}));
  CHECK(found.at("items").at(0).at("uri") == "notes/budgets");
  const json::Value answer = Fixture::body_of(f.post(
      "/api/ask",
      json::Object{{"question", "What is the retention period for traces?"}, {"mode", "extract"}}));
  CHECK(answer.at("refused") == false);
  CHECK(text_of(answer.at("citations").at(0).at("quote")).find("30 days") != std::string::npos);

  const std::string receipt = text_of(answer.at("receipt_id"));
  CHECK(Fixture::body_of(f.get("/api/receipts/" + receipt)).is_object());
  const json::Value replay = Fixture::body_of(
      f.send({.method = "POST", .target = "/api/receipts/" + receipt + "/replay"}));
  CHECK(replay.at("retrieval") == "identical");
  CHECK(Fixture::body_of(f.remove(document_path(document))).at("remaining").as_array().empty());
  CHECK(f.get(document_path(document)).status == 404);
}

TEST_CASE("an ingest is a job unless the caller waits") {
  Fixture f;
  const auto accepted =
      f.post("/api/collections/default/documents", json::Object{{"uri", "a"}, {"text", handbook}});
  const json::Value job = wait_for_job(f, accepted);
  CHECK(job.at("state") == "done");
  CHECK(job.at("result").at("added") == 1);
  CHECK(job.at("progress").at("done") == 1);
  CHECK(Fixture::body_of(f.get("/api/jobs")).at("items").as_array().size() == 1);
  CHECK(f.remove("/api/jobs/" + text_of(job.at("id"))).status == 204);
  CHECK(f.get("/api/jobs/" + text_of(job.at("id"))).status == 404);
}

TEST_CASE("files are uploaded with metadata, known again by name, and given back byte for byte") {
  Fixture f;
  const std::string html = "<h1>Budgets</h1><p>A budget is reserved before a call.</p>";
  const std::string target = "/api/collections/default/documents?wait=true";
  const std::string parts = Fixture::part("name=files; filename=\"docs/a b.html\"", html) +
                            Fixture::part("name=files; filename=\"..\\b.md\"", handbook) +
                            Fixture::part("name=metadata", R"({"team": "core"})");
  CHECK(Fixture::body_of(f.upload(target, parts)).at("added") == 2);
  CHECK(Fixture::body_of(f.upload(target, parts)).at("unchanged") == 2);
  const json::Value list = Fixture::body_of(f.get("/api/collections/default/documents"));
  const json::Value& page = list.at("items").at(1);
  CHECK(page.at("uri") == "upload:docs%2Fa%20b.html");
  CHECK(page.at("path") == "docs/a b.html");
  CHECK(page.at("metadata").at("team") == "core");
  CHECK(list.at("items").at(0).at("path") == "b.md");
  const auto original = f.get(document_path(page) + "/original");
  CHECK(original.body == html);
  CHECK(original.headers.get("content-type") == "text/html");
  CHECK(original.headers.get("content-security-policy") == "default-src 'none'; sandbox");
  CHECK(f.get(document_path(page) + "/pages/1").status == 404);
}

TEST_CASE("files of the server are read only from folders that are allowed") {
  Fixture f;
  const Quiet quiet;
  f.folder.write("a.md", handbook);
  const std::string target = "/api/collections/default/documents?wait=true";
  const std::string inside = (f.folder.path / "a.md").string();
  CHECK(Fixture::body_of(f.post(target, json::Object{{"uri", inside}})).at("added") == 1);
  for (const char* path : {"/etc/hostname", "file:///etc/hostname", "../..", "/etc/none", "*"}) {
    CAPTURE(path);
    CHECK(f.post(target, json::Object{{"uri", path}}).status == 403);
  }
}

TEST_CASE("contradictions of an ingest are told before a job is made") {
  Fixture f;
  const Quiet quiet;
  const std::string target = "/api/collections/default/documents";
  CHECK(f.post(target, json::Object{{"uri", "a"}, {"media_type", "text/plain"}}).status == 400);
  CHECK(f.post(target, json::Object{{"uri", "a"}, {"text", "b"}, {"sync", true}}).status == 400);
  CHECK(f.post(target, json::Object{{"text", "b"}}).status == 400);
  CHECK(f.post("/api/collections/a%2Fb/documents", json::Object{{"uri", "a"}, {"text", "b"}})
            .status == 400);
  CHECK(Fixture::body_of(f.get("/api/jobs")).at("items").as_array().empty());
  CHECK(f.post(target + "?wait=true", json::Object{{"uri", "file:///a"}, {"text", "b"}}).status ==
        400);
}

TEST_CASE("an answer is streamed: passages, sentences with their new citations, the whole") {
  Fixture f;
  f.bring("notes/budgets", handbook);
  const json::Object question{{"question", "What is the retention period for traces?"},
                              {"mode", "extract"}};
  const auto response = f.post("/api/ask", question, "text/event-stream");
  CHECK(response.status == 200);
  const std::size_t passages = response.body.find("event: passages\n");
  const std::size_t sentence = response.body.find("event: sentence\n");
  const std::size_t done = response.body.find("event: done\n");
  CHECK(passages == 0);
  CHECK(passages < sentence);
  CHECK(sentence < done);
  CHECK(done != std::string::npos);
  json::Object streamed = question;
  streamed["stream"] = true;
  CHECK(f.post("/api/ask", streamed).headers.get("content-type") == "text/event-stream");
  streamed["collection"] = "none";
  CHECK(f.post("/api/ask", streamed).status == 404);
}

TEST_CASE("a job is followed to its end by events") {
  Fixture f;
  const auto accepted =
      f.post("/api/collections/default/documents", json::Object{{"uri", "a"}, {"text", handbook}});
  const std::string location(accepted.headers.get("location"));
  const auto events = f.get(location + "/events");
  CHECK(events.headers.get("content-type") == "text/event-stream");
  CHECK(events.body.find("event: done\ndata: {\"id\":\"job_") != std::string::npos);
  CHECK(f.get(location + "/events").body.starts_with("event: done\n"));
  CHECK(f.get("/api/jobs/none/events").status == 404);
}

TEST_CASE("collections are made, shown, listed page by page and deleted") {
  Fixture f;
  for (const char* name : {"b", "a", "c"}) {
    const auto made = f.post("/api/collections", json::Object{{"name", name}});
    CHECK(Fixture::body_of(made, 201).at("documents") == 0);
    CHECK(made.headers.get("location") == std::string("/api/collections/") + name);
  }
  CHECK(f.post("/api/collections", json::Object{{"name", "a"}}).status == 409);
  CHECK(f.post("/api/collections", json::Object{{"name", "a b"}}).status == 400);
  json::Object settings{{"embedder", "none"}};
  CHECK(f.post("/api/collections", json::Object{{"name", "d"}, {"settings", settings}}).status ==
        404);
  settings = {{"language", "klingon"}};
  CHECK(f.post("/api/collections", json::Object{{"name", "d"}, {"settings", settings}}).status ==
        400);
  CHECK(f.get("/api/collections/d").status == 404);
  const json::Value page = Fixture::body_of(f.get("/api/collections?limit=2"));
  CHECK(page.at("items").at(1).at("name") == "b");
  const json::Value rest = Fixture::body_of(f.get("/api/collections?limit=2&cursor=b"));
  CHECK(rest.at("items").as_array().size() == 1);
  CHECK(rest.at("next_cursor").is_null());
  CHECK(f.remove("/api/collections/a").status == 204);
  CHECK(f.remove("/api/collections/a").status == 404);
}

TEST_CASE("versions are named, compared and dropped") {
  Fixture f;
  f.bring("a", handbook);
  const json::Value made = Fixture::body_of(
      f.post("/api/collections/default/versions", json::Object{{"name", "before"}}), 201);
  CHECK(made.at("names").at(0) == "before");
  f.bring("b", "# Rockets\n\nA rocket is launched.\n");
  // The name is of another version.
  CHECK(f.post("/api/collections/default/versions", json::Object{{"name", "before"}}).status ==
        409);
  const json::Value difference = Fixture::body_of(
      f.get("/api/collections/default/versions/before..current?query=rocket&query=budget"));
  CHECK(difference.at("added").at(0).at("uri") == "b");
  CHECK(difference.at("overlap").at("queries") == 2);
  CHECK(f.get("/api/collections/default/versions/before").status == 400);
  CHECK(f.get("/api/collections/default/versions/none..current").status == 404);
  CHECK(Fixture::body_of(f.get("/api/collections/default/versions")).at("current") == 2);
  CHECK(f.remove("/api/collections/default/versions/before").status == 204);
  CHECK(f.remove("/api/collections/default/versions/before").status == 404);
}

TEST_CASE("a migration is a job, and the way back is one") {
  Fixture f;
  f.bring("a", handbook);
  const std::string base = "/api/collections/default";
  const json::Value job = wait_for_job(
      f, f.post(base + "/migrate",
                json::Object{{"splitter", json::Object{{"kind", "token"}, {"chunk_size", 20}}}}));
  CHECK(job.at("state") == "done");
  CHECK(job.at("result").at("switched") == true);
  const json::Value back =
      wait_for_job(f, f.send({.method = "POST", .target = base + "/rollback"}));
  CHECK(back.at("state") == "done");
  CHECK(f.post("/api/collections/none/migrate", json::Object{}).status == 404);
  const json::Value optimized =
      wait_for_job(f, f.send({.method = "POST", .target = base + "/optimize"}));
  CHECK(optimized.at("state") == "done");
  CHECK(Fixture::body_of(f.get(base + "/index?recall_queries=2")).at("recall").is_object());
}

TEST_CASE("the instance tells what it is, its settings and its models") {
  Fixture f;
  CHECK(json::dump(Fixture::body_of(f.get("/api/about"))) == R"({"name":"slipway","version":"7"})");
  CHECK(Fixture::body_of(f.get("/api/settings")).at("data") == ".slipway");
  CHECK(Fixture::body_of(f.get("/api/models")).at("items").at(0).at("task") == "embed");
}

TEST_CASE("filters are held to their language before a search begins") {
  Fixture f;
  f.bring("a", handbook);
  const auto search = [&](const char* filter) {
    return f
        .post("/api/search",
              json::Object{{"query", "budget"}, {"filter", must(json::parse(filter))}})
        .status;
  };
  CHECK(search(R"({"year": {"$gte": 2024}, "$or": [{"a": "b"}, {"c": {"$in": [1]}}]})") == 200);
  CHECK(search("null") == 200);
  CHECK(search(R"({"$nor": []})") == 400);
  CHECK(search(R"({"$or": []})") == 400);
  CHECK(search(R"({"year": {"$gt": true}})") == 400);
  CHECK(search(R"({"year": {}})") == 400);
  CHECK(search(R"({"year": null})") == 400);
  CHECK(search(R"({"year": [1]})") == 400);
}
