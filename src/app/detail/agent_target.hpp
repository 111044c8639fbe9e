// Agents as targets of suites.
#pragma once

#include <filesystem>

#include "app/app.hpp"
#include "eval/targets.hpp"

namespace slipway::app::detail {

/// The agent of that file. Each golden is a thread of its own, which is not kept. `app` must
/// outlive it. Fails: invalid_argument with all that is wrong with the file, not_found.
Result<eval::OpenAgent> open_agent_target(App& app, const std::filesystem::path& file);

}  // namespace slipway::app::detail
