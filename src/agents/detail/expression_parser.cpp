// Expressions are compiled: precedence climbing, names resolved, types inferred where they are
// sure.
#include <algorithm>

#include "agents/detail/expression_lexer.hpp"
#include "agents/detail/expression_node.hpp"

namespace slipway::agents {

namespace {

using detail::Token;
using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;

constexpr int depth_max = 100;
/// The name of a key that was written "state.key", of which `has` may be asked.
constexpr std::string_view of_state = "state";

struct Operator {
  std::string_view sign;
  Op op;
  int strength;
};
constexpr Operator operators[] = {
    {"||", Op::either, 1},  {"&&", Op::both, 2},          {"==", Op::equal, 3},
    {"!=", Op::unequal, 3}, {"<", Op::less, 3},           {"<=", Op::less_equal, 3},
    {">", Op::greater, 3},  {">=", Op::greater_equal, 3}, {"in", Op::in, 3},
    {"+", Op::add, 4},      {"-", Op::subtract, 4},       {"*", Op::multiply, 5},
    {"/", Op::divide, 5},   {"%", Op::modulo, 5},
};

struct Macro {
  std::string_view name;
  Op op;
};
constexpr Macro macros[] = {{"all", Op::all},
                            {"exists", Op::exists},
                            {"exists_one", Op::exists_one},
                            {"filter", Op::filter},
                            {"map", Op::transform}};

bool is_numeric(Type type) { return type == Type::integer || type == Type::number; }

class Parser {
 public:
  Parser(std::string_view text, const Names& names) : text_(text), names_(names) {}

  Result<NodePtr> parse() {
    tokens_ = TRY(detail::read_tokens(text_));
    NodePtr root = TRY(expression());
    if (now().kind != Token::Kind::end) return wrong("something stands after the expression");
    return root;
  }

  std::string doubt;
  std::vector<std::size_t> reads;

 private:
  struct Deeper {
    int& depth;
    ~Deeper() { --depth; }
  };

  const Token& now() const { return tokens_[at_]; }
  bool is_sign(std::string_view sign) const {
    return now().kind == Token::Kind::sign && now().text == sign;
  }
  bool take(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++at_;
    return true;
  }
  Error wrong(std::string_view what) const {
    return detail::expression_error(text_, now().at, what);
  }
  Result<void> expect(std::string_view sign) {
    if (!take(sign)) return wrong(fmt::format("'{}' is expected", sign));
    return {};
  }
  static NodePtr make(Op op, Type type, NodePtr first = nullptr, NodePtr second = nullptr) {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->type = type;
    if (first) node->parts.push_back(std::move(first));
    if (second) node->parts.push_back(std::move(second));
    return node;
  }

  Result<NodePtr> expression() {
    if (++depth_ > depth_max) return wrong("it is nested more than 100 levels deep");
    const Deeper deeper{depth_};
    NodePtr condition = TRY(binary(1));
    if (!take("?")) return condition;
    NodePtr yes = TRY(expression());
    TRY(expect(":"));
    NodePtr no = TRY(expression());
    const Type type = yes->type == no->type ? yes->type : Type::any;
    NodePtr node = make(Op::choose, type, std::move(condition), std::move(yes));
    node->parts.push_back(std::move(no));
    return node;
  }

  const Operator* operator_here() const {
    const bool is_in = now().kind == Token::Kind::name && now().text == "in";
    if (!is_in && now().kind != Token::Kind::sign) return nullptr;
    for (const Operator& candidate : operators)
      if (candidate.sign == now().text) return &candidate;
    return nullptr;
  }

  Result<NodePtr> binary(int strength) {
    NodePtr left = TRY(unary());
    // The tree leans to the left as far as there are operators, so their number is bounded too.
    int links = 0;
    for (;;) {
      const Operator* here = operator_here();
      if (here == nullptr || here->strength < strength) return left;
      constexpr int links_max = 500;
      if (++links > links_max) return wrong("more than 500 operators in a row");
      ++at_;
      NodePtr right = TRY(binary(here->strength + 1));
      const Type type = type_of(here->op, *left, *right, here->sign);
      left = make(here->op, type, std::move(left), std::move(right));
    }
  }

