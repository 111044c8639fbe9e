#include <algorithm>
#include <cmath>
#include <set>

#include "eval/detail/plain_metrics.hpp"

namespace slipway::eval {

namespace {

constexpr std::string_view default_type = "function";

std::string_view type_of(const ToolCall& call) {
  return call.type.empty() ? default_type : std::string_view(call.type);
}

/// As values, so that 1 is 1.0, and the order of keys says nothing.
bool equal(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number())
    return a == b || a.to_number<double>() == b.to_number<double>();
  if (a.is_array() && b.is_array())
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(),
                      b.get_array().end(), equal);
  if (!a.is_object() || !b.is_object()) return a == b;
  if (a.get_object().size() != b.get_object().size()) return false;
  for (const auto& [key, item] : a.get_object()) {
    const json::Value* other = b.get_object().if_contains(key);
    if (!other || !equal(item, *other)) return false;
  }
  return true;
}

bool equal(const std::optional<json::Value>& a, const std::optional<json::Value>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return equal(*a, *b);
}

/// Equal 1, else the sum over shared keys (1 if equal, the same of nested objects, 0) / all keys.
double similarity(const json::Value& a, const json::Value& b) {
  if (equal(a, b)) return 1;
  if (!a.is_object() || !b.is_object()) return 0;
  std::size_t shared = 0;
  double sum = 0;
  for (const auto& [key, item] : a.get_object()) {
    const json::Value* other = b.get_object().if_contains(key);
    if (!other) continue;
    ++shared;
    if (equal(item, *other))
      sum += 1;
    else if (item.is_object() && other->is_object())
      sum += similarity(item, *other);
  }
  const std::size_t all = a.get_object().size() + b.get_object().size() - shared;
  return sum / static_cast<double>(all);
}

struct Compared {
  bool parameters = false, output = false;
};

double match(const ToolCall& expected, const ToolCall& called, const Compared& compared) {
  if (expected.name != called.name || type_of(expected) != type_of(called)) return 0;
  if (compared.output && !equal(expected.output, called.output)) return 0;
  return compared.parameters ? similarity(expected.input_parameters, called.input_parameters) : 1;
}

bool is_same_call(const ToolCall& a, const ToolCall& b) {
  return a.name == b.name && equal(a.input_parameters, b.input_parameters) &&
         equal(a.output, b.output);
}

using Calls = std::vector<ToolCall>;

double exact(const Calls& expected, const Calls& called, Compared compared) {
  if (expected.size() != called.size()) return 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (match(expected[i], called[i], compared) < 1) return 0;
  return 1;
}

/// Each expected call in order takes the best that is left; calls that are the same count as one.
double any_order(const Calls& expected, const Calls& called, Compared compared,
                 std::vector<ScoredItem>& items) {
  double sum = 0;
  std::vector<const ToolCall*> used;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double best = 0;
    const ToolCall* taken = nullptr;
    for (const ToolCall& call : called) {
      const auto is_call = [&](const ToolCall* other) { return is_same_call(*other, call); };
      if (std::any_of(used.begin(), used.end(), is_call)) continue;
      const double value = match(expected[i], call, compared);
      if (value > best) {
        best = value;
        taken = &call;
      }
    }
    if (taken) used.push_back(taken);
    sum += best;
    items[i].score = best;
  }
  return sum / static_cast<double>(expected.size());
}

double in_order(const Calls& expected, const Calls& called, Compared compared) {
  std::vector<double> row(called.size() + 1, 0.0);
  for (const ToolCall& wanted : expected) {
    double diagonal = 0;
    for (std::size_t j = 1; j < row.size(); ++j) {
      const double above = row[j];
      const double value = match(wanted, called[j - 1], compared);
      row[j] = std::max({above, row[j - 1], value > 0 ? diagonal + value : 0});
      diagonal = above;
    }
  }
  return row.back() / static_cast<double>(expected.size());
}

