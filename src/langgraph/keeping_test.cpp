// What the face keeps of its own: assistants, items, times of life, what is due after a run.
#include "langgraph/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;
using agents::Value;

namespace {

constexpr const char* thread_id = "55555555-5555-4555-8555-555555555555";
constexpr const char* assistant_id = "66666666-6666-4666-8666-666666666666";

std::string assistant_path(const std::string& rest = "") {
  return std::string("/assistants/") + assistant_id + rest;
}

Value create_assistant(World& world, const std::string& more = "") {
  return world.get("POST", "/assistants",
                   fmt::format(R"({{"graph_id": "desk", "assistant_id": "{}", "name": "mine"{}}})",
                               assistant_id, more));
}

std::vector<std::string> texts(const Value& list, const char* member) {
  std::vector<std::string> found;
  for (const Value& one : list.items()) found.push_back(agents::in_words(one.at(member)));
  return found;
}

void put_item(World& world, const std::string& body) {
  const Answer answer = world.ask("PUT", "/store/items", body);
  REQUIRE_MESSAGE(answer.status == 204, answer.body);
}

/// What has its time to come happens in a thread of its own.
bool comes_true(const std::function<bool()>& test) {
  for (int i = 0; i < 5000; ++i) {
    if (test()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

}  // namespace

TEST_CASE("each agent has an assistant from the start, found by its name and by its id") {
  World world;
  const Value all = world.get("POST", "/assistants/search", R"({"sort_by": "name",
                                                                "sort_order": "asc"})");
  CHECK(texts(all, "name") ==
        std::vector<std::string>{"deep", "desk", "fails", "outer", "tells", "two"});
  const Value desk = world.get("GET", "/assistants/desk");
  CHECK(world.get("GET", "/assistants/" + desk.at("assistant_id").text()) == desk);
  CHECK(desk.at("assistant_id") == Value(uuid_of_name("desk")));
  CHECK(world.get("POST", "/assistants/count", R"({"graph_id": "desk"})") == Value(1));
  // It goes with the agent only.
  CHECK(world.ask("DELETE", "/assistants/desk").status == 409);
  CHECK(world.ask("GET", "/assistants/nobody").status == 422);
  CHECK(world.ask("GET", assistant_path()).status == 404);
}

TEST_CASE("changes of an assistant are versions, and an old one can be the latest again") {
  World world;
  create_assistant(world, R"(, "metadata": {"a": 1}, "config": {"recursion_limit": 3})");
  CHECK(world
            .ask("POST", "/assistants",
                 fmt::format(R"({{"graph_id": "desk", "assistant_id": "{}"}})", assistant_id))
            .status == 409);
  const Value changed =
      world.get("PATCH", assistant_path(), R"({"name": "ours", "metadata": {"b": 2}})");
  CHECK(changed.at("version") == Value(2));
  CHECK(changed.at("metadata") == value_of(R"({"a": 1, "b": 2})"));
  CHECK(changed.at("config") == value_of(R"({"recursion_limit": 3})"));
  CHECK(texts(world.get("POST", assistant_path("/versions")), "name") ==
        std::vector<std::string>{"ours", "mine"});
  const Value back = world.get("POST", assistant_path("/latest"), R"({"version": 1})");
  CHECK(back.at("name") == Value("mine"));
  CHECK(world.get("GET", assistant_path()).at("version") == Value(1));
  CHECK(world.ask("POST", assistant_path("/latest"), R"({"version": 7})").status == 404);
  CHECK(world.ask("DELETE", assistant_path()).status == 204);
  CHECK(world.ask("GET", assistant_path()).status == 404);
}

TEST_CASE("the limit of supersteps of an assistant's configuration holds for its runs") {
  World world;
  create_assistant(world, R"(, "config": {"recursion_limit": 1})");
  const Value outcome = world.get(
      "POST", "/runs/wait",
      fmt::format(R"({{"assistant_id": "{}", "input": {{"topic": "x"}}}})", assistant_id));
  CHECK(outcome.at("__error__").at("error") == Value("step_limit"));
}

TEST_CASE("items are found by name space and by what they hold, page by page") {
  World world;
  put_item(world, R"({"namespace": ["u", "1"], "key": "a", "value": {"n": 1, "t": "x"}})");
  put_item(world, R"({"namespace": ["u", "1"], "key": "b", "value": {"n": 5, "t": "y"}})");
  put_item(world, R"({"namespace": ["u", "10"], "key": "c", "value": {"n": 7}})");
  const auto keys = [&](const std::string& body) {
    return texts(world.get("POST", "/store/items/search", body).at("items"), "key");
  };
  using Keys = std::vector<std::string>;
  // A label that begins alike is another one.
  CHECK(keys(R"({"namespace_prefix": ["u", "1"]})") == Keys{"a", "b"});
  CHECK(keys(R"({"namespace_prefix": []})") == Keys{"a", "b", "c"});
  CHECK(keys(R"({"namespace_prefix": [], "limit": 1, "offset": 1})") == Keys{"b"});
  CHECK(keys(R"({"namespace_prefix": ["u"], "filter": {"n": {"$gt": 1, "$lt": 7}}})") == Keys{"b"});
  CHECK(keys(R"({"namespace_prefix": ["u"], "filter": {"t": {"$ne": "x"}}})") == Keys{"b", "c"});
  CHECK(world
            .ask("POST", "/store/items/search",
                 R"({"namespace_prefix": ["u"], "filter": {"n": {"$like": 1}}})")
            .status == 422);
  CHECK(world.get("POST", "/store/namespaces", R"({"max_depth": 1})").at("namespaces") ==
        value_of(R"([["u"]])"));
  CHECK(world.get("POST", "/store/namespaces", R"({"suffix": ["10"]})").at("namespaces") ==
        value_of(R"([["u", "10"]])"));
}

TEST_CASE("what no item may be is refused with the member's name") {
  World world;
  for (const char* body : {R"({"namespace": [], "key": "k", "value": {}})",
                           R"({"namespace": ["a.b"], "key": "k", "value": {}})",
                           R"({"namespace": [""], "key": "k", "value": {}})",
                           R"({"namespace": ["a"], "key": "", "value": {}})",
                           R"({"namespace": ["a"], "key": "k", "value": 7})",
                           R"({"namespace": ["a"], "key": "k", "value": {}, "ttl": -1})",
                           R"({"namespace": ["a"], "key": "k", "value": {}, "ttl": 1e300})"})
    CHECK(world.ask("PUT", "/store/items", body).status == 422);
  const std::string large(Items::value_bytes_max, 'x');
  CHECK(world
            .ask("PUT", "/store/items",
                 R"({"namespace": ["a"], "key": "k", "value": {"x": ")" + large + R"("}})")
            .status == 422);
  CHECK(world
            .ask("PUT", "/store/items",
                 R"({"namespace": ["a"], "key": ")" + std::string(Items::key_bytes_max + 1, 'k') +
                     R"(", "value": {}})")
            .status == 422);
}

