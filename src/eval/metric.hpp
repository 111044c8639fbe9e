// Metrics: a case goes in, a score with its reasons comes out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "eval/golden.hpp"
#include "eval/judge.hpp"

namespace slipway::eval {

class LocalEvidence;  // eval/local_evidence.hpp

/// `native` asks a judge and says null where there is nothing to score; `local` asks nobody;
/// `deepeval` is deepeval 4.3.1 and `ragas` ragas 0.4.3: the same scores for the same replies.
enum class Mode { native, local, deepeval, ragas };
BOOST_DESCRIBE_ENUM(Mode, native, local, deepeval, ragas)

/// What a suite says of one metric.
struct MetricSpec {
  std::string name;          ///< "faithfulness"
  std::string as;            ///< What it is called in results; empty: its name.
  std::optional<Mode> mode;  ///< Absent: native with a judge, local without one.
  json::Object options;      ///< Of that metric: `form`, `k`, `criteria`, ...
  /// Absent: 0.5; of `latency` and `cost_per_query`: none. Passed: score >= threshold, or <= where
  /// lower is better.
  std::optional<double> threshold;
  bool strict_mode = false;  ///< Threshold 1 (0), and a score that misses it is 0 (1).

  const std::string& label() const { return as.empty() ? name : as; }
};

/// A claim, chunk or sentence, and what was found of it.
struct ScoredItem {
  std::string text, verdict, reason;
  std::optional<std::size_t> byte_start, byte_end;  ///< In the output, where it stands there.
  std::optional<double> score;
};

struct Score {
  std::optional<double> value;  ///< Absent: there is none; `reason` says why. Never NaN.
  std::optional<bool> passed;   ///< Absent without a value or a threshold.
  std::string reason;
  std::vector<ScoredItem> items;
  json::Object extra;  ///< `precision`, `recall`: what a metric gives beside its score.
  std::vector<std::string> judge_calls;  ///< Ids of spans.
};

/// What metrics ask. All may be absent, must outlive the scoring, and are safe to use from many
/// threads.
struct Scorers {
  Judge* judge = nullptr;
  const LocalEvidence* local = nullptr;
};

/// One metric, ready to score. Safe to use from many threads.
class Metric {
 public:
  virtual ~Metric() = default;
  virtual const MetricSpec& spec() const = 0;
  virtual Mode mode() const = 0;
  virtual bool lower_is_better() const { return false; }
  /// Fails where the case is an error (a reply that cannot be parsed twice, the judge failed): it
  /// is in the report, not in the mean. A case that lacks what the metric needs is no failure: it
  /// has no value and a reason.
  virtual Result<Score> score(const Context& context, const Golden& golden) const = 0;
};

/// As a line of `eval score -` or an entry of a suite says it: `name`, `as`, `mode`, `threshold`,
/// `strict_mode`, and options, in `options` or beside them. Threshold and strict mode may stand in
/// `options` too. Fails: invalid_argument, with the path.
Result<MetricSpec> parse_metric_spec(const json::Value& value);
/// What `eval score -` prints of a case: id, metric, mode, score, pass, reason, items, judge_calls
/// and what is beside the score.
json::Object to_json(const Metric& metric, const Golden& golden, const Score& score);

/// Fails: invalid_argument (a name, mode or option that there is not, with the nearest; a metric
/// that needs a judge and there is none).
Result<std::unique_ptr<Metric>> make_metric(MetricSpec spec, const Scorers& scorers);

/// An option of a metric, as a suite may give it.
enum class OptionKind { number, whole, flag, text, texts, choice, pair };
BOOST_DESCRIBE_ENUM(OptionKind, number, whole, flag, text, texts, choice, pair)
struct OptionInfo {
  std::string name;
  OptionKind kind = OptionKind::text;
  std::string fallback;  ///< What holds where it is absent, in words.
  std::string meaning;
  std::vector<std::string> choices;  ///< Of `choice`, and of the items of `texts`; empty: any.
  double min = -1e18, max = 1e18;    ///< Of numbers, both included.
};

/// What a metric does in one mode.
struct ModeInfo {
  Mode mode = Mode::native;
  std::string formula;
  std::vector<std::string> needs;  ///< Members of the golden; "a|b": one of them.
  std::vector<std::string> steps;  ///< Asked of the judge, in this order; empty: none.
};

/// What `slipway eval metrics` lists.
struct MetricInfo {
  std::string name, summary, source;
  std::vector<ModeInfo> modes;  ///< The first is the default with a judge.
  std::vector<OptionInfo> options;
  bool lower_is_better = false;

  const ModeInfo* find(Mode mode) const;
};
/// In the order of the contract.
const std::vector<MetricInfo>& all_metrics();
/// Null: there is none of that name.
const MetricInfo* find_metric(std::string_view name);

}  // namespace slipway::eval
