// Judged metrics without a judge: by local evidence (eval/local_evidence.hpp), which is the same
// for the same bytes. All are continuous. "Support" is that of sentences by passages, 0..1.
#pragma once

#include "eval/detail/case.hpp"

namespace slipway::eval {

/// Mean support of the output's sentences, or with `form: not_contradicted` mean of
/// 1 - contradiction.
Result<Score> local_faithfulness(Case& at);
/// Mean relevance of the output's sentences to the input.
Result<Score> local_answer_relevancy(Case& at);
/// Average precision; a chunk is relevant where its support of a sentence of the expected output is
/// at least `supported_from` (default 0.5).
Result<Score> local_contextual_precision(Case& at);
/// Mean support of the expected output's sentences.
Result<Score> local_contextual_recall(Case& at);
/// Mean relevance of all chunks' sentences to the input.
Result<Score> local_contextual_relevancy(Case& at);
/// Mean over contexts of the output's mean of 1 - contradiction by that context.
Result<Score> local_hallucination(Case& at);
/// Mean support of the output's sentences that are not trivial; an abstention counts 1.
Result<Score> local_groundedness(Case& at);
/// (w0 F_beta(P, R) + w1 relevance)/(w0 + w1): P the mean support of the output by the expected
/// output, R the reverse, relevance of the output to the expected output.
Result<Score> local_answer_correctness(Case& at);
/// P, R or F_beta of the same.
Result<Score> local_factual_correctness(Case& at);
/// Mean over the output's sentences of (1 - support by the expected output) x the greatest support
/// by a relevant (or an irrelevant) chunk; relevant as in `local_contextual_precision`.
Result<Score> local_noise_sensitivity(Case& at);
/// The mean of what the case gives: relevance to the input, support by the passages, support by and
/// of the expected output (F1). It cannot read criteria, and says so.
Result<Score> local_g_eval(Case& at);
/// Tools called beside expected ones where both are there, else the output beside the expected
/// output (F1), else its relevance to the input.
Result<Score> local_task_completion(Case& at);

}  // namespace slipway::eval
