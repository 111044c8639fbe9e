#include "eval/sweep.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {

std::vector<Golden> goldens(std::size_t count) {
  std::vector<Golden> all;
  for (std::size_t i = 0; i < count; ++i) {
    Golden& one = all.emplace_back();
    one.id = std::to_string(i);
    one.input = "question " + one.id;
    one.relevance = {{"right", 1}};
  }
  return all;
}

/// The larger the chunk, the better and the slower; what costs nothing is never right.
class Fake final : public SweepSubject {
 public:
  Result<void> prepare(const Context&, const SweepVariant& variant) override {
    ++prepared;
    if (variant.embedder == "broken") return fail(Code::not_found, "no such model");
    return {};
  }
  Result<Golden> answer(const Context& context, const SweepVariant& variant,
                        const Golden& golden) override {
    TRY(context.check());
    ++asked[variant.splitter.chunk_size];
    Golden answered = golden;
    const bool is_right = std::stoul(golden.id) % 10 < variant.splitter.chunk_size / 100;
    answered.retrieved_ids = {is_right ? "right" : "wrong"};
    answered.latency_ms = static_cast<double>(variant.splitter.chunk_size);
    answered.cost_usd = 0.5;
    return answered;
  }
  int prepared = 0;
  std::map<std::size_t, int> asked;
};

std::unique_ptr<Metric> recall() {
  MetricSpec spec;
  spec.name = "recall_at_k";
  spec.options["k"] = 1;
  auto made = make_metric(std::move(spec), {});
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}

SweepSpec sizes(std::vector<std::size_t> all) {
  SweepSpec spec;
  spec.chunk_size = std::move(all);
  spec.start = 25;
  return spec;
}

SweepReport must(Result<SweepReport> report) {
  if (!report) FAIL(report.error().message());
  return *std::move(report);
}

}  // namespace

TEST_CASE("combinations become variants, impossible ones are left out") {
  SweepSpec spec = sizes({100, 800});
  spec.chunk_overlap = {0, 400};
  spec.splitter = {documents::SplitterKind::recursive, documents::SplitterKind::token};
  const auto variants = variants_of(spec, {.embedder = "e"}, false);
  REQUIRE(variants);
  CHECK(variants->size() == 6);
  for (const SweepVariant& one : *variants) CHECK(one.answer.empty());
  CHECK(variants_of(spec, {.embedder = "e"}, true)->front().answer == "extract");
  SweepSpec huge = sizes(std::vector<std::size_t>(100, 500));
  huge.limit = std::vector<int>(100, 5);
  CHECK_FALSE(variants_of(huge, {.embedder = "e"}, false));
}

TEST_CASE("halving asks the better variants more, and finds the best") {
  const auto metric = recall();
  const SweepSpec spec = sizes({100, 200, 400, 600, 800, 900});
  auto variants = *variants_of(spec, {.embedder = "e"}, false);
  Fake fake;
  const SweepReport report =
      must(run_sweep({}, goldens(100), spec, variants, fake, {.metrics = {metric.get()}}));
  CHECK(report.points.front().is_winner);
  CHECK(report.points.front().variant.splitter.chunk_size == 900);
  CHECK(report.points.front().n == 100);
  CHECK(report.points.front().scores.at(0).interval.mean == doctest::Approx(0.9));
  CHECK(report.points.front().scores.at(0).interval.low);
  CHECK(fake.asked[100] == 25);
  CHECK(fake.asked[900] == 100);
  CHECK(report.asked < 600);
}

TEST_CASE("the front holds what is better, faster or cheaper, and nothing else") {
  const auto metric = recall();
  SweepSpec spec = sizes({400, 900});
  spec.start = 1000;
  spec.limit = {5};
  auto variants = *variants_of(spec, {.embedder = "e"}, false);
  Fake fake;
  const SweepReport report =
      must(run_sweep({}, goldens(50), spec, variants, fake, {.metrics = {metric.get()}}));
  REQUIRE(report.points.size() == 2);
  CHECK(report.points[0].is_on_front);
  CHECK(report.points[1].is_on_front);
}

