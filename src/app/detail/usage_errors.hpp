// What is said of a command line that cannot be run.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "app/command_line.hpp"

namespace slipway::app::detail {

/// "models list"; empty for the root.
std::string full_name(const CLI::App& app);

/// Help and version, or the complaint with a hint, into `line`.
void explain(const CLI::ParseError& error, CLI::App& root, CommandLine& line);

}  // namespace slipway::app::detail
