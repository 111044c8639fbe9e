// Calls to the web as tools may make them: only where they are allowed to, whatever a name resolves
// to, whatever a server redirects to.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "tools/detail/config.hpp"
#include "tools/detail/kinds.hpp"
#include "tools/detail/target.hpp"

namespace slipway::tools::detail {

struct WebRules {
  std::vector<std::string> allow;          ///< Hosts, "*.example.org"; empty: all.
  std::vector<std::string> allow_private;  ///< "host:port" that need not be public.
  std::size_t bytes_max = 1u << 20;
  int redirects_max = 3;
};
/// allow, allow_private, max_bytes, redirects.
Result<WebRules> read_web_rules(const ConfigMap& map);

struct WebRequest {
  std::string method = "GET";
  std::string url;
  std::map<std::string, std::string> headers;
  /// "env:NAME", "file:PATH", also behind a word: "Bearer env:TOKEN". Sent to the first origin
  /// only, and masked in whatever comes back.
  std::map<std::string, std::string> secret_headers;
  std::string body;
};

struct WebReply {
  Value value;  ///< JSON as what it says, other text as text, nothing as null.
  int status = 0;
};

/// Safe to use from many threads.
class WebCaller {
 public:
  explicit WebCaller(WebRules rules);
  /// A reply of 2xx, or how it failed: kinds refused, network, timeout, rate_limit, tool,
  /// cancelled; unknown when the request may have arrived.
  ToolResult call(const Context& context, const WebRequest& request) const;

 private:
  struct Sent {
    http::ClientResponse response;
    bool is_cut = false;
  };
  Result<Sent> send(const Context& context, const Target& target,
                    const http::ClientRequest& request) const;
  Result<void> check(const Target& target) const;
  bool is_private_allowed(const Target& target) const;

  const WebRules rules_;
  std::unique_ptr<http::Client> public_client_, private_client_;
};

/// Whether a header's value in a config names a secret.
bool names_secret(std::string_view value);

}  // namespace slipway::tools::detail
