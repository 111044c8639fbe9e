#include "agents/state.hpp"

#include <algorithm>

#include "agents/detail/expression_node.hpp"
#include "core/files.hpp"

namespace slipway::agents {

namespace {

constexpr int write_depth_max = 56;  ///< What surrounds it on disk may be a few levels more.

Failure wrong_type(const Key& key, const Value& value, std::string_view expected) {
  return {"type", fmt::format("'{}' takes {}, not {}", key.name, expected, kind_name(value))};
}

Outcome<bool> prepare_messages(const Key& key, Value& value, std::string_view seed) {
  if (!value.is_list()) return wrong_type(key, value, "a list of messages");
  for (std::size_t i = 0; i < value.items().size(); ++i) {
    const Value& item = value.items()[i];
    if (!item.is_map()) return wrong_type(key, item, "messages, which are maps");
    const Value* id = item.find("id");
    if (id != nullptr && id->is_text() && !id->text().empty()) continue;
    if (id != nullptr && !id->is_null() && !id->is_text())
      return wrong_type(key, *id, "messages whose id is a string");
    Value named = item;
    constexpr std::size_t prefix = 7, digits = 16;  // "sha256:"
    named.put("id",
              "m_" + sha256(fmt::format("{}/{}/{}", seed, key.name, i)).substr(prefix, digits));
    value.replace(i, std::move(named));
  }
  return true;
}

/// An item of the list whose id is that, or its size.
std::size_t find_message(const std::vector<Value>& items, const std::string& id) {
  for (std::size_t i = items.size(); i-- > 0;)
    if (const Value& other = items[i].at("id"); other.is_text() && other.text() == id) return i;
  return items.size();
}

bool replaces_message(const Value& list, const Value& added) {
  for (const Value& item : added.items())
    if (find_message(list.items(), item.at("id").text()) < list.items().size()) return true;
  return false;
}

void add_items(Reduce reduce, Value& list, const Value& added) {
  for (const Value& item : added.items()) {
    if (reduce == Reduce::unite &&
        std::find(list.items().begin(), list.items().end(), item) != list.items().end())
      continue;
    if (reduce == Reduce::messages) {
      const std::size_t at = find_message(list.items(), item.at("id").text());
      if (at < list.items().size()) {
        list.replace(at, item);
        continue;
      }
    }
    list.push(item);
  }
}

Outcome<bool> reduce_scalar(const Key& key, std::optional<Value>& slot, const Value& value) {
  int order = 0;
  switch (key.reduce) {
    case Reduce::sum: {
      const Inputs none;
      detail::Frame frame{.inputs = none};
      Value total;
      if (!detail::arithmetic(Op::add, frame, slot ? *slot : Value(0), value, total))
        return std::move(frame.failure);
      slot = std::move(total);
      return true;
    }
    case Reduce::min:
    case Reduce::max:
      if (!slot) {
        slot = value;
      } else if (detail::compare(value, *slot, order)) {
        if (key.reduce == Reduce::min ? order < 0 : order > 0) slot = value;
      } else {
        return Failure{"type", fmt::format("'{}': {} and {} have no order", key.name,
                                           kind_name(value), kind_name(*slot))};
      }
      return true;
    case Reduce::merge: {
      if (!slot) slot = Value::map();
      for (const auto& [name, item] : value.entries().items) slot->put(name, item);
      return true;
    }
    default: slot = value; return true;
  }
}

}  // namespace

State start_state(const Agent& agent) {
  State state;
  state.reserve(agent.keys.size());
  for (const Key& key : agent.keys) state.push_back(key.start());
  return state;
}

Outcome<bool> prepare_write(const Key& key, Value& value, std::string_view seed) {
  if (key.is_untrusted) value.add_taint(taint_of(Source::input));
  if (value.depth() > write_depth_max)
    return Failure{"type",
                   fmt::format("'{}': nested more than {} levels deep", key.name, write_depth_max)};
  switch (key.reduce) {
    case Reduce::append:
    case Reduce::unite:
      if (!value.is_list()) return wrong_type(key, value, "a list; write [x] to add one");
      return true;
    case Reduce::messages: return prepare_messages(key, value, seed);
    case Reduce::merge:
      if (!value.is_map()) return wrong_type(key, value, "a map");
      return true;
    case Reduce::sum:
      if (!value.is_number() || (key.type == Type::integer && !value.is_integer()))
        return wrong_type(key, value, key.type == Type::integer ? "an int" : "a number");
      return true;
    case Reduce::min:
    case Reduce::max:
      if (!value.is_number() && !value.is_text())
        return wrong_type(key, value, "what has an order");
      break;
    default: break;
  }
  if (!is_of(key.type, value)) return wrong_type(key, value, type_name(key.type));
  return true;
}

bool can_hold(const Key& key, const Value& value) {
  switch (key.reduce) {
    case Reduce::append:
    case Reduce::unite:
    case Reduce::messages: return value.is_list();
    case Reduce::sum: return value.is_integer() || (value.is_real() && key.type != Type::integer);
    case Reduce::merge: return value.is_map();
    default: return is_of(key.type, value);
  }
}

Outcome<bool> apply_write(const Agent& agent, State& state, const Write& write,
                          std::vector<Undo>* undo) {
  const Key& key = agent.keys[write.key];
  std::optional<Value>& slot = state[write.key];
  const bool is_list =
      key.reduce == Reduce::append || key.reduce == Reduce::unite || key.reduce == Reduce::messages;
  if (!is_list) {
    if (undo != nullptr) undo->push_back({.key = write.key, .before = slot});
    const bool replaces = key.reduce == Reduce::last || key.reduce == Reduce::any;
    const Taint before = slot && !replaces ? slot->taint() : 0;
    SLIPWAY_GET(reduce_scalar(key, slot, write.value));
    slot->add_taint(before | write.value.taint());
    return true;
  }
  if (!slot) slot = Value::list();
  if (undo != nullptr) {
    if (key.reduce == Reduce::messages && replaces_message(*slot, write.value))
      undo->push_back({.key = write.key, .before = slot});
    else
      undo->push_back({.key = write.key,
                       .is_append = true,
                       .size = slot->items().size(),
                       .taint = slot->taint()});
  }
  add_items(key.reduce, *slot, write.value);
  slot->add_taint(write.value.taint());
  return true;
}

void take_back(State& state, std::vector<Undo>& undo) {
  for (auto step = undo.rbegin(); step != undo.rend(); ++step) {
    if (step->is_append) {
      state[step->key]->cut(step->size);
      state[step->key]->set_taint(step->taint);
    } else {
      state[step->key] = std::move(step->before);
    }
  }
  undo.clear();
}

Value state_value(const Agent& agent, const State& state) {
  Value map = Value::map();
  for (std::size_t i = 0; i < agent.keys.size(); ++i)
    if (state[i]) map.put(agent.keys[i].name, *state[i]);
  return map;
}

Value output_value(const Agent& agent, const State& state) {
  Value map = Value::map();
  for (const std::size_t key : agent.output)
    if (state[key]) map.put(agent.keys[key].name, *state[key]);
  return map;
}

}  // namespace slipway::agents
