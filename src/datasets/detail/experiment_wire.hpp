// Examples with their runs as LangSmith's clients read them.
#pragma once

#include "datasets/detail/experiment_runs.hpp"

namespace slipway::datasets::detail {

/// For v1: a list.
Result<std::string> experiment_text(const Context& context, const Services& services,
                                    const std::vector<ExampleRuns>& rows,
                                    const std::string& origin);

}  // namespace slipway::datasets::detail
