#include "eval/evaluation_info.hpp"

#include <doctest/doctest.h>

#include "eval/detail/case_changes.hpp"
#include "eval/evaluation_store.hpp"

namespace slipway::eval {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

EvaluationCase scored(const std::string& id, double score, const std::string& cluster = "") {
  EvaluationCase one{.id = id, .cluster = cluster, .input = "question " + id};
  one.scores["correct"] = {.score = score, .pass = score >= 0.5};
  return one;
}

EvaluationInfo named(const std::string& name) {
  EvaluationInfo info{.name = name};
  info.dataset = DatasetRef{.id = "d", .name = "goldens", .version = "2026-01-01T00:00:00Z"};
  info.metrics = {{.name = "correct"}};
  return info;
}

struct Shelf {
  FakeClock clock;
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, evaluation_migrations()));
  EvaluationStore store{{.database = *database, .clock = clock, .kept_max = 3}};
  Context context;
};

}  // namespace

TEST_CASE("a summary has the mean, the interval, and what could not be scored") {
  std::vector<EvaluationCase> cases;
  for (int i = 0; i < 10; ++i) cases.push_back(scored(std::to_string(i), i < 8 ? 1 : 0));
  cases.push_back(scored("skipped", 0));
  cases.back().scores["correct"] = {.reason = "nothing to score"};
  cases.push_back(scored("failed", 0));
  cases.back().scores["correct"] = {.error = "the judge is away"};
  const MetricSummary summary = summary_of("correct", cases);
  CHECK(*summary.mean == doctest::Approx(0.8));
  CHECK(summary.method == "wilson");
  CHECK(*summary.low == doctest::Approx(0.4902).epsilon(0.001));
  CHECK(*summary.high == doctest::Approx(0.9433).epsilon(0.001));
  CHECK(summary.n == 10);
  CHECK(summary.skipped == 1);
  CHECK(summary.errors == 1);
  CHECK(*summary.pass_rate == doctest::Approx(0.8));
  CHECK(summary_of("unknown", cases).n == 0);
  CHECK_FALSE(summary_of("unknown", cases).mean);
}

TEST_CASE("sums alone give the interval that their values would") {
  const MetricSummary shares = summary_of_sums("correct", 10, 8, 8);
  CHECK(shares.method == "wilson");
  CHECK(*shares.low == doctest::Approx(0.4902).epsilon(0.001));
  CHECK(shares.n == 10);
  const double sum = 0.2 + 0.4 + 0.9, squares = 0.04 + 0.16 + 0.81;
  const MetricSummary numbers = summary_of_sums("score", 3, sum, squares);
  CHECK(numbers.method == "t");
  CHECK(*numbers.mean == doctest::Approx(0.5));
  CHECK(*numbers.low == doctest::Approx(-0.3957).epsilon(0.001));
  CHECK(*numbers.high == doctest::Approx(1.3957).epsilon(0.001));
  CHECK_FALSE(summary_of_sums("score", 1, 0.5, 0.25).low);
  CHECK_FALSE(summary_of_sums("score", 0, 0, 0).mean);
}

TEST_CASE("cases of two evaluations are paired by id and ordered by their change") {
  const EvaluationInfo before = named("before"), after = named("after");
  detail::CaseChanges changes({scored("a", 1), scored("b", 0), scored("c", 0.5), scored("gone", 1)},
                              {scored("c", 0.5), scored("b", 1), scored("a", 0), scored("new", 1)});
  CHECK(changes.size() == 3);
  CHECK(changes.only_baseline() == 1);
  CHECK(changes.only_candidate() == 1);
  must(changes.check(before, after));
  const auto metrics = changes.metrics(after);
  REQUIRE(metrics.size() == 1);
  CHECK(metrics[0].n == 3);
  CHECK(*metrics[0].baseline == doctest::Approx(0.5));
  CHECK(*metrics[0].difference == doctest::Approx(0));
  CHECK(*metrics[0].low < 0);
  CHECK(*metrics[0].high > 0);
  CHECK(metrics[0].verdict == "inconclusive");
  CHECK(must(changes.metric_named("", metrics)) == "correct");
  CHECK(changes.metric_named("corect", metrics).error().message().find("did you mean 'correct'") !=
        std::string::npos);
  const auto ids = [&](const ComparisonQuery& query) {
    std::string all;
    for (const auto& pair : must(changes.ordered(query, "correct"))) all += pair.candidate.id;
    return all;
  };
  CHECK(ids({}) == "acb");
  CHECK(ids({.sort = "-change"}) == "bca");
  CHECK(ids({.sort = "abs"}) == "abc");
  CHECK(ids({.sort = "id"}) == "abc");
  CHECK(ids({.changed = true}) == "ab");
  CHECK_FALSE(changes.ordered({.sort = "name"}, "correct"));
}