  Type type_of(Op op, const Node& a, const Node& b, std::string_view sign) {
    const auto doubt_it = [&] {
      if (doubt.empty())
        doubt = fmt::format("{} {} {}", type_name(a.type), sign, type_name(b.type));
    };
    switch (op) {
      case Op::either:
      case Op::both:
        for (const Node* side : {&a, &b})
          if (side->type != Type::any && side->type != Type::boolean) doubt_it();
        return Type::boolean;
      case Op::equal:
      case Op::unequal: return Type::boolean;
      case Op::less:
      case Op::less_equal:
      case Op::greater:
      case Op::greater_equal:
        if (a.type != Type::any && b.type != Type::any && a.type != b.type &&
            !(is_numeric(a.type) && is_numeric(b.type)))
          doubt_it();
        return Type::boolean;
      case Op::in:
        if (b.type != Type::any && b.type != Type::list && b.type != Type::map) doubt_it();
        return Type::boolean;
      case Op::add:
        if (a.type == b.type && (a.type == Type::text || a.type == Type::list)) return a.type;
        [[fallthrough]];
      default:
        if (a.type == Type::integer && b.type == Type::integer) return Type::integer;
        if (is_numeric(a.type) && is_numeric(b.type)) return Type::number;
        if (a.type != Type::any && b.type != Type::any) doubt_it();
        return Type::any;
    }
  }

  Result<NodePtr> unary() {
    if (++depth_ > depth_max) return wrong("it is nested more than 100 levels deep");
    const Deeper deeper{depth_};
    if (take("!")) return make(Op::negate, Type::boolean, TRY(unary()));
    if (!take("-")) return member();
    if (now().kind == Token::Kind::literal && now().value.is_integer()) {
      // -x.y of a number makes no sense, so the sign may belong to the literal.
      if (now().is_least_magnitude) {
        ++at_;
        NodePtr node = make(Op::constant, Type::integer);
        node->value = std::numeric_limits<std::int64_t>::min();
        return node;
      }
    }
    NodePtr inner = TRY(unary());
    const Type type = is_numeric(inner->type) ? inner->type : Type::any;
    return make(Op::minus, type, std::move(inner));
  }

  Result<NodePtr> member() {
    NodePtr node = TRY(primary());
    int links = 0;
    for (;;) {
      constexpr int links_max = 200;
      if (++links > links_max) return wrong("more than 200 members in a row");
      if (take(".")) {
        if (now().kind != Token::Kind::name) return wrong("a name is expected after '.'");
        const Token name = now();
        ++at_;
        node =
            is_sign("(") ? TRY(method(std::move(node), name)) : TRY(select(std::move(node), name));
      } else if (take("[")) {
        NodePtr place = TRY(expression());
        TRY(expect("]"));
        if (node->op == Op::state && place->op == Op::constant && place->value.is_text()) {
          node = TRY(key_of_state(place->value.text()));
          continue;
        }
        node = make(Op::index, Type::any, std::move(node), std::move(place));
      } else {
        return node;
      }
    }
  }

  Result<NodePtr> select(NodePtr from, const Token& name) {
    if (from->op == Op::state) return key_of_state(name.text);
    NodePtr node = make(Op::select, Type::any, std::move(from));
    node->name = name.text;
    return node;
  }

  Result<NodePtr> key_of_state(const std::string& name) {
    const auto slot = names_.key(name);
    if (!slot) return unknown(name);
    NodePtr node = slot_node(*slot);
    node->name = of_state;
    return node;
  }

  NodePtr slot_node(std::size_t slot) {
    NodePtr node = make(Op::slot, names_.type_of_key(slot));
    node->slot = static_cast<std::int32_t>(slot);
    reads.push_back(slot);
    return node;
  }

  Error unknown(const std::string& name) const {
    std::vector<std::string_view> known = names_.all();
    for (const auto& variable : variables_) known.emplace_back(variable);
    const std::string_view near = json::nearest(name, known);
    return wrong(near.empty()
                     ? fmt::format("'{}' is no state key and nothing else that is known here", name)
                     : fmt::format("'{}' is not known; did you mean '{}'?", name, near));
  }

