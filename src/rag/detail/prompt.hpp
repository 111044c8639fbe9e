// What a chat model is told to answer from passages: the built in prompt, or one with versions.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// Of the context that passages may take: one part of so many.
inline constexpr std::size_t passages_share = 8;
/// Of a reply, where the prompt says nothing else.
inline constexpr int reply_tokens_max = 256;
/// What the built in prompt adds to passages and question, about.
inline constexpr std::size_t prompt_bytes = 1024;

/// The one that the request names, else the collection's; null: the built in one. Fails:
/// not_found, unsupported (there is nobody who has prompts).
Result<ChosenPromptPtr> choose_prompt(const Context&, Shelf&, const CollectionRow&,
                                      const AskRequest&);

struct PromptMaterial {
  std::string question;
  std::string passages;  ///< Numbered.
  std::string refusal;   ///< What the model writes where they do not answer.
};
/// The request, but for its seed. Passages stand between marks that are new for every request, so
/// that no document can close them. Fails: invalid_argument (a prompt without the passages or the
/// question, or with parameters that an answer cannot have).
Result<models::ChatRequest> fill_prompt(const ChosenPromptPtr& prompt,
                                        const PromptMaterial& material);

/// {"name", "version"}: of every run that it made.
json::Value prompt_metadata(const ChosenPromptPtr& prompt);

/// Bytes of claims in a reply of so many tokens, at most.
std::size_t checked_bytes(int reply_tokens);

}  // namespace slipway::rag::detail
