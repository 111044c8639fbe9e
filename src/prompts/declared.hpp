// Prompts that slipway.yaml declares: by name, a template with `tags` and `message`.
#pragma once

#include <map>
#include <string>

#include "prompts/prompts.hpp"

namespace slipway::prompts {

/// Fails: invalid_argument naming the prompt and the member.
Result<void> check_declared(const std::map<std::string, json::Value>& declared);
/// Each becomes a version, unless the latest says the same; its tags stand at that version then.
/// Fails: as `check_declared`, as writes.
Result<void> apply_declared(const Context& context, Prompts& prompts,
                            const std::map<std::string, json::Value>& declared);

}  // namespace slipway::prompts
