// How far a judge can be trusted: its verdicts beside those of people.
//
// kappa is Cohen's, with a bootstrap interval; agreement, TPR and TNR have Wilson's, or where
// several labels share a cluster a bootstrap over clusters. Flips: an item flips under a swap when
// its verdict changes with the order of what was shown; of repeats 1 - max/n, the share of verdicts
// that differ from the commonest. Length bias is the correlation of length with judge - human. The
// corrected pass rate is Rogan and Gladen's (1978).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "eval/golden.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

/// A line of labels.
struct AuditLabel {
  std::string id;
  std::optional<bool> human;  ///< Absent: only the judge's pass rate counts it.
  std::optional<double> judge;
  std::optional<double> swapped;  ///< The judge's, with the order of what it saw turned round.
  std::vector<double> repeats;    ///< The judge's, asked again.
  std::optional<double> length;
  std::string cluster;
  std::optional<Golden> golden;  ///< Of `case`: what a judge is run on.
};

/// {"id", "human": 0|1|null, "judge": 0|1 or a score, "swapped"?, "repeats"?, "length"?,
/// "cluster"?, "case"?: golden}. Without `cluster` that of the case (document, conversation) holds,
/// without `length` the bytes of its output. Fails: invalid_argument, naming the member.
Result<AuditLabel> parse_label(const json::Value& value);

struct AuditOptions {
  double threshold = 0.5;  ///< A score passes from here on.
  Resampling resampling;
};

/// A number of an audit; `value` is absent where there is none, and `reason` says why.
struct Figure {
  std::optional<double> value, low, high;
  std::string method;  ///< Of the interval.
  std::size_t n = 0;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Figure, (), (value, low, high, method, n, reason))

struct Audit {
  std::size_t labels = 0;      ///< With human and judge.
  std::size_t unlabelled = 0;  ///< With a judge only.
  std::size_t clusters = 0;
  double threshold = 0.5;
  Figure base_rate;        ///< How often people say yes.
  Figure judge_pass_rate;  ///< How often the judge does, over all lines.
  Figure agreement, kappa, tpr, tnr;
  Figure auc;  ///< Only where the judge gives scores.
  Figure swap_flip_rate, repeat_flip_rate;
  Figure length_bias;
  /// Of the lines without human, else of all.
  Figure corrected_pass_rate;
};
BOOST_DESCRIBE_STRUCT(Audit, (),
                      (labels, unlabelled, clusters, threshold, base_rate, judge_pass_rate,
                       agreement, kappa, tpr, tnr, auc, swap_flip_rate, repeat_flip_rate,
                       length_bias, corrected_pass_rate))

/// Deterministic. Fails: invalid_argument (no label with human and judge; an id twice).
Result<Audit> audit(const std::vector<AuditLabel>& labels, const AuditOptions& options = {});

}  // namespace slipway::eval
