// The command `slipway eval sweep`. See commands.hpp.
#pragma once

#include <string>

#include "app/app.hpp"

namespace slipway::app {

struct EvalSweepOptions {
  std::string suite;   ///< With `target: {rag: ...}` and `sweep:`.
  std::string output;  ///< The report in JSON; empty: not written.
  bool apply = false;  ///< Let the winner serve.
};
Result<int> eval_sweep(App& app, const EvalSweepOptions& options);

}  // namespace slipway::app
