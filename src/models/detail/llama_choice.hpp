// Which token comes next.
#pragma once

#include <memory>
#include <vector>

#include "models/chat_model.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// The sampler chain of one reply. Not thread safe.
class LlamaChoice {
 public:
  /// Fails: invalid_argument with the reason when the grammar is none.
  static Result<std::unique_ptr<LlamaChoice>> open(const llama_vocab* vocabulary,
                                                   const ChatRequest& request);
  virtual ~LlamaChoice() = default;

  /// Chooses by the context's last logits and remembers the choice. Fails: invalid_argument when
  /// the grammar allows nothing that the model can say.
  virtual Result<Token> next(llama_context* context) = 0;
};

}  // namespace slipway::models::detail
