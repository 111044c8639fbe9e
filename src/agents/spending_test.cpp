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

/// A call of its tool may cost 0.3 USD and 100 tokens, and takes 0.1 USD and 50 of them.
void let_models_within_spend(World& world) {
  world.tool->can_spend = Spending{.usage = {.input_tokens = 40, .output_tokens = 60}, .usd = 0.3};
  world.tool->act = [](int, const Value& args) {
    ToolResult result = ToolResult::done(args);
    result.spent = Spending{.usage = {.input_tokens = 40, .output_tokens = 10}, .usd = 0.1};
    return result;
  };
}

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
  let_models_within_spend(world);
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

namespace {

const std::string paid_search = R"y(name: v
state: {a: any, b: any, ok: any}
budget: {BUDGET}
tools: {web: {command: [x], price: 0.25, effect: pure}}
nodes:
  one: {tool: {use: web, args: {n: 1}, into: a}}
  check: {human: {ask: "{{a}}?", into: ok}}
  two: {tool: {use: web, args: {n: 2}, into: b}}
edges: [START -> one, one -> check, check -> two, two -> END]
)y";

}  // namespace

TEST_CASE("a tool with a price is paid call by call, and not again by an answer or a replay") {
  World world;
  (void)world.run(world.load(with(paid_search, "BUDGET", "usd: 0.6")));
  world.reopen();
  const RunResult result = world.answer("true");
  REQUIRE(result.status == Status::done);
  CHECK(world.tool->calls == 2);
  CHECK(is_about(result.usd, 0.5));
  CHECK(result.tokens == 0);
  const Value row = world.runtime->ledger("t")->at("rows").items().at(0);
  CHECK(row.at("usd") == Value(0.25));
  CHECK(row.at("spent").at("usd") == Value(0.25));
  CHECK(row.at("spent").at("estimated") == Value(false));
  REQUIRE(world.runtime->replay({}, result.run)->at("ok") == Value(true));
  CHECK(world.tool->calls == 2);
}

TEST_CASE("a paid tool is not called where its price does not fit") {
  World world;
  RunResult result = world.run(world.load(with(paid_search, "BUDGET", "usd: 0.24")));
  CHECK(result.error->kind == "budget");
  CHECK(result.error->node == "one");
  CHECK(world.tool->calls == 0);
  CHECK(result.usd == 0);
  result = world.run(world.load(with(paid_search, "BUDGET", "usd: 0.3, on_exceed: approve")));
  result = world.answer("true");
  REQUIRE(result.interrupts.size() == 1);
  CHECK(result.interrupts[0].kind == "budget");
  CHECK(result.interrupts[0].value.at("needed").at("usd") == Value(0.25));
  CHECK(world.tool->calls == 1);
  result = world.answer(R"({"add": {"usd": 0.2}})");
  CHECK(result.status == Status::done);
  CHECK(is_about(result.usd, 0.5));
}

TEST_CASE("a paid call that surely was not made costs nothing, one that broke off its price") {
  World world;
  const AgentPtr agent = world.load(with(paid_search, "BUDGET", "usd: 9"));
  world.tool->act = [](int, const Value&) { return ToolResult::failed({"rate_limit", "later"}); };
  RunResult result = world.run(agent);
  CHECK(result.error->kind == "rate_limit");
  CHECK(result.usd == 0);
  world.tool->act = [](int, const Value&) { return ToolResult::unknown({"network", "gone"}); };
  result = world.runtime->resume({}, "t", {});
  CHECK(result.error->kind == "network");
  CHECK(is_about(result.usd, 0.25));
  CHECK(world.runtime->ledger("t")->at("rows").items().at(0).at("spent").at("estimated") ==
        Value(true));
}

TEST_CASE("a paid call that was open when the program ended counts in full") {
  World world;
  const auto data = world.scratch.path() / "data", after = world.scratch.path() / "after";
  world.tool->act = [&](int, const Value& args) {
    if (!std::filesystem::exists(after)) std::filesystem::copy(data, after);
    return ToolResult::done(args);
  };
  (void)world.run(world.load(with(paid_search, "BUDGET", "usd: 9")));
  Runtime::Options options{.data = after, .clock = world.clock};
  options.tools.add("command", [&](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
    return std::shared_ptr<Tool>(world.tool);
  });
  world.runtime = *Runtime::open(std::move(options));
  const RunResult result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::interrupted);
  CHECK(is_about(result.usd, 0.25 + 0.25));
}

