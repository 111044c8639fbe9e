#include "app/detail/agents_door.hpp"

#include "core/files.hpp"

namespace slipway::app::detail {

Result<std::unique_ptr<agents::Runtime>> open_agents(App& app) {
  agents::Runtime::Options options;
  options.data = TRY(app.data_folder());
  options.open_model =
      [&app](const agents::ModelSpec& spec) -> Result<std::shared_ptr<agents::Model>> {
    return agents::open_chat_model(*TRY(app.catalog()), spec);
  };
  return agents::Runtime::open(std::move(options));
}

agents::LoadOptions agent_load_options(App& app) {
  agents::LoadOptions options;
  if (const auto config = app.config())
    for (const auto& [name, model] : (*config)->config.models)
      if (model.task == models::ModelTask::chat) options.models.push_back(name);
  return options;
}

Result<agents::AgentPtr> load_agent(App& app, const std::string& file) {
  const agents::LoadedAgent loaded = agents::load_agent_file(file, agent_load_options(app));
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

int print_result(App& app, const agents::RunResult& result) {
  if (app.options().json) {
    app.print(agents::dump(result.json()) + "\n");
  } else {
    app.print(fmt::format("{} {} (thread {}, run {})\n", json::name(result.status),
                          result.checkpoint, result.thread, result.run));
    for (const agents::RunError& error : result.errors)
      app.print(fmt::format("error {}{}: {}\n", error.kind,
                            error.node.empty() ? "" : " at " + error.node, error.message));
    for (const agents::Interrupt& interrupt : result.interrupts)
      app.print(fmt::format("waits: {} {} at {}: {}\n", interrupt.id, interrupt.kind,
                            interrupt.path, agents::in_words(interrupt.value)));
    app.print(json::dump_pretty(agents::to_json(result.output)));
    if (result.calls > 0)
      app.print(fmt::format("{} calls, {} tokens, {} USD\n", result.calls, result.tokens,
                            agents::real_text(result.usd)));
  }
  return result.status == agents::Status::failed ? exit_failed : exit_done;
}

}  // namespace slipway::app::detail
