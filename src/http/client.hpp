// Outgoing HTTP over libcurl, blocking, with deadlines and cancellation from the Context.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  ///< http:// or https:// only.
  std::map<std::string, std::string> headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string>
      headers;       ///< Names in lower case; repeated ones joined by ", ".
  std::string body;  ///< Empty when a sink took it.
};

/// Gets the body piece by piece; false stops the transfer (the call then fails with `cancelled`).
using BodySink = std::function<bool(std::string_view piece)>;

/// Keeps connections alive between calls. Safe to use from many threads.
class Client {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds timeout{300'000};  ///< Whole call, unless the Context is stricter.
    std::size_t body_bytes_max = 256u << 20;
  };
  static std::unique_ptr<Client> make(Options options);
  virtual ~Client() = default;

  /// Any status is a response; only transport faults are errors: unavailable (refused, reset, DNS,
  /// TLS), deadline_exceeded, cancelled, invalid_argument (URL). Never follows redirects. Every
  /// call is a fault point.
  virtual Result<ClientResponse> send(const Context& context, const ClientRequest& request,
                                      const BodySink& sink = {}) = 0;
};

/// Cuts a text/event-stream into events; feed it pieces as they come.
class SseParser {
 public:
  struct Event {
    std::string event = "message";
    std::string data;
    std::string id;
  };
  /// Calls `on_event` for every event completed by `piece`; stops early when it returns false.
  bool feed(std::string_view piece, const std::function<bool(const Event&)>& on_event);

 private:
  std::string pending_;
  Event event_;
  bool has_data_ = false;
};

}  // namespace slipway::http
