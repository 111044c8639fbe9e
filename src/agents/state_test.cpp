#include "agents/state.hpp"

#include <doctest/doctest.h>

#include "agents/load.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

/// An agent with one key `k` and the writes to it one after the other: what it comes to.
std::string after(const std::string& key, const std::vector<const char*>& writes) {
  const LoadedAgent loaded = load_agent("agent.yaml", "name: v\nstate: {k: " + key + R"(}
nodes: {a: {human: {ask: "?", into: k}}}
edges: [START -> a, a -> END]
)");
  const std::string why = loaded.ok() ? "" : loaded.error().message();
  REQUIRE_MESSAGE(loaded.ok(), why);
  State state = start_state(*loaded.agent);
  int number = 0;
  for (const char* json : writes) {
    Write write{0, *parse_json(json)};
    auto fits = prepare_write(loaded.agent->keys[0], write.value, std::to_string(number++));
    if (!fits) return fits.failure().kind + ": " + fits.failure().message;
    // What is taken back leaves no trace.
    const Value before = state_value(*loaded.agent, state);
    std::vector<Undo> undo;
    if (auto applied = apply_write(*loaded.agent, state, write, &undo); !applied)
      return applied.failure().kind + ": " + applied.failure().message;
    take_back(state, undo);
    CHECK(state_value(*loaded.agent, state) == before);
    (void)apply_write(*loaded.agent, state, write);
  }
  return state[0] ? dump(*state[0]) : "absent";
}

}  // namespace

TEST_CASE("each reducer starts where the contract says and takes writes as it says") {
  struct Case {
    const char* key;
    std::vector<const char*> writes;
    const char* expected;
  };
  const Case cases[] = {
      {"any", {}, "absent"},
      {"any", {"1", "null"}, "null"},
      {"{type: any, default: [1]}", {}, "[1]"},
      {"{type: string, reduce: any}", {}, "absent"},
      {"{type: string, reduce: any}", {"\"a\"", "\"b\""}, "\"b\""},
      {"{type: list, reduce: append}", {}, "[]"},
      {"{type: list, reduce: append}", {"[1]", "[1, [2]]", "[]"}, "[1,1,[2]]"},
      {"{type: list, reduce: append, default: [0]}", {"[1]"}, "[0,1]"},
      {"{type: list, reduce: union}",
       {"[1, 2]", "[2.0, 3, 3]", "[{\"a\": 1}]", "[{\"a\": 1.0}]"},
       R"([1,2,3,{"a":1}])"},
      {"{type: int, reduce: sum}", {}, "0"},
      {"{type: int, reduce: sum}", {"2", "-5"}, "-3"},
      {"{type: number, reduce: sum, default: 1}", {"2", "0.5"}, "3.5"},
      {"{type: number, reduce: min}", {}, "absent"},
      {"{type: number, reduce: min}", {"2", "1.5", "3"}, "1.5"},
      {"{type: string, reduce: max}", {"\"a\"", "\"c\"", "\"b\""}, "\"c\""},
      {"{type: int, reduce: max, default: 5}", {"3"}, "5"},
      {"{type: map, reduce: merge}", {}, "{}"},
      {"{type: map, reduce: merge}",
       {R"({"a": {"x": 1}, "b": 1})", R"({"a": {"y": 2}})"},
       R"({"a":{"y":2},"b":1})"},
      {"{type: list, reduce: messages}",
       {R"([{"id": "1", "role": "user", "content": "a"}, {"id": "2", "content": "b"}])",
        R"([{"id": "1", "role": "user", "content": "c"}, {"id": "3", "content": "d"}])"},
       R"([{"id":"1","role":"user","content":"c"},{"id":"2","content":"b"},)"
       R"({"id":"3","content":"d"}])"},
      {"number", {"3"}, "3"},
      {"bool", {"true"}, "true"},
      {"map", {"{}"}, "{}"},
  };
  for (const Case& each : cases) {
    const std::string got = after(each.key, each.writes);
    CHECK_MESSAGE(got == each.expected, each.key << " -> " << got);
  }
}

TEST_CASE("a value of another type than declared is an error of kind type") {
  const std::pair<const char*, const char*> cases[] = {
      {"string", "1"},
      {"bool", "0"},
      {"int", "1.0"},
      {"int", "\"1\""},
      {"number", "\"1\""},
      {"number", "true"},
      {"list", "{}"},
      {"map", "[]"},
      {"string", "null"},
      {"{type: list, reduce: append}", "1"},
      {"{type: list, reduce: union}", "{}"},
      {"{type: int, reduce: sum}", "0.5"},
      {"{type: number, reduce: sum}", "\"1\""},
      {"{type: any, reduce: min}", "[1]"},
      {"{type: map, reduce: merge}", "[]"},
      {"{type: list, reduce: messages}", "[1]"},
      {"{type: list, reduce: messages}", R"([{"id": 1}])"},
  };
  for (const auto& [key, json] : cases) {
    const std::string got = after(key, {json});
    CHECK_MESSAGE(got.starts_with("type: 'k'"), key << " " << json << " -> " << got);
  }
  CHECK(after("{type: any, reduce: max}", {"1", "\"a\""}).starts_with("type: 'k'"));
  CHECK(after("{type: int, reduce: sum}", {"9223372036854775807", "1"})
            .starts_with("expression: overflow"));
}

TEST_CASE("a message without an id gets the same one whenever the same write is made") {
  const char* const said = R"([{"content": "a"}, {"content": "a"}])";
  const std::string once = after("{type: list, reduce: messages}", {said});
  CHECK(once == after("{type: list, reduce: messages}", {said}));
  const Value list = *parse_json(once);
  CHECK(list.items()[0].at("id") != list.items()[1].at("id"));
  // Another write is of other messages.
  CHECK(parse_json(after("{type: list, reduce: messages}", {said, said}))->items().size() == 4);
}
