#include "app/detail/agents_door.hpp"

#include <mutex>

#include "agents/mcp_tools.hpp"
#include "core/files.hpp"
#include "tools/tools.hpp"

namespace slipway::app::detail {

agents::Outcome<agents::Value> ask_library(rag::Library& library, const Context& context,
                                           const agents::RagBody& body,
                                           const agents::Value& asked) {
  std::optional<json::Value> filter;
  if (!asked.at("filter").is_null()) filter = agents::to_json(asked.at("filter"));
  if (body.is_ask) {
    rag::AskRequest request{.collection = agents::in_words(asked.at("collection")),
                            .question = agents::in_words(asked.at("question")),
                            .limit = body.limit,
                            .filter = filter};
    auto answer = library.ask(context, request);
    if (!answer) return agents::failure_of(answer.error());
    return agents::from_json(rag::to_json(*answer));
  }
  rag::SearchRequest request{.collection = agents::in_words(asked.at("collection")),
                             .query = agents::in_words(asked.at("question")),
                             .limit = body.limit,
                             .filter = filter};
  auto reply = library.search(context, request);
  if (!reply) return agents::failure_of(reply.error());
  return agents::from_json(json::to(reply->items));
}

Result<std::unique_ptr<agents::Runtime>> open_agents(App& app, bool is_kept) {
  agents::Runtime::Options options;
  if (is_kept) options.data = TRY(app.data_folder());
  // An App is for one thread and opens things when they are first asked for; what it opened is for
  // many.
  auto opening = std::make_shared<std::mutex>();
  options.open_model =
      [&app, opening](const agents::ModelSpec& spec) -> Result<std::shared_ptr<agents::Model>> {
    const std::lock_guard lock(*opening);
    return agents::open_chat_model(*TRY(app.catalog()), spec);
  };
  options.rag = [&app, opening](const Context& context, const agents::RagBody& body,
                                const agents::Value& asked) -> agents::Outcome<agents::Value> {
    const auto library = [&]() -> Result<rag::Library*> {
      const std::lock_guard lock(*opening);
      return app.library();
    }();
    if (!library) return agents::failure_of(library.error());
    return ask_library(**library, context, body, asked);
  };
  options.tools.add("mcp", agents::mcp_tool_factory());
  tools::add_all(options.tools, {.rag = options.rag});
  options.code = tools::code_runner();
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
