// The files of src/eval/prompts/, compiled in; tools/make_prompts.py writes the table.
#pragma once

#include <cstddef>
#include <string_view>

namespace slipway::eval::detail {

struct BuiltinPrompt {
  std::string_view name;  ///< "faithfulness.native.claims"
  std::string_view yaml;
};

extern const BuiltinPrompt builtin_prompts[];
extern const std::size_t builtin_prompt_count;

}  // namespace slipway::eval::detail
