#include "eval/audit.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace slipway::eval {

namespace {

/// What is known of one item, as numbers.
struct Item {
  std::optional<int> human;
  int judge = 0;
  double score = 0;
};

/// Everything that figures are made of: items with a judge, and their clusters.
struct Data {
  std::vector<Item> items;
  std::vector<std::uint32_t> clusters;  ///< Empty: each item its own.
  const AuditOptions& options;
};

using Numbers = std::span<const std::uint32_t>;

/// Clusters of the items that are left, without gaps.
std::vector<std::uint32_t> renumbered(const std::vector<std::uint32_t>& clusters) {
  std::vector<std::string> names;
  for (const std::uint32_t cluster : clusters) names.push_back(std::to_string(cluster));
  return number_clusters(names);
}

/// A share with its interval: of the items for which `member` says 0 or 1.
Figure share_of(const Data& data, const std::function<std::optional<int>(const Item&)>& member,
                const std::string& reason) {
  Sample sample;
  for (std::size_t i = 0; i < data.items.size(); ++i)
    if (const auto value = member(data.items[i])) {
      sample.values.push_back(*value);
      if (!data.clusters.empty()) sample.clusters.push_back(data.clusters[i]);
    }
  Figure figure{.n = sample.values.size()};
  if (sample.values.empty()) {
    figure.reason = reason;
    return figure;
  }
  sample.clusters = renumbered(sample.clusters);
  const Interval interval = interval_of(sample, data.options.resampling);
  figure.value = interval.mean;
  figure.low = interval.low;
  figure.high = interval.high;
  figure.method = interval.method;
  for (auto* bound : {&figure.low, &figure.high})
    if (*bound) *bound = std::clamp(**bound, 0.0, 1.0);
  return figure;
}

/// Any statistic of the items with a bootstrap interval.
Figure bootstrapped(const Data& data, const Statistic& statistic, std::size_t n,
                    const std::string& reason) {
  Figure figure{.n = n};
  std::vector<std::uint32_t> all(data.items.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  figure.value = statistic(all);
  if (!figure.value) {
    figure.reason = reason;
    return figure;
  }
  if (const auto interval = bootstrap_interval(data.items.size(), data.clusters,
                                               data.options.resampling, statistic)) {
    figure.low = interval->first;
    figure.high = interval->second;
    figure.method = "percentile_bootstrap";
  }
  return figure;
}

std::optional<double> kappa_of(const Data& data, Numbers numbers) {
  std::vector<int> human, judge;
  for (const std::uint32_t i : numbers)
    if (data.items[i].human) {
      human.push_back(*data.items[i].human);
      judge.push_back(data.items[i].judge);
    }
  return human.empty() ? std::nullopt : cohen_kappa(human, judge).kappa;
}

std::optional<double> auc_of(const Data& data, Numbers numbers) {
  std::vector<int> human;
  std::vector<double> scores;
  for (const std::uint32_t i : numbers)
    if (data.items[i].human) {
      human.push_back(*data.items[i].human);
      scores.push_back(data.items[i].score);
    }
  return human.empty() ? std::nullopt : auc(human, scores);
}

/// The pass rate of the lines without human, if there are any, corrected by those with one.
std::optional<double> corrected_of(const Data& data, Numbers numbers, bool has_unlabelled) {
  double yes = 0, no = 0, true_yes = 0, true_no = 0, passed = 0, seen = 0;
  for (const std::uint32_t i : numbers) {
    const Item& item = data.items[i];
    if (item.human) {
      (*item.human == 1 ? yes : no) += 1;
      if (*item.human == item.judge) (*item.human == 1 ? true_yes : true_no) += 1;
    }
    if (has_unlabelled && item.human) continue;
    ++seen;
    passed += item.judge;
  }
  if (yes == 0 || no == 0 || seen == 0) return std::nullopt;
  return rogan_gladen(passed / seen, true_yes / yes, true_no / no);
}

Data data_of(const std::vector<AuditLabel>& labels, const AuditOptions& options) {
  Data data{.items = {}, .clusters = {}, .options = options};
  std::vector<std::string> names;
  bool has_clusters = false;
  for (const AuditLabel& label : labels) {
    if (!label.judge) continue;
    Item item{.human = {}, .judge = *label.judge >= options.threshold, .score = *label.judge};
    if (label.human) item.human = *label.human ? 1 : 0;
    data.items.push_back(item);
    names.push_back(label.cluster);
    has_clusters = has_clusters || !label.cluster.empty();
  }
  if (has_clusters) data.clusters = number_clusters(names);
  return data;
}

Figure swap_flips(const std::vector<AuditLabel>& labels, const AuditOptions& options) {
  Sample sample;
  for (const AuditLabel& label : labels)
    if (label.judge && label.swapped)
      sample.values.push_back((*label.judge >= options.threshold) !=
                              (*label.swapped >= options.threshold));
  if (sample.values.empty()) return {.reason = "no line has 'swapped'"};
  const Interval interval = interval_of(sample, options.resampling);
  return {interval.mean, interval.low, interval.high, interval.method, interval.n, ""};
}

/// Verdict and repeats of an item are the n; the first one counts too.
Figure repeat_flips(const std::vector<AuditLabel>& labels, const AuditOptions& options) {
  Sample sample;
  for (const AuditLabel& label : labels) {
    if (!label.judge || label.repeats.empty()) continue;
    const double n = static_cast<double>(label.repeats.size());
    const auto passed = static_cast<double>(
        std::count_if(label.repeats.begin(), label.repeats.end(),
                      [&](double repeat) { return repeat >= options.threshold; }));
    sample.values.push_back(1 - std::max(passed, n - passed) / n);
  }
  if (sample.values.empty()) return {.reason = "no line has 'repeats'"};
  const Interval interval = interval_of(sample, options.resampling);
  Figure figure{interval.mean, interval.low, interval.high, interval.method, interval.n, ""};
  if (figure.low) figure.low = std::max(0.0, *figure.low);
  return figure;
}

Figure length_bias(const std::vector<AuditLabel>& labels, const AuditOptions& options) {
  std::vector<double> lengths, differences;
  for (const AuditLabel& label : labels)
    if (label.judge && label.human && label.length) {
      lengths.push_back(*label.length);
      differences.push_back((*label.judge >= options.threshold ? 1 : 0) - (*label.human ? 1 : 0));
    }
  Figure figure{.n = lengths.size()};
  if (lengths.empty()) {
    figure.reason = "no line has 'length'";
    return figure;
  }
  const Statistic statistic = [&](Numbers numbers) {
    std::vector<double> x, y;
    for (const std::uint32_t i : numbers) {
      x.push_back(lengths[i]);
      y.push_back(differences[i]);
    }
    return correlation(x, y);
  };
  std::vector<std::uint32_t> all(lengths.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  figure.value = statistic(all);
  if (!figure.value) {
    figure.reason = "lengths or differences do not vary";
    return figure;
  }
  if (const auto interval = bootstrap_interval(lengths.size(), {}, options.resampling, statistic)) {
    figure.low = interval->first;
    figure.high = interval->second;
    figure.method = "percentile_bootstrap";
  }
  return figure;
}

Figure corrected_figure(const Data& data, const Audit& audit) {
  const bool has_unlabelled = audit.unlabelled > 0;
  const std::size_t n = has_unlabelled ? audit.unlabelled : audit.labels;
  std::string reason = "people never say yes, or never no";
  if (audit.tpr.value && audit.tnr.value)
    reason = fmt::format("TPR + TNR is {:.2f}: a judge at or below 1 says nothing",
                         *audit.tpr.value + *audit.tnr.value);
  return bootstrapped(
      data, [&](Numbers numbers) { return corrected_of(data, numbers, has_unlabelled); }, n,
      reason);
}

}  // namespace

Result<Audit> audit(const std::vector<AuditLabel>& labels, const AuditOptions& options) {
  std::set<std::string_view> ids;
  for (const AuditLabel& label : labels)
    if (!ids.insert(label.id).second)
      return fail(Code::invalid_argument, "the id '{}' stands twice; each item has one line",
                  label.id);
  const Data data = data_of(labels, options);
  Audit result{.threshold = options.threshold};
  for (const Item& item : data.items) ++(item.human ? result.labels : result.unlabelled);
  if (result.labels == 0)
    return fail(Code::invalid_argument,
                "no line has both 'human' and 'judge': there is nothing to compare");
  result.clusters =
      data.clusters.empty()
          ? data.items.size()
          : std::size_t{1} + *std::max_element(data.clusters.begin(), data.clusters.end());
  const auto agrees = [](const Item& item) -> std::optional<int> {
    return item.human ? std::optional<int>(*item.human == item.judge) : std::nullopt;
  };
  const auto agrees_on = [&](int said) {
    return [=](const Item& item) -> std::optional<int> {
      return item.human == said ? std::optional<int>(item.judge == said) : std::nullopt;
    };
  };
  result.base_rate = share_of(
      data, [](const Item& item) { return item.human; }, "");
  result.judge_pass_rate = share_of(
      data, [](const Item& item) { return std::optional<int>(item.judge); }, "");
  result.agreement = share_of(data, agrees, "");
  result.tpr = share_of(data, agrees_on(1), "people never say yes");
  result.tnr = share_of(data, agrees_on(0), "people never say no");
  result.kappa = bootstrapped(
      data, [&](Numbers numbers) { return kappa_of(data, numbers); }, result.labels,
      "both always say the same");
  const bool has_scores = std::any_of(data.items.begin(), data.items.end(), [](const Item& item) {
    return item.score != 0 && item.score != 1;
  });
  result.auc = has_scores ? bootstrapped(
                                data, [&](Numbers numbers) { return auc_of(data, numbers); },
                                result.labels, "people say only yes, or only no")
                          : Figure{.reason = "the judge gives no scores"};
  result.swap_flip_rate = swap_flips(labels, options);
  result.repeat_flip_rate = repeat_flips(labels, options);
  result.length_bias = length_bias(labels, options);
  result.corrected_pass_rate = corrected_figure(data, result);
  return result;
}

}  // namespace slipway::eval
