#include "langgraph/detail/lineage.hpp"

#include <algorithm>

#include "agents/state.hpp"
#include "langgraph/detail/ids.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view before_input = ".input";

}  // namespace

std::string node_name(const std::string& task) { return task.substr(0, task.find('[')); }

std::string Lineage::runtime_id(const std::string& id) {
  return id.ends_with(before_input) ? id.substr(0, id.size() - before_input.size()) : id;
}

Lineage::Lineage(const agents::Agent& agent, std::string thread,
                 const std::vector<agents::HistoryEntry>& history)
    : thread_(std::move(thread)) {
  struct Known {
    int number = 0;
    const agents::HistoryEntry* entry = nullptr;
  };
  std::map<std::string, Known> known;  // By checkpoint.
  const Value start = agents::state_value(agent, agents::start_state(agent));
  std::vector<Point> points;
  for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
    const auto parent = known.find(entry->parent);
    const bool has_parent = parent != known.end();
    int number = has_parent ? parent->second.number + 1 : -1;
    std::string above = entry->parent;
    if (entry->source == "input") {
      above = entry->checkpoint + std::string(before_input);
      points.push_back(
          {.id = above,
           .parent = entry->parent,
           .run = entry->run,
           .source = "input",
           .number = number++,
           .time_ms = entry->time_ms,
           .values = state_out(agent, has_parent ? parent->second.entry->state : start),
           .next = {"__start__"}});
    }
    std::string source = "loop";
    if (entry->source == "fork") {
      const bool is_same = has_parent && entry->state == parent->second.entry->state &&
                           entry->next == parent->second.entry->next;
      source = is_same ? "fork" : "update";
    }
    points.push_back({.id = entry->checkpoint,
                      .parent = std::move(above),
                      .run = entry->run,
                      .source = std::move(source),
                      .number = number,
                      .time_ms = entry->time_ms,
                      .values = state_out(agent, entry->state),
                      .next = entry->next,
                      .interrupts = entry->interrupts});
    known[entry->checkpoint] = {number, &*entry};
    base_ = number - entry->step;
  }
  std::reverse(points.begin(), points.end());
  points_ = std::move(points);
  for (std::size_t i = 0; i < points_.size(); ++i) places_[points_[i].id] = i;
}

const Lineage::Point* Lineage::find(const std::string& id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &points_[found->second];
}

std::string Lineage::task_id(int number, const std::string& name) const {
  return uuid_of_name(fmt::format("slipway:task:{}:{}:{}", thread_, number, name));
}

}  // namespace slipway::langgraph::detail
