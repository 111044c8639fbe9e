#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/local_metrics.hpp"
#include "eval/detail/options.hpp"
#include "eval/detail/registry.hpp"

namespace slipway::eval {

namespace {

const std::vector<std::string> output_and_expected = {"actual_output", "expected_output"};

OptionInfo beta() { return positive("beta", "1", "above 1 recall weighs more, below 1 precision"); }

MetricRow graded() {
  const std::string formula =
      "(s - lo)/(hi - lo); s = sum v p / sum p over the alternatives v of the score's last token "
      "with p >= 0.01, else the score; strict_mode: 0 or 1";
  return {{.name = "g_eval",
           .summary = "a grade by criteria in words",
           .source = "Liu et al. 2023, G-Eval; deepeval 4.3.1 metrics/g_eval",
           .modes = {{Mode::native, formula, {}, {"steps", "score", "logprobs"}},
                     {Mode::local,
                      "mean of relevance, support and agreement; reads no criteria",
                      {"actual_output"},
                      {}},
                     {Mode::deepeval, formula, {}, {"steps", "score", "logprobs"}}},
           .options = {text("criteria", "what is asked for, in words"),
                       texts("evaluation_steps", "made by the judge of the criteria",
                             "the steps of the grading", {}),
                       texts("evaluation_params", "input, actual_output",
                             "members of the golden that the judge sees",
                             {"input", "actual_output", "expected_output", "context",
                              "retrieval_context", "tools_called", "expected_tools"}),
                       pair("score_range", "[0, 10]", "the grades")}},
          {g_eval, local_g_eval, g_eval}};
}

MetricRow answer() {
  const std::string formula = "(w0 F_beta(TP, FP, FN) + w1 cosine)/(w0 + w1); no statements: F = 1";
  const std::vector<std::string> steps = {"statements", "statements", "classification",
                                          "embeddings"};
  return {{.name = "answer_correctness",
           .summary = "whether the output says what was expected, and nothing else",
           .source = "ragas 0.4.3 _answer_correctness.py",
           .modes = {{Mode::native, formula, output_and_expected, steps},
                     {Mode::local,
                      "the same of mean support both ways and relevance",
                      output_and_expected,
                      {}},
                     {Mode::ragas, formula, output_and_expected, steps}},
           .options = {pair("weights", "[0.75, 0.25]", "of facts and of similarity"), beta(),
                       supported_from()}},
          {answer_correctness, local_answer_correctness, answer_correctness}};
}

MetricRow factual() {
  const std::string formula =
      "precision tp/(tp+fp), recall tp/(tp+fn) or F_beta, to two digits; tp, fp of the output's "
      "claims, fn the expected output's that the output does not support";
  const std::vector<std::string> steps = {"claims_of_output", "verdicts_of_output",
                                          "claims_of_expected", "verdicts_of_expected"};
  return {{.name = "factual_correctness",
           .summary = "claims of the output beside those expected",
           .source = "ragas 0.4.3 _factual_correctness.py",
           .modes = {{Mode::native, formula, output_and_expected, steps},
                     {Mode::local, "the same of mean support both ways", output_and_expected, {}},
                     {Mode::ragas, formula, output_and_expected, steps}},
           .options = {choice("score_mode", {"f1", "precision", "recall"}, "what is given"), beta(),
                       supported_from()}},
          {factual_correctness, local_factual_correctness, factual_correctness}};
}

MetricRow noise() {
  const std::string formula =
      "share of the output's statements that are wrong and supported by a relevant chunk "
      "(irrelevant: only by others)";
  const std::vector<std::string> needs = {"actual_output", "expected_output",
                                          "retrieval_context|context"};
  return {{.name = "noise_sensitivity",
           .summary = "how often retrieved text leads the output astray (lower is better)",
           .source = "ragas 0.4.3 _noise_sensitivity.py",
           .modes = {{Mode::native, formula, needs, {"statements", "statements", "verdicts"}},
                     {Mode::local,
                      "mean of (1 - support by the expected output) x greatest support by such a "
                      "chunk",
                      needs,
                      {}},
                     {Mode::ragas, formula, needs, {"statements", "statements", "verdicts"}}},
           .options = {choice("relevance", {"relevant", "irrelevant"}, "of which chunks"),
                       supported_from()},
           .lower_is_better = true},
          {noise_sensitivity, local_noise_sensitivity, noise_sensitivity}};
}

MetricRow task() {
  return {{.name = "task_completion",
           .summary = "whether the task was done",
           .source = "deepeval 4.3.1 metrics/task_completion; rubrics of yes and no",
           .modes = {{Mode::native, "criteria met/n", {"actual_output"}, {"task", "verdict"}},
                     {Mode::local,
                      "tool_correctness where tools are expected, else agreement with the "
                      "expected output, else relevance to the input",
                      {},
                      {}},
                     {Mode::deepeval, "the number given", {"actual_output"}, {"task", "verdict"}}},
           .options = {text("task", "what was to be done, else made of the case by the judge"),
                       texts("criteria", "made of the case by the judge",
                             "what must be true, each yes or no (native)", {})}},
          {native_task_completion, local_task_completion, deepeval_task_completion}};
}

}  // namespace

std::vector<MetricRow> judged_rows() { return {graded(), answer(), factual(), noise(), task()}; }

}  // namespace slipway::eval
