#include "agents/detail/engine.hpp"

#include <algorithm>

#include "agents/detail/task_run.hpp"
#include "core/pool.hpp"

namespace slipway::agents::detail {

std::string Place::address() const {
  if (item >= 0) return fmt::format("{}/{}:{}[{}]", scope.address, step, ordinal, item);
  return fmt::format("{}/{}:{}", scope.address, step, ordinal);
}

Locals::Locals(const Agent& agent, int step, int attempt, Value node)
    : step_(step), attempt_(attempt), node_(std::move(node)), pointers_(agent.locals, nullptr) {
  pointers_[local_step] = &step_;
  pointers_[local_attempt] = &attempt_;
  pointers_[local_node] = &node_;
}

void Locals::of_task(const Task& task) {
  if (task.index < 0) return;
  index_ = task.index;
  pointers_[local_index] = &index_;
  pointers_[task.variable] = &task.item;
}

void Engine::break_with(Error error) {
  const std::lock_guard lock(mutex_);
  if (!broken_) broken_ = std::move(error);
  is_broken_ = true;
}

void Engine::note_missing(const std::string& node, std::string what) {
  const std::lock_guard lock(mutex_);
  if (missing_.is_null()) missing_ = Value::map({{"node", node}, {"what", std::move(what)}});
}

Value Engine::missing() const {
  const std::lock_guard lock(mutex_);
  return missing_;
}

std::string task_key(const Scope& scope, const Task& task) {
  return fmt::format("{}{}|{}|{}", scope.key, scope.agent->nodes[task.node].name, task.index,
                     task.visit);
}

bool Engine::is_broken() {
  if (is_broken_) return true;
  if (auto check = options_.context.check(); !check) break_with(std::move(check.error()));
  return is_broken_;
}

bool Engine::is_over_time() const {
  return options_.worked_ms_max && options_.purse.worked_ms() >= *options_.worked_ms_max;
}

Failure Engine::wall_failure() {
  return {"wall_limit", "the time that the run may be worked on (limits.wall) is over"};
}

End Engine::run(Scope& scope) {
  const bool is_outermost = scope.address.empty();
  const int steps_max = is_outermost ? options_.steps_max : scope.agent->limits.steps;
  for (;;) {
    if (is_broken()) return End::broken;
    if (scope.open.empty()) {
      if (is_finishing_) return End::cut;
      const std::vector<Ready>& chosen = select_ready(scope);
      if (chosen.empty()) return End::done;
      if (!scope.is_paused && is_pause(scope, chosen)) {
        scope.is_paused = true;
        return End::stopped;
      }
      scope.errors.clear();
      scope.error_nodes.clear();
      const bool is_late = is_over_time();
      if (scope.steps_now >= steps_max || is_late) {
        scope.errors.push_back(
            is_late ? wall_failure()
                    : Failure{"step_limit",
                              fmt::format("{} supersteps were made, as many as are allowed "
                                          "(limits.steps), and tasks are still ready",
                                          steps_max)});
        scope.error_nodes.emplace_back();
        return End::failed;
      }
      scope.is_paused = false;
      open_tasks(scope);
      if (options_.listener != nullptr && options_.listener->step_started)
        options_.listener->step_started(scope);
    }
    run_tasks(scope);
    if (const auto end = settle(scope)) return *end;
  }
}

bool Engine::is_pause(const Scope& scope, const std::vector<Ready>& chosen) const {
  const bool is_outermost = scope.address.empty();
  return std::any_of(chosen.begin(), chosen.end(), [&](const Ready& ready) {
    const Node& node = scope.agent->nodes[ready.node];
    return node.pause_before || (is_outermost && !options_.pause_before.empty() &&
                                 options_.pause_before.contains(node.name));
  });
}

bool Engine::pauses_after(const Scope& scope,
                          const std::vector<std::unique_ptr<Task>>& tasks) const {
  const bool is_outermost = scope.address.empty();
  return std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) {
    const Node& node = scope.agent->nodes[task->node];
    return node.pause_after || (is_outermost && !options_.pause_after.empty() &&
                                options_.pause_after.contains(node.name));
  });
}

