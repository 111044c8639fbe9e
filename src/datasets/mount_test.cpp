#include "datasets/mount.hpp"

#include <doctest/doctest.h>

#include "datasets/detail/fixture.hpp"

namespace slipway::datasets::detail {

namespace {

constexpr const char* example_id = "7c5e2f3e-1111-4000-8000-000000000001";
constexpr trace::Nanoseconds eight_o_clock = 1'795'420'800'000'000'000;

std::string make_dataset(Site& site, const std::string& prefix = "/langsmith") {
  return text_of(site.read("POST", prefix + "/datasets",
                           R"({"name":"goldens","extra":{"metadata":{"k":"v"}}})")
                     .at("id"));
}

trace::RunPatch run(const std::string& id, const std::string& project) {
  trace::RunPatch patch;
  patch.id = patch.trace_id = id;
  patch.project = project;
  patch.name = "target";
  patch.kind = trace::Kind::chain;
  patch.start = eight_o_clock;
  patch.end = eight_o_clock + 1'000'000;
  patch.inputs = trace::Payload{R"({"q": 1.0})"};
  patch.outputs = trace::Payload{"plain words", true};
  return patch;
}

}  // namespace

TEST_CASE("datasets are made and read at every place of the face") {
  for (const char* prefix : {"", "/langsmith", "/api/v1", "/langsmith/api/v1"}) {
    CAPTURE(prefix);
    Site site;
    const std::string id = make_dataset(site, prefix);
    const json::Value read = site.read("GET", std::string(prefix) + "/datasets/" + id);
    CHECK(read.at("name") == "goldens");
    CHECK(read.at("metadata").at("k") == "v");
    CHECK(read.at("example_count") == 0);
    const auto list = site.read("GET", std::string(prefix) + "/datasets?name=goldens&limit=1");
    CHECK(list.as_array().size() == 1);
    const std::string platform = std::string(prefix).ends_with("v1") ? "/platform" : "/v1/platform";
    const http::Response added =
        site.ask("POST", prefix + platform + "/datasets/" + id + "/examples",
                 multipart({{example_id, "application/json", "{}"},
                            {std::string(example_id) + ".inputs", "application/json", "{}"}}),
                 multipart_type);
    CHECK(added.status == 201);
    CHECK(site.ask("POST", std::string(prefix) + "/datasets", R"({"name":"goldens"})").status ==
          409);
    CHECK(site.ask("GET", std::string(prefix) + "/datasets/" + example_id).status == 404);
  }
}

TEST_CASE("multipart examples come out as they went in, with their files") {
  Site site;
  const std::string id = make_dataset(site), one = example_id;
  site.ask("POST", "/langsmith/v1/platform/datasets/" + id + "/examples",
           multipart({{one, "application/json", R"({"metadata":{"m":1},"split":["train"]})"},
                      {one + ".inputs", "application/json", R"({"n": 1.0})"},
                      {one + ".outputs", "application/json", R"({"a":2})"},
                      {one + ".attachment.a.txt", "text/plain; length=5", "b\r\n--"}}),
           multipart_type);
  const json::Value read = site.read("GET", "/langsmith/examples/" + one);
  CHECK(site.ask("GET", "/langsmith/examples/" + one).body.find(R"({"n": 1.0})") !=
        std::string::npos);
  CHECK(read.at("metadata").at("dataset_split").as_array().front() == "train");
  const std::string url =
      text_of(read.at("attachment_urls").at("attachment.a.txt").at("presigned_url"));
  REQUIRE(url.starts_with("http://slipway.test/public/attachments/"));
  const http::Response bytes =
      site.ask("GET", url.substr(std::string("http://slipway.test").size()));
  CHECK(bytes.status == 200);
  CHECK(bytes.body == "b\r\n--");
  CHECK(bytes.headers.get("content-type") == "text/plain");
  CHECK(site.ask("GET", "/public/attachments/" + one).status == 404);
  // Lists tell links only where they are asked for.
  const json::Value list = site.read("GET", "/langsmith/examples?dataset=" + id);
  CHECK_FALSE(list.as_array().front().as_object().contains("attachment_urls"));
  const json::Value some = site.read(
      "GET", "/langsmith/examples?dataset=" + id + "&select=attachment_urls&splits=train");
  CHECK(some.as_array().front().as_object().contains("attachment_urls"));
  for (const char* body : {"", "--b--", "--b\r\n\r\n\r\n--b--"})
    CHECK(site.ask("POST", "/langsmith/v1/platform/datasets/" + id + "/examples", body,
                   multipart_type)
              .status == 400);
}

TEST_CASE("a table becomes a dataset") {
  Site site;
  const std::string file =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"qa.csv\"\r\n"
      "Content-Type: text/csv\r\n\r\nq,a\nWhat?,That\n\r\n";
  const auto field = [](const char* name, const char* value) {
    return fmt::format("--b\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", name,
                       value);
  };
  const http::Response made = site.ask(
      "POST", "/datasets/upload",
      file + field("input_keys", "q") + field("output_keys", "a") + "--b--\r\n", multipart_type);
  REQUIRE(made.status == 200);
  const json::Value dataset = must(json::parse(made.body));
  CHECK(dataset.at("name") == "qa.csv");
  CHECK(dataset.at("example_count") == 1);
  const std::string csv =
      site.ask("GET", "/langsmith/datasets/" + text_of(dataset.at("id")) + "/csv").body;
  CHECK(csv.find("input_q,output_a\r\n") != std::string::npos);
  const http::Response wrong = site.ask(
      "POST", "/datasets/upload", file + field("input_keys", "none") + "--b--\r\n", multipart_type);
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("it has: q, a") != std::string::npos);
}

