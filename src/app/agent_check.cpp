// `slipway agent check`, `history`, `replay` and `ledger`.
#include "app/agent_commands.hpp"
#include "app/detail/agents_door.hpp"

namespace slipway::app {

namespace {

using agents::Value;

Value to_value(const agents::Problem& problem) {
  return Value::map({{"code", problem.code},
                     {"file", problem.file},
                     {"line", problem.line},
                     {"message", problem.message}});
}

Value count_of(const agents::LoadedAgent& loaded) {
  if (!loaded.ok()) return {};
  std::size_t edges = loaded.agent->joins.size();
  for (const auto& list : loaded.agent->edges) edges += list.size();
  return Value::map({{"nodes", loaded.agent->nodes.size()}, {"edges", edges}});
}

/// ", 16 tokens, 0.021 USD (estimated)" of a call that asked models.
std::string spent_words(const Value& row) {
  const bool is_model = row.find("model") != nullptr;
  if (!is_model && row.find("spent") == nullptr) return "";
  const bool is_estimated = row.at("spent").at("estimated") == Value(true);
  return fmt::format(", {} tokens, {} USD{}", agents::in_words(row.at("tokens")),
                     agents::real_text(row.at("usd").is_number() ? row.at("usd").number() : 0),
                     is_estimated ? " (estimated)" : "");
}

}  // namespace

Result<int> agent_check(App& app, const AgentCheckOptions& options) {
  const agents::LoadedAgent loaded = detail::find_agent(app, options.file);
  std::vector<Value> errors, warnings;
  for (const agents::Problem& problem : loaded.problems)
    (problem.is_warning && !options.strict ? warnings : errors).push_back(to_value(problem));
  const bool is_good = errors.empty();
  if (app.options().json) {
    Value value = Value::map({{"ok", is_good},
                              {"errors", Value::list(std::move(errors))},
                              {"warnings", Value::list(std::move(warnings))}});
    if (loaded.ok()) {
      value.put("graph", count_of(loaded));
      value.put("worst_case", agents::from_json(json::to(loaded.worst_case)));
    }
    app.print(agents::dump(value) + "\n");
  } else {
    for (const agents::Problem& problem : loaded.problems)
      app.print(fmt::format(
          "{}{}: {}: {}\n", problem.file, problem.line > 0 ? fmt::format(":{}", problem.line) : "",
          problem.is_warning && !options.strict ? "warning" : "error", printable(problem.message)));
    if (is_good)
      app.print(fmt::format("good: {} nodes, {} edges\n", loaded.agent->nodes.size(),
                            count_of(loaded).at("edges").integer()));
  }
  return is_good ? exit_done : exit_failed;
}

Result<int> agent_history(App& app, const AgentThreadOptions& options) {
  const auto runtime = TRY(detail::open_agents(app));
  const auto entries = TRY(runtime->history(options.thread));
  if (app.options().json) {
    std::vector<Value> list;
    for (const agents::HistoryEntry& entry : entries) list.push_back(entry.json());
    app.print(agents::dump(Value::list(std::move(list))) + "\n");
    return exit_done;
  }
  for (const agents::HistoryEntry& entry : entries)
    app.print(fmt::format("{} <- {} {} step {}, next: {}\n", entry.checkpoint,
                          entry.parent.empty() ? "-" : entry.parent, entry.source, entry.step,
                          fmt::join(entry.next, ", ")));
  return exit_done;
}

Result<int> agent_replay(App& app, const AgentReplayOptions& options) {
  agents::AgentPtr agent;
  if (!options.agent.empty()) agent = TRY(detail::load_agent(app, options.agent));
  const auto runtime = TRY(detail::open_agents(app));
  const Value report = TRY(runtime->replay(app.context(), options.run, agent));
  if (app.options().json)
    app.print(agents::dump(report) + "\n");
  else
    app.print(json::dump_pretty(agents::to_json(report)));
  return report.at("ok") == Value(true) ? exit_done : exit_failed;
}

Result<int> agent_ledger(App& app, const AgentThreadOptions& options) {
  const auto runtime = TRY(detail::open_agents(app));
  const Value ledger = TRY(runtime->ledger(options.thread));
  if (app.options().json) {
    app.print(agents::dump(ledger) + "\n");
    return exit_done;
  }
  for (const Value& row : ledger.at("rows").items())
    app.print(fmt::format(
        "{} {} {} {} {}{}\n", row.at("key").text(), row.at("node").text(),
        row.find("model") != nullptr ? "model" : "tool",
        agents::in_words(row.find("model") != nullptr ? row.at("model") : row.at("tool")),
        row.at("state").text(), spent_words(row)));
  return exit_done;
}

}  // namespace slipway::app