  Result<NodePtr> primary() {
    const Token token = now();
    if (token.kind == Token::Kind::literal) {
      if (token.is_least_magnitude) return wrong("a whole number beyond 64 bits");
      ++at_;
      return constant(token.value);
    }
    if (token.kind == Token::Kind::name) {
      ++at_;
      return named(token);
    }
    if (take("(")) {
      NodePtr inner = TRY(expression());
      TRY(expect(")"));
      return inner;
    }
    if (take("[")) return list();
    if (take("{")) return map();
    if (token.kind == Token::Kind::end)
      return wrong("the expression ends where a value is expected");
    return wrong(fmt::format("a value is expected, not '{}'", token.text));
  }

  static NodePtr constant(Value value) {
    Type type = Type::any;
    if (value.is_integer()) type = Type::integer;
    if (value.is_real()) type = Type::number;
    if (value.is_text()) type = Type::text;
    if (value.is_boolean()) type = Type::boolean;
    NodePtr node = make(Op::constant, type);
    node->value = std::move(value);
    return node;
  }

  Result<NodePtr> list() {
    NodePtr node = make(Op::list, Type::list);
    while (!take("]")) {
      node->parts.push_back(TRY(expression()));
      if (!take(",") && !is_sign("]")) return wrong("',' or ']' is expected");
    }
    return node;
  }

  Result<NodePtr> map() {
    NodePtr node = make(Op::map, Type::map);
    while (!take("}")) {
      node->parts.push_back(TRY(expression()));
      TRY(expect(":"));
      node->parts.push_back(TRY(expression()));
      if (!take(",") && !is_sign("}")) return wrong("',' or '}' is expected");
    }
    return node;
  }

  Result<NodePtr> named(const Token& token) {
    const std::string& name = token.text;
    if (name == "true" || name == "false") return constant(name == "true");
    if (name == "null") return constant({});
    if (is_sign("(")) return global(token);
    for (std::size_t i = variables_.size(); i-- > 0;)
      if (variables_[i] == name) {
        NodePtr node = make(Op::variable, Type::any);
        node->place = static_cast<std::uint32_t>(i);
        return node;
      }
    const auto slot = names_.key(name);
    if (const auto local = names_.local(name)) {
      NodePtr node = make(Op::local, Type::any);
      node->place = static_cast<std::uint32_t>(*local);
      if (slot) {
        node->slot = static_cast<std::int32_t>(*slot);
        reads.push_back(*slot);
      }
      return node;
    }
    if (slot) return slot_node(*slot);
    if (name == "state") {
      return whole_state();
    }
    for (const std::string_view type : {"int", "double", "string", "bool", "list", "map"})
      if (name == type) return constant(type);
    if (name == "null_type") return constant("null_type");
    if (name == "lists" && is_sign(".")) return lists();
    return unknown(name);
  }

  NodePtr whole_state() {
    std::vector<Value> keys;
    for (const std::string& key : names_.keys()) {
      reads.push_back(keys.size());
      keys.emplace_back(key);
    }
    return make(Op::state, Type::map, constant(Value::list(std::move(keys))));
  }

  Result<NodePtr> lists() {
    ++at_;
    if (now().kind != Token::Kind::name || now().text != "range")
      return wrong("of lists there is range(n) only");
    ++at_;
    NodePtr node = make(Op::call, Type::list);
    node->function = Function::range;
    TRY(arguments(*node));
    if (node->parts.size() != 1) return wrong("lists.range takes one argument");
    return node;
  }

  Result<void> arguments(Node& node) {
    TRY(expect("("));
    while (!take(")")) {
      node.parts.push_back(TRY(expression()));
      if (!take(",") && !is_sign(")")) return wrong("',' or ')' is expected");
    }
    return {};
  }

