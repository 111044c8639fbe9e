// Gumbo knows the 2,231 entities of HTML but does not give its table away, so it is asked.
#include <gumbo.h>

#include <map>

#include "documents/detail/xml_reader.hpp"

namespace slipway::documents::detail {

namespace {

std::string ask(std::string_view name) {
  const std::string html = fmt::format("<title>&{};</title>", name);
  GumboOutput* parsed = gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size());
  if (parsed == nullptr) return {};
  std::string text;
  const GumboNode* node = parsed->root;
  while (node != nullptr && node->type == GUMBO_NODE_ELEMENT && node->v.element.children.length > 0)
    node = static_cast<const GumboNode*>(node->v.element.children.data[0]);
  if (node != nullptr && (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE))
    text = node->v.text.text;
  gumbo_destroy_output(&kGumboDefaultOptions, parsed);
  return text.starts_with('&') ? std::string() : text;  // Unknown: it stayed as it was.
}

}  // namespace

std::string html_entity(std::string_view name) {
  constexpr std::size_t cache_max = 4000;
  thread_local std::map<std::string, std::string, std::less<>> cache;
  if (const auto found = cache.find(name); found != cache.end()) return found->second;
  for (const char c : name)
    if ((c < '0' || c > '9') && ((c | 0x20) < 'a' || (c | 0x20) > 'z')) return {};
  if (cache.size() >= cache_max) cache.clear();
  return cache.emplace(std::string(name), ask(name)).first->second;
}

}  // namespace slipway::documents::detail
