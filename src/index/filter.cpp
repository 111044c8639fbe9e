// A filter is parsed once into a small tree with typed operands and then asked once per document.
// Missing keys are decided in one place (`holds`), so that `$ne` and `$nin` are exactly the
// negations of `$eq` and `$in`.
#include "index/filter.hpp"

#include <algorithm>

#include "index/detail/filter_tree.hpp"

namespace slipway::index {

namespace {

struct OpName {
  std::string_view name;
  Op op;
};
constexpr OpName key_ops[] = {{"$eq", Op::eq},         {"$ne", Op::ne},
                              {"$gt", Op::gt},         {"$gte", Op::gte},
                              {"$lt", Op::lt},         {"$lte", Op::lte},
                              {"$in", Op::in},         {"$nin", Op::nin},
                              {"$exists", Op::exists}, {"$contains", Op::contains}};
constexpr OpName group_ops[] = {{"$and", Op::all}, {"$or", Op::any}, {"$not", Op::none}};
constexpr std::string_view own_attributes[] = {"uri",        "path",        "title",
                                               "media_type", "ingested_at", "modified_at"};
constexpr int depth_max = 64;

bool looks_like_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  for (const int at : {0, 1, 2, 3, 5, 6, 8, 9})
    if (text[at] < '0' || text[at] > '9') return false;
  return true;
}

}  // namespace

std::optional<Clock::Time> time_of(std::string_view text) {
  if (!looks_like_date(text)) return std::nullopt;
  const auto time =
      text.size() == 10 ? parse_time(std::string(text) + "T00:00:00Z") : parse_time(text);
  return time ? std::optional(*time) : std::nullopt;
}

namespace {

template <typename T>
int order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int order_numbers(const json::Value& a, const json::Value& b) {
  if (a.is_int64() && b.is_int64()) return order(a.get_int64(), b.get_int64());
  if (a.is_uint64() && b.is_uint64()) return order(a.get_uint64(), b.get_uint64());
  return order(a.to_number<double>(), b.to_number<double>());
}

}  // namespace

