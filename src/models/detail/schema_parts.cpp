#include "models/detail/schema_parts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::array annotations = {"title",       "description",  "default",  "examples",
                                    "$schema",     "$id",          "$comment", "deprecated",
                                    "readOnly",    "writeOnly",    "$anchor",  "$defs",
                                    "definitions", "discriminator"};
constexpr std::array structural = {"$ref", "allOf", "anyOf", "oneOf"};
constexpr std::int64_t count_max = 1'000'000'000;

template <typename Names>
bool is_among(std::string_view word, const Names& names) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

Result<unsigned> type_named(const json::Value& name, const std::string& path) {
  static const std::vector<std::pair<std::string_view, unsigned>> known = {
      {"null", types::null},       {"boolean", types::boolean},
      {"integer", types::integer}, {"number", types::integer | types::fraction},
      {"string", types::string},   {"array", types::array},
      {"object", types::object}};
  if (name.is_string())
    for (const auto& [word, mask] : known)
      if (name.get_string() == word) return mask;
  return fail(Code::invalid_argument, "{}: {} is no type of JSON Schema", path, json::dump(name));
}

/// Keywords that ask for values of this type, for schemas without `type`.
unsigned type_meant(const json::Object& schema) {
  static const std::vector<std::pair<unsigned, std::vector<std::string_view>>> hints = {
      {types::object,
       {"properties", "required", "additionalProperties", "minProperties", "maxProperties"}},
      {types::array, {"items", "prefixItems", "minItems", "maxItems"}},
      {types::string, {"minLength", "maxLength", "pattern", "format"}},
      {types::integer | types::fraction,
       {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}}};
  unsigned meant = 0;
  for (const auto& [mask, keywords] : hints)
    for (const std::string_view keyword : keywords)
      if (schema.contains(keyword)) meant |= mask;
  return meant;
}

bool equal(const json::Value& left, const json::Value& right) {
  return json::dump_canonical(left) == json::dump_canonical(right);
}

/// Reads the keywords of all parts into one node.
class Merger {
 public:
  Result<SchemaNode> merge(const SchemaParts& parts) {
    for (const SchemaPart& part : parts) {
      const json::Object& schema = part.value->get_object();
      for (const auto& item : schema) TRY(keyword(item.key(), item.value(), part));
      meant_ |= node_.has_type ? 0 : type_meant(schema);
    }
    if (!node_.has_type && !node_.values && meant_ != 0) node_.types = meant_;
    TRY(merge_objects(parts));
    TRY(merge_arrays(parts));
    TRY(narrow(parts.empty() ? "$" : parts.front().path));
    return std::move(node_);
  }

 private:
  Result<void> keyword(std::string_view word, const json::Value& value, const SchemaPart& part) {
    const std::string path = fmt::format("{}.{}", part.path, word);
    if (is_among(word, annotations) || is_among(word, structural) || word.starts_with("x-"))
      return {};
    if (word == "type") return type(value, path);
    if (word == "const") return choose({value});
    if (word == "enum") {
      if (!value.is_array()) return wrong(path, "a list");
      return choose({value.get_array().begin(), value.get_array().end()});
    }
    if (word == "nullable") {
      if (value.is_bool() && !value.get_bool()) return {};
      return unsupported(path, "write {\"type\": [\"...\", \"null\"]}");
    }
    if (is_among(word, std::array{"properties", "required", "additionalProperties", "items",
                                  "prefixItems"}))
      return {};  // By `merge_objects` and `merge_arrays`.
    if (word == "uniqueItems" && value.is_bool() && !value.get_bool()) return {};
    if (word == "multipleOf" && value.is_number() && value.to_number<double>() == 1) {
      node_.types &= ~types::fraction;
      return {};
    }
    if (is_among(word, std::array{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}))
      return bound(word, value, path);
    if (word == "pattern" || word == "format") return text_kind(word, value, path);
    return count(word, value, path);
  }

  static Error wrong(const std::string& path, std::string_view expected) {
    return fail(Code::invalid_argument, "{}: it must be {}", path, expected);
  }
  static Error unsupported(const std::string& path, std::string_view remedy) {
    return fail(Code::unsupported, "{}: this keyword is not supported; {}", path, remedy);
  }

