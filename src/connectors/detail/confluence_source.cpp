#include "connectors/detail/confluence_source.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "core/json.hpp"
#include "core/unicode.hpp"
#include "http/client.hpp"

namespace slipway::connectors::detail {

namespace {

constexpr std::string_view form =
    "write confluence:https://HOST[/PATH]?space=KEY, ?cql=QUERY or ?page=ID";
constexpr std::size_t value_bytes_max = 4000;

/// Where "order by" begins outside of quotes; else the end. Which pages there are does not depend
/// on it, and ours keeps pages of results apart.
std::size_t order_start(std::string_view cql) {
  const std::string lower = ascii::lower(cql);
  char quote = 0;
  for (std::size_t at = 0; at < lower.size(); ++at) {
    const char c = lower[at];
    if (quote != 0) {
      if (c == '\\') ++at;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (lower.compare(at, 6, "order ") == 0 &&
               (at == 0 || lower[at - 1] == ' ' || lower[at - 1] == ')') &&
               unicode::trim(std::string_view(lower).substr(at + 6)).starts_with("by ")) {
      return at;
    }
  }
  return lower.size();
}

/// A query that could leave its parentheses would choose other pages than it says.
Result<void> check_cql(std::string_view cql) {
  int depth = 0;
  char quote = 0;
  for (std::size_t at = 0; at < cql.size() && depth >= 0; ++at) {
    const char c = cql[at];
    if (quote != 0) {
      if (c == '\\') ++at;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else {
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
  }
  if (quote != 0) return fail(Code::invalid_argument, "cql='{}': a quote is not closed", cql);
  if (depth != 0)
    return fail(Code::invalid_argument, "cql='{}': its parentheses do not match", cql);
  return {};
}

Result<void> check_value(ConfluenceSource& source) {
  const bool is_text = unicode::is_valid_utf8(source.value) &&
                       std::none_of(source.value.begin(), source.value.end(), [](char c) {
                         return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
                       });
  if (!is_text || source.value.size() > value_bytes_max)
    return fail(Code::invalid_argument,
                "the source holds control characters, bytes that are not UTF-8 or more than {} "
                "bytes; {}",
                value_bytes_max, form);
  if (source.scope == ConfluenceScope::cql) {
    source.value = unicode::trim(source.value.substr(0, order_start(source.value)));
    TRY(check_cql(source.value));
  }
  if (source.value.empty())
    return fail(Code::invalid_argument, "the source chooses nothing; {}", form);
  if (source.scope == ConfluenceScope::page && !is_content_id(source.value))
    return fail(Code::invalid_argument,
                "page={} is no page id; it is the number in the page's URL (pageId=, or behind "
                "/pages/)",
                source.value);
  return {};
}

Result<void> take_parameter(ConfluenceSource& source, std::string_view parameter) {
  const std::string_view key = parameter.substr(0, parameter.find('='));
  const std::string value =
      decode_component(parameter.substr(std::min(key.size() + 1, parameter.size())));
  if (key == "attachments") {
    if (value != "yes" && value != "no")
      return fail(Code::invalid_argument, "attachments={}: write yes or no", value);
    source.has_attachments = value == "yes";
    return {};
  }
  if (key != "space" && key != "cql" && key != "page")
    return fail(Code::invalid_argument, "'{}' is not known here; {}", key, form);
  if (!source.value.empty())
    return fail(Code::invalid_argument, "one of space, cql and page is allowed, once; {}", form);
  source.scope = key == "space" ? ConfluenceScope::space
                 : key == "cql" ? ConfluenceScope::cql
                                : ConfluenceScope::page;
  source.value = unicode::trim(value);
  return check_value(source);
}

/// People paste what stands in their browser: ".../wiki/spaces/KEY/pages/123/Title".
Result<void> check_base(const ConfluenceSource& source) {
  const std::string& path = source.base.path;
  const std::size_t spaces = path.find("/spaces/");
  const std::size_t display = path.find("/display/");
  const std::size_t at = std::min(spaces, display);
  if (at == std::string::npos) return {};
  const std::size_t start = path.find('/', at + 1) + 1;
  const std::string key = path.substr(start, path.find('/', start) - start);
  return fail(Code::invalid_argument,
              "'{}' is the address of a page in a browser; write confluence:{}{}?space={}", path,
              source.base.origin(), path.substr(0, at), key);
}

}  // namespace

std::string ConfluenceSource::prefix() const {
  return fmt::format("confluence:{}{}/", base.origin(), base.path);
}

std::string ConfluenceSource::text() const {
  std::string shown;
  for (const char c : value)
    shown += std::string_view("%&#").find(c) == std::string_view::npos
                 ? std::string(1, c)
                 : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  const std::string_view key = scope == ConfluenceScope::space ? "space"
                               : scope == ConfluenceScope::cql ? "cql"
                                                               : "page";
  return fmt::format("confluence:{}{}?{}={}", base.origin(), base.path, key, shown);
}

std::string ConfluenceSource::condition() const {
  if (scope == ConfluenceScope::page) return {};
  const std::string pages =
      scope == ConfluenceScope::space ? "space = " + cql_string(value) : "(" + value + ")";
  return pages + " and type in (page, blogpost)";
}

Result<ConfluenceSource> parse_confluence_source(const std::string& text) {
  std::string_view rest = text;
  rest.remove_prefix(std::min<std::size_t>(rest.find(':') + 1, rest.size()));
  const std::size_t question = std::min(rest.find('?'), rest.size());
  ConfluenceSource source;
  source.base = TRY(parse_url(rest.substr(0, question)).within("confluence"));
  while (source.base.path.ends_with('/')) source.base.path.pop_back();
  TRY(check_base(source));
  const bool is_atlassian = source.base.host.ends_with(".atlassian.net");
  if (is_atlassian && source.base.path.empty()) source.base.path = "/wiki";
  source.is_cloud = is_atlassian || source.base.path.ends_with("/wiki");
  std::string_view query = rest.substr(std::min(question + 1, rest.size()));
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (!parameter.empty()) TRY(take_parameter(source, parameter));
  }
  if (source.value.empty())
    return fail(Code::invalid_argument, "'{}' does not say which pages; {}", http::redact_url(rest),
                form);
  return source;
}

bool is_content_id(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string cql_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace slipway::connectors::detail
