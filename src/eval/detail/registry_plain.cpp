#include "eval/detail/options.hpp"
#include "eval/detail/plain_metrics.hpp"
#include "eval/detail/registry.hpp"

namespace slipway::eval {

namespace {

/// A metric that asks nobody does the same in every mode that it has.
MetricRow asking_nobody(MetricInfo info, std::vector<Mode> others, ScoreFunction score) {
  const ModeInfo native = info.modes.front();
  for (const Mode mode : others) info.modes.push_back({mode, native.formula, native.needs, {}});
  std::vector<ScoreFunction> scores(info.modes.size(), score);
  return {std::move(info), std::move(scores)};
}

MetricRow retrieval(std::string name, std::string summary, std::string formula,
                    ScoreFunction score) {
  constexpr double k_max = 1e6;
  return asking_nobody(
      {.name = std::move(name),
       .summary = std::move(summary),
       .source = "checked against ranx 0.3.21",
       .modes = {{Mode::native, std::move(formula), {"retrieved_ids", "relevance"}, {}}},
       .options = {whole("k", "10", "how many of the ranking count", 1, k_max)}},
      {Mode::local}, score);
}

MetricRow text_metric(std::string name, std::string summary, std::string formula,
                      ScoreFunction score) {
  const bool is_rouge = name.starts_with("rouge");
  return asking_nobody(
      {.name = std::move(name),
       .summary = std::move(summary),
       .source = is_rouge ? "Lin 2004, ROUGE; rouge-score 0.1.2" : "SQuAD evaluate-v1.1",
       .modes = {{Mode::native, std::move(formula), {"actual_output", "expected_output"}, {}}},
       .options = is_rouge ? std::vector<OptionInfo>{flag(
                                 "stemmer", "whether words of more than three letters are stemmed")}
                           : std::vector<OptionInfo>{}},
      {Mode::local}, score);
}

MetricRow tools(std::string name, std::string summary, std::string formula, Mode source,
                std::vector<OptionInfo> options, ScoreFunction score) {
  const std::string from =
      source == Mode::ragas ? "ragas 0.4.3 _" + name + ".py" : "deepeval 4.3.1 metrics/" + name;
  return asking_nobody(
      {.name = std::move(name),
       .summary = std::move(summary),
       .source = from,
       .modes = {{Mode::native, std::move(formula), {"tools_called", "expected_tools"}, {}}},
       .options = std::move(options)},
      {Mode::local, source}, score);
}

MetricRow operation(std::string name, std::string summary, std::string member,
                    ScoreFunction score) {
  return asking_nobody({.name = std::move(name),
                        .summary = std::move(summary),
                        .source = "percentiles interpolate linearly at (n - 1) p",
                        .modes = {{Mode::native, "the golden's or its trace's", {member}, {}}},
                        .options = {},
                        .lower_is_better = true},
                       {Mode::local}, score);
}

std::vector<MetricRow> retrieval_rows() {
  MetricRow ndcg = retrieval("ndcg_at_k", "how well the ranking follows the grades",
                             "DCG/ideal DCG, DCG = sum g_i / log2(i + 1); g = grade, gain "
                             "exponential: 2^grade - 1",
                             plain<ndcg_at_k>);
  ndcg.info.options.push_back(choice("gain", {"linear", "exponential"}, "what a grade is worth"));
  std::vector<MetricRow> rows;
  rows.push_back(retrieval("precision_at_k", "how many of the first k are relevant", "hits/k",
                           plain<precision_at_k>));
  rows.push_back(retrieval("recall_at_k", "how many of the relevant are among the first k",
                           "hits within k/relevant", plain<recall_at_k>));
  rows.push_back(retrieval("hit_at_k", "whether any of the first k is relevant",
                           "1 if a hit is within k, else 0", plain<hit_at_k>));
  rows.push_back(retrieval("mrr", "how early the first relevant one comes",
                           "1/rank of the first hit within k, else 0", plain<reciprocal_rank>));
  rows.push_back(retrieval("average_precision", "how early all relevant ones come",
                           "sum over hits within k of precision at their rank / relevant",
                           plain<average_precision>));
  rows.push_back(std::move(ndcg));
  return rows;
}

std::vector<MetricRow> tool_rows() {
  std::vector<MetricRow> rows;
  rows.push_back(
      tools("tool_correctness", "whether the expected tools were called",
            "each expected call takes the best unused one; sum/|expected|; ordered: weighted LCS "
            "/ |expected|; exact: 1 if equal in order",
            Mode::deepeval,
            {texts("evaluation_params", "none", "what is compared beside name and type",
                   {"input_parameters", "output"}),
             flag("should_consider_ordering", "whether the order counts"),
             flag("should_exact_match", "whether all calls must be equal, in order")},
            plain<tool_correctness>));
  OptionInfo strict_order = flag("strict_order", "whether the order counts");
  strict_order.fallback = "true";
  rows.push_back(tools("tool_call_accuracy", "whether calls and their arguments are the expected",
                       "0 unless the names agree in order; mean share of equal arguments",
                       Mode::ragas, {strict_order}, plain<tool_call_accuracy>));
  rows.push_back(tools("tool_call_f1", "calls with arguments, as sets",
                       "F1 over the sets of (name, arguments), to four digits", Mode::ragas, {},
                       plain<tool_call_f1>));
  return rows;
}

}  // namespace

std::vector<MetricRow> plain_rows() {
  std::vector<MetricRow> rows = tool_rows();
  for (MetricRow& row : retrieval_rows()) rows.push_back(std::move(row));
  rows.push_back(text_metric("exact_match", "whether the texts are the same but for form",
                             "1 if the normal forms are equal, else 0", plain<exact_match>));
  rows.push_back(text_metric("token_f1", "words in common", "F1 of the words of the normal forms",
                             plain<token_f1>));
  rows.push_back(text_metric("rouge_1", "words in common", "F of words", plain<rouge_1>));
  rows.push_back(
      text_metric("rouge_2", "pairs of words in common", "F of pairs of words", plain<rouge_2>));
  rows.push_back(text_metric("rouge_l", "words in common in the same order",
                             "F of the longest common subsequence", plain<rouge_l>));
  rows.push_back(operation("latency", "milliseconds of a case (lower is better)", "latency_ms",
                           plain<latency>));
  rows.push_back(operation("cost_per_query", "dollars of a case (lower is better)", "cost_usd",
                           plain<cost_per_query>));
  return rows;
}

}  // namespace slipway::eval
