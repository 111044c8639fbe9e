// Statistics by name, as `slipway eval stats` and the vectors ask for them.
#pragma once

#include "core/json.hpp"

namespace slipway::eval {

/// `{"id"?, "stat": "wilson", "args": {...}}` -> `{"id"?, ...}`. Names: wilson, t_interval,
/// cluster_t_interval, interval, sign_flip_permutation, mcnemar, minimum_detectable_effect,
/// benjamini_hochberg, cohen_kappa, auc, percentiles, rogan_gladen, gate. What cannot be given is
/// null with a `reason`.
/// Fails: invalid_argument, with the path of what is wrong.
Result<json::Object> answer_stat(const json::Value& request);

/// The names, in that order.
const std::vector<std::string_view>& stat_names();

}  // namespace slipway::eval
