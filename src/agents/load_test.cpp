#include "agents/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "core/clock.hpp"
#include "core/files.hpp"

using namespace slipway;
using agents::LoadedAgent;

namespace {

LoadedAgent load(const std::string& text, std::map<std::string, std::string> files = {}) {
  agents::LoadOptions options;
  options.read_file = [files](const std::string& path) -> Result<std::string> {
    const auto found = files.find(std::filesystem::path(path).filename().string());
    if (found == files.end()) return fail(Code::not_found, "no file {}", path);
    return found->second;
  };
  return agents::load_agent("agent.yaml", text, options);
}

std::string told(const LoadedAgent& loaded) {
  std::string text;
  for (const auto& problem : loaded.problems)
    text += fmt::format("{}{} {}: {}\n", problem.is_warning ? "warning " : "", problem.code,
                        problem.line, problem.message);
  return text;
}

const std::string good = R"(name: v
state: {x: int, xs: list, log: {type: list, reduce: append}}
nodes:
  a: {set: {x: x + 1}}
  b: {set: {log: '[x]'}}
edges:
  - START -> a
  - a -> b
  - b -> END
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a good file gives a graph, its nodes by the bytes of their names") {
  const auto loaded = load(good);
  REQUIRE_MESSAGE(loaded.ok(), told(loaded));
  CHECK(loaded.problems.empty());
  CHECK(loaded.agent->nodes.size() == 2);
  CHECK(loaded.agent->node("b") == 1u);
  CHECK(!loaded.agent->node("c"));
  CHECK(loaded.agent->hash == load(good).agent->hash);
  CHECK(loaded.agent->hash != load(with(good, "x + 1", "x + 2")).agent->hash);
}

TEST_CASE("every vector of the contract loads") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLIPWAY_TEST_DATA)) {
    if (entry.path().extension() != ".json") continue;
    const json::Value vector = *json::parse(*read_file(entry.path()));
    std::map<std::string, std::string> files;
    for (const auto& [name, text] : vector.at("files").as_object())
      files[std::string(name)] = std::string(text.as_string());
    const auto loaded = load(files.at("agent.yaml"), files);
    CHECK_MESSAGE(loaded.ok(), entry.path().string() << "\n" << told(loaded));
    ++count;
  }
  CHECK(count >= 150);
}

