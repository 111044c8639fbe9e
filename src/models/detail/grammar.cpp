#include "models/detail/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::models::detail {

namespace {

constexpr char32_t code_point_max = 0x10FFFF;
constexpr char32_t surrogate_first = 0xD800;
constexpr char32_t surrogate_last = 0xDFFF;

CodeRanges intersected(const CodeRanges& left, const CodeRanges& right) {
  CodeRanges both;
  for (const auto& [a, b] : left)
    for (const auto& [c, d] : right)
      if (std::max(a, c) <= std::min(b, d)) both.emplace_back(std::max(a, c), std::min(b, d));
  return united(both);
}

/// Named by their numbers: whatever they are, the class is read as it is meant.
std::string code(char32_t c) {
  if (c >= 0x20 && c < 0x7F &&
      std::string_view("[]^-\\\"").find(static_cast<char>(c)) == std::string_view::npos)
    return std::string(1, static_cast<char>(c));
  if (c <= 0xFF) return fmt::format("\\x{:02X}", static_cast<std::uint32_t>(c));
  if (c <= 0xFFFF) return fmt::format("\\u{:04X}", static_cast<std::uint32_t>(c));
  return fmt::format("\\U{:08X}", static_cast<std::uint32_t>(c));
}

/// Control characters, the byte order mark's neighbours and what is no
/// character stay out.
const CodeRanges& writable() {
  static const CodeRanges all = {
      {0x20, 0x7E}, {0xA0, 0xD7FF}, {0xE000, 0xFFFD}, {0x10000, code_point_max}};
  return all;
}

}  // namespace

std::string Grammar::add(const std::string& body) {
  const auto known = names_.find(body);
  if (known != names_.end()) return known->second;
  const std::string name = reserve();
  names_[body] = name;
  define(name, body);
  return name;
}

std::string Grammar::reserve(std::string_view key) {
  bodies_.emplace_back();
  std::string name = fmt::format("r{}", bodies_.size() - 1);
  if (!key.empty()) keys_[std::string(key)] = name;
  return name;
}

std::string Grammar::named(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? "" : found->second;
}

void Grammar::define(const std::string& name, std::string body) {
  bytes_ += body.size() + name.size() + 6;
  bodies_.at(static_cast<std::size_t>(std::stoul(name.substr(1)))) = std::move(body);
}

bool Grammar::is_whole(const std::string& root) const {
  std::vector<bool> seen(bodies_.size());
  std::vector<std::size_t> open;
  const auto reach = [&](std::string_view name) {
    const auto index = static_cast<std::size_t>(std::stoul(std::string(name.substr(1))));
    if (index >= seen.size() || seen[index]) return;
    seen[index] = true;
    open.push_back(index);
  };
  for (reach(root); !open.empty();) {
    const std::string& body = bodies_[open.back()];
    open.pop_back();
    if (body.empty()) return false;
    bool is_quoted = false;
    for (std::size_t at = 0; at < body.size(); ++at) {
      if (body[at] == '\\') {
        ++at;
      } else if (body[at] == '"') {
        is_quoted = !is_quoted;
      } else if (!is_quoted && body[at] == 'r' && at + 1 < body.size() && body[at + 1] >= '0' &&
                 body[at + 1] <= '9') {
        std::size_t end = at + 1;
        while (end < body.size() && body[end] >= '0' && body[end] <= '9') ++end;
        reach(std::string_view(body).substr(at, end - at));
      }
    }
  }
  return true;
}

std::string Grammar::text(const std::string& root) const {
  std::string all = fmt::format("root ::= {}\n", root);
  for (std::size_t i = 0; i < bodies_.size(); ++i)
    // A rule that was given up is reached by nobody; it must only be there.
    all += fmt::format("r{} ::= {}\n", i, bodies_[i].empty() ? "\"\"" : bodies_[i]);
  return all;
}

std::string literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      literal += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    else
      literal += c;
  }
  return literal + '"';
}

CodeRanges united(CodeRanges ranges) {
  std::sort(ranges.begin(), ranges.end());
  CodeRanges all;
  for (const auto& [first, last] : ranges) {
    if (!all.empty() && first <= all.back().second + 1)
      all.back().second = std::max(all.back().second, last);
    else
      all.emplace_back(first, last);
  }
  return all;
}

