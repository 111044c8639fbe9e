// Completion scripts, made from the command tree itself so that they cannot fall behind it.
#pragma once

#include <string>

#include "app/command_line.hpp"

namespace slipway::app {

std::string bash_completion(const CommandNode& root);
std::string zsh_completion(const CommandNode& root);
std::string fish_completion(const CommandNode& root);

}  // namespace slipway::app
