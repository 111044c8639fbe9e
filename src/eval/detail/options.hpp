// Options of metrics: how a row of the table declares them, and how those of a suite are checked.
#pragma once

#include <string>
#include <vector>

#include "eval/metric.hpp"

namespace slipway::eval {

OptionInfo flag(std::string name, std::string meaning);
/// The first choice is the fallback.
OptionInfo choice(std::string name, std::vector<std::string> choices, std::string meaning);
OptionInfo whole(std::string name, std::string fallback, std::string meaning, double min,
                 double max);
OptionInfo positive(std::string name, std::string fallback, std::string meaning);
OptionInfo text(std::string name, std::string meaning);
/// `choices` may be empty: any.
OptionInfo texts(std::string name, std::string fallback, std::string meaning,
                 std::vector<std::string> choices);
OptionInfo pair(std::string name, std::string fallback, std::string meaning);
/// From where on local evidence says yes.
OptionInfo supported_from();

/// Fails: invalid_argument, naming metric, option and value; for an unknown option the nearest.
Result<void> check_options(const MetricInfo& metric, const json::Object& options);

}  // namespace slipway::eval
