// One request of `slipway eval score -`: {"id", "metric": {"name", "mode", "options": {}}, "case":
// golden, "replies": {}} and the answer {"id", "metric", "mode", "score", "pass", "reason", ...}.
#pragma once

#include "core/context.hpp"
#include "eval/metric.hpp"

namespace slipway::eval {

/// Replies of the request stand in for the judge of `scorers`. Fails: invalid_argument with the
/// path of what is wrong ("$.case.input: is required"), as `make_metric` and as the scoring does.
Result<json::Object> answer_score(const Context& context, const json::Value& request,
                                  const Scorers& scorers);

}  // namespace slipway::eval
