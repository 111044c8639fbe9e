// A score as a line of JSON, written without making values first: they would cost more than the
// score.
#pragma once

#include <string>
#include <string_view>

#include "eval/metric.hpp"

namespace slipway::eval {

/// The text as a JSON string with its quotes, the bytes that `json::dump` gives.
void append_quoted(std::string& out, std::string_view text);
/// The bytes of `json::dump(to_json(metric, golden, score))`, under the id `id`.
void append_score(std::string& out, const Metric& metric, const Score& score, std::string_view id);

}  // namespace slipway::eval
