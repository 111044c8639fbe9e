// Parts of a classic report: rows as numbers, and statistics of drawn rows.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/classic.hpp"

namespace slipway::eval::detail {

using Items = std::span<const std::uint32_t>;  ///< Numbers of rows, with repetitions.

/// A statistic by name, and why it may have no value.
struct NamedStatistic {
  std::string name;
  Statistic value;
  std::string reason;
};

/// Classes in the order of their names.
struct Classes {
  std::vector<std::string> names;
  std::vector<std::uint32_t> labels, predictions;  ///< By row.
  std::optional<std::uint32_t> positive;
};

/// Labels against predictions, counted.
class Confusion {
 public:
  Confusion(const Classes& classes, Items items);
  double cell(std::size_t label, std::size_t prediction) const {
    return cells_[label * classes_ + prediction];
  }
  double labelled(std::size_t name) const { return labelled_[name]; }
  double predicted(std::size_t name) const { return predicted_[name]; }
  double all() const { return all_; }
  std::size_t classes() const { return classes_; }
  /// Absent: divided by zero.
  std::optional<double> precision(std::size_t name) const;
  std::optional<double> recall(std::size_t name) const;
  std::optional<double> f1(std::size_t name) const;
  double right() const;

 private:
  std::size_t classes_;
  std::vector<double> cells_, labelled_, predicted_;
  double all_ = 0;
};

/// accuracy, precision, recall and F1 in all averages.
std::vector<NamedStatistic> class_statistics(const Classes& classes);
/// What needs scores: AUCs, log loss, Brier, calibration error. All outlive the statistics.
std::vector<NamedStatistic> score_statistics(const std::vector<bool>& is_positive,
                                             const std::vector<double>& scores, std::size_t bins);
std::vector<CalibrationBin> calibration_bins(const std::vector<bool>& is_positive,
                                             const std::vector<double>& scores, std::size_t bins);
std::vector<NamedStatistic> number_statistics(const std::vector<double>& labels,
                                              const std::vector<double>& predictions);

/// Groups in the order of their names.
struct Groups {
  std::vector<std::string> names;
  std::vector<std::uint32_t> of_row;
};
Groups groups_of(const std::vector<std::string>& names);
/// A value of each of some rows; of 0 and 1 a rate.
struct Outcome {
  std::string name;
  std::vector<std::uint32_t> rows;
  std::vector<double> values;  ///< Beside each row.
  std::string reason;          ///< Why there may be none.

  void add(std::uint32_t row, double value) {
    rows.push_back(row);
    values.push_back(value);
  }
};
/// accuracy, selection_rate, true_positive_rate, false_positive_rate of one group.
std::vector<Outcome> group_outcomes(const Classes& classes, const Groups& groups,
                                    std::uint32_t group);
/// mean_absolute_error of one group.
std::vector<Outcome> group_errors(const std::vector<double>& errors, const Groups& groups,
                                  std::uint32_t group);
/// Differences and ratios between groups.
std::vector<NamedStatistic> fairness_statistics(const Classes& classes, const Groups& groups);
std::vector<NamedStatistic> error_fairness_statistics(const std::vector<double>& errors,
                                                      const Groups& groups);

}  // namespace slipway::eval::detail