TEST_CASE("every fault is told with its code and line") {
  struct Case {
    const char *from, *to, *code;
    int line;
    const char* words;
  };
  const Case cases[] = {
      {"name: v", "nmae: v", "unknown_key", 1, "did you mean 'name'"},
      {"a: {set:", "a: {sett:", "missing_key", 4, "one of: set"},
      {"x + 1", "y + 1", "expression", 4, "'y' is no"},
      {"x + 1", "x +", "expression", 4, "column"},
      {"x + 1", "\"'a' + 'b'\"", "bad_type", 4, "string, not int"},
      {"{x: x", "{z: x", "unknown_key", 4, "no key of the state"},
      {"a -> b", "a -> c", "unknown_node", 8, "'c' is no node"},
      {"START -> a", "START -> b", "unreachable", 4, "'a' is never reached"},
      {"b -> END", "b -> a", "cycle", 4, "never ends"},
      {"  - b -> END\n", "", "no_end", 5, "b -> END"},
      {"a -> b", "a -> b: {when: x > 1}", "no_else", 8, "else: true"},
      {"a -> b", "a -> b: {when: x + 1}", "bad_type", 8, "not bool"},
      {"a -> b", "a -> b: {wehn: 'true'}", "unknown_key", 8, "did you mean 'when'"},
      {"a -> b", "a & c -> b", "unknown_node", 8, "'c' is no node"},
      {"a -> b", "a -> b: {each: xs}", "missing_key", 8, "'as'"},
      {"a -> b", "a > b", "bad_value", 8, "an edge is"},
      {"x: int", "x: integer", "bad_value", 2, "none of"},
      {"x: int", "x: {type: int, reduce: append}", "bad_type", 2, "needs type list"},
      {"x: int", "x: {type: int, default: abc}", "bad_type", 2, "default"},
      {"x: int", "x: {type: any, reduce: append, default: 3}", "bad_type", 2, "default of 'x'"},
      {"x: int", "x: {type: any, reduce: merge, default: [1]}", "bad_type", 2, "takes a map"},
      {"x: int", "x: {type: list, reduce: messages, default: [1]}", "bad_type", 2, "messages"},
      {"x: int", "x: {type: any, reduce: min, default: {}}", "bad_type", 2, "an order"},
      {"x: int", "step: int, x: int", "bad_value", 2, "a meaning of its own"},
      {"a: {set: {x: x + 1}}", "a: {set: {x: x + 1}, retry: {max: 0}}", "bad_value", 4, "1..100"},
      {"a: {set: {x: x + 1}}", "a: {set: {x: x + 1}, timeout: soon}", "bad_value", 4, "30s"},
      {"a: {set: {x: x + 1}}", "a: {set: {x: 1}, llm: {}}", "bad_value", 4, "one kind only"},
      {"a: {set: {x: x + 1}}", "a: {llm: {model: m, prompt: hi, into: x}}", "unknown_model", 4,
       "models"},
      {"a: {set: {x: x + 1}}", "a: {tool: {use: t}}", "unknown_tool", 4, "tools"},
      {"a: {set: {x: x + 1}}", "a: {graph: {agent: sub.yaml}}", "unknown_agent", 4, "sub.yaml"},
      {"a: {set: {x: x + 1}}", "a: {human: {ask: '{{x', into: x}}", "expression", 4, "}}"},
      {"nodes:", "tools: {t: {builtin: calculator, risk: high}}\nnodes:\n  c: {tool: {use: t}}",
       "unreachable", 5, "'c'"},
      {"edges:", "budget: {tokens: 1, on_exceed: finish, finish: q}\nedges:", "unknown_node", 6,
       "'q'"},
      {"  b: {set", "  c: {set: {x: '1'}}\n  b: {set", "unreachable", 5, "lead an edge to it"},
      {"  b: {set: {log: '[x]'}}\nedges:",
       "  b: {set: {log: '[x]'}}\n  c: {set: {x: '1'}}\nedges:\n  - a & c -> b", "join", 8,
       "never runs; lead an edge to it"},
      {"b -> END", "b -> END: {else: true}", "no_when", 9, "write a plain edge"},
      {"START -> a", "a -> a: {when: x < 2}", "missing_edge", 6, "write START -> NODE"},
      {"edges:",
       "  w: {wait: {for: 1s}}\nbudget: {tokens: 1, on_exceed: finish, finish: w}\nedges:\n"
       "  - a -> w\n  - w -> END",
       "finish_node", 7, "finish with a 'set' node"},
      {"edges:",
       "tools:\n  look: {builtin: now, risk: high}\n"
       "  t: {builtin: now, probe: look, effect: at_most_once}\nedges:",
       "unapproved", 8, "name a tool that only looks"},
      {"x: int", "x: {type: int, untrusted: 3}", "bad_value", 2, "untrusted"},
  };
  for (const Case& each : cases) {
    const auto loaded = load(with(good, each.from, each.to));
    CHECK_MESSAGE(!loaded.ok(), each.to);
    bool is_told = false;
    for (const auto& problem : loaded.problems)
      is_told = is_told || (problem.code == each.code && problem.line == each.line &&
                            problem.message.find(each.words) != std::string::npos);
    CHECK_MESSAGE(is_told, each.to << "\n" << told(loaded));
  }
}

TEST_CASE("a price is for tools that leave, and no less than nothing") {
  const auto told_of = [](const std::string& tools) {
    const auto loaded = load(with(good, "edges:", "tools: {" + tools + "}\nedges:"));
    CHECK_MESSAGE(!loaded.ok(), tools);
    return loaded.problems.empty() ? slipway::agents::Problem() : loaded.problems.front();
  };
  const std::pair<const char*, const char*> cases[] = {
      {"t: {command: [x], price: -1}", "0 or more"},
      {"t: {command: [x], price: free}", "'price': a number"},
      {"t: {command: [x], price: 2e6}", "more than 1000000 USD"},
      {"t: {command: [x], prise: 1}", "did you mean 'price'"},
      {"t: {builtin: now, price: 1}", "costs nothing; take 'price' out"},
      {"t: {rag: {collection: c}, price: 1}", "counted by itself"},
      {"look: {command: [x], effect: pure, price: 1}, t: {command: [x], probe: look}",
       "'look' has a price"}};
  for (const auto& [tools, words] : cases) {
    const auto problem = told_of(tools);
    CHECK(problem.line == 6);
    CHECK_MESSAGE(problem.message.find(words) != std::string::npos, problem.message);
  }
  for (const char* tool :
       {"{command: [x], price: 0}", "{search: {provider: brave, key: 'env:K'}, price: 0.005}"})
    CHECK(load(with(good, "edges:", std::string("tools: {t: ") + tool + "}\nedges:")).ok());
}

