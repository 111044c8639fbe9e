// Passages become an answer whose every sentence is quoted from them or checked against them, or a
// refusal.
#pragma once

#include "rag/detail/evidence.hpp"
#include "rag/library.hpp"
#include "trace/spans.hpp"

namespace slipway::rag::detail {

/// What a receipt keeps besides the answer.
struct Generation {
  std::optional<std::string> prompt;  ///< As the model saw it.
  std::optional<std::string> reply;   ///< As the model wrote it.
  std::optional<std::string> model_identity;
  int max_tokens = 0;
  double temperature = 0;
};

struct Answered {
  Answer answer;
  Retrieved retrieved;
  Generation generation;
  std::string prompt;  ///< "name@version" of the one that it was made of; empty: the built in one.
  trace::Trail trail;  ///< With the run of all of it, which has not ended yet.
  trace::Span run;
};

/// Its run tells the answer, or why there is none after all.
void end_run(Answered& answered, const Result<void>& stored);

/// Retrieves, answers, cites and checks; stores nothing.
Result<Answered> answer(const Context&, Shelf&, Texts&, const AskRequest&, const AskEvents&);

}  // namespace slipway::rag::detail
