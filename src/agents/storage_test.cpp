// A disk that is full, or gone, at any of a run's writes: the run fails with kind `storage`, and
// goes on in the same process when there is room again; nothing is lost, and no effect happens
// twice.
#include <mutex>
#include <set>

#include "agents/detail/test_world.hpp"
#include "agents/host.hpp"
#include "budgets/ledger.hpp"
#include "core/fault.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string paying = R"y(name: paying
models: {m: {provider: scripted, replies: r.jsonl}}
tools:
  pay: {command: [pay], effect: at_most_once}
  note: {command: [note], effect: idempotent}
state: {n: {type: int, default: 0}, said: string, log: {type: list, reduce: append}, got: any,
        yes: any}
budget: {tokens: 10000, calls: 100, on_exceed: fail}
nodes:
  count: {set: {n: n + 1, log: "[n]"}}
  say: {llm: {model: m, prompt: "Say {{n}}", into: said, max_tokens: 30}}
  pay: {tool: {use: pay, args: {what: "pay {{n}}"}, into: got}}
  all:
    map: {each: "[1, 2]", as: x, parallel: 1, into: got,
          do: {tool: {use: note, args: {what: "note {{n}}-{{x}}"}}}}
  doze: {wait: {for: 1ms}}
  ask: {human: {ask: "Is {{n}} enough?", into: yes}}
edges:
  - START -> count
  - count -> say, pay
  - say & pay -> all
  - all -> doze
  - doze -> count: {when: n < 2}
  - doze -> ask: {else: true}
  - ask -> END
)y";
const std::string reply = R"({"text": "ok", "usage": {"input": 10, "output": 20}})";

/// Calls of a tool outside of the process, by what they were asked and by their keys.
struct Effects {
  std::mutex mutex;
  std::map<std::string, std::set<std::string>> keys;
  std::map<std::string, int> calls;
};

class CountingTool final : public Tool {
 public:
  explicit CountingTool(Effects& effects) : effects_(effects) {}
  ToolResult call(const Context&, const ToolCall& call) override {
    const std::lock_guard lock(effects_.mutex);
    const std::string what = in_words(call.args.at("what"));
    ++effects_.calls[what];
    effects_.keys[what].insert(call.effect_key);
    return ToolResult::done("did " + what);
  }

 private:
  Effects& effects_;
};

struct Shop {
  Scratch scratch;
  Effects effects;
  std::unique_ptr<budgets::Ledger> ledger;
  std::unique_ptr<Runtime> runtime;
  AgentPtr agent;

  Shop() {
    open();
    REQUIRE(write_file_atomically(scratch.path() / "agent.yaml", paying).ok());
    REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", reply).ok());
    agent = load_agent_file((scratch.path() / "agent.yaml").string()).agent;
    REQUIRE(agent != nullptr);
  }
  ~Shop() { runtime.reset(); }
  void open() {
    runtime.reset();
    Runtime::Options options{.data = scratch.path() / "data", .budgets = ledger.get()};
    options.tools.add("command", [this](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
      return std::shared_ptr<Tool>(std::make_shared<CountingTool>(effects));
    });
    auto opened = Runtime::open(std::move(options));
    REQUIRE(opened.ok());
    runtime = *std::move(opened);
  }
  RunResult run() { return runtime->run({}, agent, Value::map(), {.thread = "t", .run = "r"}); }
  /// As somebody who knows what was paid answers.
  RunResult go_on() {
    ResumeOptions resume;
    if (const auto state = runtime->state("t"); state.ok())
      for (const Value& question : state->at("interrupts").items())
        if (question.at("kind") == Value("effect")) {
          const std::string key = in_words(question.at("value").at("key"));
          std::string done;
          for (const auto& [what, keys] : effects.keys)
            if (keys.contains(key)) done = what;
          resume.answers.emplace_back(
              in_words(question.at("id")),
              done.empty() ? Value::map({{"retry", true}}) : Value::map({{"done", "did " + done}}));
        }
    RunResult result = runtime->resume({}, "t", resume);
    return result.error && result.error->kind == "no_thread" ? run() : result;
  }
  RunResult finish() {
    RunResult result = go_on();
    for (int i = 0; i < 10; ++i) {
      const bool is_asked = !result.interrupts.empty() && result.interrupts[0].kind != "effect";
      if (is_asked) break;
      result = go_on();
    }
    return result;
  }
};

}  // namespace

TEST_CASE("a run whose disk fails at any write says so, and goes on when it does not") {
  Shop clean;
  const RunResult expected = clean.run();
  REQUIRE(expected.status == Status::interrupted);
  int failed = 0;
  for (const FaultKind kind : {FaultKind::database, FaultKind::file})
    for (const auto mode : {FaultPlan::Mode::once, FaultPlan::Mode::onwards}) {
      bool fired = true;
      for (int nth = 1; fired; nth += kind == FaultKind::database ? 7 : 1) {
        INFO(std::string(kind == FaultKind::file ? "sync " : "statement "), nth,
             std::string(mode == FaultPlan::Mode::once ? "" : " and all after it"));
        Shop shop;
        RunResult broken;
        {
          const FaultPlan plan(kind, nth, mode);
          broken = shop.run();
          fired = plan.fired();
        }
        if (broken.status == Status::failed) {
          REQUIRE(broken.error);
          const bool is_of_script = broken.error->kind == "script";  // Its file was not read.
          CHECK_MESSAGE((is_of_script || broken.error->kind == "storage"), broken.error->message);
          ++failed;
        }
        // What was told is what is kept; a disk that cannot be read tells nothing.
        const auto kept = shop.runtime->state("t");
        if (kept.ok() && mode == FaultPlan::Mode::once && !broken.is_refused)
          CHECK(kept->at("state") == broken.state);
        const RunResult result = shop.finish();
        CHECK(result.status == Status::interrupted);
        CHECK(result.state == expected.state);
        for (const auto& [what, keys] : shop.effects.keys) CHECK(keys.size() == 1);
        for (const auto& [what, calls] : shop.effects.calls)
          CHECK((what.starts_with("note") || calls == 1));
        CHECK(shop.effects.keys.size() == clean.effects.keys.size());
        // Calls that were open count in full: 10 tokens of a prompt at most and 30 of a reply.
        CHECK(result.tokens >= expected.tokens);
        CHECK(result.tokens <= expected.tokens + 40);
        shop.open();
        const auto again = shop.runtime->state("t");
        REQUIRE(again.ok());
        CHECK(again->at("state") == expected.state);
        CHECK(shop.runtime->history("t")->size() == clean.runtime->history("t")->size());
      }
    }
  MESSAGE(failed, " runs failed");
  CHECK(failed > 30);
}

TEST_CASE("a copy of a thread that the disk does not take is none") {
  Shop shop;
  REQUIRE(shop.run().status == Status::interrupted);
  bool fired = true;
  for (int nth = 1; fired; nth += 5) {
    const std::string name = fmt::format("copy-{}", nth);
    bool is_made = false;
    {
      const FaultPlan plan(FaultKind::database, nth);
      is_made = shop.runtime->copy("t", name).ok();
      fired = plan.fired();
    }
    CHECK(shop.runtime->state(name).ok() == is_made);
  }
}
