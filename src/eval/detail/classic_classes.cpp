#include <algorithm>

#include "eval/detail/classic_parts.hpp"

namespace slipway::eval::detail {

namespace {

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

using OfClass = std::optional<double> (Confusion::*)(std::size_t) const;

/// A class without a value counts 0, as zero_division does in scikit-learn.
double macro(const Confusion& confusion, OfClass value) {
  double sum = 0, seen = 0;
  for (std::size_t name = 0; name < confusion.classes(); ++name) {
    // A class that a resample lacks altogether is none of its classes.
    if (confusion.labelled(name) + confusion.predicted(name) == 0) continue;
    sum += (confusion.*value)(name).value_or(0);
    ++seen;
  }
  return seen == 0 ? 0 : sum / seen;
}

double weighted(const Confusion& confusion, OfClass value) {
  double sum = 0;
  for (std::size_t name = 0; name < confusion.classes(); ++name)
    sum += (confusion.*value)(name).value_or(0) * confusion.labelled(name);
  return sum / confusion.all();
}

struct Average {
  std::string_view name;
  OfClass value;
};
constexpr Average averages[] = {
    {"precision", &Confusion::precision}, {"recall", &Confusion::recall}, {"f1", &Confusion::f1}};

}  // namespace

Confusion::Confusion(const Classes& classes, Items items)
    : classes_(classes.names.size()),
      cells_(classes_ * classes_),
      labelled_(classes_),
      predicted_(classes_),
      all_(static_cast<double>(items.size())) {
  for (const std::uint32_t row : items) {
    const std::uint32_t label = classes.labels[row], prediction = classes.predictions[row];
    ++cells_[label * classes_ + prediction];
    ++labelled_[label];
    ++predicted_[prediction];
  }
}

std::optional<double> Confusion::precision(std::size_t name) const {
  return ratio(cell(name, name), predicted(name));
}

std::optional<double> Confusion::recall(std::size_t name) const {
  return ratio(cell(name, name), labelled(name));
}

std::optional<double> Confusion::f1(std::size_t name) const {
  return ratio(2 * cell(name, name), labelled(name) + predicted(name));
}

double Confusion::right() const {
  double sum = 0;
  for (std::size_t name = 0; name < classes_; ++name) sum += cell(name, name);
  return sum;
}

std::vector<NamedStatistic> class_statistics(const Classes& classes) {
  std::vector<NamedStatistic> all;
  all.push_back({"accuracy",
                 [&classes](Items items) -> std::optional<double> {
                   const Confusion confusion(classes, items);
                   return ratio(confusion.right(), confusion.all());
                 },
                 ""});
  if (classes.positive)
    for (const Average& average : averages)
      all.push_back({std::string(average.name),
                     [&classes, value = average.value](Items items) {
                       return (Confusion(classes, items).*value)(*classes.positive);
                     },
                     average.name == "precision" ? "nothing was predicted positive"
                     : average.name == "recall"  ? "no label is positive"
                                                 : "neither labels nor predictions are positive"});
  for (const Average& average : averages) {
    all.push_back({fmt::format("{}_macro", average.name),
                   [&classes, value = average.value](Items items) -> std::optional<double> {
                     return macro(Confusion(classes, items), value);
                   },
                   ""});
    // With one label a row, all three are the accuracy.
    all.push_back({fmt::format("{}_micro", average.name),
                   [&classes](Items items) -> std::optional<double> {
                     const Confusion confusion(classes, items);
                     return ratio(confusion.right(), confusion.all());
                   },
                   ""});
    all.push_back({fmt::format("{}_weighted", average.name),
                   [&classes, value = average.value](Items items) -> std::optional<double> {
                     return weighted(Confusion(classes, items), value);
                   },
                   ""});
  }
  return all;
}

}  // namespace slipway::eval::detail