std::optional<int> compare(const json::Value& value, const Operand& operand) {
  if (value.is_number() && operand.value.is_number()) return order_numbers(value, operand.value);
  if (!value.is_string() || !operand.value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  const auto time = time_of(text);
  if (time.has_value() != operand.time.has_value()) return std::nullopt;
  if (time) return order(*time, *operand.time);
  return order(text, std::string_view(operand.value.get_string()));
}

namespace {

bool equals(const json::Value& value, const Operand& operand) {
  if (value.is_bool() && operand.value.is_bool())
    return value.get_bool() == operand.value.get_bool();
  return compare(value, operand) == 0;
}

bool equals_any(const json::Value& value, const std::vector<Operand>& operands) {
  return std::any_of(operands.begin(), operands.end(),
                     [&](const Operand& operand) { return equals(value, operand); });
}

/// Membership for a list, equality for anything else.
bool meets(const json::Value& value, const std::vector<Operand>& operands) {
  if (!value.is_array()) return equals_any(value, operands);
  return std::any_of(value.get_array().begin(), value.get_array().end(),
                     [&](const json::Value& item) { return equals_any(item, operands); });
}

}  // namespace

namespace {

using Node = Filter::Node;

Result<Node> parse_filter(const json::Value& value, const std::string& path, int depth);

template <std::size_t N>
Error unknown_operator(const std::string& path, std::string_view name, const OpName (&known)[N]) {
  std::vector<std::string_view> names;
  std::string list;
  for (const OpName& op : known) {
    names.push_back(op.name);
    list += (list.empty() ? "" : ", ") + std::string(op.name);
  }
  const auto near = json::nearest(name, names);
  if (near.empty())
    return fail(Code::invalid_argument, "{}.{}: unknown operator; expected one of: {}", path, name,
                list);
  return fail(Code::invalid_argument, "{}.{}: unknown operator; did you mean '{}'?", path, name,
              near);
}

template <std::size_t N>
std::optional<Op> find_op(std::string_view name, const OpName (&known)[N]) {
  for (const OpName& op : known)
    if (op.name == name) return op.op;
  return std::nullopt;
}

Result<Operand> parse_scalar(const json::Value& value, const std::string& path) {
  if (value.is_null())
    return fail(Code::invalid_argument,
                "{}: null cannot be compared; use {{\"$exists\": false}} for a missing key", path);
  if (!value.is_string() && !value.is_number() && !value.is_bool())
    return json::detail::expected(path, "a string, a number, true or false", value);
  Operand operand{value, {}};
  if (value.is_string()) operand.time = time_of(value.get_string());
  return operand;
}

Result<void> parse_operands(Node& node, const json::Value& value, const std::string& path) {
  switch (node.op) {
    case Op::exists:
      if (!value.is_bool()) return json::detail::expected(path, "true or false", value);
      node.exists = value.get_bool();
      return {};
    case Op::in:
    case Op::nin: {
      if (!value.is_array()) return json::detail::expected(path, "an array", value);
      std::size_t at = 0;
      for (const json::Value& item : value.get_array())
        node.operands.push_back(TRY(parse_scalar(item, fmt::format("{}[{}]", path, at++))));
      return {};
    }
    case Op::gt:
    case Op::gte:
    case Op::lt:
    case Op::lte:
      if (value.is_bool()) return json::detail::expected(path, "a number or a string", value);
      [[fallthrough]];
    default: node.operands.push_back(TRY(parse_scalar(value, path))); return {};
  }
}

Node make_key_node(std::string_view key) {
  constexpr std::string_view metadata = "metadata.";
  Node node;
  node.is_own = std::find(std::begin(own_attributes), std::end(own_attributes), key) !=
                std::end(own_attributes);
  if (key.starts_with(metadata)) key.remove_prefix(metadata.size());
  node.key = std::string(key);
  return node;
}

/// {"$gte": 1, "$lt": 5} or a bare value under a key.
Result<Node> parse_key(std::string_view key, const json::Value& value, const std::string& path) {
  Node node = make_key_node(key);
  if (value.is_array())
    return fail(Code::invalid_argument, "{}: a list is not a value; use {{\"$in\": [...]}}", path);
  if (!value.is_object()) {
    node.op = Op::eq;
    TRY(parse_operands(node, value, path));
    return node;
  }
  if (value.get_object().empty())
    return fail(Code::invalid_argument, "{}: an empty object; write an operator such as $eq", path);
  Node all;
  for (const auto& [name, operand] : value.get_object()) {
    const auto op = find_op(name, key_ops);
    if (!op && find_op(name, group_ops))
      return fail(Code::invalid_argument,
                  "{}.{}: stands over whole filters; write {{\"{}\": ...}} outside of the key",
                  path, std::string_view(name), std::string_view(name));
    if (!op) return unknown_operator(path, name, key_ops);
    Node one = node;
    one.op = *op;
    TRY(parse_operands(one, operand, fmt::format("{}.{}", path, std::string_view(name))));
    all.children.push_back(std::move(one));
  }
  return all.children.size() == 1 ? std::move(all.children.front()) : std::move(all);
}

Result<Node> parse_group(Op op, const json::Value& value, const std::string& path, int depth) {
  Node node;
  node.op = op;
  if (op == Op::none) {
    node.children.push_back(TRY(parse_filter(value, path, depth)));
    return node;
  }
  if (!value.is_array() || value.get_array().empty())
    return json::detail::expected(path, "an array of filters, not empty", value);
  for (const json::Value& item : value.get_array())
    node.children.push_back(
        TRY(parse_filter(item, fmt::format("{}[{}]", path, node.children.size()), depth)));
  return node;
}

Result<Node> parse_filter(const json::Value& value, const std::string& path, int depth) {
  if (depth > depth_max)
    return fail(Code::invalid_argument, "{}: more than {} filters inside each other", path,
                depth_max);
  if (!value.is_object()) return json::detail::expected(path, "an object", value);
  Node all;
  for (const auto& [key, operand] : value.get_object()) {
    const std::string inner = fmt::format("{}.{}", path, std::string_view(key));
    if (!std::string_view(key).starts_with('$')) {
      all.children.push_back(TRY(parse_key(key, operand, inner)));
      continue;
    }
    const auto op = find_op(key, group_ops);
    if (!op && find_op(key, key_ops))
      return fail(Code::invalid_argument,
                  "{}: stands under a key; write {{\"KEY\": {{\"{}\": ...}}}}", inner,
                  std::string_view(key));
    if (!op) return unknown_operator(path, key, group_ops);
    all.children.push_back(TRY(parse_group(*op, operand, inner, depth + 1)));
  }
  return all;
}

/// The key as it is, else its parts between dots one inside the other; null when it is missing.
const json::Value* find_in(const json::Object& object, std::string_view key) {
  if (const json::Value* found = object.if_contains(key)) return found;
  for (auto dot = key.find('.'); dot != key.npos; dot = key.find('.', dot + 1)) {
    const json::Value* outer = object.if_contains(key.substr(0, dot));
    if (outer == nullptr || !outer->is_object()) continue;
    if (const json::Value* found = find_in(outer->get_object(), key.substr(dot + 1))) return found;
  }
  return nullptr;
}

}  // namespace

const json::Value* find_value(const Node& node, const json::Object& attributes) {
  const json::Value* value = nullptr;
  const json::Value* metadata = attributes.if_contains("metadata");
  if (node.is_own)
    value = attributes.if_contains(node.key);
  else if (metadata != nullptr && metadata->is_object())
    value = find_in(metadata->get_object(), node.key);
  // A null says as much as a missing key: both mean "not known".
  return value != nullptr && value->is_null() ? nullptr : value;
}

namespace {

bool contains(const json::Value& value, const std::vector<Operand>& operands) {
  const json::Value& wanted = operands.front().value;
  if (value.is_string() && wanted.is_string())
    return std::string_view(value.get_string()).find(std::string_view(wanted.get_string())) !=
           std::string_view::npos;
  return value.is_array() && meets(value, operands);
}

bool holds_key(const Node& node, const json::Object& attributes) {
  const json::Value* value = find_value(node, attributes);
  if (node.op == Op::exists) return (value != nullptr) == node.exists;
  const bool is_negative = node.op == Op::ne || node.op == Op::nin;
  if (value == nullptr) return is_negative;
  if (is_negative) return !meets(*value, node.operands);
  if (node.op == Op::eq || node.op == Op::in) return meets(*value, node.operands);
  if (node.op == Op::contains) return contains(*value, node.operands);
  const auto sign = compare(*value, node.operands.front());
  if (!sign) return false;
  switch (node.op) {
    case Op::gt: return *sign > 0;
    case Op::gte: return *sign >= 0;
    case Op::lt: return *sign < 0;
    default: return *sign <= 0;
  }
}

bool holds(const Node& node, const json::Object& attributes) {
  const auto child = [&](const Node& inner) { return holds(inner, attributes); };
  switch (node.op) {
    case Op::all: return std::all_of(node.children.begin(), node.children.end(), child);
    case Op::any: return std::any_of(node.children.begin(), node.children.end(), child);
    case Op::none: return std::none_of(node.children.begin(), node.children.end(), child);
    default: return holds_key(node, attributes);
  }
}

}  // namespace

Result<Filter> Filter::parse(const json::Value& value) {
  Node root = TRY(parse_filter(value, "$.filter", 0));
  Filter filter;
  if (root.op != Op::all || !root.children.empty())
    filter.root_ = std::make_shared<const Node>(std::move(root));
  return filter;
}

bool Filter::matches(const json::Object& attributes) const {
  return root_ == nullptr || holds(*root_, attributes);
}

}  // namespace slipway::index
