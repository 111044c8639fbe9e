#include "agents/reach.hpp"

#include <algorithm>

namespace slipway::agents {

namespace {

/// Of an agent that was put: no folder stands before its name.
bool is_put(const Agent& agent) { return agent.file.starts_with("agent:"); }

bool names_secret(const Value& value) {
  if (value.is_text()) {
    const std::string& text = value.text();
    return text.starts_with("env:") || text.starts_with("file:") ||
           text.find(" env:") != std::string::npos || text.find(" file:") != std::string::npos;
  }
  if (value.is_list()) return std::any_of(value.items().begin(), value.items().end(), names_secret);
  if (value.is_map())
    return std::any_of(value.entries().items.begin(), value.entries().items.end(),
                       [](const auto& entry) { return names_secret(entry.second); });
  return false;
}

class Look {
 public:
  Look(const Reach& reach, std::vector<Problem>& problems) : reach_(reach), problems_(problems) {}

  void at(const Agent& agent) {
    for (const ModelSpec& model : agent.models) at_model(agent, model);
    for (const ToolSpec& tool : agent.tools) {
      at_tool(agent, tool);
      if (tool.agent && is_put(*tool.agent)) at(*tool.agent);
    }
    for (const Node& node : agent.nodes) at_body(node.body);
  }

 private:
  void at_body(const Body& body) {
    if (const auto* graph = std::get_if<GraphBody>(&body))
      if (graph->agent && is_put(*graph->agent)) at(*graph->agent);
    if (const auto* map = std::get_if<MapBody>(&body))
      if (map->body) at_body(map->body->body);
  }

  void at_model(const Agent& agent, const ModelSpec& model) {
    const std::string whose = fmt::format("model '{}'", model.name);
    if (model.provider == "catalog") return;
    if (model.provider == "scripted") return file(agent, 0, {whose, model.replies});
    if (names_secret(from_json(model.config))) secret(agent, 0, whose);
    if (!reach_.networks)
      tell(agent, 0,
           fmt::format("{}: only models of slipway.yaml are asked by an agent that is put; "
                       "configure it there",
                       whose));
  }

  void at_tool(const Agent& agent, const ToolSpec& tool) {
    const std::string whose = fmt::format("tool '{}'", tool.name);
    const Value& server = tool.config.at("server");
    const bool is_mcp = tool.kind == "mcp" && server.is_text();
    const bool is_started = is_mcp && server.text().starts_with("stdio:");
    if ((tool.kind == "command" || is_started) && !reach_.commands)
      tell(agent, tool.line, fmt::format("{}: an agent that is put starts no programs", whose));
    if (tool.kind == "sql" && tool.config.at("sqlite").is_text())
      file(
          agent, tool.line,
          {whose, (std::filesystem::path(tool.folder) / tool.config.at("sqlite").text()).string()});
    const Value& open = tool.config.at("allow_private");
    const bool is_inside = (is_mcp && !is_started) || !tool.config.at("postgres").is_null() ||
                           (open.is_list() && !open.items().empty());
    if (is_inside && !reach_.networks)
      tell(agent, tool.line,
           fmt::format("{}: an agent that is put reaches public HTTP servers only", whose));
    if (names_secret(tool.config)) secret(agent, tool.line, whose);
  }

  struct Named {
    std::string whose, path;
  };
  void file(const Agent& agent, int line, const Named& named) {
    if (reach_.files) return;
    const auto path = std::filesystem::path(named.path).lexically_normal();
    std::error_code ignored;
    const auto real = std::filesystem::weakly_canonical(path, ignored);
    for (const std::filesystem::path& folder : reach_.folders) {
      const auto within = std::filesystem::weakly_canonical(folder, ignored);
      const auto rest = real.lexically_relative(within);
      if (path.is_absolute() && !rest.empty() && *rest.begin() != "..") return;
    }
    tell(agent, line,
         fmt::format("{}: {} is not below a folder of server.allowed_folders; an agent that is put "
                     "names files there, by their whole paths",
                     named.whose, named.path));
  }

  void secret(const Agent& agent, int line, const std::string& whose) {
    if (reach_.secrets) return;
    tell(agent, line,
         fmt::format("{}: an agent that is put names no secrets (env:, file:)", whose));
  }

  void tell(const Agent& agent, int line, std::string message) {
    message += "; declare the agent in slipway.yaml, or see server.agents_may";
    problems_.push_back({"beyond_reach", agent.file, line, std::move(message), false});
  }

  const Reach& reach_;
  std::vector<Problem>& problems_;
};

}  // namespace

std::vector<Problem> beyond_reach(const Agent& agent, const Reach& reach) {
  std::vector<Problem> problems;
  Look(reach, problems).at(agent);
  return problems;
}

Result<void> check_reach(const Agent& agent, const Reach& reach) {
  std::string text;
  for (const Problem& problem : beyond_reach(agent, reach))
    text += fmt::format("{}line {}: {}", text.empty() ? "" : "\n", problem.line, problem.message);
  if (text.empty()) return {};
  return fail(Code::forbidden, "{}", text);
}

}  // namespace slipway::agents
