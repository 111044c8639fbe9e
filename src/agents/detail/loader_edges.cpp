// Edges of an agent's file.
#include "agents/detail/loader.hpp"
#include "core/unicode.hpp"

namespace slipway::agents::detail {

namespace {

std::vector<std::string> split_names(std::string_view text, char by) {
  std::vector<std::string> names;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find(by, begin);
    names.emplace_back(unicode::trim(text.substr(begin, end - begin)));
    if (end == std::string_view::npos) return names;
    begin = end + 1;
  }
}

}  // namespace

void Loader::read_raw_edges(const json::Value& value) {
  if (value.is_null()) return;
  if (!value.is_array()) {
    faults_.error("bad_value", "$.edges", "edges: a list is expected: - a -> b");
    return;
  }
  std::size_t at = 0;
  for (const json::Value& item : value.get_array()) {
    RawEdge raw{.path = fmt::format("$.edges[{}]", at++)};
    std::string_view text;
    if (item.is_string()) {
      text = item.get_string();
    } else if (item.is_object() && item.get_object().size() == 1) {
      text = item.get_object().begin()->key();
      raw.options = &item.get_object().begin()->value();
      if (raw.options->is_null()) raw.options = nullptr;
      raw.path += "." + std::string(text);
    }
    const std::size_t arrow = text.find("->");
    if (arrow == std::string_view::npos || text.find("->", arrow + 2) != std::string_view::npos) {
      faults_.error("bad_value", raw.path,
                    "an edge is 'a -> b', 'a -> b, c', 'a & b -> c' or 'a -> b: {options}'");
      continue;
    }
    raw.sources = split_names(text.substr(0, arrow), '&');
    raw.targets = split_names(text.substr(arrow + 2), ',');
    raw_edges_.push_back(std::move(raw));
  }
}

/// Which nodes may name which variables of `each` must be known before nodes are read.
void Loader::collect_variables() {
  for (const RawEdge& raw : raw_edges_) {
    if (raw.options == nullptr || !raw.options->is_object()) continue;
    const json::Object& options = raw.options->get_object();
    if (!options.contains("each")) continue;
    if (!options.contains("as") || !options.at("as").is_string()) {
      faults_.error("missing_key", raw.path, "each: 'as' names the item for the target");
      continue;
    }
    const std::string name(options.at("as").get_string());
    for (const std::string_view reserved : {"step", "attempt", "node", "index", "state", "result",
                                            "true", "false", "null", "in", "has"})
      if (name == reserved)
        faults_.error("bad_value", raw.path,
                      fmt::format("as: '{}' has a meaning of its own", name));
    local_of(name);
    for (const std::string& target : raw.targets) variables_of_[target].insert(name);
  }
}

void Loader::read_edges() {
  agent_->edges.resize(agent_->nodes.size() + 1);
  agent_->joins_of.resize(agent_->nodes.size());
  for (const RawEdge& raw : raw_edges_) {
    if (raw.sources.size() > 1)
      read_join(raw);
    else
      read_edge(raw);
  }
}

std::optional<std::uint32_t> Loader::find_target(const std::string& name, const RawEdge& raw) {
  if (name == "END") return to_end;
  if (const auto found = agent_->node(name)) return found;
  std::vector<std::string_view> known = node_names();
  known.emplace_back("END");
  faults_.error("unknown_node", raw.path,
                name == "START" ? "nothing leads to START"
                                : fmt::format("'{}' is no node{}", name, hint(name, known)));
  return std::nullopt;
}

void Loader::read_edge(const RawEdge& raw) {
  const std::string& source = raw.sources.front();
  std::size_t from = agent_->nodes.size();
  if (source != "START") {
    const auto found = agent_->node(source);
    if (!found) {
      std::vector<std::string_view> known = node_names();
      known.emplace_back("START");
      faults_.error("unknown_node", raw.path,
                    source == "END"
                        ? "nothing comes after END"
                        : fmt::format("'{}' is no node{}", source, hint(source, known)));
      return;
    }
    from = *found;
  }
  const Names names = names_for(source == "START" ? "" : source);
  for (const std::string& target : raw.targets) {
    Edge edge{.line = faults_.line(raw.path)};
    const auto found = find_target(target, raw);
    if (!found) continue;
    edge.target = *found;
    read_edge_options(edge, raw, names);
    if (edge.each && edge.target == to_end)
      faults_.error("bad_value", raw.path, "each: END takes no items");
    if (!edge.on.empty() && source == "START")
      faults_.error("bad_value", raw.path, "on: START does not fail");
    agent_->edges[from].push_back(std::move(edge));
  }
}

void Loader::read_edge_options(Edge& edge, const RawEdge& raw, const Names& names) {
  if (raw.options == nullptr) return;
  const Fields fields(faults_, *raw.options, raw.path,
                      {"when", "else", "each", "as", "empty", "on", "into"});
  if (const json::Value* when = fields.find("when")) {
    edge.when = compile(*when, fields.path_of("when"), names);
    demand(edge.when, Type::boolean, fields.path_of("when"), "when");
  }
  edge.is_else = fields.flag("else");
  if (edge.is_else && fields.has("when"))
    faults_.error("bad_value", raw.path, "an edge has 'when' or 'else', not both");
  if (const json::Value* each = fields.find("each")) {
    edge.each = compile(*each, fields.path_of("each"), names);
    demand(edge.each, Type::list, fields.path_of("each"), "each");
    if (fields.has("as")) edge.as = local_of(fields.text("as"));
    if (fields.has("empty")) edge.empty = find_target(fields.text("empty"), raw);
  } else if (fields.has("as") || fields.has("empty")) {
    faults_.error("bad_value", raw.path, "'as' and 'empty' belong to 'each'");
  }
  if (fields.has("on")) {
    edge.on = fields.texts("on");
    if (edge.on.empty()) faults_.error("bad_value", raw.path, "on: a list of kinds, or [any]");
    if (edge.when || edge.is_else || edge.each)
      faults_.error("bad_value", raw.path, "'on' does not go with 'when', 'else' or 'each'");
    if (fields.has("into")) {
      edge.into = find_key(fields.text("into"), fields.path_of("into"), "into");
      if (edge.into) written_.insert(*edge.into);
    }
  } else if (fields.has("into")) {
    faults_.error("bad_value", raw.path, "'into' of an edge belongs to 'on'");
  }
}

void Loader::read_join(const RawEdge& raw) {
  if (raw.options != nullptr) faults_.error("bad_value", raw.path, "a join has no options");
  std::vector<std::uint32_t> sources;
  for (const std::string& name : raw.sources) {
    const auto found = agent_->node(name);
    if (!found) {
      faults_.error("unknown_node", raw.path,
                    fmt::format("join: '{}' is no node{}", name, hint(name, node_names())));
      return;
    }
    sources.push_back(*found);
  }
  std::sort(sources.begin(), sources.end());
  if (std::adjacent_find(sources.begin(), sources.end()) != sources.end())
    faults_.error("bad_value", raw.path, "join: a node is named twice");
  for (const std::string& target : raw.targets) {
    const auto found = find_target(target, raw);
    if (!found) continue;
    const auto place = static_cast<std::uint32_t>(agent_->joins.size());
    agent_->joins.push_back({sources, *found, faults_.line(raw.path)});
    for (const std::uint32_t source : sources) agent_->joins_of[source].push_back(place);
  }
}

}  // namespace slipway::agents::detail
