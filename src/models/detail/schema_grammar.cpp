#include "models/detail/schema_grammar.hpp"

#include <algorithm>
#include <set>

#include "models/detail/pattern_grammar.hpp"
#include "models/detail/schema_parts.hpp"

namespace slipway::models::detail {

namespace {

constexpr int depth_max = 96;
constexpr std::size_t grammar_bytes_max = 512u << 10;
/// Longer repetitions are built of these: llama.cpp counts to 2,000.
constexpr std::int64_t chunk = 1000;
constexpr std::int64_t length_max = 16 * chunk;
constexpr std::int64_t items_max = 1000;

/// Shapes of texts that are always valid, whatever checks them.
const std::map<std::string, std::string>& formats() {
  static const std::string day =
      R"((("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) | )"
      R"(("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | )"
      R"("02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])))";
  static const std::string date = R"([12] [0-9]{3} "-" )" + day;
  static const std::string time =
      R"(([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? )"
      R"(("Z" | [-+] ("0" [0-9] | "1" [0-3]) ":" [0-5] [0-9]))";
  static const std::string byte = R"(("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9]? [0-9]))";
  static const std::string host =
      R"([a-z] ([a-z0-9]{0,14} [a-z0-9])? ("." [a-z] ([a-z0-9]{0,14} [a-z0-9])?){1,3})";
  static const std::string duration =
      R"("P" ([1-9] [0-9]? "D" ("T" [1-9] [0-9]? [HMS])? | [1-9] [0-9]? [WMY] | )"
      R"("T" [1-9] [0-9]? [HMS]))";
  static const std::map<std::string, std::string> all = {
      {"date", date},
      {"time", time},
      {"date-time", date + R"( "T" )" + time},
      {"duration", duration},
      {"uuid",
       "[0-9a-f]{8} \"-\" [0-9a-f]{4} \"-\" [0-9a-f]{4} \"-\" "
       "[0-9a-f]{4} \"-\" "
       "[0-9a-f]{12}"},
      {"ipv4", byte + R"( "." )" + byte + R"( "." )" + byte + R"( "." )" + byte},
      {"ipv6", R"([0-9a-f]{1,4} (":" [0-9a-f]{1,4}){7})"},
      {"hostname", host},
      {"email", R"([a-z] [a-z0-9]{0,30} ("." [a-z0-9]{1,20})? "@" )" + host},
      {"uri", R"("http" "s"? "://" )" + host + R"( ("/" [a-zA-Z0-9_~-]{1,30}){0,6} "/"?)"}};
  return all;
}

Error never(std::string_view path, std::string_view why) {
  return fail(Code::conflict, "{}: {}", path, why);
}

class Converter {
 public:
  Converter(Grammar& grammar, const json::Value& root, std::string_view path)
      : grammar_(grammar), root_(root), path_(path) {}

  Result<std::string> rule(const SchemaParts& given) {
    if (++depth_ > depth_max || grammar_.bytes() > grammar_bytes_max)
      return fail(Code::invalid_argument, "{}: the schema is too large or too deep", path_);
    SchemaParts parts;
    std::set<const json::Value*> seen;
    for (const SchemaPart& part : given) TRY(expand(part, parts, seen));
    std::string name = parts.empty() ? json_value(grammar_) : TRY(rule_of(parts));
    --depth_;
    return name;
  }

 private:
  /// References and allOf are followed; what is left are objects with keywords
  /// of their own.
  Result<void> expand(const SchemaPart& part, SchemaParts& out,
                      std::set<const json::Value*>& seen) {
    if (part.value->is_bool()) {
      if (part.value->get_bool()) return {};
      return never(part.path, "nothing is valid under `false`");
    }
    if (!part.value->is_object())
      return fail(Code::invalid_argument, "{}: a schema is an object, true or false", part.path);
    if (!part.without_any && !part.without_one && !seen.insert(part.value).second) return {};
    const json::Object& schema = part.value->get_object();
    if (const json::Value* reference = schema.if_contains("$ref"))
      TRY(expand(TRY(target(*reference, part.path + ".$ref")), out, seen));
    if (const json::Value* all = schema.if_contains("allOf")) {
      if (!all->is_array())
        return fail(Code::invalid_argument, "{}.allOf: it must be a list", part.path);
      for (std::size_t i = 0; i < all->get_array().size(); ++i)
        TRY(expand({&all->get_array()[i], fmt::format("{}.allOf[{}]", part.path, i)}, out, seen));
    }
    out.push_back(part);
    return {};
  }

  Result<SchemaPart> target(const json::Value& reference, const std::string& path) const {
    if (!reference.is_string()) return fail(Code::invalid_argument, "{}: it must be a text", path);
    const std::string_view text = reference.get_string();
    if (!text.starts_with('#'))
      return fail(Code::unsupported, "{}: '{}' is outside of this schema; put it into $defs", path,
                  text);
    const std::string_view pointer = text.substr(1);
    if (!pointer.empty() && !pointer.starts_with('/'))
      return fail(Code::unsupported, "{}: '{}' is an anchor; write \"#/$defs/...\"", path, text);
    boost::system::error_code error;
    const json::Value* found = root_.find_pointer(pointer, error);
    if (found == nullptr) return fail(Code::invalid_argument, "{}: there is no '{}'", path, text);
    std::string where = path_;
    for (const char c : pointer) where += c == '/' ? '.' : c;
    return SchemaPart{found, where};
  }

  Result<std::string> rule_of(const SchemaParts& parts) {
    std::string key;
    std::vector<std::string> names;
    for (const SchemaPart& part : parts)
      names.push_back(fmt::format("{}{}{}", static_cast<const void*>(part.value),
                                  part.without_any ? "a" : "", part.without_one ? "o" : ""));
    std::sort(names.begin(), names.end());
    key = fmt::format("{}", fmt::join(names, " "));
    if (const auto failed = never_.find(key); failed != never_.end()) return failed->second;
    if (const std::string known = grammar_.named(key); !known.empty()) return known;
    const std::string name = grammar_.reserve(key);
    auto body = body_of(parts);
    if (!body) {
      never_.emplace(key, body.error());
      return body.error();
    }
    grammar_.define(name, *std::move(body));
    return name;
  }

  Result<std::string> body_of(const SchemaParts& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const json::Object& schema = parts[i].value->get_object();
      if (!parts[i].without_any && schema.contains("anyOf")) return alternatives(parts, i, "anyOf");
      if (!parts[i].without_one && schema.contains("oneOf")) return alternatives(parts, i, "oneOf");
    }
    return plain(TRY(merge_schemas(parts)), parts.front().path);
  }

  Result<std::string> alternatives(const SchemaParts& parts, std::size_t at,
                                   const std::string& word) {
    const std::string path = fmt::format("{}.{}", parts[at].path, word);
    const json::Value& list = parts[at].value->get_object().at(word);
    if (!list.is_array() || list.get_array().empty())
      return fail(Code::invalid_argument, "{}: it must be a list that is not empty", path);
    const json::Array& schemas = list.get_array();
    if (word == "oneOf") TRY(check_disjoint(schemas, path));
    SchemaParts rest = parts;
    (word == "anyOf" ? rest[at].without_any : rest[at].without_one) = true;
    std::vector<std::string> choices;
    std::optional<Error> refused;
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      SchemaParts chosen = rest;
      chosen.push_back({&schemas[i], fmt::format("{}[{}]", path, i)});
      const int depth = depth_;
      auto choice = rule(chosen);
      depth_ = depth;
      if (choice) {
        if (std::find(choices.begin(), choices.end(), *choice) == choices.end())
          choices.push_back(*std::move(choice));
      } else if (choice.error().code() == Code::conflict) {
        refused = choice.error();
      } else {
        return choice.error();
      }
    }
    if (choices.empty()) return *refused;
    return fmt::format("{}", fmt::join(choices, " | "));
  }

  /// A value that is valid under two of them is invalid, and a grammar cannot
  /// count.
  Result<void> check_disjoint(const json::Array& schemas, const std::string& path) {
    std::vector<SchemaNode> nodes;
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      SchemaParts parts;
      std::set<const json::Value*> seen;
      TRY(expand({&schemas[i], fmt::format("{}[{}]", path, i)}, parts, seen));
      nodes.push_back(TRY(merge_schemas(parts)));
      for (std::size_t j = 0; j < i; ++j)
        if (!are_disjoint(nodes[j], nodes[i]))
          return fail(Code::unsupported,
                      "{}: [{}] and [{}] may both be valid; use anyOf, or give "
                      "them different "
                      "types, or a required property with different `const`",
                      path, j, i);
    }
    return {};
  }

  Result<std::string> plain(const SchemaNode& node, const std::string& path) {
    if (node.values) {
      std::vector<std::string> literals;
      for (const json::Value& value : *node.values) literals.push_back(literal(json::dump(value)));
      return fmt::format("{}", fmt::join(literals, " | "));
    }
    std::vector<std::string> choices;
    std::optional<Error> refused;
    const auto add = [&](unsigned type, auto make) -> Result<void> {
      if ((node.types & type) == 0) return {};
      const int depth = depth_;
      Result<std::string> body = make();
      depth_ = depth;
      if (body)
        choices.push_back(*std::move(body));
      else if (body.error().code() == Code::conflict)
        refused = body.error();
      else
        return body.error();
      return {};
    };
    using Body = Result<std::string>;
    TRY(add(types::object, [&] { return object(node); }));
    TRY(add(types::array, [&] { return array(node, path); }));
    TRY(add(types::string, [&] { return string(node, path); }));
    TRY(add(types::integer | types::fraction, [&] { return number(node, path); }));
    TRY(add(types::boolean, [] { return Body(std::string(R"("true" | "false")")); }));
    TRY(add(types::null, [] { return Body(std::string(R"("null")")); }));
    if (choices.empty()) return *refused;
    return fmt::format("{}", fmt::join(choices, " | "));
  }

  static Result<std::string> number(const SchemaNode& node, const std::string& path) {
    const bool is_whole = (node.types & types::fraction) == 0;
    auto body = is_whole ? integer_grammar(node.bounds) : number_grammar(node.bounds);
    if (!body) return never(path, "no number is within its bounds");
    return *std::move(body);
  }

  Result<std::string> string(const SchemaNode& node, const std::string& path) {
    const bool has_length = node.length_least > 0 || node.length_most >= 0;
    if (!node.pattern.empty() || !node.format.empty()) {
      if (has_length || (!node.pattern.empty() && !node.format.empty()))
        return fail(Code::unsupported,
                    "{}.{}: it is not supported beside lengths or the other of "
                    "pattern and format; "
                    "leave one out",
                    path, node.pattern.empty() ? "format" : "pattern");
      if (!node.pattern.empty())
        return fmt::format(R"("\"" {} "\"")",
                           TRY(pattern_grammar(node.pattern).within(path + ".pattern")));
      const auto known = formats().find(node.format);
      if (known != formats().end()) return fmt::format(R"("\"" {} "\"")", known->second);
      return fail(Code::unsupported, "{}.format: '{}' is not supported; leave it out", path,
                  node.format);
    }
    if (!has_length) return json_string(grammar_);
    if (node.length_least > length_max)
      return fail(Code::unsupported, "{}.minLength: more than {} is not supported", path,
                  length_max);
    if (node.length_most >= 0 && node.length_most < node.length_least)
      return never(path, "maxLength is below minLength");
    return fmt::format(
        R"("\"" {} "\"")",
        characters(node.length_least,
                   node.length_most < 0 ? -1 : std::min(node.length_most, length_max)));
  }

  std::string characters(std::int64_t least, std::int64_t most) {
    const std::string one = json_string_char(grammar_);
    std::string body;
    while (least > chunk) {
      body += repeated(one, chunk, chunk) + " ";
      least -= chunk;
      if (most >= 0) most -= chunk;
    }
    if (most <= chunk) return body + repeated(one, least, most);
    // Up to so many: a whole chunk and what is left, or less than a chunk.
    std::string rest = repeated(one, 0, most % chunk);
    for (std::int64_t left = most - most % chunk; left > chunk; left -= chunk)
      rest = grammar_.add(fmt::format("{} {} | {}", repeated(one, chunk, chunk), rest,
                                      repeated(one, 0, chunk - 1)));
    return body + fmt::format("({} {} | {})", repeated(one, chunk, chunk), rest,
                              repeated(one, least, chunk - 1));
  }

  Result<std::string> array(const SchemaNode& node, const std::string& path) {
    std::int64_t most = node.items_most;
    const bool is_closed = node.has_items && is_never(node.items);
    const auto prefix = static_cast<std::int64_t>(node.prefix.size());
    // What may follow a prefix is made up only when it is described or needed.
    if (is_closed || (prefix > 0 && !node.has_items && node.items_least <= prefix))
      most = most < 0 ? prefix : std::min(most, prefix);
    if (most >= 0 && most < node.items_least) return never(path, "its items cannot be that many");
    if (node.items_least > items_max)
      return fail(Code::unsupported, "{}.minItems: more than {} is not supported", path, items_max);
    if (most > items_max) most = items_max;
    if (most == 0) return fmt::format(R"("[" {} "]")", json_space(grammar_));
    std::vector<std::string> rules;
    for (const SchemaParts& parts : node.prefix)
      if (most < 0 || static_cast<std::int64_t>(rules.size()) < most)
        rules.push_back(TRY(rule(parts)));
    const bool has_rest = most < 0 || most > prefix;
    const std::string rest = has_rest ? TRY(rule(node.items)) : "";
    return fmt::format(R"("[" {0} {1} {0} "]")", json_space(grammar_),
                       listed(rules, rest, node.items_least, most));
  }

  /// Items between the brackets: each of `rules`, then `rest` again and again.
  std::string listed(const std::vector<std::string>& rules, const std::string& rest,
                     std::int64_t least, std::int64_t most) {
    const auto fixed = static_cast<std::int64_t>(rules.size());
    const std::string comma = fmt::format(R"("," {} )", json_space(grammar_));
    std::string body;
    if (!rest.empty()) {
      const std::int64_t first = fixed == 0 ? 1 : 0;  // The very first has no comma.
      const std::int64_t left = std::max<std::int64_t>(0, least - fixed - first);
      const std::int64_t room = most < 0 ? -1 : most - fixed - first;
      body = repeated(fmt::format("({}{})", comma, rest), left, room);
      if (fixed == 0) body = fmt::format("{} {}", rest, body);
    }
    for (std::int64_t i = fixed; i-- > 0;) {
      const std::string own =
          fmt::format("{}{}", i > 0 ? comma : "", rules[static_cast<std::size_t>(i)]);
      body = body.empty() ? own : fmt::format("{} {}", own, body);
      if (i >= least) body = grammar_.add(fmt::format("({})?", body));
    }
    if (fixed == 0 && least == 0) body = fmt::format("({})?", body);
    return body;
  }

  Result<std::string> object(const SchemaNode& node) {
    if (node.properties.empty() && !node.has_additional) return json_object(grammar_);
    struct Pair {
      std::string rule;
      bool is_required;
    };
    std::vector<Pair> pairs;
    for (const SchemaProperty& property : node.properties) {
      const int depth = depth_;
      auto value = rule(property.parts);
      depth_ = depth;
      if (!value && value.error().code() == Code::conflict && !property.is_required) continue;
      if (!value) return value.error();
      pairs.push_back(
          {grammar_.add(fmt::format(R"({} ":" " "? {})",
                                    literal(json::dump(json::to(property.name))), *value)),
           property.is_required});
    }
    std::string more;  // Further pairs, each with its comma.
    std::string other;
    if (node.has_additional && !node.is_closed) {
      other = grammar_.add(
          fmt::format(R"({} ":" " "? {})", TRY(other_name(node)), TRY(rule(node.additional))));
      more = grammar_.add(fmt::format(R"(("," {} {})*)", json_space(grammar_), other));
    }
    // From the last to the first: what may follow when nothing, or something,
    // was written.
    std::string begun = more.empty() ? "\"\"" : more;
    std::string fresh = other.empty() ? "\"\"" : fmt::format("({} {})?", other, more);
    for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
      const std::string after =
          fmt::format(R"("," {} {} {})", json_space(grammar_), pair->rule, begun);
      const std::string first = fmt::format("{} {}", pair->rule, begun);
      fresh = pair->is_required ? first : grammar_.add(fmt::format("{} | {}", first, fresh));
      begun = grammar_.add(pair->is_required ? after : fmt::format("{} | {}", after, begun));
    }
    return fmt::format(R"("{{" {0} {1} {0} "}}")", json_space(grammar_), grammar_.add(fresh));
  }

  /// A key that is none of the named ones. It has no escapes: "\u0061" would be
  /// "a".
  Result<std::string> other_name(const SchemaNode& node) {
    std::set<std::string> names;
    for (const SchemaProperty& property : node.properties) {
      std::string_view text = property.name;
      if (std::any_of(text.begin(), text.end(),
                      [](char c) { return static_cast<signed char>(c) < 0x20; }))
        continue;  // Such keys are not made: they are not plain ASCII.
      names.insert(property.name);
    }
    return fmt::format(R"("\"" {} "\"")", unlike({names.begin(), names.end()}, 0));
  }

  /// Printable ASCII that, after `depth` characters in common, is none of the
  /// sorted `names`.
  std::string unlike(const std::vector<std::string>& names, std::size_t depth) {
    const CodeRanges key_chars = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7E}};
    const std::string any = plain_char(key_chars);
    if (names.empty()) return any + "*";
    std::map<char, std::vector<std::string>> next;
    bool may_end = depth > 0;  // An empty key is no use to anybody.
    for (const std::string& name : names) {
      if (name.size() == depth) may_end = false;
      if (name.size() > depth) next[name[depth]].push_back(name);
    }
    CodeRanges taken;
    std::vector<std::string> choices;
    for (const auto& [c, group] : next) {
      taken.emplace_back(c, c);
      if (c == '"' || c == '\\') continue;
      choices.push_back(fmt::format("{} {}", literal(std::string(1, c)), unlike(group, depth + 1)));
    }
    CodeRanges free;
    for (const auto& [first, last] : key_chars)
      for (const auto& [low, high] : complement(united(taken)))
        if (std::max(first, low) <= std::min(last, high))
          free.emplace_back(std::max(first, low), std::min(last, high));
    choices.push_back(fmt::format("{} {}*", plain_char(free), any));
    if (may_end) choices.emplace_back("\"\"");
    return grammar_.add(fmt::format("{}", fmt::join(choices, " | ")));
  }

  Grammar& grammar_;
  const json::Value& root_;
  std::string path_;
  int depth_ = 0;
  std::map<std::string, Error> never_;  ///< By key: under which nothing is valid.
};

}  // namespace

Result<std::string> schema_rule(Grammar& grammar, const json::Value& schema,
                                std::string_view path) {
  auto name = Converter(grammar, schema, path).rule({{&schema, std::string(path)}});
  if (name && !grammar.is_whole(*name))
    return fail(Code::unsupported, "{}: it refers to itself where nothing is valid", path);
  if (name || name.error().code() != Code::conflict) return name;
  return Error(Code::invalid_argument, "nothing is valid under it: " + name.error().message());
}

Result<std::string> schema_grammar(const json::Value& schema, std::string_view path) {
  Grammar grammar;
  const std::string root = TRY(schema_rule(grammar, schema, path));
  std::string text = grammar.text(root);
  if (text.size() > grammar_bytes_max)
    return fail(Code::invalid_argument, "{}: the schema is too large", path);
  return text;
}

Result<std::string> json_object_grammar() {
  Grammar grammar;
  const std::string root = json_object(grammar);
  return grammar.text(root);
}

}  // namespace slipway::models::detail
