#include "eval/model_judge.hpp"

#include <doctest/doctest.h>

#include "core/pool.hpp"
#include "models/scripted.hpp"
#include "trace/query.hpp"

namespace slipway::eval {

namespace {

using models::ScriptedChatModel;

ScriptedChatModel::Conversation says(std::string text) {
  return [text = std::move(text)](const dialects::ChatRequest&) -> Result<models::ScriptedTurn> {
    models::ScriptedTurn turn;
    turn.text = text;
    return turn;
  };
}

Golden a_case() {
  Golden golden;
  golden.id = "c1";
  golden.input = "What colour is the boat?";
  return golden;
}

Question a_question(std::string_view output = "The boat is red.") {
  return {.metric = "faithfulness",
          .prompt = "faithfulness.native.claims",
          .step = "claims",
          .index = 0,
          .values = {{"input", "What colour is the boat?"}, {"output", output}},
          .schema = {}};
}

struct Bench {
  explicit Bench(ScriptedChatModel::Conversation script) : model(std::move(script)) {}
  ModelJudgeOptions options() {
    return {.model = model, .prompts = *JudgePrompts::open(), .cache = cache.get()};
  }
  ScriptedChatModel model;
  std::unique_ptr<JudgeCache> cache = *JudgeCache::open(":memory:");
};

std::string ask(Judge& judge, const Question& question, int attempt = 0) {
  const auto reply = judge.ask(Context(), a_case(), question, attempt);
  return reply ? reply->text : "error: " + reply.error().message();
}

}  // namespace

TEST_CASE("a question goes to the model with schema, seed and marks, and its reply comes back") {
  Bench bench(says("{\"claims\": []}"));
  const auto judge = *ModelJudge::make(bench.options());
  CHECK(ask(*judge, a_question()) == "{\"claims\": []}");
  const auto sent = bench.model.conversations();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].messages.size() == 2);
  CHECK(sent[0].response_format.kind == dialects::ResponseKind::json_schema);
  CHECK(sent[0].temperature == 0);
  CHECK(judge->spent().calls == 1);
}

TEST_CASE("the same question costs once; another attempt, repeat or text is another sample") {
  Bench bench(says("{}"));
  const auto judge = *ModelJudge::make(bench.options());
  for (int i = 0; i < 3; ++i) ask(*judge, a_question());
  CHECK(judge->spent().calls == 1);
  CHECK(judge->spent().cached == 2);
  ask(*judge, a_question(), 1);
  CHECK(judge->spent().calls == 2);
  const auto second = judge->repeated(1);
  ask(*second, a_question());
  ask(*second, a_question());
  CHECK(judge->spent().calls == 3);
  CHECK(second->identity() == judge->identity());
  ask(*judge, a_question("It is blue."));
  CHECK(judge->spent().calls == 4);
  std::set<std::int64_t> seeds;
  for (const auto& request : bench.model.conversations()) seeds.insert(*request.seed);
  CHECK(seeds.size() == 3);
}

TEST_CASE("without a cache every question is a call; another parameter is another question") {
  Bench bench(says("{}"));
  auto options = bench.options();
  options.cache = nullptr;
  const auto bare = *ModelJudge::make(options);
  ask(*bare, a_question());
  ask(*bare, a_question());
  CHECK(bare->spent().calls == 2);
  ask(**ModelJudge::make(bench.options()), a_question());
  auto warm = bench.options();
  warm.parameters.temperature = 0.5;
  const auto warmer = *ModelJudge::make(warm);
  ask(*warmer, a_question());
  CHECK(warmer->spent().calls == 1);
  CHECK(warmer->identity() != bare->identity());
}

TEST_CASE("logprobs are kept with a reply") {
  Bench bench(says("{}"));
  Question question = a_question();
  question.wants_logprobs = true;
  const auto judge = *ModelJudge::make(bench.options());
  ask(*judge, question);
  REQUIRE(bench.model.conversations().size() == 1);
  CHECK(bench.model.conversations()[0].logprobs);
  CHECK(bench.model.conversations()[0].top_logprobs == 20);
}

TEST_CASE("a model that knows no schema and no logprobs is asked without") {
  std::size_t refused = 0;
  Bench bench([&](const dialects::ChatRequest& request) -> Result<models::ScriptedTurn> {
    if (request.response_format.kind != dialects::ResponseKind::text) {
      ++refused;
      return fail(Code::unsupported, "response_format: model 'x' knows no schema");
    }
    if (request.logprobs) {
      ++refused;
      return fail(Code::unsupported, "logprobs: model 'x' gives none");
    }
    models::ScriptedTurn turn;
    turn.text = "plain";
    return turn;
  });
  const auto judge = *ModelJudge::make(bench.options());
  Question question = a_question();
  question.wants_logprobs = true;
  CHECK(ask(*judge, question) == "plain");
  CHECK(refused == 2);
  CHECK(ask(*judge, a_question("Another.")) == "plain");
  CHECK(refused == 2);
}

TEST_CASE("when the calls of a budget are made the rest fail, and say so") {
  Bench bench(says("{}"));
  auto options = bench.options();
  options.budget.calls = 2;
  const auto judge = *ModelJudge::make(std::move(options));
  ask(*judge, a_question("1"));
  ask(*judge, a_question("2"));
  const auto refused = judge->ask(Context(), a_case(), a_question("3"), 0);
  REQUIRE_FALSE(static_cast<bool>(refused));
  CHECK(is_budget_spent(refused.error()));
  CHECK(refused.error().message() ==
        "the budget of the judge is spent: 2 of 2 calls were made; raise budget.calls");
  CHECK(ask(*judge, a_question("1")) == "{}");  // What is cached costs nothing.
  CHECK_FALSE(is_budget_spent(fail(Code::forbidden, "no")));
}

