// The loop of an `agent` node: the model, then its tool calls, until there are none.
#include "agents/detail/task_run.hpp"
#include "core/pool.hpp"

namespace slipway::agents::detail {

namespace {

std::vector<ToolRequest> requests_of(const Value& reply, Taint taint) {
  std::vector<ToolRequest> requests;
  if (!reply.at("tool_calls").is_list()) return requests;
  // Of a conversation that somebody brought along they may be anything.
  for (const Value& call : reply.at("tool_calls").items())
    requests.push_back({.id = in_words(call.at("id")),
                        .name = in_words(call.at("name")),
                        .args = call.at("args").is_map() ? call.at("args") : Value::map()});
  for (ToolRequest& request : requests)
    request.args = tainted_throughout(std::move(request.args), taint);
  return requests;
}

}  // namespace

/// One call of the model and the calls of tools that it asks for. `reply` is the model's when it
/// asks for none, else null.
TaskRun::Ran TaskRun::react_turn(const ReactBody& body, ModelCall& call, std::uint32_t& number,
                                 Ran& reply) {
  const ModelSpec& spec = scope_.agent->models[body.llm.model];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  ModelCall seen = call;
  Ran fitted = fit_context(body.llm, call, seen, number);
  if (!fitted.ok()) return fitted;
  reply_from_ = number;
  Ran said = call_model(spec, **model, seen, number++);
  if (!said.ok()) return said;
  const std::vector<ToolRequest> requests = requests_of(said.value(), call.taint);
  if (requests.empty()) {
    const Value text = said.value();
    reply = value_of_reply(body.llm, seen, text, number++);
    if (!reply.ok()) return reply;
    // What did not fit is not kept.
    const CallRecord* again = find_call(number - 1);
    const Value& kept = again != nullptr ? again->result : text;
    call.messages.push_back({.role = "assistant", .content = kept.at("text").text()});
    return Value(true);
  }
  call.messages.push_back(
      {.role = "assistant", .content = said.value().at("text").text(), .tool_calls = requests});
  const std::uint32_t first = number;
  number += static_cast<std::uint32_t>(requests.size());
  if (auto ended = answer_requests(body, call, first)) return *std::move(ended);
  return Value();
}

/// What a call came to, for the model; nothing. Or what ends the task.
std::optional<TaskRun::Ran> TaskRun::tool_message(const Ran& ran, ChatMessage& message) const {
  if (ran.ok()) {
    message.content = in_words(ran.value());
    return std::nullopt;
  }
  if (ran.stop().state != TaskState::failed) return ran;
  const Failure& failure = ran.stop().failure;
  if (failure.kind == "cancelled" || failure.kind == "budget" || node_.retry.covers(failure.kind))
    return ran;
  message.content = fmt::format("{}: {}", failure.kind, failure.message);
  message.is_error = true;
  return std::nullopt;
}

/// A failure may quote what it met.
Taint TaskRun::taint_of_result(const ReactBody& body, const ToolRequest& request,
                               const Ran& result) const {
  if (result.ok()) return result.value().taint();
  for (const std::size_t tool : body.tools)
    if (scope_.agent->tools[tool].name == request.name)
      return request.args.taint() | sources_of(scope_.agent->tools[tool]);
  return request.args.taint();
}

/// Why a call failed in this attempt, or in one whose model was told so (`next` is its next call):
/// it is not made again.
const Failure* TaskRun::told_failure(std::uint32_t number, std::size_t next) {
  const CallRecord* known = find_call(number);
  if (known == nullptr || known->state != CallState::failed) return nullptr;
  const CallRecord* later = find_call(static_cast<std::uint32_t>(next));
  const bool was_told = later != nullptr && later->state == CallState::done;
  return was_told || known->attempt == task_.attempts ? &known->failure : nullptr;
}

/// All calls that the last message asks for, at once; their results in its order.
std::optional<TaskRun::Ran> TaskRun::answer_requests(const ReactBody& body, ModelCall& call,
                                                     std::uint32_t number) {
  const std::vector<ToolRequest> requests = call.messages.back().tool_calls;
  std::vector<Ran> results(requests.size(), Ran(Value()));
  const std::size_t parallel = std::min(share_, requests.size());
  const auto make = [&](std::size_t i) -> Result<void> {
    for (const std::size_t tool : body.tools) {
      const ToolSpec& spec = scope_.agent->tools[tool];
      if (spec.name != requests[i].name) continue;
      const std::uint32_t at = number + static_cast<std::uint32_t>(i);
      if (const Failure* told = told_failure(at, number + requests.size()))
        results[i] = *told;
      else
        results[i] = call_tool(spec, requests[i].args, at, share_of(share_, parallel));
      return {};
    }
    results[i] = Failure{"tool", fmt::format("there is no tool '{}'", requests[i].name)};
    return {};
  };
  if (auto outcome = parallel_for({}, requests.size(), parallel, make); !outcome)
    return Ran(failure_of(outcome.error()));
  std::optional<Ran> ended;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ChatMessage message{.role = "tool", .tool_call_id = requests[i].id};
    auto ends = tool_message(results[i], message);
    // A failure goes before a question: it is what a retry or an edge may take care of.
    const bool is_worse = ends && (!ended || (ended->stop().state != TaskState::failed &&
                                              ends->stop().state == TaskState::failed));
    if (is_worse) ended = std::move(ends);
    // What the model reads from now on, and all that it says.
    const Taint taint = taint_of_result(body, requests[i], results[i]);
    if (taint != 0) message.tainted = {{.end = message.content.size(), .taint = taint}};
    call.taint |= taint;
    call.messages.push_back(std::move(message));
  }
  return ended;
}

