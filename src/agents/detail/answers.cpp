#include "agents/detail/answers.hpp"

namespace slipway::agents::detail {

namespace {

Failure wrong(const OpenQuestion& question, std::string message) {
  return {"answer", fmt::format("answer to {} of '{}': {}", question.kind, question.path, message)};
}

/// approve | reject {reason?} | edit {args}, in the forms that people write.
Outcome<Value> read_approval(const OpenQuestion& question, const Value& answer) {
  const Value& hash = question.value.at("hash");
  const auto approved = [&] { return Value::map({{"is", "approve"}, {"hash", hash}}); };
  if (answer == Value("approve") || answer == Value(true) || answer.at("approve") == Value(true))
    return approved();
  if (answer == Value("reject") || answer == Value(false) || answer.at("approve") == Value(false)) {
    Value rejected = Value::map({{"is", "reject"}, {"hash", hash}});
    if (const Value* reason = answer.find("reason")) rejected.put("reason", *reason);
    return rejected;
  }
  if (const Value* reject = answer.find("reject")) {
    Value rejected = Value::map({{"is", "reject"}, {"hash", hash}});
    if (reject->is_text()) rejected.put("reason", *reject);
    if (reject->at("reason").is_text()) rejected.put("reason", reject->at("reason"));
    if (const Value* reason = answer.find("reason")) rejected.put("reason", *reason);
    return rejected;
  }
  if (const Value* edit = answer.find("edit")) {
    const bool is_wrapped =
        edit->is_map() && edit->entries().items.size() == 1 && edit->at("args").is_map();
    const Value& args = is_wrapped ? edit->at("args") : *edit;
    if (!args.is_map()) return wrong(question, "edit takes the arguments, a map");
    return Value::map({{"is", "edit"}, {"hash", hash}, {"args", args}});
  }
  return wrong(question,
               "\"approve\", {\"reject\": {\"reason\": \"...\"}} or {\"edit\": {\"args\": {...}}}");
}

Outcome<CheckedAnswer> read_budget(const OpenQuestion& question, const Value& answer) {
  CheckedAnswer checked;
  const Value& add = answer.at("add");
  if (!add.is_map()) return wrong(question, "{\"add\": {\"tokens\": 1000}} is expected");
  for (const auto& [name, amount] : add.entries().items) {
    const bool is_good =
        amount.is_number() && amount.number() >= 0 && (name == "usd" || amount.is_integer());
    if (!is_good || (name != "tokens" && name != "usd" && name != "calls"))
      return wrong(question, fmt::format("'{}': tokens, usd or calls of 0 or more", name));
    if (name == "tokens") checked.add.tokens = amount.integer();
    if (name == "calls") checked.add.calls = amount.integer();
    if (name == "usd") checked.add.usd = amount.number();
  }
  checked.adds = true;
  checked.value = answer;
  return checked;
}

}  // namespace

Outcome<CheckedAnswer> check_answer(const Agent& agent, Task& task, const OpenQuestion& question,
                                    const Value& answer) {
  CheckedAnswer checked;
  if (question.kind == "approval") {
    checked.value = SLIPWAY_GET(read_approval(question, answer));
  } else if (question.kind == "budget") {
    checked = SLIPWAY_GET(read_budget(question, answer));
  } else if (question.kind == "effect") {
    const bool is_good = answer.find("done") != nullptr || answer.at("retry") == Value(true) ||
                         answer.find("fail") != nullptr;
    if (!is_good)
      return wrong(question, "{\"done\": RESULT}, {\"retry\": true} or {\"fail\": \"why\"}");
    checked.value = answer;
  } else {
    const Body* body = &agent.nodes[task.node].body;
    if (const auto* map = std::get_if<MapBody>(body)) body = &map->body->body;
    if (const auto* human = std::get_if<HumanBody>(body); human != nullptr && human->schema)
      if (auto fits = human->schema->check(answer); !fits)
        return wrong(question, fits.failure().message);
    checked.value = answer;
  }
  checked.token = question.token;
  checked.task = &task;
  return checked;
}

}  // namespace slipway::agents::detail
