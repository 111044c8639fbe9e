#include "app/commands.hpp"
#include "app/detail/agents_door.hpp"

namespace slipway::app {

namespace {

/// A model that a setting names must be known to the catalog.
Result<void> check_model(const std::vector<models::ModelInfo>& known, models::ModelTask task,
                         const std::string& name, const std::string& setting) {
  std::vector<std::string_view> fitting;
  for (const models::ModelInfo& model : known) {
    if (model.task != task) continue;
    if (model.name == name) return {};
    fitting.push_back(model.name);
  }
  return fail(Code::invalid_argument, "{}: there is no {} model '{}'; there are: {}", setting,
              json::name(task), name, fmt::join(fitting, ", "));
}

Result<void> check_names(App& app) {
  const LoadedConfig& loaded = *TRY(app.config());
  const auto known = TRY(TRY(app.catalog())->list());
  const auto check = [&](models::ModelTask task, const std::string& name,
                         const std::string& path) -> Result<void> {
    return check_model(known, task, name, loaded.origin(path) + ": " + path.substr(2));
  };
  const Config& config = loaded.config;
  TRY(check(models::ModelTask::embed, config.defaults.embedder, "$.defaults.embedder"));
  TRY(check(models::ModelTask::chat, config.defaults.chat_model, "$.defaults.chat_model"));
  for (const auto& [name, settings] : config.collections) {
    if (!settings.embedder.empty())
      TRY(check(models::ModelTask::embed, settings.embedder,
                "$.collections." + name + ".embedder"));
    if (!settings.reranker.empty())
      TRY(check(models::ModelTask::rerank, settings.reranker,
                "$.collections." + name + ".reranker"));
    if (const auto& named = settings.defaults.reranker; named && !named->empty())
      TRY(check(models::ModelTask::rerank, *named, "$.collections." + name + ".defaults.reranker"));
    if (const auto& named = settings.defaults.answer_model; named && !named->empty())
      TRY(check(models::ModelTask::chat, *named,
                "$.collections." + name + ".defaults.answer_model"));
    if (settings.contextual && !settings.contextual->model.empty())
      TRY(check(models::ModelTask::chat, settings.contextual->model,
                "$.collections." + name + ".contextual.model"));
  }
  for (const auto& [name, model] : config.models)
    if (model.provider == models::Provider::late_interaction && !model.model.empty())
      TRY(check(models::ModelTask::embed, model.model, "$.models." + name + ".model"));
  return {};
}

/// All agents of the configuration as a server would load them. Warnings are told.
Result<void> check_agents(App& app) {
  const LoadedConfig& loaded = *TRY(app.config());
  const auto made = TRY(agents::load_declared(loaded.agents, detail::agent_load_options(app)));
  for (const auto& [name, one] : made)
    for (const agents::Problem& problem : one.loaded.problems)
      app.note(fmt::format("{}:{}: warning: {}", problem.file, problem.line, problem.message));
  return {};
}

json::Value to_json(const LoadedConfig& loaded) {
  json::Object origins;
  for (const auto& [path, origin] : loaded.origins) origins[path] = origin;
  return json::Object{
      {"file", loaded.file.empty() ? json::Value(nullptr) : json::Value(loaded.file.c_str())},
      {"config", loaded.shown},
      {"origins", std::move(origins)}};
}

}  // namespace

Result<int> config_check(App& app) {
  const LoadedConfig& loaded = *TRY(app.config());
  TRY(check_names(app));
  TRY(check_agents(app));
  const std::string file = loaded.file.string();
  if (app.options().json)
    app.print_json(json::Object{
        {"ok", true},
        {"file", file.empty() ? json::Value(nullptr) : json::Value(boost::json::string(file))}});
  else
    app.print(file.empty() ? "ok: no slipway.yaml here, the defaults hold\n"
                           : fmt::format("ok: {}\n", printable(file)));
  return exit_done;
}

Result<int> config_show(App& app) {
  const LoadedConfig& loaded = *TRY(app.config());
  if (app.options().json)
    app.print_json(to_json(loaded));
  else
    app.print(printable(config_as_yaml(loaded)));
  return exit_done;
}

Result<int> config_schema_command(App& app) {
  app.print(json::dump_pretty(config_schema()));
  return exit_done;
}

}  // namespace slipway::app
