// Models that are asked within a call of a tool or a collection are paid for from the agent's
// budget: reserved before, settled after, never twice.
#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string asking = R"y(name: v
state: {q: string, found: any, ok: any}
budget: {BUDGET}
nodes:
  look: {rag: {collection: faq, question: "{{q}}", mode: ask, into: found}}
  check: {human: {ask: "{{found}}?", into: ok}}
edges: [START -> look, look -> check, check -> END]
)y";

/// Answers with 70 tokens for 0.02 USD; 300 tokens and 0.05 USD are the most.
struct Shelf {
  std::atomic<int> asked{0};
  bool is_priced = true;
  std::function<void()> meanwhile = [] {};
  std::optional<Failure> failure;

  Collections open() {
    Collections made;
    made.most = [this](const Context&, const RagBody& body, const ToolCall&) -> Outcome<Spending> {
      if (!body.is_ask) return Spending{};
      return Spending{.usage = {.input_tokens = 200, .output_tokens = 100},
                      .usd = 0.05,
                      .is_priced = is_priced};
    };
    made.ask = [this](const Context&, const RagBody&, const ToolCall& call) {
      ++asked;
      meanwhile();
      if (failure) return ToolResult::failed(*failure);
      ToolResult result = ToolResult::done(call.args.at("question"));
      result.spent = Spending{.usage = {.input_tokens = 50,
                                        .output_tokens = 20,
                                        .embedding_tokens = 7,
                                        .estimated = true},
                              .usd = 0.02};
      return result;
    };
    return made;
  }
};

struct Desk : World {
  Shelf shelf;
  Desk() {
    rag = shelf.open();
    reopen();
  }
  AgentPtr agent(const std::string& budget) { return load(with(asking, "BUDGET", budget)); }
};

bool is_about(double value, double wanted) { return std::abs(value - wanted) < 1e-9; }

}  // namespace

TEST_CASE("what a rag node's models consume is the run's usage, and in its ledger and events") {
  Desk desk;
  std::vector<Event> events;
  RunOptions options{.on_event = [&](Event event) { events.push_back(std::move(event)); }};
  const RunResult result =
      desk.run(desk.agent("tokens: 1000, usd: 1"), R"({"q": "leave?"})", options);
  CHECK(result.status == Status::interrupted);
  CHECK(result.tokens == 70);
  CHECK(result.calls == 1);
  CHECK(is_about(result.usd, 0.02));
  CHECK(result.reserved_peak == 300);
  const Value row = desk.runtime->ledger("t")->at("rows").items().at(0);
  CHECK(row.at("tokens") == Value(70));
  CHECK(row.at("spent").at("input_tokens") == Value(50));
  CHECK(row.at("spent").at("embedding_tokens") == Value(7));
  CHECK(row.at("spent").at("estimated") == Value(true));
  const auto ended = std::find_if(events.begin(), events.end(), [](const Event& event) {
    return event.type == "tool" && event.data.at("state") == Value("done");
  });
  REQUIRE(ended != events.end());
  CHECK(ended->data.at("usage").at("tokens") == Value(70));
  CHECK(ended->data.at("spent").at("output_tokens") == Value(20));
}

TEST_CASE("a budget that has no room for a question refuses it before anybody is asked") {
  for (const char* budget : {"tokens: 299", "usd: 0.049", "calls: 0"}) {
    Desk desk;
    const RunResult result = desk.run(desk.agent(budget), R"({"q": "leave?"})");
    CHECK(result.status == Status::failed);
    CHECK(result.error->kind == "budget");
    CHECK(result.error->node == "look");
    CHECK(desk.shelf.asked == 0);
    CHECK(result.tokens == 0);
  }
  Desk desk;
  desk.shelf.is_priced = false;
  const RunResult result = desk.run(desk.agent("usd: 5"), R"({"q": "leave?"})");
  CHECK(result.error->message.find("nobody knows what the models cost") != std::string::npos);
  CHECK(desk.shelf.asked == 0);
}

TEST_CASE("a question waits for the money that somebody adds, and is asked once") {
  Desk desk;
  RunResult result = desk.run(desk.agent("tokens: 100, on_exceed: approve"), R"({"q": "leave?"})");
  REQUIRE(result.interrupts.size() == 1);
  CHECK(result.interrupts[0].kind == "budget");
  CHECK(result.interrupts[0].value.at("needed").at("tokens") == Value(300));
  CHECK(desk.shelf.asked == 0);
  result = desk.answer(R"({"add": {"tokens": 200}})");
  REQUIRE(result.interrupts.size() == 1);
  CHECK(result.interrupts[0].kind == "human");
  CHECK(desk.shelf.asked == 1);
  CHECK(result.tokens == 70);
}