/// A value as Python's str() writes it; within others as repr() does.
std::string python_text(const json::Value& value, bool is_within) {
  if (value.is_null()) return "None";
  if (value.is_bool()) return value.get_bool() ? "True" : "False";
  if (value.is_string()) {
    const std::string text(value.get_string());
    if (!is_within) return text;
    const bool has_single = text.find('\'') != std::string::npos;
    const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
    return quote + text + quote;
  }
  if (value.is_double()) {
    const std::string text = fmt::format("{}", value.get_double());
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  if (value.is_array()) {
    std::string text = "[";
    for (const json::Value& item : value.get_array())
      text += (text.size() > 1 ? ", " : "") + python_text(item, true);
    return text + "]";
  }
  if (value.is_object()) {
    std::string text = "{";
    for (const auto& [key, item] : value.get_object())
      text += (text.size() > 1 ? ", " : "") +
              python_text(json::Value(boost::json::string(key)), true) + ": " +
              python_text(item, true);
    return text + "}";
  }
  return json::dump(value);
}

double share_of_arguments(const ToolCall& expected, const ToolCall& called) {
  if (!expected.input_parameters.is_object() || !called.input_parameters.is_object())
    return equal(expected.input_parameters, called.input_parameters) ? 1 : 0;
  const json::Object& wanted = expected.input_parameters.get_object();
  const json::Object& given = called.input_parameters.get_object();
  if (wanted.empty()) return given.empty() ? 1 : 0;
  std::size_t same = 0;
  for (const auto& [key, item] : wanted) {
    const json::Value* other = given.if_contains(key);
    same += other && python_text(item, false) == python_text(*other, false);
  }
  return static_cast<double>(same) / static_cast<double>(wanted.size());
}

std::vector<std::string> sorting_key(const ToolCall& call) {
  std::vector<std::string> key = {call.name};
  if (!call.input_parameters.is_object()) return key;
  std::vector<std::pair<std::string, std::string>> arguments;
  for (const auto& [name, value] : call.input_parameters.get_object())
    arguments.emplace_back(std::string(name), python_text(value, false));
  std::sort(arguments.begin(), arguments.end());
  for (auto& [name, value] : arguments) {
    key.push_back(std::move(name));
    key.push_back(std::move(value));
  }
  return key;
}

std::vector<const ToolCall*> ordered(const Calls& calls, bool strict_order) {
  std::vector<const ToolCall*> order;
  for (const ToolCall& call : calls) order.push_back(&call);
  if (!strict_order)
    std::stable_sort(order.begin(), order.end(), [](const ToolCall* a, const ToolCall* b) {
      return sorting_key(*a) < sorting_key(*b);
    });
  return order;
}

/// Numbers that are equal are one, whatever they were written as.
json::Value normal_numbers(const json::Value& value) {
  if (value.is_array()) {
    json::Array items;
    for (const json::Value& item : value.get_array()) items.push_back(normal_numbers(item));
    return items;
  }
  if (value.is_object()) {
    json::Object object;
    for (const auto& [key, item] : value.get_object()) object[key] = normal_numbers(item);
    return object;
  }
  constexpr double exact_max = 9007199254740992.0;  // 2^53
  if (value.is_double() && std::trunc(value.get_double()) == value.get_double() &&
      std::fabs(value.get_double()) < exact_max)
    return static_cast<std::int64_t>(value.get_double());
  return value;
}

std::set<std::string> as_set(const Calls& calls) {
  std::set<std::string> set;
  for (const ToolCall& call : calls)
    set.insert(call.name + '\n' + json::dump_canonical(normal_numbers(call.input_parameters)));
  return set;
}

/// Both lists; empty where the golden says nothing of them is checked before.
std::vector<ScoredItem> expected_items(const Calls& expected) {
  std::vector<ScoredItem> items;
  for (const ToolCall& call : expected)
    items.push_back({.text = call.name,
                     .verdict = "",
                     .reason = json::dump(call.input_parameters),
                     .byte_start = {},
                     .byte_end = {},
                     .score = {}});
  return items;
}

}  // namespace

Score tool_correctness(Case& at) {
  const Calls& expected = *at.golden().expected_tools;
  const Calls& called = *at.golden().tools_called;
  Compared compared;
  for (const std::string& part : at.texts("evaluation_params"))
    (part == "output" ? compared.output : compared.parameters) = true;
  if (at.flag("should_exact_match")) return scored(exact(expected, called, compared));
  if (expected.empty())
    return scored(called.empty() ? 1 : 0,
                  called.empty() ? "nothing expected, nothing called" : "nothing was expected");
  if (at.flag("should_consider_ordering")) return scored(in_order(expected, called, compared));
  std::vector<ScoredItem> items = expected_items(expected);
  Score score = scored(any_order(expected, called, compared, items));
  for (ScoredItem& item : items)
    item.verdict = *item.score == 1 ? "called" : *item.score > 0 ? "called in part" : "missing";
  score.items = std::move(items);
  return score;
}

Score tool_call_accuracy(Case& at) {
  const Calls& expected = *at.golden().expected_tools;
  const Calls& called = *at.golden().tools_called;
  if (expected.empty() && called.empty()) return scored(1, "nothing expected, nothing called");
  if (expected.size() != called.size()) return scored(0, "not as many calls as expected");
  const json::Value* option = at.settings().spec.options.if_contains("strict_order");
  const bool strict_order = !option || option->get_bool();
  const auto wanted = ordered(expected, strict_order), given = ordered(called, strict_order);
  double sum = 0;
  std::vector<ScoredItem> items = expected_items(expected);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]->name != given[i]->name)
      return scored(0, fmt::format("'{}' was called where '{}' was expected", given[i]->name,
                                   wanted[i]->name));
    const double part = share_of_arguments(*wanted[i], *given[i]);
    items[i].text = wanted[i]->name;
    items[i].reason = json::dump(wanted[i]->input_parameters);
    items[i].score = part;
    sum += part;
  }
  Score score = scored(sum / static_cast<double>(wanted.size()));
  score.items = std::move(items);
  return score;
}

Score tool_call_f1(Case& at) {
  const std::set<std::string> expected = as_set(*at.golden().expected_tools);
  const std::set<std::string> called = as_set(*at.golden().tools_called);
  if (expected.empty() && called.empty() && at.mode() != Mode::ragas)
    return no_score("nothing expected, nothing called");
  std::size_t both = 0;
  for (const std::string& call : called) both += expected.count(call);
  const double precision =
      called.empty() ? 0 : static_cast<double>(both) / static_cast<double>(called.size());
  const double recall =
      expected.empty() ? 0 : static_cast<double>(both) / static_cast<double>(expected.size());
  // To four digits, halves to even, as Python's round().
  const std::string rounded = fmt::format("{:.4f}", f_beta_of(precision, recall, 1));
  Score score = scored(std::stod(rounded));
  score.extra["precision"] = precision;
  score.extra["recall"] = recall;
  return score;
}

Score latency(Case& at) { return scored(*at.golden().latency_ms); }
Score cost_per_query(Case& at) { return scored(*at.golden().cost_usd); }

}  // namespace slipway::eval
