#include "app/detail/mcp_agents.hpp"

#include <algorithm>

#include "agents/load.hpp"
#include "agents/spending.hpp"
#include "app/detail/mcp_forms.hpp"
#include "app/detail/mcp_place.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view agent_prefix = "agent_", tool_prefix = "tool_", resume_tool = "resume";
constexpr std::string_view run_key = "run", uri_prefix = "slipway://agents/";

std::string_view json_type(agents::Type type) {
  switch (type) {
    case agents::Type::text: return "string";
    case agents::Type::boolean: return "boolean";
    case agents::Type::integer: return "integer";
    case agents::Type::number: return "number";
    case agents::Type::list: return "array";
    case agents::Type::map: return "object";
    default: return "";
  }
}

json::Object thread_field(std::string_view description) {
  return {{"type", "string"}, {"description", description}};
}
json::Object answers_field() {
  return {{"type", "object"},
          {"description", "Answers to the questions of that thread, by their ids"}};
}

json::Object schema_of(const agents::Agent& agent) {
  json::Object properties;
  for (const std::size_t at : agent.input) {
    const agents::Key& key = agent.keys[at];
    json::Object property;
    if (const auto type = json_type(key.type); !type.empty()) property["type"] = type;
    properties[key.name] = std::move(property);
  }
  properties["thread"] =
      thread_field("Goes on in this thread of an earlier call; default: a new one");
  properties["answers"] = answers_field();
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

json::Object resume_schema() {
  return {{"type", "object"},
          {"properties", json::Object{{"thread", thread_field("That an earlier call told")},
                                      {"answers", answers_field()}}},
          {"required", json::Array{"thread"}}};
}

/// What is asked for by a tool's name, as the host knows it: "research" or "research/search".
struct Target {
  std::string name;
  bool is_tool = false;
};

std::string tool_name(std::string_view agent, std::string_view tool) {
  return fmt::format("{}{}_{}", tool_prefix, agent, tool);
}

/// "tool_a_b_c" may be b_c of a, or c of a_b: the first that there is.
std::optional<Target> find_tool(agents::Host& host, std::string_view name) {
  name.remove_prefix(tool_prefix.size());
  for (auto cut = name.find('_'); cut != std::string_view::npos; cut = name.find('_', cut + 1)) {
    std::string target = fmt::format("{}/{}", name.substr(0, cut), name.substr(cut + 1));
    if (host.agent(target)) return Target{std::move(target), true};
  }
  return std::nullopt;
}

std::optional<Target> find_target(agents::Host& host, const std::string& name) {
  if (name.starts_with(tool_prefix)) return find_tool(host, name);
  if (!name.starts_with(agent_prefix)) return std::nullopt;
  std::string agent_name = name.substr(agent_prefix.size());
  if (agent_name.find('/') != std::string::npos) return std::nullopt;
  const auto agent = host.loaded_agent(agent_name);
  if (!agent || !(*agent)->is_exposed) return std::nullopt;
  return Target{std::move(agent_name), false};
}

bool is_served(agents::Host& host, const std::string& name) {
  if (name.find('/') != std::string::npos) return host.agent(name).ok();
  const auto agent = host.loaded_agent(name);
  return agent && (*agent)->is_exposed;
}

mcp::Answer told_failure(const Error& error) { return mcp::Answer::tool_error(error.message()); }

class Conversation {
 public:
  Conversation(const McpAgents& door, mcp::Call& call, Target target)
      : door_(door), host_(door.host), call_(call), target_(std::move(target)) {}

  mcp::Answer run(const json::Object& arguments) {
    std::string run = mcp::text_of(call_.memory(), run_key);
    if (run.empty()) {
      auto started = start(arguments);
      if (!started) return told_failure(started.error());
      run = started->id;
    }
    return talk(std::move(run));
  }

  /// Goes on with a thread: with answers, or to see what became of it.
  mcp::Answer resume_thread(const std::string& thread, const json::Object& answers) {
    std::string run = mcp::text_of(call_.memory(), run_key);
    if (run.empty() && !answers.empty()) {
      auto resumed = start_answered(thread, answers);
      if (!resumed) return told_failure(resumed.error());
      run = resumed->id;
    } else if (run.empty()) {
      const auto runs = host_.runs(thread, 1, 0);
      if (!runs) return told_failure(runs.error());
      if (runs->empty())
        return mcp::Answer::tool_error(fmt::format("thread '{}' has no run yet", thread));
      run = runs->front().id;
    }
    return talk(std::move(run));
  }

 private:
  static constexpr int rounds_max = 32;

  mcp::Answer talk(std::string run) {
    for (int round = 0; round < rounds_max; ++round) {
      auto result = follow(run);
      if (!result) return told_failure(result.error());
      if (result->status != agents::Status::interrupted || !call_.client_can("elicitation"))
        return told(*result);
      call_.memory()[run_key] = run;
      std::vector<mcp::Question> questions;
      for (const agents::Interrupt& interrupt : result->interrupts)
        questions.push_back(question_of(interrupt));
      const auto answers = call_.ask(questions);
      if (!answers) return call_.pending();
      auto resumed = resume(*result, *answers);
      if (!resumed)
        return mcp::Answer::tool_error(
            fmt::format("{}; thread '{}' still waits", resumed.error().message(), result->thread));
      if (!*resumed) return told(*result);
      run = (*resumed)->id;
    }
    return mcp::Answer::tool_error("the agent asked too often within one call");
  }

  agents::StartRun begun(const std::string& thread) const {
    agents::StartRun begun{.agent = target_.name,
                           .thread = thread,
                           .input = {},
                           .options = {},
                           .resume = {},
                           .metadata = {}};
    begun.metadata["via"] = "mcp";
    begun.caller = call_.principal().name;
    begun.origin = agents::run_origin(said_by(call_));
    if (!call_.principal().name.empty()) begun.metadata["key"] = call_.principal().name;
    return begun;
  }

  Result<agents::RunInfo> start(const json::Object& arguments) {
    if (target_.is_tool) {
      agents::StartRun start = begun("");
      start.input = agents::from_json(json::Object{{"arguments", arguments}});
      return host_.start(std::move(start));
    }
    const std::string thread = mcp::text_of(arguments, "thread");
    if (const json::Object& answers = mcp::object_of(arguments, "answers"); !answers.empty()) {
      if (thread.empty()) return fail(Code::invalid_argument, "answers: 'thread' is needed too");
      return start_answered(thread, answers);
    }
    json::Object input = arguments;
    input.erase("thread");
    input.erase("answers");
    agents::StartRun start = begun(thread);
    start.input = agents::from_json(input);
    return host_.start(std::move(start));
  }

  /// Answers that came as arguments, from a model perhaps.
  Result<agents::RunInfo> start_answered(const std::string& thread, const json::Object& answers) {
    const auto known = TRY(host_.thread(thread));
    if (known.agent != target_.name)
      return fail(Code::invalid_argument, "thread '{}' is not one of this agent", thread);
    TRY(check_may_answer(thread, answers));
    agents::StartRun start = begun(thread);
    start.metadata = {};
    start.resume.emplace();
    start.resume->answered_by = call_.principal().name;
    for (const auto& [id, answer] : answers)
      start.resume->answers.emplace_back(std::string(id), agents::from_json(answer));
    return host_.start(std::move(start));
  }

  /// Only a person decides what may be done and spent, unless the configuration says otherwise.
  Result<void> check_may_answer(const std::string& thread, const json::Object& answers) {
    if (door_.lets_clients_approve) return {};
    const auto runs = TRY(host_.runs(thread, 1, 0));
    if (runs.empty()) return {};
    const auto result = TRY(host_.result(runs.front().id));
    for (const agents::Interrupt& interrupt : result.interrupts)
      if (interrupt.kind != "human" && answers.contains(interrupt.id))
        return fail(Code::forbidden,
                    "{} '{}' is for a person: answer it on the page of the agent, by 'slipway "
                    "agent approve {} {}', or let clients do it with mcp.approvals: client in "
                    "slipway.yaml",
                    interrupt.kind, interrupt.id, thread, interrupt.id);
    return {};
  }

  /// Nothing: not all was answered.
  Result<std::optional<agents::RunInfo>> resume(const agents::RunResult& result,
                                                const json::Object& answers) {
    agents::StartRun start = begun(result.thread);
    start.metadata = {};
    start.resume.emplace();
    start.resume->answered_by = call_.principal().name;
    for (const agents::Interrupt& interrupt : result.interrupts) {
      auto answer = TRY(answer_of(interrupt, mcp::object_of(answers, interrupt.id)));
      if (!answer) return std::optional<agents::RunInfo>();
      start.resume->answers.emplace_back(interrupt.id, std::move(*answer));
    }
    return std::optional(TRY(host_.start(std::move(start))));
  }

  /// Tells progress until the run ends; who cancels the call cancels the run.
  Result<agents::RunResult> follow(const std::string& run) {
    const agents::RunInfo info = TRY(host_.run(run));
    std::uint64_t seen = 0;
    int steps = 0;
    while (true) {
      auto event = host_.next_event(call_.context(), info.thread, run, seen);
      if (!event) {
        if (call_.context().check()) return std::move(event.error());
        (void)host_.cancel(Context().with_timeout(std::chrono::seconds(10)), run).ok();
        return std::move(event.error());
      }
      if (!*event) break;
      seen = (*event)->id;
      if ((*event)->type == "step.finished" || (*event)->type == "task.started")
        call_.progress(++progress_, {}, fmt::format("{} {}", (*event)->type, ++steps));
      if (const agents::Value& words = (*event)->data.at("value").at("message");
          (*event)->type == "custom" && words.is_text())
        call_.progress(++progress_, {}, words.text());
    }
    return host_.wait(call_.context(), run);
  }

  mcp::Answer told(const agents::RunResult& result) const {
    if (result.status == agents::Status::done) return told_done(result);
    if (result.status == agents::Status::interrupted) return told_waiting(result);
    return mcp::Answer::tool_error(
        result.error ? fmt::format("{}: {}", result.error->kind, result.error->message)
                     : std::string("the run was cancelled"));
  }

  /// For who keeps a budget around this one. Which tokens were read is not told apart.
  static json::Value spent_of(const agents::RunResult& result) {
    return agents::to_json(
        agents::spending_value({.usage = {.input_tokens = result.tokens}, .usd = result.usd}));
  }

  /// Of an agent its output, of a tool what it gave.
  mcp::Answer told_done(const agents::RunResult& result) const {
    const agents::Value given = target_.is_tool ? result.output.at("value") : result.output;
    const json::Value output = agents::to_json(given);
    const std::string text = given.is_text() ? given.text() : json::dump(output);
    json::Object answer{{"content", json::Array{mcp::text_content(text)}},
                        {"_meta", json::Object{{"slipway/thread", result.thread},
                                               {"slipway/run", result.run},
                                               {agents::spending_key, spent_of(result)}}}};
    // Structured content of older revisions is an object.
    answer["structuredContent"] =
        output.is_object() ? output : json::Value(json::Object{{"result", output}});
    return answer;
  }

  mcp::Answer told_waiting(const agents::RunResult& result) const {
    json::Array asked;
    bool needs_person = false;
    std::string text = fmt::format(
        "The {} waits for answers. Call the tool '{}' with thread \"{}\" and answers {{ID: "
        "ANSWER}} "
        "to:",
        target_.is_tool ? "tool" : "agent", resume_tool, result.thread);
    for (const agents::Interrupt& interrupt : result.interrupts) {
      needs_person = needs_person || interrupt.kind != "human";
      text += fmt::format("\n- {} ({}): {}\n  ANSWER: {}", interrupt.id, interrupt.kind,
                          words_of(interrupt), answer_format(interrupt));
      asked.push_back(json::Object{{"id", interrupt.id},
                                   {"node", interrupt.node},
                                   {"kind", interrupt.kind},
                                   {"value", agents::to_json(interrupt.value)}});
    }
    if (needs_person && !door_.lets_clients_approve)
      text += fmt::format(
          "\nA person must decide this, on the page of the agent or by 'slipway agent approve {} "
          "ID'. After that call '{}' with the thread alone.",
          result.thread, resume_tool);
    return json::Object{{"content", json::Array{mcp::text_content(text)}},
                        {"structuredContent", json::Object{{"status", "interrupted"},
                                                           {"thread", result.thread},
                                                           {"interrupts", std::move(asked)}}}};
  }

  const McpAgents& door_;
  agents::Host& host_;
  mcp::Call& call_;
  const Target target_;
  int progress_ = 0;
};

/// What the file says, else what the tool knows of itself.
json::Value tool_schema(const McpAgents& door, const agents::ToolSpec& spec) {
  json::Value schema;
  if (spec.schema)
    schema = agents::to_json(spec.schema->json);
  else if (const auto tool = door.tools.make(spec))
    schema = agents::to_json((*tool)->parameters());
  if (!schema.is_object()) return json::Object{{"type", "object"}};
  if (!schema.get_object().contains("type")) schema.get_object()["type"] = "object";
  return schema;
}

std::string tool_description(const McpAgents& door, const agents::ToolSpec& spec,
                             std::string_view agent) {
  std::string text = spec.description;
  if (text.empty())
    if (const auto tool = door.tools.make(spec)) text = (*tool)->description();
  if (text.empty()) text = fmt::format("The tool '{}' of the agent '{}'", spec.name, agent);
  if (spec.is_high_risk || spec.approve) text += " (a person may be asked before it is called)";
  return text;
}

const agents::ToolSpec* spec_of(const agents::Agent& agent, const std::string& name) {
  const std::string tool = name.substr(name.find('/') + 1);
  const auto found = std::find_if(agent.tools.begin(), agent.tools.end(),
                                  [&](const auto& spec) { return spec.name == tool; });
  return found == agent.tools.end() ? nullptr : &*found;
}

void add_tools_of(const McpAgents& door, const std::string& name, const agents::Agent& agent,
                  json::Array& tools) {
  for (const agents::ToolSpec& spec : agent.tools) {
    if (!spec.is_exposed) continue;
    std::string called = tool_name(name, spec.name);
    const auto found = find_tool(door.host, called);
    if (!found || found->name != fmt::format("{}/{}", name, spec.name)) continue;
    const bool is_pure = spec.effect == agents::Effect::pure && !spec.is_high_risk;
    tools.push_back(json::Object{
        {"name", std::move(called)},
        {"title", spec.name},
        {"description", tool_description(door, spec, name)},
        {"inputSchema", tool_schema(door, spec)},
        {"annotations",
         json::Object{{"readOnlyHint", is_pure},
                      {"destructiveHint", spec.is_high_risk},
                      {"idempotentHint", spec.effect != agents::Effect::at_most_once}}}});
  }
}

json::Object card_of(const agents::Agent& agent) {
  json::Array output, nodes, tools;
  for (const std::size_t at : agent.output) output.emplace_back(agent.keys[at].name);
  for (const agents::Node& node : agent.nodes) nodes.emplace_back(node.name);
  for (const agents::ToolSpec& tool : agent.tools)
    tools.push_back(json::Object{{"name", tool.name},
                                 {"kind", tool.kind},
                                 {"description", tool.description},
                                 {"risk", tool.is_high_risk ? "high" : "low"},
                                 {"exposed", tool.is_exposed}});
  return {{"name", agent.name},
          {"description", agent.description},
          {"tool", std::string(agent_prefix) + agent.name},
          {"inputSchema", schema_of(agent)},
          {"output", std::move(output)},
          {"nodes", std::move(nodes)},
          {"tools", std::move(tools)}};
}

}  // namespace

