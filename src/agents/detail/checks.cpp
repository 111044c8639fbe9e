// What is only seen in the whole graph.
#include <algorithm>
#include <deque>
#include <set>

#include "agents/detail/loader.hpp"

namespace slipway::agents::detail {

namespace {

using NodeSet = std::vector<bool>;

class Checker {
 public:
  Checker(const Agent& agent, Faults& faults)
      : agent_(agent), faults_(faults), count_(agent.nodes.size()) {}

  void check() {
    find_reachable();
    check_reachable();
    check_paths_to_end();
    check_else();
    check_cycles();
    check_risk();
    check_finish();
    check_conflicts();
  }

 private:
  const Node& node(std::size_t at) const { return agent_.nodes[at]; }

  /// Nodes that `source` (count_: START) may start.
  std::vector<std::uint32_t> targets(std::size_t source) const {
    std::vector<std::uint32_t> found;
    for (const Edge& edge : agent_.edges[source]) {
      if (edge.target != to_end) found.push_back(edge.target);
      if (edge.empty && *edge.empty != to_end) found.push_back(*edge.empty);
    }
    if (source < count_)
      for (const std::uint32_t join : agent_.joins_of[source])
        if (agent_.joins[join].target != to_end) found.push_back(agent_.joins[join].target);
    return found;
  }

  bool leads_to_end(std::size_t source) const {
    for (const Edge& edge : agent_.edges[source])
      if (edge.target == to_end || (edge.empty && *edge.empty == to_end)) return true;
    for (const std::uint32_t join : agent_.joins_of[source])
      if (agent_.joins[join].target == to_end) return true;
    return false;
  }

  /// A node that is only reached by a join runs if all of its sources do.
  void find_reachable() {
    reachable_.assign(count_, false);
    std::vector<std::size_t> waiting{count_};
    if (!agent_.budget.finish.empty())
      if (const auto finish = agent_.node(agent_.budget.finish)) mark(*finish, waiting);
    while (!waiting.empty()) {
      const std::size_t source = waiting.back();
      waiting.pop_back();
      for (const Edge& edge : agent_.edges[source]) {
        mark(edge.target, waiting);
        if (edge.empty) mark(*edge.empty, waiting);
      }
      if (source == count_) continue;
      for (const std::uint32_t join : agent_.joins_of[source]) {
        const auto& sources = agent_.joins[join].sources;
        if (std::all_of(sources.begin(), sources.end(),
                        [&](std::uint32_t s) { return reachable_[s]; }))
          mark(agent_.joins[join].target, waiting);
      }
    }
  }

  void mark(std::uint32_t target, std::vector<std::size_t>& waiting) {
    if (target == to_end || reachable_[target]) return;
    reachable_[target] = true;
    waiting.push_back(target);
  }

  void check_reachable() {
    if (agent_.start_edges().empty())
      faults_.error("missing_edge", "$.edges", "no edge leads from START; write START -> NODE");
    for (const Join& join : agent_.joins)
      for (const std::uint32_t source : join.sources)
        if (!reachable_[source])
          faults_.error_at("join", join.line,
                           fmt::format("the join waits for '{}', which never runs; lead an edge to "
                                       "it or take it out",
                                       node(source).name));
    for (std::size_t i = 0; i < count_; ++i)
      if (!reachable_[i])
        faults_.error_at("unreachable", node(i).line,
                         fmt::format("node '{}' is never reached from START; lead an edge to it or "
                                     "remove it",
                                     node(i).name));
  }

  void check_paths_to_end() {
    NodeSet ends(count_, false);
    for (std::size_t i = 0; i < count_; ++i)
      ends[i] = leads_to_end(i) || node(i).name == agent_.budget.finish;
    for (bool is_changed = true; is_changed;) {
      is_changed = false;
      for (std::size_t i = 0; i < count_; ++i) {
        if (ends[i]) continue;
        for (const std::uint32_t target : targets(i))
          if (ends[target]) ends[i] = is_changed = true;
      }
    }
    for (std::size_t i = 0; i < count_; ++i)
      if (reachable_[i] && !ends[i])
        faults_.error_at("no_end", node(i).line,
                         fmt::format("no path leads from node '{}' to END; write {} -> END",
                                     node(i).name, node(i).name));
  }

