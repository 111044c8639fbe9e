// An evaluation of ours as other clients read experiments: a project over the dataset, a run for
// each case that names its example, feedback for each score.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "datasets/mount.hpp"
#include "eval/evaluation_info.hpp"

namespace slipway::eval {

/// By id of the golden: the example that it is.
using ExampleIds = std::map<std::string, std::string>;

/// What is written tells whose it is (`evaluation_key`), so that it is not listed twice. Cases
/// without an example are left out; each of the others gets the id of its run, and its trace's
/// where its target left none. Fails: as writes do.
Result<void> write_experiment(const Context& context, const datasets::Services& services,
                              const EvaluationInfo& info, const ExampleIds& examples,
                              std::vector<EvaluationCase>& cases);

/// Takes it away again, with its runs; success where there is none.
Result<void> remove_experiment(const Context& context, const datasets::Services& services,
                               const std::string& evaluation_id);

}  // namespace slipway::eval