TEST_CASE("what models within a paid tool cost is added to its price") {
  World world;
  let_models_within_spend(world);
  RunResult result = world.run(world.load(with(paid_search, "BUDGET", "usd: 0.54")));
  CHECK(result.error->kind == "budget");
  result = world.run(world.load(with(paid_search, "BUDGET", "usd: 0.55")));
  CHECK(result.status == Status::interrupted);
  CHECK(is_about(result.usd, 0.35));
  CHECK(result.tokens == 50);
}

TEST_CASE("a paid tool must have room in the budgets of the whole program too") {
  World world;
  auto ledger = *budgets::Ledger::open({.path = ":memory:"});
  REQUIRE(ledger->create({}, "all", budgets::BudgetConfig{.limit_usd = 0.4}).ok());
  Runtime::Options options{.budgets = ledger.get(), .clock = world.clock};
  options.tools.add("command", [&](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
    return std::shared_ptr<Tool>(world.tool);
  });
  world.runtime.reset();
  world.runtime = *Runtime::open(std::move(options));
  world.tool->act = [](int call, const Value& args) {
    if (call == 1) return ToolResult::failed({"network", "nobody there"});
    return ToolResult::done(args);
  };
  const AgentPtr agent = world.load(with(paid_search, "BUDGET", "calls: 9"));
  CHECK(world.run(agent).error->kind == "network");
  CHECK(world.runtime->resume({}, "t", {}).status == Status::interrupted);
  const RunResult result = world.answer("true");
  CHECK(result.error->kind == "budget");
  CHECK(result.error->node == "two");
  CHECK(world.tool->calls == 2);
  REQUIRE(ledger->flush({}).ok());
  const auto list = ledger->list({});
  REQUIRE(list.ok());
  CHECK((*list)[0].spent_usd == doctest::Approx(0.25));
  CHECK((*list)[0].reserved_usd == 0);
}

namespace {

/// Takes 10 and 20 tokens, at a price that may change, or that nobody knows.
class PricedModel final : public Model {
 public:
  std::optional<ModelPrice> now;
  Outcome<ModelReply> reply(const Context&, const ModelCall&) override {
    return ModelReply{.text = "ok", .input_tokens = 10, .output_tokens = 20};
  }
  Outcome<std::int64_t> count_tokens(const ModelCall&) override { return 10; }
  std::optional<ModelPrice> price() override { return now; }
};

}  // namespace

TEST_CASE("a model is paid at the price that it has when it is called, not at that of the file") {
  World world;
  const auto model = std::make_shared<PricedModel>();
  world.runtime.reset();
  world.runtime = *Runtime::open(
      {.open_model = [&](const ModelSpec&) { return Result<std::shared_ptr<Model>>(model); }});
  LoadOptions options{.models = {"writer"}};
  const auto load = [&](const std::string& budget) {
    const LoadedAgent loaded = load_agent("v.yaml",
                                          with(R"(name: v
state: {text: any}
budget: {BUDGET}
nodes: {say: {llm: {model: writer, prompt: hi, into: text, max_tokens: 30}}}
edges: [START -> say, say -> END]
)",
                                               "BUDGET", budget),
                                          options);
    REQUIRE(loaded.ok());
    return loaded;
  };
  const auto usd_of = [&](double input, double output) {
    model->now = ModelPrice{input, output};
    return world.run(load("usd: 1").agent).usd;
  };
  CHECK(is_about(usd_of(1000, 2000), 0.05));
  CHECK(is_about(usd_of(2000, 0), 0.02));
  CHECK(is_about(usd_of(0, 0), 0));
  model->now = ModelPrice{0, 50'000};
  CHECK(world.run(load("usd: 1").agent).error->kind == "budget");
  model->now = ModelPrice{.is_known = false};
  const RunResult unknown = world.run(load("usd: 1").agent);
  CHECK(unknown.error->message.find("nobody knows what model 'writer' costs") != std::string::npos);
  CHECK(world.run(load("tokens: 100").agent).status == Status::done);
  // What a check tells of the worst case goes by what is known then.
  CHECK(load("tokens: 100").worst_case.usd == 0);
  options.model_price = [](const std::string& name) {
    CHECK(name == "writer");
    return ModelPrice{1000, 2000};
  };
  // 8192 tokens of context, 30 of them written.
  CHECK(is_about(*load("tokens: 100").worst_case.usd, 8.162 + 0.06));
  options.model_price = [](const std::string&) { return ModelPrice{.is_known = false}; };
  CHECK(!load("tokens: 100").worst_case.usd);
}
