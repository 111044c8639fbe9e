#include "app/detail/agent_target.hpp"

#include "app/detail/agents_door.hpp"
#include "core/guarded.hpp"

namespace slipway::app::detail {

namespace {

/// A call of a tool that has ended, as a golden has it; nothing: the event is about something else.
std::optional<eval::ToolCall> tool_call_of(const agents::Event& event) {
  if (event.type != "tool") return std::nullopt;
  const agents::Value& state = event.data.at("state");
  if (!state.is_text() || (state.text() != "done" && state.text() != "failed")) return std::nullopt;
  eval::ToolCall call;
  call.name = agents::in_words(event.data.at("tool"));
  call.input_parameters = agents::to_json(event.data.at("args"));
  if (call.input_parameters.is_null()) call.input_parameters = json::Object();
  const bool is_done = state.text() == "done";
  const agents::Value& came = event.data.at(is_done ? "result" : "error");
  if (!came.is_null()) call.output = agents::to_json(came);
  return call;
}

Error failed(const agents::RunResult& result) {
  if (result.status == agents::Status::cancelled) return fail(Code::cancelled, "was cancelled");
  if (result.error)
    return fail(Code::unavailable, "{}{}: {}", result.error->kind,
                result.error->node.empty() ? "" : " at " + result.error->node,
                result.error->message);
  if (!result.interrupts.empty())
    return fail(Code::unavailable, "it waits for an answer ({} at {}); nobody gives one here",
                result.interrupts.front().kind, result.interrupts.front().path);
  return fail(Code::unavailable, "ended as {}", json::name(result.status));
}

Result<eval::AgentAnswer> ask(agents::Runtime& runtime, const agents::AgentPtr& agent,
                              const Context& context, const json::Object& input) {
  const auto tools = std::make_shared<Guarded<std::vector<eval::ToolCall>>>();
  agents::RunOptions options;
  options.durability = agents::Durability::none;
  options.on_event = [tools](const agents::Event& event) {
    if (auto call = tool_call_of(event))
      tools->with([&](auto& all) { all.push_back(std::move(*call)); });
  };
  const agents::RunResult result =
      runtime.run(context, agent, agents::from_json(json::Value(input)), options);
  if (result.status != agents::Status::done) return failed(result);
  (void)runtime.remove(result.thread);
  return eval::AgentAnswer{.output = agents::to_json(result.output),
                           .tools = tools->with([](auto& all) { return std::move(all); }),
                           .cost_usd = result.usd};
}

}  // namespace

Result<eval::OpenAgent> open_agent_target(App& app, const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    return fail(Code::not_found, "{}: there is no such file of an agent", file.string());
  const agents::AgentPtr agent = TRY(load_agent(app, file.string()));
  const std::shared_ptr<agents::Runtime> runtime = TRY(open_agents(app, false));
  eval::OpenAgent opened;
  for (const std::size_t key : agent->input) opened.inputs.push_back(agent->keys[key].name);
  opened.identity = agent->hash;
  opened.ask = [runtime, agent](const Context& context, const json::Object& input) {
    return ask(*runtime, agent, context, input);
  };
  return opened;
}

}  // namespace slipway::app::detail
