// The end of a superstep: writes, edges, joins.
#include <algorithm>

#include "agents/detail/engine.hpp"

namespace slipway::agents::detail {

namespace {

bool has_conditions(const std::vector<Edge>& edges) {
  return std::any_of(edges.begin(), edges.end(),
                     [](const Edge& edge) { return edge.when || edge.each; });
}

bool names_kind(const Edge& edge, const std::string& kind) {
  return std::any_of(edge.on.begin(), edge.on.end(),
                     [&](const std::string& word) { return word == "any" || word == kind; });
}

}  // namespace

/// Which of the edges are taken, in the order of the file.
Outcome<bool> Engine::follow(const Scope& scope, const std::vector<Edge>& edges,
                             const Inputs& inputs, Taken& taken) const {
  std::vector<bool> is_taken(edges.size(), false);
  bool any_when = false;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Edge& edge = edges[i];
    if (!edge.on.empty() || edge.is_else) continue;
    is_taken[i] = !edge.when || SLIPWAY_GET(edge.when.is_true(inputs));
    any_when = any_when || (edge.when && is_taken[i]);
  }
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Edge& edge = edges[i];
    if (!(is_taken[i] || (edge.is_else && !any_when))) continue;
    if (!edge.each) {
      if (edge.target != to_end) taken.ordinary.push_back(edge.target);
      continue;
    }
    const Value items = SLIPWAY_GET(edge.each.evaluate(inputs));
    if (!items.is_list())
      return Failure{"expression", fmt::format("each: \"{}\" gives {}, not a list",
                                               edge.each.text(), kind_name(items))};
    std::int32_t index = 0;
    for (const Value& item : items.items()) {
      taken.mapped.push_back({.node = edge.target,
                              .index = index++,
                              .variable = static_cast<std::uint32_t>(edge.as),
                              .item = item});
      taken.mapped.back().item.add_taint(items.taint());
    }
    if (index == 0 && edge.empty && *edge.empty != to_end) taken.ordinary.push_back(*edge.empty);
  }
  (void)scope;
  return true;
}

/// Those of a task that has finished, which sees its own writes.
Outcome<bool> Engine::follow_task(Scope& scope, Task& task, Taken& taken) {
  const std::vector<Edge>& edges = scope.agent->edges[task.node];
  if (task.is_handled) {
    for (const Edge& edge : edges)
      if (names_kind(edge, task.failure.kind) && edge.target != to_end)
        taken.ordinary.push_back(edge.target);
    return true;
  }
  if (!has_conditions(edges)) return follow(scope, edges, {}, taken);
  Locals locals(*scope.agent, scope.step + 1, task.attempts, scope.agent->nodes[task.node].label);
  locals.of_task(task);
  std::vector<Undo> undo;
  for (const Write& write : task.writes) {
    auto applied = apply_write(*scope.agent, scope.state, write, &undo);
    if (applied) continue;
    take_back(scope.state, undo);
    return std::move(applied.failure());
  }
  auto outcome = follow(scope, edges, locals.inputs(scope.state), taken);
  take_back(scope.state, undo);
  return outcome;
}

namespace {

/// Of what a failure says: it may quote all that the task could see or get.
Taint taint_of_failure(const Scope& scope, const Task& task) {
  Taint taint = task.item.taint() | sources_of(*scope.agent, scope.agent->nodes[task.node]);
  for (const auto& slot : scope.state)
    if (slot) taint |= slot->taint();
  return taint;
}

}  // namespace

/// An edge that takes care of it: the task writes only what the edge says.
bool Engine::handle_failure(const Scope& scope, Task& task) const {
  task.is_handled = false;
  for (const Edge& edge : scope.agent->edges[task.node]) {
    if (!names_kind(edge, task.failure.kind)) continue;
    if (!task.is_handled) task.writes.clear();
    task.is_handled = true;
    if (!edge.into) continue;
    Value told = Value::map({{"kind", task.failure.kind},
                             {"message", task.failure.message},
                             {"node", scope.agent->nodes[task.node].name}});
    told.add_taint(taint_of_failure(scope, task));
    const Key& key = scope.agent->keys[*edge.into];
    if (key.reduce == Reduce::append) told = Value::list({std::move(told)});
    if (auto prepared = prepare_write(key, told, ""); !prepared) {
      task.failure = std::move(prepared.failure());
      task.is_handled = false;
      return false;
    }
    task.writes.push_back({static_cast<std::uint32_t>(*edge.into), std::move(told)});
  }
  return task.is_handled;
}

void Engine::fail_task(Scope& scope, Task& task, Failure failure) const {
  task.state = TaskState::failed;
  task.failure = std::move(failure);
  handle_failure(scope, task);
}

