// One line of JSON for each request, written by a thread of its own so that no request waits for a
// disk or a terminal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "core/clock.hpp"
#include "http/server.hpp"

namespace slipway::app::detail {

/// The line of a record, with its line feed.
std::string access_line(const http::AccessRecord& record, Clock::Time now);

/// Safe to use from many threads. When lines come faster than they can be written, the newest are
/// dropped and counted: a slow reader of the log must not hold up the server.
class AccessLog {
 public:
  explicit AccessLog(int descriptor);  ///< Stays open.
  ~AccessLog();                        ///< Writes what is there.
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(const http::AccessRecord& record);
  std::uint64_t dropped() const { return dropped_; }

 private:
  void run(const std::stop_token& stop);
  bool write_all(std::string_view lines) const;

  const int descriptor_;
  std::atomic<std::uint64_t> dropped_{0};
  std::mutex mutex_;
  std::condition_variable_any has_lines_;
  std::string lines_;
  std::jthread writer_;  ///< Last: it uses the others.
};

}  // namespace slipway::app::detail