TEST_CASE("an item ends with its time, which reading it makes longer") {
  World world;
  const auto is_there = [&](const char* refresh) {
    return world.get("GET", fmt::format("/store/items?namespace=a&key=k&refresh_ttl={}", refresh))
        .is_map();
  };
  put_item(world, R"({"namespace": ["a"], "key": "k", "value": {"n": 1}, "ttl": 10})");
  world.clock.advance(std::chrono::minutes(9));
  CHECK(is_there("true"));
  world.clock.advance(std::chrono::minutes(9));
  CHECK(is_there("false"));
  world.clock.advance(std::chrono::minutes(2));
  CHECK_FALSE(is_there("true"));
  world.core().sweep();
  std::int64_t rows = -1;
  CHECK(world.database
            ->read({},
                   [&](store::Connection& connection) -> Result<void> {
                     auto row = TRY(connection.prepare("SELECT count(*) FROM langgraph_items"));
                     if (TRY(row.step())) rows = row.integer(0);
                     return {};
                   })
            .ok());
  CHECK(rows == 0);
}

TEST_CASE("a thread ends with its time, with its runs") {
  World world;
  const std::string path = std::string("/threads/") + thread_id;
  world.get("POST", "/threads", fmt::format(R"({{"thread_id": "{}", "ttl": 5}})", thread_id));
  world.get("POST", path + "/runs/wait", R"({"assistant_id": "outer", "input": {"topic": "x"}})");
  world.clock.advance(std::chrono::minutes(4));
  world.core().sweep();
  CHECK(world.ask("GET", path).status == 200);
  world.get("PATCH", path, R"({"ttl": {"ttl": 10, "strategy": "delete"}})");
  world.clock.advance(std::chrono::minutes(6));
  world.core().sweep();
  CHECK(world.ask("GET", path).status == 200);
  world.clock.advance(std::chrono::minutes(5));
  world.core().sweep();
  CHECK(world.ask("GET", path).status == 404);
  CHECK(world.ask("GET", path + "/runs").status == 404);
  CHECK(world.ask("PATCH", path, R"({"ttl": {"ttl": 5, "strategy": "keep_latest"}})").status >=
        404);
}