TEST_CASE("an experiment's runs stand beside their examples") {
  Site site;
  const std::string id = make_dataset(site);
  const Written added = site.add(id, R"({"q":1})");
  const json::Value session = site.read("POST", "/langsmith/sessions",
                                        R"({"name":"trial","reference_dataset_id":")" + id + "\"}");
  trace::RunPatch one = run("7c5e2f3e-2222-4000-8000-000000000001", "trial");
  one.reference_example_id = added.example_ids[0];
  must(site.store->ingest(site.context,
                          {one, run("7c5e2f3e-2222-4000-8000-000000000002", "trial")}));
  const std::string body = R"({"session_ids":[")" + text_of(session.at("id")) + "\"]}";
  const json::Value rows = site.read("POST", "/langsmith/datasets/" + id + "/runs", body);
  REQUIRE(rows.as_array().size() == 1);
  CHECK(text_of(rows.at(0).at("id")) == added.example_ids[0]);
  REQUIRE(rows.at(0).at("runs").as_array().size() == 1);
  CHECK(text_of(rows.at(0).at("runs").at(0).at("id")) == one.id);
  CHECK(site.read("GET", "/langsmith/datasets/" + id).at("session_count") == 1);
  const json::Value comparison = site.read("POST", "/langsmith/datasets/comparative",
                                           R"({"experiment_ids":[")" + text_of(session.at("id")) +
                                               R"("],"reference_dataset_id":")" + id + "\"}");
  CHECK(comparison.at("experiments_info").at(0).at("name") == "trial");
  CHECK(site.read("GET", "/langsmith/datasets/" + id + "/comparative").as_array().size() == 1);
  const json::Value native = site.read("GET", "/api/datasets/goldens/experiments");
  CHECK(native.at("items").at(0).at("name") == "trial");
  CHECK(site.ask("POST", "/langsmith/datasets/" + id + "/runs", R"({"session_ids":[]})").status ==
        400);
}

TEST_CASE("who has the link reads a shared dataset, until it is withdrawn") {
  Site site;
  const std::string id = make_dataset(site);
  site.add(id, R"({"q":1})");
  const std::string share = "/langsmith/datasets/" + id + "/share";
  CHECK(site.ask("GET", share).status == 404);
  const std::string token = text_of(site.read("PUT", share).at("share_token"));
  CHECK(text_of(site.read("PUT", share).at("share_token")) == token);
  http::Request stranger{.method = "GET", .target = "/langsmith/public/" + token + "/examples"};
  stranger.headers.add("x-api-key", "nobody");
  CHECK(site.send(stranger).status == 200);
  CHECK(text_of(site.read("GET", "/langsmith/public/" + token + "/datasets").at("id")) == id);
  CHECK(site.ask("DELETE", share).status == 200);
  CHECK(site.send(stranger).status == 404);
  stranger.target = "/langsmith/datasets/" + id;
  CHECK(site.send(stranger).status == 403);
}

