// JSON between wire and structs, from one list of fields.
//
//   struct SearchRequest { std::string query; int limit = 10; };
//   BOOST_DESCRIBE_STRUCT(SearchRequest, (), (query, limit))
//   auto request = TRY(json::from<SearchRequest>(TRY(json::parse(body))));
//
// Reading is strict for what is ours (an unknown key is an error that names the nearest known one)
// and tolerant for other people's replies. A missing key keeps the C++ default, unless the struct
// lists it in `static constexpr std::string_view required[]`. A struct may have `Result<void>
// validate() const`, called once its fields are read. Errors carry the exact path: "$.hits[0].id:
// expected a string, got 5". Why not the stock converter: docs/decisions/0003-json.md.
#pragma once

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/result.hpp"

namespace slipway::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

enum class Policy {
  strict,          ///< Unknown keys are errors: our own API and configuration.
  ignore_unknown,  ///< Unknown keys are skipped: replies of other systems.
};

/// Parses one JSON text (RFC 8259, UTF-8 checked, at most 64 levels deep, nothing after it).
/// Fails: invalid_argument with line and column.
Result<Value> parse(std::string_view text);

/// Compact UTF-8 text.
std::string dump(const Value& value);
/// Indented by two spaces, keys in their order, with a final newline.
std::string dump_pretty(const Value& value);
/// Compact, with the keys of every object sorted: equal values give equal bytes, so it can be
/// hashed.
std::string dump_canonical(const Value& value);

/// "a string", "an object" ... for messages.
std::string_view kind_name(const Value& value);
/// The known word nearest to `word`, or empty: at most a third of its letters may be wrong (one in
/// words of two), and one must be right.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

namespace detail {

Error expected(const std::string& path, std::string_view what, const Value& got);
Error unknown_key(const std::string& path, std::string_view key,
                  const std::vector<std::string_view>& known);

template <typename T>
constexpr bool is_described = boost::describe::has_describe_members<T>::value;

template <typename T>
std::vector<std::string_view> member_names() {
  std::vector<std::string_view> names;
  boost::mp11::mp_for_each<boost::describe::describe_members<
      T, boost::describe::mod_public | boost::describe::mod_inherited>>(
      [&](auto member) { names.emplace_back(member.name); });
  return names;
}

template <typename E>
std::string enumerator_list() {
  std::string list;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [&](auto e) { list += (list.empty() ? "" : ", ") + std::string(e.name); });
  return list;
}

template <typename T>
struct Reader;

template <typename T>
Result<T> read(const Value& value, const std::string& path, Policy policy) {
  return Reader<T>::read(value, path, policy);
}

template <>
struct Reader<Value> {
  static Result<Value> read(const Value& value, const std::string&, Policy) { return value; }
};

template <>
struct Reader<Object> {
  static Result<Object> read(const Value& value, const std::string& path, Policy) {
    if (!value.is_object()) return expected(path, "an object", value);
    return value.get_object();
  }
};

template <>
struct Reader<bool> {
  static Result<bool> read(const Value& value, const std::string& path, Policy) {
    if (!value.is_bool()) return expected(path, "true or false", value);
    return value.get_bool();
  }
};

template <>
struct Reader<std::string> {
  static Result<std::string> read(const Value& value, const std::string& path, Policy) {
    if (!value.is_string()) return expected(path, "a string", value);
    return std::string(value.get_string());
  }
};

template <typename T>
requires std::is_floating_point_v<T>
struct Reader<T> {
  static Result<T> read(const Value& value, const std::string& path, Policy) {
    if (!value.is_number()) return expected(path, "a number", value);
    const double number = value.to_number<double>();
    // The parser reads 1e400 as infinity, which no JSON text can hold again.
    if (!(std::fabs(number) <= static_cast<double>(std::numeric_limits<T>::max())))
      return expected(path, "a number that is not too large", value);
    return static_cast<T>(number);
  }
};

/// Whether `number` is a value of T. The library compares with the largest T rounded to a double,
/// which lets 2^63 through.
template <typename T>
bool is_whole(double number) {
  const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
  return std::trunc(number) == number && number < limit &&
         number >= (std::is_signed_v<T> ? -limit : 0.0);
}

template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct Reader<T> {
  static Result<T> read(const Value& value, const std::string& path, Policy) {
    boost::system::error_code error;
    T number{};
    if (value.is_double() && !is_whole<T>(value.get_double()))
      error = boost::json::error::not_exact;
    else if (value.is_number())
      number = value.to_number<T>(error);
    if (!value.is_number() || error)
      return expected(path,
                      fmt::format("a whole number in {}..{}", std::numeric_limits<T>::min(),
                                  std::numeric_limits<T>::max()),
                      value);
    return number;
  }
};

template <typename T>
requires std::is_enum_v<T>
struct Reader<T> {
  static Result<T> read(const Value& value, const std::string& path, Policy) {
    if (value.is_string()) {
      // Compared whole: the library's own look-up stops at a zero byte.
      std::optional<T> found;
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
        if (value.get_string() == e.name) found = e.value;
      });
      if (found) return *found;
    }
    return expected(path, "one of: " + enumerator_list<T>(), value);
  }
};

template <typename T>
struct Reader<std::optional<T>> {
  static Result<std::optional<T>> read(const Value& value, const std::string& path, Policy policy) {
    if (value.is_null()) return std::optional<T>();
    return std::optional<T>(TRY(detail::read<T>(value, path, policy)));
  }
};

