#include "app/detail/code_rules.hpp"

#include "agents/value.hpp"

namespace slipway::app::detail {

namespace {

using agents::Value;
using trace::Judgement;

/// Behind the code of a rule, so that its lines keep their numbers.
constexpr std::string_view look = R"(
result = callable(globals().get('perform_eval'))
)";
constexpr std::string_view call = R"(
result = perform_eval(run, None) if perform_eval.__code__.co_argcount > 1 else perform_eval(run)
)";

Error error_of(const agents::Failure& failure) {
  if (failure.kind == "refused") return fail(Code::unsupported, "{}", failure.message);
  if (failure.kind == "timeout") return fail(Code::deadline_exceeded, "{}", failure.message);
  if (failure.kind == "cancelled") return fail(Code::cancelled, "{}", failure.message);
  return fail(Code::invalid_argument, "{}", failure.message);
}

Result<Value> run_code(const tools::CodeRunner& runner, const Context& context,
                       const std::string& code, std::string_view end, const Value& args) {
  agents::CodeBody body;
  body.source = code;
  body.source += end;
  auto value = runner(context, body, args);
  if (!value) return error_of(value.failure());
  return *std::move(value);
}

std::string text_of(const Value& map, const char* name) {
  const Value* text = map.find(name);
  return text != nullptr && text->is_text() ? text->text() : std::string();
}

std::string comment_of(const Value& map) {
  const std::string comment = text_of(map, "comment");
  return comment.empty() ? text_of(map, "reasoning") : comment;
}

/// Of a number or a truth value.
std::optional<double> score_of(const Value& value) {
  if (value.is_boolean()) return value.boolean() ? 1.0 : 0.0;
  if (value.is_number()) return value.number();
  return {};
}

Error not_understood(const Value& value) {
  constexpr std::size_t shown = 100;
  return fail(Code::invalid_argument,
              "perform_eval returned {}; a number, a truth value or {{\"score\": 0.5}} is wanted",
              agents::dump(value).substr(0, shown));
}

/// One opinion by the name of another key, or that of the rule.
Result<Judgement> judgement_of(const Value& value, std::string key, std::string comment) {
  Judgement one{.comment = std::move(comment), .key = std::move(key)};
  one.score = score_of(value);
  if (value.is_text())
    one.value = value.text();
  else if (!one.score && !value.is_null())
    return not_understood(value);
  return one;
}

Result<void> read_into(const Value& value, std::vector<Judgement>& all) {
  if (value.is_null()) return {};
  if (value.is_list()) {
    for (const Value& one : value.items()) TRY(read_into(one, all));
    return {};
  }
  if (!value.is_map()) {
    if (!score_of(value)) return not_understood(value);
    all.push_back(TRY(judgement_of(value, "", "")));
    return {};
  }
  if (const Value* results = value.find("results")) return read_into(*results, all);
  const Value* const score = value.find("score");
  const Value* const told = score != nullptr && !score->is_null() ? score : value.find("value");
  if (score != nullptr || told != nullptr) {
    all.push_back(TRY(
        judgement_of(told == nullptr ? Value() : *told, text_of(value, "key"), comment_of(value))));
    return {};
  }
  for (const auto& [name, inner] : value.entries().items)
    if (name != "comment" && name != "reasoning" && name != "key")
      all.push_back(TRY(judgement_of(inner, name, comment_of(value))));
  return {};
}

}  // namespace

Result<std::vector<Judgement>> read_judgements(const Value& returned) {
  std::vector<Judgement> all;
  TRY(read_into(returned, all));
  return all;
}

trace::RunScorer code_rules(
    tools::CodeRunner runner,
    std::function<Result<std::string>(const Context&, const trace::Run&)> run_text) {
  return {
      .check = [runner](const Context& context, const trace::Evaluator& evaluator) -> Result<void> {
        const Value found = TRY(run_code(runner, context, evaluator.code, look, Value::map()));
        if (found.is_boolean() && found.boolean()) return {};
        return fail(Code::invalid_argument,
                    "it has no function perform_eval(run); define one that returns a score");
      },
      .score = [runner, run_text = std::move(run_text)](
                   const Context& context, const trace::Evaluator& evaluator,
                   const trace::Run& run) -> Result<std::vector<Judgement>> {
        const Value told = TRY(agents::parse_json(TRY(run_text(context, run))));
        return read_judgements(
            TRY(run_code(runner, context, evaluator.code, call, Value::map({{"run", told}}))));
      }};
}

}  // namespace slipway::app::detail
