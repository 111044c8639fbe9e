#include "eval/runner.hpp"

#include <algorithm>
#include <numeric>

#include "core/files.hpp"
#include "core/pool.hpp"
#include "eval/detail/aggregates.hpp"
#include "eval/detail/case_scores.hpp"
#include "eval/detail/journal.hpp"

namespace slipway::eval {

namespace {

using detail::CaseScores;
using detail::Journal;

/// Everything that cases write to; each case its own places, but for what the mutex guards.
class Run {
 public:
  Run(const RunParts& parts, const RunOptions& options)
      : parts_(parts), options_(options), journal_(options.journal, name()) {
    const std::size_t items = parts.goldens.size();
    scores_.resize(passes(), std::vector<std::vector<ItemScore>>(items));
    done_.resize(passes() * items);
    details_.by_item.resize(with_details() ? items : 0);
  }

  std::size_t passes() const { return 1 + parts_.perturbations.size(); }
  bool with_details() const { return options_.details_bytes_max > 0; }

  void resume() {
    journal_.read(parts_.suite.metrics.size(), [&](std::size_t number, CaseScores scores) {
      if (number >= done_.size() || done_[number]) return;
      take(number, std::move(scores));
      ++resumed_;
    });
  }

  Result<void> score_all(const Context& context) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < done_.size(); ++i)
      if (!done_[i]) open.push_back(i);
    std::size_t finished = done_.size() - open.size();
    const std::size_t threads = options_.threads > 0 ? options_.threads : core_count();
    const auto ended =
        parallel_for(context, open.size(), threads, [&](std::size_t i) -> Result<void> {
          const std::size_t items = parts_.goldens.size();
          const std::size_t pass = open[i] / items;
          CaseScores scores = TRY(detail::score_case(
              context, parts_,
              {.item = open[i] % items,
               .perturbation = pass > 0 ? &parts_.perturbations[pass - 1] : nullptr,
               .with_details = with_details()}));
          // What waited for money is no result: the next run asks again.
          const auto kept = scores.budget_spent ? Result<void>() : journal_.add(open[i], scores);
          const std::lock_guard lock(mutex_);
          if (!kept) ++errors_[kept.error().message()];
          take(open[i], std::move(scores));
          if (options_.on_progress) options_.on_progress(++finished, done_.size());
          return {};
        });
    if (!ended) {
      const auto kept = journal_.keep();
      return kept ? ended : kept;
    }
    if (!budget_spent_) journal_.remove();
    return journal_.keep();
  }

  RunOutcome finish() {
    RunOutcome outcome;
    EvalResult& result = outcome.result;
    result.suite = parts_.suite.name;
    result.dataset_version = parts_.goldens.version();
    if (!parts_.target) result.questions_version = parts_.goldens.questions_version();
    result.fingerprint = fingerprint_of(parts_);
    result.judge = parts_.judge;
    result.items.reserve(parts_.goldens.size());
    for (std::size_t i = 0; i < parts_.goldens.size(); ++i) {
      const Golden golden = parts_.goldens.at(i);
      result.items.push_back({.id = golden.id,
                              .cluster = detail::cluster_of(parts_.suite, golden),
                              .severity = golden.severity(),
                              .scores = std::move(scores_[0][i])});
    }
    detail::aggregate(parts_, result);
    scores_.erase(scores_.begin());
    result.robustness = detail::compare_perturbed(parts_, result, scores_);
    sort_by_id(outcome);
    outcome.resumed = resumed_;
    outcome.budget_spent = budget_spent_;
    for (const auto& [message, count] : errors_)
      outcome.notes.push_back(count == 1 ? message : fmt::format("{} ({} times)", message, count));
    return outcome;
  }

