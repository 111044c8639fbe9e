// Server-sent events as a client must read them that wants to come back: with ids and `retry`.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::mcp::detail {

/// For one thread. Source: the WHATWG standard of server-sent events.
class EventReader {
 public:
  explicit EventReader(std::size_t event_bytes_max) : bytes_max_(event_bytes_max) {}
  /// Calls `on_data` for each event that has data. False: an event is too long; nothing more comes.
  bool feed(std::string_view bytes, const std::function<void(const std::string&)>& on_data);
  const std::string& last_id() const { return last_id_; }
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void take_line(const std::function<void(const std::string&)>& on_data);

  const std::size_t bytes_max_;
  std::string line_, data_, last_id_;
  bool has_data_ = false, skips_line_feed_ = false, is_broken_ = false;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace slipway::mcp::detail
