// What a run gives: `slipway-eval-result/1`. No times and no host are in it, so that equal runs are
// equal bytes and a result can be committed as a baseline.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "eval/golden.hpp"

namespace slipway::eval {

/// What one metric says of one item. Small: there are many.
struct ItemScore {
  enum class State : std::uint8_t {
    scored,
    skipped,  ///< There is nothing to score; the reason is in the details.
    failed    ///< The judge, the target or a reply failed.
  };
  double score = 0;  ///< Only of what is scored; the mean of its repeats.
  State state = State::skipped;
  std::optional<bool> passed;  ///< With repeats: in most. Absent: no score, or no threshold.

  bool is_scored() const { return state == State::scored; }
  bool passes() const { return passed.value_or(false); }
  bool fails() const { return !passed.value_or(true); }
};

struct ItemResult {
  std::string id, cluster;
  Severity severity = Severity::normal;
  std::vector<ItemScore> scores;  ///< In the order of the metrics.
};

struct MetricResult {
  std::string name;  ///< The suite's `as`.
  std::optional<double> mean, low, high;
  std::string method = "none";
  std::size_t n = 0, skipped = 0, errors = 0, clusters = 0;
  std::optional<double> pass_rate, mde;
  std::string mode;                         ///< "local"; empty: not known.
  std::optional<double> threshold, margin;  ///< As the suite has them, or what stands for it.
  bool lower_is_better = false;
  /// "p50": value, low, high. Only of latency and cost.
  std::map<std::string, std::vector<double>> percentiles;
};

/// One perturbation beside the clean items, by one metric.
struct RobustnessResult {
  std::string perturbation, metric;
  std::size_t n = 0;
  std::optional<double> difference, low, high;  ///< Of the paired scores, `low` to `high` at 95 %.
  double p_worse = 1;
  std::optional<double> invariance;  ///< Share of items whose pass is as it was.
};

struct EvalResult {
  std::string suite, dataset_version, fingerprint;
  /// Of a run without a target, whose dataset holds the answers too; empty: there was one.
  std::string questions_version;
  std::string judge;  ///< Identity; empty: there was none.
  std::vector<MetricResult> metrics;
  std::vector<ItemResult> items;
  std::vector<RobustnessResult> robustness;
  std::optional<json::Object> gate;  ///< As `gate_json` writes it.

  /// The number of the metric; nothing: there is none.
  std::optional<std::size_t> metric_named(std::string_view name) const;
};

inline constexpr std::string_view result_format = "slipway-eval-result/1";

/// Sorted keys, one metric and one item a line, a final line break.
std::string to_text(const EvalResult& result);
/// Members that are not known are passed over. Fails: invalid_argument, naming what is wrong.
Result<EvalResult> parse_result(std::string_view text);
/// Fails: as `parse_result` with the path in front, and as reading does.
Result<EvalResult> read_result(const std::filesystem::path& file);

}  // namespace slipway::eval
