// The commands of `slipway eval`: what each is told, and how it is run. See commands.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

struct EvalStatsOptions {
  std::string file;  ///< One request a line; "-": standard input.
};
/// One reply a line, in order. A request that is wrong is answered with its error, and the exit
/// code is then 1.
Result<int> eval_stats(App& app, const EvalStatsOptions& options);

}  // namespace slipway::app
