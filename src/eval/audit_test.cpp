#include "eval/audit.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {

AuditLabel label(bool human, double judge) {
  static int number = 0;
  AuditLabel made;
  made.id = std::to_string(number++);
  made.human = human;
  made.judge = judge;
  return made;
}

/// So many of each: both yes, both no, only the judge, only the human.
std::vector<AuditLabel> table(int both, int neither, int judge_only, int human_only) {
  std::vector<AuditLabel> labels;
  for (int i = 0; i < both; ++i) labels.push_back(label(true, 1));
  for (int i = 0; i < neither; ++i) labels.push_back(label(false, 0));
  for (int i = 0; i < judge_only; ++i) labels.push_back(label(false, 1));
  for (int i = 0; i < human_only; ++i) labels.push_back(label(true, 0));
  return labels;
}

std::string refusal(const char* text) {
  const auto parsed = parse_label(*json::parse(text));
  return parsed ? "" : parsed.error().message();
}

}  // namespace

TEST_CASE("agreement .8 where both say yes half the time is a kappa of .6") {
  const auto result = audit(table(40, 40, 10, 10));
  REQUIRE(static_cast<bool>(result));
  CHECK(*result->agreement.value == doctest::Approx(0.8));
  CHECK(result->agreement.method == "wilson");
  CHECK(*result->kappa.value == doctest::Approx(0.6));
  CHECK(*result->kappa.low < 0.6);
  CHECK(*result->kappa.high > 0.6);
  CHECK(*result->base_rate.value == doctest::Approx(0.5));
  CHECK_FALSE(result->auc.value.has_value());
  CHECK(result->auc.reason == "the judge gives no scores");
}

TEST_CASE("a pass rate of .70 with TPR .9 and TNR .8 is corrected to .7143") {
  auto labels = table(90, 80, 20, 10);
  for (int i = 0; i < 100; ++i) {
    AuditLabel more = label(true, i < 70 ? 1 : 0);
    more.human.reset();
    labels.push_back(more);
  }
  const auto result = audit(labels);
  REQUIRE(static_cast<bool>(result));
  CHECK(result->labels == 200);
  CHECK(result->unlabelled == 100);
  CHECK(*result->tpr.value == doctest::Approx(0.9));
  CHECK(*result->tnr.value == doctest::Approx(0.8));
  CHECK(*result->corrected_pass_rate.value == doctest::Approx(0.7143).epsilon(0.0001));
  CHECK(*result->corrected_pass_rate.low < 0.7143);
  CHECK(*result->corrected_pass_rate.high > 0.7143);
  CHECK(*result->corrected_pass_rate.high <= 1);
}

TEST_CASE("without lines of its own the pass rate of the labelled ones is corrected") {
  const auto result = audit(table(90, 80, 20, 10));
  CHECK(*result->corrected_pass_rate.value == doctest::Approx(0.5));
}

TEST_CASE("a judge that says nothing corrects nothing, and it is told why") {
  const auto result = audit(table(10, 10, 10, 10));
  CHECK_FALSE(result->corrected_pass_rate.value.has_value());
  CHECK(result->corrected_pass_rate.reason ==
        "TPR + TNR is 1.00: a judge at or below 1 says nothing");
  const auto yes_only = audit(table(10, 0, 0, 2));
  CHECK_FALSE(yes_only->corrected_pass_rate.value.has_value());
  CHECK_FALSE(yes_only->tnr.value.has_value());
  CHECK(yes_only->tnr.reason == "people never say no");
}

TEST_CASE("flips are counted by the verdict, not by the score") {
  auto labels = table(2, 2, 0, 0);
  labels[0].swapped = 0.2;
  labels[1].swapped = 0.9;
  labels[0].repeats = {1, 1, 0, 1};
  labels[1].repeats = {0.8, 0.9};
  const auto result = audit(labels);
  CHECK(*result->swap_flip_rate.value == doctest::Approx(0.5));
  CHECK(result->swap_flip_rate.n == 2);
  CHECK(*result->repeat_flip_rate.value == doctest::Approx(0.125));
  CHECK(result->repeat_flip_rate.n == 2);
}

TEST_CASE("a judge that likes long answers shows it") {
  std::vector<AuditLabel> labels;
  for (int i = 0; i < 40; ++i) {
    labels.push_back(label(false, i < 20 ? 0 : 1));
    labels.back().length = 100 + 10 * i;
    labels.push_back(label(true, 1));
    labels.back().length = 100 + 10 * i;
  }
  const auto result = audit(labels);
  CHECK(*result->length_bias.value > 0.4);
  CHECK(*result->length_bias.low > 0.2);
  CHECK(audit(table(2, 2, 1, 1))->length_bias.reason == "no line has 'length'");
}

TEST_CASE("scores have an AUC, and the threshold makes verdicts of them") {
  std::vector<AuditLabel> labels;
  for (int i = 0; i < 20; ++i) {
    labels.push_back(label(true, 0.6 + 0.01 * i));
    labels.push_back(label(false, 0.3 + 0.01 * i));
  }
  CHECK(*audit(labels)->auc.value == 1);
  CHECK(*audit(labels)->agreement.value == 1);
  CHECK(*audit(labels, {.threshold = 0.9})->agreement.value == 0.5);
}

TEST_CASE("labels of one cluster are resampled together") {
  auto labels = table(40, 40, 10, 10);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i].cluster = std::to_string(i / 10);
  const auto result = audit(labels);
  CHECK(result->clusters == 10);
  CHECK(result->agreement.method != "wilson");
  const auto alone = audit(table(40, 40, 10, 10));
  CHECK(*result->kappa.high - *result->kappa.low > *alone->kappa.high - *alone->kappa.low);
}

TEST_CASE("nothing to compare and an id twice are errors") {
  CHECK_FALSE(static_cast<bool>(audit({})));
  auto labels = table(1, 1, 0, 0);
  labels[1].id = labels[0].id;
  CHECK(audit(labels).error().message().ends_with("stands twice; each item has one line"));
}

TEST_CASE("a line of labels is read strictly") {
  const auto good = parse_label(*json::parse(
      R"({"id": 7, "human": true, "judge": 0.7, "swapped": 0, "repeats": [1, 0], "length": 12})"));
  REQUIRE(static_cast<bool>(good));
  CHECK(good->id == "7");
  CHECK(*good->human);
  CHECK(good->repeats.size() == 2);
  CHECK(refusal("[]") == "$: expected an object");
  CHECK(refusal(R"({"human": 1, "judge": 1})") == "$.id: is required");
  CHECK(refusal(R"({"id": "a", "human": 2, "judge": 1})") == "$.human: expected 0 or 1, not 2");
  CHECK(refusal(R"({"id": "a", "human": 1, "judge": "yes"})") ==
        "$.judge: expected a number, not \"yes\"");
  CHECK(refusal(R"({"id": "a", "human": 1})") ==
        "$.judge: is required, or a 'case' that a judge can be run on");
  CHECK(refusal(R"({"id": "a", "humn": 1, "judge": 1})") ==
        "$.humn: unknown key; did you mean 'human'?");
  const auto with_case = parse_label(*json::parse(
      R"({"human": 1, "case": {"input": "q", "actual_output": "abc",
          "metadata": {"document": "d"}}})"));
  REQUIRE(static_cast<bool>(with_case));
  CHECK(with_case->cluster == "d");
  CHECK(*with_case->length == 3);
  CHECK(with_case->id.size() == 16);
}

}  // namespace slipway::eval
