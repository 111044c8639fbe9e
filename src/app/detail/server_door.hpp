// A running server that a command asks instead of reading the data folder.
#pragma once

#include <memory>
#include <string>

#include "core/context.hpp"
#include "http/client.hpp"

namespace slipway::app::detail {

/// Safe to use from many threads.
class ServerDoor {
 public:
  /// `key` is a reference, "env:NAME" or "file:PATH"; empty: $SLIPWAY_API_KEY, where it is set.
  /// Fails: as `resolve_secret`.
  static Result<ServerDoor> open(std::string url, const std::string& key);

  /// The reply's body. Fails: not_found, invalid_argument (400), unavailable with what the server
  /// says.
  Result<std::string> get(const Context& context, const std::string& target) const;
  Result<std::string> post(const Context& context, const std::string& target,
                           std::string json) const;

 private:
  ServerDoor(std::string url, std::string key) : url_(std::move(url)), key_(std::move(key)) {}
  Result<std::string> send(const Context& context, http::ClientRequest request) const;

  std::string url_, key_;
  std::unique_ptr<http::Client> client_ = http::Client::make({});
};

}  // namespace slipway::app::detail
