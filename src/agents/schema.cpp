// What a reply must look like, checked: the part of JSON Schema that shapes data here, with all
// that is wrong; what a schema says beyond it by `json::SchemaCheck`.
#include "agents/graph.hpp"

namespace slipway::agents {

namespace {

constexpr std::size_t faults_max = 8;

class Check {
 public:
  void value(const Value& schema, const Value& value, const std::string& path);
  std::vector<std::string> take() { return std::move(faults_); }

 private:
  void tell(const std::string& path, const std::string& message) {
    if (faults_.size() < faults_max) faults_.push_back(fmt::format("{}: {}", path, message));
  }
  bool is_full() const { return faults_.size() >= faults_max; }
  bool type(const Value& type, const Value& value, const std::string& path);
  void map(const Value& schema, const Value& value, const std::string& path);

  std::vector<std::string> faults_;
};

bool has_type(const std::string& name, const Value& value) {
  if (name == "string") return value.is_text();
  if (name == "integer") return value.is_integer();
  if (name == "number") return value.is_number();
  if (name == "boolean") return value.is_boolean();
  if (name == "array") return value.is_list();
  if (name == "object") return value.is_map();
  if (name == "null") return value.is_null();
  return true;
}

bool Check::type(const Value& type, const Value& value, const std::string& path) {
  if (type.is_text() && !has_type(type.text(), value)) {
    tell(path, fmt::format("expected {}, got {}", type.text(), kind_name(value)));
    return false;
  }
  if (!type.is_list()) return true;
  for (const Value& one : type.items())
    if (one.is_text() && has_type(one.text(), value)) return true;
  tell(path, fmt::format("{} is of none of the allowed types", kind_name(value)));
  return false;
}

void Check::map(const Value& schema, const Value& value, const std::string& path) {
  const Value& properties = schema.at("properties");
  if (schema.at("required").is_list())
    for (const Value& name : schema.at("required").items())
      if (name.is_text() && value.find(name.text()) == nullptr)
        tell(path, fmt::format("'{}' is missing", name.text()));
  for (const auto& [name, item] : value.entries().items) {
    if (is_full()) return;
    if (const Value* property = properties.find(name)) {
      this->value(*property, item, path + "." + name);
    } else if (schema.at("additionalProperties") == Value(false) &&
               !schema.at("patternProperties").is_map()) {
      tell(path, fmt::format("'{}' is not allowed", name));
    }
  }
}

void Check::value(const Value& schema, const Value& value, const std::string& path) {
  if (!schema.is_map() || is_full() || !type(schema.at("type"), value, path)) return;
  if (schema.at("enum").is_list()) {
    bool is_listed = false;
    for (const Value& one : schema.at("enum").items()) is_listed = is_listed || one == value;
    if (!is_listed)
      tell(path,
           fmt::format("{} is none of the allowed: {}", dump(value), dump(schema.at("enum"))));
  }
  if (value.is_number()) {
    const Value& low = schema.at("minimum");
    const Value& high = schema.at("maximum");
    if ((low.is_number() && value.number() < low.number()) ||
        (high.is_number() && value.number() > high.number()))
      tell(path, fmt::format("{} is out of range", in_words(value)));
  }
  if (value.is_list() && !schema.at("prefixItems").is_list()) {
    std::size_t at = 0;
    for (const Value& item : value.items()) {
      if (is_full()) return;
      this->value(schema.at("items"), item, fmt::format("{}[{}]", path, at++));
    }
  }
  if (value.is_map()) map(schema, value, path);
}

}  // namespace

std::vector<std::string> Schema::faults(const Value& value) const {
  Check check;
  check.value(json, value, "$");
  std::vector<std::string> faults = check.take();
  if (!faults.empty() || !whole) return faults;
  if (auto checked = whole->check(to_json(value)); !checked)
    faults.push_back(checked.error().message());
  return faults;
}

Outcome<bool> Schema::check(const Value& value) const {
  std::vector<std::string> found = faults(value);
  if (found.empty()) return true;
  return Failure{"schema", std::move(found.front())};
}

}  // namespace slipway::agents
