#include "documents/detail/html_visibility.hpp"

#include <algorithm>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr std::string_view white = " \t\r\n\f";

std::string_view stripped(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
  return text.substr(0, text.find_last_not_of(white) + 1);
}

/// "0", "0px", "0.0em", "0%" but not "0.5em".
bool is_zero(std::string_view value) {
  const std::size_t end = std::min(value.find_first_not_of("0123456789."), value.size());
  return end > 0 && value.substr(0, end).find_first_not_of("0.") == none;
}

/// A size that undoes a parent's zero: a share of zero is zero.
bool is_absolute_size(std::string_view value) {
  return !is_zero(value) && !value.ends_with('%') &&
         (!value.ends_with("em") || value.ends_with("rem"));
}

void declare(std::string_view property, std::string_view value, Visibility& visibility) {
  if (property == "display") visibility.is_removed = value == "none";
  if (property == "visibility") visibility.is_hidden = value == "hidden" || value == "collapse";
  if (property == "opacity") visibility.is_transparent = is_zero(value);
  if (property == "font-size") {
    if (is_zero(value)) visibility.has_no_size = true;
    if (is_absolute_size(value)) visibility.has_no_size = false;
  }
}

std::string without_comments(std::string_view css) {
  std::string kept;
  kept.reserve(css.size());
  std::size_t at = 0;
  while (at < css.size()) {
    const std::size_t start = std::min(css.find("/*", at), css.size());
    kept += css.substr(at, start - at);
    if (start == css.size()) break;
    const std::size_t end = css.find("*/", start + 2);
    at = end == none ? css.size() : end + 2;
  }
  return kept;
}

/// Whether it is one of the selectors that StyleSheet knows.
bool is_simple(std::string_view selector) {
  if (selector.empty() || selector.find_first_of(" \t\r\n\f>+~:[]*()\\") != none) return false;
  return std::count_if(selector.begin(), selector.end(),
                       [](char c) { return c == '.' || c == '#'; }) <= 1;
}

}  // namespace

void Visibility::merge(const Visibility& stronger) {
  if (stronger.is_removed) is_removed = stronger.is_removed;
  if (stronger.is_hidden) is_hidden = stronger.is_hidden;
  if (stronger.has_no_size) has_no_size = stronger.has_no_size;
  if (stronger.is_transparent) is_transparent = stronger.is_transparent;
}

bool Visibility::says_nothing() const {
  return !is_removed && !is_hidden && !has_no_size && !is_transparent;
}

Visibility visibility_of(std::string_view declarations) {
  Visibility visibility;
  const std::string lower = unicode::to_lower(declarations);
  std::string_view rest = lower;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view declaration = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t colon = declaration.find(':');
    if (colon == none) continue;
    std::string_view value = stripped(declaration.substr(colon + 1));
    value = stripped(value.substr(0, value.find('!')));  // "none !important"
    declare(stripped(declaration.substr(0, colon)), value, visibility);
  }
  return visibility;
}

void StyleSheet::add(std::string_view css) {
  const std::string plain = without_comments(css);
  std::string_view rest = plain;
  while (true) {
    const std::size_t open = rest.find_first_of("{;");
    if (open == none) return;
    const std::string_view selectors = stripped(rest.substr(0, open));
    const bool is_block = rest[open] == '{';
    rest.remove_prefix(open + 1);
    if (!is_block) continue;  // "@import ...;"
    if (!selectors.starts_with('@')) {
      const std::size_t close = std::min(rest.find('}'), rest.size());
      add_rule(selectors, rest.substr(0, close));
      rest.remove_prefix(std::min(close + 1, rest.size()));
      continue;
    }
    for (int depth = 1; depth > 0 && !rest.empty();) {
      const std::size_t brace = std::min(rest.find_first_of("{}"), rest.size() - 1);
      depth += rest[brace] == '{' ? 1 : (rest[brace] == '}' ? -1 : 0);
      rest.remove_prefix(brace + 1);
    }
  }
}

void StyleSheet::add_rule(std::string_view selectors, std::string_view declarations) {
  const Visibility visibility = visibility_of(declarations);
  if (visibility.says_nothing()) return;
  while (!selectors.empty()) {
    const std::size_t comma = std::min(selectors.find(','), selectors.size());
    const std::string_view selector = stripped(selectors.substr(0, comma));
    selectors.remove_prefix(std::min(comma + 1, selectors.size()));
    if (is_simple(selector)) rules_[std::string(selector)].merge(visibility);
  }
}

Visibility StyleSheet::of(const StyledElement& element) const {
  Visibility visibility;
  if (rules_.empty()) return visibility;
  const auto apply = [&](std::string selector) {
    if (const auto found = rules_.find(selector); found != rules_.end())
      visibility.merge(found->second);
  };
  const std::string tag(element.tag);
  apply(tag);
  std::string_view classes = element.classes;
  while (!classes.empty()) {
    const std::size_t end = std::min(classes.find_first_of(white), classes.size());
    const std::string dotted = "." + std::string(classes.substr(0, end));
    if (end > 0) apply(dotted);
    if (end > 0) apply(tag + dotted);
    classes.remove_prefix(std::min(end + 1, classes.size()));
  }
  if (element.id.empty()) return visibility;
  const std::string hashed = "#" + std::string(element.id);
  apply(hashed);
  apply(tag + hashed);
  return visibility;
}

}  // namespace slipway::documents::detail
