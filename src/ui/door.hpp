// Which key a browser has shown: the session cookie of the page.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "access/access.hpp"
#include "http/message.hpp"
#include "ui/sessions.hpp"

namespace slipway::ui {

/// Safe to use from many threads, on the edge too: it never waits.
///
/// A browser adds cookies also to requests that its user never meant. So the cookie is SameSite
/// (other sites' pages do not get it sent), `access::Gate` refuses what names another origin, and
/// whatever changes something must carry the header `x-slipway-ui: 1`, which a browser lets no
/// other origin add without asking this server first.
class Door {
 public:
  struct Options {
    /// Whose key this is (`access::Keys::find`). Asked for each request of a session, so a revoked
    /// key ends its sessions at once.
    std::function<std::optional<access::Caller>(std::string_view key)> find_key;
    Sessions::Options sessions;
  };
  /// `clock` and `random` must outlive it.
  explicit Door(Options options, const Clock& clock = system_clock(),
                Random& random = system_random());

  /// Whose session the cookie names; nothing without one, or when the request would change
  /// something and lacks the header. `access::Gate::Options::session`.
  std::optional<access::Caller> caller(const http::Request& head);

  /// Takes a key and opens a session: the value of Set-Cookie. Fails: unauthenticated, forbidden
  /// (no `x-slipway-ui`).
  Result<std::string> sign_in(const http::Request& request, std::string_view key);
  /// Ends the session, if there is one: the value of Set-Cookie that takes the cookie away. Fails:
  /// forbidden.
  Result<std::string> sign_out(const http::Request& request);

 private:
  Options options_;
  Sessions sessions_;
};

}  // namespace slipway::ui
