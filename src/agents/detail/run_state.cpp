#include "agents/detail/run_state.hpp"

#include <algorithm>

namespace slipway::agents::detail {

namespace {

std::int64_t earlier(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return a + b;
  return std::min(a, b);
}

std::int64_t wake_of_task(const Task& task) {
  std::int64_t wake = task.state == TaskState::waiting ? task.wake_ms : 0;
  for (const OpenQuestion& question : task.questions)
    if (task.state == TaskState::stopped) wake = earlier(wake, question.expires_ms);
  if (task.child) wake = earlier(wake, wake_of(*task.child));
  for (const auto& [call, scope] : task.tool_scopes) wake = earlier(wake, wake_of(*scope));
  for (const auto& item : task.items)
    if (item) wake = earlier(wake, wake_of_task(*item));
  return wake;
}

void collect_of_task(const Task& task, std::vector<const OpenQuestion*>& out) {
  if (task.state != TaskState::stopped) return;
  for (const OpenQuestion& question : task.questions) out.push_back(&question);
  if (task.child) collect_questions(*task.child, out);
  for (const auto& [call, scope] : task.tool_scopes) collect_questions(*scope, out);
  for (const auto& item : task.items)
    if (item) collect_of_task(*item, out);
}

/// `found` holds the place; its task and question are set if they are here or below.
bool find_in_task(Task& task, const std::string& id, Asker& found) {
  for (const OpenQuestion& question : task.questions)
    if (question.id == id) {
      found.task = &task;
      found.question = &question;
      return true;
    }
  if (task.child) {
    const Asker inner = find_question(*task.child, id);
    if (inner.task != nullptr) {
      found = inner;
      return true;
    }
  }
  for (const auto& [call, scope] : task.tool_scopes) {
    const Asker inner = find_question(*scope, id);
    if (inner.task == nullptr) continue;
    found = inner;
    return true;
  }
  for (std::size_t i = 0; i < task.items.size(); ++i) {
    Asker of_item = found;
    of_item.item = static_cast<std::int32_t>(i);
    if (task.items[i] && find_in_task(*task.items[i], id, of_item)) {
      found = of_item;
      return true;
    }
  }
  return false;
}

}  // namespace

Counts::Counts(const Agent& agent) : starts(agent.nodes.size()), visits(agent.nodes.size(), 0) {
  for (std::uint32_t i = 0; i < agent.nodes.size(); ++i) {
    const Body* body = &agent.nodes[i].body;
    if (const auto* map = std::get_if<MapBody>(body)) body = &map->body->body;
    if (const auto* graph = std::get_if<GraphBody>(body))
      inner.emplace(i, std::make_unique<Counts>(*graph->agent));
  }
  for (std::size_t i = 0; i < agent.tools.size(); ++i)
    if (agent.tools[i].agent)
      inner.emplace(of_tool(i), std::make_unique<Counts>(*agent.tools[i].agent));
}

void Counts::collect(const Agent& agent, const std::string& prefix, Value& out) const {
  for (std::uint32_t i = 0; i < agent.nodes.size(); ++i) {
    const std::string path = prefix + agent.nodes[i].name;
    if (starts[i] > 0) out.put(path, starts[i].load());
    const auto found = inner.find(i);
    if (found == inner.end()) continue;
    const Body* body = &agent.nodes[i].body;
    if (const auto* map = std::get_if<MapBody>(body)) body = &map->body->body;
    found->second->collect(*std::get<GraphBody>(*body).agent, path + "/", out);
  }
  for (std::size_t i = 0; i < agent.tools.size(); ++i)
    if (const auto found = inner.find(of_tool(i)); found != inner.end())
      found->second->collect(*agent.tools[i].agent, prefix + agent.tools[i].name + "/", out);
}

const std::vector<Ready>& select_ready(Scope& scope) {
  const auto is_deferred = [&](const Ready& ready) {
    return scope.agent->nodes[ready.node].is_deferred;
  };
  const bool has_deferred = std::any_of(scope.next.begin(), scope.next.end(), is_deferred);
  if (!has_deferred && (!scope.next.empty() || scope.deferred.empty())) return scope.next;
  for (const Ready& ready : scope.next) {
    if (!is_deferred(ready)) continue;
    const bool is_there =
        ready.index < 0 &&
        std::any_of(scope.deferred.begin(), scope.deferred.end(), [&](const Ready& other) {
          return other.node == ready.node && other.index < 0;
        });
    if (!is_there) scope.deferred.push_back(ready);
  }
  std::erase_if(scope.next, is_deferred);
  if (!scope.next.empty()) return scope.next;
  std::stable_sort(scope.deferred.begin(), scope.deferred.end(),
                   [](const Ready& a, const Ready& b) {
                     if ((a.index < 0) != (b.index < 0)) return a.index < 0;
                     return a.index < 0 && a.node < b.node;
                   });
  scope.next = std::move(scope.deferred);
  scope.deferred.clear();
  return scope.next;
}

void open_tasks(Scope& scope) {
  std::vector<Ready> chosen = std::move(scope.next);
  scope.next.clear();
  scope.open.reserve(chosen.size());
  for (Ready& ready : chosen) {
    auto task = std::make_unique<Task>();
    task->node = ready.node;
    task->index = ready.index;
    task->variable = ready.variable;
    task->item = std::move(ready.item);
    task->visit = ++scope.visits[ready.node];
    scope.open.push_back(std::move(task));
  }
}

void add_inner_visits(Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks) {
  if (scope.counts->inner.empty()) return;
  const auto add = [](const Scope& child) {
    for (std::size_t i = 0; i < child.visits.size(); ++i)
      child.counts->visits[i] += child.visits[i] - child.base_visits[i];
  };
  const auto add_task = [&](const Task& task) {
    if (task.child) add(*task.child);
    for (const auto& [call, tool] : task.tool_scopes) add(*tool);
  };
  for (const auto& task : tasks) {
    add_task(*task);
    for (const auto& item : task->items)
      if (item) add_task(*item);
  }
}

std::int64_t wake_of(const Scope& scope) {
  std::int64_t wake = 0;
  for (const auto& task : scope.open) wake = earlier(wake, wake_of_task(*task));
  return wake;
}

void collect_questions(const Scope& scope, std::vector<const OpenQuestion*>& out) {
  for (const auto& task : scope.open) collect_of_task(*task, out);
}

Asker find_question(Scope& scope, const std::string& id) {
  for (std::size_t i = 0; i < scope.open.size(); ++i) {
    Asker found{.scope = &scope, .ordinal = i};
    if (find_in_task(*scope.open[i], id, found)) return found;
  }
  return {};
}

}  // namespace slipway::agents::detail
