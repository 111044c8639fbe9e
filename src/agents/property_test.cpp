// What must hold of any graph: when tasks finish has no influence, a run in pieces is the run, a
// branch that sets nothing is the same line again, a replay finds no difference.
#include <doctest/doctest.h>

#include "agents/detail/scratch.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/clock.hpp"
#include "core/files.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

constexpr std::uint64_t seed = 20'262;
constexpr int graphs = 12;

std::size_t below(Random& random, std::size_t limit) { return random.next() % limit; }

/// A graph of some nodes in order, with branches, joins, sends and a way back that is taken while
/// `turn` is small. Every node writes down that it ran; those that ask a model take some time.
struct RandomGraph {
  std::string yaml;
  int nodes = 0;
  explicit RandomGraph(Random& random) : nodes(3 + static_cast<int>(below(random, 4))) {
    yaml =
        "name: random\nmodels: {m: {provider: scripted, replies: r.jsonl}}\n"
        "state:\n  turn: {type: int, default: 0}\n  log: {type: list, reduce: append}\n"
        "  sum: {type: int, reduce: sum}\n  said: {type: any, reduce: any}\n"
        "limits: {steps: 60, parallel: 8}\nnodes:\n";
    for (int i = 0; i < nodes; ++i) {
      const std::string turn = i == 0 ? "turn: turn + 1, " : "";
      if (i > 0 && below(random, 2) == 0)
        yaml += fmt::format("  n{}: {{llm: {{model: m, prompt: 'n{} {{{{sum}}}}', into: said}}}}\n",
                            i, i);
      else
        yaml += fmt::format("  n{}: {{set: {{{}log: '[[node, step]]', sum: '{}'}}}}\n", i, turn, i);
    }
    yaml += "edges:\n  - START -> n0\n";
    for (int i = 0; i + 1 < nodes; ++i) add_edges(random, i);
    yaml += fmt::format("  - n{} -> n0: {{when: turn < 3}}\n  - n{} -> END: {{else: true}}\n",
                        nodes - 1, nodes - 1);
  }

 private:
  void add_edges(Random& random, int from) {
    const auto later = [&] { return from + 1 + static_cast<int>(below(random, nodes - from - 1)); };
    switch (below(random, 3)) {
      case 0:
        yaml += fmt::format("  - n{} -> n{}\n  - n{} -> n{}\n", from, from + 1, from, later());
        break;
      case 1:
        yaml +=
            fmt::format("  - n{} -> n{}: {{when: sum % 2 == 0}}\n  - n{} -> n{}: {{else: true}}\n",
                        from, later(), from, from + 1);
        // Every node has a way to it.
        yaml += fmt::format("  - n{} -> n{}: {{when: sum % 3 == 0}}\n", from, from + 1);
        break;
      default:
        yaml += fmt::format("  - n{} -> n{}: {{each: 'lists.range(turn)', as: x, empty: n{}}}\n",
                            from, from + 1, later());
    }
  }
};

/// One line a node: each takes as long as chance says.
std::string replies(Random& random, int nodes) {
  std::string text;
  for (int i = 0; i < nodes; ++i)
    for (int visit = 1; visit <= 3; ++visit)
      text += fmt::format(R"({{"node": "n{}", "visit": {}, "text": "{} of {}", "delay_ms": {}}})"
                          "\n",
                          i, visit, visit, i, below(random, 4));
  return text + R"({"text": "else"})" + "\n";
}

struct Fixture {
  detail::Scratch scratch;
  AgentPtr load(const std::string& yaml, const std::string& lines) {
    REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", lines).ok());
    const LoadedAgent loaded = load_agent((scratch.path() / "agent.yaml").string(), yaml);
    const std::string why = loaded.ok() ? "" : yaml + loaded.error().message();
    REQUIRE_MESSAGE(loaded.ok(), why);
    return loaded.agent;
  }
  std::unique_ptr<Runtime> open(const std::string& name = "") const {
    return *Runtime::open({.data = name.empty() ? std::filesystem::path() : scratch.path() / name});
  }
};

std::string trace_of(const RunResult& result) {
  std::string text = fmt::format("{}\n{}\n", json::name(result.status), dump(result.state));
  for (const TraceStep& step : *result.steps) {
    text += dump(step.state);
    for (const TraceTask& task : step.tasks)
      text += fmt::format(" {}[{}]{}", task.node, task.index, dump(task.writes));
    text += "\n";
  }
  return text;
}

RunResult run(Runtime& runtime, const AgentPtr& agent, std::optional<int> steps = {}) {
  return runtime.run({}, agent, Value::map(),
                     {.thread = "t", .run = "r", .steps = steps, .trace = true});
}

}  // namespace

TEST_CASE("when tasks finish has no influence on any result") {
  SeededRandom random(seed);
  for (int number = 0; number < graphs; ++number) {
    const RandomGraph graph(random);
    std::string first;
    for (int times = 0; times < 4; ++times) {
      Fixture fixture;
      const AgentPtr agent = fixture.load(graph.yaml, replies(random, graph.nodes));
      const auto runtime = fixture.open();
      const std::string trace = trace_of(run(*runtime, agent));
      if (first.empty()) first = trace;
      CHECK_MESSAGE(trace == first, graph.yaml);
    }
  }
}

TEST_CASE("a run that is resumed after every superstep is the run that was not") {
  SeededRandom random(seed + 1);
  for (int number = 0; number < graphs; ++number) {
    const RandomGraph graph(random);
    const std::string lines = replies(random, graph.nodes);
    Fixture fixture;
    const AgentPtr agent = fixture.load(graph.yaml, lines);
    const RunResult whole = run(*fixture.open(), agent);
    RunResult piece = run(*fixture.open("data"), agent, 1);
    std::vector<TraceStep> steps = *piece.steps;
    for (int rest = 0; rest < 100 && piece.error && piece.error->kind == "step_limit"; ++rest) {
      // Each time by a runtime that knows only what is on disk.
      piece = fixture.open("data")->resume({}, "t", {.steps = 1, .trace = true});
      steps.insert(steps.end(), piece.steps->begin(), piece.steps->end());
    }
    piece.steps = steps;
    CHECK_MESSAGE(trace_of(piece) == trace_of(whole), graph.yaml);
    CHECK(*piece.starts == *whole.starts);
  }
}

TEST_CASE("a branch from any checkpoint comes to the same end, and a replay finds no difference") {
  SeededRandom random(seed + 2);
  for (int number = 0; number < graphs; ++number) {
    const RandomGraph graph(random);
    // Visits are counted in the thread, so what a branch's models say must not hang on them.
    std::string lines;
    for (int i = 0; i < graph.nodes; ++i)
      lines += fmt::format(R"({{"node": "n{}", "text": "said by {}"}})"
                           "\n",
                           i, i);
    Fixture fixture;
    const AgentPtr agent = fixture.load(graph.yaml, lines);
    const auto runtime = fixture.open("data");
    const RunResult whole = run(*runtime, agent);
    REQUIRE_MESSAGE(whole.status == Status::done, graph.yaml << dump(whole.json()));
    const auto replay = runtime->replay({}, "r");
    REQUIRE(replay.ok());
    CHECK_MESSAGE(replay->at("ok") == Value(true), graph.yaml << dump(*replay));
    for (std::size_t at = 0; at < whole.steps->size(); ++at) {
      const RunResult branch =
          runtime->resume({}, "t", {.checkpoint = (*whole.steps)[at].checkpoint, .trace = true});
      CHECK_MESSAGE(branch.state == whole.state, graph.yaml);
      CHECK(branch.steps->size() == whole.steps->size() - at - 1);
    }
  }
}
