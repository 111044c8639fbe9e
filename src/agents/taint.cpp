#include "agents/taint.hpp"

#include "agents/graph.hpp"

namespace slipway::agents {

namespace {

constexpr std::string_view names[] = {"retrieved", "http",     "web_search", "sql",  "mcp",
                                      "command",   "function", "input",      "other"};

struct KindSource {
  std::string_view kind;
  Source source;
};
constexpr KindSource kind_sources[] = {{"http", Source::http},         {"sql", Source::sql},
                                       {"mcp", Source::mcp},           {"command", Source::command},
                                       {"function", Source::function}, {"rag", Source::retrieved},
                                       {"search", Source::web_search}};

Taint sources_of(const Agent& agent) {
  Taint taint = 0;
  for (const Node& node : agent.nodes) taint |= sources_of(agent, node);
  for (const Key& key : agent.keys)
    if (key.is_untrusted) taint |= taint_of(Source::input);
  return taint;
}

}  // namespace

std::string_view source_name(Source source) { return names[static_cast<std::size_t>(source)]; }

Value taint_names(Taint taint) {
  std::vector<Value> list;
  for (std::size_t i = 0; i < std::size(names); ++i)
    if ((taint & taint_of(static_cast<Source>(i))) != 0) list.emplace_back(names[i]);
  return Value::list(std::move(list));
}

Taint read_taint(const Value& list) {
  Taint taint = 0;
  if (!list.is_list()) return taint;
  for (const Value& item : list.items()) {
    Source source = Source::other;
    for (std::size_t i = 0; i < std::size(names); ++i)
      if (item.is_text() && item.text() == names[i]) source = static_cast<Source>(i);
    taint |= taint_of(source);
  }
  return taint;
}

Taint source_of(const ToolSpec& tool) {
  // An agent's outputs carry their own; code sees nothing but its arguments.
  if (tool.is_trusted || tool.kind == "agent" || tool.kind == "code") return 0;
  if (tool.kind == "builtin") {
    if (tool.config == Value("calculator") || tool.config == Value("now") || tool.is_emit())
      return 0;
    return taint_of(tool.config == Value("web_search") ? Source::web_search : Source::other);
  }
  for (const KindSource& known : kind_sources)
    if (tool.kind == known.kind) return taint_of(known.source);
  return taint_of(Source::other);
}

Taint sources_of(const ToolSpec& tool) {
  return source_of(tool) | (tool.agent ? sources_of(*tool.agent) : 0);
}

Taint sources_of(const Agent& agent, const Node& node) {
  if (const auto* map = std::get_if<MapBody>(&node.body)) return sources_of(agent, *map->body);
  if (const auto* graph = std::get_if<GraphBody>(&node.body)) return sources_of(*graph->agent);
  if (std::holds_alternative<RagBody>(node.body)) return taint_of(Source::retrieved);
  if (const auto* use = std::get_if<ToolBody>(&node.body))
    return sources_of(agent.tools[use->tool]);
  Taint taint = 0;
  if (const auto* react = std::get_if<ReactBody>(&node.body))
    for (const std::size_t tool : react->tools) taint |= sources_of(agent.tools[tool]);
  return taint;
}

Value tainted_throughout(Value value, Taint taint) {
  if (taint == 0) return value;
  if (value.is_map()) {
    std::vector<std::pair<std::string, Value>> entries = value.entries().items;
    for (auto& entry : entries) entry.second.add_taint(taint);
    const Taint before = value.taint();
    value = Value::map(std::move(entries));
    value.add_taint(before);
  }
  value.add_taint(taint);
  return value;
}

}  // namespace slipway::agents
