// Seeded damage to everything of agents that comes from outside: files, expressions, replies,
// answers, what is on disk. No crash, no hang; what is refused is refused with words.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "agents/detail/scratch.hpp"
#include "agents/detail/strange.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/clock.hpp"
#include "core/files.hpp"
#include "store/database.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

constexpr std::uint64_t seed = 20'261;

const std::string whole = R"y(name: whole
description: All kinds of nodes.
input: [question]
output: [text]
models: {m: {provider: scripted, replies: r.jsonl, input_usd_per_million: 1}}
tools:
  calc: {builtin: calculator, effect: pure, schema: {expression: string}}
  now: {builtin: now, effect: pure, approve: {when: "spent.tokens > 10", ask: "Now? {{args}}"}}
state:
  question: string
  n: {type: int, default: 0}
  log: {type: list, reduce: append}
  ms: {type: list, reduce: messages}
  text: string
  got: list
  any: any
budget: {tokens: 5000, calls: 50, usd: 1.5, on_exceed: approve}
limits: {steps: 20, wall: 2s, parallel: 2}
nodes:
  begin: {set: {n: n + 1, log: "[node + string(step)]"}, retry: {max: 2, first: 1ms, on: [any]}}
  ask: {human: {ask: "{{question}}?", schema: {any: any}, into: any, timeout: 1h, on_timeout: fail}}
  say: {llm: {model: m, system: "{{n}}", prompt: "Say {{question}}", into: text, max_tokens: 9}}
  think:
    agent: {model: m, prompt: "{{text}}", tools: [calc, now], max_turns: 3, into: text,
            messages: ms,
            context: {summarize: {tokens: 60, keep: 2, max_tokens: 16}, trim: {messages: 8}}}
  each:
    map: {each: "lists.range(3)", as: x, do: {tool: {use: calc, args: {expression: "{{x}}+1"}}},
          into: got}
  rest: {wait: {for: 1ms}, pause: after}
edges:
  - START -> begin
  - begin -> say, ask
  - say & ask -> think
  - think -> each: {when: size(text) > 0 && n < 3}
  - think -> rest: {else: true}
  - each -> begin: {each: got, as: g, empty: rest}
  - each -> rest: {on: [expression, failed], into: any}
  - rest -> END
)y";

const std::string replies =
    R"j({"node": "think", "turn": 1, "tool_calls": )j"
    R"j([{"name": "calc", "args": {"expression": "2 * 3"}}, {"name": "now", "args": {}}]}
{"node": "say", "visit": 2, "attempt": 1, "contains": "Say", "text": "again", "delay_ms": 1}
{"node": "say", "index": 1, "error": "network"}
{"text": "{\"text\": \"fine\"}", "usage": {"input": 3, "output": 4}}
)j";

std::vector<std::string> texts_of_vectors() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(SLIPWAY_TEST_DATA)) {
    if (entry.path().extension() != ".json") continue;
    const Value vector = *parse_json(*read_file(entry.path()));
    texts.push_back(vector.at("files").at("agent.yaml").text());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// A thread that waits for an answer, on disk.
void make_thread(const detail::Scratch& scratch) {
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", replies).ok());
  const LoadedAgent loaded = load_agent((scratch.path() / "agent.yaml").string(), whole);
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
  auto runtime = *Runtime::open({.data = scratch.path() / "data"});
  const RunResult result = runtime->run({}, loaded.agent, Value::map({{"question", "Why"}}),
                                        {.thread = "t", .run = "r"});
  REQUIRE(result.status == Status::interrupted);
}

/// Whatever a thread says that nobody can read is an error with words.
void read_all(const std::filesystem::path& data, Random& random) {
  auto runtime = Runtime::open({.data = data});
  if (!runtime) {
    CHECK(!runtime.error().message().empty());
    return;
  }
  const auto history = (*runtime)->history("t");
  if (!history) CHECK(!history.error().message().empty());
  (void)(*runtime)->ledger("t");
  (void)(*runtime)->replay({}, "r");
  constexpr std::chrono::seconds longest(2);
  ResumeOptions options{.steps = 5, .trace = true};
  if (history && !history->empty() && !history->front().interrupts.empty())
    options.answers.emplace_back(history->front().interrupts.front().id, strange(random));
  const RunResult result = (*runtime)->resume(Context().with_timeout(longest), "t", options);
  CHECK((result.status != Status::failed || !result.error->message.empty()));
}

}  // namespace

