// One schema out of several that must all hold: what their keywords say
// together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "models/detail/number_grammar.hpp"

namespace slipway::models::detail {

/// A schema and where it stands. The value is borrowed from the request's
/// schema.
struct SchemaPart {
  const json::Value* value = nullptr;
  std::string path;
  bool without_any = false;  ///< Its anyOf and its oneOf were chosen from already.
  bool without_one = false;
};
using SchemaParts = std::vector<SchemaPart>;

namespace types {
inline constexpr unsigned null = 1, boolean = 2, integer = 4, fraction = 8, string = 16, array = 32,
                          object = 64, all = 127;
}

unsigned type_of(const json::Value& value);

struct SchemaProperty {
  std::string name;
  SchemaParts parts;
  bool is_required = false;
};

/// The keywords of all parts together, alternatives and references left out.
struct SchemaNode {
  unsigned types = types::all;
  bool has_type = false;
  std::optional<std::vector<json::Value>> values;  ///< enum, const
  NumberBounds bounds;
  std::int64_t length_least = 0,
               length_most = -1;  ///< Characters; -1: no limit.
  std::string pattern, format;
  std::int64_t items_least = 0, items_most = -1;
  std::vector<SchemaParts> prefix;
  SchemaParts items;       ///< Of those after `prefix`.
  bool has_items = false;  ///< Whether anything is said of them.
  std::vector<SchemaProperty> properties;
  SchemaParts additional;
  bool has_additional = false;  ///< Whether anything is said of other properties.
  bool is_closed = false;       ///< There are none.
};

/// Whether it is `false`, under which nothing is valid.
bool is_never(const SchemaParts& parts);

/// Parts are objects. Fails: unsupported, invalid_argument; conflict when
/// nothing is valid.
Result<SchemaNode> merge_schemas(const SchemaParts& parts);

/// Whether no value is valid under both, as far as their own keywords show.
bool are_disjoint(const SchemaNode& left, const SchemaNode& right);

}  // namespace slipway::models::detail