  Result<void> type(const json::Value& value, const std::string& path) {
    unsigned mask = 0;
    if (value.is_array()) {
      for (const json::Value& name : value.get_array()) mask |= TRY(type_named(name, path));
    } else {
      mask = TRY(type_named(value, path));
    }
    node_.types &= mask;
    node_.has_type = true;
    return {};
  }

  Result<void> choose(std::vector<json::Value> values) {
    if (node_.values) {
      std::erase_if(values, [&](const json::Value& value) {
        return std::none_of(node_.values->begin(), node_.values->end(),
                            [&](const json::Value& other) { return equal(value, other); });
      });
    }
    node_.values = std::move(values);
    return {};
  }

  Result<void> bound(std::string_view word, const json::Value& value, const std::string& path) {
    if (!value.is_number()) return wrong(path, "a number");
    const double limit = value.to_number<double>();
    if (!std::isfinite(limit) || std::fabs(limit) > 1e15)
      return unsupported(path, "bounds beyond 10^15 are not; leave it out");
    NumberBounds& bounds = node_.bounds;
    const bool is_exclusive = word.starts_with("exclusive");
    if (word.ends_with("inimum")) {
      if (!bounds.least || limit > *bounds.least)
        bounds.excludes_least = is_exclusive;
      else if (limit == *bounds.least)
        bounds.excludes_least |= is_exclusive;
      bounds.least = std::max(limit, bounds.least.value_or(limit));
    } else {
      if (!bounds.most || limit < *bounds.most)
        bounds.excludes_most = is_exclusive;
      else if (limit == *bounds.most)
        bounds.excludes_most |= is_exclusive;
      bounds.most = std::min(limit, bounds.most.value_or(limit));
    }
    return {};
  }

  Result<void> text_kind(std::string_view word, const json::Value& value, const std::string& path) {
    if (!value.is_string()) return wrong(path, "a text");
    std::string& known = word == "pattern" ? node_.pattern : node_.format;
    const std::string wanted(value.get_string());
    if (!known.empty() && known != wanted)
      return unsupported(path, "two that must hold at once are not");
    known = wanted;
    return {};
  }

  Result<void> count(std::string_view word, const json::Value& value, const std::string& path) {
    const bool is_known = is_among(word, std::array{"minLength", "maxLength", "minItems",
                                                    "maxItems", "minProperties", "maxProperties"});
    if (!is_known) return unsupported(path, "leave it out");
    if (!value.is_number() || value.to_number<double>() < 0 ||
        value.to_number<double>() != std::floor(value.to_number<double>()))
      return wrong(path, "a whole number from 0");
    const auto number = static_cast<std::int64_t>(
        std::min<double>(value.to_number<double>(), static_cast<double>(count_max)));
    const auto most = [&](std::int64_t& limit) {
      limit = limit < 0 ? number : std::min(limit, number);
    };
    if (word == "minLength") node_.length_least = std::max(node_.length_least, number);
    if (word == "maxLength") most(node_.length_most);
    if (word == "minItems") node_.items_least = std::max(node_.items_least, number);
    if (word == "maxItems") most(node_.items_most);
    if (word == "minProperties") properties_least_ = std::max(properties_least_, number);
    if (word == "maxProperties") most(properties_most_);
    if (word.ends_with("Properties")) properties_path_ = path;
    return {};
  }

  static Result<const json::Value*> child(const SchemaPart& part, std::string_view word,
                                          boost::json::kind kind) {
    const json::Value* value = part.value->get_object().if_contains(word);
    if (value == nullptr || value->kind() == kind) return value;
    return wrong(fmt::format("{}.{}", part.path, word),
                 kind == boost::json::kind::object ? "an object" : "a list");
  }

  Result<void> merge_objects(const SchemaParts& parts) {
    for (const SchemaPart& part : parts) {
      const json::Value* properties = TRY(child(part, "properties", boost::json::kind::object));
      if (properties != nullptr)
        for (const auto& item : properties->get_object()) name_property(item.key());
      const json::Value* required = TRY(child(part, "required", boost::json::kind::array));
      if (required != nullptr)
        for (const json::Value& name : required->get_array()) {
          if (!name.is_string()) return wrong(part.path + ".required", "a list of names");
          name_property(name.get_string()).is_required = true;
        }
      const json::Value* additional = part.value->get_object().if_contains("additionalProperties");
      if (additional == nullptr) continue;
      node_.has_additional = true;
      node_.additional.push_back({additional, part.path + ".additionalProperties"});
    }
    node_.is_closed = is_never(node_.additional);
    for (SchemaProperty& property : node_.properties)
      for (const SchemaPart& part : parts) add_parts(part, property);
    return {};
  }

