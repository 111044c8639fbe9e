#include "app/detail/mcp_agents.hpp"

#include "agents/load.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view prefix = "agent_";
constexpr std::string_view run_key = "run";

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

json::Object schema_of(const agents::Agent& agent) {
  json::Object properties;
  for (const std::size_t at : agent.input) {
    const agents::Key& key = agent.keys[at];
    json::Object property;
    if (const auto type = json_type(key.type); !type.empty()) property["type"] = type;
    properties[key.name] = std::move(property);
  }
  properties["thread"] = json::Object{
      {"type", "string"},
      {"description", "Goes on in this thread of an earlier call; default: a new one"}};
  properties["answers"] = json::Object{
      {"type", "object"},
      {"description", "Answers to the questions of that thread, by their ids, instead of input"}};
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

/// A form of one question of an agent; forms hold plain fields only.
json::Object form_of(const agents::Interrupt& interrupt) {
  if (interrupt.kind == "approval")
    return {{"decision", json::Object{{"type", "string"},
                                      {"enum", json::Array{"approve", "reject"}},
                                      {"description", "Whether it may be done"}}},
            {"reason", json::Object{{"type", "string"}, {"description", "Of a rejection"}}}};
  if (interrupt.kind == "budget")
    return {{"tokens", json::Object{{"type", "integer"}, {"minimum", 0}}},
            {"usd", json::Object{{"type", "number"}, {"minimum", 0}}},
            {"calls", json::Object{{"type", "integer"}, {"minimum", 0}}}};
  if (interrupt.kind == "effect")
    return {{"outcome", json::Object{{"type", "string"},
                                     {"enum", json::Array{"done", "retry", "fail"}},
                                     {"description", "What became of the call"}}},
            {"detail",
             json::Object{{"type", "string"}, {"description", "Its result, or why it failed"}}}};
  return {{"answer", json::Object{{"type", "string"}}}};
}

/// The schema that a `human` node gives, if a form can show it.
std::optional<json::Object> schema_of_human(const agents::Interrupt& interrupt) {
  const json::Value value = agents::to_json(interrupt.value);
  if (!value.is_object()) return std::nullopt;
  const json::Object& schema = mcp::object_of(value.get_object(), "schema");
  if (mcp::text_of(schema, "type") != "object") return std::nullopt;
  for (const auto& [name, property] : mcp::object_of(schema, "properties")) {
    const std::string type =
        property.is_object() ? mcp::text_of(property.get_object(), "type") : std::string();
    if (type != "string" && type != "number" && type != "integer" && type != "boolean")
      return std::nullopt;
  }
  return schema;
}

std::string words_of(const agents::Interrupt& interrupt) {
  const agents::Value& ask = interrupt.value.at("ask");
  if (ask.is_text()) return ask.text();
  return fmt::format("{} of '{}': {}", interrupt.kind, interrupt.node,
                     json::dump(agents::to_json(interrupt.value)));
}

mcp::Question question_of(const agents::Interrupt& interrupt) {
  json::Object schema{{"type", "object"}, {"properties", form_of(interrupt)}};
  if (interrupt.kind == "approval")
    schema["required"] = json::Array{"decision"};
  else if (interrupt.kind == "effect")
    schema["required"] = json::Array{"outcome"};
  else if (auto own = schema_of_human(interrupt); own && interrupt.kind == "human")
    schema = std::move(*own);
  else if (interrupt.kind == "human")
    schema["required"] = json::Array{"answer"};
  return {.key = interrupt.id,
          .method = "elicitation/create",
          .params = {{"message", words_of(interrupt)}, {"requestedSchema", std::move(schema)}}};
}

/// What the form says, in the words of the runtime. Nothing: the person did not answer.
std::optional<agents::Value> answer_of(const agents::Interrupt& interrupt,
                                       const json::Object& answer) {
  const bool is_accepted = mcp::text_of(answer, "action") == "accept";
  const json::Object& content = mcp::object_of(answer, "content");
  const auto reject = [](const std::string& reason) {
    return agents::from_json(json::Object{{"reject", json::Object{{"reason", reason}}}});
  };
  if (interrupt.kind == "approval") {
    if (mcp::text_of(answer, "action") == "decline") return reject("declined");
    if (!is_accepted) return std::nullopt;
    if (mcp::text_of(content, "decision") == "approve") return agents::Value("approve");
    return reject(mcp::text_of(content, "reason"));
  }
  if (!is_accepted) return std::nullopt;
  if (interrupt.kind == "budget") return agents::from_json(json::Object{{"add", content}});
  if (interrupt.kind == "effect") {
    const std::string outcome = mcp::text_of(content, "outcome");
    const std::string detail = mcp::text_of(content, "detail");
    if (outcome == "retry") return agents::from_json(json::Object{{"retry", true}});
    return agents::from_json(json::Object{{outcome, detail}});
  }
  if (schema_of_human(interrupt)) return agents::from_json(content);
  return agents::Value(mcp::text_of(content, "answer"));
}

mcp::Answer told_failure(const Error& error) { return mcp::Answer::tool_error(error.message()); }

mcp::Answer told(const agents::RunResult& result) {
  if (result.status == agents::Status::done) {
    const json::Value output = agents::to_json(result.output);
    json::Object answer{
        {"content", json::Array{mcp::text_content(json::dump(output))}},
        {"_meta", json::Object{{"slipway/thread", result.thread}, {"slipway/run", result.run}}}};
    answer["structuredContent"] = output;
    return answer;
  }
  if (result.status == agents::Status::interrupted) {
    json::Array asked;
    std::string text = "The agent waits for answers. Call this tool again with thread \"" +
                       result.thread + "\" and answers {ID: answer} to:";
    for (const agents::Interrupt& interrupt : result.interrupts) {
      text += fmt::format("\n- {} ({}): {}", interrupt.id, interrupt.kind, words_of(interrupt));
      asked.push_back(json::Object{{"id", interrupt.id},
                                   {"node", interrupt.node},
                                   {"kind", interrupt.kind},
                                   {"value", agents::to_json(interrupt.value)}});
    }
    return json::Object{{"content", json::Array{mcp::text_content(text)}},
                        {"structuredContent", json::Object{{"status", "interrupted"},
                                                           {"thread", result.thread},
                                                           {"interrupts", std::move(asked)}}}};
  }
  return mcp::Answer::tool_error(
      result.error ? fmt::format("{}: {}", result.error->kind, result.error->message)
                   : std::string("the run was cancelled"));
}

class Conversation {
 public:
  Conversation(agents::Host& host, mcp::Call& call, std::string agent)
      : host_(host), call_(call), agent_(std::move(agent)) {}

  mcp::Answer run(const json::Object& arguments) {
    std::string run = mcp::text_of(call_.memory(), run_key);
    if (run.empty()) {
      auto started = start(arguments);
      if (!started) return told_failure(started.error());
      run = started->id;
    }
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
      if (!resumed) return told_failure(resumed.error());
      if (!*resumed) return told(*result);
      run = (*resumed)->id;
    }
    return mcp::Answer::tool_error("the agent asked too often within one call");
  }

 private:
  static constexpr int rounds_max = 32;

  Result<agents::RunInfo> start(const json::Object& arguments) {
    agents::StartRun begun{.agent = agent_,
                           .thread = mcp::text_of(arguments, "thread"),
                           .input = {},
                           .options = {},
                           .resume = {},
                           .metadata = {}};
    begun.metadata["via"] = "mcp";
    begun.caller = call_.principal().name;
    if (const json::Object& answers = mcp::object_of(arguments, "answers"); !answers.empty()) {
      if (begun.thread.empty())
        return fail(Code::invalid_argument, "answers: 'thread' is needed too");
      const auto thread = TRY(host_.thread(begun.thread));
      if (thread.agent != agent_)
        return fail(Code::invalid_argument, "thread '{}' is not one of this agent", begun.thread);
      begun.resume.emplace();
      begun.resume->answered_by = call_.principal().name;
      for (const auto& [id, answer] : answers)
        begun.resume->answers.emplace_back(std::string(id), agents::from_json(answer));
      return host_.start(std::move(begun));
    }
    json::Object input = arguments;
    input.erase("thread");
    input.erase("answers");
    begun.input = agents::from_json(input);
    return host_.start(std::move(begun));
  }

  /// Nothing: not all was answered.
  Result<std::optional<agents::RunInfo>> resume(const agents::RunResult& result,
                                                const json::Object& answers) {
    agents::StartRun begun{.agent = agent_,
                           .thread = result.thread,
                           .input = {},
                           .options = {},
                           .resume = agents::ResumeOptions{},
                           .metadata = {}};
    begun.caller = call_.principal().name;
    begun.resume->answered_by = call_.principal().name;
    for (const agents::Interrupt& interrupt : result.interrupts) {
      auto answer = answer_of(interrupt, mcp::object_of(answers, interrupt.id));
      if (!answer) return std::optional<agents::RunInfo>();
      begun.resume->answers.emplace_back(interrupt.id, std::move(*answer));
    }
    return std::optional(TRY(host_.start(std::move(begun))));
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
    }
    return host_.wait(call_.context(), run);
  }

  agents::Host& host_;
  mcp::Call& call_;
  const std::string agent_;
  int progress_ = 0;
};

}  // namespace

bool is_agent_tool(std::string_view tool) { return tool.starts_with(prefix); }

Result<json::Array> agent_tools(agents::Host& host) {
  json::Array tools;
  for (const agents::AgentInfo& info : TRY(host.agents())) {
    const auto agent = host.loaded_agent(info.name);
    if (!agent || !(*agent)->is_exposed) continue;
    tools.push_back(json::Object{
        {"name", std::string(prefix) + info.name},
        {"title", info.name},
        {"description", info.description.empty() ? fmt::format("Runs the agent '{}'", info.name)
                                                 : info.description},
        {"inputSchema", schema_of(**agent)}});
  }
  return tools;
}

json::Value agent_input_schema(agents::Host& host, const std::string& tool) {
  const auto agent = host.loaded_agent(tool.substr(prefix.size()));
  return agent && (*agent)->is_exposed ? json::Value(schema_of(**agent)) : json::Value();
}

mcp::Answer call_agent(agents::Host& host, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments) {
  const std::string name = tool.substr(prefix.size());
  const auto agent = host.loaded_agent(name);
  if (!agent || !(*agent)->is_exposed) return mcp::unknown_thing(call, "tool", tool);
  return Conversation(host, call, name).run(arguments);
}

}  // namespace slipway::app::detail
