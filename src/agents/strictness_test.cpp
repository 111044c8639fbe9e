// Every key of the file that the contract names, misspelt once.
#include <doctest/doctest.h>

#include <algorithm>

#include "agents/load.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

/// One key a line; those that are names of somebody's choice end in "1".
const std::string all_keys = R"y(name: v
description: All of it.
input: [x1]
output: [x1]
models:
  m1:
    provider: scripted
    replies: r.jsonl
    context: 100000
state:
  x1:
    type: any
    reduce: any
    default: 1
  xs1: list
  log1:
    type: list
    reduce: append
budget:
  tokens: 100000000
  usd: 1.5
  calls: 100000
  wall: 1m
  on_exceed: finish
  finish: fin1
limits:
  steps: 10
  wall: 1m
  parallel: 2
tools:
  web1:
    http:
      method: POST
      url: "https://example.org/{{q}}"
      headers:
        h1: "x"
      body: "{{q}}"
      allow: [example.org]
      allow_private: ["localhost:1"]
      max_bytes: 1MB
      redirects: 3
    effect: at_most_once
    risk: low
    probe: look1
    approve:
      when: "size(args) > 0"
      ask: "{{args}}?"
      timeout: 1h
      on_timeout: reject
    timeout: 1m
    price: 0.01
    schema:
      q1: string
  db1:
    sql:
      sqlite: x.db
      max_rows: 10
  pg1:
    sql:
      postgres: "host=nowhere"
  far1:
    mcp: "stdio:server"
    tool: t
  cmd1:
    command: [x]
  sub1:
    agent: sub.yaml
  look1:
    builtin: now
nodes:
  set1:
    set:
      x1: "1"
    retry:
      max: 2
      first: 1ms
      factor: 2
      max_wait: 1s
      on: [any]
    timeout: 1s
    approve:
      when: "true"
    pause: before
    defer: true
    cache:
      ttl: 1h
      key: "k"
  llm1:
    llm:
      model: m1
      system: "s"
      prompt: "p"
      schema:
        x1: any
      max_tokens: 10
      temperature: 0.5
      seed: 1
    budget:
      tokens: 1000
  talk1:
    llm:
      model: m1
      messages: xs1
      into: x1
  react1:
    agent:
      model: m1
      system: "s"
      prompt: "p"
      tools: [cmd1]
      max_turns: 2
      output:
        x1: any
      into: x1
      messages: log1
  tool1:
    tool:
      use: web1
      args:
        q1: "a"
      into: x1
  rag1:
    rag:
      collection: c
      question: "q"
      mode: search
      limit: 3
      filter:
        f1: "x"
      into: x1
  graph1:
    graph:
      agent: sub.yaml
      input:
        x1: "1"
      output:
        x1: result
  map1:
    map:
      each: xs1
      as: i1
      do: {set: {v1: i1}}
      into: x1
      parallel: 2
      on_error: fail
  code1:
    code:
      lang: python
      source: "result = 1"
      args:
        a1: "1"
      into: x1
      limits:
        cpu: 1s
        wall: 1s
        memory: 64MB
        output: 1MB
        processes: 2
  human1:
    human:
      ask: "?"
      schema:
        a1: string
      into: x1
      timeout: 1h
      on_timeout:
        value: null
  wait1:
    wait:
      for: 1s
  fin1:
    set:
      x1: "1"
edges:
  - START -> set1
  - set1 -> llm1:
      when: "true"
  - set1 -> talk1:
      else: true
  - llm1 -> react1:
      each: xs1
      as: j1
      empty: tool1
  - talk1 -> tool1
  - react1 -> tool1
  - tool1 -> rag1
  - tool1 -> wait1:
      on: [any]
      into: x1
  - rag1 -> graph1
  - graph1 -> map1
  - map1 -> code1
  - code1 -> human1
  - human1 -> wait1
  - wait1 -> fin1
  - fin1 -> END
)y";

LoadedAgent load(const std::string& text) {
  LoadOptions options;
  options.read_file = [](const std::string&) -> Result<std::string> {
    return std::string(R"(name: sub
state: {x1: any}
nodes: {a: {set: {x1: x1}}}
edges: [START -> a, a -> END]
)");
  };
  return load_agent("agent.yaml", text, options);
}

bool tells(const LoadedAgent& loaded, std::string_view code, int line, std::string_view words) {
  for (const Problem& problem : loaded.problems)
    if (problem.code == code && problem.line == line &&
        problem.message.find(words) != std::string::npos)
      return true;
  return false;
}

std::string told(const LoadedAgent& loaded) {
  std::string text;
  for (const Problem& problem : loaded.problems)
    text += fmt::format("{} {}: {}\n", problem.code, problem.line, problem.message);
  return text;
}

}  // namespace