  SchemaProperty& name_property(std::string_view name) {
    for (SchemaProperty& known : node_.properties)
      if (known.name == name) return known;
    node_.properties.push_back({std::string(name), {}, false});
    return node_.properties.back();
  }

  /// What one part says of a property: by its name, or as one of the others.
  static void add_parts(const SchemaPart& part, SchemaProperty& property) {
    const json::Object& schema = part.value->get_object();
    const json::Value* properties = schema.if_contains("properties");
    const json::Value* own =
        properties != nullptr ? properties->get_object().if_contains(property.name) : nullptr;
    const json::Value* other = schema.if_contains("additionalProperties");
    if (own != nullptr)
      property.parts.push_back({own, fmt::format("{}.properties.{}", part.path, property.name)});
    else if (other != nullptr)
      property.parts.push_back({other, part.path + ".additionalProperties"});
  }

  Result<void> merge_arrays(const SchemaParts& parts) {
    std::size_t longest = 0;
    for (const SchemaPart& part : parts) {
      const json::Value* prefix = TRY(child(part, "prefixItems", boost::json::kind::array));
      if (prefix != nullptr) longest = std::max(longest, prefix->get_array().size());
      const json::Value* items = part.value->get_object().if_contains("items");
      if (items != nullptr && items->is_array())
        return unsupported(part.path + ".items", "a list of schemas is called prefixItems");
    }
    node_.prefix.resize(longest);
    for (const SchemaPart& part : parts) {
      const json::Value* prefix = part.value->get_object().if_contains("prefixItems");
      const json::Value* items = part.value->get_object().if_contains("items");
      const std::size_t own = prefix == nullptr ? 0 : prefix->get_array().size();
      for (std::size_t i = 0; i < own; ++i)
        node_.prefix[i].push_back(
            {&prefix->get_array()[i], fmt::format("{}.prefixItems[{}]", part.path, i)});
      if (items == nullptr) continue;
      for (std::size_t i = own; i < longest; ++i)
        node_.prefix[i].push_back({items, part.path + ".items"});
      node_.items.push_back({items, part.path + ".items"});
      node_.has_items = true;
    }
    return {};
  }

  /// Takes out what cannot be, and fails when nothing is left.
  Result<void> narrow(const std::string& path) {
    if (node_.values) TRY(narrow_values(path));
    const auto is_forbidden = [](const SchemaProperty& property) {
      return is_never(property.parts) && !property.is_required;
    };
    std::erase_if(node_.properties, is_forbidden);
    if ((node_.types & types::object) != 0 && !properties_path_.empty()) {
      const auto required =
          std::count_if(node_.properties.begin(), node_.properties.end(),
                        [](const SchemaProperty& property) { return property.is_required; });
      const bool is_open = node_.has_additional ? !node_.is_closed : node_.properties.empty();
      const auto named = static_cast<std::int64_t>(node_.properties.size());
      if (properties_least_ > required ||
          (properties_most_ >= 0 && (is_open || properties_most_ < named)))
        return unsupported(properties_path_, "name the properties and require them");
    }
    if (node_.types == 0)
      return fail(Code::conflict, "{}: no value has all the types that are asked for", path);
    return {};
  }

  Result<void> narrow_values(const std::string& path) {
    const SchemaNode& node = node_;
    const bool has_more = !node.pattern.empty() || !node.format.empty() || node.has_items ||
                          !node.prefix.empty() || !node.properties.empty() || node.has_additional ||
                          node.items_least > 0 || node.items_most >= 0;
    if (has_more)
      return fail(Code::unsupported,
                  "{}: values beside other conditions are not supported; leave "
                  "in `enum` or "
                  "`const` what meets them, and nothing else but `type`",
                  path);
    std::erase_if(*node_.values, [&](const json::Value& value) { return !meets(value); });
    if (node_.values->empty())
      return fail(Code::conflict, "{}: none of its values meets the other conditions", path);
    return {};
  }

