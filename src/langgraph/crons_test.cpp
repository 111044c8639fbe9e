// Crons: runs that begin by a schedule.
#include "langgraph/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;
using agents::Value;

namespace {

constexpr const char* thread_id = "77777777-7777-4777-8777-777777777777";

// The clock of tests begins at 2023-11-14T22:13:20Z.
Value create(World& world, const std::string& more = "", const std::string& path = "/runs/crons") {
  return world.get(
      "POST", path,
      R"({"assistant_id": "outer", "schedule": "0 * * * *", "input": {"topic": "x"})" + more + "}");
}

std::size_t threads_of(World& world) { return world.get("POST", "/threads/search").items().size(); }

void pass(World& world, std::chrono::minutes time) {
  world.clock.advance(time);
  world.core().begin_crons();
}

}  // namespace

TEST_CASE("a cron begins a run of its own thread each time that it comes") {
  World world;
  const Value cron = create(world, R"(, "on_run_completed": "keep", "metadata": {"team": "a"})");
  CHECK(cron.at("next_run_date") == Value("2023-11-14T23:00:00.000000+00:00"));
  CHECK(cron.at("payload").at("input") == value_of(R"({"topic": "x"})"));
  CHECK(cron.at("payload").at("schedule").is_null());
  CHECK(cron.at("metadata") == value_of(R"({"team": "a"})"));
  pass(world, std::chrono::minutes(46));
  CHECK(threads_of(world) == 0);
  pass(world, std::chrono::minutes(1));
  const Value threads = world.get("POST", "/threads/search");
  REQUIRE(threads.items().size() == 1);
  CHECK(threads.items()[0].at("values").at("topic") == Value("x"));
  const Value runs =
      world.get("GET", "/threads/" + threads.items()[0].at("thread_id").text() + "/runs");
  CHECK(runs.items()[0].at("metadata").at("cron_id") == cron.at("cron_id"));
  world.core().begin_crons();
  CHECK(threads_of(world) == 1);
  // Five hours without a server are one run.
  pass(world, std::chrono::hours(5));
  CHECK(threads_of(world) == 2);
  CHECK(world.get("GET", "/runs/crons/" + cron.at("cron_id").text()).at("next_run_date") ==
        Value("2023-11-15T05:00:00.000000+00:00"));
}

