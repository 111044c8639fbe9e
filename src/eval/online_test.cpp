#include "eval/online.hpp"

#include <doctest/doctest.h>

#include "eval/trace_goldens.hpp"

namespace slipway::eval {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::vector<store::Migration> migrations() {
  std::vector<store::Migration> all = online_migrations();
  for (const store::Migration& one : trace::feedback_migrations()) all.push_back(one);
  return all;
}

constexpr trace::Nanoseconds second = 1'000'000'000;

struct Fixture {
  FakeClock clock{Clock::Time(std::chrono::seconds(1'795'420'800))};
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, migrations()));
  std::unique_ptr<trace::TraceStore> store =
      must(trace::TraceStore::open({.path = ":memory:", .clock = clock}));
  trace::Feedbacks feedbacks{*database, {}, clock};
  std::vector<OnlineDrop> told;
  OnlineEvaluations online{
      {.database = *database,
       .store = *store,
       .feedbacks = feedbacks,
       .clock = clock,
       .patience = std::chrono::milliseconds(50),
       .tell = [this](const OnlineConfig&, const OnlineDrop& drop) { told.push_back(drop); }}};
  Context context;

  void declare(const std::string& json) {
    OnlineConfig config = must(json::from<OnlineConfig>(must(json::parse(json))));
    std::vector<OnlineEvaluator> all;
    all.push_back(must(make_online_evaluator(std::move(config), {})));
    online.set(std::move(all));
  }
  /// A question with a retriever and a tool below it.
  void put(const std::string& id, const std::string& output, const std::string& project = "shop") {
    const trace::Nanoseconds start =
        std::chrono::duration_cast<std::chrono::nanoseconds>(clock.now().time_since_epoch())
            .count();
    trace::RunPatch root, found, tool;
    root.id = root.trace_id = id;
    root.project = project;
    root.kind = trace::Kind::chain;
    root.status = trace::Status::ok;
    root.start = start;
    root.end = start + second;
    root.inputs = trace::Payload{R"({"question":"why?"})"};
    root.outputs = trace::Payload{R"({"answer":")" + output + "\"}"};
    found.id = id + "-r";
    found.trace_id = id;
    found.parent_id = id;
    found.kind = trace::Kind::retriever;
    found.start = start;
    found.end = start + 1;
    found.outputs =
        trace::Payload{R"({"documents":[{"page_content":"because","metadata":{"chunk_id":"c1"}},)"
                       R"({"page_content":"so","metadata":{"chunk_id":"c2"}}]})"};
    tool.id = id + "-t";
    tool.trace_id = id;
    tool.parent_id = id;
    tool.kind = trace::Kind::tool;
    tool.name = "look_up";
    tool.start = start + 2;
    tool.end = start + 3;
    tool.inputs = trace::Payload{R"({"q":1})"};
    tool.outputs = trace::Payload{"found", true};
    must(store->ingest(context, {root, found, tool}));
  }
};

}  // namespace

TEST_CASE("a trace is a golden: question, answer, passages with ids, tools, latency") {
  Fixture fixture;
  fixture.put("0af7651916cd43dd8448eb211c80319c", "so it is");
  const Golden golden = must(golden_of(
      must(fixture.store->trace(fixture.context, "0af7651916cd43dd8448eb211c80319c", true))));
  CHECK(golden.input == "why?");
  CHECK(golden.actual_output == "so it is");
  CHECK(golden.retrieval_context == std::vector<std::string>{"because", "so"});
  CHECK(golden.retrieved_ids == std::vector<std::string>{"c1", "c2"});
  REQUIRE(golden.tools_called->size() == 1);
  CHECK((*golden.tools_called)[0].name == "look_up");
  CHECK((*golden.tools_called)[0].output == json::Value("found"));
  CHECK(golden.latency_ms == 1000);
  CHECK(golden.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(golden.metadata_text("project") == "shop");
}

TEST_CASE("passages are found however a client writes them") {
  const auto found = [](const std::string& text) {
    return passages_in(trace::Payload{text, false});
  };
  CHECK(found(R"(["a","b"])").size() == 2);
  CHECK(found(R"({"output":[{"page_content":"a","metadata":{"source":"x.md"}}]})").at(0).id ==
        "x.md");
  CHECK(found(R"({"retrieval":{"documents":[{"document":{"content":"a","id":"7"}}]}})").at(0).id ==
        "7");
  CHECK(found("{}").empty());
  CHECK(found("no json").empty());
  CHECK(passages_in(std::nullopt).empty());
}

TEST_CASE("which traces are scored depends on their ids alone") {
  int inside = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = "trace " + std::to_string(i);
    const bool is_in = is_in_sample(id, 0.2);
    inside += is_in ? 1 : 0;
    CHECK((!is_in || is_in_sample(id, 0.5)));
  }
  CHECK(inside > 320);
  CHECK(inside < 480);
  CHECK(is_in_sample("x", 1));
  CHECK_FALSE(is_in_sample("x", 0));
}

