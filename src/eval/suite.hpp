// Suites: what is measured, by what, against which bounds. Written in YAML, or sent as JSON.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "eval/metric.hpp"
#include "eval/target.hpp"

namespace slipway::eval {

/// What may be spent on judges; what is absent is not limited.
struct BudgetSpec {
  std::optional<double> usd;
  std::optional<std::int64_t> calls;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(BudgetSpec, (), (usd, calls))

/// `judge:` of a suite: a model, or `provider: scripted` with its replies.
struct JudgeSpec {
  std::string model;
  std::string provider;  ///< Empty: of the model; "scripted".
  std::string replies;   ///< A JSONL file, relative to the suite.
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::optional<int> max_tokens;
  std::string prompts;        ///< A folder of prompts instead of our own, relative to the suite.
  std::optional<bool> cache;  ///< Absent: yes.
  std::string embedder;       ///< For metrics that compare by meaning; empty: the default.
  std::optional<BudgetSpec> budget;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(JudgeSpec, (),
                      (model, provider, replies, temperature, seed, max_tokens, prompts, cache,
                       embedder, budget))

/// What a suite asks of one metric beside how it is computed.
struct MetricBounds {
  std::optional<double> margin;         ///< What may be lost against the baseline; see `margin_of`.
  std::optional<double> min_pass_rate;  ///< 0..1: the share of items that must pass.
  bool per_item = false;                ///< Every item must pass.
};
struct SuiteMetric {
  MetricSpec spec;
  MetricBounds bounds;
  int line = 0;  ///< In the suite's file; 0: it has none.
};

/// What happens with a verdict that says neither good nor bad.
enum class Inconclusive { pass, fail };
BOOST_DESCRIBE_ENUM(Inconclusive, pass, fail)

struct Suite {
  std::string name;
  std::string dataset;              ///< A file relative to the suite, or NAME@version.
  std::vector<std::string> splits;  ///< Only goldens in one of them; empty: all.
  /// The key of a golden's metadata that says which items belong together; absent: `document`, then
  /// `conversation`.
  std::optional<std::string> cluster;
  std::optional<TargetSpec> target;  ///< Absent: the goldens hold their outputs.
  std::optional<JudgeSpec> judge;
  std::optional<BudgetSpec> budget;
  /// By which local forms compare meanings; "none": by words alone; absent: the default one, where
  /// it is installed.
  std::optional<std::string> embedder;
  int repeats = 1;        ///< 1..100
  bool per_item = false;  ///< Every item must pass every metric.
  std::vector<SuiteMetric> metrics;
  std::vector<std::string> robustness;  ///< Perturbations, each of the whole set.
  std::optional<json::Object> sweep;    ///< `SweepSpec`: for `slipway eval sweep` alone.
  std::string baseline;                 ///< A result file.
  Inconclusive inconclusive = Inconclusive::pass;
  double alpha = 0.05;
  double confidence = 0.95;
  std::uint64_t seed = 1;  ///< Of everything that is drawn.
  std::size_t resamples = 2000;

  std::filesystem::path file;  ///< Where it was read; empty: it came as JSON.
  /// `path` as it stands in the suite: relative to its file.
  std::filesystem::path resolve(std::string_view path) const;
};

/// Fails: invalid_argument ("line 7: $.metrics[0].margni: unknown key; did you mean 'margin'?").
/// Options of a metric are not looked at here; `make_metric` knows them.
Result<Suite> parse_suite(std::string_view yaml, std::filesystem::path file = {});
/// The same of JSON.
Result<Suite> parse_suite(const json::Value& value);
/// Fails: as `parse_suite`, and as reading a file does.
Result<Suite> read_suite(const std::filesystem::path& file);

}  // namespace slipway::eval