template <typename T>
struct Reader<std::vector<T>> {
  static Result<std::vector<T>> read(const Value& value, const std::string& path, Policy policy) {
    if (!value.is_array()) return expected(path, "an array", value);
    std::vector<T> items;
    items.reserve(value.get_array().size());
    for (const Value& item : value.get_array())
      items.push_back(
          TRY(detail::read<T>(item, fmt::format("{}[{}]", path, items.size()), policy)));
    return items;
  }
};

template <typename T, std::size_t N>
struct Reader<std::array<T, N>> {
  static Result<std::array<T, N>> read(const Value& value, const std::string& path, Policy policy) {
    if (!value.is_array() || value.get_array().size() != N)
      return expected(path, fmt::format("an array of {} values", N), value);
    std::array<T, N> items{};
    for (std::size_t i = 0; i < N; ++i)
      items[i] = TRY(detail::read<T>(value.get_array()[i], fmt::format("{}[{}]", path, i), policy));
    return items;
  }
};

template <typename T>
struct Reader<std::map<std::string, T>> {
  static Result<std::map<std::string, T>> read(const Value& value, const std::string& path,
                                               Policy policy) {
    if (!value.is_object()) return expected(path, "an object", value);
    std::map<std::string, T> items;
    for (const auto& [key, item] : value.get_object())
      items.emplace(std::string(key),
                    TRY(detail::read<T>(item, path + "." + std::string(key), policy)));
    return items;
  }
};

template <typename T>
concept Required = requires {
  std::begin(T::required);
};
template <typename T>
concept Validated = requires(const T& t) {
  { t.validate() } -> std::same_as<Result<void>>;
};

template <typename T>
requires(is_described<T>&& std::is_class_v<T>) struct Reader<T> {
  static Result<T> read(const Value& value, const std::string& path, Policy policy) {
    if (!value.is_object()) return expected(path, "an object", value);
    const Object& object = value.get_object();
    T result{};
    std::optional<Error> error;
    std::size_t known = 0;
    boost::mp11::mp_for_each<boost::describe::describe_members<
        T, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto member) {
      const auto found = object.find(member.name);
      if (error || found == object.end()) return;
      ++known;
      using Field = std::remove_reference_t<decltype(result.*member.pointer)>;
      auto field = detail::read<Field>(found->value(), path + "." + member.name, policy);
      if (field)
        result.*member.pointer = *std::move(field);
      else
        error = std::move(field.error());
    });
    if (error) return std::move(*error);
    if (policy == Policy::strict && known != object.size()) {
      const auto names = member_names<T>();
      for (const auto& item : object)
        if (std::find(names.begin(), names.end(), std::string_view(item.key())) == names.end())
          return unknown_key(path, item.key(), names);
    }
    if constexpr (Required<T>) {
      for (const std::string_view key : T::required)
        if (!object.contains(key))
          return fail(Code::invalid_argument, "{}.{}: is required", path, key);
    }
    if constexpr (Validated<T>) TRY(result.validate().within(path));
    return result;
  }
};

inline Value write(const Value& value) { return value; }
inline Value write(const Object& value) { return value; }
inline Value write(const std::string& value) { return Value(boost::json::string(value)); }
inline Value write(bool value) { return Value(value); }

/// What is not finite becomes null: JSON has no word for it.
template <typename T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) Value write(T value) {
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) return Value(nullptr);
  return Value(value);
}

template <typename T>
requires std::is_enum_v<T> Value write(T value) {
  return Value(boost::describe::enum_to_string(value, ""));
}

template <typename T>
requires(is_described<T>&& std::is_class_v<T>) Value write(const T& value);

// Declared first, because an optional may hold them and lookup happens where the template stands.
template <typename T>
Value write(const std::vector<T>& items);
template <typename T, std::size_t N>
Value write(const std::array<T, N>& items);
template <typename T>
Value write(const std::map<std::string, T>& items);

template <typename T>
Value write(const std::optional<T>& value) {
  return value ? write(*value) : Value(nullptr);
}

template <typename T, std::size_t N>
Value write(const std::array<T, N>& items) {
  Array array;
  for (const T& item : items) array.push_back(write(item));
  return array;
}

template <typename T>
Value write(const std::map<std::string, T>& items) {
  Object object;
  for (const auto& [key, item] : items) object[key] = write(item);
  return object;
}

template <typename T>
Value write(const std::vector<T>& items) {
  Array array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(write(item));
  return array;
}

template <typename T>
requires(is_described<T>&& std::is_class_v<T>) Value write(const T& value) {
  Object object;
  boost::mp11::mp_for_each<boost::describe::describe_members<
      T, boost::describe::mod_public | boost::describe::mod_inherited>>(
      [&](auto member) { object[member.name] = write(value.*member.pointer); });
  return object;
}

}  // namespace detail

/// Fails: invalid_argument with the path of the first thing that is wrong.
template <typename T>
Result<T> from(const Value& value, Policy policy = Policy::strict) {
  return detail::read<T>(value, "$", policy);
}

/// Optionals without a value become null; enumerators their names.
template <typename T>
Value to(const T& value) {
  return detail::write(value);
}

/// The wire name of a described enumerator.
template <typename E>
requires std::is_enum_v<E> std::string_view name(E value) {
  return boost::describe::enum_to_string(value, "");
}

/// Of all enumerators, in their order.
template <typename E>
requires std::is_enum_v<E> std::vector<std::string> names() {
  std::vector<std::string> all;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [&](auto enumerator) { all.emplace_back(enumerator.name); });
  return all;
}

}  // namespace slipway::json
