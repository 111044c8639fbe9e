// RFC 3986, of it what http needs. Not curl's parser: that keeps several spellings of one URL
// apart, and a document's identity must not depend on how somebody wrote it.
#include "connectors/detail/url.hpp"

#include <charconv>
#include <vector>

#include "core/ascii.hpp"
#include "http/client.hpp"

namespace slipway::connectors::detail {

namespace {

constexpr std::size_t url_bytes_max = 8192;
constexpr std::string_view path_characters = "-._~!$&'()*+,;=:@/";
constexpr std::string_view query_characters = "-._~!$&'()*+,;=:@/?";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_unreserved(char c) {
  return is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}

/// The byte of an escape at `at`, or -1.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text.substr(at).size() < 3 || text[at] != '%') return -1;
  int byte = 0;
  const auto [end, error] = std::from_chars(&text[at + 1], &text[at + 1] + 2, byte, 16);
  return error == std::errc() && end == &text[at + 1] + 2 && text[at + 1] != '-' ? byte : -1;
}

void append_escaped(std::string& out, char c) {
  out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
}

/// One spelling of what may stand in a path or a query.
std::string normalise_part(std::string_view text, std::string_view allowed) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const int byte = escaped_byte(text, at); byte >= 0) {
      const char c = static_cast<char>(byte);
      is_unreserved(c) ? void(out += c) : append_escaped(out, c);
      at += 2;
    } else if (is_alphanumeric(text[at]) || allowed.find(text[at]) != std::string_view::npos) {
      out += text[at];
    } else {
      append_escaped(out, text[at]);
    }
  }
  return out;
}

/// `path` begins with '/'.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> segments;
  bool is_folder = false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    is_folder = segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!is_folder) segments.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  if (is_folder || out.empty()) out += '/';
  return out;
}

void set_target(Url& url, std::string_view target) {
  target = target.substr(0, target.find('#'));
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string path = normalise_part(target.substr(0, question), path_characters);
  if (!path.starts_with('/')) path.insert(0, "/");
  url.path = without_dots(path);
  url.query.clear();
  if (question < target.size())
    url.query = "?" + normalise_part(target.substr(question + 1), query_characters);
}

Result<void> set_host(Url& url, std::string_view authority, const std::string& shown) {
  if (authority.find('@') != std::string_view::npos)
    return fail(
        Code::invalid_argument,
        "{}: a user or password stands in the URL, which would be stored and shown; take it "
        "out and put it into the credentials of this server",
        shown);
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon =
      bracket == std::string_view::npos ? bracket : authority.find(':', bracket);
  url.host = ascii::lower(authority.substr(0, colon));
  for (const char c : url.host)
    if (!is_alphanumeric(c) && static_cast<unsigned char>(c) < 0x80 &&
        std::string_view(url.host.starts_with('[') ? "[]:." : "-._").find(c) ==
            std::string_view::npos)
      return fail(Code::invalid_argument, "{}: '{}' cannot stand in the name of a host", shown, c);
  if (url.host.empty() || url.host == "." || (url.host[0] == '[' && !url.host.ends_with(']')))
    return fail(Code::invalid_argument, "'{}' names no host; write https://HOST/PATH", shown);
  url.port = url.scheme == "https" ? 443 : 80;
  if (colon == std::string_view::npos || colon + 1 == authority.size()) return {};
  const std::string_view port = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size() || url.port < 1 || url.port > 65535)
    return fail(Code::invalid_argument, "{}: the port '{}' is not a number in 1..65535", shown,
                port);
  return {};
}

}  // namespace

std::string Url::origin() const {
  const bool is_default = port == (scheme == "https" ? 443 : 80);
  return fmt::format("{}://{}{}", scheme, host, is_default ? "" : fmt::format(":{}", port));
}

Result<Url> parse_url(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return fail(Code::invalid_argument, "the URL has control characters in it; write it anew");
  if (text.size() > url_bytes_max)
    return fail(Code::invalid_argument, "a URL of {} bytes is longer than the limit of {}",
                text.size(), url_bytes_max);
  const std::string shown = http::redact_url(text);
  const std::size_t colon = text.find(':');
  Url url;
  url.scheme = ascii::lower(text.substr(0, std::min(colon, text.size())));
  if ((url.scheme != "http" && url.scheme != "https") ||
      !text.substr(url.scheme.size()).starts_with("://"))
    return fail(Code::invalid_argument,
                "'{}' is not a URL of http or https; write https://HOST/PATH", shown);
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?#\\"), text.size());
  TRY(set_host(url, text.substr(0, end), shown));
  set_target(url, text.substr(end));
  return url;
}

Result<Url> resolve(const Url& base, std::string_view reference) {
  if (const std::size_t colon = reference.find(':');
      colon < std::min(reference.find_first_of("/?#"), reference.size()))
    return parse_url(reference);
  if (reference.starts_with("//")) return parse_url(fmt::format("{}:{}", base.scheme, reference));
  for (const char c : reference)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return fail(Code::invalid_argument, "a link has control characters in it");
  Url url = base;
  if (reference.starts_with('/')) {
    set_target(url, reference);
  } else if (reference.starts_with('?')) {
    set_target(url, base.path + std::string(reference));
  } else if (!reference.empty() && !reference.starts_with('#')) {
    const std::string folder = base.path.substr(0, base.path.rfind('/') + 1);
    set_target(url, folder + std::string(reference));
  }
  return url;
}

std::string encode_component(std::string_view text) {
  std::string out;
  for (const char c : text) is_unreserved(c) ? void(out += c) : append_escaped(out, c);
  return out;
}

std::string decode_component(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = escaped_byte(text, at);
    out += byte >= 0 ? static_cast<char>(byte) : text[at];
    if (byte >= 0) at += 2;
  }
  return out;
}

}  // namespace slipway::connectors::detail