TEST_CASE("damaged files of agents are refused with words or run to an end") {
  SeededRandom random(seed);
  const detail::Scratch scratch;
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", replies).ok());
  const std::string file = (scratch.path() / "agent.yaml").string();
  std::vector<std::string> texts = texts_of_vectors();
  texts.insert(texts.end(), texts.size(), whole);
  int good = 0;
  for (int round = 0; round < rounds(1200); ++round) {
    const std::string text = damaged(texts[below(random, texts.size())], random, 1);
    const LoadedAgent loaded = load_agent(file, text);
    if (!loaded.ok()) {
      CHECK(!loaded.error().message().empty());
      continue;
    }
    ++good;
    if (loaded.agent->file.empty() || text.find("wait") != std::string::npos) continue;
    auto runtime = *Runtime::open({});
    (void)run(*runtime, loaded.agent, Value::map());
  }
  CHECK(good > 20);
}

TEST_CASE("documents of agents with strange values are refused with words or run to an end") {
  SeededRandom random(seed + 1);
  const Value document = Value::map(
      {{"name", "v"},
       {"state",
        Value::map({{"n", "int"}, {"xs", Value::map({{"type", "list"}, {"reduce", "append"}})}})},
       {"nodes",
        Value::map({{"a", Value::map({{"set", Value::map({{"n", "n + 1"}})},
                                      {"retry", Value::map({{"max", 2}, {"first", "1ms"}})}})},
                    {"b", Value::map({{"set", Value::map({{"xs", "[n]"}})}})}})},
       {"edges",
        Value::list({"START -> a", Value::map({{"a -> b", Value::map({{"when", "n < 3"}})}}),
                     Value::map({{"a -> END", Value::map({{"else", true}})}}), "b -> a"})}});
  for (int round = 0; round < rounds(1500); ++round) {
    const LoadedAgent loaded = load_agent(to_json(damaged(document, random)), {});
    if (!loaded.ok()) continue;
    auto runtime = *Runtime::open({});
    (void)run(*runtime, loaded.agent, damaged(Value::map({{"n", 0}}), random));
  }
}

