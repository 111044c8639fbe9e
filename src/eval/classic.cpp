#include "eval/classic.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <set>

#include "core/ascii.hpp"
#include "core/pool.hpp"
#include "core/unicode.hpp"
#include "eval/detail/classic_parts.hpp"
#include "eval/detail/csv.hpp"

namespace slipway::eval {

namespace {

using detail::Classes;
using detail::Groups;
using detail::NamedStatistic;

constexpr std::size_t classes_max = 1000;
constexpr std::size_t groups_max = 1000;

std::optional<double> as_number(std::string_view text) {
  const std::string_view trimmed = unicode::trim(text);
  double number = 0;
  const auto read = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  const bool is_whole = read.ec == std::errc() && read.ptr == trimmed.data() + trimmed.size();
  if (trimmed.empty() || !is_whole || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// "1.0" is the class "1": other programs write whole numbers so.
std::string class_name(const std::string& text) {
  const std::string_view trimmed = unicode::trim(text);
  const std::size_t dot = trimmed.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == trimmed.size() ||
      trimmed.find_first_not_of('0', dot + 1) != std::string_view::npos ||
      !as_number(trimmed.substr(0, dot)))
    return std::string(trimmed);
  return std::string(trimmed.substr(0, dot));
}

ClassicTask task_of(const ClassicRows& rows) {
  constexpr std::size_t numbers_max = 20;
  std::set<double> numbers;
  bool has_fraction = false;
  for (const std::string& label : rows.labels) {
    const auto number = as_number(label);
    if (!number) return ClassicTask::classification;
    has_fraction = has_fraction || std::trunc(*number) != *number;
    if (numbers.size() <= numbers_max) numbers.insert(*number);
  }
  return has_fraction || numbers.size() > numbers_max ? ClassicTask::regression
                                                      : ClassicTask::classification;
}

Result<void> check_lengths(const ClassicRows& rows) {
  const std::size_t n = rows.labels.size();
  if (n == 0) return fail(Code::invalid_argument, "there are no rows");
  const auto fits = [n](std::size_t size) { return size == 0 || size == n; };
  if (!fits(rows.predictions.size()) || !fits(rows.scores.size()) || !fits(rows.groups.size()) ||
      !fits(rows.clusters.size()))
    return fail(Code::invalid_argument,
                "columns differ in length: {} labels, {} predictions, {} "
                "scores, {} groups, {} clusters",
                n, rows.predictions.size(), rows.scores.size(), rows.groups.size(),
                rows.clusters.size());
  if (rows.predictions.empty() && rows.scores.empty())
    return fail(Code::invalid_argument, "predictions or scores are needed beside the labels");
  return {};
}

/// "1", "true", ... or the greater of two names, numbers by value.
std::string default_positive(const std::vector<std::string>& names) {
  for (const std::string_view word : {"1", "true", "yes", "positive"})
    for (const std::string& name : names)
      if (ascii::lower(name) == word) return name;
  const auto first = as_number(names[0]), second = as_number(names[1]);
  return first && second && *first > *second ? names[0] : names[1];
}

Result<std::optional<std::string>> positive_of(const std::vector<std::string>& names,
                                               const std::string& wanted) {
  if (!wanted.empty()) {
    const std::string name = class_name(wanted);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return fail(Code::invalid_argument, "there is no class '{}'; there are: {}", name,
                  fmt::join(names, ", "));
    return std::optional(name);
  }
  constexpr std::size_t two = 2;
  if (names.size() != two) return std::optional<std::string>();
  return std::optional(default_positive(names));
}

std::vector<std::string> class_names(const std::vector<std::string>& labels,
                                     const std::vector<std::string>& predictions) {
  std::set<std::string> names;
  for (const std::string& label : labels) names.insert(class_name(label));
  for (const std::string& prediction : predictions) names.insert(class_name(prediction));
  return {names.begin(), names.end()};
}

Result<Classes> classes_of(const ClassicRows& rows, const ClassicOptions& options) {
  Classes classes;
  classes.names = class_names(rows.labels, rows.predictions);
  if (classes.names.size() > classes_max)
    return fail(Code::invalid_argument,
                "{} classes; at most {} are compared; for numbers choose the task regression",
                classes.names.size(), classes_max);
  const auto number = [&](const std::string& name) {
    const auto found =
        std::lower_bound(classes.names.begin(), classes.names.end(), class_name(name));
    return static_cast<std::uint32_t>(found - classes.names.begin());
  };
  for (const std::string& label : rows.labels) classes.labels.push_back(number(label));
  const auto positive = TRY(positive_of(classes.names, options.positive));
  if (positive) classes.positive = number(*positive);
  if (!rows.predictions.empty()) {
    for (const std::string& prediction : rows.predictions)
      classes.predictions.push_back(number(prediction));
    return classes;
  }
  constexpr std::size_t two = 2;
  if (!classes.positive || classes.names.size() != two)
    return fail(Code::invalid_argument,
                "scores alone say what is predicted only of two classes; labels have {}",
                classes.names.size());
  const std::uint32_t other = 1 - *classes.positive;
  for (const double score : rows.scores)
    classes.predictions.push_back(score >= options.score_threshold ? *classes.positive : other);
  return classes;
}

/// Values with their intervals, as many at once as there are cores.
Result<std::vector<ClassicValue>> values_of(const Context& context,
                                            const std::vector<NamedStatistic>& statistics,
                                            const std::vector<std::uint32_t>& clusters,
                                            std::pair<std::size_t, Resampling> how) {
  const auto& [n, resampling] = how;
  std::vector<std::uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0u);
  std::vector<ClassicValue> values(statistics.size());
  TRY(parallel_for(context, statistics.size(), core_count(), [&](std::size_t i) -> Result<void> {
    const NamedStatistic& statistic = statistics[i];
    ClassicValue& value = values[i];
    value.name = statistic.name;
    value.value = statistic.value(rows);
    if (!value.value) {
      value.reason = statistic.reason;
      return {};
    }
    const auto checked = [&](detail::Items items) -> std::optional<double> {
      return context.check().ok() ? statistic.value(items) : std::nullopt;
    };
    if (const auto interval = bootstrap_interval(n, clusters, resampling, checked)) {
      value.low = interval->first;
      value.high = interval->second;
    }
    return context.check();
  }));
  return values;
}

Result<void> check_scores(const std::vector<double>& scores) {
  for (std::size_t row = 0; row < scores.size(); ++row)
    if (!(scores[row] >= 0 && scores[row] <= 1))
      return fail(Code::invalid_argument,
                  "row {}: score {} is no probability of the positive class; give 0..1", row + 1,
                  scores[row]);
  return {};
}

std::vector<ClassReport> class_reports(const Classes& classes, const detail::Confusion& confusion) {
  std::vector<ClassReport> reports;
  for (std::size_t i = 0; i < classes.names.size(); ++i)
    reports.push_back({.name = classes.names[i],
                       .labels = static_cast<std::size_t>(confusion.labelled(i)),
                       .predictions = static_cast<std::size_t>(confusion.predicted(i)),
                       .precision = confusion.precision(i),
                       .recall = confusion.recall(i),
                       .f1 = confusion.f1(i)});
  return reports;
}

struct Work {
  const Context& context;
  const ClassicRows& rows;
  const ClassicOptions& options;
  std::vector<std::uint32_t> clusters;
  Groups groups;

