// The data of agents: JSON values that are shared, not copied.
//
// A copy of a value costs a count. What is changed (`push`, `put`) is copied first if somebody else
// holds it, so a list that only a state holds grows in place. Whole numbers and doubles are
// different kinds; a text may hold lone surrogates (as three bytes each), which JSON can write.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agents/taint.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::agents {

class Value;
struct ListData;
struct MapData;

enum class Kind : std::uint8_t { null, boolean, integer, real, text, list, map };

/// How deep a value may be nested: lists and maps around a scalar.
inline constexpr int value_depth_max = 64;

class Value {
 public:
  Value() = default;  ///< null
  Value(std::nullptr_t) {}
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text);
  template <typename T>
  requires std::is_arithmetic_v<T> Value(T number) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::boolean;
      scalar_.whole = number ? 1 : 0;
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = Kind::real;
      scalar_.real = number;
    } else {
      kind_ = Kind::integer;
      scalar_.whole = static_cast<std::int64_t>(number);
    }
  }
  static Value list(std::vector<Value> items = {});
  /// A key that comes twice has its later value.
  static Value map(std::vector<std::pair<std::string, Value>> entries = {});
  /// One key of a map that is written down in code; `map` takes the value out of it.
  struct Entry;
  static Value map(std::initializer_list<Entry> entries);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind() == Kind::null; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer; }
  bool is_real() const { return kind() == Kind::real; }
  bool is_number() const { return is_integer() || is_real(); }
  bool is_text() const { return kind() == Kind::text; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_map() const { return kind() == Kind::map; }

  // Only of a value of that kind.
  bool boolean() const { return scalar_.whole != 0; }
  std::int64_t integer() const { return scalar_.whole; }
  double number() const { return is_integer() ? static_cast<double>(scalar_.whole) : scalar_.real; }
  const std::string& text() const { return *static_cast<const std::string*>(data_.get()); }
  const std::vector<Value>& items() const;
  const MapData& entries() const;
  /// Of a map: its value of `key`, or null.
  const Value* find(std::string_view key) const;
  /// The same of anything: a null value where there is none.
  const Value& at(std::string_view key) const;

  /// Of a list: one more at the end.
  void push(Value item);
  /// Of a map: sets a key.
  void put(std::string_view key, Value value);
  /// Of a map: room for so many keys, so that `put` moves none.
  void reserve(std::size_t keys);
  /// Of a list: another item at a place that is there.
  void replace(std::size_t at, Value item);
  /// Of a list: the first `size` items only.
  void cut(std::size_t size);

  /// Where it came from that nobody vouches for. A list or map has the sources of all within from
  /// the time they are put there; comparing and writing values knows nothing of them.
  Taint taint() const { return taint_; }
  void add_taint(Taint taint) { taint_ |= taint; }
  void set_taint(Taint taint) { taint_ = taint; }

  /// 0 of a scalar.
  int depth() const;
  /// About what it takes in memory.
  std::size_t bytes() const;

 private:
  union Scalar {
    std::int64_t whole = 0;  ///< Also of a bool.
    double real;
  };
  template <typename Entries>
  static Value map_of(Entries& entries);
  ListData& own_list();
  MapData& own_map();

  Kind kind_ = Kind::null;
  Taint taint_ = 0;
  Scalar scalar_;
  std::shared_ptr<void> data_;  ///< std::string (never changed), ListData or MapData.
};

struct Value::Entry {
  std::string_view key;
  mutable Value value;  ///< A list of initializers gives no other way to move out of it.
};

struct ListData {
  std::vector<Value> items;
  int depth = 1;
};

/// Keys in the order in which they came.
struct MapData {
  std::vector<std::pair<std::string, Value>> items;
  std::unordered_map<std::string, std::size_t> places;  ///< Only of large ones.
  int depth = 1;
  const Value* find(std::string_view key) const;
  void put(std::string_view key, Value value);
};

/// By value: 1 and 1.0 are equal, maps are whatever the order of their keys.
bool operator==(const Value& a, const Value& b);

/// "a string", "an int" ... for messages.
std::string_view kind_name(const Value& value);

/// One JSON text, 64 levels at most, nothing after it. What is beyond 64 bits becomes a double.
/// Fails: invalid_argument with line and column.
Result<Value> parse_json(std::string_view text);
/// Compact. A double is written so that it comes back as one: 8.0.
std::string dump(const Value& value);
void dump_to(std::string& out, const Value& value);
/// With the keys of maps sorted and 1.0 as 1: equal values give equal bytes.
std::string dump_canonical(const Value& value);
/// A string as it is, else as `dump`, but null as nothing and 8.0 as 8: how templates write it.
std::string in_words(const Value& value);
/// The shortest text that is this double again: "8", "0.1", "1e+100".
std::string real_text(double number);

Value from_json(const json::Value& value);
json::Value to_json(const Value& value);

}  // namespace slipway::agents
