// Classic machine learning: predictions beside labels, with error bars, and fairness by group.
//
// Classification (scikit-learn 1.9.1 of the same names): accuracy; precision, recall and F1 of the
// positive class (two classes), macro, micro and weighted (a class without predictions or labels
// counts 0 there); with scores of the positive class in 0..1 ROC AUC, PR AUC (average precision),
// log loss (scores kept 2.2e-16 from 0 and 1), Brier score; expected calibration error over equal
// bins: sum n_b/n |mean score - rate|. Regression: MAE, MSE, RMSE, R2, MAPE.
// Fairness (fairlearn 0.15.0, between groups): selection rate, true and false positive rate of each
// group; demographic parity difference max - min and ratio min / max of selection rates; equalized
// odds difference and ratio, the worse of both rates; equal opportunity difference of the true
// positive rate.
// Intervals are percentile bootstraps over rows, or whole clusters of them; of a group's rates
// those of `interval_of`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

enum class ClassicTask { classification, regression };
BOOST_DESCRIBE_ENUM(ClassicTask, classification, regression)

/// One entry a row; empty columns are absent. Labels are there, and predictions or scores.
struct ClassicRows {
  std::vector<std::string> labels, predictions;
  std::vector<double> scores;  ///< Of the positive class; finite.
  std::vector<std::string> groups, clusters;
};

struct ClassicOptions {
  std::optional<ClassicTask> task;  ///< Absent: regression if a label is a number with a fraction,
                                    ///< or there are more than 20 different numbers.
  /// Of two classes; empty: "1", "true", "yes" or "positive" if there is such a one, else the
  /// greater.
  std::string positive;
  double score_threshold = 0.5;  ///< Without predictions: positive where the score is at least it.
  std::size_t bins = 10;         ///< Of calibration; 1..1000
  Resampling resampling;
};

/// A value with its interval; absent: it cannot be given, and `reason` says why.
struct ClassicValue {
  std::string name;
  std::optional<double> value, low, high;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(ClassicValue, (), (name, value, low, high, reason))

struct ClassReport {
  std::string name;
  std::size_t labels = 0, predictions = 0;
  std::optional<double> precision, recall, f1;
};
BOOST_DESCRIBE_STRUCT(ClassReport, (), (name, labels, predictions, precision, recall, f1))

struct CalibrationBin {
  double low = 0, high = 0;
  std::size_t n = 0;
  std::optional<double> mean_score, rate;
};
BOOST_DESCRIBE_STRUCT(CalibrationBin, (), (low, high, n, mean_score, rate))

struct GroupReport {
  std::string name;
  std::size_t n = 0;
  std::vector<ClassicValue> values;  ///< accuracy, selection_rate, true and false positive rate.
};
BOOST_DESCRIBE_STRUCT(GroupReport, (), (name, n, values))

struct ClassicReport {
  ClassicTask task = ClassicTask::classification;
  std::size_t n = 0, clusters = 0;
  std::string positive;  ///< Empty: not two classes.
  std::vector<ClassicValue> metrics;
  std::vector<ClassReport> classes;
  std::vector<std::vector<std::size_t>> confusion;  ///< By label, then by prediction.
  std::vector<CalibrationBin> calibration;
  std::vector<GroupReport> groups;
  std::vector<ClassicValue> fairness;
};
BOOST_DESCRIBE_STRUCT(ClassicReport, (),
                      (task, n, clusters, positive, metrics, classes, confusion, calibration,
                       groups, fairness))

/// Fails: invalid_argument (no rows, columns of other lengths, what is no number, too many
/// classes), cancelled.
Result<ClassicReport> classic_report(const Context& context, const ClassicRows& rows,
                                     const ClassicOptions& options);

/// Which columns of a table are what; empty names are absent.
struct ClassicColumns {
  std::string label, prediction, score, group, cluster;
};
/// Of CSV (RFC 4180, the first line names the columns). Fails: invalid_argument with line and
/// column; for a column that there is not, with the nearest.
Result<ClassicRows> read_classic_rows(std::string_view csv, const ClassicColumns& columns);

}  // namespace slipway::eval
