// Expressions of agents: a subset of CEL over values (section 4 of the contract).
//
//   Names names;                                    // what an expression may name
//   names.add_key("score");                         // slot 0
//   auto program = TRY(Expression::compile("score < 8 && step < 12", names));
//   auto value = program.evaluate({.slots = slots, .locals = locals});
//
// Compiled once, evaluated often: from many threads at once. An evaluation takes 10,000 operations
// and makes 1 MB of values at most. `int` meets `double` as `double`, also in `==`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agents/failure.hpp"
#include "agents/value.hpp"

namespace slipway::agents {

/// What is known of an expression's value before it is evaluated. `number`: int or double.
enum class Type : std::uint8_t { any, text, boolean, integer, number, list, map };

/// Whether a value of that type may be `value`. Null is of `any` only.
bool is_of(Type type, const Value& value);
std::string_view type_name(Type type);

/// What expressions may name: keys of the state, in slots, and others, in locals. A local hides a
/// key of its name where it is set.
class Names {
 public:
  /// In the order of the slots.
  void add_key(std::string name, Type type = Type::any);
  /// Gives its place in `Inputs::locals`; the same for the same name.
  std::size_t add_local(const std::string& name);
  /// The same at a place that the caller chose.
  void add_local_at(const std::string& name, std::size_t place);

  std::optional<std::size_t> key(std::string_view name) const;
  std::optional<std::size_t> local(std::string_view name) const;
  const std::vector<std::string>& keys() const { return keys_; }
  Type type_of_key(std::size_t slot) const { return types_[slot]; }
  /// For messages: all names, nearest first not sorted.
  std::vector<std::string_view> all() const;

 private:
  std::vector<std::string> keys_;
  std::vector<Type> types_;
  std::unordered_map<std::string, std::size_t> key_places_, local_places_;
};

/// What an evaluation sees. A slot without a value is an absent key.
struct Inputs {
  std::span<const std::optional<Value>> slots;
  std::span<const Value* const> locals;  ///< Null: not set, so the key of that name or null.
};

class Expression {
 public:
  struct Node;

  Expression() = default;
  /// Fails: invalid_argument: column and what is wrong, an unknown name with the nearest.
  static Result<Expression> compile(std::string_view text, const Names& names);

  /// One that is written in C++; `text` is how messages call it.
  using Native = std::function<Outcome<Value>(const Inputs&)>;
  static Expression native(std::string text, Native function, Type type);

  /// Fails: kind "expression", or "failed" of fail("...").
  Outcome<Value> evaluate(const Inputs& inputs) const;
  /// The same, of which a bool is demanded.
  Outcome<bool> is_true(const Inputs& inputs) const;

  const std::string& text() const { return text_; }
  Type type() const { return type_; }
  /// Operators that can never work on what stands beside them: "int + string"; empty: none.
  const std::string& doubt() const { return doubt_; }
  /// Slots of the keys that it reads, sorted; all, if it names the state as a whole.
  const std::vector<std::size_t>& reads() const { return reads_; }
  explicit operator bool() const { return root_ != nullptr || native_ != nullptr; }

 private:
  std::string text_, doubt_;
  Type type_ = Type::any;
  std::vector<std::size_t> reads_;
  std::shared_ptr<const Node> root_;
  std::shared_ptr<const Native> native_;
};

/// A part of a text that came from somewhere else; [begin, end) in bytes.
struct TaintedSpan {
  std::size_t begin = 0, end = 0;
  Taint taint = 0;
};

/// Text with {{expressions}}. One that is only one expression keeps the value's type.
class Template {
 public:
  Template() = default;
  /// Fails: as `Expression::compile`.
  static Result<Template> compile(std::string_view text, const Names& names);
  Outcome<Value> evaluate(const Inputs& inputs) const;
  /// As text, whatever it is. `tainted` gets the parts that have sources; it may be null.
  Outcome<std::string> write(const Inputs& inputs,
                             std::vector<TaintedSpan>* tainted = nullptr) const;
  /// The same with its sources.
  Outcome<Value> text(const Inputs& inputs) const;

  struct Piece {
    std::string text;
    Expression expression;  ///< Empty: `text` stands here.
  };
  const std::vector<Piece>& pieces() const { return pieces_; }
  bool is_single() const { return pieces_.size() == 1 && pieces_.front().expression; }

 private:
  std::vector<Piece> pieces_;
};

}  // namespace slipway::agents