  Result<NodePtr> has(const Token& token) {
    TRY(expect("("));
    NodePtr inner = TRY(expression());
    TRY(expect(")"));
    if (inner->op == Op::select) {
      inner->op = Op::has;
      inner->type = Type::boolean;
      return inner;
    }
    if (inner->op == Op::slot && inner->name == of_state) {
      inner->op = Op::has_key;
      inner->type = Type::boolean;
      return inner;
    }
    if (inner->op == Op::index && inner->parts[1]->op == Op::constant &&
        inner->parts[1]->value.is_text()) {
      NodePtr node = make(Op::has, Type::boolean, std::move(inner->parts[0]));
      node->name = inner->parts[1]->value.text();
      return node;
    }
    return detail::expression_error(text_, token.at,
                                    "has() takes a member of a map: has(m.key), has(state.key)");
  }

  Result<NodePtr> global(const Token& token) {
    if (token.text == "has") return has(token);
    return call(token, nullptr);
  }

  Result<NodePtr> method(NodePtr receiver, const Token& token) {
    for (const Macro& macro : macros)
      if (macro.name == token.text) return comprehension(std::move(receiver), macro, token);
    return call(token, std::move(receiver));
  }

  Result<NodePtr> call(const Token& token, NodePtr receiver) {
    const detail::FunctionInfo* info = detail::find_function(token.text);
    const bool is_method = receiver != nullptr;
    if (info == nullptr || (is_method ? !info->is_method : !info->is_global)) {
      if (info != nullptr)
        return detail::expression_error(
            text_, token.at,
            is_method ? fmt::format("write {0}(x), not x.{0}()", token.text)
                      : fmt::format("write x.{0}(...), not {0}(x, ...)", token.text));
      const std::string_view near = json::nearest(token.text, detail::function_names());
      return detail::expression_error(
          text_, token.at,
          near.empty()
              ? fmt::format("there is no function '{}'", token.text)
              : fmt::format("there is no function '{}'; did you mean '{}'?", token.text, near));
    }
    NodePtr node = make(Op::call, info->type, std::move(receiver));
    node->function = info->function;
    TRY(arguments(*node));
    const auto count = static_cast<int>(node->parts.size());
    if (count < info->parts_min || count > info->parts_max)
      return detail::expression_error(
          text_, token.at,
          fmt::format("'{}' takes {} argument(s), not {}", token.text,
                      info->parts_min - (is_method ? 1 : 0), count - (is_method ? 1 : 0)));
    if (info->function == Function::matches && node->parts[1]->op == Op::constant &&
        node->parts[1]->value.is_text()) {
      auto pattern = Pattern::compile(node->parts[1]->value.text());
      if (!pattern) return detail::expression_error(text_, token.at, pattern.error().message());
      node->pattern = *std::move(pattern);
    }
    return node;
  }

  Result<NodePtr> comprehension(NodePtr over, const Macro& macro, const Token& token) {
    TRY(expect("("));
    if (now().kind != Token::Kind::name)
      return wrong(fmt::format("'{}' takes a name first: xs.{}(x, ...)", token.text, token.text));
    const bool makes_list = macro.op == Op::filter || macro.op == Op::transform;
    NodePtr node = make(macro.op, makes_list ? Type::list : Type::boolean, std::move(over));
    node->place = static_cast<std::uint32_t>(variables_.size());
    variables_.push_back(now().text);
    ++at_;
    TRY(expect(","));
    node->parts.push_back(TRY(expression()));
    if (macro.op == Op::transform && take(",")) node->parts.push_back(TRY(expression()));
    TRY(expect(")"));
    variables_.pop_back();
    return node;
  }

  std::string_view text_;
  const Names& names_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::string> variables_;
};

}  // namespace

Result<Expression> Expression::compile(std::string_view text, const Names& names) {
  Parser parser(text, names);
  NodePtr root = TRY(parser.parse());
  Expression expression;
  expression.text_ = text;
  expression.doubt_ = std::move(parser.doubt);
  expression.type_ = root->type;
  std::sort(parser.reads.begin(), parser.reads.end());
  parser.reads.erase(std::unique(parser.reads.begin(), parser.reads.end()), parser.reads.end());
  expression.reads_ = std::move(parser.reads);
  expression.root_ = std::move(root);
  return expression;
}

}  // namespace slipway::agents