bool is_agent_tool(std::string_view tool) {
  return tool.starts_with(agent_prefix) || tool.starts_with(tool_prefix) || tool == resume_tool;
}

Result<json::Array> agent_tools(const McpAgents& door) {
  json::Array tools;
  for (const agents::AgentInfo& info : TRY(door.host.agents())) {
    const auto agent = door.host.loaded_agent(info.name);
    if (!agent) continue;
    if ((*agent)->is_exposed)
      tools.push_back(json::Object{
          {"name", std::string(agent_prefix) + info.name},
          {"title", info.name},
          {"description", info.description.empty() ? fmt::format("Runs the agent '{}'", info.name)
                                                   : info.description},
          {"inputSchema", schema_of(**agent)}});
    add_tools_of(door, info.name, **agent, tools);
  }
  if (!tools.empty())
    tools.push_back(json::Object{
        {"name", resume_tool},
        {"title", "Go on with a thread"},
        {"description",
         "Goes on with a run of an agent that waits for answers, or tells what became of it"},
        {"inputSchema", resume_schema()}});
  return tools;
}

json::Value agent_input_schema(const McpAgents& door, const std::string& tool) {
  if (tool == resume_tool) return resume_schema();
  const auto target = find_target(door.host, tool);
  if (!target) return {};
  if (!target->is_tool) {
    const auto agent = door.host.loaded_agent(target->name);
    return agent ? json::Value(schema_of(**agent)) : json::Value();
  }
  const auto agent = door.host.loaded_agent(target->name.substr(0, target->name.find('/')));
  const agents::ToolSpec* spec = agent ? spec_of(**agent, target->name) : nullptr;
  return spec == nullptr ? json::Value() : tool_schema(door, *spec);
}

