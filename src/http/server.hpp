// The HTTP edge: few threads accept, read, write and time out; what answers runs elsewhere.
//
//   auto server = TRY(http::Server::start({.port = 8700}, [&](const http::ExchangePtr& exchange) {
//     exchange->reply({.body = "hello"});
//   }));
//
// HTTP/1.1 (and 1.0) over TCP or TLS. A handler is called on an edge thread and must not wait: it
// answers at once, gives the exchange to a pool (`http/router.hpp` does), or keeps it until
// something happens. Whoever holds the exchange can answer from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "http/message.hpp"

namespace slipway::http {

/// One request and its answer. Safe to use from many threads. An exchange that is let go without an
/// answer answers 500; one whose body was begun and not ended breaks the connection, so that the
/// client does not take half an answer for a whole one.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  /// Stopped when the client has left or the server's patience at its end is over; carries trace
  /// id.
  virtual const Context& context() const = 0;
  /// Who asks, once somebody found out (`Gate` of the app); for access log and limits.
  virtual void set_caller(std::string caller) = 0;
  /// Added to the line of the access log: "model", "gpt-4o".
  virtual void note(std::string key, std::string value) = 0;

  /// The whole answer; compressed if the client takes it. Once, and not after `begin`.
  virtual void reply(Response response) = 0;

  /// Status and headers of an answer whose body comes in pieces (chunked; events are not buffered).
  virtual void begin(int status, Headers headers) = 0;
  /// Queues a piece; false when the client has gone, then all more is pointless. Never waits.
  virtual bool write(std::string piece) = 0;
  /// Ends the body; `trailers` go out if the client said that it takes them.
  virtual void end(Headers trailers = {}) = 0;
  /// Breaks the connection in the middle of a body.
  virtual void abort() = 0;

  /// Bytes that were written and not yet taken by the network.
  virtual std::size_t queued_bytes() const = 0;
  /// Calls `ready` once, on an edge thread, when no more than `Options::queued_bytes_low` wait (at
  /// once if so already) or when the client has gone. Replaces the one before.
  virtual void when_drained(std::function<void()> ready) = 0;
  /// For workers: waits until the same holds. Fails: cancelled (the client has gone),
  /// deadline_exceeded.
  virtual Result<void> wait_drained(const Context& context) = 0;
  /// Calls `gone` once, on an edge thread, when the client leaves before the answer is complete (at
  /// once if it has). Replaces the one before; forgotten when the answer is complete.
  virtual void when_gone(std::function<void()> gone) = 0;
  /// Keeps a begun event stream alive: a comment line after each such silence. Zero: not.
  virtual void set_heartbeat(std::chrono::milliseconds silence) = 0;
  /// Before `begin`: an event stream may be compressed too (each event is still sent at once).
  virtual void compress_events() {}
};
using ExchangePtr = std::shared_ptr<Exchange>;
using ExchangeHandler = std::function<void(const ExchangePtr&)>;

/// One line of the access log, when an answer is complete or its client has gone.
struct AccessRecord {
  std::string method, path, peer, request_id, trace_id, caller, user_agent;
  int status = 0;  ///< 499: the client left before an answer was begun.
  std::uint64_t bytes_in = 0, bytes_out = 0;
  double seconds = 0;  ///< From the first byte of the request to the last of the answer.
  bool complete = true;
  std::vector<std::pair<std::string, std::string>> notes;
};

/// What the edge holds at this moment, and has done.
struct ServerStats {
  std::size_t connections = 0, exchanges = 0;
  std::uint64_t accepted = 0, refused = 0, requests = 0, malformed = 0;
};

struct TlsOptions {
  std::string certificate_file;  ///< PEM chain. Empty: no TLS.
  std::string key_file;
  std::string client_ca_file;  ///< Mutual TLS: clients must prove a certificate of these.
};

class Server {
 public:
  struct Options {
    std::string host = "127.0.0.1";  ///< An address or "localhost".
    int port = 8700;                 ///< 0: any free one.
    std::size_t threads = 2;         ///< Of the edge.
    TlsOptions tls;
    std::size_t connections_max = 16'384;
    std::size_t header_bytes_max = 32u << 10;
    std::size_t body_bytes_max = 32u << 20;    ///< As sent and as decoded.
    std::size_t bodies_bytes_max = 1u << 30;   ///< Of all requests at once; beyond: 503.
    std::size_t queued_bytes_high = 1u << 20;  ///< A streaming writer should wait above it,
    std::size_t queued_bytes_low = 64u << 10;  ///< and go on below.
    std::size_t queued_bytes_max = 64u << 20;  ///< Who writes more than that loses its client.
    std::chrono::milliseconds header_timeout{10'000};  ///< From a request's first byte to its body.
    std::chrono::milliseconds body_timeout{60'000};    ///< Silence within a body.
    std::chrono::milliseconds idle_timeout{75'000};    ///< Between requests.
    std::chrono::milliseconds write_timeout{30'000};   ///< A client that takes no byte.
    std::function<void(const AccessRecord&)> on_access;  ///< On an edge thread; must be quick.
    /// Larger or smaller bodies for some paths (uploads); nothing: the general limit.
    std::function<std::optional<std::size_t>(const Request& head)> body_limit;
    /// Asked once the head is there, before a body is read (also before 100 Continue): an answer
    /// refuses the request. On an edge thread; must be quick.
    std::function<std::optional<Response>(const Request& head)> before_body;
    /// How a client is told that its request cannot be taken (413, 415, 503 ...), in the shape that
    /// it understands; nothing: a problem of RFC 9457. On an edge thread.
    std::function<std::optional<Response>(const Request& head, int status, const std::string& why)>
        tell_refusal;
  };
  /// Fails: unavailable (the port is taken), invalid_argument (host, certificate).
  static Result<std::unique_ptr<Server>> start(Options options, ExchangeHandler handler);
  /// Closes at once what is still open.
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual std::string url() const = 0;  ///< "http://127.0.0.1:8700"
  virtual ServerStats stats() const = 0;
  /// New certificates from the same files, for connections to come. Fails: invalid_argument; then
  /// the old ones stay.
  virtual Result<void> reload_tls() = 0;
  /// Accepts nothing new, lets running answers end (with `Connection: close`), at most `patience`;
  /// what runs then is cancelled. Waits. True when all had ended.
  virtual bool drain(std::chrono::milliseconds patience) = 0;
};

}  // namespace slipway::http
