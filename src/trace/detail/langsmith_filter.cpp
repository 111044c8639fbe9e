#include "trace/detail/langsmith_filter.hpp"

#include <charconv>
#include <map>

#include "trace/face.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int depth_max = 16;

struct Node {
  enum class Kind { call, word, value, list };
  Kind kind = Kind::value;
  std::string name;  ///< Of a call or a word.
  json::Value value;
  std::vector<Node> parts;
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Node> read() {
    Node node = TRY(one(1));
    skip();
    if (at_ < text_.size()) return wrong("more than one expression");
    return node;
  }

 private:
  Error wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "filter '{}': {} at character {}", text_.substr(0, 200),
                what, at_ + 1);
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t'))
      ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<Node> one(int depth) {
    skip();
    if (depth > depth_max) return wrong("too many levels");
    if (at_ >= text_.size()) return wrong("something is missing");
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '[') {
      ++at_;
      Node list{.kind = Node::Kind::list};
      TRY(parts(list, ']', depth));
      return list;
    }
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    return word(depth);
  }

  Result<void> parts(Node& node, char end, int depth) {
    if (take(end)) return {};
    for (;;) {
      node.parts.push_back(TRY(one(depth + 1)));
      if (take(end)) return {};
      if (!take(',')) return wrong(fmt::format("',' or '{}' is wanted", end));
    }
  }

  Result<Node> quoted(char quote) {
    std::string text;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return Node{.value = json::Value(text)};
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    return wrong("a string without end");
  }

  Result<Node> number() {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return wrong("no number");
    at_ = static_cast<std::size_t>(end - text_.data());
    return Node{.value = json::Value(value)};
  }

  Result<Node> word(int depth) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) return wrong("a name is wanted");
    Node node{.kind = Node::Kind::word, .name = std::string(text_.substr(begin, at_ - begin))};
    if (take('(')) {
      node.kind = Node::Kind::call;
      TRY(parts(node, ')', depth));
    } else if (node.name == "true" || node.name == "false") {
      node = Node{.value = json::Value(node.name == "true")};
    } else if (node.name == "null" || node.name == "None") {
      node = Node{};
    }
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Error cannot(std::string_view what) {
  return fail(Code::invalid_argument, "filter: {} cannot be answered here", what);
}

json::Value object(std::string_view key, json::Value value) {
  json::Object result;
  result[key] = std::move(value);
  return result;
}

const std::map<std::string_view, std::string_view>& fields() {
  static const std::map<std::string_view, std::string_view> names = {
      {"id", "id"},
      {"run_id", "id"},
      {"trace_id", "trace_id"},
      {"parent_run_id", "parent_id"},
      {"name", "name"},
      {"run_type", "kind"},
      {"status", "status"},
      {"error", "error"},
      {"start_time", "start_time"},
      {"end_time", "end_time"},
      {"latency", "latency_ms"},
      {"first_token_latency", "first_token_ms"},
      {"total_tokens", "total_tokens"},
      {"prompt_tokens", "input_tokens"},
      {"completion_tokens", "output_tokens"},
      {"total_cost", "cost_usd"},
      {"tags", "tag"},
      {"tag", "tag"},
      {"reference_example", "reference_example_id"},
      {"reference_example_id", "reference_example_id"},
      {"thread_id", "session_id"},
      {"user_id", "user_id"},
      {"session_name", "project"}};
  return names;
}

/// Seconds, or "5s", "200ms", as milliseconds.
Result<json::Value> milliseconds(const json::Value& value) {
  constexpr double per_second = 1000;
  if (value.is_number()) return json::Value(value.to_number<double>() * per_second);
  double number = 0;
  const std::string text = value.is_string() ? std::string(value.get_string()) : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || (unit != "s" && unit != "ms"))
    return fail(Code::invalid_argument, "filter: latency: expected seconds or \"5s\", got {}",
                json::dump(value));
  return json::Value(unit == "s" ? number * per_second : number);
}

