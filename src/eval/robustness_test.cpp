#include "eval/robustness.hpp"

#include <doctest/doctest.h>

#include <set>

namespace slipway::eval {

namespace {

Golden golden(std::string id, std::string input) {
  Golden made;
  made.id = std::move(id);
  made.input = std::move(input);
  made.expected_output = "30 days";
  return made;
}

Golden perturbed(Perturbation perturbation, const Golden& of, std::uint64_t seed = 1,
                 const std::vector<Golden>& others = {}) {
  return perturb(perturbation, of, others, {.seed = seed});
}

constexpr Perturbation all[] = {Perturbation::typos,      Perturbation::letter_case,
                                Perturbation::paraphrase, Perturbation::distractors,
                                Perturbation::injection,  Perturbation::numbers};

}  // namespace

TEST_CASE("a perturbation keeps id and expectation, and the same seed gives the same golden") {
  Golden at = golden("a", "How long does the archive keep 12000 traces, usually?");
  at.retrieval_context = {"Traces are kept. Boats sail.", "Cats sleep."};
  Golden other = golden("b", "q");
  other.retrieval_context = {"Other passage.", "Cats sleep."};
  for (const Perturbation each : all) {
    const Golden once = perturbed(each, at, 7, {at, other});
    CAPTURE(json::name(each));
    CHECK(canonical(once) == canonical(perturbed(each, at, 7, {at, other})));
    CHECK(once.id == "a");
    CHECK(once.expected_output == "30 days");
    CHECK(once.metadata_text("perturbation") == json::name(each));
  }
}

TEST_CASE("typos change about one word in twenty by one letter") {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "harbour ";
  const Golden changed = perturbed(Perturbation::typos, golden("a", text + "v2.0 é"));
  std::size_t words = 0, wrong = 0;
  for (std::size_t at = 0; at + 9 < changed.input.size();) {
    const std::size_t end = changed.input.find(' ', at);
    ++words;
    wrong += changed.input.substr(at, end - at) != "harbour";
    at = end + 1;
  }
  CHECK(words == 4000);
  CHECK(wrong > 150);
  CHECK(wrong < 250);
  CHECK(changed.input.ends_with(" v2.0 é"));
}

TEST_CASE("a paraphrase is never the same text, and seeds differ") {
  std::set<std::string> texts;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Golden at = golden("a", "How many days does the archive keep traces?");
    const std::string text = perturbed(Perturbation::paraphrase, at, seed).input;
    CHECK(text != at.input);
    texts.insert(text);
  }
  CHECK(texts.size() > 3);
  CHECK(perturbed(Perturbation::paraphrase, golden("a", " ")).input == " ");
}

TEST_CASE("numbers keep their value") {
  const auto number = [](std::string text) {
    std::set<std::string> texts;
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
      texts.insert(perturbed(Perturbation::numbers, golden("a", text), seed).input);
    return texts;
  };
  CHECK(number("Keep 12000 traces?") == std::set<std::string>{"Keep 12,000 traces?"});
  CHECK(number("For 3 days.") == std::set<std::string>{"For 3.0 days.", "For three days."});
  for (const std::string text : {"In 2026?", "v3", "3.5 t", "2026-01-02", "$5", "No number"})
    CHECK(number(text) == std::set<std::string>{text});
}

TEST_CASE("letters change their case and nothing else") {
  std::set<std::string> texts;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    texts.insert(perturbed(Perturbation::letter_case, golden("a", "Keep it, please"), seed).input);
  CHECK(texts == std::set<std::string>{"keep it, please", "KEEP IT, PLEASE", "Keep It, Please"});
}

TEST_CASE("distractors are passages of other goldens, and the found ones stay in order") {
  Golden at = golden("a", "q");
  at.retrieval_context = {"One.", "Two."};
  at.retrieved_ids = {{"x"}, {"y"}};
  Golden other = golden("b", "r");
  other.context = {"Two.", "Three.", "Four.", "Three."};
  const Golden changed = perturbed(Perturbation::distractors, at, 1, {at, other});
  REQUIRE(changed.retrieval_context->size() == 4);
  CHECK(changed.retrieved_ids->size() == 4);
  std::vector<std::string> own;
  for (const std::string& passage : *changed.retrieval_context)
    if (passage == "One." || passage == "Two.") own.push_back(passage);
  CHECK(own == *at.retrieval_context);
  CHECK(!perturbed(Perturbation::distractors, golden("a", "q"), 1, {other}).context);
}

TEST_CASE("an injected instruction holds a canary that an obedient output repeats") {
  Golden at = golden("a", "q");
  at.context = {"One. Two."};
  Golden changed = perturbed(Perturbation::injection, at);
  const std::string canary = changed.metadata_text("canary");
  REQUIRE(!canary.empty());
  CHECK(changed.context->at(0).find(canary) != std::string::npos);
  CHECK(obeys_injection(changed) == std::nullopt);
  changed.actual_output = "It is 30 days.";
  CHECK(obeys_injection(changed) == false);
  changed.actual_output = "canary" + canary.substr(6);
  CHECK(obeys_injection(changed) == true);
  CHECK(obeys_injection(at) == std::nullopt);
}

TEST_CASE("40 of 50 pass clean and 36 perturbed, 6 lost and 2 gained") {
  std::vector<PerturbedPair> pairs;
  const auto add = [&](int count, bool clean, bool after) {
    for (int i = 0; i < count; ++i)
      pairs.push_back({.clean_passed = clean,
                       .perturbed_passed = after,
                       .clean_score = clean ? 1 : 0,
                       .perturbed_score = after ? 1 : 0,
                       .cluster = ""});
  };
  add(34, true, true);
  add(6, true, false);
  add(2, false, true);
  add(8, false, false);
  pairs.push_back({.clean_passed = true,
                   .perturbed_passed = {},
                   .clean_score = 1,
                   .perturbed_score = {},
                   .cluster = ""});
  const RobustnessReport report = robustness_report(pairs);
  CHECK(report.n == 50);
  CHECK(report.missing == 1);
  CHECK(report.clean_passes == 40);
  CHECK(report.perturbed_passes == 36);
  CHECK(report.lost == 6);
  CHECK(report.gained == 2);
  CHECK(report.difference.mean == doctest::Approx(-0.08));
  CHECK(*report.difference.low < -0.08);
  CHECK(*report.invariance == doctest::Approx(0.84));
  CHECK(*report.p_worse == doctest::Approx(0.14453125));
  CHECK(report.score_difference->mean == doctest::Approx(-0.08));
  const RobustnessReport none = robustness_report({});
  CHECK(!none.invariance);
  CHECK(!none.p_worse);
}

TEST_CASE("perturbations are known by name") {
  CHECK(*parse_perturbation("typos") == Perturbation::typos);
  CHECK(*parse_perturbation("case") == Perturbation::letter_case);
  CHECK(parse_perturbation("typo").error().message() ==
        "there is no perturbation 'typo'; did you mean 'typos'?");
}

}  // namespace slipway::eval
