// Evaluators and their rules as LangSmith's clients write and read them. There an evaluator and the
// rules that say which runs it judges are two things; here they are one `Rule`, which is switched
// off until such a rule comes.
#pragma once

#include "trace/evaluators.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

/// What the face of evaluators stands on.
struct EvaluatorParts {
  const Services services;
  Rules& rules;
};

/// Null where it is null or not there.
const json::Value* evaluator_member(const json::Object& object, std::string_view name);
template <typename T>
Result<std::optional<T>> read_evaluator_member(const json::Object& object, std::string_view name) {
  const json::Value* value = evaluator_member(object, name);
  if (value == nullptr) return std::optional<T>();
  return std::optional<T>(TRY(json::from<T>(*value).within(name)));
}

/// "llm" or "code".
const char* evaluator_type(const Rule& rule);
Result<json::Object> evaluator_text(const Context& context, const EvaluatorParts& parts,
                                    const Rule& rule);
/// A rule that says which runs are judged. `is_new`: as /api/v2 has it.
Result<json::Object> run_rule_text(const Context& context, const EvaluatorParts& parts,
                                   const Rule& rule, bool is_new);

// Fail: invalid_argument naming the member, also what is asked for and nobody would do.

/// Of `code_evaluators`.
Result<Evaluator> read_code_evaluator(const json::Object& body, std::string_view within);
/// Of `evaluators`: {"structured": {"hub_ref": "grader:production", "variable_mapping": {...}}}
Result<Evaluator> read_structured_evaluator(const json::Value& value);
/// What an evaluator's body says of `rule`.
Result<void> read_evaluator_body(const json::Object& body, Rule& rule);
/// What a run rule's body says of `rule`. Fails: also not_found (the project).
Result<void> read_run_rule_body(const Context& context, const EvaluatorParts& parts,
                                const json::Object& body, Rule& rule);

}  // namespace slipway::trace::detail
