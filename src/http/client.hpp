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

/// Where connections may go to.
enum class Reach {
  anywhere,
  /// Only to addresses of the public internet, whatever a name resolves to at the moment of
  /// connecting: for URLs that somebody else gave. Proxies of the environment are not used then.
  public_only
};

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

/// Gets the body of a 2xx response piece by piece (any other body is in the response, so that an
/// error page is never taken for the result); false stops the transfer (the call then fails with
/// `cancelled`).
using BodySink = std::function<bool(std::string_view piece)>;

/// Keeps connections alive between calls. Safe to use from many threads.
class Client {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds timeout{300'000};  ///< Whole call, unless the Context is stricter.
    std::size_t body_bytes_max = 256u << 20;     ///< Of a body that no sink takes.
    Reach reach = Reach::anywhere;
  };
  static std::unique_ptr<Client> make(Options options);
  virtual ~Client() = default;

  /// Any status is a response; only transport faults are errors: unavailable (refused, reset, DNS,
  /// TLS, a body that is too long), deadline_exceeded, cancelled, invalid_argument (URL, method or
  /// header that cannot be sent), forbidden (`Reach::public_only`). Messages never show a URL's
  /// user, password or query. Never follows redirects. Every call is a fault point.
  virtual Result<ClientResponse> send(const Context& context, const ClientRequest& request,
                                      const BodySink& sink = {}) = 0;
};

/// `url` without what may be secret in it: user, password, query and fragment. For messages.
std::string redact_url(std::string_view url);

/// Cuts a text/event-stream into events; feed it pieces as they come.
class SseParser {
 public:
  struct Event {
    std::string event = "message";
    std::string data;
    std::string id;
  };
  /// An event that is longer is not kept: the stream is then broken and stays so.
  static constexpr std::size_t event_bytes_max = 16u << 20;

  /// Calls `on_event` for every event completed by `piece`; stops early when it returns false.
  /// False also when the stream is broken.
  bool feed(std::string_view piece, const std::function<bool(const Event&)>& on_event);
  bool is_broken() const { return is_broken_; }

 private:
  bool take_line(std::string_view line, const std::function<bool(const Event&)>& on_event);

  std::string pending_;  ///< A line that has not ended yet.
  Event event_;
  bool has_data_ = false;
  bool is_first_line_ = true;     ///< It may begin with a byte order mark.
  bool skips_line_feed_ = false;  ///< The last piece ended with CR: a LF now belongs to it.
  bool is_broken_ = false;
};

}  // namespace slipway::http
