#include "agents/expression.hpp"

#include "agents/detail/expression_lexer.hpp"

namespace slipway::agents {

bool is_of(Type type, const Value& value) {
  switch (type) {
    case Type::any: return true;
    case Type::text: return value.is_text();
    case Type::boolean: return value.is_boolean();
    case Type::integer: return value.is_integer();
    case Type::number: return value.is_number();
    case Type::list: return value.is_list();
    case Type::map: return value.is_map();
  }
  return false;
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::any: return "any";
    case Type::text: return "string";
    case Type::boolean: return "bool";
    case Type::integer: return "int";
    case Type::number: return "number";
    case Type::list: return "list";
    case Type::map: return "map";
  }
  return "any";
}

void Names::add_key(std::string name, Type type) {
  key_places_.emplace(name, keys_.size());
  keys_.push_back(std::move(name));
  types_.push_back(type);
}

std::size_t Names::add_local(const std::string& name) {
  return local_places_.emplace(name, local_places_.size()).first->second;
}

void Names::add_local_at(const std::string& name, std::size_t place) {
  local_places_[name] = place;
}

std::optional<std::size_t> Names::key(std::string_view name) const {
  const auto found = key_places_.find(std::string(name));
  return found == key_places_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> Names::local(std::string_view name) const {
  const auto found = local_places_.find(std::string(name));
  return found == local_places_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string_view> Names::all() const {
  std::vector<std::string_view> names(keys_.begin(), keys_.end());
  for (const auto& [name, place] : local_places_) names.push_back(name);
  names.emplace_back("state");
  return names;
}

Result<Template> Template::compile(std::string_view text, const Names& names) {
  Template made;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("{{", at);
    if (open == std::string_view::npos || open > at)
      made.pieces_.push_back({.text = std::string(text.substr(at, open - at))});
    if (open == std::string_view::npos) break;
    const std::size_t close = detail::end_of_expression(text, open + 2);
    if (close == std::string_view::npos)
      return detail::expression_error(text, open, "'{{' without its '}}'");
    Piece piece;
    piece.expression = TRY(Expression::compile(text.substr(open + 2, close - open - 2), names));
    made.pieces_.push_back(std::move(piece));
    at = close + 2;
  }
  return made;
}

Outcome<Value> Template::evaluate(const Inputs& inputs) const {
  return is_single() ? pieces_.front().expression.evaluate(inputs) : text(inputs);
}

Outcome<Value> Template::text(const Inputs& inputs) const {
  std::vector<TaintedSpan> tainted;
  Value value(SLIPWAY_GET(write(inputs, &tainted)));
  for (const TaintedSpan& span : tainted) value.add_taint(span.taint);
  return value;
}

Outcome<std::string> Template::write(const Inputs& inputs,
                                     std::vector<TaintedSpan>* tainted) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    if (!piece.expression) {
      text += piece.text;
      continue;
    }
    const Value value = SLIPWAY_GET(piece.expression.evaluate(inputs));
    const std::size_t begin = text.size();
    text += in_words(value);
    if (tainted != nullptr && value.taint() != 0)
      tainted->push_back({.begin = begin, .end = text.size(), .taint = value.taint()});
  }
  return text;
}

}  // namespace slipway::agents