TEST_CASE("a file with every key of the contract is taken") {
  const LoadedAgent loaded = load(all_keys);
  CHECK_MESSAGE(loaded.ok(), told(loaded));
}

TEST_CASE("every key, misspelt, is told with its line and the nearest known one") {
  int line = 0, count = 0;
  for (std::size_t begin = 0; begin < all_keys.size();) {
    const std::size_t end = all_keys.find('\n', begin);
    const std::size_t key = all_keys.find_first_not_of(' ', begin);
    const std::size_t colon = all_keys.find(':', key);
    ++line;
    begin = end + 1;
    if (colon > end || all_keys[key] == '-' || all_keys[colon - 1] == '1') continue;
    const std::string word = all_keys.substr(key, colon - key);
    if (word == "provider") continue;  // A model of another kind has the keys of slipway.yaml.
    std::string text = all_keys;
    text.insert(colon, "q");
    const LoadedAgent loaded = load(text);
    CHECK(!loaded.ok());
    const std::string near = fmt::format("unknown key '{}q'; did you mean '{}'?", word, word);
    CHECK_MESSAGE(tells(loaded, "unknown_key", line, near), near << " in line " << line << "\n"
                                                                 << told(loaded));
    ++count;
  }
  CHECK(count > 100);
}

TEST_CASE("a word that is none of those that may stand there is told with its line") {
  struct Case {
    const char *from, *to, *code, *words;
  };
  const Case cases[] = {
      {"effect: at_most_once", "effect: once", "bad_value", "'effect': 'once' is none of"},
      {"risk: low", "risk: medium", "bad_value", "none of: low, high"},
      {"method: POST", "method: PUSH", "bad_value", "none of: GET"},
      {"on_exceed: finish", "on_exceed: stop", "bad_value", "none of"},
      {"pause: before", "pause: during", "bad_value", "none of: before, after"},
      {"mode: search", "mode: find", "bad_value", "none of: search, ask"},
      {"on_error: fail", "on_error: skip", "bad_value", "none of: fail, null"},
      {"on_timeout: reject", "on_timeout: approve", "bad_value", "none of: reject"},
      {"lang: python", "lang: perl", "bad_value", "'perl' is not known"},
      {"reduce: any", "reduce: sums", "bad_value", "none of: last"},
      {"builtin: now", "builtin: nwo", "unknown_tool", "did you mean 'now'"},
      {"probe: look1", "probe: loko1", "unknown_tool", "did you mean 'look1'"},
      {"model: m1", "model: m2", "unknown_model", "did you mean 'm1'"},
      {"use: web1", "use: wbe1", "unknown_tool", "did you mean 'web1'"},
      {"empty: tool1", "empty: toll1", "unknown_node", "did you mean 'tool1'"},
      {"finish: fin1", "finish: fin2", "unknown_node", "'fin2' is no node"},
      {"messages: log1", "messages: lgo1", "unknown_key", "did you mean 'log1'"},
      {"q1: string", "q1: strnig", "bad_type", "is no type"},
      {"defer: true", "defer: on", "bad_value", "true or false is expected"},
      {"steps: 10", "steps: 0", "bad_value", "1..1000000"},
      {"steps: 10", "steps: ten", "bad_value", "a whole number"},
      {"ttl: 1h", "ttl: 1 hour", "bad_value", "a time like"},
      {"max_bytes: 1MB", "max_bytes: 1 MB", "bad_value", "a size like"},
      {"usd: 1.5", "usd: -1", "bad_value", "0 or more"},
      {"each: xs1\n      as: i1", "each: size(xs1)\n      as: i1", "bad_type", "int, not list"},
      {"- wait1 -> fin1", "- wait1 -> START", "unknown_node", "nothing leads to START"},
      {"- wait1 -> fin1", "- END -> fin1", "unknown_node", "nothing comes after END"},
      {"- wait1 -> fin1", "- wait1 & map1 -> fin1: {when: 'true'}", "bad_value",
       "a join has no options"},
      {"- wait1 -> fin1", "- wait1 & wait1 -> fin1", "bad_value", "named twice"},
      {"- wait1 -> fin1", "- wait1 -> fin1 -> END", "bad_value", "an edge is"},
      {"into: x1\n  - rag1", "when: 'true'\n  - rag1", "bad_value", "does not go with"},
      {"- talk1 -> tool1", "- talk1 -> tool1: {as: z1}", "bad_value", "belong to 'each'"},
      {"- talk1 -> tool1", "- talk1 -> tool1: {into: x1}", "bad_value", "belongs to 'on'"},
  };
  for (const Case& each : cases) {
    const std::size_t at = all_keys.find(each.from);
    REQUIRE_MESSAGE(at != std::string::npos, each.from);
    std::string text = all_keys;
    text.replace(at, std::string(each.from).size(), each.to);
    const int line =
        1 + static_cast<int>(std::count(all_keys.begin(),
                                        all_keys.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    const LoadedAgent loaded = load(text);
    CHECK(!loaded.ok());
    // Of some faults the line is that of the edge or node.
    bool is_there = false;
    for (int above = 0; above < 4; ++above)
      is_there = is_there || tells(loaded, each.code, line - above, each.words);
    CHECK_MESSAGE(is_there, std::string(each.to) << " in line " << line << "\n" << told(loaded));
  }
}

TEST_CASE("YAML that is broken or says a key twice is told with its line") {
  const LoadedAgent twice = load("name: v\nname: w\n");
  CHECK_MESSAGE(tells(twice, "yaml", 2, "stands twice"), told(twice));
  const LoadedAgent broken = load("name: v\nstate: {x: any\nnodes: 3\n");
  REQUIRE(broken.problems.size() == 1);
  CHECK(broken.problems[0].line > 1);
}

TEST_CASE("words that older YAML takes for truth are strings") {
  const LoadedAgent loaded = load(R"(name: on
state: {y: {type: string, default: no}, n: {type: string, default: yes}}
nodes: {off: {set: {y: n}}}
edges: [START -> off, off -> END]
)");
  REQUIRE_MESSAGE(loaded.ok(), told(loaded));
  CHECK(loaded.agent->name == "on");
  CHECK(loaded.agent->keys[0].fallback == Value("no"));
}

TEST_CASE("a mapped task that writes a key of the last value is warned of") {
  const LoadedAgent loaded = load(R"(name: v
state: {xs: list, x: any, all: {type: list, reduce: append}}
nodes:
  a: {set: {xs: "[1, 2]"}}
  b: {set: {x: i}}
  c: {set: {all: "[i]"}}
edges:
  - START -> a
  - a -> b: {each: xs, as: i}
  - a -> c: {each: xs, as: i}
  - b -> END
  - c -> END
)");
  REQUIRE_MESSAGE(loaded.ok(), told(loaded));
  CHECK_MESSAGE(tells(loaded, "write_conflict", 5, "once per item"), told(loaded));
  CHECK(loaded.problems.size() == 1);
}

TEST_CASE("the most that a run can cost is compared with each limit of the budget") {
  const std::string text = R"(name: v
models: {m: {provider: scripted, replies: r, context: 1000, input_usd_per_million: 1000}}
tools: {t: {command: [x]}}
state: {x: any}
nodes:
  a: {llm: {model: m, prompt: hi, into: x, max_tokens: 100}}
  b: {tool: {use: t}}
budget:
  calls: CALLS
  usd: USD
edges: [START -> a, a -> b, b -> END]
)";
  const auto with_limits = [&](std::string calls, std::string usd) {
    std::string made = text;
    made.replace(made.find("CALLS"), 5, calls);
    made.replace(made.find("USD"), 3, usd);
    return load(made);
  };
  const LoadedAgent fits = with_limits("2", "0.9");
  CHECK(fits.problems.empty());
  CHECK(fits.worst_case.calls == 2);
  const LoadedAgent loaded = with_limits("1", "0.8");
  CHECK_MESSAGE(tells(loaded, "worst_case", 9, "2 calls, more than the budget of 1"), told(loaded));
  CHECK_MESSAGE(tells(loaded, "worst_case", 10, "USD, more than the budget of 0.8"), told(loaded));
}

TEST_CASE("prices of tools are in the most that a run can cost, where it is known") {
  const std::string text = R"(name: v
models: {m: {provider: scripted, replies: r}}
tools: {t: {command: [x], price: 0.5}}
state: {x: any}
nodes: {b: BODY}
edges: [START -> b, b -> END]
)";
  const auto usd_of = [&](const std::string& body) {
    std::string made = text;
    const LoadedAgent loaded = load(made.replace(made.find("BODY"), 4, body));
    CHECK_MESSAGE(loaded.ok(), told(loaded));
    return loaded.worst_case.usd;
  };
  CHECK(usd_of("{tool: {use: t}}") == 0.5);
  CHECK(usd_of("{tool: {use: t}, retry: {max: 3}}") == 1.5);
  CHECK_FALSE(usd_of("{map: {each: '[1, 2]', as: y, do: {tool: {use: t}}, into: x}}"));
  CHECK_FALSE(usd_of("{agent: {model: m, prompt: hi, tools: [t], into: x}}"));
  CHECK(usd_of("{agent: {model: m, prompt: hi, tools: [], into: x}}") == 0);
}
