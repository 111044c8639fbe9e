// Runs of evaluations on the terminal.
#pragma once

#include <string>

#include "app/terminal.hpp"
#include "eval/decision.hpp"

namespace slipway::app {

/// A table of the metrics, robustness, what was found, and the decision.
std::string render_evaluation(const eval::EvalResult& result, const eval::Decision& decision,
                              const Style& style);

}  // namespace slipway::app