  void check_else() {
    for (std::size_t i = 0; i <= count_; ++i) {
      bool has_when = false, has_else = false;
      int line = 0;
      for (const Edge& edge : agent_.edges[i]) {
        has_else = has_else || edge.is_else;
        if (edge.when && !has_when) line = edge.line;
        has_when = has_when || static_cast<bool>(edge.when);
      }
      const std::string& name = i == count_ ? start_name_ : node(i).name;
      if (has_when && !has_else)
        faults_.error_at("no_else", line,
                         fmt::format("'{}' has 'when' edges but none for when all are false; write "
                                     "{} -> NODE: {{else: true}}",
                                     name, name));
      if (has_else && !has_when)
        for (const Edge& edge : agent_.edges[i])
          if (edge.is_else)
            faults_.error_at(
                "no_when", edge.line,
                fmt::format("'else' of '{}' has no 'when' beside it; write a plain edge", name));
    }
  }

  /// A cycle of edges that are always taken never ends: each needs a `when`, an `each` or a pause.
  void check_cycles() {
    std::vector<std::vector<std::uint32_t>> always(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      if (node(i).pause_before || node(i).pause_after) continue;
      for (const Edge& edge : agent_.edges[i])
        if (edge.is_plain() && edge.target != to_end) always[i].push_back(edge.target);
      for (const std::uint32_t join : agent_.joins_of[i])
        if (agent_.joins[join].target != to_end) always[i].push_back(agent_.joins[join].target);
    }
    std::vector<int> state(count_, 0);
    for (std::size_t i = 0; i < count_; ++i)
      if (state[i] == 0) visit(i, always, state);
  }

  void visit(std::size_t root, const std::vector<std::vector<std::uint32_t>>& always,
             std::vector<int>& state) {
    std::vector<std::pair<std::size_t, std::size_t>> path{{root, 0}};
    state[root] = 1;
    while (!path.empty()) {
      auto& [at, next] = path.back();
      if (next == always[at].size()) {
        state[at] = 2;
        path.pop_back();
        continue;
      }
      const std::uint32_t target = always[at][next++];
      if (state[target] == 1)
        faults_.error_at("cycle", node(target).line,
                         fmt::format("the cycle through '{}' and '{}' never ends; give one of its "
                                     "edges a 'when', or a node a 'pause'",
                                     node(target).name, node(at).name));
      if (state[target] != 0) continue;
      state[target] = 1;
      path.emplace_back(target, 0);
    }
  }

  void check_tool(const Node& of, std::size_t tool, int line) {
    const ToolSpec& spec = agent_.tools[tool];
    if (spec.is_high_risk && !spec.approve && !of.approve)
      faults_.error_at("unapproved", line,
                       fmt::format("'{}' calls tool '{}' of risk: high without an approval; give "
                                   "the node or the tool 'approve: {{...}}'",
                                   of.name, spec.name));
  }

  /// A probe is called by itself, to look.
  void check_probes() {
    for (const ToolSpec& tool : agent_.tools)
      for (const ToolSpec& probe : agent_.tools)
        if (!tool.probe.empty() && probe.name == tool.probe && probe.is_high_risk)
          faults_.error_at("unapproved", tool.line,
                           fmt::format("the probe of '{}' is '{}' of risk: high, and nobody is "
                                       "asked before it is called; name a tool that only looks",
                                       tool.name, probe.name));
  }

  void check_risk() {
    check_probes();
    for (const Node& each : agent_.nodes) {
      const Body* body = &each.body;
      if (const auto* map = std::get_if<MapBody>(body); map != nullptr && map->body)
        body = &map->body->body;
      if (const auto* use = std::get_if<ToolBody>(body)) check_tool(each, use->tool, each.line);
      if (const auto* react = std::get_if<ReactBody>(body))
        for (const std::size_t tool : react->tools) check_tool(each, tool, each.line);
    }
  }

