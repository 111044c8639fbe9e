#include "http/api.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "core/log.hpp"
#include "http/fake_exchange.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

enum class Mode { fast, slow };
BOOST_DESCRIBE_ENUM(Mode, fast, slow)

struct ItemPath {
  std::string id;
  bool deep = false;
  std::optional<int> limit;
  std::vector<std::string> tag;
  Mode mode = Mode::fast;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"id": {"maxLength": 8, "description": "Which."},
                         "limit": {"minimum": 1}}})";
};
BOOST_DESCRIBE_STRUCT(ItemPath, (), (id, deep, limit, tag, mode))

struct Question {
  std::string query;
  int limit = 10;
  std::optional<Mode> mode;
  static constexpr std::string_view required[] = {"query"};
  Result<void> validate() const {
    if (query == "bad") return fail(Code::invalid_argument, "query: is bad");
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(Question, (), (query, limit, mode))

struct Reply {
  std::string text;
  std::optional<int> number;
};
BOOST_DESCRIBE_STRUCT(Reply, (), (text, number))

struct Fields {
  json::Object metadata;
  bool wait = false;
};
BOOST_DESCRIBE_STRUCT(Fields, (), (metadata, wait))

/// Routes of every kind; what is asked is answered at once, on the pool's only thread.
struct Fixture {
  Pool pool{{.threads = 2}};
  Router router{pool};
  std::optional<Error> refusal;
  std::vector<std::string> roles;
  std::vector<EventStream> kept;
  std::atomic<bool> has_kept{false};  ///< Then `kept` is the test's.
  Api api{router,
          {.title = "Test",
           .version = "7",
           .admit = [this](const Request&, std::string_view role) -> Result<void> {
             roles.emplace_back(role);
             if (refusal) return *refusal;
             return {};
           },
           .checks_replies = true}};

  Fixture() {
    add_plain_routes();
    add_streams_and_forms();
    api.add_tag("things", "All of them.");
    api.publish();
  }

  void add_plain_routes() {
    api.get<ItemPath, Reply>(
        "/api/items/{id}", {.summary = "One item", .tag = "things", .role = "read"},
        [](const Call&, const ItemPath& path) -> Result<Reply> {
          if (path.id == "none") return fail(Code::not_found, "there is no item '{}'", path.id);
          return Reply{fmt::format("{} {} {} {}", path.id, path.deep, fmt::join(path.tag, "+"),
                                   json::name(path.mode)),
                       path.limit};
        });
    api.post<NoParameters, Question, Reply>(
        "/api/ask", {.summary = "Ask", .tag = "things", .role = "write"},
        [](const Call& call, const NoParameters&, const Question& question) -> Result<Reply> {
          if (question.query == "throw") throw std::runtime_error("secret of the server");
          if (question.query == "internal") return fail(Code::internal, "secret of the server");
          if (question.query == "busy") return fail(Code::rate_limited, "later");
          return Reply{question.query + call.request().id, question.limit};
        });
    api.post<NoParameters, NoBody, Created<Reply>>(
        "/api/things", {.summary = "Make"},
        [](const Call&, const NoParameters&, NoBody) -> Result<Created<Reply>> {
          Created<Reply> made;
          made.value.text = "made";
          made.location = "/api/items/1";
          return made;
        });
    api.remove<ItemPath, NoContent>(
        "/api/items/{id}", {.summary = "Delete"},
        [](const Call&, const ItemPath&) { return Result<NoContent>(NoContent{}); });
    api.get<NoParameters, Text>(
        "/api/text", {.summary = "Text"},
        [](const Call&, const NoParameters&) { return Result<Text>(Text{"plain"}); });
    api.get<NoParameters, Bytes>(
        "/api/bytes", {.summary = "Bytes"}, [](const Call&, const NoParameters&) {
          return Result<Bytes>(Bytes{"%PDF", "application/pdf", "ä \".pdf"});
        });
  }

  void add_streams_and_forms() {
    using Mixed = std::variant<Reply, Streamed>;
    api.post<NoParameters, Question, Mixed>(
        "/api/stream", {.summary = "Stream"},
        [this](const Call& call, const NoParameters&, const Question& question) -> Result<Mixed> {
          if (!call.wants_events()) return Mixed(Reply{"whole", 1});
          if (question.query == "early") return fail(Code::conflict, "before the first");
          EventStream events = call.events();
          TRY(events.send(call.context(), "part", Reply{"a\nb", 1}));
          if (question.query == "late") return fail(Code::unavailable, "after the first");
          if (question.query == "keep") {
            kept.push_back(events);
            has_kept = true;
          } else if (question.query != "forget")
            events.end();
          return Mixed(Streamed{});
        });
    using Either = std::variant<Question, Form<Fields>>;
    api.post<NoParameters, Either, Reply>(
        "/api/files", {.summary = "Files"},
        [](const Call&, const NoParameters&, const Either& body) -> Result<Reply> {
          if (const auto* question = std::get_if<Question>(&body)) return Reply{question->query, 0};
          const auto& form = std::get<Form<Fields>>(body);
          return Reply{
              form.files[0].name + TRY(form.files[0].read()) + json::dump(json::to(form.fields)),
              static_cast<int>(form.files.size())};
        });
  }

  std::shared_ptr<FakeExchange> start(Request request) {
    auto exchange = std::make_shared<FakeExchange>(std::move(request));
    router.dispatch(exchange);
    return exchange;
  }
  Response send(Request request) {
    const auto exchange = start(std::move(request));
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  Response get(const std::string& target, Headers headers = {}) {
    return send({.method = "GET", .target = target, .headers = std::move(headers)});
  }
  Response post(const std::string& target, std::string body,
                Headers headers = {{"Content-Type", "application/json"}}) {
    return send({.method = "POST",
                 .target = target,
                 .headers = std::move(headers),
                 .body = std::move(body)});
  }
};

Problem problem_in(const Response& response, int status) {
  CHECK(response.status == status);
  CHECK(response.headers.get("content-type") == "application/problem+json");
  auto problem = json::from<Problem>(*json::parse(response.body));
  if (!problem) FAIL(problem.error().message());
  CHECK(problem->status == status);
  CHECK(problem->instance == "test-request");
  return *problem;
}

const Headers events_wanted{{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};

struct Quiet {
  Quiet() { log::set_level(log::Level::off); }
  ~Quiet() { log::set_level(log::Level::warning); }
};

}  // namespace

TEST_CASE("path and query become a struct, and the struct of the reply becomes JSON") {
  Fixture f;
  const Response response = f.get("/api/items/a%20b?deep=true&limit=3&tag=x&tag=y%2Bz&mode=slow");
  CHECK(response.status == 200);
  CHECK(response.headers.get("content-type") == "application/json");
  CHECK(response.body == R"({"text":"a b true x+y+z slow","number":3})");
  CHECK(f.get("/api/items/a").body == R"({"text":"a false  fast","number":null})");
}

TEST_CASE("every wrong parameter is told, with what would be right") {
  Fixture f;
  const Problem problem =
      problem_in(f.get("/api/items/much-too-long?deep=1&limit=0&mode=quick&dep=true&limit=1"), 400);
  CHECK(problem.type == "urn:slipway:problem:invalid_argument");
  std::map<std::string, std::string> by_path;
  for (const Issue& issue : problem.errors) by_path[issue.path] += issue.message + ";";
  CHECK(by_path.at("/path/id") == "is longer than 8 characters;");
  CHECK(by_path.at("/query/deep") == "expected true or false, got \"1\";");
  CHECK(by_path.at("/query/limit") == "is given twice;");
  CHECK(by_path.at("/query/mode") == "expected one of: fast, slow; got \"quick\";");
  CHECK(by_path.at("/query/dep") == "is not known; did you mean 'deep'?;");
  CHECK(problem_in(f.get("/api/items/a?limit=0"), 400).detail ==
        "/query/limit: 0 is out of range 1..2147483647");
  CHECK(problem_in(f.get("/api/items/a?limit=x"), 400).errors[0].path == "/query/limit");
  CHECK(problem_in(f.get("/api/items/a?id=b"), 400).errors.size() == 1);
  CHECK(problem_in(f.get("/api/items/a?deep=%zz"), 400).detail.find("escape") != std::string::npos);
}

TEST_CASE("a body is checked whole, and its own validation counts") {
  Fixture f;
  CHECK(f.post("/api/ask", R"({"query": "q", "limit": 2})").body ==
        R"({"text":"qtest-request","number":2})");
  CHECK(problem_in(f.post("/api/ask", R"({"limit": "x", "mod": 1})"), 400).errors.size() == 3);
  CHECK(problem_in(f.post("/api/ask", R"({"query": )"), 400).errors[0].path == "/body");
  CHECK(problem_in(f.post("/api/ask", R"({"query": "bad"})"), 400).detail ==
        "/body: query: is bad");
  CHECK(problem_in(f.post("/api/things", "{}"), 400).detail.find("takes no body") !=
        std::string::npos);
}

TEST_CASE("errors of a handler are problems with the status of their code") {
  Fixture f;
  CHECK(problem_in(f.get("/api/items/none"), 404).detail == "there is no item 'none'");
  const Response busy = f.post("/api/ask", R"({"query": "busy"})");
  CHECK(problem_in(busy, 429).type == "urn:slipway:problem:rate_limited");
  CHECK(busy.headers.get("retry-after") == "1");
}

TEST_CASE("an exception and an internal error tell the caller only where to look") {
  Fixture f;
  const Quiet quiet;
  for (const char* body : {R"({"query": "throw"})", R"({"query": "internal"})"}) {
    const Problem problem = problem_in(f.post("/api/ask", body), 500);
    CHECK(problem.detail.find("secret") == std::string::npos);
    CHECK(problem.detail.find("test-request") != std::string::npos);
  }
}

TEST_CASE("a caller is admitted before anything of the request is read") {
  Fixture f;
  f.refusal = fail(Code::unauthenticated, "no key");
  const Response response = f.post("/api/ask", "not JSON", {});
  CHECK(problem_in(response, 401).detail == "no key");
  CHECK(response.headers.get("www-authenticate") == "Bearer realm=\"slipway\"");
  CHECK(f.roles == std::vector<std::string>{"write"});
  CHECK(f.get("/api/text").status == 200);  // Needs no role.
  CHECK(f.roles.size() == 1);
}

TEST_CASE("media types that are not read or not written are refused with the right ones") {
  Fixture f;
  const std::string body = R"({"query": "q"})";
  CHECK(problem_in(f.post("/api/ask", body, {{"Content-Type", "text/plain"}}), 415).detail ==
        "Content-Type: application/json is wanted, got 'text/plain'");
  problem_in(f.post("/api/ask", body, {}), 415);
  problem_in(f.post("/api/ask", body, {{"Content-Type", "application/json; charset=utf-16"}}), 415);
  CHECK(f.post("/api/ask", body, {{"Content-Type", "application/json; charset=UTF-8"}}).status ==
        200);
  CHECK(problem_in(f.get("/api/text", {{"Accept", "application/json"}}), 406).detail ==
        "Accept: 'application/json' has none of: text/plain");
  CHECK(f.get("/api/text", {{"Accept", "text/*"}}).status == 200);
}

TEST_CASE("replies have the status, type and headers of their kind") {
  Fixture f;
  const Response made = f.post("/api/things", "", {});
  CHECK(made.status == 201);
  CHECK(made.headers.get("location") == "/api/items/1");
  const Response gone = f.send({.method = "DELETE", .target = "/api/items/1"});
  CHECK(gone.status == 204);
  CHECK(gone.body.empty());
  CHECK(f.get("/api/text").headers.get("content-type") == "text/plain; charset=utf-8");
  const Response bytes = f.get("/api/bytes");
  CHECK(bytes.headers.get("content-type") == "application/pdf");
  CHECK(bytes.headers.get("x-content-type-options") == "nosniff");
  CHECK(bytes.headers.get("content-disposition") == "inline; filename*=UTF-8''%C3%A4%20%22.pdf");
}

TEST_CASE("no route and no such method are problems below the prefix") {
  Fixture f;
  CHECK(problem_in(f.get("/api/nothing"), 404).detail == "there is nothing at /api/nothing");
  const Response response = f.send({.method = "PUT", .target = "/api/ask"});
  problem_in(response, 405);
  CHECK(response.headers.get("allow").find("POST") != std::string::npos);
}

TEST_CASE("events are named, each with JSON on one line, and end when the handler says so") {
  Fixture f;
  const Response response = f.post("/api/stream", R"({"query": "q"})", events_wanted);
  CHECK(response.status == 200);
  CHECK(response.headers.get("content-type") == "text/event-stream");
  CHECK(response.headers.get("x-accel-buffering") == "no");
  CHECK(response.body == "event: part\ndata: {\"text\":\"a\\nb\",\"number\":1}\n\n");
  CHECK(f.post("/api/stream", R"({"query": "q"})").body == R"({"text":"whole","number":1})");
}

TEST_CASE("a failure before the first event is a problem, after it an event") {
  Fixture f;
  problem_in(f.post("/api/stream", R"({"query": "early"})", events_wanted), 409);
  const Response late = f.post("/api/stream", R"({"query": "late"})", events_wanted);
  CHECK(late.status == 200);
  CHECK(late.body.find("event: error\ndata: {\"type\":\"urn:slipway:problem:unavailable\"") !=
        std::string::npos);
}

TEST_CASE("a stream may outlive its handler, and one that is forgotten breaks") {
  Fixture f;
  Request request{.method = "POST", .target = "/api/stream", .headers = events_wanted};
  request.body = R"({"query": "keep"})";
  const auto exchange = f.start(request);
  REQUIRE(exchange->wait_for("event: part"));
  while (!f.has_kept) std::this_thread::yield();
  CHECK(exchange->heartbeat() == EventStream::heartbeat);
  CHECK_FALSE(exchange->has_ended());
  CHECK(f.kept[0].offer("more", Reply{"x", 1}));
  exchange->hold();
  CHECK(f.kept[0].offer("big", std::string(EventStream::queued_bytes_high + 1, 'x')));
  CHECK(f.kept[0].offer("left out", 1));
  CHECK(exchange->response().body.find("left out") == std::string::npos);
  CHECK(f.kept[0]
            .send(Context().with_timeout(std::chrono::milliseconds(10)), "b", 1)
            .error()
            .code() == Code::deadline_exceeded);
  exchange->leave();
  CHECK_FALSE(f.kept[0].offer("more", 1));
  CHECK(f.kept[0].send(Context(), "b", 1).error().code() == Code::cancelled);
  f.kept.clear();
  CHECK(exchange->is_aborted());
  request.body = R"({"query": "forget"})";
  const auto forgotten = f.start(request);
  REQUIRE(forgotten->wait_ended());
  CHECK(forgotten->is_aborted());
}

TEST_CASE("a route takes JSON or a form, as its types say") {
  Fixture f;
  CHECK(f.post("/api/files", R"({"query": "q"})").body == R"({"text":"q","number":0})");
  const Headers form{{"Content-Type", "multipart/form-data; boundary=X"}};
  const auto part = [](std::string_view header, std::string_view content) {
    return fmt::format("--X\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", header, content);
  };
  const std::string file = part("name=files; filename=\"../a.md\"", "text");
  const Response response = f.post(
      "/api/files",
      file + part("name=metadata", R"({"year": 2024})") + part("name=wait", "true") + "--X--",
      form);
  CHECK(response.status == 200);
  CHECK(json::parse(response.body)->at("text") ==
        R"(a.mdtext{"metadata":{"year":2024},"wait":true})");
  CHECK(problem_in(f.post("/api/files", part("name=wait", "true") + "--X--", form), 400)
            .errors[0]
            .path == "/body/files");
  CHECK(problem_in(f.post("/api/files", file + part("name=wai", "x") + "--X--", form), 400)
            .errors[0]
            .path == "/body/wai");
  CHECK(problem_in(f.post("/api/files", file + part("name=metadata", "x") + "--X--", form), 400)
            .errors[0]
            .message == "expected an object, got \"x\"");
  CHECK(problem_in(f.post("/api/files", "--X", form), 400).errors[0].path == "/body");
  CHECK(problem_in(f.post("/api/files", "", {{"Content-Type", "text/plain"}}), 415)
            .detail.find("application/json or multipart/form-data") != std::string::npos);
}

TEST_CASE("the document holds every route with its parameters, bodies, replies and failures") {
  Fixture f;
  const json::Value document = *json::parse(f.get("/openapi.json").body);
  CHECK(document.at("openapi") == "3.1.0");
  const json::Value& item = document.at("paths").at("/api/items/{id}").at("get");
  CHECK(item.at("operationId") == "get_items_id");
  const json::Array& parameters = item.at("parameters").as_array();
  CHECK(json::dump(parameters.at(0)) ==
        R"({"name":"id","in":"path","required":true,"description":"Which.",)"
        R"("schema":{"type":"string","maxLength":8}})");
  CHECK(json::dump(parameters.at(2).at("schema")) ==
        R"({"type":"integer","minimum":1,"maximum":2147483647})");
  CHECK(parameters.at(3).at("schema").at("type") == "array");
  const json::Object& responses = item.at("responses").as_object();
  for (const char* status : {"200", "400", "401", "403", "404", "406", "429", "500", "503"})
    CHECK(responses.contains(status));
  CHECK_FALSE(responses.contains("415"));
  CHECK(item.at("security").as_array().size() == 3);
  const json::Value& files = document.at("paths").at("/api/files").at("post");
  CHECK(files.at("requestBody").at("content").as_object().size() == 2);
  const json::Value& stream = document.at("paths").at("/api/stream").at("post");
  CHECK(stream.at("responses").at("200").at("content").as_object().size() == 2);
  CHECK(responses.contains("414"));
  CHECK(document.at("components").at("schemas").as_object().contains("Problem"));
  // Every reference leads somewhere.
  const std::string text = json::dump(document);
  for (std::size_t at = text.find("\"#/"); at != std::string::npos;
       at = text.find("\"#/", at + 1)) {
    const std::string pointer = text.substr(at + 2, text.find('"', at + 1) - at - 2);
    boost::system::error_code error;
    CHECK_MESSAGE(document.find_pointer(pointer, error) != nullptr, pointer);
  }
}

TEST_CASE("the page for people needs nothing from elsewhere") {
  Fixture f;
  const Response html = f.get("/docs");
  CHECK(html.status == 200);
  CHECK(html.headers.get("content-type") == "text/html; charset=utf-8");
  CHECK(html.headers.get("content-security-policy").starts_with("default-src 'none'"));
  CHECK(html.body.starts_with("<!doctype html>"));
  for (const char* path : {"/docs/docs.js", "/docs/docs.css"}) {
    CHECK(html.body.find(path) != std::string::npos);
    const Response part = f.get(path);
    CHECK(part.status == 200);
    CHECK(part.body.find("http://") == std::string::npos);
    CHECK(part.body.find("https://") == std::string::npos);
  }
}
