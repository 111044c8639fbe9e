#include "langgraph/detail/results.hpp"

namespace slipway::langgraph::detail {

Result<Results> Results::read(Core& core, const ThreadView& thread, const agents::Agent& agent) {
  Results made(agent);
  for (const agents::Event& event : TRY(events_of(core, thread))) made.take(event);
  return made;
}

void Results::take(const agents::Event& event) {
  const Value& data = event.data;
  const bool is_inner = data.at("graph").is_text() && !data.at("graph").text().empty();
  if (is_inner) return;
  if ((event.type == "run.started" || event.type == "step.finished") &&
      data.at("checkpoint").is_text())
    at_ = data.at("checkpoint").text();
  const bool is_item = data.find("result") != nullptr;
  if (event.type != "task.finished" || is_item || !(data.at("status") == Value("done"))) return;
  std::string name = agents::in_words(data.at("node"));
  if (data.at("index").is_integer()) name += fmt::format("[{}]", data.at("index").integer());
  by_checkpoint_[at_][name] = data.at("writes");
}

void Results::put_into(Value& state, const Lineage::Point& point) const {
  const auto found = by_checkpoint_.find(point.id);
  if (found == by_checkpoint_.end()) return;
  Value tasks = Value::list();
  for (std::size_t i = 0; i < state.at("tasks").items().size(); ++i) {
    Value task = state.at("tasks").items()[i];
    const auto result = found->second.find(point.next[i]);
    if (result != found->second.end()) task.put("result", state_out(agent_, result->second));
    tasks.push(std::move(task));
  }
  state.put("tasks", std::move(tasks));
}

}  // namespace slipway::langgraph::detail
