// One server behind a vendor's HTTP API, and how it says that it failed.
#pragma once

#include <memory>
#include <string>

#include "core/json.hpp"
#include "http/client.hpp"
#include "models/remote_api.hpp"

namespace slipway::models::detail {

/// The secret that "env:NAME" or "file:PATH" stands for; empty for an empty reference. Fails:
/// invalid_argument (a literal, an unset variable), not_found, forbidden. No message holds the
/// secret.
Result<std::string> resolve_secret(const std::string& reference);

/// Safe to use from many threads.
class RemoteEndpoint {
 public:
  struct Options {
    std::string model_name;  ///< Ours, for messages.
    Provider provider = Provider::openai;
    std::string base_url;                        ///< As `api_url` gives it.
    std::string api_key;                         ///< A reference.
    std::chrono::milliseconds retry_pause{500};  ///< Before the first retry; doubles.
  };
  static Result<RemoteEndpoint> open(Options options);

  /// POSTs JSON to base_url + `path`. A 2xx answer comes back, its body through `sink` if given.
  /// What may pass is asked twice more, unless the sink has got something already. Fails:
  /// invalid_argument, unauthenticated, forbidden, not_found, conflict, rate_limited, unavailable,
  /// unsupported, deadline_exceeded, cancelled; the message holds what the server said.
  Result<http::ClientResponse> post(const Context& context, std::string_view path,
                                    const json::Value& body, const http::BodySink& sink = {}) const;
  Provider provider() const { return options_.provider; }
  /// An error of ours about what this server did: "model 'm' at URL: ...".
  Error error(Code code, std::string_view what) const;
  /// The error that the body of an answer describes in the provider's way.
  Error describe(int status, std::string_view body) const;
  /// What the server said, as part of a message: one line, short, without the key.
  std::string quote(std::string_view text) const;
  /// Without user, password and query.
  const std::string& shown_url() const { return shown_url_; }

 private:
  struct Attempt;
  RemoteEndpoint() = default;
  Attempt attempt(const Context& context, const http::ClientRequest& request,
                  const http::BodySink& sink) const;
  std::string without_secret(std::string_view text) const;

  Options options_;
  std::string secret_;
  std::string shown_url_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace slipway::models::detail
