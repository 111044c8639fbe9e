// One case being scored: what a metric may look at, and how it asks.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "eval/detail/replies.hpp"
#include "eval/local_evidence.hpp"
#include "eval/metric.hpp"

namespace slipway::eval {

/// What a metric was told once, the same for every case. Options are checked.
struct Settings {
  MetricSpec spec;
  Mode mode = Mode::native;
  Scorers scorers;
};

/// Of one case and one thread.
class Case {
 public:
  Case(const Context& context, const Golden& golden, const Settings& settings)
      : context_(context), golden_(golden), settings_(settings) {}

  const Context& context() const { return context_; }
  const Golden& golden() const { return golden_; }
  const Settings& settings() const { return settings_; }
  Mode mode() const { return settings_.mode; }

  const std::string& input() const { return golden_.input; }
  /// Of what the metric's `needs` name: they are there.
  const std::string& output() const { return *golden_.actual_output; }
  const std::string& expected() const { return *golden_.expected_output; }
  /// The retrieval context, else the context; empty if there is neither.
  const std::vector<std::string>& passages() const;

  double number(std::string_view option, double fallback) const;
  std::size_t whole(std::string_view option, std::size_t fallback) const;
  bool flag(std::string_view option) const;
  std::string text(std::string_view option, std::string_view fallback) const;
  std::vector<std::string> texts(std::string_view option) const;
  std::pair<double, double> pair(std::string_view option, std::pair<double, double> fallback) const;

  /// Values of a question; nothing where the judge does not read them.
  using Named = std::initializer_list<std::pair<boost::json::string_view, boost::json::value_ref>>;
  json::Object values(Named named) const {
    return reads_values() ? json::Object(named) : json::Object();
  }
  json::Array list(const std::vector<std::string>& texts) const;
  json::Object shown_golden() const;

  /// Only in judged and local modes.
  const LocalEvidence& local() const { return *settings_.scorers.local; }

  /// What was made of a reply. Fails: invalid_argument if it cannot be read.
  using Reader = std::function<Result<void>(const json::Object& reply, const JudgeReply& raw)>;
  /// Asks the next question of that step, and once more if the reply cannot be read. Fails: as the
  /// judge does, and invalid_argument if both replies cannot be read; the message names step and
  /// metric.
  Result<void> ask(std::string_view step, json::Object values, const Reader& reader);
  /// The same for a step whose reply no formula uses: a judge that only knows what was written down
  /// (not_found) need not have one.
  Result<void> ask_unused(std::string_view step, json::Object values, const Reader& reader);
  Result<void> ask_with_logprobs(std::string_view step, json::Object values, const Reader& reader);
  Result<bool> entails(std::size_t sentence, const std::vector<int>& citations,
                       json::Object values);
  Result<std::vector<double>> embed(std::string_view text);

  std::vector<std::string> take_calls() { return std::move(calls_); }

 private:
  bool reads_values() const {
    return settings_.scorers.judge && settings_.scorers.judge->reads_values();
  }
  Question question(std::string_view step, json::Object values) const;
  Result<void> ask(Question question, const Reader& reader);

  const Context& context_;
  const Golden& golden_;
  const Settings& settings_;
  std::map<std::string, std::size_t, std::less<>> asked_;  ///< By step.
  std::vector<std::string> calls_;
};

/// What a metric does with a case. A case that cannot be scored has a reason and no value.
using ScoreFunction = Result<Score> (*)(Case& at);

Score no_score(std::string reason);
Score scored(double value, std::string reason = "");
/// passed/all, or no score with that reason.
Score share(double passed, double all, std::string_view empty_reason);

/// Where `text` stands in the output; no span if it does not.
void locate(ScoredItem& item, std::string_view output);
/// One item per verdict: its own statement, else that of its place, else of its number.
std::vector<ScoredItem> items_of(const std::vector<JudgeVerdict>& verdicts,
                                 const std::vector<std::string>& statements,
                                 std::string_view output);

/// Empty if their lengths differ or one is zero.
std::optional<double> cosine(const std::vector<double>& a, const std::vector<double>& b);
/// (1 + beta^2) P R / (beta^2 P + R); 0 where it cannot be given, as ragas 0.4.3
/// (metrics/utils.py:fbeta_score).
double f_beta(double true_positives, double false_positives, double false_negatives, double beta);
/// The same of precision and recall.
double f_beta_of(double precision, double recall, double beta);

}  // namespace slipway::eval
