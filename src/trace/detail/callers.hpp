// Whose API key made a call and of which prompt it was made, out of what its run says.
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"

namespace slipway::trace::detail {

struct Callers {
  std::optional<std::string> key;
  std::optional<std::string> prompt;  ///< "name@version".
};

/// `metadata.key` and `metadata.prompt` ({"name", "version"}) of our own runs; else the prompt by
/// Langfuse's attributes `langfuse.observation.prompt.name` and `.version`, or by what LangChain
/// puts into the metadata of a prompt that was pulled from a hub: `lc_hub_repo` and eight digits of
/// `lc_hub_commit_hash`. What is longer than 512 bytes is as if nobody had said it.
Callers callers_of(const json::Object& metadata, const json::Object& attributes);

}  // namespace slipway::trace::detail
