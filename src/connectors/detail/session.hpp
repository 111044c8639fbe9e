// GET requests to one server, as a polite and careful client makes them: redirects are followed by
// us, what may pass is asked again, a server that wants rest gets it, and credentials go nowhere
// but to the server that they are for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "connectors/connector.hpp"
#include "connectors/detail/url.hpp"
#include "core/guarded.hpp"
#include "http/client.hpp"

namespace slipway::connectors::detail {

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
  Url url;  ///< Where redirects led.

  std::string header(const std::string& name) const;
};

/// What an earlier answer told, to ask whether it still holds.
struct Condition {
  std::string url;  ///< Sent only to this one: another resource's tag says nothing.
  std::string etag;
  std::string last_modified;
};

/// A step on a way of redirects.
struct Hop {
  Url url;
  /// Whether credentials may be sent. Once another host has been asked, what it leads to is its
  /// wish, not the user's.
  bool is_trusted = false;
};

/// Where a redirect leads. Fails: unavailable (nowhere, to another scheme, from https to http).
Result<Hop> follow_redirect(const Hop& from, const std::string& location);

/// Safe to use from many threads.
class Session {
 public:
  /// `site`: which credentials are used. Fails as `open`.
  static Result<Session> open(const Url& site, const Options& options);

  /// Any status that is left after redirects and retries is a reply. Fails: unavailable (the
  /// transport, a redirect that is not followed), invalid_argument (too large),
  /// deadline_exceeded, cancelled.
  Result<Reply> get(const Context& context, const Url& url, const Condition& condition = {}) const;

  /// What a reply with an error status means, with what the server says.
  Error error(const Reply& reply) const;
  bool has_credentials() const { return !authorization_.empty(); }
  const Options& options() const { return options_; }

 private:
  Session() = default;
  Result<Reply> ask(const Context& context, const Hop& hop, const Condition& condition) const;
  Result<Reply> ask_once(const Context& context, const http::ClientRequest& request,
                         const Url& url) const;
  void note_rest(const Reply& reply) const;
  std::optional<std::chrono::milliseconds> wanted_rest(const Reply& reply) const;
  std::string without_secrets(std::string text) const;

  Options options_;
  Url site_;
  std::string authorization_;  ///< The header's value.
  std::string token_;
  std::shared_ptr<http::Client> client_;
  /// When the server has asked for rest: no request before. Shared: a session is moved.
  std::shared_ptr<Guarded<std::chrono::steady_clock::time_point>> resting_until_;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for anything else.
std::optional<Clock::Time> parse_http_date(std::string_view text);

/// Foreign text as a part of a message: one line, printable; longer text ends with "...".
std::string one_line(std::string_view text, std::size_t bytes_max = 300);

/// What a body is about: the message of an API's error, the title of a web page, or its beginning.
std::string summary_of(std::string_view body);
bool looks_like_html(std::string_view body);

}  // namespace slipway::connectors::detail
