// Rules that score runs as they come in by Python code.
#pragma once

#include "tools/tools.hpp"
#include "trace/evaluators.hpp"

namespace slipway::app::detail {

/// What code returned, as LangSmith reads it: a number or a truth value; {"key", "score" or
/// "value", "comment"}; {"polite": 1, "brief": 0.5}; several as a list or in "results"; nothing.
/// Fails: invalid_argument (something else).
Result<std::vector<trace::Judgement>> read_judgements(const agents::Value& returned);

/// `run_text` writes a run as LangSmith's clients read it.
trace::RunScorer code_rules(
    tools::CodeRunner run_code,
    std::function<Result<std::string>(const Context&, const trace::Run&)> run_text);

}  // namespace slipway::app::detail