TEST_CASE("a tool of high risk needs an approval on every way to it") {
  const std::string text = R"(name: v
state: {x: any}
tools: {t: {builtin: now, risk: high}}
nodes: {a: {tool: {use: t, into: x}}}
edges: [START -> a, a -> END]
)";
  CHECK(told(load(text)).find("unapproved 4") != std::string::npos);
  CHECK(load(with(text, "into: x}", "into: x}, approve: {when: 'true'}")).ok());
  CHECK(load(with(text, "risk: high", "risk: high, approve: {ask: 'ok {{args}}?'}")).ok());
  // Also where a model calls it, and in a map.
  const std::string models = "models: {m: {provider: scripted, replies: r.jsonl}}\nnodes:";
  const std::string react = with(with(text, "{tool: {use: t, into: x}}",
                                      "{agent: {model: m, prompt: hi, tools: [t], into: x}}"),
                                 "nodes:", models);
  const std::string of_react = told(load(react));
  CHECK_MESSAGE(of_react.find("unapproved 5: 'a' calls tool 't'") != std::string::npos, of_react);
  const std::string map = with(text, "{tool: {use: t, into: x}}",
                               "{map: {each: '[1]', as: i, do: {tool: {use: t}}, into: x}}");
  CHECK(told(load(map)).find("give the node or the tool 'approve: {...}'") != std::string::npos);
}

TEST_CASE("sub-agents that contain themselves are refused") {
  const std::string text = R"(name: v
state: {x: any}
nodes: {a: {graph: {agent: sub.yaml}}}
edges: [START -> a, a -> END]
)";
  const auto loaded = load(text, {{"sub.yaml", text}});
  CHECK(told(loaded).find("sub_agent_cycle") != std::string::npos);
}

TEST_CASE("two writers of one key in one superstep are warned of") {
  const auto loaded = load(with(good, "START -> a", "START -> a, c") + "  - c -> END\n");
  CHECK(!loaded.ok());
  std::string text = with(good, "START -> a", "START -> a, c") + "  - c -> END\n";
  text = with(text, "  b:", "  c: {set: {x: '3'}}\n  b:");
  const auto warned = load(text);
  REQUIRE_MESSAGE(warned.ok(), told(warned));
  CHECK(told(warned).find("warning write_conflict 5") != std::string::npos);
}

TEST_CASE("what is suspicious is warned of, with its line and a remedy") {
  const auto warned = [](const std::string& text) {
    const auto loaded = load(text);
    const std::string all = told(loaded);
    REQUIRE_MESSAGE(loaded.ok(), all);
    return all;
  };
  const std::string some = "name: v\ninput: [xs]\noutput: [log]" + good.substr(7);
  const std::string keys = warned(with(some, "{x: int,", "{x: int, y: any, z: any,"));
  CHECK(keys.find("warning never_written 4: key 'y' is never written and is no input; write it") !=
        std::string::npos);
  CHECK(keys.find("warning never_read 4: key 'z' is never read and is no output; name it") !=
        std::string::npos);
  const std::string costly = R"(name: v
models: {m: {provider: scripted, replies: r.jsonl, context: 1000}}
state: {x: string}
nodes: {a: {llm: {model: m, prompt: hi, into: x}}}
budget:
  tokens: 999
edges: [START -> a, a -> END]
)";
  CHECK(warned(costly).find("warning worst_case 6: a run may take 1000 tokens") !=
        std::string::npos);
  CHECK(warned(costly).find("Raise it, or lower") != std::string::npos);
  CHECK(warned(with(costly, "999", "1000")).empty());
}

TEST_CASE("no text makes the loader crash") {
  SeededRandom random(81);
  for (int round = 0; round < 1500; ++round) {
    std::string text = good;
    for (std::uint64_t i = random.next() % 4 + 1; i > 0; --i) {
      const std::size_t at = random.next() % text.size();
      switch (random.next() % 3) {
        case 0: text.erase(at, random.next() % 5); break;
        case 1: text[at] = "{}[]:,->&'\"x \n\xc3#|"[random.next() % 17]; break;
        default: text.insert(at, text.substr(random.next() % text.size(), random.next() % 12));
      }
    }
    (void)load(text);
  }
}
