// The values of an agent's keys, and how writes change them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/graph.hpp"

namespace slipway::agents {

/// One per key, in their order; nothing: absent.
using State = std::vector<std::optional<Value>>;

struct Write {
  std::uint32_t key = 0;
  Value value;
};

State start_state(const Agent& agent);

/// Checks the type of a write, as its reducer takes it, and gives messages without an id one: a
/// hash of `seed` and their place, so that the same write always gives the same.
/// Fails: kind "type".
Outcome<bool> prepare_write(const Key& key, Value& value, std::string_view seed);

/// Whether a value can stand in the key: of its type, and of the shape that its reducer goes on
/// from.
bool can_hold(const Key& key, const Value& value);

/// What a write did to a key, to take it back.
struct Undo {
  std::uint32_t key = 0;
  bool is_append = false;
  std::size_t size = 0;         ///< Of the list before.
  Taint taint = 0;              ///< The same.
  std::optional<Value> before;  ///< Otherwise.
};

/// The write goes through the reducer; `undo` may be null. Fails: kind "expression" (a sum beyond
/// 64 bits), and then nothing is changed.
Outcome<bool> apply_write(const Agent& agent, State& state, const Write& write,
                          std::vector<Undo>* undo = nullptr);
void take_back(State& state, std::vector<Undo>& undo);

/// As a map of the keys that are there.
Value state_value(const Agent& agent, const State& state);
/// Of `agent.output`.
Value output_value(const Agent& agent, const State& state);

}  // namespace slipway::agents
