// Outgoing calls that nobody waits for: thousands of slow streams, on the edge thread that starts
// them or else on one of their own.
//
// HTTP/1.1, one call at a time on a connection. The proxies of the environment are used, by
// CONNECT.
//
// The blocking `Client` (client.hpp) is what everything uses whose caller has a thread anyway; this
// is for calls that are only relayed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "http/client.hpp"
#include "http/message.hpp"

namespace slipway::http {

/// What happens to a call, on one thread, in this order; nothing after `on_end`. They must
/// not wait.
struct UpstreamEvents {
  /// Status and headers (names as sent). Once, of the final answer: 1xx ones are left out.
  std::function<void(int status, Headers headers)> on_head;
  /// A piece of the body; false pauses the call until `resume`. Decoded, if the request has an
  /// Accept-Encoding header: then Content-Encoding and Content-Length are left out of the headers.
  std::function<bool(std::string_view piece)> on_body;
  /// The body is whole, or the transport failed: unavailable (refused, reset, DNS, TLS, cut off),
  /// deadline_exceeded (the message names which of the three), cancelled, forbidden (`reach`).
  /// Exactly once.
  std::function<void(Result<void>)> on_end;
};

struct UpstreamTimeouts {
  std::chrono::milliseconds connect{2'000};
  std::chrono::milliseconds first_byte{30'000};  ///< From the request's end to the first body byte.
  std::chrono::milliseconds total{600'000};
};

/// A running call. Both may be called from any thread, also when it has ended. Letting go of it
/// does not end it.
class UpstreamCall {
 public:
  virtual ~UpstreamCall() = default;
  virtual void cancel() = 0;
  virtual void resume() = 0;
};

/// Keeps connections alive and reuses them. Safe to use from many threads. The destructor cancels
/// what runs and waits for it.
class Upstream {
 public:
  struct Options {
    std::size_t connections_per_host_max = 0;  ///< Of each thread. 0: no limit.
    std::size_t calls_max = 16'384;
    std::size_t idle_connections_max = 1'024;  ///< Of each thread.
    Reach reach = Reach::anywhere;
    std::string ca_file = {};  ///< PEM file of authorities for https; empty: the system's.
  };
  static Result<std::unique_ptr<Upstream>> make(Options options);
  virtual ~Upstream() = default;

  /// Fails at once: invalid_argument (URL, header), unavailable (`calls_max`).
  virtual Result<std::shared_ptr<UpstreamCall>> start(ClientRequest request,
                                                      UpstreamTimeouts timeouts,
                                                      UpstreamEvents events) = 0;
};

}  // namespace slipway::http