TEST_CASE("evaluations of nothing in common are not compared, and what differs is told") {
  const detail::CaseChanges changes({scored("a", 1)}, {scored("b", 1)});
  CHECK(changes.check(named("before"), named("after")).error().code() == Code::conflict);
  EvaluationInfo other = named("other");
  other.dataset->version = "2026-02-02T00:00:00Z";
  other.judge = "gpt";
  const auto told = detail::differences_of(named("one"), other);
  REQUIRE(told.size() == 2);
  CHECK(told[0].find("2026-02-02") != std::string::npos);
  CHECK(told[1] == "the judge: none there, gpt here");
  CHECK(detail::differences_of(other, other).empty());
}

TEST_CASE("an evaluation is kept with its cases and its end, and listed youngest first") {
  Shelf shelf;
  EvaluationInfo wish = named("first");
  wish.request = json::Object{{"name", "first"}};
  EvaluationInfo info = must(shelf.store.create(shelf.context, wish));
  CHECK(info.state == EvaluationState::queued);
  must(shelf.store.begin(shelf.context, info.id));
  must(shelf.store.add(shelf.context, info.id, {scored("b", 1, "doc"), scored("a", 0)}));
  must(shelf.store.add(shelf.context, info.id, {scored("a", 1)}));
  must(shelf.store.end(shelf.context, info.id,
                       {.passed = false,
                        .failures = {"correct is too low"},
                        .metrics = {{.name = "correct", .mean = 0.5, .n = 2}},
                        .result = "{}"}));
  const EvaluationInfo kept = must(shelf.store.get(shelf.context, info.id));
  CHECK(kept.state == EvaluationState::done);
  CHECK(kept.done == 2);
  CHECK(kept.passed == false);
  CHECK(kept.failures == std::vector<std::string>{"correct is too low"});
  CHECK(kept.metrics[0].n == 2);
  CHECK(kept.request->at("name").as_string() == "first");
  CHECK(kept.finished_at);
  const auto cases = must(shelf.store.cases(shelf.context, info.id));
  REQUIRE(cases.size() == 2);
  CHECK(cases[0].id == "b");
  CHECK(*cases[1].scores.at("correct").score == 1);
  CHECK(must(shelf.store.find_case(shelf.context, info.id, "a")).input == "question a");
  CHECK(shelf.store.find_case(shelf.context, info.id, "c").error().code() == Code::not_found);
  CHECK(must(shelf.store.result_text(shelf.context, info.id)) == "{}");

  shelf.clock.advance(std::chrono::seconds(1));
  const EvaluationInfo second = must(shelf.store.create(shelf.context, named("second")));
  const auto all = must(shelf.store.list(shelf.context, "d"));
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == second.id);
  CHECK(must(shelf.store.list(shelf.context, "another")).empty());
  must(shelf.store.remove(shelf.context, info.id));
  CHECK(shelf.store.get(shelf.context, info.id).error().code() == Code::not_found);
  CHECK(shelf.store.cases(shelf.context, info.id).error().code() == Code::not_found);
}

TEST_CASE("what a dead program left running is interrupted, and no more are kept than allowed") {
  Shelf shelf;
  const auto queued = must(shelf.store.create(shelf.context, named("queued")));
  auto running = must(shelf.store.create(shelf.context, named("running")));
  must(shelf.store.begin(shelf.context, running.id));
  must(shelf.store.add(shelf.context, running.id, {scored("a", 1)}));
  const auto done = must(shelf.store.create(shelf.context, named("done")));
  must(shelf.store.end(shelf.context, done.id, {}));
  CHECK(shelf.store.create(shelf.context, named("fourth")).error().code() == Code::conflict);
  must(shelf.store.take_stock(shelf.context));
  for (const auto& one : {queued, running}) {
    const EvaluationInfo info = must(shelf.store.get(shelf.context, one.id));
    CHECK(info.state == EvaluationState::interrupted);
    CHECK(info.error);
  }
  CHECK(must(shelf.store.cases(shelf.context, running.id)).size() == 1);
  CHECK(must(shelf.store.get(shelf.context, done.id)).state == EvaluationState::done);
  CHECK(shelf.store.take_interrupted() == std::vector<std::string>{queued.id, running.id});
  CHECK(shelf.store.take_interrupted().empty());
  EvaluationInfo again = running;
  again.metadata["resumed"] = 1;
  must(shelf.store.restart(shelf.context, again));
  again = must(shelf.store.get(shelf.context, running.id));
  CHECK(again.state == EvaluationState::queued);
  CHECK_FALSE(again.error);
  CHECK(again.metadata.at("resumed").as_int64() == 1);
}

}  // namespace slipway::eval