  bool meets(const json::Value& value) const {
    if ((type_of(value) & node_.types) == 0) return false;
    if (value.is_string()) {
      const auto length = static_cast<std::int64_t>(unicode::length(value.get_string()));
      return length >= node_.length_least && (node_.length_most < 0 || length <= node_.length_most);
    }
    if (!value.is_number()) return true;
    const double number = value.to_number<double>();
    const NumberBounds& bounds = node_.bounds;
    if (bounds.least &&
        (number < *bounds.least || (bounds.excludes_least && number == *bounds.least)))
      return false;
    return !bounds.most ||
           (number < *bounds.most || (!bounds.excludes_most && number == *bounds.most));
  }

  SchemaNode node_;
  unsigned meant_ = 0;
  std::int64_t properties_least_ = 0, properties_most_ = -1;
  std::string properties_path_;
};

/// The values that a property may have, when they are few and nothing else is
/// said.
std::optional<std::vector<json::Value>> values_of(const SchemaNode& node, std::string_view name) {
  for (const SchemaProperty& property : node.properties) {
    if (property.name != name || !property.is_required) continue;
    for (const SchemaPart& part : property.parts) {
      if (!part.value->is_object()) continue;
      const json::Object& schema = part.value->get_object();
      if (const json::Value* one = schema.if_contains("const"))
        return std::vector<json::Value>{*one};
      const json::Value* some = schema.if_contains("enum");
      if (some != nullptr && some->is_array())
        return std::vector<json::Value>(some->get_array().begin(), some->get_array().end());
    }
  }
  return std::nullopt;
}

bool share(const std::vector<json::Value>& left, const std::vector<json::Value>& right) {
  return std::any_of(left.begin(), left.end(), [&](const json::Value& one) {
    return std::any_of(right.begin(), right.end(),
                       [&](const json::Value& other) { return equal(one, other); });
  });
}

/// Whether `left` requires a property that `right` forbids.
bool requires_forbidden(const SchemaNode& left, const SchemaNode& right) {
  if (!right.is_closed) return false;
  return std::any_of(
      left.properties.begin(), left.properties.end(), [&](const SchemaProperty& property) {
        return property.is_required &&
               std::none_of(right.properties.begin(), right.properties.end(),
                            [&](const auto& other) { return other.name == property.name; });
      });
}

unsigned types_of(const SchemaNode& node) {
  if (!node.values) return node.types;
  unsigned mask = 0;
  for (const json::Value& value : *node.values) mask |= type_of(value);
  return mask & node.types;
}

}  // namespace

unsigned type_of(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return types::null;
    case boost::json::kind::bool_: return types::boolean;
    case boost::json::kind::int64:
    case boost::json::kind::uint64: return types::integer;
    case boost::json::kind::double_: {
      const double number = value.get_double();
      return number == std::floor(number) ? types::integer : types::fraction;
    }
    case boost::json::kind::string: return types::string;
    case boost::json::kind::array: return types::array;
    case boost::json::kind::object: return types::object;
  }
  return 0;
}

bool is_never(const SchemaParts& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const SchemaPart& part) {
    return part.value->is_bool() && !part.value->get_bool();
  });
}

Result<SchemaNode> merge_schemas(const SchemaParts& parts) { return Merger().merge(parts); }

bool are_disjoint(const SchemaNode& left, const SchemaNode& right) {
  // A schema without `type` takes every type, whatever this converter makes of
  // it.
  const bool knows_types = (left.has_type || left.values) && (right.has_type || right.values);
  if (!knows_types) return false;
  const unsigned common = types_of(left) & types_of(right);
  if (common == 0) return true;
  if (left.values && right.values) return !share(*left.values, *right.values);
  if (common != types::object) return false;
  if (requires_forbidden(left, right) || requires_forbidden(right, left)) return true;
  return std::any_of(left.properties.begin(), left.properties.end(), [&](const auto& property) {
    const auto ours = values_of(left, property.name);
    const auto theirs = values_of(right, property.name);
    return ours && theirs && !share(*ours, *theirs);
  });
}

}  // namespace slipway::models::detail
