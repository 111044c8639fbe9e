// Python in a jail, for tests.
#pragma once

#include <string>

#include "core/jail.hpp"

namespace slipway::detail {

/// Time enough on a busy machine.
inline Jail python(const std::string& source) {
  Jail jail;
  jail.command = {"/usr/bin/python3", "-I", "-S", "-c", source};
  jail.readable = system_paths();
  jail.limits.wall = std::chrono::seconds(60);
  jail.limits.cpu = std::chrono::seconds(30);
  return jail;
}

/// What it printed, what it raised, or how it was ended.
inline std::string end_of(const Jail& jail) {
  const auto output = run_jailed({}, jail, "");
  if (!output) return output.error().message();
  return output->exit_code == 0 ? output->out : output->err;
}

}  // namespace slipway::detail
