#include <algorithm>
#include <cmath>
#include <map>

#include "eval/detail/classic_parts.hpp"

namespace slipway::eval::detail {

namespace {

/// Of one group: rows, rows predicted positive, positive labels and those predicted so, the rest.
struct Counts {
  double n = 0, selected = 0, positives = 0, true_positives = 0, others = 0, false_positives = 0;
};

std::vector<Counts> counted(const Classes& classes, const Groups& groups, Items items) {
  std::vector<Counts> counts(groups.names.size());
  for (const std::uint32_t row : items) {
    Counts& group = counts[groups.of_row[row]];
    const bool is_selected = classes.predictions[row] == *classes.positive;
    const bool is_positive = classes.labels[row] == *classes.positive;
    ++group.n;
    group.selected += is_selected;
    ++(is_positive ? group.positives : group.others);
    if (is_selected) ++(is_positive ? group.true_positives : group.false_positives);
  }
  return counts;
}

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

using Rate = std::optional<double> (*)(const Counts&);
std::optional<double> selection_rate(const Counts& c) { return ratio(c.selected, c.n); }
std::optional<double> true_positive_rate(const Counts& c) {
  return ratio(c.true_positives, c.positives);
}
std::optional<double> false_positive_rate(const Counts& c) {
  return ratio(c.false_positives, c.others);
}

struct Range {
  double low = 0, high = 0;
  double difference() const { return high - low; }
  std::optional<double> quotient() const { return ratio(low, high); }
};

/// Of all groups; nothing if one of them has no such rate.
std::optional<Range> range_of(const std::vector<Counts>& counts, Rate rate) {
  std::optional<Range> range;
  for (const Counts& group : counts) {
    const auto value = rate(group);
    if (!value) return std::nullopt;
    if (!range) range = Range{.low = *value, .high = *value};
    range->low = std::min(range->low, *value);
    range->high = std::max(range->high, *value);
  }
  return range;
}

/// Of both odds, the worse.
std::optional<double> odds_difference(const std::vector<Counts>& counts) {
  const auto hits = range_of(counts, true_positive_rate);
  const auto alarms = range_of(counts, false_positive_rate);
  if (!hits || !alarms) return std::nullopt;
  return std::max(hits->difference(), alarms->difference());
}

std::optional<double> odds_ratio(const std::vector<Counts>& counts) {
  const auto hits = range_of(counts, true_positive_rate);
  const auto alarms = range_of(counts, false_positive_rate);
  const auto first = hits ? hits->quotient() : std::nullopt;
  const auto second = alarms ? alarms->quotient() : std::nullopt;
  if (!first || !second) return std::nullopt;
  return std::min(*first, *second);
}

}  // namespace

Groups groups_of(const std::vector<std::string>& names) {
  std::map<std::string_view, std::uint32_t> numbers;
  for (const std::string& name : names) numbers.emplace(name, 0);
  Groups groups;
  for (auto& [name, number] : numbers) {
    number = static_cast<std::uint32_t>(groups.names.size());
    groups.names.emplace_back(name);
  }
  groups.of_row.reserve(names.size());
  for (const std::string& name : names) groups.of_row.push_back(numbers.at(name));
  return groups;
}

std::vector<Outcome> group_outcomes(const Classes& classes, const Groups& groups,
                                    std::uint32_t group) {
  Outcome right{"accuracy", {}, {}, ""}, selected{"selection_rate", {}, {}, ""};
  Outcome hits{"true_positive_rate", {}, {}, "no label is positive"};
  Outcome alarms{"false_positive_rate", {}, {}, "all labels are positive"};
  for (std::uint32_t row = 0; row < groups.of_row.size(); ++row) {
    if (groups.of_row[row] != group) continue;
    const bool is_selected = classes.predictions[row] == *classes.positive;
    const bool is_positive = classes.labels[row] == *classes.positive;
    right.add(row, classes.labels[row] == classes.predictions[row] ? 1 : 0);
    selected.add(row, is_selected ? 1 : 0);
    (is_positive ? hits : alarms).add(row, is_selected ? 1 : 0);
  }
  return {std::move(right), std::move(selected), std::move(hits), std::move(alarms)};
}

std::vector<Outcome> group_errors(const std::vector<double>& errors, const Groups& groups,
                                  std::uint32_t group) {
  Outcome outcome{"mean_absolute_error", {}, {}, ""};
  for (std::uint32_t row = 0; row < groups.of_row.size(); ++row)
    if (groups.of_row[row] == group) outcome.add(row, errors[row]);
  return {std::move(outcome)};
}

std::vector<NamedStatistic> fairness_statistics(const Classes& classes, const Groups& groups) {
  const auto of_all = [&classes, &groups](auto value) {
    return
        [&classes, &groups, value](Items items) { return value(counted(classes, groups, items)); };
  };
  const auto difference = [&](Rate rate) {
    return of_all([rate](const std::vector<Counts>& counts) -> std::optional<double> {
      const auto range = range_of(counts, rate);
      return range ? std::optional(range->difference()) : std::nullopt;
    });
  };
  const std::string lacks_a_class = "a group has labels of one class only";
  return {{"demographic_parity_difference", difference(selection_rate), ""},
          {"demographic_parity_ratio",
           of_all([](const std::vector<Counts>& counts) -> std::optional<double> {
             const auto range = range_of(counts, selection_rate);
             return range ? range->quotient() : std::nullopt;
           }),
           "nobody was selected in any group"},
          {"equalized_odds_difference", of_all(odds_difference), lacks_a_class},
          {"equalized_odds_ratio", of_all(odds_ratio),
           lacks_a_class + ", or a rate is 0 in all groups"},
          {"equal_opportunity_difference", difference(true_positive_rate),
           "a group has no positive label"}};
}

std::vector<NamedStatistic> error_fairness_statistics(const std::vector<double>& errors,
                                                      const Groups& groups) {
  return {{"mean_absolute_error_difference",
           [&errors, &groups](Items items) -> std::optional<double> {
             std::vector<double> sums(groups.names.size()), rows(sums.size()), means;
             for (const std::uint32_t row : items) {
               sums[groups.of_row[row]] += errors[row];
               ++rows[groups.of_row[row]];
             }
             for (std::size_t group = 0; group < sums.size(); ++group) {
               if (rows[group] == 0) return std::nullopt;
               means.push_back(sums[group] / rows[group]);
             }
             const auto [low, high] = std::minmax_element(means.begin(), means.end());
             return *high - *low;
           },
           ""}};
}

}  // namespace slipway::eval::detail
