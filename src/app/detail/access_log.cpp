#include "app/detail/access_log.hpp"

#include <fmt/compile.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "core/json_members.hpp"
#include "core/log.hpp"
#include "core/turns.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::size_t waiting_bytes_max = 8u << 20;
/// Lines are gathered for so long, so that a busy server writes hundreds at once.
constexpr std::chrono::milliseconds gather{50};

void append_text(std::string& line, std::string_view name, std::string_view value) {
  line += ',';
  json::append_quoted(line, name);
  line += ':';
  json::append_quoted(line, value);
}

}  // namespace

std::string access_line(const http::AccessRecord& record, Clock::Time now) {
  constexpr std::size_t usual_bytes = 512, microseconds = 1'000'000, thousand = 1'000;
  std::string line;
  line.reserve(usual_bytes);
  line += "{\"time\":\"";
  line += format_time(now);
  line += '"';
  append_text(line, "method", record.method);
  append_text(line, "path", record.path);
  const auto took = static_cast<std::uint64_t>(std::llround(record.seconds * microseconds));
  fmt::format_to(std::back_inserter(line),
                 FMT_COMPILE(",\"status\":{},\"ms\":{}.{:03},\"bytes_in\":{},\"bytes_out\":{}"),
                 record.status, took / thousand, took % thousand, record.bytes_in,
                 record.bytes_out);
  append_text(line, "peer", record.peer);
  append_text(line, "request_id", record.request_id);
  append_text(line, "trace_id", record.trace_id);
  if (!record.caller.empty()) append_text(line, "caller", record.caller);
  if (!record.user_agent.empty()) append_text(line, "user_agent", record.user_agent);
  if (!record.complete) line += ",\"complete\":false";
  for (const auto& [name, value] : record.notes) append_text(line, name, value);
  line += "}\n";
  return line;
}

AccessLog::AccessLog(int descriptor)
    : descriptor_(descriptor), writer_([this](const std::stop_token& stop) { run(stop); }) {}

AccessLog::~AccessLog() {
  writer_.request_stop();
  writer_.join();
  if (dropped_ > 0) log::warning("access log: {} lines were dropped", dropped_.load());
}

void AccessLog::write(const http::AccessRecord& record) {
  std::string line = access_line(record, system_clock().now());
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() + line.size() > waiting_bytes_max) {
      ++dropped_;
      return;
    }
    was_empty = lines_.empty();
    lines_ += line;
  }
  if (was_empty) has_lines_.notify_one();
}

void AccessLog::run(const std::stop_token& stop) {
  take_long_turns();
  for (;;) {
    std::string lines;
    {
      std::unique_lock lock(mutex_);
      has_lines_.wait(lock, stop, [&] { return !lines_.empty(); });
      if (!stop.stop_requested()) has_lines_.wait_for(lock, stop, gather, [] { return false; });
      lines.swap(lines_);
    }
    if (lines.empty() && stop.stop_requested()) return;
    if (!write_all(lines)) {
      log::warning("the access log cannot be written ({}); no more lines are kept",
                   std::generic_category().message(errno));
      return;
    }
  }
}

bool AccessLog::write_all(std::string_view lines) const {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, 100);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace slipway::app::detail
