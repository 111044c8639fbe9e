// The graph of an agent as a page draws it.
#include "api/detail/agent_wire.hpp"

namespace slipway::api::detail {

namespace {

std::string words_of(const agents::Template& text) {
  std::string words;
  for (const agents::Template::Piece& piece : text.pieces())
    words += piece.expression ? "{{" + piece.expression.text() + "}}" : piece.text;
  return words;
}

/// What a node works with, in a word or a line.
struct About {
  const agents::Agent& agent;
  std::string operator()(const agents::LlmBody& body) const {
    return agent.models[body.model].name;
  }
  std::string operator()(const agents::ReactBody& body) const {
    std::string text = (*this)(body.llm);
    for (const std::size_t tool : body.tools) text += " · " + agent.tools[tool].name;
    return text;
  }
  std::string operator()(const agents::ToolBody& body) const { return agent.tools[body.tool].name; }
  std::string operator()(const agents::RagBody& body) const { return words_of(body.collection); }
  std::string operator()(const agents::GraphBody& body) const { return body.agent->name; }
  std::string operator()(const agents::MapBody& body) const {
    return fmt::format("{} of {}", agents::kind_of(body.body->body), body.each.text());
  }
  std::string operator()(const agents::CodeBody& body) const { return body.lang; }
  std::string operator()(const agents::HumanBody& body) const { return words_of(body.ask); }
  std::string operator()(const agents::WaitBody& body) const {
    return body.span ? fmt::format("{} s", static_cast<double>(body.span->count()) / 1000)
                     : body.until.text();
  }
  std::string operator()(const agents::FunctionBody& body) const { return body.name; }
  std::string operator()(const agents::SetBody& body) const {
    std::string text;
    for (const agents::Assignment& one : body.values)
      text += (text.empty() ? "" : ", ") + agent.keys[one.key].name;
    return text;
  }
};

/// Of a map: what is done for each item.
const agents::Body& body_within(const agents::Node& node) {
  const auto* map = std::get_if<agents::MapBody>(&node.body);
  return map != nullptr ? body_within(*map->body) : node.body;
}

bool asks_person(const agents::Agent& agent, const agents::Node& node) {
  if (node.approve || std::holds_alternative<agents::HumanBody>(node.body)) return true;
  if (const auto* tool = std::get_if<agents::ToolBody>(&node.body))
    return agent.tools[tool->tool].approve.has_value();
  if (const auto* react = std::get_if<agents::ReactBody>(&node.body))
    return std::any_of(react->tools.begin(), react->tools.end(),
                       [&](std::size_t tool) { return agent.tools[tool].approve.has_value(); });
  if (const auto* map = std::get_if<agents::MapBody>(&node.body))
    return asks_person(agent, *map->body);
  return false;
}

std::string target_of(const agents::Agent& agent, std::uint32_t target) {
  return target == agents::to_end ? "END" : agent.nodes[target].name;
}

void add_edges(const agents::Agent& agent, const std::string& from,
               const std::vector<agents::Edge>& edges, std::vector<DrawnEdge>& drawn) {
  for (const agents::Edge& edge : edges) {
    DrawnEdge one{
        .from = from, .to = target_of(agent, edge.target), .kind = "plain", .line = edge.line};
    if (!edge.on.empty()) {
      one.kind = "on";
      one.label = fmt::format("on {}", fmt::join(edge.on, ", "));
    } else if (edge.is_else) {
      one.kind = "else";
      one.label = "else";
    } else if (edge.when) {
      one.kind = "when";
      one.label = edge.when.text();
    }
    if (edge.each) {
      one.kind = "each";
      one.label += (one.label.empty() ? "each " : ", each ") + edge.each.text();
    }
    drawn.push_back(std::move(one));
    if (edge.empty)
      drawn.push_back({.from = from,
                       .to = target_of(agent, *edge.empty),
                       .kind = "empty",
                       .label = edge.each.text() + " is empty",
                       .line = edge.line});
  }
}

DrawnKey key_of(const agents::Key& key) {
  constexpr std::string_view reducers[] = {"last", "any", "append", "union",   "sum",
                                           "min",  "max", "merge",  "messages"};
  DrawnKey drawn{.name = key.name,
                 .type = std::string(agents::type_name(key.type)),
                 .reduce = std::string(reducers[static_cast<std::size_t>(key.reduce)]),
                 .has_fallback = key.fallback.has_value()};
  if (key.fallback) drawn.fallback = agents::to_json(*key.fallback);
  return drawn;
}

DrawnBudget budget_of(const agents::Budget& budget) {
  constexpr std::string_view ways[] = {"finish", "approve", "fail"};
  DrawnBudget drawn{.tokens = budget.tokens,
                    .calls = budget.calls,
                    .usd = budget.usd,
                    .on_exceed = std::string(ways[static_cast<std::size_t>(budget.on_exceed)])};
  if (budget.wall) drawn.wall_seconds = static_cast<double>(budget.wall->count()) / 1000;
  return drawn;
}

}  // namespace

Drawing drawing_of(const agents::Agent& agent) {
  Drawing drawing{.name = agent.name,
                  .hash = agent.hash,
                  .budget = budget_of(agent.budget),
                  .steps_max = agent.limits.steps};
  for (const agents::Node& node : agent.nodes) {
    DrawnNode drawn{.name = node.name,
                    .kind = std::string(agents::kind_of(node.body)),
                    .about = std::visit(About{agent}, node.body),
                    .line = node.line,
                    .asks = asks_person(agent, node),
                    .pauses = node.pause_before || node.pause_after,
                    .defers = node.is_deferred};
    if (const auto* graph = std::get_if<agents::GraphBody>(&node.body))
      drawn.agent = graph->agent->name;
    if (const auto* human = std::get_if<agents::HumanBody>(&body_within(node)))
      if (human->schema) drawn.schema = agents::to_json(human->schema->json);
    drawing.nodes.push_back(std::move(drawn));
  }
  add_edges(agent, "START", agent.start_edges(), drawing.edges);
  for (std::size_t i = 0; i < agent.nodes.size(); ++i)
    add_edges(agent, agent.nodes[i].name, agent.edges[i], drawing.edges);
  for (const agents::Join& join : agent.joins)
    for (const std::uint32_t source : join.sources)
      drawing.edges.push_back({.from = agent.nodes[source].name,
                               .to = target_of(agent, join.target),
                               .kind = "join",
                               .line = join.line});
  for (const agents::Key& key : agent.keys) drawing.keys.push_back(key_of(key));
  for (const std::size_t key : agent.input) drawing.input.push_back(agent.keys[key].name);
  for (const std::size_t key : agent.output) drawing.output.push_back(agent.keys[key].name);
  return drawing;
}

}  // namespace slipway::api::detail