Result<json::Value> operand(std::string_view field, const json::Value& value) {
  if (field == "latency_ms" || field == "first_token_ms") return milliseconds(value);
  if (!value.is_string()) return value;
  const std::string_view text = value.get_string();
  if (field == "start_time" || field == "end_time") return json::Value(with_zone(text));
  if (field == "status" && text == "success") return json::Value("ok");
  return value;
}

bool is_id(std::string_view field) {
  return field == "id" || field == "trace_id" || field == "parent_id";
}

Result<json::Value> comparison(std::string_view name, std::string_view field, const Node& node) {
  if (node.kind != Node::Kind::value && node.kind != Node::Kind::list)
    return fail(Code::invalid_argument, "filter: {}({}, ...): a value is wanted", name, field);
  const bool is_list = node.kind == Node::Kind::list;
  if (is_list != (name == "in" || name == "nin"))
    return fail(Code::invalid_argument, "filter: {}({}, ...): {} is wanted", name, field,
                is_list ? "one value" : "a list");
  std::string with = "$" + std::string(name == "neq" ? "ne" : name);
  if (!is_list && is_id(field) && node.value.is_string()) {
    json::Array ids;
    for (const std::string& id : ids_behind(std::string(node.value.get_string())))
      ids.emplace_back(id);
    return object(field, object(name == "neq" ? "$nin" : "$in", std::move(ids)));
  }
  if (!is_list) return object(field, object(with, TRY(operand(field, node.value))));
  json::Array values;
  for (const Node& one : node.parts) {
    if (is_id(field) && one.value.is_string()) {
      for (const std::string& id : ids_behind(std::string(one.value.get_string())))
        values.emplace_back(id);
    } else {
      values.push_back(TRY(operand(field, one.value)));
    }
  }
  return object(field, object(with, std::move(values)));
}

json::Value negated_if(bool is_negated, json::Value filter) {
  return is_negated ? object("$not", std::move(filter)) : filter;
}

class Translator {
 public:
  explicit Translator(std::string& text) : text_(text) {}

  /// `is_required`: all of the whole filter must hold for this to hold, so that words may be moved
  /// out of it.
  Result<void> add(const Node& node, json::Array& filters, bool is_required) {
    if (node.kind != Node::Kind::call)
      return fail(Code::invalid_argument, "filter: an operator such as eq(name, \"x\") is wanted");
    if (node.name == "and") return add_all(node, filters, is_required);
    if (node.name == "search" || node.name == "query") return add_words(node, is_required);
    filters.push_back(TRY(one(node)));
    return {};
  }

 private:
  /// and(eq(metadata_key, "k"), eq(metadata_value, "v")) is one condition, and so is
  /// and(eq(feedback_key, "k"), gt(feedback_score, 0.5)).
  Result<void> add_all(const Node& node, json::Array& filters, bool is_required) {
    std::map<std::string_view, const Node*> keys;  // By what they are of; they wait for a value.
    std::map<std::string_view, bool> are_used;
    for (const Node& part : node.parts) {
      const std::string_view keyed = keyed_by(part);
      if (part_is_key(part, keyed)) {
        if (keys.contains(keyed) && !are_used[keyed])
          filters.push_back(TRY(key_exists(keyed, *keys[keyed])));
        keys[keyed] = &part;
        are_used[keyed] = false;
        continue;
      }
      if (!keyed.empty() && keys.contains(keyed)) {
        const std::string field = fmt::format("{}.{}", keyed, TRY(text_of(keys[keyed]->parts[1])));
        filters.push_back(TRY(comparison(part.name, field, part.parts[1])));
        are_used[keyed] = true;
        continue;
      }
      TRY(add(part, filters, is_required));
    }
    for (const auto& [keyed, key] : keys)
      if (!are_used[keyed]) filters.push_back(TRY(key_exists(keyed, *key)));
    return {};
  }

