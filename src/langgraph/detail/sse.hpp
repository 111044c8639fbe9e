// Streams of events to clients.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "langgraph/detail/routes.hpp"

namespace slipway::langgraph::detail {

/// "<event>-<frame>": which frame of which event of a thread; the id of what a stream tells.
struct Place {
  std::uint64_t event = 0;
  std::size_t frame = 0;
  bool is_after(const Place& other) const {
    return event != other.event ? event > other.event : frame > other.frame;
  }
  std::string text() const;
};

/// Of the header Last-Event-ID. Fails: invalid_argument.
Result<std::optional<Place>> last_seen(const http::Request& request);

/// One stream; begins when it is made. `asked` outlives it.
class Sse {
 public:
  explicit Sse(const Asked& asked, const http::Headers& more = {});
  /// Waits while the client is slow. Fails: cancelled (it has gone), deadline_exceeded.
  Result<void> send(std::string_view event, const Value& data, const std::string& id);
  void end();

 private:
  const Asked& asked_;
};

}  // namespace slipway::langgraph::detail