TEST_CASE("what is now stays to the end; what cannot be built is out with its reason") {
  const auto metric = recall();
  SweepSpec spec = sizes({100, 600, 700, 800, 900});
  spec.embedder = {"e", "broken"};
  auto variants = *variants_of(spec, {.embedder = "e"}, false);
  const std::string now = variants.front().name();
  Fake fake;
  const SweepReport report = must(
      run_sweep({}, goldens(100), spec, variants, fake, {.metrics = {metric.get()}, .base = now}));
  int broken = 0;
  for (const SweepPoint& point : report.points) {
    if (point.is_base) CHECK(point.is_final);
    if (point.variant.embedder != "broken") continue;
    ++broken;
    CHECK(point.error == "no such model");
    CHECK(point.n == 0);
    CHECK_FALSE(point.is_final);
  }
  CHECK(broken == 5);
}

TEST_CASE("a wrong sweep is refused, a stopped one ends") {
  const auto metric = recall();
  SweepSpec spec = sizes({100});
  auto variants = *variants_of(spec, {.embedder = "e"}, false);
  Fake fake;
  CHECK_FALSE(run_sweep({}, {}, spec, variants, fake, {.metrics = {metric.get()}}));
  spec.quality = "nope";
  CHECK(run_sweep({}, goldens(3), spec, variants, fake, {.metrics = {metric.get()}})
            .error()
            .message()
            .find("no metric 'nope'") != std::string::npos);
  spec.quality.clear();
  std::stop_source stop;
  stop.request_stop();
  CHECK(run_sweep(Context(stop.get_token()), goldens(3), spec, variants, fake,
                  {.metrics = {metric.get()}})
            .error()
            .code() == Code::cancelled);
  for (const char* text :
       {R"({"keep":1})", R"({"start":0})", R"({"limit":[0]})", R"({"answer":["x"]})",
        R"({"chunk_sizes":[1]})", R"({"answer":["extract"],"prompt":["a@1"]})"})
    CHECK_FALSE(json::from<SweepSpec>(*json::parse(text)));
}

TEST_CASE("fusion and weight are dimensions of hybrid searches, prompts of generated answers") {
  SweepSpec spec;
  spec.search = {index::SearchMode::hybrid, index::SearchMode::lexical};
  spec.fusion = {index::Fusion::relative_score, index::Fusion::rrf};
  spec.dense_weight = {0.3, 0.5};
  const auto searches = variants_of(spec, {}, false);
  REQUIRE(searches.ok());
  std::vector<std::string> names;
  for (const SweepVariant& one : *searches) names.push_back(one.name());
  CHECK(names.size() == 5);  // Four hybrid ones, and one by words.
  CHECK(names.front().find("hybrid 0.3") != std::string::npos);
  CHECK(searches->front().settings().at("fusion") == "relative_score");

  SweepSpec prompts;
  prompts.answer = {"extract", "generate"};
  prompts.prompt = {"answer@1", "answer@2"};
  REQUIRE(prompts.validate().ok());
  CHECK(variants_of(prompts, {}, true)->size() == 3);
  prompts.answer = {"extract"};
  CHECK(prompts.validate().error().message().find("prompt: ") == 0);
  // Answers are made of whatever search a variant has; quotes ask no model.
  spec.answer = {"extract"};
  spec.answer_model = {"one", "two"};
  REQUIRE(spec.validate().ok());
  CHECK(variants_of(spec, {}, true)->size() == 5);
  SweepBase base;
  base.search = index::SearchMode::lexical;
  base.answer = "generate";
  base.prompt = "answer@3";
  CHECK(variants_of({}, base, true)->front().name().ends_with("lexical, 8, generate answer@3"));
  spec.dense_weight = {1.5};
  CHECK(spec.validate().error().message() == "dense_weight: 1.5 is not in 0..1");
}

}  // namespace slipway::eval
