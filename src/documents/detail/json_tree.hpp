// JSON with places: every value knows its bytes and how long Python would write it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct JsonNode {
  enum class Kind { scalar, list, object };
  Kind kind = Kind::scalar;
  Span span;                   ///< Of the value.
  Span member;                 ///< From the key, else as `span`.
  std::size_t size = 0;        ///< Characters of Python's `json.dumps(value)`.
  std::size_t split_size = 0;  ///< The same with lists as objects of "0", "1" ...
  std::size_t key_size = 0;    ///< Characters of the key as written, with its quotation marks.
  std::size_t children = 0;    ///< How many nodes directly below.
  std::size_t next = 0;        ///< Index of the node behind this one and all below it.
};

/// The nodes in the order of the text, each before its children. Several values one behind the
/// other (JSON lines) are the items of a list without brackets. Nothing when `text` is no JSON or
/// empty. Any depth; linear.
std::optional<std::vector<JsonNode>> parse_json_tree(std::string_view text);

}  // namespace slipway::documents::detail