TEST_CASE("a question is paid once, whatever a run goes through, and a replay pays nothing") {
  Desk desk;
  (void)desk.run(desk.agent("tokens: 1000"), R"({"q": "leave?"})");
  desk.reopen();
  const RunResult result = desk.answer("true");
  REQUIRE(result.status == Status::done);
  CHECK(desk.shelf.asked == 1);
  CHECK(result.tokens == 70);
  CHECK(is_about(result.usd, 0.02));
  const auto replayed = desk.runtime->replay({}, result.run);
  REQUIRE(replayed.ok());
  CHECK(replayed->at("ok") == Value(true));
  CHECK(desk.shelf.asked == 1);
}

TEST_CASE("a question that was open when the program ended counts in full, and is asked again") {
  Desk desk;
  const auto data = desk.scratch.path() / "data", after = desk.scratch.path() / "after";
  desk.shelf.meanwhile = [&] {
    if (!std::filesystem::exists(after)) std::filesystem::copy(data, after);
  };
  (void)desk.run(desk.agent("tokens: 1000, usd: 1"), R"({"q": "leave?"})");
  Runtime::Options options{.data = after, .rag = desk.rag, .clock = desk.clock};
  desk.runtime = *Runtime::open(std::move(options));
  const RunResult result = desk.runtime->resume({}, "t", {});
  CHECK(result.status == Status::interrupted);
  CHECK(desk.shelf.asked == 2);
  CHECK(result.tokens == 300 + 70);
  CHECK(is_about(result.usd, 0.05 + 0.02));
}

TEST_CASE("a question that broke off counts in full, one that was refused costs nothing") {
  Desk desk;
  desk.shelf.failure = Failure{"timeout", "too slow"};
  RunResult result = desk.run(desk.agent("tokens: 1000"), R"({"q": "leave?"})");
  CHECK(result.error->kind == "timeout");
  CHECK(result.tokens == 300);
  CHECK(desk.runtime->ledger("t")->at("rows").items().at(0).at("spent").at("estimated") ==
        Value(true));
  desk.shelf.failure = Failure{"not_found", "there is no collection 'faq'"};
  result = desk.runtime->resume({}, "t", {});
  CHECK(result.error->kind == "not_found");
  CHECK(result.tokens == 300);
  desk.shelf.failure.reset();
  result = desk.runtime->resume({}, "t", {});
  CHECK(result.status == Status::interrupted);
  CHECK(result.tokens == 370);
}

TEST_CASE("what a tool's models consume is paid for from the budgets of its node and of the run") {
  World world;
  world.tool->can_spend = Spending{.usage = {.input_tokens = 40, .output_tokens = 60}, .usd = 0.3};
  world.tool->act = [](int, const Value& args) {
    ToolResult result = ToolResult::done(args);
    result.spent = Spending{.usage = {.input_tokens = 40, .output_tokens = 10}, .usd = 0.1};
    return result;
  };
  const std::string yaml = R"y(name: v
state: {a: any, b: any, c: any}
budget: {usd: 0.45, on_exceed: fail}
tools: {ask: {command: [x], effect: at_most_once}}
nodes:
  one: {tool: {use: ask, args: {n: 1}, into: a}, budget: {tokens: 100, on_exceed: fail}}
  two: {tool: {use: ask, args: {n: 2}, into: b}}
  three: {tool: {use: ask, args: {n: 3}, into: c}}
edges: [START -> one, one -> two, two -> three, three -> END]
)y";
  RunResult result = world.run(world.load(yaml));
  // 0.1 + 0.1 are spent, and 0.3 more do not fit.
  CHECK(result.error->node == "three");
  CHECK(result.error->kind == "budget");
  CHECK(world.tool->calls == 2);
  CHECK(result.tokens == 100);
  CHECK(is_about(result.usd, 0.2));
  result = world.run(world.load(with(yaml, "tokens: 100", "tokens: 99")));
  CHECK(result.error->node == "one");
  CHECK(world.tool->calls == 2);
}