  static bool makes_calls(const Body& body) {
    return !std::holds_alternative<SetBody>(body) && !std::holds_alternative<FunctionBody>(body);
  }

  void check_finish() {
    const std::string& name = agent_.budget.finish;
    if (name.empty()) return;
    const auto at = agent_.node(name);
    if (!at) {
      faults_.error("unknown_node", "$.budget.finish", fmt::format("'{}' is no node", name));
      return;
    }
    if (makes_calls(node(*at).body))
      faults_.error("finish_node", "$.budget.finish",
                    fmt::format("'{}' makes calls, for which nothing is left then; finish with a "
                                "'set' node",
                                name));
  }

  /// Writers of one `last` key that START or one node starts together.
  void check_conflicts() {
    std::set<std::pair<std::size_t, std::size_t>> told;
    for (std::size_t i = 0; i <= count_; ++i) {
      std::vector<std::uint32_t> together;
      for (const Edge& edge : agent_.edges[i])
        if (edge.is_plain() && edge.target != to_end) together.push_back(edge.target);
      for (const std::uint32_t a : together)
        for (const std::uint32_t b : together)
          if (a < b && told.emplace(a, b).second) compare_writes(a, b);
    }
    std::vector<bool> is_mapped(count_, false);
    for (const auto& edges : agent_.edges)
      for (const Edge& edge : edges)
        if (edge.each && edge.target != to_end) is_mapped[edge.target] = true;
    for (std::size_t i = 0; i < count_; ++i)
      if (is_mapped[i]) check_mapped_writes(node(i));
  }

  /// Its tasks of two items conflict with each other.
  void check_mapped_writes(const Node& mapped) {
    for (const std::size_t key : writes(mapped))
      if (agent_.keys[key].reduce == Reduce::last)
        faults_.warning_at("write_conflict", mapped.line,
                           fmt::format("'{}' runs once per item and writes '{}', which only one "
                                       "task of a superstep may; give the key a 'reduce'",
                                       mapped.name, agent_.keys[key].name));
  }

  void compare_writes(std::uint32_t a, std::uint32_t b) {
    const std::vector<std::size_t> of_a = writes(node(a)), of_b = writes(node(b));
    for (const std::size_t key : of_a)
      if (agent_.keys[key].reduce == Reduce::last &&
          std::find(of_b.begin(), of_b.end(), key) != of_b.end())
        faults_.warning_at("write_conflict", node(b).line,
                           fmt::format("'{}' and '{}' run in one superstep and both write '{}'; "
                                       "give the key a 'reduce'",
                                       node(a).name, node(b).name, agent_.keys[key].name));
  }

  std::vector<std::size_t> writes(const Node& of) const {
    std::vector<std::size_t> keys;
    const auto add = [&](const std::optional<std::size_t>& key) {
      if (key) keys.push_back(*key);
    };
    if (const auto* set = std::get_if<SetBody>(&of.body))
      for (const Assignment& value : set->values) keys.push_back(value.key);
    if (const auto* graph = std::get_if<GraphBody>(&of.body))
      for (const Assignment& value : graph->output) keys.push_back(value.key);
    if (const auto* map = std::get_if<MapBody>(&of.body)) keys.push_back(map->into);
    if (const auto* tool = std::get_if<ToolBody>(&of.body)) add(tool->into);
    if (const auto* human = std::get_if<HumanBody>(&of.body)) add(human->into);
    if (const auto* rag = std::get_if<RagBody>(&of.body)) add(rag->into);
    if (const auto* code = std::get_if<CodeBody>(&of.body)) add(code->into);
    const auto* react = std::get_if<ReactBody>(&of.body);
    if (react != nullptr) add(react->messages_key);
    if (const auto* llm = react != nullptr ? &react->llm : std::get_if<LlmBody>(&of.body)) {
      add(llm->into);
      if (!llm->into && llm->schema)
        for (const auto& property : llm->schema->properties) add(agent_.key(property.name));
    }
    return keys;
  }

