#include "ui/door.hpp"

#include <algorithm>

namespace slipway::ui {

namespace {

bool changes_nothing(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

/// Cookies are shared by all ports of a host; the port in the name keeps two servers apart.
std::string cookie_name(const http::Request& head) {
  const std::string_view host = head.headers.get("host");
  const std::size_t colon = host.rfind(':');
  std::string name = "slipway_session";
  if (colon == std::string_view::npos) return name;
  const std::string_view port = host.substr(colon + 1);
  const bool is_port = !port.empty() && std::all_of(port.begin(), port.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  if (is_port) name.append("_").append(port);
  return name;
}

std::string_view find_pair(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name)
      return pair.substr(equals + 1);
  }
  return {};
}

std::string_view token_of(const http::Request& head) {
  const std::string_view cookies = head.headers.get("cookie");
  // Programs send none, and ask the most.
  return cookies.empty() ? std::string_view() : find_pair(cookies, cookie_name(head));
}

std::string set_cookie(const http::Request& request, std::string_view token,
                       std::chrono::seconds age) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name(request),
                     token, age.count(), request.is_secure ? "; Secure" : "");
}

Result<void> check_header(const http::Request& request) {
  if (request.headers.get("x-slipway-ui") == "1") return {};
  return fail(Code::forbidden,
              "the session of the page is changed only by the page, which sends "
              "the header 'x-slipway-ui: 1'");
}

}  // namespace

Door::Door(Options options, const Clock& clock, Random& random)
    : options_(std::move(options)), sessions_(options_.sessions, clock, random) {}

std::optional<access::Caller> Door::caller(const http::Request& head) {
  const std::string_view token = token_of(head);
  if (token.empty() || !options_.find_key) return std::nullopt;
  if (!changes_nothing(head.method) && !check_header(head)) return std::nullopt;
  const auto key = sessions_.key_of(token);
  if (!key) return std::nullopt;
  return options_.find_key(*key);
}

Result<std::string> Door::sign_in(const http::Request& request, std::string_view key) {
  TRY(check_header(request));
  if (!options_.find_key || !options_.find_key(key))
    return fail(Code::unauthenticated, "this key is not known here, was revoked or has expired");
  // A browser that signs in anew leaves no session behind.
  sessions_.close(token_of(request));
  return set_cookie(request, sessions_.open(std::string(key)), sessions_.options().lifetime);
}

Result<std::string> Door::sign_out(const http::Request& request) {
  TRY(check_header(request));
  sessions_.close(token_of(request));
  return set_cookie(request, "", std::chrono::seconds(0));
}

}  // namespace slipway::ui
