#include "agents/builder.hpp"

namespace slipway::agents::detail {

namespace {

/// Of a list that grows: what was added.
Outcome<Value> added(const Key& key, const Value& before, const Value& after) {
  const std::size_t size = before.is_list() ? before.items().size() : 0;
  if (!after.is_list() || after.items().size() < size)
    return Failure{"type", fmt::format("'{}' can only grow", key.name)};
  std::vector<Value> tail(after.items().begin() + static_cast<std::ptrdiff_t>(size),
                          after.items().end());
  for (std::size_t i = 0; i < size; ++i)
    if (!(before.items()[i] == after.items()[i]))
      return Failure{"type",
                     fmt::format("'{}' can only grow, and item {} was changed", key.name, i)};
  return Value::list(std::move(tail));
}

Outcome<Value> change(const Key& key, const Value& before, const Value& after) {
  switch (key.reduce) {
    case Reduce::append:
    case Reduce::unite:
    case Reduce::messages: return added(key, before, after);
    case Reduce::sum:
      if (before.is_integer() && after.is_integer())
        return Value(after.integer() - before.integer());
      if (before.is_number() && after.is_number()) return Value(after.number() - before.number());
      return after;
    case Reduce::merge: {
      if (!after.is_map()) return after;
      Value changed = Value::map();
      for (const auto& [name, item] : after.entries().items) {
        const Value* old = before.find(name);
        if (old == nullptr || !(*old == item)) changed.put(name, item);
      }
      return changed;
    }
    default: return after;
  }
}

}  // namespace

json::Object state_object(const Agent& agent, const Inputs& inputs) {
  json::Object object;
  for (std::size_t i = 0; i < agent.keys.size() && i < inputs.slots.size(); ++i)
    if (inputs.slots[i]) object[agent.keys[i].name] = to_json(*inputs.slots[i]);
  return object;
}

Outcome<Value> changes(const Agent& agent, const json::Object& before, const json::Object& after) {
  Value writes = Value::map();
  for (const Key& key : agent.keys) {
    const auto now = after.find(key.name);
    if (now == after.end()) continue;
    const auto then = before.find(key.name);
    const Value old = then == before.end() ? Value() : from_json(then->value());
    const Value value = from_json(now->value());
    if (value == old || (value.is_null() && key.type != Type::any)) continue;
    writes.put(key.name, SLIPWAY_GET(change(key, old, value)));
  }
  return writes;
}

}  // namespace slipway::agents::detail