  const Agent& agent_;
  Faults& faults_;
  const std::size_t count_;
  const std::string start_name_ = "START";
  NodeSet reachable_;
};

struct Cost {
  bool is_bounded = true;
  bool has_bounded_calls = true;  ///< A model may ask for any number of tools in a turn.
  bool has_bounded_usd = true;    ///< As calls, if these tools have prices; all prices are known.
  std::int64_t calls = 0, tokens = 0;
  double usd = 0;
};

void add_calls(const ModelSpec& model, std::int64_t max_tokens, std::int64_t times, Cost& cost) {
  const std::int64_t prompt = std::max<std::int64_t>(0, model.context - max_tokens);
  cost.calls += times;
  cost.tokens += times * model.context;
  cost.has_bounded_usd = cost.has_bounded_usd && model.is_priced;
  cost.usd += static_cast<double>(times) *
              (static_cast<double>(prompt) * model.input_usd_per_million +
               static_cast<double>(max_tokens) * model.output_usd_per_million) /
              1e6;
}

void add_agent(const Agent& inner, Cost& cost) {
  const WorstCase worst = worst_case_of(inner);
  cost.is_bounded = cost.is_bounded && worst.tokens.has_value();
  cost.has_bounded_calls = cost.has_bounded_calls && worst.calls.has_value();
  cost.has_bounded_usd = cost.has_bounded_usd && worst.usd.has_value();
  cost.calls += worst.calls.value_or(0);
  cost.tokens += worst.tokens.value_or(0);
  cost.usd += worst.usd.value_or(0);
}

/// Whether its use is one of the budget's calls.
bool is_counted(const ToolSpec& tool) {
  return !(tool.kind == "builtin" && tool.effect == Effect::pure);
}

/// A reply that does not fit is asked for once more; before each turn there may be a summary.
void add_llm(const Agent& agent, const LlmBody& body, std::int64_t turns, Cost& cost) {
  add_calls(agent.models[body.model], body.max_tokens, turns + (body.schema ? 1 : 0), cost);
  if (!body.context || !body.context->summarize) return;
  const Summarize& summary = *body.context->summarize;
  add_calls(agent.models[summary.model.value_or(body.model)], summary.max_tokens, turns, cost);
}

/// What a collection's models read and write is known when it is asked.
bool asks_collection(const ToolSpec& tool) {
  return tool.kind == "rag" && tool.config.at("mode") == Value("ask");
}

Cost cost_of(const Agent& agent, const Node& node) {
  Cost cost;
  if (const auto* rag = std::get_if<RagBody>(&node.body)) {
    cost.calls += 1;
    cost.is_bounded = !rag->is_ask;
  }
  if (const auto* llm = std::get_if<LlmBody>(&node.body)) add_llm(agent, *llm, 1, cost);
  if (const auto* react = std::get_if<ReactBody>(&node.body)) {
    add_llm(agent, react->llm, react->max_turns, cost);
    for (const std::size_t tool : react->tools) {
      const ToolSpec& spec = agent.tools[tool];
      if (spec.agent || asks_collection(spec))
        cost.is_bounded = false;
      else if (is_counted(spec))
        cost.has_bounded_calls = false;
      if (spec.usd_per_call > 0) cost.has_bounded_usd = false;
    }
  }
  if (const auto* use = std::get_if<ToolBody>(&node.body)) {
    const ToolSpec& spec = agent.tools[use->tool];
    if (spec.agent)
      add_agent(*spec.agent, cost);
    else if (is_counted(spec))
      cost.calls += 1;
    cost.usd += spec.usd_per_call;
    if (asks_collection(spec)) cost.is_bounded = false;
  }
  if (const auto* map = std::get_if<MapBody>(&node.body)) {
    const Cost item = cost_of(agent, *map->body);
    cost.is_bounded = item.tokens == 0 && item.is_bounded;
    cost.has_bounded_calls = item.calls == 0 && item.has_bounded_calls;
    cost.has_bounded_usd = item.usd == 0 && item.has_bounded_usd;
  }
  if (const auto* graph = std::get_if<GraphBody>(&node.body)) add_agent(*graph->agent, cost);
  const auto times = static_cast<std::int64_t>(node.retry.max);
  cost.calls *= times;
  cost.tokens *= times;
  cost.usd *= static_cast<double>(times);
  return cost;
}

}  // namespace

void check_graph(const Agent& agent, Faults& faults) {
  Checker(agent, faults).check();
  const Budget& budget = agent.budget;
  if (faults.has_errors() || !(budget.tokens || budget.calls || budget.usd)) return;
  const WorstCase worst = worst_case_of(agent);
  const auto compare = [&](const char* key, const auto& most, const auto& limit,
                           std::string_view unit) {
    if (!most || !limit || *most <= *limit) return;
    faults.warning("worst_case", fmt::format("$.budget.{}", key),
                   fmt::format("a run may take {} {}, more than the budget of {}; then it does "
                               "what on_exceed says. Raise it, or lower max_tokens, max_turns or "
                               "limits.steps",
                               *most, unit, *limit));
  };
  compare("tokens", worst.tokens, budget.tokens, "tokens");
  compare("calls", worst.calls, budget.calls, "calls");
  compare("usd", worst.usd, budget.usd, "USD");
}

void check_keys(const Agent& agent, const std::set<std::size_t>& written,
                const std::set<std::size_t>& read, Faults& faults) {
  const bool all_in = agent.input.size() == agent.keys.size();
  const bool all_out = agent.output.size() == agent.keys.size();
  for (std::size_t i = 0; i < agent.keys.size(); ++i) {
    const Key& key = agent.keys[i];
    if (!all_in && !key.fallback && !written.contains(i))
      faults.warning_at("never_written", key.line,
                        fmt::format("key '{}' is never written and is no input; write it, give it "
                                    "a default or take it out",
                                    key.name));
    if (!all_out && !read.contains(i))
      faults.warning_at("never_read", key.line,
                        fmt::format("key '{}' is never read and is no output; name it in 'output' "
                                    "or take it out",
                                    key.name));
  }
}

WorstCase worst_case_of(const Agent& agent) {
  WorstCase worst{.steps = agent.limits.steps};
  // Each node may run in each superstep, and an edge with `each` may start any number of it.
  std::int64_t calls = 0, tokens = 0;
  double usd = 0;
  bool is_bounded = true, has_bounded_calls = true, has_bounded_usd = true;
  std::vector<bool> is_mapped(agent.nodes.size(), false);
  for (const auto& edges : agent.edges)
    for (const Edge& edge : edges)
      if (edge.each && edge.target != to_end) is_mapped[edge.target] = true;
  for (std::size_t i = 0; i < agent.nodes.size(); ++i) {
    const Cost cost = cost_of(agent, agent.nodes[i]);
    is_bounded = is_bounded && cost.is_bounded && !(is_mapped[i] && cost.tokens > 0);
    has_bounded_calls =
        has_bounded_calls && cost.has_bounded_calls && !(is_mapped[i] && cost.calls > 0);
    has_bounded_usd = has_bounded_usd && cost.has_bounded_usd && !(is_mapped[i] && cost.usd > 0);
    calls += cost.calls;
    tokens += cost.tokens;
    usd += cost.usd;
  }
  bool has_cycle_or_many = false;
  std::vector<int> entries(agent.nodes.size(), 0);
  for (const auto& edges : agent.edges)
    for (const Edge& edge : edges)
      if (edge.target != to_end && ++entries[edge.target] > 1) has_cycle_or_many = true;
  const std::int64_t times = has_cycle_or_many ? agent.limits.steps : 1;
  if (has_bounded_calls && is_bounded) worst.calls = calls * times;
  if (!is_bounded) return worst;
  worst.tokens = tokens * times;
  if (has_bounded_usd) worst.usd = usd * static_cast<double>(times);
  return worst;
}

}  // namespace slipway::agents::detail
