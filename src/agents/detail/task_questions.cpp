// Questions of tasks: to people, about calls, budgets and effects.
#include "agents/detail/task_run.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

/// The start of a hash's digits: enough to be unique within a thread.
std::string short_hash(const std::string& text) {
  constexpr std::size_t prefix = 7, digits = 24;  // "sha256:"
  return sha256(text).substr(prefix, digits);
}

Failure rejected(const Value& answer) {
  const Value* reason = answer.find("reason");
  if (reason == nullptr) return {"rejected", "rejected"};
  return {"rejected", "rejected: " + in_words(*reason)};
}

}  // namespace

const Value* TaskRun::answer(const std::string& token) const {
  const std::lock_guard lock(mutex_);
  if (const Recorded* recorded = options().recorded) {
    const auto found = recorded->answers.find(fmt::format("{}|{}", task_key(scope_, task_), token));
    return found == recorded->answers.end() ? nullptr : &found->second;
  }
  const auto found = task_.answers.find(token);
  return found == task_.answers.end() ? nullptr : &found->second;
}

TaskRun::Stop TaskRun::ask(std::string kind, const std::string& token, Value value,
                           std::int64_t expires_ms) {
  if (options().recorded != nullptr) engine_.note_missing(path(), kind + " answer");
  OpenQuestion question{.path = path(),
                        .kind = std::move(kind),
                        .token = token,
                        .value = std::move(value),
                        .expires_ms = expires_ms};
  question.id =
      "i_" + short_hash(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", options().thread, options().run,
                                    options().branch, place_.address(), question.path, token));
  const std::size_t slash = question.path.find('/');
  question.node = question.path.substr(0, slash);
  const std::lock_guard lock(mutex_);
  std::erase_if(task_.questions, [&](const OpenQuestion& q) { return q.token == token; });
  task_.questions.push_back(std::move(question));
  return {.state = TaskState::stopped};
}

/// A question keeps the time at which it was first asked.
std::int64_t TaskRun::first_asked(const std::string& token, std::int64_t expires_ms) const {
  const std::lock_guard lock(mutex_);
  for (const OpenQuestion& question : task_.questions)
    if (question.token == token) return question.expires_ms;
  return expires_ms;
}

std::optional<TaskRun::Stop> TaskRun::approvals(const ToolSpec& tool, Value& args,
                                                std::uint32_t number) {
  Approval wanted{.args = std::move(args)};
  std::optional<Stop> stop;
  if (node_.approve)
    stop = approval(*node_.approve, &tool, wanted, fmt::format("approval:node:{}", number));
  if (!stop && tool.approve)
    stop = approval(*tool.approve, &tool, wanted, fmt::format("approval:tool:{}", number));
  if (!stop && tool.is_high_risk && wanted.args.taint() != 0 && !wanted.is_given)
    stop = approval({}, &tool, wanted, fmt::format("approval:tainted:{}", number));
  args = std::move(wanted.args);
  return stop;
}

std::optional<TaskRun::Stop> TaskRun::approval(const Approve& approve, const ToolSpec* tool,
                                               Approval& wanted, const std::string& token) {
  Value& args = wanted.args;
  const std::string hash = short_hash(dump_canonical(args) + scope_.graph->hash);
  if (const Value* given = answer(token)) {
    if (given->at("is") == Value("reject")) return Stop{.failure = rejected(*given)};
    // An approval is of these arguments and of this graph; an edit replaces what it was shown. A
    // replay calls nothing, so there it holds for a changed graph too.
    if (given->at("hash") == Value(hash) || options().recorded != nullptr) {
      if (given->at("is") == Value("edit")) args = given->at("args");
      wanted.is_given = true;
      return std::nullopt;
    }
  }
  const Value settled = [&] {
    const Usage used = options().purse.settled();
    return Value::map({{"tokens", used.tokens}, {"usd", used.usd}, {"calls", used.calls}});
  }();
  const Value name = tool == nullptr ? Value() : Value(tool->name);
  const bool is_high_risk = tool != nullptr && tool->is_high_risk;
  const Value risk = is_high_risk ? "high" : "low";
  const Value tainted = taint_names(args.taint());
  Locals locals(*scope_.agent, place_.step, task_.attempts, node_.label);
  locals.of_task(task_);
  locals.set(local_tool, name);
  locals.set(local_args, args);
  locals.set(local_risk, risk);
  locals.set(local_spent, settled);
  locals.set(local_tainted, tainted);
  const Inputs inputs = locals.inputs(scope_.state);
  if (approve.when) {
    auto needed = approve.when.is_true(inputs);
    if (!needed) return Stop{.failure = std::move(needed.failure())};
    if (!*needed) return std::nullopt;
  }
  const std::int64_t expires = first_asked(token, now_ms() + approve.timeout.count());
  if (now_ms() >= expires) return Stop{.failure = {"rejected", "nobody approved it in time"}};
  Value value = Value::map({{"tool", name}, {"args", args}, {"risk", risk}, {"hash", hash}});
  if (args.taint() != 0) value.put("tainted", tainted);
  if (args.taint() != 0 && is_high_risk)
    value.put("why", fmt::format("'{}' is of risk: high and what it would be called with came "
                                 "from elsewhere ({}); read it before you approve",
                                 tool->name, in_words(tainted)));
  if (approve.ask) {
    auto text = approve.ask->write(inputs);
    if (!text) return Stop{.failure = std::move(text.failure())};
    value.put("ask", *std::move(text));
  }
  return ask("approval", token, std::move(value), expires);
}

}  // namespace slipway::agents::detail
