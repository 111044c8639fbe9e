// What every transfer over curl shares: what may be sent, and where to.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "http/client.hpp"

namespace slipway::http::detail {

/// Once per process, before the first handle.
void start_curl();

/// A URL in the parts that a call needs.
struct Target {
  bool is_loopback = false;   ///< By its name: a proxy of the environment cannot reach it.
  bool is_secure = false;     ///< https
  std::string host;           ///< Without brackets; in ASCII, if curl can say it so.
  std::string authority;      ///< "example.org:8080": what the header Host says.
  std::string origin;         ///< "https://example.org:443": whose connections may serve it.
  std::string path;           ///< With the query.
  std::string authorization;  ///< Of a user in the URL: "Basic dTpw", or nothing.
};
/// Refuses what curl would take but we must not send: other schemes, control characters, line
/// breaks in headers. Fails: invalid_argument.
Result<Target> check_request(const ClientRequest& request);
Result<void> check_head(const ClientRequest& request);
Result<Target> check_url(const std::string& url);

template <typename Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  SLIPWAY_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;
/// The request's headers, except the one named `without`.
HeaderList header_list(const ClientRequest& request, std::string_view without = {});

/// Refuses connections to addresses that are not public, after names have been resolved.
class PublicOnly {
 public:
  /// Set on a handle before its transfer; outlives it.
  void guard(CURL* easy);
  /// What curl gets for a socket to this address.
  curl_socket_t open_socket(const curl_sockaddr& address);
  /// The address that was refused last; empty: none.
  const std::string& refused() const { return refused_; }

 private:
  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* address);

  std::string refused_;
};
curl_socket_t open_socket(const curl_sockaddr& address);
/// What a caller is told about it.
Error refused_address(const std::string& url, const std::string& address);

}  // namespace slipway::http::detail