void Engine::run_tasks(Scope& scope) {
  std::vector<std::size_t> slow;
  for (std::size_t i = 0; i < scope.open.size(); ++i) {
    Task& task = *scope.open[i];
    if (task.state == TaskState::done || (task.state == TaskState::failed && task.is_handled))
      continue;
    if (task.state == TaskState::failed) continue;  // `resume` makes it ready again.
    if (!scope.agent->nodes[task.node].is_quick()) {
      slow.push_back(i);
      continue;
    }
    TaskRun(*this, scope, {.scope = scope, .step = scope.step + 1, .ordinal = i}, task, 1).run();
  }
  if (slow.empty()) return;
  const std::size_t parallel = std::min(scope.parallel, slow.size());
  const std::size_t share = TaskRun::share_of(scope.parallel, parallel);
  const auto run_one = [&](std::size_t i) -> Result<void> {
    const std::size_t at = slow[i];
    TaskRun(*this, scope, {.scope = scope, .step = scope.step + 1, .ordinal = at}, *scope.open[at],
            share)
        .run();
    return {};
  };
  if (parallel == 1)
    for (std::size_t i = 0; i < slow.size(); ++i) (void)run_one(i);
  else if (auto outcome = parallel_for({}, slow.size(), parallel, run_one); !outcome)
    break_with(std::move(outcome.error()));
}

void Engine::note_failures(Scope& scope) {
  for (const auto& task : scope.open) {
    if (task->state != TaskState::failed || task->is_handled) continue;
    scope.errors.push_back(task->failure);
    scope.error_nodes.push_back(scope.agent->nodes[task->node].name);
  }
}

/// What quick tasks did is written once it is known that the superstep does not end now.
bool Engine::record_open(Scope& scope) {
  for (std::size_t i = 0; i < scope.open.size() && !is_broken_; ++i) {
    Task& task = *scope.open[i];
    if (task.is_recorded || task.state == TaskState::ready) continue;
    task.is_recorded = true;
    auto kept =
        options_.recorder.task_ended({.scope = scope, .step = scope.step + 1, .ordinal = i}, task);
    if (!kept) break_with(std::move(kept.error()));
  }
  return !is_broken_;
}

/// What the superstep came to; nothing: it is merged and the next may begin.
std::optional<End> Engine::settle(Scope& scope) {
  if (is_broken_) return End::broken;
  bool waits = false, stops = false, is_cut = false, fails = false;
  for (const auto& task : scope.open) {
    waits = waits || task->state == TaskState::waiting;
    stops = stops || task->state == TaskState::stopped;
    is_cut = is_cut || task->state == TaskState::cut;
    fails = fails || (task->state == TaskState::failed && !task->is_handled);
  }
  scope.errors.clear();
  scope.error_nodes.clear();
  if (fails) note_failures(scope);
  std::optional<End> end;
  if (is_cut && !scope.address.empty()) end = End::cut;
  if (stops) end = End::stopped;
  if (fails) end = End::failed;
  if (waits) end = End::waiting;
  if (end) return record_open(scope) ? *end : End::broken;
  // Of the outermost scope what was finished is kept, then no more is begun.
  if (is_cut) std::erase_if(scope.open, [](const auto& t) { return t->state == TaskState::cut; });
  if (!merge(scope)) return record_open(scope) ? End::failed : End::broken;
  return scope.is_paused ? std::optional(End::stopped) : std::nullopt;
}

End Engine::run_finish_node(Scope& scope) {
  scope.next.clear();
  scope.deferred.clear();
  const auto node = scope.agent->node(scope.agent->budget.finish);
  if (!node) return End::done;
  is_finishing_ = false;
  scope.next.push_back({.node = *node});
  open_tasks(scope);
  run_tasks(scope);
  const auto end = settle(scope);
  scope.next.clear();
  scope.deferred.clear();
  is_finishing_ = true;
  return end && *end != End::stopped ? *end : End::done;
}

}  // namespace slipway::agents::detail
