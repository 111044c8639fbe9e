// A parsed filter, and how a value of a document is compared with an operand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "index/filter.hpp"

namespace slipway::index {

enum class Op { all, any, none, eq, ne, gt, gte, lt, lte, in, nin, exists, contains };

/// A scalar to compare with; a string that is a time is one.
struct Operand {
  json::Value value;
  std::optional<Clock::Time> time;
};

struct Filter::Node {
  Op op = Op::all;
  std::vector<Node> children;  ///< Of all, any, none.
  bool is_own = false;         ///< `key` names an attribute of the document, not of `metadata`.
  std::string key;
  std::vector<Operand> operands;  ///< One, except for in and nin.
  bool exists = true;             ///< Operand of exists.
};

/// RFC 3339, or a date alone, which is its first moment in UTC.
std::optional<Clock::Time> time_of(std::string_view text);

/// -1, 0, 1, or nothing when the two are not of one type.
std::optional<int> compare(const json::Value& value, const Operand& operand);

/// The value of the node's key in a document's attributes; null where there is none.
const json::Value* find_value(const Filter::Node& node, const json::Object& attributes);

}  // namespace slipway::index
