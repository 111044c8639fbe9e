#include "agents/detail/go_to.hpp"

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using detail::World;

namespace {

constexpr const char* chain = R"(
name: chain
state: {log: {type: list, reduce: append}, word: string}
nodes:
  a: {set: {log: '["a"]'}}
  b: {human: {ask: "go on?", into: word}}
  c: {set: {log: '["c " + string(word == null)]'}}
edges: [START -> a, a -> b, b -> c, c -> END]
)";

}  // namespace

TEST_CASE("a thread can be sent to a node, with values or without") {
  World world;
  const AgentPtr agent = world.load(chain);
  CHECK(world.run(agent).status == Status::interrupted);
  const RunResult sent =
      world.runtime->resume({}, "t", {.set = Value::map({{"word", "set"}}), .go_to = {"c"}});
  // What was ready is so still: the question is asked again, its sibling ran.
  CHECK(sent.status == Status::interrupted);
  const RunResult done = world.runtime->resume({}, "t", {.answer = Value("yes")});
  CHECK(done.status == Status::done);
  CHECK(dump(done.state.at("log")) == R"(["a","c false","c false"])");
}

TEST_CASE("a node to go to must be there, and values that come with it have no node of theirs") {
  World world;
  CHECK(world.run(world.load(chain)).status == Status::interrupted);
  const RunResult unknown = world.runtime->resume({}, "t", {.go_to = {"d"}});
  REQUIRE(unknown.error);
  CHECK(unknown.error->message == "'d' is no node of the agent");
  const RunResult both =
      world.runtime->resume({}, "t", {.set = Value::map(), .as = "a", .go_to = {"c"}});
  REQUIRE(both.error);
  CHECK(both.error->kind == "input");
}
