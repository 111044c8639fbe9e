// Where the messages that belong to one request go.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "core/json.hpp"
#include "http/server.hpp"

namespace slipway::mcp::detail {

/// Safe to use from many threads. One that is let go without an end breaks what it stands for.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// A notification or a request. False: it reaches nobody.
  virtual bool send(const json::Object& message) = 0;
  /// The answer, once; nothing after it. `status` is HTTP's, where nothing has been sent before.
  virtual void finish(int status, const json::Object& message) = 0;
  /// There will be no answer: it was cancelled.
  virtual void drop() = 0;
  /// Begins to stream, before there is something to say.
  virtual void begin() {}
  virtual void pause(std::chrono::milliseconds) {}
};
using OutletPtr = std::shared_ptr<Outlet>;

/// Modern HTTP: JSON if nothing comes before the answer, else a stream that ends with it.
class ExchangeOutlet final : public Outlet {
 public:
  /// `may_stream` false: the client takes JSON only, so notifications are left out.
  ExchangeOutlet(http::ExchangePtr exchange, bool may_stream)
      : exchange_(std::move(exchange)), may_stream_(may_stream) {}
  bool send(const json::Object& message) override;
  void finish(int status, const json::Object& message) override;
  void drop() override;
  void begin() override;

 private:
  bool begin_locked();

  std::mutex mutex_;
  const http::ExchangePtr exchange_;
  const bool may_stream_;
  bool has_begun_ = false, has_ended_ = false;
};

/// The head of an event stream.
http::Headers stream_headers();
http::Response json_response(int status, const json::Object& message);
inline constexpr std::chrono::milliseconds heartbeat{15'000};
/// A client that takes nothing loses its stream beyond that.
inline constexpr std::size_t queued_bytes_max = 8u << 20;

}  // namespace slipway::mcp::detail
