// What is left on disk of a thread that was removed: nothing that was its alone.
#include <thread>

#include "agents/detail/test_world.hpp"
#include "agents/detail/thread_store.hpp"
#include "store/database.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

/// Long enough to stand beside the records; and short ones, which stand in them.
std::string words(const std::string& of) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += of + "-" + std::to_string(i) + " ";
  return text;
}

const std::string saying = R"y(name: v
state: {x: any, y: any, short: any}
nodes: {go: {set: {y: x}}, twice: {set: {short: "x.substring(0, 12)"}, cache: {ttl: 1h}}}
edges: [START -> go, go -> twice, twice -> END]
)y";

bool stands_on_disk(const World& world, const std::string& text) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(world.scratch.path() / "data"))
    if (entry.is_regular_file() && read_file(entry.path())->find(text) != std::string::npos)
      return true;
  return false;
}

RunResult say(World& world, const AgentPtr& agent, const std::string& thread,
              const std::string& text) {
  return world.runtime->run({}, agent, Value::map({{"x", text}}), {.thread = thread});
}

}  // namespace

TEST_CASE("words of a removed thread are nowhere on disk, those of others stay") {
  World world;
  const AgentPtr agent = world.load(saying);
  for (const char* thread : {"secret", "open"})
    CHECK(say(world, agent, thread, words(thread)).status == Status::done);
  // What both said is the other's too.
  CHECK(say(world, agent, "secret", words("common")).status == Status::done);
  CHECK(say(world, agent, "open", words("common")).status == Status::done);
  CHECK(stands_on_disk(world, "secret-7"));
  REQUIRE(world.runtime->remove("secret").ok());
  for (const char* text : {"secret-7", "secret-0", "secret-39"})
    CHECK_MESSAGE(!stands_on_disk(world, text), text);
  world.reopen();
  const auto history = *world.runtime->history("open");
  CHECK(history.front().state.at("y") == Value(words("common")));
  CHECK(history.back().state.at("x") == Value(words("open")));
  CHECK(world.runtime->history("secret").error().code() == Code::not_found);
  REQUIRE(world.runtime->remove("open").ok());
  CHECK(!stands_on_disk(world, "common-7"));
  CHECK(world.runtime->remove("open").ok());  // Again: nothing happens.
}

TEST_CASE("a copy keeps what the thread that was copied said, and its agent") {
  World world;
  const std::string text = with(saying, "name: v", "name: v\ndescription: " + words("remark"));
  CHECK(say(world, world.load(text), "a", words("said")).status == Status::done);
  REQUIRE(world.runtime->copy("a", "b").ok());
  REQUIRE(world.runtime->remove("a").ok());
  world.reopen();
  CHECK(world.runtime->state("b")->at("state").at("y") == Value(words("said")));
  CHECK(stands_on_disk(world, "remark-7"));
  REQUIRE(world.runtime->remove("b").ok());
  CHECK(!stands_on_disk(world, "said-7"));
  CHECK(!stands_on_disk(world, "remark-7"));
}

TEST_CASE("threads that say the same while one of them is removed lose nothing") {
  World world;
  const AgentPtr agent = world.load(saying);
  constexpr int count = 12;
  const std::string text = words("shared");
  std::vector<std::jthread> threads;
  std::atomic<int> done{0};
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < count; ++k)
        if (say(world, agent, fmt::format("stay-{}-{}", i, k), text).status == Status::done) ++done;
    });
  for (int k = 0; k < count; ++k) {
    const std::string name = fmt::format("go-{}", k);
    CHECK(say(world, agent, name, text).status == Status::done);
    CHECK(world.runtime->remove(name).ok());
  }
  threads.clear();
  CHECK(done == 2 * count);
  world.reopen();
  for (int i = 0; i < 2; ++i)
    for (int k = 0; k < count; ++k) {
      const auto state = world.runtime->state(fmt::format("stay-{}-{}", i, k));
      REQUIRE(state.ok());
      CHECK(state->at("state").at("y") == Value(text));
    }
}

TEST_CASE("a folder from before goes on, and what its removed threads left behind is freed") {
  World world;
  const AgentPtr agent = world.load(saying);
  for (const char* thread : {"gone", "kept", "old"})
    CHECK(say(world, agent, thread, words(thread)).status == Status::done);
  world.runtime.reset();
  {
    // As a program without that table would have left it, and have removed a thread.
    auto database = *store::Database::open(
        {.path = world.scratch.path() / "data" / "agents.db", .durable = false}, {});
    REQUIRE(database
                ->write({},
                        [](store::Connection& connection) {
                          return connection.execute(
                              "DROP TABLE agents_uses; DROP TABLE agents_numbers;"
                              "DROP INDEX agents_cache_thread;"
                              "ALTER TABLE agents_cache DROP COLUMN thread;"
                              "DELETE FROM slipway_migrations WHERE module = 'agents' AND "
                              "version > 1;"
                              "DELETE FROM agents_log WHERE thread = (SELECT number FROM "
                              "agents_threads WHERE id = 'gone');"
                              "DELETE FROM agents_cache;"
                              "DELETE FROM agents_threads WHERE id = 'gone'");
                        })
                .ok());
  }
  CHECK(stands_on_disk(world, "gone-7"));
  world.reopen();
  CHECK(world.runtime->state("kept")->at("state").at("y") == Value(words("kept")));
  REQUIRE(world.runtime->remove("old").ok());
  CHECK(!stands_on_disk(world, "old-7"));
  CHECK(!stands_on_disk(world, "gone-7"));
  CHECK(world.runtime->state("kept")->at("state").at("y") == Value(words("kept")));
}

TEST_CASE("who still writes to a removed thread is refused, and harms no other") {
  const Scratch scratch;
  auto store = *open_thread_store(scratch.path());
  auto late = *store->open_log("gone", Durability::step, true);
  const Value record = Value::map({{"k", "run"}, {"input", Value::map({{"x", words("late")}})}});
  CHECK(late->append(record, true).ok());
  REQUIRE(store->remove("gone").ok());
  auto other = *store->open_log("other", Durability::step, true);
  std::vector<std::jthread> writers;
  for (int i = 0; i < 2; ++i)
    writers.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k)
        if (i == 0)
          CHECK(late->append(record, false).error().code() == Code::not_found);
        else
          CHECK(other->append(Value::map({{"k", "resume"}}), false).ok());
    });
  writers.clear();
  CHECK(other->read()->size() == 20);
  CHECK(late->read()->empty());
  store.reset();
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path()))
    CHECK(read_file(entry.path())->find("late-7") == std::string::npos);
}
