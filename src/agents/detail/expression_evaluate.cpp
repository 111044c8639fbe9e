// The value of an expression's tree.
#include <cmath>

#include "agents/detail/expression_node.hpp"

namespace slipway::agents {

namespace detail {

namespace {

using Node = Expression::Node;

bool evaluate_bool(const Node& node, Frame& frame, bool& out) {
  Value value;
  if (!evaluate(node, frame, value)) return false;
  if (!value.is_boolean())
    return frame.fail(fmt::format("a bool is needed, not {}", kind_name(value)));
  out = value.boolean();
  return true;
}

/// && and ||: what one side decides is right though the other fails.
bool evaluate_logic(const Node& node, Frame& frame, Value& out) {
  const bool decisive = node.op == Op::either;
  bool left = !decisive;
  const bool has_left = evaluate_bool(*node.parts[0], frame, left);
  if (has_left && left == decisive) {
    out = decisive;
    return true;
  }
  if (!has_left && frame.operations_left < 0) return false;
  Failure failure = std::move(frame.failure);
  bool right = !decisive;
  if (!evaluate_bool(*node.parts[1], frame, right)) {
    if (!has_left) frame.failure = std::move(failure);
    return false;
  }
  if (!has_left && right != decisive) {
    frame.failure = std::move(failure);
    return false;
  }
  out = has_left ? right : decisive;
  return true;
}

bool evaluate_select(const Node& node, Frame& frame, Value& out) {
  Value from;
  if (!evaluate(*node.parts[0], frame, from)) return false;
  if (!from.is_map())
    return frame.fail(fmt::format("'{}' is asked of {}, not of a map", node.name, kind_name(from)));
  const Value* found = from.find(node.name);
  if (node.op == Op::has) {
    out = found != nullptr;
    return true;
  }
  if (found == nullptr) return frame.fail(fmt::format("no such key: '{}'", node.name));
  out = *found;
  return true;
}

bool evaluate_index(const Node& node, Frame& frame, Value& out) {
  Value from, place;
  if (!evaluate(*node.parts[0], frame, from) || !evaluate(*node.parts[1], frame, place))
    return false;
  if (from.is_map()) {
    if (!place.is_text())
      return frame.fail(fmt::format("keys of maps are strings, not {}", kind_name(place)));
    const Value* found = from.find(place.text());
    if (found == nullptr) return frame.fail(fmt::format("no such key: '{}'", place.text()));
    out = *found;
    return true;
  }
  if (!from.is_list()) return frame.fail(fmt::format("{} has no items", kind_name(from)));
  if (!place.is_number() || std::trunc(place.number()) != place.number())
    return frame.fail(fmt::format("the place in a list is an int, not {}", kind_name(place)));
  const double at = place.number();
  if (at < 0 || at >= static_cast<double>(from.items().size()))
    return frame.fail(
        fmt::format("index out of range: {} of {}", in_words(place), from.items().size()));
  Value item = from.items()[static_cast<std::size_t>(at)];
  out = std::move(item);
  return true;
}

bool evaluate_list(const Node& node, Frame& frame, Value& out) {
  if (!frame.spend(0, static_cast<std::int64_t>(node.parts.size() * sizeof(Value)))) return false;
  std::vector<Value> items(node.parts.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    if (!evaluate(*node.parts[i], frame, items[i])) return false;
  out = Value::list(std::move(items));
  if (out.depth() > value_depth_max) return frame.fail("a value nested more than 64 levels deep");
  return true;
}

bool evaluate_map(const Node& node, Frame& frame, Value& out) {
  Value map = Value::map();
  for (std::size_t i = 0; i < node.parts.size(); i += 2) {
    Value key, item;
    if (!evaluate(*node.parts[i], frame, key) || !evaluate(*node.parts[i + 1], frame, item))
      return false;
    if (!key.is_text())
      return frame.fail(fmt::format("keys of maps are strings, not {}", kind_name(key)));
    if (map.find(key.text()) != nullptr)
      return frame.fail(fmt::format("key '{}' stands twice", key.text()));
    if (!frame.spend(0, static_cast<std::int64_t>(key.text().size() + 2 * sizeof(Value))))
      return false;
    map.put(key.text(), std::move(item));
  }
  out = std::move(map);
  if (out.depth() > value_depth_max) return frame.fail("a value nested more than 64 levels deep");
  return true;
}

bool evaluate_in(const Node& node, Frame& frame, Value& out) {
  Value item, from;
  if (!evaluate(*node.parts[0], frame, item) || !evaluate(*node.parts[1], frame, from))
    return false;
  if (from.is_map()) {
    out = item.is_text() && from.find(item.text()) != nullptr;
    return true;
  }
  if (!from.is_list())
    return frame.fail(fmt::format("'in' needs a list or a map, not {}", kind_name(from)));
  if (!frame.spend(static_cast<std::int64_t>(from.items().size()))) return false;
  bool found = false;
  for (const Value& candidate : from.items())
    if (candidate == item) {
      found = true;
      break;
    }
  out = found;
  return true;
}

/// The items that a comprehension goes over: of a list, or the keys of a map.
bool items_of(const Node& node, Frame& frame, Value& out) {
  Value over;
  if (!evaluate(*node.parts[0], frame, over)) return false;
  if (over.is_map()) {
    std::vector<Value> keys;
    for (const auto& entry : over.entries().items) keys.emplace_back(entry.first);
    over = Value::list(std::move(keys));
  }
  if (!over.is_list())
    return frame.fail(fmt::format("{} has no items to go over", kind_name(over)));
  out = std::move(over);
  return true;
}

struct Variable {
  Frame& frame;
  explicit Variable(Frame& f) : frame(f) { frame.variables.emplace_back(); }
  ~Variable() { frame.variables.pop_back(); }
  void set(const Value& value) { frame.variables.back() = value; }
};

bool evaluate_all_or_exists(const Node& node, Frame& frame, const Value& over, Value& out) {
  const bool decisive = node.op == Op::exists;
  Variable variable(frame);
  Failure failure;
  bool has_failed = false;
  for (const Value& item : over.items()) {
    variable.set(item);
    bool holds = false;
    if (!evaluate_bool(*node.parts[1], frame, holds)) {
      if (frame.operations_left < 0) return false;
      failure = std::move(frame.failure);
      has_failed = true;
    } else if (holds == decisive) {
      out = decisive;
      return true;
    }
  }
  if (has_failed) {
    frame.failure = std::move(failure);
    return false;
  }
  out = !decisive;
  return true;
}

bool evaluate_filter_or_map(const Node& node, Frame& frame, const Value& over, Value& out) {
  Variable variable(frame);
  std::vector<Value> made;
  const bool is_filter = node.op == Op::filter;
  const bool has_condition = is_filter || node.parts.size() == 3;
  for (const Value& item : over.items()) {
    variable.set(item);
    bool holds = true;
    if (has_condition && !evaluate_bool(*node.parts[1], frame, holds)) return false;
    if (!holds) continue;
    if (!frame.spend(0, sizeof(Value))) return false;
    made.push_back(item);
    if (!is_filter && !evaluate(*node.parts.back(), frame, made.back())) return false;
  }
  out = Value::list(std::move(made));
  if (out.depth() > value_depth_max) return frame.fail("a value nested more than 64 levels deep");
  return true;
}

bool evaluate_comprehension(const Node& node, Frame& frame, Value& out) {
  Value over;
  if (!items_of(node, frame, over)) return false;
  if (node.op == Op::all || node.op == Op::exists)
    return evaluate_all_or_exists(node, frame, over, out);
  if (node.op != Op::exists_one) return evaluate_filter_or_map(node, frame, over, out);
  Variable variable(frame);
  int count = 0;
  for (const Value& item : over.items()) {
    variable.set(item);
    bool holds = false;
    if (!evaluate_bool(*node.parts[1], frame, holds)) return false;
    count += holds ? 1 : 0;
  }
  out = count == 1;
  return true;
}

bool evaluate_comparison(const Node& node, Frame& frame, Value& out) {
  Value a, b;
  if (!evaluate(*node.parts[0], frame, a) || !evaluate(*node.parts[1], frame, b)) return false;
  if (node.op == Op::equal || node.op == Op::unequal) {
    if ((a.is_list() || a.is_map()) &&
        !frame.spend(static_cast<std::int64_t>(std::min(a.bytes(), b.bytes()) / sizeof(Value))))
      return false;
    out = (a == b) == (node.op == Op::equal);
    return true;
  }
  int order = 0;
  if (!compare(a, b, order))
    return frame.fail(fmt::format("{} and {} have no order", kind_name(a), kind_name(b)));
  switch (node.op) {
    case Op::less: out = order < 0; break;
    case Op::less_equal: out = order <= 0; break;
    case Op::greater: out = order > 0; break;
    default: out = order >= 0; break;
  }
  return true;
}

bool evaluate_minus(const Node& node, Frame& frame, Value& out) {
  Value value;
  if (!evaluate(*node.parts[0], frame, value)) return false;
  if (value.is_real()) {
    out = -value.number();
    return true;
  }
  if (!value.is_integer())
    return frame.fail(fmt::format("there is no minus of {}", kind_name(value)));
  std::int64_t negative = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, value.integer(), &negative))
    return frame.fail("overflow: a number beyond 64 bits");
  out = negative;
  return true;
}

bool evaluate_operator(const Node& node, Frame& frame, Value& out) {
  Value a, b;
  if (!evaluate(*node.parts[0], frame, a) || !evaluate(*node.parts[1], frame, b)) return false;
  return arithmetic(node.op, frame, a, b, out);
}

bool evaluate_call(const Node& node, Frame& frame, Value& out) {
  std::vector<Value> parts(node.parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!evaluate(*node.parts[i], frame, parts[i])) return false;
  return call_function(node, frame, parts, out);
}

void read_slot(Frame& frame, std::int32_t slot, Value& out) {
  if (slot < 0 || static_cast<std::size_t>(slot) >= frame.inputs.slots.size()) {
    out = {};
    return;
  }
  const auto& there = frame.inputs.slots[static_cast<std::size_t>(slot)];
  if (!there) {
    out = {};
    return;
  }
  out = *there;
  frame.taint |= out.taint();
}

}  // namespace

bool compare(const Value& a, const Value& b, int& out) {
  const auto sign = [&](const auto& x, const auto& y) { out = x < y ? -1 : (y < x ? 1 : 0); };
  if (a.is_integer() && b.is_integer())
    sign(a.integer(), b.integer());
  else if (a.is_number() && b.is_number())
    sign(a.number(), b.number());
  else if (a.is_text() && b.is_text())
    sign(a.text(), b.text());
  else if (a.is_boolean() && b.is_boolean())
    sign(a.boolean(), b.boolean());
  else
    return false;
  return true;
}

bool Frame::spend(std::int64_t operations, std::int64_t bytes) {
  operations_left = static_cast<int>(
      std::max<std::int64_t>(-1, static_cast<std::int64_t>(operations_left) - operations));
  bytes_left -= bytes;
  if (operations_left >= 0 && bytes_left >= 0) return true;
  operations_left = -1;  // Nothing can absorb this.
  return fail(bytes_left < 0 ? "it makes more than 1 MB of values"
                             : "it takes more than 10,000 operations");
}

bool evaluate(const Node& node, Frame& frame, Value& out) {
  if (!frame.spend(1)) return false;
  switch (node.op) {
    case Op::constant: out = node.value; return true;
    case Op::slot: read_slot(frame, node.slot, out); return true;
    case Op::local: {
      const Value* local =
          node.place < frame.inputs.locals.size() ? frame.inputs.locals[node.place] : nullptr;
      if (local == nullptr) {
        read_slot(frame, node.slot, out);
        return true;
      }
      out = *local;
      frame.taint |= out.taint();
      return true;
    }
    case Op::variable: out = frame.variables[node.place]; return true;
    case Op::state: {
      std::vector<std::pair<std::string, Value>> entries;
      const auto& names = node.parts.front()->value.items();
      for (std::size_t i = 0; i < names.size() && i < frame.inputs.slots.size(); ++i)
        if (frame.inputs.slots[i]) entries.emplace_back(names[i].text(), *frame.inputs.slots[i]);
      if (!frame.spend(static_cast<std::int64_t>(entries.size()))) return false;
      out = Value::map(std::move(entries));
      frame.taint |= out.taint();
      return true;
    }
    case Op::has_key: {
      const auto slot = static_cast<std::size_t>(node.slot);
      out = slot < frame.inputs.slots.size() && frame.inputs.slots[slot].has_value();
      if (out.boolean()) frame.taint |= frame.inputs.slots[slot]->taint();
      return true;
    }
    case Op::select:
    case Op::has: return evaluate_select(node, frame, out);
    case Op::index: return evaluate_index(node, frame, out);
    case Op::list: return evaluate_list(node, frame, out);
    case Op::map: return evaluate_map(node, frame, out);
    case Op::negate: {
      bool value = false;
      if (!evaluate_bool(*node.parts[0], frame, value)) return false;
      out = !value;
      return true;
    }
    case Op::minus: return evaluate_minus(node, frame, out);
    case Op::equal:
    case Op::unequal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal: return evaluate_comparison(node, frame, out);
    case Op::in: return evaluate_in(node, frame, out);
    case Op::both:
    case Op::either: return evaluate_logic(node, frame, out);
    case Op::choose: {
      bool condition = false;
      if (!evaluate_bool(*node.parts[0], frame, condition)) return false;
      return evaluate(*node.parts[condition ? 1 : 2], frame, out);
    }
    case Op::call: return evaluate_call(node, frame, out);
    case Op::all:
    case Op::exists:
    case Op::exists_one:
    case Op::filter:
    case Op::transform: return evaluate_comprehension(node, frame, out);
    default: return evaluate_operator(node, frame, out);
  }
}

}  // namespace detail

Outcome<Value> Expression::evaluate(const Inputs& inputs) const {
  if (native_) return (*native_)(inputs);
  detail::Frame frame{.inputs = inputs};
  Value out;
  if (!detail::evaluate(*root_, frame, out)) return std::move(frame.failure);
  out.add_taint(frame.taint);
  return out;
}

Expression Expression::native(std::string text, Native function, Type type) {
  Expression made;
  made.text_ = std::move(text);
  made.type_ = type;
  made.native_ = std::make_shared<const Native>(std::move(function));
  return made;
}

Outcome<bool> Expression::is_true(const Inputs& inputs) const {
  Value value = SLIPWAY_GET(evaluate(inputs));
  if (!value.is_boolean())
    return Failure{"expression",
                   fmt::format("\"{}\" gives {}, not a bool", text_, kind_name(value))};
  return value.boolean();
}

}  // namespace slipway::agents
