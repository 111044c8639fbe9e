// Metrics that ask nobody: retrieval, text, tools, operation. Formulas stand at each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/detail/case.hpp"

namespace slipway::eval {

// Retrieval: `retrieved_ids` (a repeated id counts where it comes first) and `relevance` (relevant:
// grade > 0), option `k` (default 10). Checked against ranx 0.3.21, nDCG with exponential gain
// against scikit-learn 1.9.1.

/// Hits within k / k, even if fewer came.
Score precision_at_k(Case& at);
/// Hits within k / relevant.
Score recall_at_k(Case& at);
Score hit_at_k(Case& at);
/// 1 / rank of the first hit within k, else 0.
Score reciprocal_rank(Case& at);
/// Sum over hits within k of precision at their rank / relevant.
Score average_precision(Case& at);
/// DCG / ideal DCG, DCG = sum g_i / log2(i + 1) within k, g = grade, or 2^grade - 1.
Score ndcg_at_k(Case& at);

// Text: `actual_output` beside `expected_output`.

/// Lower case, without ASCII punctuation and the articles a, an, the, blanks folded: as SQuAD's
/// evaluate-v1.1.
std::string squad_normal(std::string_view text);
Score exact_match(Case& at);
/// F1 of the words that both have, with repetitions.
Score token_f1(Case& at);

/// Lower case, runs of [a-z0-9]: as rouge-score 0.1.2.
std::vector<std::string> rouge_tokens(std::string_view text, bool stemmed);
Score rouge_1(Case& at);
Score rouge_2(Case& at);
/// By the longest common subsequence.
Score rouge_l(Case& at);

// Tools: `tools_called` beside `expected_tools`.

/// Of deepeval 4.3.1 (metrics/tool_correctness). Options `evaluation_params`,
/// `should_consider_ordering`, `should_exact_match`.
Score tool_correctness(Case& at);
/// Of ragas 0.4.3 (_tool_call_accuracy.py). Option `strict_order` (default true).
Score tool_call_accuracy(Case& at);
/// Of ragas 0.4.3 (_tool_call_f1.py).
Score tool_call_f1(Case& at);

/// Milliseconds and dollars of one case; percentiles are made of many.
Score latency(Case& at);
Score cost_per_query(Case& at);

/// |set(got) and ref| / |set(got)| and |got and ref| / |ref|, by ids: ragas 0.4.3, `form: ids`.
Score id_precision(Case& at);
Score id_recall(Case& at);

/// A metric that cannot fail as a `ScoreFunction`.
template <Score (*score)(Case&)>
Result<Score> plain(Case& at) {
  return score(at);
}

}  // namespace slipway::eval
