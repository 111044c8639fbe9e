// A finished run, run again from its records.
#pragma once

#include "agents/detail/session.hpp"

namespace slipway::agents::detail {

struct ReplayInput {
  Context context;
  const Services& services;  ///< Models count prompts; nothing is called.
  AgentPtr original;         ///< What the records are of.
  AgentPtr agent;            ///< What is run.
  std::vector<Value> records;
  std::string run;
};

/// {run, ok, steps, status, state, first_difference?, needs?}. Fails: not_found.
Result<Value> replay_run(const ReplayInput& input);

}  // namespace slipway::agents::detail