TEST_CASE("a webhook is told the outcome of its run, and only it") {
  World world;
  world.get("POST", "/runs/wait", R"({"assistant_id": "outer", "input": {"topic": "x"},
      "webhook": "https://hooks.example/a"})");
  world.get("POST", "/runs/wait", R"({"assistant_id": "fails", "input": {"topic": "x"},
      "webhook": "https://hooks.example/b"})");
  REQUIRE(comes_true(
      [&] { return world.client.sent.with([](const auto& all) { return all.size() == 2; }); }));
  world.client.sent.with([](const auto& all) {
    for (const http::ClientRequest& request : all) {
      const Value body = must(agents::parse_json(request.body));
      CHECK(body.at("run_id").is_text());
      if (request.url == "https://hooks.example/a")
        CHECK(body.at("values").at("topic") == Value("x"));
      else
        CHECK(body.at("error").at("message") == Value("bad topic"));
    }
  });
  CHECK(world
            .ask("POST", "/runs/wait",
                 R"({"assistant_id": "outer", "input": {}, "webhook": "file:///etc/passwd"})")
            .status == 422);
}

TEST_CASE("a thread for one run ends with it, but not before its end was read") {
  World world;
  const Answer made =
      world.ask("POST", "/runs", R"({"assistant_id": "outer", "input": {"topic": "x"}})");
  REQUIRE(made.status == 200);
  const std::string path = "/threads/" + made.json().at("thread_id").text();
  CHECK(comes_true([&] { return world.ask("GET", path).status == 404; }));
  // One that somebody reads stays.
  world.get("POST", "/threads", fmt::format(R"({{"thread_id": "{}"}})", thread_id));
  world.get("POST", std::string("/threads/") + thread_id + "/runs/wait",
            R"({"assistant_id": "outer", "input": {"topic": "x"}})");
  const Value runs = world.get("GET", std::string("/threads/") + thread_id + "/runs");
  RunNote temporary{.id = runs.items().at(0).at("run_id").text(),
                    .thread = thread_id,
                    .after = Value::map({{"is_temporary", true}})};
  auto reading = world.core().hold(temporary.id);
  REQUIRE(world.core().watch(temporary).ok());
  std::this_thread::sleep_for(2 * Core::look_every);
  CHECK(world.ask("GET", std::string("/threads/") + thread_id).status == 200);
  reading.reset();
  CHECK(comes_true(
      [&] { return world.ask("GET", std::string("/threads/") + thread_id).status == 404; }));
}

TEST_CASE("lists and pages have limits") {
  World world;
  std::string many = "[";
  for (int i = 0; i < 1001; ++i) many += (i == 0 ? "" : ",") + std::string("\"x\"");
  many += "]";
  CHECK(world.ask("POST", "/threads/prune", R"({"thread_ids": )" + many + "}").status == 422);
  CHECK(world.ask("POST", "/threads", R"({"supersteps": )" + many + "}").status == 422);
  CHECK(world.ask("POST", "/runs/batch", many).status == 422);
  CHECK(world.ask("POST", "/threads/search", R"({"limit": 1001})").status == 422);
  CHECK(world.ask("POST", "/threads/search", R"({"limit": 0})").status == 422);
  CHECK(world.ask("POST", "/threads/search", R"({"offset": -1})").status == 422);
  std::string paths = "{";
  for (int i = 0; i < 11; ++i)
    paths += fmt::format(R"({}"p{}": "values.topic")", i == 0 ? "" : ",", i);
  CHECK(world.ask("POST", "/threads/search", R"({"extract": )" + paths + "}}").status == 422);
}
