#include "langgraph/detail/drawing.hpp"

#include <set>

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view start_node = "__start__", end_node = "__end__";

class Drawing {
 public:
  void draw(const agents::Agent& agent, const std::string& prefix, int depth) {
    const bool is_outermost = prefix.empty();
    if (is_outermost) add_node(std::string(start_node));
    for (const agents::Node& node : agent.nodes)
      if (!is_opened(node, depth)) add_node(prefix + node.name);
    if (is_outermost) nodes_.push(Value::map({{"id", end_node}}));
    for (const agents::Node& node : agent.nodes)
      if (is_opened(node, depth)) draw(*sub_agent(node), prefix + node.name + ":", depth - 1);
    for (const agents::Edge& edge : agent.start_edges())
      if (is_outermost) add_edge(agent, std::string(start_node), edge, {prefix, depth});
    for (std::size_t i = 0; i < agent.nodes.size(); ++i)
      for (const agents::Edge& edge : agent.edges[i])
        for (const std::string& source : exits(agent.nodes[i], {prefix, depth}))
          add_edge(agent, source, edge, {prefix, depth});
    for (const agents::Join& join : agent.joins)
      for (const std::uint32_t from : join.sources)
        for (const std::string& source : exits(agent.nodes[from], {prefix, depth}))
          for (const std::string& target : entries(agent, join.target, {prefix, depth}))
            put(source, target, false);
  }
  Value json() const { return Value::map({{"nodes", nodes_}, {"edges", edges_}}); }

 private:
  struct At {
    const std::string& prefix;
    int depth;
  };
  static bool is_opened(const agents::Node& node, int depth) {
    return depth > 0 && sub_agent(node) != nullptr && !sub_agent(node)->nodes.empty();
  }
  void add_node(const std::string& id) {
    nodes_.push(
        Value::map({{"id", id}, {"type", "runnable"}, {"data", Value::map({{"name", id}})}}));
  }
  /// Where one comes in who goes to a node: of an opened one its first.
  std::vector<std::string> entries(const agents::Agent& agent, std::uint32_t target, At at) {
    if (target == agents::to_end)
      return at.prefix.empty() ? std::vector<std::string>{std::string(end_node)}
                               : std::vector<std::string>();
    const agents::Node& node = agent.nodes[target];
    if (!is_opened(node, at.depth)) return {at.prefix + node.name};
    std::vector<std::string> found;
    const std::string inner = at.prefix + node.name + ":";
    for (const agents::Edge& edge : sub_agent(node)->start_edges())
      for (std::string& name : entries(*sub_agent(node), edge.target, {inner, at.depth - 1}))
        found.push_back(std::move(name));
    return found;
  }
  /// The same of who leaves it.
  std::vector<std::string> exits(const agents::Node& node, At at) {
    if (!is_opened(node, at.depth)) return {at.prefix + node.name};
    const agents::Agent& agent = *sub_agent(node);
    const std::string inner = at.prefix + node.name + ":";
    std::vector<std::string> found;
    for (std::size_t i = 0; i < agent.nodes.size(); ++i) {
      bool ends = agent.edges[i].empty() && agent.joins_of[i].empty();
      for (const agents::Edge& edge : agent.edges[i]) ends = ends || edge.target == agents::to_end;
      if (!ends) continue;
      for (std::string& name : exits(agent.nodes[i], {inner, at.depth - 1}))
        found.push_back(std::move(name));
    }
    return found;
  }
  void add_edge(const agents::Agent& agent, const std::string& source, const agents::Edge& edge,
                At at) {
    for (const std::string& target : entries(agent, edge.target, at))
      put(source, target, !edge.is_plain());
    if (edge.empty)
      for (const std::string& target : entries(agent, *edge.empty, at)) put(source, target, true);
  }
  void put(const std::string& source, const std::string& target, bool is_conditional) {
    if (!known_.insert(source + "\n" + target).second) return;
    Value edge = Value::map({{"source", source}, {"target", target}});
    if (is_conditional) edge.put("conditional", true);
    edges_.push(std::move(edge));
  }

  Value nodes_ = Value::list(), edges_ = Value::list();
  std::set<std::string> known_;
};

Value type_schema(const agents::Key& key) {
  if (key.reduce == agents::Reduce::messages)
    return Value::map(
        {{"type", "array"},
         {"items", Value::map({{"type", "object"}, {"additionalProperties", true}})}});
  switch (key.type) {
    case agents::Type::text: return Value::map({{"type", "string"}});
    case agents::Type::boolean: return Value::map({{"type", "boolean"}});
    case agents::Type::integer: return Value::map({{"type", "integer"}});
    case agents::Type::number: return Value::map({{"type", "number"}});
    case agents::Type::list: return Value::map({{"type", "array"}, {"items", Value::map()}});
    case agents::Type::map: return Value::map({{"type", "object"}});
    default: return Value::map();
  }
}

Value schema_of(const agents::Agent& agent, const std::vector<std::size_t>& keys,
                const std::string& title) {
  Value properties = Value::map();
  for (const std::size_t at : keys) {
    Value schema = type_schema(agent.keys[at]);
    schema.put("title", agent.keys[at].name);
    properties.put(agent.keys[at].name, schema);
  }
  return Value::map({{"title", title}, {"type", "object"}, {"properties", properties}});
}

void add_subgraphs(const agents::Agent& agent, const std::string& prefix, bool recurse,
                   Value& out) {
  for (const agents::Node& node : agent.nodes)
    if (const agents::Agent* inner = sub_agent(node)) {
      out.put(prefix + node.name, schemas_json(*inner));
      if (recurse) add_subgraphs(*inner, prefix + node.name + "|", true, out);
    }
}

}  // namespace

Value graph_json(const agents::Agent& agent, int depth) {
  Drawing drawing;
  drawing.draw(agent, "", depth);
  return drawing.json();
}

Value schemas_json(const agents::Agent& agent) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < agent.keys.size(); ++i) all.push_back(i);
  return Value::map({{"graph_id", agent.name},
                     {"input_schema", schema_of(agent, agent.input, agent.name + "_input")},
                     {"output_schema", schema_of(agent, agent.output, agent.name + "_output")},
                     {"state_schema", schema_of(agent, all, agent.name + "_state")},
                     {"config_schema", Value::map()},
                     {"context_schema", Value()}});
}

Value subgraphs_json(const agents::Agent& agent, const std::string& only, bool recurse) {
  Value all = Value::map();
  add_subgraphs(agent, "", recurse || only.find('|') != std::string::npos, all);
  if (only.empty()) return all;
  Value one = Value::map();
  if (const Value* found = all.find(only)) one.put(only, *found);
  return one;
}

}  // namespace slipway::langgraph::detail
