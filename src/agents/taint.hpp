// Where text came from that nobody vouches for: retrieved passages, what tools returned. It is
// data, and may hold orders that somebody else wrote.
//
// Every `Value` carries the set of its sources. It follows values: what is computed, written,
// mapped, asked of a model or handed to a sub-agent has the sources of all that went in, never
// fewer. What a person answers has none. A tool of `risk: high` is not called with arguments that
// have a source unless somebody approved of that call. Which way a graph takes is not followed: an
// edge whose `when` read tainted text starts its target with the target's own values.
#pragma once

#include <cstdint>
#include <string_view>

namespace slipway::agents {

class Value;
struct Agent;
struct Node;
struct ToolSpec;

/// A set of sources, a bit each; 0: clean.
using Taint = std::uint32_t;

enum class Source : std::uint8_t {
  retrieved,   ///< `rag` nodes, tools over collections.
  http,        ///< Tools of kind `http`.
  web_search,  ///< Tools of kind `search`.
  sql,
  mcp,
  command,
  function,  ///< Tools written in C++.
  input,     ///< Keys of the state that are declared `untrusted`.
  other,     ///< Other tools; sources that a newer version wrote.
};
constexpr Taint taint_of(Source source) { return Taint{1} << static_cast<unsigned>(source); }

std::string_view source_name(Source source);
/// Sorted as above: ["http", "mcp"].
Value taint_names(Taint taint);
/// The reverse; a name that is not known counts as `other`, what is no list as clean.
Taint read_taint(const Value& names);

/// What the results of a tool have beside what went into it: none of the calculator, the clock and
/// code, of tools that are declared `trusted`, and of agents, whose outputs carry their own.
Taint source_of(const ToolSpec& tool);
/// The same with all that sub-agents of an agent can bring in.
Taint sources_of(const ToolSpec& tool);
/// All that a node can bring in by itself, with its sub-agents.
Taint sources_of(const Agent& agent, const Node& node);

/// The value with these sources, and of a map each of its values too.
Value tainted_throughout(Value value, Taint taint);

}  // namespace slipway::agents
