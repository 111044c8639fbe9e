// Server-sent events as an answer: named, each with JSON.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"

namespace slipway::http {

/// The answer of one exchange. A handle: copies speak of the same stream, and one may outlive the
/// handler. The last one that goes without `end` breaks the connection. Safe to use from many
/// threads; events of one thread come in their order. The answer begins with the first event, so
/// what fails before it is an ordinary problem.
class EventStream {
 public:
  explicit EventStream(ExchangePtr exchange);

  /// Waits while the client takes nothing (above `queued_bytes_high`). Fails: cancelled (the client
  /// has gone, or the stream has ended), deadline_exceeded.
  template <typename T>
  Result<void> send(const Context& context, std::string_view event, const T& data) {
    return send_text(context, event, json::dump(json::to(data)));
  }
  /// Never waits: an event for a client that is behind is left out. False when the client has gone
  /// or the stream has ended.
  template <typename T>
  bool offer(std::string_view event, const T& data) {
    return offer_text(event, json::dump(json::to(data)));
  }
  /// An event "error" with the problem, and the end; before the first event the problem alone.
  void fail(const Error& error);
  void end();

  bool has_begun() const;
  bool has_ended() const;
  const ExchangePtr& exchange() const;

  static constexpr std::size_t queued_bytes_high = 256u << 10;
  /// A comment goes out after so much silence, for proxies and for clients that listen for life.
  static constexpr std::chrono::milliseconds heartbeat{15'000};

 private:
  Result<void> send_text(const Context& context, std::string_view event, const std::string& data);
  bool offer_text(std::string_view event, const std::string& data);
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace slipway::http
