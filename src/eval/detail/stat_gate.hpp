// The stat `gate`: arrays of scores in, verdicts out.
#pragma once

#include "core/json.hpp"

namespace slipway::eval::detail {

/// `args` -> the reply. Fails: invalid_argument, with paths below "$".
Result<json::Object> stat_gate(const json::Value& args);

}  // namespace slipway::eval::detail
