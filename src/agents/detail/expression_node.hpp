// The tree that an expression is compiled to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/expression.hpp"
#include "core/pattern.hpp"

namespace slipway::agents {

enum class Op : std::uint8_t {
  constant,
  slot,      ///< place
  local,     ///< place; slot (or none) where it is not set
  variable,  ///< place in the stack of comprehensions
  state,     ///< The map of all keys that are there.
  has_key,   ///< slot: whether the key is there
  select,    ///< [0].name
  has,       ///< whether [0] has name
  index,     ///< [0][[1]]
  list,
  map,  ///< key, value, key, value ...
  negate,
  minus,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  both,
  either,
  choose,
  call,  ///< function
  all,   ///< [0] over place, [1]
  exists,
  exists_one,
  filter,
  transform,  ///< [0], [1] what; or [0], [1] if, [2] what
};

enum class Function : std::uint8_t {
  size,
  to_int,
  to_double,
  to_string,
  to_bool,
  type,
  starts_with,
  ends_with,
  contains,
  matches,
  split,
  join,
  replace,
  lower,
  upper,
  trim,
  substring,
  range,
  sort,
  distinct,
  sum,
  fail,
};

struct Expression::Node {
  Op op = Op::constant;
  Function function = Function::size;
  std::uint32_t place = 0;
  std::int32_t slot = -1;
  Type type = Type::any;
  Value value;                     ///< constant
  std::string name;                ///< select, has
  std::optional<Pattern> pattern;  ///< matches, of a constant
  std::vector<std::unique_ptr<Node>> parts;
};

namespace detail {

/// A function by name and how it may be called.
struct FunctionInfo {
  std::string_view name;
  Function function;
  int parts_min, parts_max;  ///< With the receiver.
  bool is_method, is_global;
  Type type;
};
const FunctionInfo* find_function(std::string_view name);
std::vector<std::string_view> function_names();

/// What an evaluation may take and what it has met.
struct Frame {
  const Inputs& inputs;
  int operations_left = 10'000;
  std::int64_t bytes_left = 1'000'000;
  std::vector<Value> variables;
  Taint taint = 0;  ///< Of all that was read.
  Failure failure;

  bool fail(std::string message) {
    failure = {"expression", std::move(message)};
    return false;
  }
  /// Whether so many more operations and bytes are allowed.
  bool spend(std::int64_t operations, std::int64_t bytes = 0);
};

bool evaluate(const Expression::Node& node, Frame& frame, Value& out);
/// `parts` are evaluated already.
bool call_function(const Expression::Node& node, Frame& frame, std::vector<Value>& parts,
                   Value& out);
bool arithmetic(Op op, Frame& frame, const Value& a, const Value& b, Value& out);
/// Less, equal, greater: -1, 0, 1. False: they cannot be compared.
bool compare(const Value& a, const Value& b, int& out);

}  // namespace detail

}  // namespace slipway::agents
