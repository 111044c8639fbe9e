#include "trace/evaluators.hpp"

#include <doctest/doctest.h>

#include "trace/detail/mount_fixture.hpp"
#include "trace/evaluation_queue.hpp"

namespace slipway::trace {

namespace {

using detail::Fixture;
using detail::must;
using detail::run;

struct Judged : Fixture {
  std::unique_ptr<store::Database> rules_database =
      must(store::Database::open({.path = ":memory:"}, evaluator_migrations()));
  std::unique_ptr<Rules> rules = must(Rules::open(
      {.database = *rules_database,
       .store = *store,
       .feedbacks = feedbacks,
       .judge = [](const Context&, const Evaluator& evaluator, const Run&, const std::string& input,
                   const std::string& output) -> Result<Judgement> {
         if (evaluator.model == "broken") return fail(Code::unavailable, "no model answers");
         return Judgement{0.25, input + " -> " + output};
       },
       .clock = clock,
       .random = random}));

  void end(const std::string& id, const std::string& outputs, const std::string& project = "shop") {
    RunPatch patch = run(id, id);
    patch.project = project;
    patch.inputs = Payload{R"({"messages":[{"role":"user","content":"Why?"}]})", false};
    patch.outputs = Payload{outputs, false};
    put(std::move(patch));
  }
  Rule rule(const std::string& key, Evaluator evaluator) {
    Rule one;
    one.name = key;
    one.key = key;
    one.evaluator = std::move(evaluator);
    return must(rules->put(Context(), std::move(one)));
  }
  /// "key=score" of all feedback of that run, by key.
  std::string opinions(const std::string& id) {
    std::map<std::string, std::string> by_key;
    for (const Feedback& one : must(feedbacks.list(Context(), {.run_ids = {id}})))
      by_key[one.key] = one.error.value_or(false) ? "error" : json::dump(one.score);
    std::string out;
    for (const auto& [key, score] : by_key) out += (out.empty() ? "" : " ") + key + "=" + score;
    return out;
  }
};

std::string uuid(int n) { return fmt::format("00000000-0000-4000-8000-{:012}", n); }

std::string text_of_payload(const std::string& json) { return payload_text(Payload{json, false}); }

}  // namespace

TEST_CASE("what a model wrote is found wherever its client puts it") {
  CHECK(text_of_payload(R"({"choices":[{"message":{"role":"assistant","content":"a"}}]})") == "a");
  CHECK(text_of_payload(R"({"content":[{"type":"text","text":"b"},{"type":"tool_use"}]})") == "b");
  CHECK(text_of_payload(R"({"output":"c"})") == "c");
  CHECK(text_of_payload(
            R"({"generations":[[{"text":"d","message":{"kwargs":{"content":"d"}}}]]})") == "d");
  CHECK(text_of_payload(R"({"messages":[{"content":"x"},{"content":"e"}]})") == "e");
  CHECK(text_of_payload(R"({"a":1,"b":2})") == R"({"a":1,"b":2})");
  CHECK(payload_text(Payload{"plain", true}) == "plain");
  CHECK(payload_text(std::nullopt).empty());
}

TEST_CASE("rules judge the runs that they want, once each") {
  Judged f;
  f.rule("says", {.kind = EvaluatorKind::contains, .text = "because"});
  f.rule("clean", {.kind = EvaluatorKind::regex, .pattern = "\\d{4}", .is_denied = true});
  f.rule("json", {.kind = EvaluatorKind::json});
  f.rule("path", {.kind = EvaluatorKind::contains, .text = "1", .path = "/more/n"});
  f.rule("judge", {.kind = EvaluatorKind::judge, .prompt = "p"});
  f.rule("broken", {.kind = EvaluatorKind::judge, .prompt = "p", .model = "broken"});
  f.end(uuid(1), R"({"content":"because of 1234","more":{"n":1}})");
  f.end(uuid(2), R"({"content":"{\"a\":1}"})");
  CHECK(must(f.rules->apply(Context(), uuid(1), "")) == 6);
  CHECK(must(f.rules->apply(Context(), uuid(1), "")) == 6);
  CHECK(must(f.rules->apply(Context(), uuid(2), "")) == 6);
  CHECK(must(f.rules->apply(Context(), uuid(3), "")) == 0);
  CHECK(f.opinions(uuid(1)) == "broken=error clean=0E0 json=0E0 judge=2.5E-1 path=1E0 says=1E0");
  CHECK(f.opinions(uuid(2)) == "broken=error clean=1E0 json=1E0 judge=2.5E-1 path=error says=0E0");
  const auto judged = must(f.feedbacks.list(Context(), {.run_ids = {uuid(2)}, .keys = {"judge"}}));
  CHECK(judged[0].comment == "Why? -> {\"a\":1}");
  CHECK(judged[0].source.at("type").as_string() == "model");
}

TEST_CASE("a metric scores the whole run, and is checked when its rule is made") {
  Judged f;
  const Rule one{.name = "m",
                 .key = "overlap",
                 .evaluator = {.kind = EvaluatorKind::metric, .metric = {{"name", "rouge_l"}}}};
  CHECK(f.rules->put(Context(), one).error().code() == Code::unsupported);
  auto rules = must(Rules::open(
      {.database = *f.rules_database,
       .store = *f.store,
       .feedbacks = f.feedbacks,
       .judge = {},
       .metrics = RunScorer{.check = [](const Context&, const Evaluator& asked) -> Result<void> {
                              if (asked.metric.at("name") == "rouge_l") return {};
                              return fail(Code::invalid_argument, "there is no such metric");
                            },
                            .score = [](const Context&, const Evaluator&,
                                        const Run& run) -> Result<std::vector<Judgement>> {
                              return std::vector{
                                  Judgement{run.outputs ? std::optional(0.25) : std::nullopt,
                                            "of " + run.name}};
                            }}}));
  Rule wrong = one;
  wrong.evaluator.metric = {{"name", "rouge"}};
  CHECK(rules->put(Context(), wrong).error().message() == "evaluator: there is no such metric");
  wrong.evaluator.metric = {};
  CHECK(rules->put(Context(), wrong).error().message().find("evaluator.metric") == 0);
  wrong = one;
  wrong.evaluator.is_denied = true;
  CHECK(rules->put(Context(), wrong).error().message().find("evaluator.negate") == 0);
  must(rules->put(Context(), one));
  f.end(uuid(1), R"({"content":"a"})");
  CHECK(must(rules->apply(Context(), uuid(1), "")) == 1);
  const auto judged = must(f.feedbacks.list(Context(), {.run_ids = {uuid(1)}, .keys = {}}));
  REQUIRE(judged.size() == 1);
  CHECK(judged[0].score == 0.25);
  CHECK(judged[0].source.at("type").as_string() == "rule");
}

TEST_CASE("filters, projects, samples and switches say which runs are judged") {
  Judged f;
  Rule one{
      .name = "r", .key = "k", .project = "shop", .filter = R"({"name": {"$contains": "run"}})"};
  one.evaluator = {.kind = EvaluatorKind::json};
  one = must(f.rules->put(Context(), one));
  f.end(uuid(1), "{}");
  f.end(uuid(2), "{}", "elsewhere");
  f.end(uuid(3), "{}", std::string(evaluators_project));
  const auto count = [&](int n) { return must(f.rules->apply(Context(), uuid(n), "")); };
  CHECK(count(1) == 1);
  CHECK(count(2) == 0);
  CHECK(count(3) == 0);
  one.filter = R"({"name": "another"})";
  must(f.rules->put(Context(), one));
  CHECK(count(1) == 0);
  one.filter = "";
  one.sample = 0;
  must(f.rules->put(Context(), one));
  CHECK(count(1) == 0);
  one.sample = 1;
  one.is_enabled = false;
  must(f.rules->put(Context(), one));
  CHECK(count(1) == 0);
  CHECK(!f.rules->has_any());
  must(f.rules->remove(Context(), one.id));
  CHECK(f.rules->list().empty());
}

TEST_CASE("a sample holds about its share of the traces, always the same ones") {
  Judged f;
  Rule one{.name = "r", .key = "k", .roots_only = true, .sample = 0.25};
  one.evaluator = {.kind = EvaluatorKind::json};
  must(f.rules->put(Context(), one));
  int judged = 0;
  constexpr int runs = 400;
  for (int i = 0; i < runs; ++i) {
    f.end(uuid(i), "{}");
    const int first = must(f.rules->apply(Context(), uuid(i), ""));
    CHECK(first == must(f.rules->apply(Context(), uuid(i), "")));
    judged += first;
  }
  CHECK(judged > runs / 6);
  CHECK(judged < runs / 3);
}

TEST_CASE("rules that cannot work are refused") {
  Judged f;
  const auto refusal = [&](Rule one) {
    const auto put = f.rules->put(Context(), std::move(one));
    return put ? "taken" : put.error().message();
  };
  const Evaluator json{.kind = EvaluatorKind::json};
  CHECK(refusal({.name = "", .key = "k", .evaluator = json}).find("name:") == 0);
  CHECK(refusal({.name = "n", .key = "", .evaluator = json}).find("key:") == 0);
  CHECK(refusal({.name = "n", .key = "k", .filter = "{\"x\":1}", .evaluator = json})
            .find("filter.x: is no field") != std::string::npos);
  CHECK(refusal({.name = "n", .key = "k", .sample = 2, .evaluator = json}).find("sample:") == 0);
  CHECK(refusal(
            {.name = "n", .key = "k", .evaluator = {.kind = EvaluatorKind::regex, .pattern = "("}})
            .find("evaluator.pattern") == 0);
  CHECK(refusal({.name = "n", .key = "k", .evaluator = {.kind = EvaluatorKind::contains}})
            .find("evaluator.text") == 0);
  CHECK(refusal({.name = "n", .key = "k", .evaluator = {.kind = EvaluatorKind::judge}})
            .find("evaluator.prompt") == 0);
  CHECK(refusal({.name = "n", .key = "k", .evaluator = {.kind = EvaluatorKind::json, .path = "a"}})
            .find("is no JSON pointer") != std::string::npos);
}

TEST_CASE(
    "runs that have ended are judged after a while, what is too much is dropped and counted") {
  Judged f;
  f.rule("json", {.kind = EvaluatorKind::json});
  f.end(uuid(1), "{}");
  {
    EvaluationQueue queue({.rules = *f.rules, .patience = std::chrono::milliseconds(1)});
    RunPatch patch = run(uuid(1), uuid(1));
    queue.offer(patch);
    for (int i = 0; i < 2000 && queue.counters().written == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(queue.counters().written == 1);
    RunPatch pending = run(uuid(2), uuid(2));
    pending.end.reset();
    queue.offer(pending);
    CHECK(queue.counters().waiting == 0);
  }
  EvaluationQueue full({.rules = *f.rules, .runs_max = 1, .patience = std::chrono::hours(1)});
  full.offer(run(uuid(1), uuid(1)));
  full.offer(run(uuid(1), uuid(1)));
  full.offer(run(uuid(2), uuid(2)));
  CHECK(full.counters().waiting == 1);
  CHECK(full.counters().dropped >= 1);
}

}  // namespace slipway::trace