/// With what the tools themselves know of their arguments and their use, where the file is silent.
/// `taint` gets the sources of words that a server wrote: the model reads them like any others.
std::vector<ToolSpec> TaskRun::described_tools(const ReactBody& body, Taint& taint) {
  std::vector<ToolSpec> tools;
  for (const std::size_t at : body.tools) {
    ToolSpec spec = scope_.agent->tools[at];
    const bool is_silent = !spec.schema || spec.description.empty();
    // What cannot be made fails when it is called, and only then.
    const auto tool = is_silent && spec.kind != "agent" ? options().services.tool(spec)
                                                        : Outcome<std::shared_ptr<Tool>>(Failure{});
    if (tool && !spec.schema)
      if (const Value parameters = (*tool)->parameters(); parameters.is_map())
        spec.schema = Schema{.json = parameters};
    if (tool && spec.description.empty()) spec.description = (*tool)->description();
    if (tool && spec.kind == "mcp") taint |= source_of(spec);
    tools.push_back(std::move(spec));
  }
  return tools;
}

/// The conversation so far stands between the system's words and the new question.
void TaskRun::add_history(const ReactBody& body, ModelCall& call) {
  if (!body.messages_key || !scope_.state[*body.messages_key]) return;
  const Value& list = *scope_.state[*body.messages_key];
  call.taint |= list.taint();
  Talk talk = read_talk(list);
  const auto question = call.messages.end() - 1;
  summary_ = std::move(talk.summary);
  if (summary_) summary_->upto += call.messages.size() - 1;
  call.messages.insert(question, std::make_move_iterator(talk.messages.begin()),
                       std::make_move_iterator(talk.messages.end()));
}

/// {messages, value}, or the value where nobody keeps the messages; those from `from` on are new.
Value TaskRun::with_messages(const ReactBody& body, const ModelCall& call, std::size_t from,
                             Value value) const {
  if (!body.messages_key || place_.item >= 0) return value;
  std::vector<Value> messages;
  std::vector<ChatMessage> named = call.messages;
  for (std::size_t i = from; i < named.size(); ++i) {
    named[i].id = fmt::format("{}.{}", effect_key(0), i - from);
    messages.push_back(to_value(named[i], named[i].id));
  }
  if (auto summary = kept_summary(body.llm, named)) messages.push_back(*std::move(summary));
  Value list = Value::list(std::move(messages));
  list.add_taint(call.taint);
  return Value::map({{"messages", std::move(list)}, {"value", std::move(value)}});
}

TaskRun::Ran TaskRun::run_react(const ReactBody& body, const Inputs& inputs) {
  auto call = model_call(body.llm, inputs);
  if (!call) return std::move(call.failure());
  add_history(body, *call);
  const std::size_t from = call->messages.size() - 1;
  const std::vector<ToolSpec> tools = described_tools(body, call->taint);
  for (const ToolSpec& tool : tools) call->tools.push_back(&tool);
  std::uint32_t number = 0;
  for (int turn = 1; turn <= body.max_turns; ++turn) {
    call->turn = turn;
    Ran reply = Value();
    Ran ran = react_turn(body, *call, number, reply);
    if (!ran.ok()) return ran;
    if (ran.value().is_null()) continue;
    return with_messages(body, *call, from,
                         tainted_throughout(std::move(reply.value()), call->taint));
  }
  return Failure{
      "turn_limit",
      fmt::format("the model still asks for tools after {} turns (max_turns)", body.max_turns)};
}

}  // namespace slipway::agents::detail
