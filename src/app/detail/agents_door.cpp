#include "app/detail/agents_door.hpp"

#include <mutex>

#include "agents/mcp_tools.hpp"
#include "app/detail/agent_collections.hpp"
#include "app/detail/agent_traces.hpp"
#include "app/detail/command_runs.hpp"
#include "core/files.hpp"
#include "tools/check.hpp"
#include "tools/tools.hpp"

namespace slipway::app::detail {

std::function<Result<void>(const agents::ToolSpec&, const agents::Value&)> tool_check() {
  auto registry = std::make_shared<agents::ToolRegistry>();
  registry->add("mcp", agents::mcp_tool_factory());
  // Collections are asked when they are there.
  agents::Collections rag;
  rag.ask = [](const Context&, const agents::RagBody&, const agents::ToolCall&) {
    return agents::ToolResult::failed({"unavailable", "no tool is called while it is checked"});
  };
  tools::add_all(*registry, {.rag = std::move(rag)});
  return [registry](const agents::ToolSpec& spec, const agents::Value& constants) {
    return tools::check_tool(*registry, spec, constants);
  };
}

Result<std::unique_ptr<agents::Runtime>> open_agents(App& app, bool is_kept, bool is_traced) {
  agents::Runtime::Options options;
  if (is_kept) options.data = TRY(app.data_folder());
  // An App is for one thread and opens things when they are first asked for; what it opened is for
  // many.
  auto opening = std::make_shared<std::mutex>();
  options.open_model =
      [&app, opening,
       is_kept](const agents::ModelSpec& spec) -> Result<std::shared_ptr<agents::Model>> {
    const std::lock_guard lock(*opening);
    models::Catalog* catalog = TRY(app.catalog());
    if (is_kept) catalog = TRY(app.priced_catalog(DataFolder::may_be_made));
    return agents::open_chat_model(*catalog, spec);
  };
  options.rag = collections_of(
      {.library = [&app, opening]() -> agents::Outcome<std::shared_ptr<rag::Library>> {
         const std::lock_guard lock(*opening);
         const auto library = app.library();
         if (!library) return agents::failure_of(library.error());
         // The app keeps it.
         return std::shared_ptr<rag::Library>(std::shared_ptr<void>(), *library);
       },
       .is_traced = is_kept && is_traced});
  agents::McpToolOptions mcp;
  if (is_kept && is_traced) mcp.traceparent = traceparent_of_call;
  options.tools.add("mcp", agents::mcp_tool_factory(std::move(mcp)));
  tools::add_all(options.tools, {.rag = options.rag});
  options.code = tools::code_runner();
  return agents::Runtime::open(std::move(options));
}

agents::LoadOptions agent_load_options(App& app) {
  agents::LoadOptions options;
  options.check_tool = tool_check();
  const auto config = app.config();
  if (!config) return options;
  for (const auto& [name, model] : (*config)->config.models)
    if (model.task == models::ModelTask::chat) options.models.push_back(name);
  options.model_price = [&app](const std::string& name) -> agents::ModelPrice {
    const auto catalog = app.catalog();
    if (!catalog) return {.is_known = false};
    return agents::price_in(**catalog, name);
  };
  const auto& declared = (*config)->agents;
  const auto find = [&declared](const std::string& name) -> const agents::DeclaredAgent* {
    for (const agents::DeclaredAgent& agent : declared)
      if (agent.name == name) return &agent;
    return nullptr;
  };
  options.find_agent = [find](const std::string& name) -> Result<std::string> {
    const agents::DeclaredAgent* found = find(name);
    if (found == nullptr) return fail(Code::not_found, "slipway.yaml declares no agent '{}'", name);
    return TRY(agents::texts_of_declared({*found})).at(name);
  };
  options.folder_of_agent = [find](const std::string& name) {
    const agents::DeclaredAgent* found = find(name);
    return found == nullptr ? std::string()
                            : std::filesystem::path(found->file).parent_path().string();
  };
  return options;
}

agents::LoadedAgent find_agent(App& app, const std::string& file_or_name) {
  const agents::LoadOptions options = agent_load_options(app);
  std::error_code ignored;
  if (std::filesystem::exists(file_or_name, ignored))
    return agents::load_agent_file(file_or_name, options);
  std::vector<std::string_view> names;
  const auto config = app.config();
  if (config)
    for (const agents::DeclaredAgent& agent : (*config)->agents) {
      if (agent.name == file_or_name) return agents::load_declared_agent(agent, options);
      names.push_back(agent.name);
    }
  const std::string known = names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
  agents::LoadedAgent nothing;
  nothing.problems.push_back(
      {"file", file_or_name, 0,
       fmt::format(
           "there is no such file, nor an agent of that name in slipway.yaml, which has: {}",
           known),
       false});
  return nothing;
}

Result<agents::AgentPtr> load_agent(App& app, const std::string& file_or_name) {
  const agents::LoadedAgent loaded = find_agent(app, file_or_name);
  for (const agents::Problem& problem : loaded.problems)
    if (problem.is_warning)
      app.note(fmt::format("{}:{}: {}", problem.file, problem.line, problem.message));
  if (!loaded.ok()) return loaded.error();
  return loaded.agent;
}

Result<agents::Value> read_json_option(const std::string& text, std::string_view what) {
  std::string json = text;
  constexpr std::uint64_t bytes_max = 64u << 20;
  if (!text.empty() && text.front() == '@') json = TRY(read_file(text.substr(1), bytes_max));
  return agents::parse_json(json).within(what);
}

agents::EventSink AgentRunTraces::sink() {
  if (!is_kept_) return {};
  return [this](agents::Event event) {
    constexpr std::size_t events_max = 100'000;
    if (event.type == "token") return;
    events_.with([&](auto& events) {
      if (events.size() < events_max) events.push_back(std::move(event));
    });
  };
}

void AgentRunTraces::keep(const std::string& thread) {
  auto events = events_.with([](auto& all) { return std::exchange(all, {}); });
  if (events.empty()) return;
  const auto runs = app_.runs(DataFolder::may_be_made);
  if (!runs) {
    app_.note(fmt::format("This is not among the traces: {}", runs.error().message()));
    return;
  }
  if ((*runs)->recorder() == nullptr) return;
  const auto trace = trace_runs(*(*runs)->recorder());
  for (const agents::Event& event : events) trace(thread, event);
}

int print_result(App& app, const agents::RunResult& result) {
  if (app.options().json) {
    app.print(agents::dump(result.json()) + "\n");
  } else {
    // What was refused is no run.
    app.print(result.run.empty()
                  ? fmt::format("{} (thread {})\n", json::name(result.status), result.thread)
                  : fmt::format("{} {} (thread {}, run {})\n", json::name(result.status),
                                result.checkpoint, result.thread, result.run));
    for (const agents::RunError& error : result.errors)
      app.print(fmt::format("error {}{}: {}\n", error.kind,
                            error.node.empty() ? "" : " at " + error.node, error.message));
    for (const agents::Interrupt& interrupt : result.interrupts)
      app.print(fmt::format("waits: {} {} at {}: {}\n", interrupt.id, interrupt.kind,
                            interrupt.path, agents::in_words(interrupt.value)));
    app.print(json::dump_pretty(agents::to_json(result.output)));
    if (result.calls > 0)
      app.print(fmt::format("{} call{}, {} tokens, {} USD\n", result.calls,
                            result.calls == 1 ? "" : "s", result.tokens,
                            agents::real_text(result.usd)));
  }
  return result.status == agents::Status::failed ? exit_failed : exit_done;
}

}  // namespace slipway::app::detail