TEST_CASE("dollars are reserved before the call, so that many threads never spend more") {
  Bench bench(says("{}"));
  auto options = bench.options();
  options.price = models::Price{.output_usd_per_million = 1e6};  // A dollar a token.
  options.parameters.max_tokens = 10;
  options.budget.usd = 35;
  const auto judge = *ModelJudge::make(std::move(options));
  const auto done = parallel_for(Context(), 64, 4, [&](std::size_t i) -> Result<void> {
    (void)judge->ask(Context(), a_case(), a_question(std::to_string(i)), 0);
    return {};
  });
  REQUIRE(static_cast<bool>(done));
  CHECK(judge->spent().usd <= 35);
  CHECK(judge->spent().calls >= 3);
}

TEST_CASE("a budget of days begins anew with the next one") {
  Bench bench(says("{}"));
  FakeClock clock;
  auto options = bench.options();
  options.budget.calls = 2;
  options.day_clock = &clock;
  options.cache = nullptr;
  const auto judge = *ModelJudge::make(std::move(options));
  for (int day = 0; day < 2; ++day) {
    ask(*judge, a_question("1"));
    ask(*judge, a_question("2"));
    CHECK(is_budget_spent(judge->ask(Context(), a_case(), a_question("3"), 0).error()));
    clock.advance(std::chrono::hours(24));
  }
  CHECK(judge->spent().calls == 4);
}

TEST_CASE("a budget in dollars needs a price") {
  Bench bench(says("{}"));
  auto options = bench.options();
  options.budget.usd = 1;
  const auto refused = ModelJudge::make(options);
  REQUIRE_FALSE(static_cast<bool>(refused));
  CHECK(refused.error().message().starts_with("budget.usd: nobody knows what"));
}

TEST_CASE("entailment is read from the reply, and asked once more where it cannot be") {
  int calls = 0;
  Bench bench([&](const dialects::ChatRequest&) -> Result<models::ScriptedTurn> {
    models::ScriptedTurn turn;
    turn.text = ++calls == 1 ? "well" : "{\"entailed\": 1}";
    return turn;
  });
  const auto judge = *ModelJudge::make(bench.options());
  const Question question{
      .metric = "citation_recall",
      .prompt = "citation_recall.native.entailment",
      .step = "entailment",
      .index = 0,
      .values = {{"sentence", "It is red."}, {"context", json::Array{"The boat is red."}}},
      .schema = {}};
  CHECK(*judge->entails(Context(), a_case(), question, 0, {1}));
  CHECK(calls == 2);
  Bench mute(says("well"));
  const auto other = *ModelJudge::make(mute.options());
  const auto failed = other->entails(Context(), a_case(), question, 0, {1});
  REQUIRE_FALSE(static_cast<bool>(failed));
  CHECK(failed.error().message().starts_with("case 'c1', citation_recall, step 'entailment'"));
}

TEST_CASE("what fails in the model is told with its name") {
  Bench bench([](const dialects::ChatRequest&) -> Result<models::ScriptedTurn> {
    return fail(Code::unavailable, "no route");
  });
  const auto judge = *ModelJudge::make(bench.options());
  CHECK(ask(*judge, a_question()) == "error: judge 'scripted': no route");
}

TEST_CASE("meaning needs an embedder") {
  Bench bench(says("{}"));
  const auto judge = *ModelJudge::make(bench.options());
  CHECK_FALSE(static_cast<bool>(judge->embed(Context(), a_case(), "answer_correctness", "x")));
  models::ScriptedEmbedder embedder;
  auto options = bench.options();
  options.embedder = &embedder;
  const auto other = *ModelJudge::make(std::move(options));
  CHECK(other->embed(Context(), a_case(), "answer_correctness", "x")->size() ==
        embedder.dimension());
}

TEST_CASE("every call is a run of kind evaluator; what is cached leads to the run it came from") {
  const auto store = *trace::TraceStore::open({.path = ":memory:", .prices = [] {
                                                 return std::make_shared<const trace::PriceBook>(
                                                     std::vector<trace::PriceRow>(),
                                                     std::vector<trace::PriceRow>());
                                               }});
  Bench bench(says("{}"));
  std::string span_id;
  {
    trace::Recorder recorder({.store = *store});
    auto options = bench.options();
    options.recorder = &recorder;
    const auto judge = *ModelJudge::make(std::move(options));
    const auto first = judge->ask(Context(), a_case(), a_question(), 0);
    const auto again = judge->ask(Context(), a_case(), a_question(), 0);
    REQUIRE(static_cast<bool>(first));
    CHECK_FALSE(first->span_id.empty());
    CHECK(again->span_id == first->span_id);
    span_id = first->span_id;
  }
  const auto found = store->runs(Context(), {});
  REQUIRE(static_cast<bool>(found));
  REQUIRE(found->items.size() == 1);
  CHECK(found->items[0].id == span_id);
  CHECK(found->items[0].kind == trace::Kind::evaluator);
  CHECK(found->items[0].name == "faithfulness claims");
  CHECK(found->items[0].project == "evaluations");
}

TEST_CASE("a kept reply that is damaged is asked for again") {
  const auto cache = *JudgeCache::open(":memory:");
  REQUIRE(static_cast<bool>(cache->keep(Context(), "k", "not json")));
  CHECK(**cache->find(Context(), "k") == "not json");
  CHECK_FALSE(cache->find(Context(), "other")->has_value());
}

}  // namespace slipway::eval
