#include "datasets/detail/json_check.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/pattern.hpp"

namespace slipway::datasets::detail {

namespace {

constexpr int depth_max = 64;
/// Steps that one check may take: alternatives within alternatives multiply.
constexpr int steps_max = 1'000'000;

constexpr std::string_view types[] = {"object", "array",  "string", "boolean",
                                      "null",   "number", "integer"};
constexpr std::string_view many_schemas[] = {"anyOf", "oneOf", "allOf", "prefixItems"};
constexpr std::string_view named_schemas[] = {"properties", "$defs", "definitions"};
constexpr std::string_view one_schema[] = {"items", "not", "additionalProperties"};
constexpr std::string_view numbers[] = {"minimum",          "maximum",   "exclusiveMinimum",
                                        "exclusiveMaximum", "minLength", "maxLength",
                                        "minItems",         "maxItems",  "multipleOf"};

bool is_whole(const json::Value& value) {
  return value.is_int64() || value.is_uint64() ||
         (value.is_double() && std::trunc(value.get_double()) == value.get_double());
}

bool has_type(const json::Value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  return type == "integer" ? is_whole(value) : value.is_number();
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

/// What "#/$defs/Name" stands for; null when there is nothing.
const json::Value* behind(const json::Object& root, std::string_view reference) {
  if (!reference.starts_with('#')) return nullptr;
  static const json::Value nothing;
  const json::Value* at = nullptr;
  const json::Object* object = &root;
  reference.remove_prefix(1);
  while (!reference.empty()) {
    if (reference.front() != '/' || object == nullptr) return nullptr;
    reference.remove_prefix(1);
    std::string name(reference.substr(0, reference.find('/')));
    reference.remove_prefix(name.size());
    for (const auto& [escape, sign] : {std::pair("~1", "/"), std::pair("~0", "~")})
      for (std::size_t i = name.find(escape); i != std::string::npos; i = name.find(escape, i + 1))
        name.replace(i, 2, sign);
    at = object->if_contains(name);
    if (at == nullptr) return nullptr;
    object = at->if_object();
  }
  return at;
}

// --- Schemas

class SchemaCheck {
 public:
  explicit SchemaCheck(const json::Object& root) : root_(root) {}

  Result<void> check(const json::Value& schema, int depth) {
    if (depth > depth_max) return wrong("", "is nested too deeply");
    if (schema.is_bool()) return {};
    if (!schema.is_object()) return wrong("", "a schema is an object, or true or false");
    const json::Object& object = schema.get_object();
    TRY(check_words(object));
    const auto inner = [&](std::string_view key, const json::Value& one) -> Result<void> {
      return check(one, depth + 1).within(key);
    };
    for (const std::string_view key : many_schemas)
      if (const json::Value* all = object.if_contains(key)) {
        if (!all->is_array()) return wrong(key, "a list of schemas is wanted");
        for (const json::Value& one : all->get_array()) TRY(inner(key, one));
      }
    for (const std::string_view key : named_schemas)
      if (const json::Value* all = object.if_contains(key)) {
        if (!all->is_object()) return wrong(key, "an object of schemas is wanted");
        for (const auto& [name, one] : all->get_object()) TRY(inner(name, one));
      }
    for (const std::string_view key : one_schema)
      if (const json::Value* one = object.if_contains(key)) TRY(inner(key, *one));
    return {};
  }

 private:
  static Error wrong(std::string_view key, std::string_view why) {
    return fail(Code::invalid_argument, "{}{}{}", key, key.empty() ? "" : ": ", why);
  }

  Result<void> check_words(const json::Object& object) {
    if (const json::Value* type = object.if_contains("type")) {
      const json::Array all = type->is_array() ? type->get_array() : json::Array{*type};
      for (const json::Value& one : all)
        if (!one.is_string() || std::find(std::begin(types), std::end(types),
                                          std::string_view(one.get_string())) == std::end(types))
          return wrong("type", fmt::format("{} is none of: {}", json::dump(one).substr(0, 100),
                                           fmt::join(types, ", ")));
    }
    for (const std::string_view key : numbers)
      if (const json::Value* number = object.if_contains(key); number && !number->is_number())
        return wrong(key, "a number is wanted");
    if (const json::Value* all = object.if_contains("enum"); all && !all->is_array())
      return wrong("enum", "a list is wanted");
    if (const json::Value* all = object.if_contains("required")) {
      if (!all->is_array()) return wrong("required", "a list of names is wanted");
      for (const json::Value& one : all->get_array())
        if (!one.is_string()) return wrong("required", "a list of names is wanted");
    }
    if (const json::Value* pattern = object.if_contains("pattern")) {
      if (!pattern->is_string()) return wrong("pattern", "a string is wanted");
      TRY(Pattern::compile(pattern->get_string()).within("pattern"));
    }
    if (const json::Value* reference = object.if_contains("$ref"))
      if (!reference->is_string() || behind(root_, reference->get_string()) == nullptr)
        return wrong("$ref", fmt::format("{} is not in this schema (references to other documents "
                                         "are not followed)",
                                         json::dump(*reference).substr(0, 100)));
    return {};
  }

  const json::Object& root_;
};

// --- Values

class ValueCheck {
 public:
  explicit ValueCheck(const json::Object& root) : root_(root) {}

  Result<void> check(const json::Value& value, const json::Value& schema, const std::string& path,
                     int depth) {
    if (depth > depth_max || ++steps_ > steps_max) return wrong(path, "is too deep to check");
    if (schema.is_bool())
      return schema.get_bool() ? Result<void>() : wrong(path, "nothing is allowed here");
    if (!schema.is_object()) return {};
    const json::Object& object = schema.get_object();
    if (const json::Value* reference = object.if_contains("$ref"))
      if (const json::Value* found = behind(root_, reference->as_string()))
        TRY(check(value, *found, path, depth + 1));
    TRY(check_kind(value, object, path));
    if (value.is_number()) TRY(check_number(value, object, path));
    if (value.is_string()) TRY(check_string(value.get_string(), object, path));
    if (value.is_array()) TRY(check_array(value.get_array(), object, path, depth));
    if (value.is_object()) TRY(check_object(value.get_object(), object, path, depth));
    return check_choices(value, object, path, depth);
  }

 private:
  static Error wrong(const std::string& path, std::string_view why) {
    return fail(Code::invalid_argument, "{}: {}", path, why);
  }
  static double number(const json::Object& schema, std::string_view key, double otherwise) {
    const json::Value* value = schema.if_contains(key);
    return value == nullptr ? otherwise : value->to_number<double>();
  }

  static Result<void> check_kind(const json::Value& value, const json::Object& schema,
                                 const std::string& path) {
    if (const json::Value* type = schema.if_contains("type")) {
      const json::Array all = type->is_array() ? type->get_array() : json::Array{*type};
      const bool is_good = std::any_of(all.begin(), all.end(), [&](const json::Value& one) {
        return has_type(value, one.as_string());
      });
      if (!is_good)
        return wrong(path,
                     fmt::format("expected {}, got {}", json::dump(*type), json::kind_name(value)));
    }
    if (const json::Value* wanted = schema.if_contains("const"); wanted && *wanted != value)
      return wrong(path, fmt::format("expected {}", json::dump(*wanted).substr(0, 200)));
    if (const json::Value* all = schema.if_contains("enum")) {
      const json::Array& choices = all->as_array();
      if (std::find(choices.begin(), choices.end(), value) == choices.end())
        return wrong(path, fmt::format("is none of {}", json::dump(*all).substr(0, 200)));
    }
    return {};
  }

  static Result<void> check_number(const json::Value& value, const json::Object& schema,
                                   const std::string& path) {
    constexpr double most = std::numeric_limits<double>::infinity();
    const double x = value.to_number<double>();
    const bool is_in = x >= number(schema, "minimum", -most) &&
                       x <= number(schema, "maximum", most) &&
                       x > number(schema, "exclusiveMinimum", -most) &&
                       x < number(schema, "exclusiveMaximum", most);
    // Infinite numbers are in no JSON, so that a bound that is not given holds.
    if (!is_in) return wrong(path, fmt::format("{} is out of bounds", json::dump(value)));
    const double step = number(schema, "multipleOf", 0);
    if (step > 0 && std::fmod(x, step) != 0)
      return wrong(path, fmt::format("{} is no multiple of {}", json::dump(value), step));
    return {};
  }

  static Result<void> check_size(std::size_t size, const json::Object& schema,
                                 std::string_view what, const std::string& path) {
    const double count = static_cast<double>(size);
    if (count < number(schema, fmt::format("min{}", what), 0)) return wrong(path, "is too short");
    if (count > number(schema, fmt::format("max{}", what), count))
      return wrong(path, "is too long");
    return {};
  }

  static Result<void> check_string(std::string_view text, const json::Object& schema,
                                   const std::string& path) {
    TRY(check_size(code_points(text), schema, "Length", path));
    if (const json::Value* expression = schema.if_contains("pattern")) {
      const Pattern pattern = TRY(Pattern::compile(expression->as_string()));
      if (!pattern.matches(text))
        return wrong(path, fmt::format("does not match {}", json::dump(*expression)));
    }
    return {};
  }

  Result<void> check_array(const json::Array& items, const json::Object& schema,
                           const std::string& path, int depth) {
    TRY(check_size(items.size(), schema, "Items", path));
    std::size_t at = 0;
    if (const json::Value* first = schema.if_contains("prefixItems"))
      for (const json::Value& one : first->as_array())
        if (at < items.size()) {
          TRY(check(items[at], one, fmt::format("{}[{}]", path, at), depth + 1));
          ++at;
        }
    if (const json::Value* each = schema.if_contains("items"))
      for (; at < items.size(); ++at)
        TRY(check(items[at], *each, fmt::format("{}[{}]", path, at), depth + 1));
    return {};
  }

  Result<void> check_object(const json::Object& object, const json::Object& schema,
                            const std::string& path, int depth) {
    if (const json::Value* required = schema.if_contains("required"))
      for (const json::Value& key : required->as_array())
        if (!object.contains(std::string_view(key.as_string())))
          return wrong(path + "." + std::string(key.as_string()), "is required");
    const json::Value* properties = schema.if_contains("properties");
    const json::Value* others = schema.if_contains("additionalProperties");
    for (const auto& [key, value] : object) {
      const json::Value* own =
          properties == nullptr ? nullptr : properties->as_object().if_contains(key);
      if (own == nullptr) own = others;
      if (own != nullptr) TRY(check(value, *own, path + "." + std::string(key), depth + 1));
    }
    return {};
  }

  Result<void> check_choices(const json::Value& value, const json::Object& schema,
                             const std::string& path, int depth) {
    if (const json::Value* all = schema.if_contains("allOf"))
      for (const json::Value& one : all->as_array()) TRY(check(value, one, path, depth + 1));
    if (const json::Value* never = schema.if_contains("not"))
      if (check(value, *never, path, depth + 1)) return wrong(path, "is what it must not be");
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const json::Value* choices = schema.if_contains(key);
      if (choices == nullptr) continue;
      const auto fits = std::count_if(
          choices->as_array().begin(), choices->as_array().end(), [&](const json::Value& one) {
            return static_cast<bool>(check(value, one, path, depth + 1));
          });
      if (fits == 0) return wrong(path, fmt::format("fits none of {}", key));
      if (fits > 1 && key == "oneOf") return wrong(path, "fits more than one of oneOf");
    }
    return {};
  }

  const json::Object& root_;
  int steps_ = 0;
};

}  // namespace

Result<void> check_schema(const json::Object& schema) {
  return SchemaCheck(schema).check(schema, 0);
}

Result<void> check_value(const json::Value& value, const json::Object& schema) {
  return ValueCheck(schema).check(value, schema, "$", 0);
}

}  // namespace slipway::datasets::detail
