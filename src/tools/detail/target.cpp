#include "tools/detail/target.hpp"

#include <algorithm>
#include <charconv>

#include "core/ascii.hpp"

namespace slipway::tools::detail {

namespace {

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

Result<void> check_host(const std::string& host) {
  if (host.starts_with('[')) {
    const std::string_view within = std::string_view(host).substr(1, host.size() - 2);
    const bool holds = host.ends_with(']') && !within.empty() &&
                       within.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    if (holds) return {};
  } else if (!host.empty() && std::all_of(host.begin(), host.end(), is_host_character)) {
    return {};
  }
  return fail(Code::invalid_argument,
              "the URL has the host '{}'; letters, digits, dots and dashes are expected (names in "
              "other scripts as xn--...)",
              host.substr(0, 100));
}

/// Blanks and what is beyond ASCII are encoded; control characters are refused.
Result<std::string> cleaned(std::string_view rest) {
  std::string out;
  for (const char c : rest.substr(0, rest.find('#'))) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      return fail(Code::invalid_argument, "the URL has a control character in it");
    if (byte == ' ' || byte >= 0x80 || c == '\\' || c == '"' || c == '<' || c == '>')
      out += fmt::format("%{:02X}", byte);
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string Target::host_port() const { return fmt::format("{}:{}", host, port); }
std::string Target::origin() const { return fmt::format("{}://{}", scheme, host_port()); }

Result<Target> parse_target(std::string_view url) {
  Target target;
  const std::size_t colon = url.find("://");
  target.scheme = ascii::lower(url.substr(0, std::min(colon, std::size_t{20})));
  if (colon == std::string_view::npos || (target.scheme != "http" && target.scheme != "https"))
    return fail(Code::invalid_argument, "'{}' is no URL of http or https; write https://HOST/PATH",
                url.substr(0, std::min(url.find_first_of("/?#@"), std::size_t{40})));
  url.remove_prefix(colon + 3);
  const std::size_t end = std::min(url.find_first_of("/?#\\"), url.size());
  std::string_view authority = url.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return fail(Code::invalid_argument,
                "the URL has a user or password in it; those belong into a header");
  const std::size_t bracket = authority.find(']');
  const std::size_t port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  target.port = target.scheme == "https" ? 443 : 80;
  if (port != std::string_view::npos) {
    const std::string_view digits = authority.substr(port + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), target.port);
    constexpr int port_max = 65535;
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || target.port < 1 ||
        target.port > port_max)
      return fail(Code::invalid_argument, "the URL's port is no number in 1..{}", port_max);
    authority = authority.substr(0, port);
  }
  target.host = ascii::lower(authority);
  if (target.host.ends_with('.')) target.host.pop_back();
  TRY(check_host(target.host));
  target.rest = TRY(cleaned(url.substr(end)));
  return target;
}

Result<Target> follow(const Target& from, std::string_view location) {
  if (location.find("://") < location.find_first_of("/?#")) return parse_target(location);
  if (location.starts_with("//")) return parse_target(fmt::format("{}:{}", from.scheme, location));
  const std::string_view path = std::string_view(from.rest).substr(0, from.rest.find('?'));
  std::string rest;
  if (location.starts_with('/'))
    rest = location;
  else if (location.starts_with('?'))
    rest = fmt::format("{}{}", path, location);
  else
    rest = fmt::format("{}{}", path.empty() ? "/" : path.substr(0, path.rfind('/') + 1), location);
  return parse_target(from.origin() + rest);
}

}  // namespace slipway::tools::detail