  Result<std::vector<ClassicValue>> values(const std::vector<NamedStatistic>& statistics) const {
    return values_of(context, statistics, clusters, {rows.labels.size(), options.resampling});
  }

  /// The mean of an outcome with the interval that suits it: small groups are common.
  ClassicValue value(detail::Outcome outcome) const {
    ClassicValue value{.name = outcome.name, .value = {}, .low = {}, .high = {}, .reason = ""};
    if (outcome.values.empty()) {
      value.reason = outcome.reason;
      return value;
    }
    Sample sample{.values = std::move(outcome.values), .clusters = {}};
    if (!clusters.empty()) {
      std::vector<std::string> names;
      for (const std::uint32_t row : outcome.rows) names.push_back(std::to_string(clusters[row]));
      sample.clusters = number_clusters(names);
    }
    const Interval interval = interval_of(sample, options.resampling);
    value.value = interval.mean;
    value.low = interval.low;
    value.high = interval.high;
    return value;
  }

  GroupReport group(std::uint32_t number, std::vector<detail::Outcome> outcomes) const {
    GroupReport report{
        .name = groups.names[number], .n = outcomes.front().rows.size(), .values = {}};
    for (detail::Outcome& outcome : outcomes) report.values.push_back(value(std::move(outcome)));
    return report;
  }
};

Result<void> report_classes(const Work& work, ClassicReport& report) {
  const Classes classes = TRY(classes_of(work.rows, work.options));
  std::vector<NamedStatistic> statistics = detail::class_statistics(classes);
  std::vector<bool> is_positive;
  if (classes.positive) {
    report.positive = classes.names[*classes.positive];
    for (const std::uint32_t label : classes.labels)
      is_positive.push_back(label == *classes.positive);
  }
  const std::vector<double>& scores = work.rows.scores;
  if (!scores.empty()) {
    if (!classes.positive)
      return fail(Code::invalid_argument,
                  "scores are those of one class; name it with 'positive', or give no scores");
    TRY(check_scores(scores));
    for (NamedStatistic& each : detail::score_statistics(is_positive, scores, work.options.bins))
      statistics.push_back(std::move(each));
    report.calibration = detail::calibration_bins(is_positive, scores, work.options.bins);
  }
  report.metrics = TRY(work.values(statistics));
  std::vector<std::uint32_t> all(work.rows.labels.size());
  std::iota(all.begin(), all.end(), 0u);
  const detail::Confusion confusion(classes, all);
  report.classes = class_reports(classes, confusion);
  for (std::size_t label = 0; label < classes.names.size(); ++label) {
    report.confusion.emplace_back();
    for (std::size_t prediction = 0; prediction < classes.names.size(); ++prediction)
      report.confusion.back().push_back(
          static_cast<std::size_t>(confusion.cell(label, prediction)));
  }
  if (work.groups.names.empty()) return {};
  if (!classes.positive)
    return fail(Code::invalid_argument,
                "fairness is told of one class; name it with 'positive', or give no groups");
  for (std::uint32_t group = 0; group < work.groups.names.size(); ++group)
    report.groups.push_back(work.group(group, detail::group_outcomes(classes, work.groups, group)));
  report.fairness = TRY(work.values(detail::fairness_statistics(classes, work.groups)));
  return {};
}

Result<std::vector<double>> numbers_of(const std::vector<std::string>& texts,
                                       std::string_view what) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    const auto number = as_number(text);
    if (!number)
      return fail(Code::invalid_argument, "row {}: {} '{}' is not a number", numbers.size() + 1,
                  what, text);
    numbers.push_back(*number);
  }
  return numbers;
}