TEST_CASE("the thread of a cron's run goes with it unless it is to be kept") {
  World world;
  create(world);
  world.host.holds = true;
  pass(world, std::chrono::minutes(47));
  const Value threads = world.get("POST", "/threads/search");
  REQUIRE(threads.items().size() == 1);
  const Value runs =
      world.get("GET", "/threads/" + threads.items()[0].at("thread_id").text() + "/runs");
  CHECK(world.host.cancel({}, runs.items()[0].at("run_id").text(), false).ok());
  for (int i = 0; i < 5000 && threads_of(world) > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  CHECK(threads_of(world) == 0);
}

TEST_CASE("a cron of a thread goes on in it, and goes when the thread goes") {
  World world;
  world.get("POST", "/threads", fmt::format(R"({{"thread_id": "{}"}})", thread_id));
  const std::string path = fmt::format("/threads/{}/runs", thread_id);
  const Value cron = create(world, "", path + "/crons");
  CHECK(cron.at("thread_id") == Value(thread_id));
  pass(world, std::chrono::minutes(47));
  pass(world, std::chrono::minutes(60));
  CHECK(world.get("GET", path).items().size() == 2);
  CHECK(world
            .ask("POST", "/threads/88888888-8888-4888-8888-888888888888/runs/crons",
                 R"({"assistant_id": "outer", "schedule": "0 * * * *"})")
            .status == 404);
  CHECK(world.ask("DELETE", fmt::format("/threads/{}", thread_id)).status == 204);
  CHECK(world.get("POST", "/runs/crons/count") == Value(0));
}

TEST_CASE("crons are changed, switched off, ended and deleted") {
  World world;
  const std::string path = "/runs/crons/" + create(world).at("cron_id").text();
  const auto next = [&](const char* body) {
    return agents::in_words(world.get("PATCH", path, body).at("next_run_date"));
  };
  CHECK(next(R"({"schedule": "30 6 * * *"})") == "2023-11-15T06:30:00.000000+00:00");
  CHECK(next(R"({"enabled": false})") == "");
  pass(world, std::chrono::hours(24));
  CHECK(threads_of(world) == 0);
  CHECK(next(R"({"enabled": true})") == "2023-11-16T06:30:00.000000+00:00");
  CHECK(next(R"({"end_time": "2023-11-16T06:00:00"})") == "");
  CHECK(next(R"({"end_time": null})") == "2023-11-16T06:30:00.000000+00:00");
  CHECK(next(R"({"timezone": "UTC"})") == "2023-11-16T06:30:00.000000+00:00");
  world.get("PATCH", path, R"({"input": {"topic": "other"}, "on_run_completed": "keep"})");
  pass(world, std::chrono::hours(9));
  CHECK(world.get("POST", "/threads/search").items()[0].at("values").at("topic") == Value("other"));
  CHECK(world.ask("DELETE", path).status == 204);
  CHECK(world.ask("DELETE", path).status == 404);
  CHECK(world.ask("GET", path).status == 404);
}

TEST_CASE("crons are found by what they are of") {
  World world;
  const Value first = create(world, R"(, "metadata": {"n": 1})");
  create(world, R"(, "metadata": {"n": 2}, "enabled": false)");
  const auto found = [&](const char* body) {
    std::vector<std::int64_t> numbers;
    const Value list = world.get("POST", "/runs/crons/search", body);
    for (const Value& one : list.items()) numbers.push_back(one.at("metadata").at("n").integer());
    return numbers;
  };
  using Numbers = std::vector<std::int64_t>;
  CHECK(found(R"({"metadata": {"n": 2}})") == Numbers{2});
  CHECK(found(R"({"enabled": true})") == Numbers{1});
  CHECK(found(R"({"sort_by": "next_run_date", "sort_order": "asc"})") == Numbers{2, 1});
  CHECK(found(R"({"sort_by": "next_run_date", "limit": 1})") == Numbers{1});
  CHECK(found(R"({"thread_id": "77777777-7777-4777-8777-777777777777"})").empty());
  const std::string of_outer =
      fmt::format(R"({{"assistant_id": "{}"}})", first.at("assistant_id").text());
  CHECK(world.get("POST", "/runs/crons/count", of_outer) == Value(2));
  const Value ids = world.get("POST", "/runs/crons/search", R"({"select": ["cron_id"]})");
  CHECK(ids.items()[0].entries().items.size() == 1);
}

TEST_CASE("what no cron can be is refused with the member's name") {
  World world;
  for (
      const auto& [body, word] : std::vector<std::pair<const char*, const char*>>{
          {R"({"schedule": "0 * * * *", "input": {}})", "assistant_id"},
          {R"({"assistant_id": "outer", "input": {}})", "schedule"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "61 * * * *"})", "minute '61'"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 0 31 2 *"})", "never comes"},
          {R"({"assistant_id": "outer", "schedule": "0 * * * *"})", "input"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 * * * *", "timezone": "X/Y"})",
           "timezone"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 * * * *", "end_time": "soon"})",
           "end_time"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 * * * *",
               "on_run_completed": "burn"})",
           "on_run_completed"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 * * * *",
               "after_seconds": 5})",
           "after_seconds"},
          {R"({"assistant_id": "outer", "input": {}, "schedule": "0 * * * *",
               "interrupt_before": ["nobody"]})",
           "interrupt_before"}}) {
    const Answer answer = world.ask("POST", "/runs/crons", body);
    CHECK_MESSAGE(answer.status == 422, answer.body);
    CHECK_MESSAGE(answer.body.find(word) != std::string::npos, answer.body);
  }
  CHECK(world.get("POST", "/runs/crons/count") == Value(0));
}

TEST_CASE("crons outlive the server that was asked for them") {
  World world;
  const Value cron = create(world, R"(, "on_run_completed": "keep")");
  world.clock.advance(std::chrono::minutes(47));
  const auto again = must(langgraph::Keeper::open({.host = world.host,
                                                   .runtime = *world.runtime,
                                                   .database = *world.database,
                                                   .client = world.client,
                                                   .version = "1.2.3",
                                                   .followers = 2,
                                                   .clock = world.clock,
                                                   .random = world.random}));
  // It begins by itself, in a thread of its own.
  for (int i = 0; i < 5000 && threads_of(world) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  CHECK(threads_of(world) == 1);
}
