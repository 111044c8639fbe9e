// Metrics that ask a judge, each in the modes of the contract. Formulas stand at each; n is the
// number of verdicts. `deepeval_*` are deepeval 4.3.1 (metrics/NAME/NAME.py), `ragas_*` ragas 0.4.3
// (metrics/_NAME.py): the same score for the same replies.
#pragma once

#include "eval/detail/case.hpp"

namespace slipway::eval {

/// [claims, verdicts] supported/n, or with `form: not_contradicted` (supported + unverifiable)/n.
Result<Score> native_faithfulness(Case& at);
/// [truths, claims, verdicts] (yes + borderline)/n, or with `penalize_ambiguous_claims` yes/n.
Result<Score> deepeval_faithfulness(Case& at);
/// [statements, verdicts] supported/n.
Result<Score> ragas_faithfulness(Case& at);

/// [statements, verdicts] yes/n.
Result<Score> native_answer_relevancy(Case& at);
/// [statements, verdicts] (yes + borderline)/n.
Result<Score> deepeval_answer_relevancy(Case& at);
/// [questions x strictness, embeddings] mean cosine of input and question, 0 if all noncommittal.
Result<Score> ragas_answer_relevancy(Case& at);

/// [verdicts] sum over relevant ranks k of precision at k / relevant.
Result<Score> native_contextual_precision(Case& at);
Result<Score> deepeval_contextual_precision(Case& at);
/// [verdicts per chunk] the same over relevant + 1e-10.
Result<Score> ragas_contextual_precision(Case& at);

/// [verdicts] sentences of the expected output that are attributable / n.
Result<Score> native_contextual_recall(Case& at);
/// [verdicts] yes/n, 0 if there is none.
Result<Score> deepeval_contextual_recall(Case& at);
/// [classifications] attributed/n.
Result<Score> ragas_contextual_recall(Case& at);

/// [verdicts per chunk] relevant statements / statements of all chunks.
Result<Score> native_contextual_relevancy(Case& at);
Result<Score> deepeval_contextual_relevancy(Case& at);

/// [verdicts per context] contexts agreed with / n.
Result<Score> native_hallucination(Case& at);
/// [verdicts] yes/n, 1 if there is none.
Result<Score> deepeval_hallucination(Case& at);

/// [sentences] grade 0 to 3 of each sentence, 0 without a quote that stands in the passages byte by
/// byte; abstentions are 3, trivial sentences left out; mean / 3. After TruLens 2.16.
Result<Score> groundedness(Case& at);

/// [steps unless given, score, logprobs] (s - lo)/(hi - lo), s the score weighted by the
/// probabilities of its last token. deepeval 4.3.1 (metrics/g_eval).
Result<Score> g_eval(Case& at);

/// [statements of the output, of the expected output, classification, embeddings]
/// (w0 F_beta(TP, FP, FN) + w1 cosine)/(w0 + w1).
Result<Score> answer_correctness(Case& at);
/// [claims_of_output, verdicts_of_output, claims_of_expected, verdicts_of_expected] precision,
/// recall or F_beta, to two digits.
Result<Score> factual_correctness(Case& at);
/// [statements of the expected output, of the output, verdicts per chunk of both, verdicts of the
/// output beside the expected] share of statements that are wrong and supported by a relevant (or
/// only by an irrelevant) chunk.
Result<Score> noise_sensitivity(Case& at);

/// [entailment] Gao et al. 2023 (ALCE): sentences that what they cite entails / sentences.
Result<Score> citation_recall(Case& at);
/// Citations of such sentences that alone entail it, or without which the others do not / all.
Result<Score> citation_precision(Case& at);

/// [task, verdict] criteria met / n.
Result<Score> native_task_completion(Case& at);
/// [task, verdict] the number given.
Result<Score> deepeval_task_completion(Case& at);

}  // namespace slipway::eval
