// Conversations with tools in the words of Mistral's models.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/detail/llama_prompt.hpp"

namespace slipway::models::detail {

/// How one of Mistral's formats is told tools, and what they gave. Their calls: `ToolFormat`. A
/// value.
struct MistralWords {
  /// By words of the chat template. Nothing when it is not one of theirs with tools.
  static std::optional<MistralWords> of(std::string_view chat_template);

  /// The whole prompt, ready for the reply; its beginning token is the tokenizer's to add. `tools`
  /// is empty when none may be called now. Fails: as `text_of`; invalid_argument (a result without
  /// its call, arguments that are no JSON object).
  Result<std::vector<PromptPiece>> prompt(const dialects::ChatRequest& request,
                                          const std::vector<dialects::Tool>& tools,
                                          std::string_view model) const;

  enum class Calls {
    list,           ///< `[TOOL_CALLS] [{"name": "f", "arguments": {}, "id": "123456789"}]`
    marks,          ///< `[TOOL_CALLS]f[ARGS]{}` for each.
    marks_with_id,  ///< `[TOOL_CALLS]f[CALL_ID]123456789[ARGS]{}` for each.
  };
  Calls calls = Calls::list;
  enum class Results { json, after_id, bare };
  Results results = Results::json;
  bool has_system = false;   ///< A system prompt stands between marks of its own.
  bool tells_first = false;  ///< Tools are told before all messages, not before the last question.
  std::string_view space;    ///< After marks; older tokenizers take one there.
};

}  // namespace slipway::models::detail
