// Traces as text for people, from the JSON of the API.
#pragma once

#include <string>

#include "app/terminal.hpp"
#include "core/json.hpp"

namespace slipway::app {

/// The page of a list as a table.
std::string render_traces(const json::Value& page);
/// One trace as a tree: a line for each run with latency, tokens and cost; errors below theirs.
std::string render_trace(const json::Value& trace, const Style& style);

}  // namespace slipway::app
