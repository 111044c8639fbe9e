// What runs tell, as JSON.
#include "agents/detail/records.hpp"
#include "agents/runtime.hpp"

namespace slipway::agents {

namespace {

Value to_value(const RunError& error) {
  Value value = Value::map({{"kind", error.kind}, {"message", error.message}});
  if (!error.node.empty()) value.put("node", error.node);
  return value;
}

Value to_value(const std::vector<Interrupt>& interrupts) {
  std::vector<Value> list;
  for (const Interrupt& interrupt : interrupts) list.push_back(interrupt.json());
  return Value::list(std::move(list));
}

Value to_value(const TraceStep& step) {
  std::vector<Value> tasks;
  for (const TraceTask& task : step.tasks) {
    Value value = Value::map({{"node", task.node}});
    if (task.index >= 0) value.put("index", task.index);
    value.put("attempt", task.attempt);
    value.put("writes", task.writes);
    tasks.push_back(std::move(value));
  }
  Value value =
      Value::map({{"step", step.step}, {"checkpoint", step.checkpoint}, {"state", step.state}});
  detail::put_taints(step.state, value, "tainted");
  value.put("tasks", Value::list(std::move(tasks)));
  return value;
}

}  // namespace

Value Interrupt::json() const {
  Value made =
      Value::map({{"id", id}, {"node", node}, {"path", path}, {"kind", kind}, {"value", value}});
  if (expires_ms > 0)
    made.put("expires", format_time(Clock::Time(std::chrono::milliseconds(expires_ms))));
  return made;
}

Value RunResult::json() const {
  Value value = Value::map({{"thread", thread},
                            {"run", run},
                            {"status", json::name(status)},
                            {"state", state},
                            {"output", output}});
  detail::put_taints(state, value, "tainted");
  if (error) {
    value.put("error", to_value(*error));
    std::vector<Value> list;
    for (const RunError& one : errors) list.push_back(to_value(one));
    value.put("errors", Value::list(std::move(list)));
  }
  value.put("interrupts", to_value(interrupts));
  value.put(
      "usage",
      Value::map(
          {{"tokens", tokens}, {"usd", usd}, {"calls", calls}, {"reserved_peak", reserved_peak}}));
  if (is_finished_early) value.put("finished_early", true);
  value.put("checkpoint", checkpoint);
  if (steps) {
    std::vector<Value> list;
    for (const TraceStep& step : *steps) list.push_back(to_value(step));
    value.put("steps", Value::list(std::move(list)));
  }
  if (starts) value.put("starts", *starts);
  return value;
}

Value HistoryEntry::json() const {
  std::vector<Value> names;
  for (const std::string& name : next) names.emplace_back(name);
  Value value = Value::map({{"checkpoint", checkpoint}});
  value.put("parent", parent.empty() ? Value() : Value(parent));
  value.put("run", run);
  value.put("source", source);
  value.put("step", step);
  value.put("state", state);
  detail::put_taints(state, value, "tainted");
  value.put("next", Value::list(std::move(names)));
  value.put("interrupts", to_value(interrupts));
  return value;
}

}  // namespace slipway::agents