  /// "metadata" of a comparison of metadata_key and of metadata_value; empty for others.
  static std::string_view keyed_by(const Node& part) {
    for (const std::string_view keyed : {"metadata", "feedback"})
      for (const std::string_view end : {"_key", "_value", "_score"})
        if (is_about(part, fmt::format("{}{}", keyed, end))) return keyed;
    return "";
  }
  static bool part_is_key(const Node& part, std::string_view keyed) {
    return !keyed.empty() && part.parts[0].name.ends_with("_key");
  }
  static Result<json::Value> key_exists(std::string_view keyed, const Node& key) {
    return object(fmt::format("{}.{}", keyed, TRY(text_of(key.parts[1]))),
                  object("$exists", key.name != "neq"));
  }

  Result<void> add_words(const Node& node, bool is_required) {
    if (!is_required) return cannot("search() within or() and not()");
    if (node.parts.empty()) return cannot("search() of nothing");
    text_ += ' ' + TRY(text_of(node.parts.back()));
    return {};
  }

  Result<json::Value> one(const Node& node) {
    if (node.name == "and" || node.name == "or") {
      json::Array filters;
      if (node.name == "and")
        TRY(add_all(node, filters, false));
      else
        for (const Node& part : node.parts) TRY(add(part, filters, false));
      if (filters.empty()) return cannot(node.name + "() of nothing");
      return object("$" + node.name, std::move(filters));
    }
    if (node.name == "not") {
      if (node.parts.size() != 1) return cannot("not() of other than one");
      json::Array filters;
      TRY(add(node.parts[0], filters, false));
      if (filters.size() != 1) return object("$not", object("$and", std::move(filters)));
      return object("$not", std::move(filters.front()));
    }
    return condition(node);
  }

  Result<json::Value> condition(const Node& node) {
    if (node.parts.empty() || node.parts[0].kind != Node::Kind::word)
      return fail(Code::invalid_argument, "filter: {}(): a field is wanted first", node.name);
    const std::string& field = node.parts[0].name;
    if (node.name == "exists") {
      if (node.parts.size() > 1)
        return object(field + "." + TRY(text_of(node.parts[1])), object("$exists", true));
      return object(TRY(known(field)), object("$exists", true));
    }
    if (node.parts.size() != 2)
      return fail(Code::invalid_argument, "filter: {}({}): two parts are wanted, got {}", node.name,
                  field, node.parts.size());
    if (node.name == "has") return has(field, node.parts[1]);
    if (node.name == "like") return like(TRY(known(field)), node.parts[1]);
    constexpr std::string_view comparisons[] = {"eq", "neq", "gt", "gte", "lt", "lte", "in", "nin"};
    if (std::find(std::begin(comparisons), std::end(comparisons), node.name) ==
        std::end(comparisons))
      return cannot(fmt::format("the operator '{}'", node.name.substr(0, 60)));
    return compared(node, field);
  }

  Result<json::Value> compared(const Node& node, const std::string& field) {
    const json::Value& value = node.parts[1].value;
    const bool is_negated = node.name == "neq";
    if (field == "is_root" && value.is_bool())
      return object("parent_id", object("$exists", value.get_bool() == is_negated));
    if (field == "execution_order" && value.is_number() && value.to_number<double>() == 1)
      return object("parent_id", object("$exists", is_negated));
    if (field == "error" && value.is_bool())
      return negated_if(value.get_bool() == is_negated, object("status", "error"));
    if (field == "metadata_key") return key_exists("metadata", node);
    if (field == "feedback_key") return key_exists("feedback", node);
    if (field == "feedback_score" || field == "feedback_value")
      return comparison(node.name, "feedback.*", node.parts[1]);
    if (field.starts_with("metadata.") || field.starts_with("feedback."))
      return comparison(node.name, field, node.parts[1]);
    return comparison(node.name, TRY(known(field)), node.parts[1]);
  }