TEST_CASE("damaged expressions are refused or bounded") {
  SeededRandom random(seed + 2);
  const std::vector<std::string> texts = {
      "x + 2 * 3 - y / 0.5 % 4",
      "xs.map(i, i * 2).filter(i, i > 2).exists(i, i == x)",
      "m.a.b in [1, 2] ? 'a' + s : s.split(',').join('-')",
      "has(m.a) && !(x < 1 || y >= 2.5)",
      "lists.range(5).all(i, lists.range(i).exists_one(j, j == 1))",
      "fail('no' + string(sum(xs)))",
      "s.matches('^(a+)+$') || s.replace('a', 'bb').substring(1, 2) == s.trim()",
      "-9223372036854775807 - x * 9223372036854775807",
      "[[[[xs]]]][0][0] == {'k': [1, {}]}['k']"};
  Names names;
  std::vector<std::optional<Value>> slots;
  for (const auto& [key, value] : std::vector<std::pair<std::string, Value>>{
           {"x", 5},
           {"y", 2.5},
           {"s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
           {"xs", Value::list({1, 2, "a"})},
           {"m", Value::map({{"a", Value::map({{"b", 4}})}})}}) {
    names.add_key(key, Type::any);
    slots.emplace_back(value);
  }
  for (int round = 0; round < rounds(20'000); ++round) {
    const std::string text = damaged(texts[below(random, texts.size())], random);
    if (const auto program = Expression::compile(text, names); program)
      (void)program->evaluate({.slots = slots});
    if (const auto words = Template::compile("a {{" + text + "}} b", names); words)
      (void)words->evaluate({.slots = slots});
  }
}

TEST_CASE("whatever tools give and models say, a run ends or asks, with words") {
  SeededRandom random(seed + 7);
  const detail::Scratch scratch;
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", replies).ok());
  std::string text = whole;
  for (const std::string builtin : {"{builtin: calculator", "{builtin: now"})
    text.replace(text.find(builtin), builtin.size(), "{command: [strange]");
  // A model of a script would say what stands there.
  text.replace(text.find("models:"), text.find("tools:") - text.find("models:"), "");
  const LoadedAgent loaded =
      load_agent((scratch.path() / "agent.yaml").string(), text, {.models = {"m"}});
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
  std::int64_t replies = 0;
  for (int round = 0; round < rounds(150); ++round) {
    auto runtime = *Runtime::open(strange_options(random));
    RunResult result = run(*runtime, loaded.agent, Value::map({{"question", "Why"}}));
    for (int i = 0; i < 4 && result.status == Status::interrupted; ++i) {
      ResumeOptions resume{.steps = 10, .trace = true};
      for (const Interrupt& interrupt : result.interrupts)
        resume.answers.emplace_back(interrupt.id, i % 2 == 0 ? Value(true) : strange(random));
      result = runtime->resume(Context().with_timeout(std::chrono::seconds(2)), "t", resume);
      CHECK((result.status != Status::failed || !result.error->message.empty()));
    }
    replies += result.calls;
  }
  CHECK(replies > 10);
}

TEST_CASE("damaged replies of a scripted model are refused with their line or answer") {
  SeededRandom random(seed + 3);
  for (int round = 0; round < rounds(400); ++round) {
    const auto model = make_scripted_model(damaged(replies, random));
    if (!model) {
      CHECK(!model.error().message().empty());
      continue;
    }
    constexpr std::chrono::milliseconds longest(2);
    const ModelCall call{.node = "think", .messages = {{.role = "user", .content = "Say it"}}};
    (void)(*model)->reply(Context().with_timeout(longest), call);
    (void)(*model)->count_tokens(call);
  }
}

TEST_CASE("any answer, value and checkpoint of a resume is taken or refused with words") {
  SeededRandom random(seed + 4);
  const detail::Scratch scratch;
  make_thread(scratch);
  auto runtime = *Runtime::open({.data = scratch.path() / "data"});
  constexpr std::chrono::seconds longest(2);
  for (int round = 0; round < rounds(300); ++round) {
    const auto history = runtime->history("t");
    REQUIRE(history.ok());
    ResumeOptions options{.steps = 3, .trace = true};
    if (below(random, 2) == 0) options.answer = strange(random);
    for (const Interrupt& interrupt : history->front().interrupts)
      options.answers.emplace_back(below(random, 4) == 0 ? "i_none" : interrupt.id,
                                   strange(random));
    if (below(random, 3) == 0)
      options.checkpoint = below(random, 4) == 0
                               ? damaged(std::string("c12"), random)
                               : (*history)[below(random, history->size())].checkpoint;
    if (below(random, 3) == 0) {
      options.set = damaged(Value::map({{"n", 1}, {"log", Value::list({1})}}), random);
      options.as = below(random, 4) == 0 ? "nobody" : "begin";
    }
    const RunResult result = runtime->resume(Context().with_timeout(longest), "t", options);
    CHECK((result.status != Status::failed || !result.error->message.empty()));
  }
}

TEST_CASE("records of a thread that say strange things do no harm") {
  SeededRandom random(seed + 5);
  const detail::Scratch scratch;
  make_thread(scratch);
  for (int round = 0; round < rounds(60); ++round) {
    const auto data = scratch.path() / fmt::format("data{}", round % 2);
    std::filesystem::remove_all(data);
    std::filesystem::copy(scratch.path() / "data", data);
    {
      auto database = *store::Database::open({.path = data / "agents.db", .durable = false}, {});
      std::vector<std::pair<std::int64_t, std::string>> records;
      REQUIRE(database
                  ->read({},
                         [&](store::Connection& connection) -> Result<void> {
                           auto rows = TRY(connection.prepare(
                               "SELECT seq, record FROM agents_log ORDER BY seq"));
                           while (TRY(rows.step()))
                             records.emplace_back(rows.integer(0), rows.text(1));
                           return {};
                         })
                  .ok());
      REQUIRE(!records.empty());
      REQUIRE(database
                  ->write({},
                          [&](store::Connection& connection) -> Result<void> {
                            auto set = TRY(connection.prepare(
                                "UPDATE agents_log SET record = ? WHERE seq = ?"));
                            for (std::size_t i = 0; i < 2; ++i) {
                              const auto& [seq, record] = records[below(random, records.size())];
                              set.bind(0, below(random, 5) == 0
                                              ? damaged(record, random)
                                              : dump(damaged(*parse_json(record), random)));
                              set.bind(1, seq);
                              TRY(set.run());
                              set.reset();
                            }
                            return {};
                          })
                  .ok());
    }
    read_all(data, random);
  }
}

TEST_CASE("a torn or damaged agents.db gives clear errors or what is left of it") {
  SeededRandom random(seed + 6);
  const detail::Scratch scratch;
  make_thread(scratch);
  const std::string bytes = *read_file(scratch.path() / "data" / "agents.db");
  for (int round = 0; round < rounds(60); ++round) {
    const auto data = scratch.path() / "damaged";
    std::filesystem::remove_all(data);
    std::filesystem::create_directories(data);
    std::string file = bytes;
    if (below(random, 3) == 0) file.resize(below(random, file.size()));
    for (std::size_t i = 0, n = 1 + below(random, 200); i < n && !file.empty(); ++i)
      file[below(random, file.size())] = static_cast<char>(random.next());
    std::ofstream(data / "agents.db", std::ios::binary) << file;
    read_all(data, random);
  }
}
