// Requests against the schemas that clients are shown; every fault is told, not only the first.
#include "core/excerpt.hpp"
#include "http/detail/pattern.hpp"
#include "http/schema.hpp"

namespace slipway::http {

namespace {

constexpr std::size_t issues_max = 32;
/// Of values and of references between schemas together; values alone are 64 levels deep at most.
constexpr int depth_max = 256;

bool is_whole(const json::Value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::trunc(value.get_double()) == value.get_double();
}

bool has_type(const json::Value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return type == "integer" && value.is_number() && is_whole(value);
}

std::string_view with_article(std::string_view type) {
  if (type == "object") return "an object";
  if (type == "array") return "an array";
  if (type == "string") return "a string";
  if (type == "boolean") return "true or false";
  if (type == "number") return "a number";
  if (type == "integer") return "a whole number";
  return type;
}

/// For messages: never longer than a line.
std::string shown(const json::Value& value) {
  constexpr std::size_t shown_max = 60;
  if (value.is_object() || value.is_array()) return std::string(json::kind_name(value));
  return excerpt(json::dump(value), shown_max);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

class Validator {
 public:
  explicit Validator(const json::Object& components) : components_(components) {}

  void check(const json::Value& value, const json::Object& schema, const std::string& path,
             int depth = 0) {
    if (issues.size() >= issues_max) return;
    if (depth >= depth_max) return complain(path, "is nested too deeply");
    if (const auto* reference = schema.if_contains("$ref"))
      return check(value, component(reference->as_string()), path, depth + 1);
    if (const auto* choices = schema.if_contains("anyOf"))
      return check_any(value, choices->as_array(), path, depth);
    if (!check_type(value, schema, path)) return;
    check_choice(value, schema, path);
    if (value.is_number()) check_number(value, schema, path);
    if (value.is_string()) check_string(value.get_string(), schema, path);
    if (value.is_array()) check_array(value.get_array(), schema, path, depth);
    if (value.is_object()) check_object(value.get_object(), schema, path, depth);
  }

  std::vector<Issue> issues;

 private:
  void complain(const std::string& path, std::string message) {
    issues.push_back({path, std::move(message)});
  }

  const json::Object& component(std::string_view reference) const {
    constexpr std::string_view prefix = "#/components/schemas/";
    SLIPWAY_ASSERT(reference.starts_with(prefix));
    return components_.at(reference.substr(prefix.size())).as_object();
  }

  /// The issues are those of the alternative that came nearest: one with faults further in, else
  /// one whose type is right, else what all would have been.
  void check_any(const json::Value& value, const json::Array& choices, const std::string& path,
                 int depth) {
    std::vector<Issue> nearest;
    int nearness_best = 0;
    std::string wanted;
    for (const json::Value& choice : choices) {
      Validator one(components_);
      one.check(value, choice.as_object(), path, depth + 1);
      if (one.issues.empty()) return;
      const bool is_inner = one.issues.front().path.size() > path.size();
      const int nearness = is_inner ? 2 : (one.wanted_.empty() ? 1 : 0);
      if (nearness == 0) wanted += (wanted.empty() ? "" : " or ") + one.wanted_;
      if (nearness <= nearness_best) continue;
      nearness_best = nearness;
      nearest = std::move(one.issues);
    }
    if (nearness_best == 0) {
      wanted_ = wanted;
      return complain(path, fmt::format("expected {}, got {}", wanted, shown(value)));
    }
    issues.insert(issues.end(), nearest.begin(), nearest.end());
  }

  bool check_type(const json::Value& value, const json::Object& schema, const std::string& path) {
    const auto* type = schema.if_contains("type");
    if (type == nullptr) return true;
    std::string wanted;
    const auto accepts = [&](std::string_view name) {
      wanted += (wanted.empty() ? "" : " or ") + std::string(with_article(name));
      return has_type(value, name);
    };
    if (type->is_string() && accepts(type->get_string())) return true;
    if (type->is_array())
      for (const json::Value& name : type->get_array())
        if (accepts(name.as_string())) return true;
    wanted_ = wanted;
    complain(path, fmt::format("expected {}, got {}", wanted, shown(value)));
    return false;
  }

  void check_choice(const json::Value& value, const json::Object& schema, const std::string& path) {
    if (const auto* wanted = schema.if_contains("const"); wanted != nullptr && value != *wanted)
      complain(path, fmt::format("expected {}, got {}", json::dump(*wanted), shown(value)));
    const auto* names = schema.if_contains("enum");
    if (names == nullptr) return;
    const json::Array& all = names->as_array();
    if (std::find(all.begin(), all.end(), value) != all.end()) return;
    std::string list;
    for (const json::Value& name : all)
      list += (list.empty() ? "" : ", ") +
              (name.is_string() ? std::string(name.get_string()) : json::dump(name));
    complain(path, fmt::format("expected one of: {}; got {}", list, shown(value)));
  }

  void check_number(const json::Value& value, const json::Object& schema, const std::string& path) {
    const auto* least = schema.if_contains("minimum");
    const auto* most = schema.if_contains("maximum");
    // Whole bounds are compared as such: a double cannot hold the largest.
    const auto is_less = [](const json::Value& a, const json::Value& b) {
      boost::system::error_code error;
      if (!a.is_double() && !b.is_double()) {
        if (a.is_int64() && b.is_int64()) return a.get_int64() < b.get_int64();
        const bool a_is_negative = a.is_int64() && a.get_int64() < 0;
        const bool b_is_negative = b.is_int64() && b.get_int64() < 0;
        if (a_is_negative != b_is_negative) return a_is_negative;
        if (!a_is_negative)
          return a.to_number<std::uint64_t>(error) < b.to_number<std::uint64_t>(error);
      }
      return a.to_number<double>() < b.to_number<double>();
    };
    const bool is_out =
        (least != nullptr && is_less(value, *least)) || (most != nullptr && is_less(*most, value));
    if (!is_out) return;
    if (least != nullptr && most != nullptr)
      complain(path, fmt::format("{} is out of range {}..{}", shown(value), json::dump(*least),
                                 json::dump(*most)));
    else if (least != nullptr)
      complain(path, fmt::format("{} is below {}", shown(value), json::dump(*least)));
    else
      complain(path, fmt::format("{} is above {}", shown(value), json::dump(*most)));
  }

  void check_string(std::string_view text, const json::Object& schema, const std::string& path) {
    if (const auto* least = schema.if_contains("minLength");
        least != nullptr && code_points(text) < least->to_number<std::size_t>())
      complain(path, text.empty()
                         ? std::string("must not be empty")
                         : fmt::format("is shorter than {} characters", json::dump(*least)));
    if (const auto* most = schema.if_contains("maxLength");
        most != nullptr && code_points(text) > most->to_number<std::size_t>())
      complain(path, fmt::format("is longer than {} characters", json::dump(*most)));
    if (const auto* pattern = schema.if_contains("pattern");
        pattern != nullptr && !detail::matches(pattern->as_string(), text))
      complain(path, fmt::format("{} does not match {}", shown(json::Value(text)),
                                 std::string_view(pattern->as_string())));
  }

  void check_array(const json::Array& items, const json::Object& schema, const std::string& path,
                   int depth) {
    if (const auto* least = schema.if_contains("minItems");
        least != nullptr && items.size() < least->to_number<std::size_t>())
      complain(path, fmt::format("has {} items, {} at least are wanted", items.size(),
                                 json::dump(*least)));
    if (const auto* most = schema.if_contains("maxItems");
        most != nullptr && items.size() > most->to_number<std::size_t>())
      complain(path,
               fmt::format("has {} items, {} at most are taken", items.size(), json::dump(*most)));
    const auto* each = schema.if_contains("items");
    if (each == nullptr) return;
    for (std::size_t i = 0; i < items.size() && issues.size() < issues_max; ++i)
      check(items[i], each->as_object(), fmt::format("{}/{}", path, i), depth + 1);
  }

  void check_object(const json::Object& object, const json::Object& schema, const std::string& path,
                    int depth) {
    if (const auto* required = schema.if_contains("required"))
      for (const json::Value& key : required->as_array())
        if (!object.contains(std::string_view(key.as_string())))
          complain(path + "/" + pointer_step(key.as_string()), "is required");
    if (const auto* least = schema.if_contains("minProperties");
        least != nullptr && object.size() < least->to_number<std::size_t>())
      complain(path, fmt::format("has {} members, {} at least are wanted", object.size(),
                                 json::dump(*least)));
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    const auto* names = schema.if_contains("propertyNames");
    for (const auto& [key, value] : object) {
      if (issues.size() >= issues_max) return;
      const std::string inner = path + "/" + pointer_step(key);
      const auto* property =
          properties == nullptr ? nullptr : properties->as_object().if_contains(key);
      if (property != nullptr) {
        check(value, property->as_object(), inner, depth + 1);
        continue;
      }
      if (names != nullptr) check(json::Value(key), names->as_object(), inner, depth + 1);
      if (others == nullptr) continue;
      if (others->is_object())
        check(value, others->get_object(), inner, depth + 1);
      else if (others->is_bool() && !others->get_bool())
        complain(inner, unknown(key, properties));
    }
  }

  static std::string unknown(std::string_view key, const json::Value* properties) {
    std::vector<std::string_view> known;
    if (properties != nullptr)
      for (const auto& property : properties->as_object()) known.emplace_back(property.key());
    const std::string_view nearest = json::nearest(key, known);
    if (!nearest.empty()) return fmt::format("is not known; did you mean '{}'?", nearest);
    return known.empty() ? std::string("is not known; there is nothing to give here")
                         : fmt::format("is not known; there are: {}", fmt::join(known, ", "));
  }

  const json::Object& components_;
  std::string wanted_;  // What the last type complaint asked for.
};

}  // namespace

std::vector<Issue> validate(const json::Value& value, const json::Object& schema,
                            const json::Object& components, std::string_view root) {
  Validator validator(components);
  validator.check(value, schema, std::string(root));
  return std::move(validator.issues);
}

}  // namespace slipway::http