  static Result<json::Value> has(const std::string& field, const Node& node) {
    const std::string text = TRY(text_of(node));
    if (field == "tags") return object("tag", json::Value(text));
    if (field != "metadata") return cannot(fmt::format("has({}, ...)", field.substr(0, 60)));
    const auto members = json::parse(text);
    if (!members || !members->is_object())
      return object("metadata." + text, object("$exists", true));
    json::Array all;
    for (const auto& [key, value] : members->get_object())
      all.push_back(object("metadata." + std::string(key), value));
    if (all.empty()) return cannot("has(metadata, {})");
    return object("$and", std::move(all));
  }

  static Result<json::Value> like(std::string_view field, const Node& node) {
    std::string text = TRY(text_of(node));
    const std::size_t size = text.size();
    if (size > 2 && text.front() == '%' && text.back() == '%') text = text.substr(1, size - 2);
    if (text.find_first_of("%_") != std::string::npos) return cannot("like() but for \"%text%\"");
    return object(field, object(text.size() == size ? "$eq" : "$contains", json::Value(text)));
  }

  static Result<std::string> known(const std::string& field) {
    const auto found = fields().find(field);
    if (found == fields().end()) return cannot(fmt::format("the field '{}'", field.substr(0, 60)));
    return std::string(found->second);
  }
  static Result<std::string> text_of(const Node& node) {
    if (node.kind != Node::Kind::value || !node.value.is_string())
      return fail(Code::invalid_argument, "filter: a string is wanted, got {}",
                  node.kind == Node::Kind::value ? json::dump(node.value) : node.name);
    return std::string(node.value.get_string());
  }
  static bool is_about(const Node& node, std::string_view field) {
    return node.kind == Node::Kind::call && node.parts.size() == 2 &&
           node.parts[0].kind == Node::Kind::word && node.parts[0].name == field;
  }
  std::string& text_;
};

}  // namespace

std::string with_zone(std::string_view time) {
  std::string text(time);
  const std::size_t clock = text.find_first_of("T ");
  if (clock != std::string::npos && text.find_first_of("Zz+-", clock) == std::string::npos)
    text += 'Z';
  return text;
}

namespace {

Result<FilterCall> call_of(const Node& node) {
  if (node.kind != Node::Kind::call)
    return fail(Code::invalid_argument, "filter: an operator such as eq(name, \"x\") is wanted");
  FilterCall call{.name = node.name};
  if (node.name == "and" || node.name == "or" || node.name == "not") {
    for (const Node& part : node.parts) call.parts.push_back(TRY(call_of(part)));
    return call;
  }
  if (node.parts.empty() || node.parts.size() > 2)
    return fail(Code::invalid_argument, "filter: {}(): a field and a value are wanted",
                node.name.substr(0, 60));
  const Node& field = node.parts.front();
  // Some write has("metadata", ...), others has(metadata, ...).
  call.field = field.value.is_string() ? std::string(field.value.get_string()) : field.name;
  if (node.parts.size() == 1) return call;
  const Node& value = node.parts.back();
  if (value.kind == Node::Kind::list) {
    json::Array all;
    for (const Node& one : value.parts) all.push_back(one.value);
    call.value = std::move(all);
  } else if (value.kind == Node::Kind::value) {
    call.value = value.value;
  } else {
    return fail(Code::invalid_argument, "filter: {}({}, ...): a value is wanted",
                node.name.substr(0, 60), call.field.substr(0, 60));
  }
  return call;
}

}  // namespace

Result<void> translate_langsmith_filter(std::string_view filter, json::Array& filters,
                                        std::string& text) {
  const Node node = TRY(Reader(filter).read());
  return Translator(text).add(node, filters, true);
}

}  // namespace slipway::trace::detail

namespace slipway::trace {

Result<FilterCall> parse_filter_calls(std::string_view filter) {
  return detail::call_of(TRY(detail::Reader(filter).read()));
}

}  // namespace slipway::trace
