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

Value to_value(const ChatMessage& message, const std::string& id) {
  Value value = Value::map({{"id", id}, {"role", message.role}, {"content", message.content}});
  if (!message.tool_call_id.empty()) value.put("tool_call_id", message.tool_call_id);
  if (message.is_error) value.put("is_error", true);
  if (message.tool_calls.empty()) return value;
  std::vector<Value> calls;
  for (const ToolRequest& call : message.tool_calls)
    calls.push_back(Value::map({{"id", call.id}, {"name", call.name}, {"args", call.args}}));
  value.put("tool_calls", Value::list(std::move(calls)));
  return value;
}

}  // namespace

/// One call of the model and the calls of tools that it asks for. Gives the model's text when it
/// asks for none.
TaskRun::Ran TaskRun::react_turn(const ReactBody& body, const Inputs& inputs, ModelCall& call,
                                 std::uint32_t& number, bool& is_final) {
  const ModelSpec& spec = scope_.agent->models[body.llm.model];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  Ran said = call_model(spec, **model, call, number++);
  if (!said.ok()) return said;
  const std::vector<ToolRequest> requests = requests_of(said.value(), call.taint);
  const std::string text = said.value().at("text").text();
  call.messages.push_back({.role = "assistant", .content = text, .tool_calls = requests});
  is_final = requests.empty();
  if (is_final) return Value(text);
  const std::uint32_t first = number;
  number += static_cast<std::uint32_t>(requests.size());
  if (auto ended = answer_requests(body, inputs, call, first)) return *std::move(ended);
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
std::optional<TaskRun::Ran> TaskRun::answer_requests(const ReactBody& body, const Inputs& inputs,
                                                     ModelCall& call, std::uint32_t number) {
  const std::vector<ToolRequest> requests = call.messages.back().tool_calls;
  std::vector<Ran> results(requests.size(), Ran(Value()));
  const auto make = [&](std::size_t i) -> Result<void> {
    for (const std::size_t tool : body.tools) {
      const ToolSpec& spec = scope_.agent->tools[tool];
      if (spec.name != requests[i].name) continue;
      const std::uint32_t at = number + static_cast<std::uint32_t>(i);
      if (const Failure* told = told_failure(at, number + requests.size()))
        results[i] = *told;
      else
        results[i] = call_tool(spec, requests[i].args, at, inputs);
      return {};
    }
    results[i] = Failure{"tool", fmt::format("there is no tool '{}'", requests[i].name)};
    return {};
  };
  const auto parallel = static_cast<std::size_t>(scope_.agent->limits.parallel);
  if (auto outcome = parallel_for({}, requests.size(), std::min(parallel, requests.size()), make);
      !outcome)
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

TaskRun::Ran TaskRun::run_react(const ReactBody& body, const Inputs& inputs) {
  auto call = model_call(body.llm, inputs);
  if (!call) return std::move(call.failure());
  std::size_t from = call->messages.size() - 1;
  if (body.messages_key && scope_.state[*body.messages_key]) {
    // The conversation so far stands between the system's words and the new question.
    const Taint taint = scope_.state[*body.messages_key]->taint();
    call->taint |= taint;
    std::vector<ChatMessage> before;
    for (const Value& item : scope_.state[*body.messages_key]->items()) {
      ChatMessage message{.role = in_words(item.at("role")),
                          .content = in_words(item.at("content")),
                          .tool_calls = requests_of(item, taint),
                          .tool_call_id = in_words(item.at("tool_call_id"))};
      if (taint != 0 && message.role == "tool")
        message.tainted = {{.end = message.content.size(), .taint = taint}};
      if (message.role == "human") message.role = "user";
      if (message.role == "ai") message.role = "assistant";
      before.push_back(std::move(message));
    }
    call->messages.insert(call->messages.end() - 1, before.begin(), before.end());
    from += before.size();
  }
  const std::vector<ToolSpec> tools = described_tools(body, call->taint);
  for (const ToolSpec& tool : tools) call->tools.push_back(&tool);
  std::uint32_t number = 0;
  for (int turn = 1; turn <= body.max_turns; ++turn) {
    call->turn = turn;
    bool is_final = false;
    Ran ran = react_turn(body, inputs, *call, number, is_final);
    if (!ran.ok()) return ran;
    if (!is_final) continue;
    Ran parsed = parse_reply(body.llm, ran.value().text());
    if (!parsed.ok()) spoil_model_call(parsed.stop().failure);
    if (!parsed.ok()) return parsed;
    Value value = tainted_throughout(std::move(parsed.value()), call->taint);
    if (!body.messages_key || place_.item >= 0) return value;
    std::vector<Value> messages;
    for (std::size_t i = from; i < call->messages.size(); ++i)
      messages.push_back(
          to_value(call->messages[i], fmt::format("{}.{}", effect_key(0), i - from)));
    Value list = Value::list(std::move(messages));
    list.add_taint(call->taint);
    return Value::map({{"messages", std::move(list)}, {"value", std::move(value)}});
  }
  return Failure{
      "turn_limit",
      fmt::format("the model still asks for tools after {} turns (max_turns)", body.max_turns)};
}

}  // namespace slipway::agents::detail
