// Passages become an answer whose every sentence is quoted from them or checked against them, or a
// refusal.
#pragma once

#include "rag/detail/evidence.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

/// What a receipt keeps besides the answer.
struct Generation {
  std::optional<std::string> prompt;  ///< As the model saw it.
  std::optional<std::string> reply;   ///< As the model wrote it.
  std::optional<std::string> model_identity;
  int max_tokens = 0;
};

struct Answered {
  Answer answer;
  Retrieved retrieved;
  Generation generation;
};

/// Retrieves, answers, cites and checks; stores nothing.
Result<Answered> answer(const Context&, Shelf&, Texts&, const AskRequest&, const AskEvents&);

}  // namespace slipway::rag::detail