CodeRanges complement(const CodeRanges& ranges) {
  CodeRanges rest;
  char32_t next = 0;
  for (const auto& [first, last] : ranges) {
    if (first > next) rest.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= code_point_max) rest.emplace_back(next, code_point_max);
  return intersected(rest, {{0x09, 0x0A},
                            {0x0D, 0x0D},
                            {0x20, surrogate_first - 1},
                            {surrogate_last + 1, code_point_max}});
}

std::string plain_char(const CodeRanges& ranges) {
  const CodeRanges shown = intersected(ranges, writable());
  if (shown.empty()) return "";
  std::string body = "[";
  for (const auto& [first, last] : shown) {
    body += code(first);
    if (last > first) body += "-" + code(last);
  }
  return body + "]";
}

std::string json_char(const CodeRanges& ranges) {
  const CodeRanges plain =
      intersected(ranges, {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, code_point_max}});
  std::vector<std::string> choices;
  if (const std::string shown = plain_char(plain); !shown.empty()) choices.push_back(shown);
  const std::pair<char32_t, const char*> escapes[] = {
      {'"', R"("\\\"")"}, {'\\', R"("\\\\")"}, {'\n', R"("\\n")"}, {'\r', R"("\\r")"},
      {'\t', R"("\\t")"}, {'\f', R"("\\f")"},  {'\b', R"("\\b")"}};
  for (const auto& [c, written] : escapes)
    if (!intersected(ranges, {{c, c}}).empty()) choices.emplace_back(written);
  if (choices.size() < 2) return choices.empty() ? "" : choices[0];
  return fmt::format("({})", fmt::join(choices, " | "));
}

std::string repeated(const std::string& item, std::int64_t least, std::int64_t most) {
  if (most == 0) return "\"\"";
  if (least == 1 && most == 1) return item;
  if (most < 0 && least == 0) return item + "*";
  if (most < 0 && least == 1) return item + "+";
  if (least == 0 && most == 1) return item + "?";
  if (most < 0) return fmt::format("{}{{{},}}", item, least);
  if (least == most) return fmt::format("{}{{{}}}", item, least);
  return fmt::format("{}{{{},{}}}", item, least, most);
}

std::string json_space(Grammar& grammar) { return grammar.add(R"("" | " " | "\n" [ ]{0,20})"); }

std::string json_string_char(Grammar& grammar) {
  // Surrogates are not written by number: half of one is no character.
  return grammar.add(plain_char({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, code_point_max}}) +
                     R"( | "\\" (["\\/bfnrt] | "u" )"
                     R"(([0-9a-cA-CeEfF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))");
}

std::string json_string(Grammar& grammar) {
  return grammar.add(fmt::format(R"("\"" {}* "\"")", json_string_char(grammar)));
}

std::string json_number(Grammar& grammar) {
  return grammar.add(
      R"("-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9] [0-9]?)?)");
}

std::string json_value(Grammar& grammar) {
  // Objects and arrays hold values again: the name comes first.
  static constexpr std::string_view mark = "any value";
  const std::string known = grammar.named(mark);
  if (!known.empty()) return known;
  const std::string name = grammar.reserve(mark);
  grammar.define(
      name, fmt::format(R"({} | {} | {} | {} | "true" | "false" | "null")", json_object(grammar),
                        json_array(grammar), json_string(grammar), json_number(grammar)));
  return name;
}

std::string json_object(Grammar& grammar) {
  const std::string space = json_space(grammar);
  const std::string pair =
      grammar.add(fmt::format(R"({} ":" " "? {})", json_string(grammar), json_value(grammar)));
  return grammar.add(fmt::format(R"("{{" {0} ({1} ("," {0} {1})* {0})? "}}")", space, pair));
}

std::string json_array(Grammar& grammar) {
  const std::string space = json_space(grammar);
  return grammar.add(
      fmt::format(R"("[" {0} ({1} ("," {0} {1})* {0})? "]")", space, json_value(grammar)));
}

}  // namespace slipway::models::detail
