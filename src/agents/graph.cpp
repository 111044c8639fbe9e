#include "agents/graph.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::agents {

std::optional<Value> Key::start() const {
  if (fallback) return fallback;
  switch (reduce) {
    case Reduce::append:
    case Reduce::unite:
    case Reduce::messages: return Value::list();
    case Reduce::sum: return Value(0);
    case Reduce::merge: return Value::map();
    default: return std::nullopt;
  }
}

bool Retry::covers(const std::string& kind) const {
  if (kind == "cancelled") return false;
  return std::any_of(on.begin(), on.end(),
                     [&](const std::string& word) { return word == "any" || word == kind; });
}

Milliseconds Retry::pause_after(int attempt) const {
  const double pause = static_cast<double>(first.count()) * std::pow(factor, attempt - 1);
  return Milliseconds(
      static_cast<std::int64_t>(std::min(pause, static_cast<double>(max_wait.count()))));
}

Outcome<Value> Form::evaluate(const Inputs& inputs) const {
  if (text) return text->evaluate(inputs);
  if (is_list) {
    std::vector<Value> made;
    for (const Form& item : items) made.push_back(SLIPWAY_GET(item.evaluate(inputs)));
    return Value::list(std::move(made));
  }
  if (is_map) {
    Value made = Value::map();
    for (const auto& [name, item] : entries) made.put(name, SLIPWAY_GET(item.evaluate(inputs)));
    return made;
  }
  return constant;
}

std::string_view kind_of(const Body& body) {
  constexpr std::string_view names[] = {"set", "llm",  "agent", "tool", "rag",     "graph",
                                        "map", "code", "human", "wait", "function"};
  return names[body.index()];
}

bool calls_tools(const Body& body) {
  return std::holds_alternative<ToolBody>(body) || std::holds_alternative<ReactBody>(body);
}

std::optional<std::size_t> Agent::key(std::string_view key_name) const {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i].name == key_name) return i;
  return std::nullopt;
}

std::optional<std::uint32_t> Agent::node(std::string_view node_name) const {
  const auto found =
      std::lower_bound(nodes.begin(), nodes.end(), node_name,
                       [](const Node& node, std::string_view n) { return node.name < n; });
  if (found == nodes.end() || found->name != node_name) return std::nullopt;
  return static_cast<std::uint32_t>(found - nodes.begin());
}

}  // namespace slipway::agents
