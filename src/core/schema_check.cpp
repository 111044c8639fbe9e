#include "core/schema_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace slipway::json {

namespace {

constexpr int depth_max = 64;
/// Of one check: alternatives within alternatives multiply.
constexpr int steps_max = 1'000'000;

constexpr std::string_view silent_keywords[] = {"$schema",     "$id",      "$comment",  "title",
                                                "description", "default",  "format",    "example",
                                                "deprecated",  "readOnly", "writeOnly", "examples"};
constexpr std::string_view number_keywords[] = {
    "minimum",   "maximum",  "exclusiveMinimum", "exclusiveMaximum", "multipleOf",   "minLength",
    "maxLength", "minItems", "maxItems",         "minProperties",    "maxProperties"};
constexpr std::string_view list_keywords[] = {"anyOf", "oneOf", "allOf", "prefixItems"};
constexpr std::string_view schema_keywords[] = {"items", "additionalProperties", "not",
                                                "propertyNames", "contains"};
constexpr std::string_view map_keywords[] = {"properties", "patternProperties", "$defs",
                                             "definitions"};
constexpr std::string_view types[] = {"null",   "boolean", "object", "array",
                                      "number", "string",  "integer"};

template <typename List>
bool is_in(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

Error wrong(const std::string& path, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", path, what);
}

bool is_whole(const Value& value) {
  return value.is_int64() || value.is_uint64() ||
         (value.is_double() && std::trunc(value.get_double()) == value.get_double());
}

bool is_type(const Value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  return value.is_number() && is_whole(value);
}

/// 1 and 1.0 are one number in JSON Schema.
bool is_same(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

std::optional<double> number(const Object& schema, std::string_view key) {
  const auto* value = schema.if_contains(key);
  if (value == nullptr || !value->is_number()) return {};
  return value->to_number<double>();
}

/// The keywords that bound one count or amount.
Result<void> check_bounds(const Object& schema, double amount, std::string_view least,
                          std::string_view most) {
  if (const auto bound = number(schema, least); bound && amount < *bound)
    return fail(Code::invalid_argument, "{} is below {} {}", amount, least, *bound);
  if (const auto bound = number(schema, most); bound && amount > *bound)
    return fail(Code::invalid_argument, "{} is above {} {}", amount, most, *bound);
  return {};
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string below(const std::string& path, std::string_view key) {
  return fmt::format("{}.{}", path, key);
}

}  // namespace

Result<std::shared_ptr<const SchemaCheck>> SchemaCheck::make(Value schema, UnknownKeyword unknown) {
  struct Made : SchemaCheck {  // The constructor is nobody else's.
    explicit Made(UnknownKeyword given) : SchemaCheck(given) {}
  };
  auto check = std::make_shared<Made>(unknown);
  check->schema_ = std::move(schema);
  TRY(check->prepare(check->schema_, "$", 0));
  for (const Value* one : check->prepared_) TRY(check->check_references(*one, "$"));
  return std::shared_ptr<const SchemaCheck>(std::move(check));
}

/// What a reference means must be a schema: an example is none, though it may look like one.
Result<void> SchemaCheck::check_references(const Value& schema, const std::string& path) const {
  if (!schema.is_object()) return {};
  const auto* reference = schema.get_object().if_contains("$ref");
  if (reference == nullptr) return {};
  const Value* found = TRY(resolve(reference->get_string()).within(path));
  if (prepared_.contains(found)) return {};
  return fail(Code::invalid_argument, "{}: '{}' is no schema", path,
              std::string_view(reference->get_string()));
}

Result<void> SchemaCheck::prepare(const Value& schema, const std::string& path, int depth) {
  prepared_.insert(&schema);
  if (schema.is_bool()) return {};
  if (!schema.is_object()) return wrong(path, "a schema is an object, true or false");
  if (depth > depth_max) return wrong(path, "is nested too deep");
  for (const auto& [key, value] : schema.get_object())
    TRY(prepare_keyword(key, value, below(path, key), depth + 1));
  return {};
}

Result<void> SchemaCheck::prepare_all(const Value& schemas, const std::string& path, int depth) {
  if (const auto* list = schemas.if_array()) {
    for (std::size_t i = 0; i < list->size(); ++i)
      TRY(prepare((*list)[i], fmt::format("{}[{}]", path, i), depth));
    return {};
  }
  if (!schemas.is_object()) return wrong(path, "holds no schemas");
  for (const auto& [key, value] : schemas.get_object())
    TRY(prepare(value, below(path, key), depth));
  return {};
}

Result<void> SchemaCheck::prepare_keyword(std::string_view key, const Value& value,
                                          const std::string& path, int depth) {
  const auto add_pattern = [&](std::string_view text) -> Result<void> {
    patterns_.emplace(text, TRY(Pattern::compile(text).within(path)));
    return {};
  };
  if (is_in(silent_keywords, key)) return {};
  if (is_in(schema_keywords, key)) return prepare(value, path, depth);
  if (is_in(list_keywords, key) || is_in(map_keywords, key)) {
    if (value.is_array() != is_in(list_keywords, key)) return wrong(path, "is of the wrong type");
    if (key == "patternProperties")
      for (const auto& item : value.get_object()) TRY(add_pattern(item.key()));
    return prepare_all(value, path, depth);
  }
  if (is_in(number_keywords, key))
    return value.is_number() ? Result<void>() : wrong(path, "must be a number");
  if (key == "type") {
    const Array one{value};
    for (const auto& type : value.is_array() ? value.get_array() : one)
      if (!type.is_string() || !is_in(types, std::string_view(type.get_string())))
        return wrong(path, "must be null, boolean, object, array, number, string or integer");
    return {};
  }
  if (key == "enum" || key == "required") {
    if (!value.is_array()) return wrong(path, "must be an array");
    const Array& all = value.get_array();
    const bool are_names =
        std::all_of(all.begin(), all.end(), [](const Value& one) { return one.is_string(); });
    return key == "enum" || are_names ? Result<void>() : wrong(path, "must be an array of strings");
  }
  if (key == "const" || key == "uniqueItems") return {};
  if (key == "pattern") {
    if (!value.is_string()) return wrong(path, "must be a string");
    return add_pattern(value.get_string());
  }
  if (key == "$ref") {
    if (!value.is_string()) return wrong(path, "must be a string");
    TRY(resolve(value.get_string()).within(path));
    return {};
  }
  if (unknown_ == UnknownKeyword::ignored) return {};
  return wrong(path, "is a keyword that is not supported; leave it out");
}

Result<const Value*> SchemaCheck::resolve(std::string_view reference) const {
  if (!reference.starts_with('#'))
    return fail(Code::invalid_argument, "'{}' is not in this schema; write #/$defs/NAME",
                reference);
  boost::system::error_code error;
  const Value* found = schema_.find_pointer(reference.substr(1), error);
  if (found == nullptr) return fail(Code::invalid_argument, "there is nothing at '{}'", reference);
  return found;
}

const Pattern& SchemaCheck::pattern(std::string_view text) const {
  return patterns_.find(text)->second;
}

/// One check of one value.
class SchemaCheck::Walk {
 public:
  explicit Walk(const SchemaCheck& check) : check_(check) {}
  Result<void> check(const Value& schema, const Value& value, const std::string& path, int depth);

 private:
  Result<void> check_scalars(const Object& schema, const Value& value,
                             const std::string& path) const;
  Result<void> check_object(const Object& schema, const Object& value, const std::string& path,
                            int depth);
  Result<void> check_array(const Object& schema, const Array& value, const std::string& path,
                           int depth);
  Result<void> check_choices(const Object& schema, const Value& value, const std::string& path,
                             int depth);

  const SchemaCheck& check_;
  int steps_ = 0;
};

Result<void> SchemaCheck::check(const Value& value) const {
  return Walk(*this).check(schema_, value, "$", 0);
}

Result<void> SchemaCheck::Walk::check(const Value& schema, const Value& value,
                                      const std::string& path, int depth) {
  if (schema.is_bool())
    return schema.get_bool() ? Result<void>() : wrong(path, "nothing may stand here");
  if (depth > depth_max || ++steps_ > steps_max) return wrong(path, "is nested too deep");
  const Object& rules = schema.get_object();
  if (const auto* reference = rules.if_contains("$ref"))
    TRY(check(*TRY(check_.resolve(reference->get_string())), value, path, depth + 1));
  TRY(check_scalars(rules, value, path));
  if (const auto* object = value.if_object()) TRY(check_object(rules, *object, path, depth));
  if (const auto* array = value.if_array()) TRY(check_array(rules, *array, path, depth));
  return check_choices(rules, value, path, depth);
}

Result<void> SchemaCheck::Walk::check_scalars(const Object& schema, const Value& value,
                                              const std::string& path) const {
  if (const auto* type = schema.if_contains("type")) {
    const Array one{*type};
    const Array& any = type->is_array() ? type->get_array() : one;
    if (std::none_of(any.begin(), any.end(),
                     [&](const Value& name) { return is_type(value, name.get_string()); }))
      return wrong(path, fmt::format("expected {}, got {}", dump(*type), kind_name(value)));
  }
  if (const auto* known = schema.if_contains("enum")) {
    const Array& any = known->get_array();
    if (std::none_of(any.begin(), any.end(), [&](const auto& one) { return is_same(one, value); }))
      return wrong(path, "is none of the allowed values");
  }
  if (const auto* constant = schema.if_contains("const"); constant && !is_same(*constant, value))
    return wrong(path, "is not " + dump(*constant));
  if (value.is_number()) {
    const double amount = value.to_number<double>();
    TRY(check_bounds(schema, amount, "minimum", "maximum").within(path));
    if (const auto bound = number(schema, "exclusiveMinimum"); bound && amount <= *bound)
      return wrong(path, fmt::format("{} is not above {}", amount, *bound));
    if (const auto bound = number(schema, "exclusiveMaximum"); bound && amount >= *bound)
      return wrong(path, fmt::format("{} is not below {}", amount, *bound));
    constexpr double hair = 1e-9;
    if (const auto step = number(schema, "multipleOf"); step && *step > 0) {
      const double times = amount / *step;
      if (std::fabs(times - std::round(times)) > hair)
        return wrong(path, fmt::format("{} is no multiple of {}", amount, *step));
    }
  }
  if (const auto* text = value.if_string()) {
    TRY(check_bounds(schema, static_cast<double>(characters(*text)), "minLength", "maxLength")
            .within(path));
    if (const auto* expression = schema.if_contains("pattern");
        expression && !check_.pattern(expression->get_string()).matches(*text))
      return wrong(path, "does not match its pattern");
  }
  return {};
}

Result<void> SchemaCheck::Walk::check_object(const Object& schema, const Object& value,
                                             const std::string& path, int depth) {
  TRY(check_bounds(schema, static_cast<double>(value.size()), "minProperties", "maxProperties")
          .within(path));
  if (const auto* required = schema.if_contains("required"))
    for (const auto& key : required->get_array())
      if (key.is_string() && !value.contains(key.get_string()))
        return wrong(below(path, key.get_string()), "is missing");
  const auto* properties = schema.if_contains("properties");
  const auto* by_pattern = schema.if_contains("patternProperties");
  const auto* others = schema.if_contains("additionalProperties");
  const auto* names = schema.if_contains("propertyNames");
  for (const auto& [key, item] : value) {
    const std::string at = below(path, key);
    bool is_known = false;
    if (names != nullptr) TRY(check(*names, Value(key), at, depth + 1));
    if (properties != nullptr)
      if (const auto* rule = properties->get_object().if_contains(key)) {
        is_known = true;
        TRY(check(*rule, item, at, depth + 1));
      }
    if (by_pattern != nullptr)
      for (const auto& [expression, rule] : by_pattern->get_object())
        if (check_.pattern(expression).matches(key)) {
          is_known = true;
          TRY(check(rule, item, at, depth + 1));
        }
    if (!is_known && others != nullptr) TRY(check(*others, item, at, depth + 1));
  }
  return {};
}

Result<void> SchemaCheck::Walk::check_array(const Object& schema, const Array& value,
                                            const std::string& path, int depth) {
  TRY(check_bounds(schema, static_cast<double>(value.size()), "minItems", "maxItems").within(path));
  const auto* first = schema.if_contains("prefixItems");
  const auto* rest = schema.if_contains("items");
  const std::size_t firsts = first != nullptr ? first->get_array().size() : 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    if (i < firsts)
      TRY(check(first->get_array()[i], value[i], at, depth + 1));
    else if (rest != nullptr)
      TRY(check(*rest, value[i], at, depth + 1));
  }
  if (const auto* one = schema.if_contains("contains"))
    if (std::none_of(value.begin(), value.end(),
                     [&](const Value& item) { return check(*one, item, path, depth + 1).ok(); }))
      return wrong(path, "has none of what it must contain");
  const auto* unique = schema.if_contains("uniqueItems");
  if (unique == nullptr || *unique != true) return {};
  for (std::size_t i = 0; i < value.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (is_same(value[i], value[j]))
        return wrong(fmt::format("{}[{}]", path, i), "is there twice");
  return {};
}

Result<void> SchemaCheck::Walk::check_choices(const Object& schema, const Value& value,
                                              const std::string& path, int depth) {
  const auto count = [&](const Array& choices) {
    return std::count_if(choices.begin(), choices.end(),
                         [&](const Value& one) { return check(one, value, path, depth + 1).ok(); });
  };
  if (const auto* all = schema.if_contains("allOf"))
    for (const auto& one : all->get_array()) TRY(check(one, value, path, depth + 1));
  if (const auto* any = schema.if_contains("anyOf"); any && count(any->get_array()) == 0)
    return wrong(path, "is none of anyOf");
  if (const auto* one = schema.if_contains("oneOf"); one && count(one->get_array()) != 1)
    return wrong(path, "is not exactly one of oneOf");
  if (const auto* no = schema.if_contains("not"); no && check(*no, value, path, depth + 1).ok())
    return wrong(path, "is what it must not be");
  return {};
}

}  // namespace slipway::json
