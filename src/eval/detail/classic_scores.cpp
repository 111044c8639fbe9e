// Statistics of scores and of numbers. Of drawn rows only how often each was drawn counts, so that
// what needs an order is sorted once.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "eval/detail/classic_parts.hpp"

namespace slipway::eval::detail {

namespace {

/// Rows from the highest score down, those of equal scores together.
struct Ranked {
  std::vector<std::uint32_t> order;
  std::vector<std::uint32_t> ends;  ///< Of runs of equal scores, in `order`.
};

Ranked ranked(const std::vector<double>& scores) {
  Ranked by_score;
  by_score.order.resize(scores.size());
  std::iota(by_score.order.begin(), by_score.order.end(), 0u);
  std::sort(by_score.order.begin(), by_score.order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  for (std::uint32_t i = 1; i <= by_score.order.size(); ++i)
    if (i == by_score.order.size() || scores[by_score.order[i]] != scores[by_score.order[i - 1]])
      by_score.ends.push_back(i);
  return by_score;
}

std::vector<double> times_drawn(std::size_t rows, Items items) {
  std::vector<double> times(rows);
  for (const std::uint32_t row : items) ++times[row];
  return times;
}

/// Positives and others of each run, from the highest score down.
template <typename Take>
void walk(const Ranked& by_score, const std::vector<bool>& is_positive, Items items, Take take) {
  const std::vector<double> times = times_drawn(is_positive.size(), items);
  std::uint32_t at = 0;
  for (const std::uint32_t end : by_score.ends) {
    double positives = 0, others = 0;
    for (; at < end; ++at) {
      const std::uint32_t row = by_score.order[at];
      (is_positive[row] ? positives : others) += times[row];
    }
    take(positives, others);
  }
}

std::optional<double> roc_auc(const Ranked& by_score, const std::vector<bool>& is_positive,
                              Items items) {
  double positives = 0, others = 0, area = 0;
  walk(by_score, is_positive, items, [&](double p, double o) {
    area += o * (positives + p / 2);
    positives += p;
    others += o;
  });
  if (positives == 0 || others == 0) return std::nullopt;
  return area / (positives * others);
}

std::optional<double> pr_auc(const Ranked& by_score, const std::vector<bool>& is_positive,
                             Items items) {
  double positives = 0, all = 0, area = 0;
  walk(by_score, is_positive, items, [&](double p, double o) {
    positives += p;
    all += p + o;
    if (p > 0) area += p * positives / all;
  });
  if (positives == 0) return std::nullopt;
  return area / positives;
}

using Column = std::shared_ptr<const std::vector<double>>;

std::optional<double> mean(const std::vector<double>& column, Items items) {
  if (items.empty()) return std::nullopt;
  double sum = 0;
  for (const std::uint32_t row : items) sum += column[row];
  return sum / static_cast<double>(items.size());
}

/// The mean of something of each row.
template <typename OfRow>
Statistic mean_of(std::size_t rows, OfRow of_row) {
  auto column = std::make_shared<std::vector<double>>(rows);
  for (std::size_t row = 0; row < rows; ++row) (*column)[row] = of_row(row);
  return [column](Items items) { return mean(*column, items); };
}

std::size_t bin_of(double score, std::size_t bins) {
  const auto bin = static_cast<std::size_t>(score * static_cast<double>(bins));
  return std::min(bin, bins - 1);
}

struct Bin {
  double n = 0, scores = 0, positives = 0;
};

std::vector<Bin> binned(const std::vector<bool>& is_positive, const std::vector<double>& scores,
                        std::size_t bins, Items items) {
  std::vector<Bin> all(bins);
  for (const std::uint32_t row : items) {
    Bin& bin = all[bin_of(scores[row], bins)];
    ++bin.n;
    bin.scores += scores[row];
    bin.positives += is_positive[row];
  }
  return all;
}

std::optional<double> r_squared(const std::vector<double>& labels,
                                const std::vector<double>& predictions, Items items) {
  const auto middle = mean(labels, items);
  if (!middle) return std::nullopt;
  double left = 0, all = 0;
  for (const std::uint32_t row : items) {
    left += (labels[row] - predictions[row]) * (labels[row] - predictions[row]);
    all += (labels[row] - *middle) * (labels[row] - *middle);
  }
  if (all == 0) return std::nullopt;
  return 1 - left / all;
}

}  // namespace

std::vector<NamedStatistic> score_statistics(const std::vector<bool>& is_positive,
                                             const std::vector<double>& scores, std::size_t bins) {
  const auto by_score = std::make_shared<const Ranked>(ranked(scores));
  const auto loss = [&](std::size_t row) {
    constexpr double least = std::numeric_limits<double>::epsilon();
    const double score = std::clamp(scores[row], least, 1 - least);
    return is_positive[row] ? -std::log(score) : -std::log1p(-score);
  };
  const auto square = [&](std::size_t row) {
    const double miss = scores[row] - (is_positive[row] ? 1 : 0);
    return miss * miss;
  };
  return {{"roc_auc",
           [by_score, &is_positive](Items items) { return roc_auc(*by_score, is_positive, items); },
           "labels are of one class"},
          {"pr_auc",
           [by_score, &is_positive](Items items) { return pr_auc(*by_score, is_positive, items); },
           "no label is positive"},
          {"log_loss", mean_of(scores.size(), loss), ""},
          {"brier_score", mean_of(scores.size(), square), ""},
          {"expected_calibration_error",
           [&is_positive, &scores, bins](Items items) -> std::optional<double> {
             if (items.empty()) return std::nullopt;
             double error = 0;
             for (const Bin& bin : binned(is_positive, scores, bins, items))
               error += std::fabs(bin.scores - bin.positives);
             return error / static_cast<double>(items.size());
           },
           ""}};
}

std::vector<CalibrationBin> calibration_bins(const std::vector<bool>& is_positive,
                                             const std::vector<double>& scores, std::size_t bins) {
  std::vector<std::uint32_t> rows(scores.size());
  std::iota(rows.begin(), rows.end(), 0u);
  std::vector<CalibrationBin> report;
  for (const Bin& bin : binned(is_positive, scores, bins, rows)) {
    const double width = 1 / static_cast<double>(bins);
    const double low = static_cast<double>(report.size()) * width;
    report.push_back({.low = low,
                      .high = low + width,
                      .n = static_cast<std::size_t>(bin.n),
                      .mean_score = {},
                      .rate = {}});
    if (bin.n == 0) continue;
    report.back().mean_score = bin.scores / bin.n;
    report.back().rate = bin.positives / bin.n;
  }
  return report;
}

std::vector<NamedStatistic> number_statistics(const std::vector<double>& labels,
                                              const std::vector<double>& predictions) {
  const std::size_t n = labels.size();
  const auto miss = [&](std::size_t row) { return std::fabs(labels[row] - predictions[row]); };
  const auto square = [&](std::size_t row) { return miss(row) * miss(row); };
  const Statistic squares = mean_of(n, square);
  const bool has_zero = std::find(labels.begin(), labels.end(), 0.0) != labels.end();
  const auto no_value = [](Items) -> std::optional<double> { return std::nullopt; };
  const auto share = [&](std::size_t row) { return miss(row) / std::fabs(labels[row]); };
  return {
      {"mean_absolute_error", mean_of(n, miss), ""},
      {"mean_squared_error", squares, ""},
      {"root_mean_squared_error",
       [squares](Items items) -> std::optional<double> {
         const auto value = squares(items);
         return value ? std::optional(std::sqrt(*value)) : std::nullopt;
       },
       ""},
      {"r2", [&labels, &predictions](Items items) { return r_squared(labels, predictions, items); },
       "all labels are equal"},
      {"mean_absolute_percentage_error", has_zero ? Statistic(no_value) : mean_of(n, share),
       "a label is 0"}};
}

}  // namespace slipway::eval::detail