mcp::Answer call_agent(const McpAgents& door, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments) {
  if (tool == resume_tool) {
    const std::string thread = mcp::text_of(arguments, "thread");
    const auto info = door.host.thread(thread);
    if (!info || !is_served(door.host, info->agent))
      return mcp::Answer::tool_error(
          fmt::format("there is no thread '{}' of an agent that is exposed", thread));
    const Target target{info->agent, info->agent.find('/') != std::string::npos};
    return Conversation(door, call, target)
        .resume_thread(thread, mcp::object_of(arguments, "answers"));
  }
  const auto target = find_target(door.host, tool);
  if (!target) return mcp::unknown_thing(call, "tool", tool);
  return Conversation(door, call, *target).run(arguments);
}

Result<json::Array> agent_resources(const McpAgents& door) {
  json::Array resources;
  for (const agents::AgentInfo& info : TRY(door.host.agents()))
    if (is_served(door.host, info.name))
      resources.push_back(json::Object{{"uri", std::string(uri_prefix) + info.name},
                                       {"name", info.name},
                                       {"description", info.description},
                                       {"mimeType", "application/json"}});
  return resources;
}

bool is_agent_resource(std::string_view uri) { return uri.starts_with(uri_prefix); }

mcp::Answer read_agent_resource(const McpAgents& door, mcp::Call& call, const std::string& uri) {
  const std::string name = uri.substr(uri_prefix.size());
  const auto agent = door.host.loaded_agent(name);
  if (!agent || name.find('/') != std::string::npos || !(*agent)->is_exposed)
    return mcp::unknown_thing(call, "resource", uri);
  return json::Object{
      {"contents", json::Array{json::Object{{"uri", uri},
                                            {"mimeType", "application/json"},
                                            {"text", json::dump(card_of(**agent))}}}}};
}

}  // namespace slipway::app::detail