bool Engine::find_conflict(Scope& scope) {
  if (scope.open.size() < 2) return false;
  std::vector<std::int64_t> writer(scope.agent->keys.size(), -1);
  for (std::size_t i = 0; i < scope.open.size(); ++i)
    for (const Write& write : scope.open[i]->writes) {
      const Key& key = scope.agent->keys[write.key];
      if (key.reduce != Reduce::last) continue;
      const std::int64_t other = writer[write.key];
      if (other >= 0 && other != static_cast<std::int64_t>(i)) {
        const auto name = [&](std::size_t at) -> const std::string& {
          return scope.agent->nodes[scope.open[at]->node].name;
        };
        scope.errors.push_back(
            {"write_conflict",
             fmt::format("'{}' and '{}' both write '{}' in one superstep; give the key a 'reduce'",
                         name(static_cast<std::size_t>(other)), name(i), key.name)});
        scope.error_nodes.push_back(name(i));
        return true;
      }
      writer[write.key] = static_cast<std::int64_t>(i);
    }
  return false;
}

bool Engine::apply_all(Scope& scope, std::vector<Undo>* undo) {
  for (const auto& task : scope.open)
    for (const Write& write : task->writes) {
      auto applied = apply_write(*scope.agent, scope.state, write, undo);
      if (applied) continue;
      scope.errors.push_back(std::move(applied.failure()));
      scope.error_nodes.push_back(scope.agent->nodes[task->node].name);
      return false;
    }
  return true;
}

void Engine::mark_joins(Scope& scope, const Task& task, Taken& taken) const {
  if (task.is_handled) return;
  for (const std::uint32_t at : scope.agent->joins_of[task.node]) {
    const Join& join = scope.agent->joins[at];
    std::vector<bool>& seen = scope.seen[at];
    const auto place = std::lower_bound(join.sources.begin(), join.sources.end(), task.node) -
                       join.sources.begin();
    seen[static_cast<std::size_t>(place)] = true;
    if (!std::all_of(seen.begin(), seen.end(), [](bool has) { return has; })) continue;
    seen.assign(seen.size(), false);
    if (join.target != to_end) taken.ordinary.push_back(join.target);
  }
}

/// Ordinary tasks by name, each once; mapped ones after them.
void Engine::put_next(Scope& scope, Taken taken) const {
  std::sort(taken.ordinary.begin(), taken.ordinary.end());
  taken.ordinary.erase(std::unique(taken.ordinary.begin(), taken.ordinary.end()),
                       taken.ordinary.end());
  scope.next.clear();
  scope.next.reserve(taken.ordinary.size() + taken.mapped.size());
  for (const std::uint32_t node : taken.ordinary) scope.next.push_back({.node = node});
  for (Ready& ready : taken.mapped) scope.next.push_back(std::move(ready));
}

/// False: the superstep has failed, `scope.errors` says why, and nothing is merged.
bool Engine::merge(Scope& scope) {
  Taken taken;
  bool has_failed = false;
  for (const auto& task : scope.open) {
    Taken own;
    if (auto followed = follow_task(scope, *task, own); !followed) {
      // The failure of an edge is its source's, and may be taken care of as such.
      fail_task(scope, *task, std::move(followed.failure()));
      task->is_recorded = false;
      own = {};
      if (task->is_handled)
        (void)follow_task(scope, *task, own);
      else
        has_failed = true;
    }
    taken.ordinary.insert(taken.ordinary.end(), own.ordinary.begin(), own.ordinary.end());
    std::move(own.mapped.begin(), own.mapped.end(), std::back_inserter(taken.mapped));
  }
  if (has_failed) {
    note_failures(scope);
    return false;
  }
  if (find_conflict(scope)) return false;
  std::vector<Undo> undo;
  if (!apply_all(scope, scope.open.size() > 1 ? &undo : nullptr)) {
    take_back(scope.state, undo);
    return false;
  }
  for (const auto& task : scope.open) mark_joins(scope, *task, taken);
  put_next(scope, std::move(taken));
  ++scope.step;
  ++scope.steps_now;
  std::vector<std::unique_ptr<Task>> tasks = std::move(scope.open);
  scope.open.clear();
  add_inner_visits(scope, tasks);
  if (scope.address.empty()) scope.counts->visits = scope.visits;
  if (auto kept = options_.recorder.merged(scope, tasks); !kept) {
    break_with(std::move(kept.error()));
    return false;
  }
  if (options_.listener != nullptr && options_.listener->step_finished)
    options_.listener->step_finished(scope, tasks);
  scope.is_paused = pauses_after(scope, tasks);
  return true;
}

Outcome<bool> Engine::begin(Scope& scope) {
  const Locals locals(*scope.agent, 0, 1, "START");
  Taken taken;
  SLIPWAY_GET(follow(scope, scope.agent->start_edges(), locals.inputs(scope.state), taken));
  put_next(scope, std::move(taken));
  return true;
}

Outcome<bool> Engine::continue_from(Scope& scope, std::uint32_t node) {
  const Locals locals(*scope.agent, scope.step, 1, scope.agent->nodes[node].label);
  Taken taken;
  SLIPWAY_GET(follow(scope, scope.agent->edges[node], locals.inputs(scope.state), taken));
  Task as;
  as.node = node;
  mark_joins(scope, as, taken);
  put_next(scope, std::move(taken));
  scope.deferred.clear();
  return true;
}

}  // namespace slipway::agents::detail
