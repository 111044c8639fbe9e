// What experiments made of a dataset's examples.
#pragma once

#include <map>

#include "datasets/mount.hpp"

namespace slipway::datasets::detail {

/// An example with its runs in the experiments, in their order.
struct ExampleRuns {
  Example example;
  std::vector<trace::Run> runs;
};

struct ExperimentWish {
  std::string dataset_id;
  std::vector<std::string> session_ids;
  /// Conditions on the runs of an experiment, in LangSmith's filter language.
  std::map<std::string, std::vector<std::string>> filters;
  std::vector<std::string> example_ids;  ///< Empty: all.
  /// The key of feedback whose mean orders the examples; empty: the order of the dataset.
  std::string sort_key;
  bool is_ascending = false;
  int limit = 100, offset = 0;
};

/// Examples that have runs there, also those that were removed since.
/// Fails: not_found (a session), invalid_argument (a filter; more than 100,000 runs).
Result<std::vector<ExampleRuns>> experiment_runs(const Context& context, const Services& services,
                                                 const ExperimentWish& wish);

}  // namespace slipway::datasets::detail