 private:
  /// Of the journal: what would make another result.
  std::string name() const {
    return sha256(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", fingerprint_of(parts_),
                              parts_.goldens.version(),
                              parts_.target ? parts_.target->identity() : "", parts_.judge,
                              parts_.suite.repeats, fmt::join(parts_.suite.robustness, ","),
                              parts_.suite.seed, with_details() ? "with details" : ""));
  }

  /// The order of the dataset says nothing.
  void sort_by_id(RunOutcome& outcome) {
    std::vector<ItemResult>& items = outcome.result.items;
    std::vector<std::uint32_t> order(items.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return items[a].id < items[b].id; });
    std::vector<ItemResult> sorted;
    sorted.reserve(items.size());
    outcome.details.left_out = details_.left_out;
    for (const std::uint32_t i : order) {
      sorted.push_back(std::move(items[i]));
      if (with_details()) outcome.details.by_item.push_back(std::move(details_.by_item[i]));
    }
    items = std::move(sorted);
  }

  void take(std::size_t number, CaseScores scores) {
    const std::size_t items = parts_.goldens.size();
    done_[number] = true;
    budget_spent_ |= scores.budget_spent;
    constexpr std::size_t kinds_max = 20;
    for (const std::string& error : scores.errors)
      if (errors_.size() < kinds_max || errors_.contains(error)) ++errors_[error];
    const bool failing =
        std::any_of(scores.scores.begin(), scores.scores.end(),
                    [](const ItemScore& score) { return !score.is_scored() || score.fails(); });
    if (number < items && with_details()) keep_details(number, std::move(scores.details), failing);
    scores_[number / items][number % items] = std::move(scores.scores);
  }

  /// Half of the room is for those that pass.
  void keep_details(std::size_t item, std::string details, bool failing) {
    std::size_t& bytes = failing ? failing_bytes_ : passing_bytes_;
    if (bytes + details.size() > options_.details_bytes_max / 2) {
      ++details_.left_out;
      return;
    }
    bytes += details.size();
    details_.by_item[item] = std::move(details);
  }

  const RunParts& parts_;
  const RunOptions& options_;
  Journal journal_;
  std::mutex mutex_;  // Guards what follows, but for the scores of another case.
  std::vector<std::vector<std::vector<ItemScore>>> scores_;  ///< By pass and item.
  std::vector<bool> done_;
  Details details_;
  std::size_t failing_bytes_ = 0, passing_bytes_ = 0, resumed_ = 0;
  std::map<std::string, std::size_t> errors_;
  bool budget_spent_ = false;
};

}  // namespace

Result<RunOutcome> run_suite(const Context& context, const RunParts& parts,
                             const RunOptions& options) {
  SLIPWAY_ASSERT(parts.metrics.size() == static_cast<std::size_t>(parts.suite.repeats));
  Run run(parts, options);
  run.resume();
  TRY(run.score_all(context));
  return run.finish();
}

std::string fingerprint_of(const RunParts& parts) {
  json::Array metrics;
  for (std::size_t i = 0; i < parts.suite.metrics.size(); ++i) {
    const MetricSpec& spec = parts.suite.metrics[i].spec;
    metrics.push_back(json::Object{{"name", spec.name},
                                   {"as", spec.label()},
                                   {"mode", json::name(parts.metrics.front()[i]->mode())},
                                   {"options", spec.options},
                                   {"threshold", json::to(spec.threshold)},
                                   {"strict_mode", spec.strict_mode}});
  }
  const json::Object all{{"metrics", std::move(metrics)},
                         {"evidence", parts.evidence},
                         {"repeats", parts.suite.repeats}};
  return sha256(json::dump_canonical(all));
}

bool is_quantity(std::string_view metric) {
  return metric == "latency" || metric == "cost_per_query";
}

double margin_of(const MetricResult& candidate, const MetricResult& baseline) {
  constexpr double usual = 0.05;
  if (candidate.margin) return *candidate.margin;
  const bool quantity = !candidate.percentiles.empty();
  const double relative = usual * baseline.mean.value_or(0);
  return quantity && relative > 0 ? relative : usual;
}

}  // namespace slipway::eval
