#include "http/detail/curl_request.hpp"

#include <algorithm>

#include "core/base64.hpp"
#include "http/detail/head.hpp"
#include "http/detail/reach.hpp"
#include "http/loopback.hpp"

namespace slipway::http::detail {

namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

/// As curl itself does it: of the UTF-8 bytes, and a user without a password has an empty one.
std::string basic_authorization(CURLU* url) {
  const std::string user = part_of(url, CURLUPART_USER, CURLU_URLDECODE);
  const std::string password = part_of(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
  if (user.empty() && password.empty()) return {};
  return "Basic " + base64(user + ":" + password);
}

Target target_of(CURLU* url, bool is_secure) {
  Target target;
  target.is_secure = is_secure;
  target.host = part_of(url, CURLUPART_HOST, CURLU_PUNYCODE);
  if (target.host.empty()) target.host = part_of(url, CURLUPART_HOST);
  const std::string port = part_of(url, CURLUPART_PORT);
  target.authority = port.empty() ? target.host : target.host + ":" + port;
  target.origin = fmt::format("{}://{}:{}", is_secure ? "https" : "http", target.host,
                              port.empty() ? (is_secure ? "443" : "80") : port);
  target.is_loopback = is_loopback(target.host);
  if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
  target.path = part_of(url, CURLUPART_PATH);
  if (const std::string query = part_of(url, CURLUPART_QUERY); !query.empty())
    target.path += "?" + query;
  target.authorization = basic_authorization(url);
  return target;
}

}  // namespace

Result<Target> check_url(const std::string& text) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
  if (code != CURLUE_OK || text.find('\0') != std::string::npos)
    return fail(Code::invalid_argument, "'{}' is not a URL ({}); write http://HOST[:PORT]/PATH",
                redact_url(text), curl_url_strerror(code));
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return fail(Code::invalid_argument, "'{}' has the scheme '{}'; only http and https are spoken",
                redact_url(text), scheme);
  return target_of(url.get(), scheme == "https");
}

/// A line break in a value would let it add headers of its own.
Result<void> check_head(const ClientRequest& request) {
  const auto is_break = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (!is_token(request.method))
    return fail(Code::invalid_argument, "'{}' is not an HTTP method", request.method);
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return fail(Code::invalid_argument, "'{}' is not a header name", name);
    if (std::any_of(value.begin(), value.end(), is_break))
      return fail(Code::invalid_argument, "the value of header {} has a line break in it", name);
  }
  return {};
}

void start_curl() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  SLIPWAY_ASSERT(ready);
}

Result<Target> check_request(const ClientRequest& request) {
  TRY(check_head(request));
  return check_url(request.url);
}

HeaderList header_list(const ClientRequest& request, std::string_view without) {
  // Without this curl waits up to a second for "100 Continue" before it sends a long body.
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  std::string line;
  for (const auto& [name, value] : request.headers) {
    if (!without.empty() && equals_ignoring_case(name, without)) continue;
    line = name;
    if (value.empty()) {
      line += ';';  // curl's spelling of a header without a value.
    } else {
      line += ": ";
      line += value;
    }
    list = curl_slist_append(list, line.c_str());
  }
  return HeaderList(list);
}

void PublicOnly::guard(CURL* easy) {
  refused_.clear();
  // A proxy would resolve the name itself, where nobody checks what it finds.
  set_option(easy, CURLOPT_PROXY, "");
  set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &PublicOnly::open);
  set_option(easy, CURLOPT_OPENSOCKETDATA, this);
}

curl_socket_t PublicOnly::open(void* self, curlsocktype, curl_sockaddr* address) {
  return static_cast<PublicOnly*>(self)->open_socket(*address);
}

curl_socket_t PublicOnly::open_socket(const curl_sockaddr& address) {
  if (is_public(address.addr)) return detail::open_socket(address);
  refused_ = address_text(address.addr);
  return CURL_SOCKET_BAD;
}

curl_socket_t open_socket(const curl_sockaddr& address) {
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

Error refused_address(const std::string& url, const std::string& address) {
  return fail(Code::forbidden,
              "{}: the host has the address {}, which is not on the public internet; only public "
              "hosts may be asked here",
              redact_url(url), address);
}

}  // namespace slipway::http::detail