Result<void> report_numbers(const Work& work, ClassicReport& report) {
  if (work.rows.predictions.empty())
    return fail(Code::invalid_argument, "regression needs predictions");
  const auto labels = TRY(numbers_of(work.rows.labels, "label"));
  const auto predictions = TRY(numbers_of(work.rows.predictions, "prediction"));
  report.metrics = TRY(work.values(detail::number_statistics(labels, predictions)));
  std::vector<double> errors;
  for (std::size_t row = 0; row < labels.size(); ++row)
    errors.push_back(std::fabs(labels[row] - predictions[row]));
  for (std::uint32_t group = 0; group < work.groups.names.size(); ++group)
    report.groups.push_back(work.group(group, detail::group_errors(errors, work.groups, group)));
  if (!work.groups.names.empty())
    report.fairness = TRY(work.values(detail::error_fairness_statistics(errors, work.groups)));
  return {};
}

Result<std::optional<std::size_t>> column_number(const detail::Table& table,
                                                 const std::string& name) {
  if (name.empty()) return std::optional<std::size_t>();
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found != table.columns.end())
    return std::optional(static_cast<std::size_t>(found - table.columns.begin()));
  const std::vector<std::string_view> known(table.columns.begin(), table.columns.end());
  const std::string_view hint = json::nearest(name, known);
  return fail(Code::invalid_argument, "there is no column '{}'; {}", name,
              hint.empty() ? fmt::format("there are: {}", fmt::join(known, ", "))
                           : fmt::format("did you mean '{}'?", hint));
}

std::vector<std::string> texts_of(const detail::Table& table, std::optional<std::size_t> column) {
  std::vector<std::string> texts;
  if (!column) return texts;
  for (const auto& row : table.rows) texts.push_back(row[*column].text);
  return texts;
}

}  // namespace

Result<ClassicReport> classic_report(const Context& context, const ClassicRows& rows,
                                     const ClassicOptions& options) {
  TRY(check_lengths(rows));
  Work work{.context = context,
            .rows = rows,
            .options = options,
            .clusters = {},
            .groups = detail::groups_of(rows.groups)};
  if (!rows.clusters.empty()) work.clusters = number_clusters(rows.clusters);
  if (work.groups.names.size() > groups_max)
    return fail(Code::invalid_argument, "{} groups; at most {} are compared",
                work.groups.names.size(), groups_max);
  ClassicReport report;
  report.task = options.task.value_or(task_of(rows));
  report.n = rows.labels.size();
  report.clusters = std::set<std::uint32_t>(work.clusters.begin(), work.clusters.end()).size();
  if (report.task == ClassicTask::regression)
    TRY(report_numbers(work, report));
  else
    TRY(report_classes(work, report));
  return report;
}

Result<ClassicRows> read_classic_rows(std::string_view csv, const ClassicColumns& columns) {
  const detail::Table table = TRY(detail::read_table(csv));
  const auto label = TRY(column_number(table, columns.label));
  if (!label) return fail(Code::invalid_argument, "the column of labels is needed");
  const auto score = TRY(column_number(table, columns.score));
  ClassicRows rows;
  rows.labels = texts_of(table, label);
  rows.predictions = texts_of(table, TRY(column_number(table, columns.prediction)));
  rows.groups = texts_of(table, TRY(column_number(table, columns.group)));
  rows.clusters = texts_of(table, TRY(column_number(table, columns.cluster)));
  if (!score) return rows;
  for (const auto& row : table.rows) {
    const detail::Cell& cell = row[*score];
    const auto number = as_number(cell.text);
    if (!number)
      return fail(Code::invalid_argument, "line {}, column {}: score '{}' is not a number",
                  cell.line, cell.column, cell.text);
    rows.scores.push_back(*number);
  }
  return rows;
}

}  // namespace slipway::eval