TEST_CASE("native routes make, fill, name and give out a dataset") {
  Site site;
  CHECK(site.ask("POST", "/api/datasets", R"({"name":"goldens"})").status == 201);
  CHECK(site.ask("POST", "/api/datasets", R"({"name":"a/b"})").status == 400);
  const json::Value written = site.read(
      "POST", "/api/datasets/goldens/examples",
      R"({"examples":[{"inputs":{"n": 1.0},"outputs":{"a":1},"splits":["s"]},{"inputs":{}}]})");
  CHECK(written.at("ids").as_array().size() == 2);
  site.read("PUT", "/api/datasets/goldens/tags", R"({"tag":"v1"})");
  site.tick();
  const std::string first = text_of(written.at("ids").at(0));
  CHECK(site.ask("DELETE", "/api/datasets/goldens/examples/" + first).status == 204);
  CHECK(site.read("GET", "/api/datasets/goldens/examples").at("items").as_array().size() == 1);
  const http::Response old = site.ask("GET", "/api/datasets/goldens@v1/examples?split=s");
  CHECK(old.body.find(R"("inputs":{"n": 1.0})") != std::string::npos);
  const json::Value details = site.read("GET", "/api/datasets/goldens@v1");
  CHECK(details.at("version").at("tags").as_array().front() == "v1");
  CHECK(text_of(details.at("digest")).starts_with("sha256:"));
  CHECK(text_of(site.read("GET", "/api/datasets/goldens/diff?from=v1").at("removed").at(0)) ==
        first);
  const http::Response file = site.ask("GET", "/api/datasets/goldens@v1/export");
  CHECK(std::count(file.body.begin(), file.body.end(), '\n') == 2);
  CHECK(site.ask("GET", "/api/datasets/goldens@none").status == 404);
  CHECK(site.ask("GET", "/api/datasets/none").status == 404);
}

TEST_CASE("runs become examples once, alone or by a query") {
  Site site;
  site.read("POST", "/api/datasets", R"({"name":"goldens"})");
  must(site.store->ingest(site.context, {run("r1", "shop"), run("r2", "shop"), run("r3", "else")}));
  const json::Value one = site.read("POST", "/api/datasets/goldens/examples",
                                    R"({"from_run":"r1","outputs":{"a": 2.0}})");
  const std::string id = text_of(one.at("ids").at(0));
  const http::Response read = site.ask("GET", "/api/datasets/goldens/examples/" + id);
  CHECK(read.body.find(R"("inputs":{"q": 1.0},"outputs":{"a": 2.0})") != std::string::npos);
  CHECK(site.ask("POST", "/api/datasets/goldens/examples", R"({"from_run":"r1"})").status == 409);
  CHECK(site.ask("POST", "/api/datasets/goldens/examples", R"({"from_run":"none"})").status == 404);
  CHECK(site.ask("POST", "/api/datasets/goldens/examples", "{}").status == 400);
  const std::string traffic = R"({"project":"shop","filter":{"name":"target"}})";
  const json::Value many = site.read("POST", "/api/datasets/goldens/from-traces", traffic);
  CHECK(many.at("ids").as_array().size() == 1);
  CHECK(many.at("skipped") == 1);
  CHECK(site.read("POST", "/api/datasets/goldens/from-traces", traffic).at("skipped") == 2);
  const http::Response list = site.ask("GET", "/api/datasets/goldens/examples?limit=1&cursor=1");
  CHECK(list.body.find(R"("outputs":{"output":"plain words"})") != std::string::npos);
}

TEST_CASE("files of examples are taken in, and what is wrong is told with its line") {
  Site site;
  site.read("POST", "/api/datasets", R"({"name":"goldens"})");
  const auto upload = [&](const std::string& name, const std::string& bytes) {
    return site.ask("POST", "/api/datasets/goldens/import",
                    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
                        "\"\r\n\r\n" + bytes + "\r\n--b--\r\n",
                    multipart_type);
  };
  CHECK(upload("a.jsonl", "{\"inputs\":{\"q\":1},\"outputs\":{\"a\":1}}\n\n").status == 201);
  CHECK(upload("a.csv", "input_q,output_a,topic\nWhat?,That,x\n").status == 201);
  const http::Response wrong = upload("a.jsonl", "{\"inputs\":{}}\n{\"input\":{}}\n");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("line 2: inputs: is required") != std::string::npos);
  const json::Value all = site.read("GET", "/api/datasets/goldens/examples");
  REQUIRE(all.at("items").as_array().size() == 2);
  CHECK(all.at("items").at(1).at("metadata").at("topic") == "x");
  // What was given out comes in again.
  const std::string file = site.ask("GET", "/api/datasets/goldens/export").body;
  site.read("POST", "/api/datasets", R"({"name":"copy"})");
  CHECK(file.find("\"split\":[\"base\"]") != std::string::npos);
}

}  // namespace slipway::datasets::detail
