// The one place that decides whether a request may go on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/access.hpp"
#include "http/message.hpp"

namespace slipway::access {

/// Who asks, and may they? Safe to use from many threads.
///
/// Without keys the server listens on loopback only, and whoever is on this machine may do all; web
/// pages of others may not: a browser names the page it acts for (Origin, Sec-Fetch-Site), and a
/// page that gave its own name this machine's address (DNS rebinding) is known by its Host.
class Gate {
 public:
  struct Options {
    Keys& keys;  ///< Must outlive the gate.
    /// Names besides loopback ones by which browsers may call the server; empty and with keys: any.
    std::vector<std::string> host_names;
    /// Pages of other origins that may call the API: "https://app.example.org".
    std::vector<std::string> origins;
    /// What a session cookie proves; null: there are no sessions.
    std::function<std::optional<Caller>(const http::Request&)> session;
    bool demands_keys = false;  ///< Also when there is none yet: the server is open to others.
  };
  explicit Gate(Options options) : options_(std::move(options)) {}

  /// The key is taken from `Authorization: Bearer`, `x-api-key` or the session. Fails:
  /// unauthenticated (no key, an unknown one), forbidden (a web page of another origin or name).
  Result<Caller> who(const http::Request& request) const;
  /// Also fails: forbidden (the caller's role is less than `least`).
  Result<Caller> admit(const http::Request& request, Role least) const;

  /// Whether a page of that origin may read answers: for CORS headers.
  bool allows_origin(std::string_view origin) const;

 private:
  Result<void> check_page(const http::Request& request) const;
  bool is_known_host(std::string_view host) const;

  Options options_;
};

}  // namespace slipway::access