TEST_CASE("scores are feedback on the run and rates by the hour, once for each run") {
  Fixture fixture;
  fixture.declare(R"({"name":"shop","sample":1,"filter":{"project":"shop"},)"
                  R"("metrics":[{"name":"latency","as":"slow"}]})");
  fixture.put("a1", "so");
  fixture.put("b1", "so", "other");
  CHECK(must(fixture.online.score(fixture.context, "a1", "a1")) == 1);
  CHECK(must(fixture.online.score(fixture.context, "a1", "a1")) == 1);
  CHECK(must(fixture.online.score(fixture.context, "b1", "b1")) == 0);
  CHECK(must(fixture.online.score(fixture.context, "a1-r", "a1")) == 0);
  CHECK(must(fixture.online.score(fixture.context, "gone", "gone")) == 0);
  const auto feedback = must(fixture.feedbacks.list(fixture.context, {}));
  REQUIRE(feedback.size() == 1);
  CHECK(feedback[0].key == "slow");
  CHECK(feedback[0].score == json::Value(1000.0));
  const auto rates = must(fixture.online.rates(fixture.context, 24));
  REQUIRE(rates.size() == 1);
  CHECK(rates[0].n == 1);
  CHECK(rates[0].mean == 1000);
  CHECK(rates[0].sample == 1);
}

TEST_CASE("what ends is scored by itself, and counted") {
  Fixture fixture;
  fixture.declare(R"({"name":"shop","sample":1,"metrics":["latency"]})");
  fixture.put("a1", "so");
  trace::RunPatch ended;
  ended.id = ended.trace_id = "a1";
  ended.end = 1;
  fixture.online.offer(ended);
  fixture.online.offer(ended);
  for (int i = 0; i < 1000 && fixture.online.counters().written == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(fixture.online.counters().written == 1);
  fixture.online.stop();
  CHECK(fixture.online.counters().waiting == 0);
}

TEST_CASE("a drop beyond the margin is told once, noise is not") {
  Fixture fixture;
  fixture.declare(
      R"({"name":"shop","sample":1,"metrics":[{"name":"latency","margin":100}],"send":[]})");
  const auto put_scores = [&](const std::string& prefix, double score) {
    must(fixture.database->write(fixture.context, [&](store::Connection& connection) {
      for (int i = 0; i < 30; ++i) {
        auto insert = must(connection.prepare(
            "INSERT INTO eval_online_scores VALUES ('shop', 'latency', ?, ?, 'r', ?, 1)"));
        insert.bind(0, fixture.clock.now().time_since_epoch().count() / 3'600'000'000);
        insert.bind(1, prefix + std::to_string(i)).bind(2, score + i);
        must(insert.run());
      }
      return Result<void>();
    }));
  };
  put_scores("old", 1000);
  fixture.clock.advance(std::chrono::hours(5));
  put_scores("same", 1030);
  must(fixture.online.watch(fixture.context));
  CHECK(fixture.told.empty());
  fixture.clock.advance(std::chrono::hours(5));
  put_scores("slow", 1500);
  must(fixture.online.watch(fixture.context));
  must(fixture.online.watch(fixture.context));
  REQUIRE(fixture.told.size() == 1);
  CHECK(fixture.told[0].n_now == 30);
  CHECK(fixture.told[0].text().find("latency of 'shop'") == 0);
}

TEST_CASE("an entry that is wrong is refused with its reason") {
  const auto refusal = [](const std::string& text) {
    const auto config = json::from<OnlineConfig>(*json::parse(text));
    return config ? "none" : config.error().message();
  };
  CHECK(refusal(R"({"metrics":[]})").find("none is named") != std::string::npos);
  CHECK(refusal(R"({"metrics":["latency"],"sample":2})").find("sample") != std::string::npos);
  CHECK(refusal(R"({"metrics":["latency"],"filter":{"nope":1}})").find("filter") !=
        std::string::npos);
  CHECK(refusal(R"({"metrics":["latency"],"smaple":1})").find("did you mean 'sample'") !=
        std::string::npos);
}

}  // namespace slipway::eval
