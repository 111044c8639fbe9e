#include "eval/suite.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {

std::string complaint(std::string_view yaml) {
  const auto suite = parse_suite(yaml);
  return suite ? std::string("accepted") : suite.error().message();
}

constexpr std::string_view whole = R"(name: handbook
dataset: goldens.jsonl
cluster: document
target: {rag: handbook}
judge: {model: local}
repeats: 3
metrics:
  - {name: faithfulness, form: supported, mode: local, threshold: 0.7, margin: 0.03}
  - {name: exact_match, as: exact, min_pass_rate: 0.8}
robustness: [typos, injection]
baseline: eval/baseline.json
)";

}  // namespace

TEST_CASE("the suite of the contract is read as it stands") {
  const auto suite = parse_suite(whole, "eval/handbook.yaml");
  REQUIRE_MESSAGE(suite, (suite ? "" : suite.error().message()));
  CHECK(suite->name == "handbook");
  CHECK(*suite->target->rag == "handbook");
  CHECK(suite->judge->model == "local");
  CHECK(suite->repeats == 3);
  REQUIRE(suite->metrics.size() == 2);
  CHECK(suite->metrics[0].spec.options.at("form") == "supported");
  CHECK(suite->metrics[0].spec.options.size() == 1);
  CHECK(*suite->metrics[0].spec.threshold == 0.7);
  CHECK(*suite->metrics[0].bounds.margin == 0.03);
  CHECK(suite->metrics[0].line == 8);
  CHECK(suite->metrics[1].spec.label() == "exact");
  CHECK(suite->metrics[1].line == 9);
  CHECK(*suite->metrics[1].bounds.min_pass_rate == 0.8);
  CHECK(suite->resolve(suite->dataset) == std::filesystem::path("eval/goldens.jsonl"));
  CHECK(suite->robustness.size() == 2);
}

TEST_CASE("a wrong key is told with its line and the nearest one") {
  CHECK(complaint("name: a\ndataset: d\nmetrcs: []\n") ==
        "line 3: $.metrcs: unknown key; did you mean 'metrics'?");
  CHECK(complaint("name: a\ndataset: d\nmetrics:\n  - {name: exact_match, margni: 1}\n") ==
        "line 4: $.metrics[0].margni: unknown key; did you mean 'margin'?");
  CHECK(complaint("name: a\ndataset: d\nmetrics:\n  - {name: exact_mach}\n") ==
        "line 4: $.metrics[0].name: there is no metric 'exact_mach'; did you mean 'exact_match'?");
  CHECK(complaint("name: a\ndataset: d\nmetrics:\n  - {name: faithfulness, from: supported}\n") ==
        "line 4: $.metrics[0].from: unknown key; did you mean 'form'?");
}

TEST_CASE("a wrong value is told with its line") {
  CHECK(complaint("name: a\ndataset: d\nrepeats: 0\nmetrics: [{name: exact_match}]\n") ==
        "line 3: $.repeats: 0 is not in 1..100");
  CHECK(complaint("name: a\ndataset: d\nmetrics: []\n").starts_with("line 3: $.metrics: is empty"));
  CHECK(complaint("name: a\ndataset: d\nmetrics:\n - {name: exact_match, margin: 0}\n") ==
        "line 4: $.metrics[0].margin: 0 is not above 0");
  CHECK(complaint("name: a\ndataset: d\ntarget: {rag: x, url: y}\nmetrics: [{name: mrr}]\n")
            .starts_with("line 3: $.target: names 2 of rag"));
  CHECK(complaint("name: a\ndataset: d\njudge: {provider: scripted}\nmetrics: [{name: mrr}]\n")
            .starts_with("line 3: $.judge: provider scripted needs 'replies'"));
  CHECK(complaint("name: a\ndataset: d\nmetrics:\n- {name: mrr}\n- {name: mrr}\n") ==
        "line 5: $.metrics[1]: there are two metrics 'mrr'; tell them apart with 'as'");
  CHECK(complaint("dataset: d\nmetrics: [{name: mrr}]\n") == "$.name: is required");
}

}  // namespace slipway::eval
