// Arithmetic and the functions of expressions.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "agents/detail/expression_node.hpp"
#include "core/ascii.hpp"
#include "core/unicode.hpp"

namespace slipway::agents::detail {

namespace {

constexpr FunctionInfo functions[] = {
    {"size", Function::size, 1, 1, true, true, Type::integer},
    {"int", Function::to_int, 1, 1, false, true, Type::integer},
    {"double", Function::to_double, 1, 1, false, true, Type::number},
    {"string", Function::to_string, 1, 1, false, true, Type::text},
    {"bool", Function::to_bool, 1, 1, false, true, Type::boolean},
    {"type", Function::type, 1, 1, false, true, Type::text},
    {"startsWith", Function::starts_with, 2, 2, true, false, Type::boolean},
    {"endsWith", Function::ends_with, 2, 2, true, false, Type::boolean},
    {"contains", Function::contains, 2, 2, true, false, Type::boolean},
    {"matches", Function::matches, 2, 2, true, true, Type::boolean},
    {"split", Function::split, 2, 3, true, false, Type::list},
    {"join", Function::join, 1, 2, true, false, Type::text},
    {"replace", Function::replace, 3, 4, true, false, Type::text},
    {"lowerAscii", Function::lower, 1, 1, true, false, Type::text},
    {"upperAscii", Function::upper, 1, 1, true, false, Type::text},
    {"trim", Function::trim, 1, 1, true, false, Type::text},
    {"substring", Function::substring, 2, 3, true, false, Type::text},
    {"sort", Function::sort, 1, 1, true, false, Type::list},
    {"distinct", Function::distinct, 1, 1, true, false, Type::list},
    {"sum", Function::sum, 1, 1, false, true, Type::any},
    {"fail", Function::fail, 1, 1, false, true, Type::any},
};

bool give(Frame& frame, std::string text, Value& out) {
  if (!frame.spend(0, static_cast<std::int64_t>(text.size()))) return false;
  out = Value(std::move(text));
  return true;
}

bool give_real(Frame& frame, double number, Value& out) {
  if (!std::isfinite(number)) return frame.fail("overflow: a double that is not finite");
  out = number;
  return true;
}

bool integer_arithmetic(Op op, Frame& frame, std::pair<std::int64_t, std::int64_t> sides,
                        Value& out) {
  const auto [a, b] = sides;
  std::int64_t result = 0;
  bool overflows = false;
  switch (op) {
    case Op::add: overflows = __builtin_add_overflow(a, b, &result); break;
    case Op::subtract: overflows = __builtin_sub_overflow(a, b, &result); break;
    case Op::multiply: overflows = __builtin_mul_overflow(a, b, &result); break;
    default:
      if (b == 0) return frame.fail(op == Op::divide ? "division by zero" : "modulus by zero");
      overflows = a == std::numeric_limits<std::int64_t>::min() && b == -1;
      if (!overflows) result = op == Op::divide ? a / b : a % b;
  }
  if (overflows) return frame.fail("overflow: a number beyond 64 bits");
  out = result;
  return true;
}

bool size_of(Frame& frame, const Value& value, Value& out) {
  if (value.is_text())
    out = static_cast<std::int64_t>(unicode::length(value.text()));
  else if (value.is_list())
    out = static_cast<std::int64_t>(value.items().size());
  else if (value.is_map())
    out = static_cast<std::int64_t>(value.entries().items.size());
  else
    return frame.fail(fmt::format("there is no size of {}", kind_name(value)));
  return true;
}

bool to_int(Frame& frame, const Value& value, Value& out) {
  if (value.is_integer()) {
    out = value;
    return true;
  }
  if (value.is_real()) {
    const double whole = std::trunc(value.number());
    constexpr double limit = 9223372036854775808.0;
    if (!(whole >= -limit && whole < limit)) return frame.fail("overflow: a number beyond 64 bits");
    out = static_cast<std::int64_t>(whole);
    return true;
  }
  if (value.is_text()) {
    const std::string& text = value.text();
    const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(begin, text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
      out = number;
      return true;
    }
  }
  return frame.fail(
      fmt::format("{} is no int", value.is_text() ? "this string" : kind_name(value)));
}

bool to_double(Frame& frame, const Value& value, Value& out) {
  if (value.is_number()) {
    out = value.number();
    return true;
  }
  if (value.is_text()) {
    const std::string& text = value.text();
    const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
    double number = 0;
    const auto parsed = std::from_chars(begin, text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
        std::isfinite(number)) {
      out = number;
      return true;
    }
  }
  return frame.fail(
      fmt::format("{} is no double", value.is_text() ? "this string" : kind_name(value)));
}

bool to_bool(Frame& frame, const Value& value, Value& out) {
  if (value.is_boolean()) {
    out = value;
    return true;
  }
  if (value.is_text()) {
    for (const std::string_view word : {"true", "True", "TRUE", "t", "1"})
      if (value.text() == word) return out = true, true;
    for (const std::string_view word : {"false", "False", "FALSE", "f", "0"})
      if (value.text() == word) return out = false, true;
  }
  return frame.fail(
      fmt::format("{} is no bool", value.is_text() ? "this string" : kind_name(value)));
}

bool to_string(Frame& frame, const Value& value, Value& out) {
  if (value.is_null() || value.is_list() || value.is_map())
    return frame.fail(fmt::format("there is no string of {}", kind_name(value)));
  return give(frame, in_words(value), out);
}

std::string_view type_of(const Value& value) {
  switch (value.kind()) {
    case Kind::null: return "null_type";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::real: return "double";
    case Kind::text: return "string";
    case Kind::list: return "list";
    case Kind::map: return "map";
  }
  return "";
}

/// Byte offset of the `count`-th code point, or npos.
std::size_t offset_of(std::string_view text, std::int64_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += unicode::decode(text, at).bytes;
  return count == 0 ? at : std::string_view::npos;
}

bool substring(Frame& frame, const std::vector<Value>& parts, Value& out) {
  const std::string& text = parts[0].text();
  if (!parts[1].is_integer() || (parts.size() == 3 && !parts[2].is_integer()))
    return frame.fail("substring takes ints");
  const std::int64_t begin = parts[1].integer();
  const std::size_t from = begin < 0 ? std::string::npos : offset_of(text, begin);
  std::size_t to = text.size();
  if (parts.size() == 3) {
    const std::int64_t end = parts[2].integer();
    to = end < begin ? std::string::npos : offset_of(text, end);
  }
  if (from == std::string::npos || to == std::string::npos)
    return frame.fail("substring: index out of range");
  return give(frame, text.substr(from, to - from), out);
}

bool split(Frame& frame, const std::vector<Value>& parts, Value& out) {
  const std::string& text = parts[0].text();
  const std::string& by = parts[1].text();
  if (parts.size() == 3 && !parts[2].is_integer())
    return frame.fail("the limit of split is an int");
  std::int64_t limit = parts.size() == 3 ? parts[2].integer() : -1;
  std::vector<Value> pieces;
  if (limit == 0) return out = Value::list(), true;
  std::size_t begin = 0;
  while (limit < 0 || static_cast<std::int64_t>(pieces.size()) + 1 < limit) {
    if (by.empty() &&
        begin + unicode::decode(text, std::min(begin, text.empty() ? 0 : text.size() - 1)).bytes >=
            text.size())
      break;
    const std::size_t end =
        by.empty() ? begin + unicode::decode(text, begin).bytes : text.find(by, begin);
    if (end == std::string::npos) break;
    if (!frame.spend(1, static_cast<std::int64_t>(sizeof(Value) + end - begin))) return false;
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end + by.size();
  }
  if (!frame.spend(1, static_cast<std::int64_t>(sizeof(Value) + text.size() - begin))) return false;
  if (!(by.empty() && text.empty())) pieces.emplace_back(text.substr(begin));
  out = Value::list(std::move(pieces));
  return true;
}

bool join(Frame& frame, const std::vector<Value>& parts, Value& out) {
  if (!parts[0].is_list())
    return frame.fail(fmt::format("join takes a list, not {}", kind_name(parts[0])));
  if (parts.size() == 2 && !parts[1].is_text()) return frame.fail("join takes a string between");
  std::string text;
  bool is_first = true;
  for (const Value& item : parts[0].items()) {
    if (!item.is_text())
      return frame.fail(fmt::format("join takes strings, not {}", kind_name(item)));
    if (!is_first && parts.size() == 2) text += parts[1].text();
    is_first = false;
    const std::size_t between = parts.size() == 2 ? parts[1].text().size() : 0;
    if (!frame.spend(1, static_cast<std::int64_t>(item.text().size() + between))) return false;
    text += item.text();
  }
  out = Value(std::move(text));
  return true;
}

bool replace(Frame& frame, const std::vector<Value>& parts, Value& out) {
  const std::string& text = parts[0].text();
  const std::string& from = parts[1].text();
  const std::string& to = parts[2].text();
  if (parts.size() == 4 && !parts[3].is_integer())
    return frame.fail("the limit of replace is an int");
  std::int64_t limit = parts.size() == 4 ? parts[3].integer() : -1;
  std::string made;
  std::size_t begin = 0;
  // Of an empty text to replace, one stands before each letter and at the end.
  while (limit != 0) {
    const std::size_t found = text.find(from, begin);
    if (found == std::string::npos) break;
    const std::size_t next =
        from.empty() && found < text.size() ? found + unicode::decode(text, found).bytes : found;
    if (!frame.spend(1, static_cast<std::int64_t>(to.size() + next - begin))) return false;
    made.append(text, begin, found - begin);
    made += to;
    made.append(text, found, from.empty() ? next - found : 0);
    begin = from.empty() ? next : found + from.size();
    if (limit > 0) --limit;
    if (from.empty() && found >= text.size()) break;
  }
  made.append(text, std::min(begin, text.size()));
  return give(frame, std::move(made), out);
}

bool matches(const Expression::Node& node, Frame& frame, const std::vector<Value>& parts,
             Value& out) {
  // A search takes time in proportion to the text.
  if (!frame.spend(static_cast<std::int64_t>(parts[0].text().size() / 256))) return false;
  if (node.pattern) return out = node.pattern->matches(parts[0].text()), true;
  const auto pattern = Pattern::compile(parts[1].text());
  if (!pattern) return frame.fail(pattern.error().message());
  out = pattern->matches(parts[0].text());
  return true;
}

bool text_function(const Expression::Node& node, Frame& frame, const std::vector<Value>& parts,
                   Value& out) {
  for (std::size_t i = 0; i < parts.size() && i < 2; ++i)
    if (!parts[i].is_text() && (i == 0 || node.function != Function::substring))
      return frame.fail(fmt::format("a string is needed, not {}", kind_name(parts[i])));
  const std::string& text = parts[0].text();
  if (!frame.spend(static_cast<std::int64_t>(text.size() / 256))) return false;
  switch (node.function) {
    case Function::starts_with: return out = text.starts_with(parts[1].text()), true;
    case Function::ends_with: return out = text.ends_with(parts[1].text()), true;
    case Function::contains: return out = text.find(parts[1].text()) != std::string::npos, true;
    case Function::matches: return matches(node, frame, parts, out);
    case Function::split: return split(frame, parts, out);
    case Function::replace:
      if (!parts[2].is_text()) return frame.fail("replace takes strings");
      return replace(frame, parts, out);
    case Function::trim: return give(frame, std::string(unicode::trim(text)), out);
    case Function::substring: return substring(frame, parts, out);
    default: break;
  }
  std::string made = text;
  for (char& c : made) {
    if (node.function == Function::lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (node.function == Function::upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return give(frame, std::move(made), out);
}

bool range(Frame& frame, const Value& count, Value& out) {
  if (!count.is_integer())
    return frame.fail(fmt::format("lists.range takes an int, not {}", kind_name(count)));
  const std::int64_t size = std::max<std::int64_t>(0, count.integer());
  constexpr std::int64_t size_max = 1 << 20;
  if (!frame.spend(std::min(size, size_max),
                   static_cast<std::int64_t>(sizeof(Value)) * std::min(size, size_max)))
    return false;
  std::vector<Value> items;
  items.reserve(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) items.emplace_back(i);
  out = Value::list(std::move(items));
  return true;
}

bool sort(Frame& frame, const Value& list, Value& out) {
  std::vector<Value> items = list.items();
  const auto size = static_cast<std::int64_t>(items.size());
  if (!frame.spend(size, size * static_cast<std::int64_t>(sizeof(Value)))) return false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    int order = 0;
    if (!compare(items[0], items[i], order))
      return frame.fail(
          fmt::format("{} and {} have no order", kind_name(items[0]), kind_name(items[i])));
  }
  std::stable_sort(items.begin(), items.end(), [](const Value& a, const Value& b) {
    int order = 0;
    return compare(a, b, order) && order < 0;
  });
  out = Value::list(std::move(items));
  return true;
}

bool distinct(Frame& frame, const Value& list, Value& out) {
  std::vector<Value> made;
  for (const Value& item : list.items()) {
    if (!frame.spend(static_cast<std::int64_t>(made.size()) + 1, sizeof(Value))) return false;
    if (std::find(made.begin(), made.end(), item) == made.end()) made.push_back(item);
  }
  out = Value::list(std::move(made));
  return true;
}

bool sum(Frame& frame, const Value& list, Value& out) {
  Value total = 0;
  for (const Value& item : list.items()) {
    if (!frame.spend(1)) return false;
    if (!item.is_number())
      return frame.fail(fmt::format("sum takes numbers, not {}", kind_name(item)));
    Value next;
    if (!arithmetic(Op::add, frame, total, item, next)) return false;
    total = std::move(next);
  }
  out = std::move(total);
  return true;
}

bool list_function(const Expression::Node& node, Frame& frame, const Value& list, Value& out) {
  if (!list.is_list()) return frame.fail(fmt::format("a list is needed, not {}", kind_name(list)));
  if (node.function == Function::sort) return sort(frame, list, out);
  if (node.function == Function::distinct) return distinct(frame, list, out);
  return sum(frame, list, out);
}

}  // namespace

const FunctionInfo* find_function(std::string_view name) {
  for (const FunctionInfo& info : functions)
    if (info.name == name) return &info;
  return nullptr;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names{"has", "all", "exists", "exists_one", "filter", "map"};
  for (const FunctionInfo& info : functions) names.push_back(info.name);
  return names;
}

bool arithmetic(Op op, Frame& frame, const Value& a, const Value& b, Value& out) {
  if (a.is_integer() && b.is_integer())
    return integer_arithmetic(op, frame, {a.integer(), b.integer()}, out);
  if (a.is_number() && b.is_number() && op != Op::modulo) {
    if (op == Op::add) return give_real(frame, a.number() + b.number(), out);
    if (op == Op::subtract) return give_real(frame, a.number() - b.number(), out);
    if (op == Op::multiply) return give_real(frame, a.number() * b.number(), out);
    if (b.number() == 0) return frame.fail("division by zero");
    return give_real(frame, a.number() / b.number(), out);
  }
  if (op == Op::add && a.is_text() && b.is_text()) return give(frame, a.text() + b.text(), out);
  if (op == Op::add && a.is_list() && b.is_list()) {
    const auto size = static_cast<std::int64_t>(a.items().size() + b.items().size());
    if (!frame.spend(size / 16, size * static_cast<std::int64_t>(sizeof(Value)))) return false;
    std::vector<Value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    out = Value::list(std::move(items));
    return true;
  }
  return frame.fail(fmt::format("{} and {} do not go together here", kind_name(a), kind_name(b)));
}

bool call_function(const Expression::Node& node, Frame& frame, std::vector<Value>& parts,
                   Value& out) {
  switch (node.function) {
    case Function::size: return size_of(frame, parts[0], out);
    case Function::to_int: return to_int(frame, parts[0], out);
    case Function::to_double: return to_double(frame, parts[0], out);
    case Function::to_string: return to_string(frame, parts[0], out);
    case Function::to_bool: return to_bool(frame, parts[0], out);
    case Function::type: out = type_of(parts[0]); return true;
    case Function::join: return join(frame, parts, out);
    case Function::range: return range(frame, parts[0], out);
    case Function::sort:
    case Function::distinct:
    case Function::sum: return list_function(node, frame, parts[0], out);
    case Function::fail: frame.failure = {"failed", in_words(parts[0])}; return false;
    default: return text_function(node, frame, parts, out);
  }
}

}  // namespace slipway::agents::detail
