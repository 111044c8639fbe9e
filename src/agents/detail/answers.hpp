// Answers to open questions, checked before anything of them is written.
#pragma once

#include <string>

#include "agents/detail/run_state.hpp"

namespace slipway::agents::detail {

struct CheckedAnswer {
  Scope* scope = nullptr;
  Task* task = nullptr;
  std::string token;
  Value value;  ///< As the task takes it.
  Usage add;    ///< Of a budget question: what is added.
  bool adds = false;
};

/// What an answer means for its question. Fails: kind "answer".
Outcome<CheckedAnswer> check_answer(const Agent& agent, Task& task, const OpenQuestion& question,
                                    const Value& answer);

}  // namespace slipway::agents::detail
