// What compares an output with passages. Rows for judges alone and for nobody stand in
// registry_judged.cpp and registry_plain.cpp.
#include "eval/detail/registry.hpp"

#include "eval/detail/citations.hpp"
#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/local_metrics.hpp"
#include "eval/detail/options.hpp"
#include "eval/detail/plain_metrics.hpp"

namespace slipway::eval {

namespace {

const std::vector<std::string> output_and_passages = {"actual_output", "retrieval_context|context"};
const std::vector<std::string> expected_and_passages = {"expected_output",
                                                        "retrieval_context|context"};

MetricRow faithfulness() {
  return {{.name = "faithfulness",
           .summary = "whether the output's claims are carried by what was retrieved",
           .source = "deepeval 4.3.1 metrics/faithfulness, ragas 0.4.3 _faithfulness.py",
           .modes = {{Mode::native,
                      "form supported: S/n; form not_contradicted: (S+U)/n; n = S+C+U = 0: null",
                      output_and_passages,
                      {"claims", "verdicts"}},
                     {Mode::local,
                      "mean support of the output's sentences; form not_contradicted: mean of "
                      "1 - contradiction",
                      output_and_passages,
                      {}},
                     {Mode::deepeval,
                      "(yes + borderline)/n, penalize_ambiguous_claims: yes/n; no claims: 1",
                      output_and_passages,
                      {"truths", "claims", "verdicts"}},
                     {Mode::ragas,
                      "sum of verdicts/n; no statements: null",
                      output_and_passages,
                      {"statements", "verdicts"}}},
           .options = {choice("form", {"supported", "not_contradicted"},
                              "what counts as faithful (native, local)"),
                       flag("penalize_ambiguous_claims",
                            "whether what is neither carried nor denied fails (deepeval)"),
                       supported_from()}},
          {native_faithfulness, local_faithfulness, deepeval_faithfulness, ragas_faithfulness}};
}

MetricRow answer_relevancy() {
  return {{.name = "answer_relevancy",
           .summary = "whether the output speaks to the input",
           .source = "deepeval 4.3.1 metrics/answer_relevancy, ragas 0.4.3 _answer_relevance.py",
           .modes = {{Mode::native,
                      "relevant/n; n = 0: null",
                      {"actual_output"},
                      {"statements", "verdicts"}},
                     {Mode::local,
                      "mean relevance of the output's sentences to the input",
                      {"actual_output"},
                      {}},
                     {Mode::deepeval,
                      "(yes + borderline)/n; no statements: 1",
                      {"actual_output"},
                      {"statements", "verdicts"}},
                     {Mode::ragas,
                      "mean cosine(input, question), 0 if all are noncommittal; no question: null",
                      {"actual_output"},
                      {"questions", "embeddings"}}},
           .options = {whole("strictness", "3", "questions made of the output (ragas)", 1, 20)}},
          {native_answer_relevancy, local_answer_relevancy, deepeval_answer_relevancy,
           ragas_answer_relevancy}};
}

/// A form by ids asks nobody and needs ids in place of texts.
Result<Score> precision_by_ids_or(Case& at, ScoreFunction otherwise) {
  if (at.text("form", "chunks") != "ids") return otherwise(at);
  return id_precision(at);
}
Result<Score> recall_by_ids_or(Case& at, ScoreFunction otherwise) {
  if (at.text("form", "chunks") != "ids") return otherwise(at);
  return id_recall(at);
}
template <ScoreFunction score>
Result<Score> precision_forms(Case& at) {
  return precision_by_ids_or(at, score);
}
template <ScoreFunction score>
Result<Score> recall_forms(Case& at) {
  return recall_by_ids_or(at, score);
}

OptionInfo id_form() {
  return choice("form", {"chunks", "ids"}, "ids: by retrieved_ids and relevance, nobody is asked");
}

MetricRow contextual_precision() {
  return {
      {.name = "contextual_precision",
       .summary = "whether relevant chunks rank first",
       .source = "deepeval 4.3.1 metrics/contextual_precision, ragas 0.4.3 "
                 "_context_precision.py",
       .modes = {{Mode::native,
                  "sum over relevant k of precision at k / relevant; none: 0; form ids: "
                  "|set(got) and ref| / |set(got)|",
                  expected_and_passages,
                  {"verdicts"}},
                 {Mode::local,
                  "the same; relevant: supports a sentence of the expected output",
                  expected_and_passages,
                  {}},
                 {Mode::deepeval,
                  "the same; dropped verdicts close the gap",
                  expected_and_passages,
                  {"verdicts"}},
                 {Mode::ragas,
                  "the same over relevant + 1e-10, one question a chunk",
                  expected_and_passages,
                  {"verdicts"}}},
       .options = {id_form(), supported_from()}},
      {precision_forms<native_contextual_precision>, precision_forms<local_contextual_precision>,
       precision_forms<deepeval_contextual_precision>,
       precision_forms<ragas_contextual_precision>}};
}

MetricRow contextual_recall() {
  return {
      {.name = "contextual_recall",
       .summary = "whether what was retrieved carries the expected output",
       .source = "deepeval 4.3.1 metrics/contextual_recall, ragas 0.4.3 _context_recall.py",
       .modes =
           {{Mode::native,
             "attributable sentences of the expected output/n; form ids: |got and ref| / "
             "|ref|",
             expected_and_passages,
             {"verdicts"}},
            {Mode::local,
             "mean support of the expected output's sentences",
             expected_and_passages,
             {}},
            {Mode::deepeval, "yes/n; none: 0", expected_and_passages, {"verdicts"}},
            {Mode::ragas, "attributed/n; none: null", expected_and_passages, {"classifications"}}},
       .options = {id_form(), supported_from()}},
      {recall_forms<native_contextual_recall>, recall_forms<local_contextual_recall>,
       recall_forms<deepeval_contextual_recall>, recall_forms<ragas_contextual_recall>}};
}

MetricRow contextual_relevancy() {
  const std::vector<std::string> needs = {"retrieval_context|context"};
  return {
      {.name = "contextual_relevancy",
       .summary = "how much of what was retrieved speaks to the input",
       .source = "deepeval 4.3.1 metrics/contextual_relevancy",
       .modes = {{Mode::native,
                  "relevant statements / statements of all chunks; none: 0",
                  needs,
                  {"verdicts"}},
                 {Mode::local, "mean relevance of all chunks' sentences to the input", needs, {}},
                 {Mode::deepeval, "yes / statements of all chunks; none: 0", needs, {"verdicts"}}},
       .options = {}},
      {native_contextual_relevancy, local_contextual_relevancy, deepeval_contextual_relevancy}};
}

MetricRow hallucination() {
  const std::vector<std::string> needs = {"actual_output", "context"};
  return {{.name = "hallucination",
           .summary = "with how many contexts the output agrees (higher is better)",
           .source = "deepeval 4.3.1 metrics/hallucination",
           .modes = {{Mode::native, "contexts agreed with/n", needs, {"verdicts"}},
                     {Mode::local, "mean over contexts of 1 - contradiction", needs, {}},
                     {Mode::deepeval, "yes/n; none: 1", needs, {"verdicts"}}},
           .options = {supported_from()}},
          {native_hallucination, local_hallucination, deepeval_hallucination}};
}

MetricRow grounded() {
  return {{.name = "groundedness",
           .summary = "how well each sentence is grounded, with the evidence quoted",
           .source = "TruLens 2.16 groundedness, with quotes checked byte by byte",
           .modes = {{Mode::native,
                      "mean grade 0..3 / 3 without trivial sentences; no quote found: 0; "
                      "abstention: 3; all trivial: null",
                      output_and_passages,
                      {"sentences"}},
                     {Mode::local,
                      "mean support without trivial sentences; abstention: 1",
                      output_and_passages,
                      {}}},
           .options = {supported_from()}},
          {groundedness, local_groundedness}};
}

MetricRow citation(std::string name, std::string summary, std::string formula,
                   std::vector<ScoreFunction> scores) {
  return {{.name = std::move(name),
           .summary = std::move(summary),
           .source = "Gao et al. 2023, Enabling Large Language Models to Generate Text with "
                     "Citations",
           .modes = {{Mode::native, formula, {"actual_output"}, {"entailment"}},
                     {Mode::local,
                      formula + ", entailed: support at least supported_from",
                      output_and_passages,
                      {}}},
           .options = {supported_from()}},
          std::move(scores)};
}

}  // namespace

std::vector<MetricRow> faithfulness_rows() {
  return {faithfulness(),
          answer_relevancy(),
          contextual_precision(),
          contextual_recall(),
          contextual_relevancy(),
          hallucination(),
          grounded(),
          citation("citation_recall", "whether what a sentence cites entails it",
                   "sentences entailed by all that they cite / sentences",
                   {citation_recall, local_citation_recall}),
          citation("citation_precision", "whether each citation is needed",
                   "citations of entailed sentences that alone entail them, or without which the "
                   "others do not / citations; none: null",
                   {citation_precision, local_citation_precision})};
}

const std::vector<MetricRow>& metric_rows() {
  static const std::vector<MetricRow> rows = [] {
    std::vector<MetricRow> all = faithfulness_rows();
    for (MetricRow& row : judged_rows()) all.push_back(std::move(row));
    for (MetricRow& row : plain_rows()) all.push_back(std::move(row));
    return all;
  }();
  return rows;
}

}  // namespace slipway::eval
