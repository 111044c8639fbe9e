#include "app/detail/access_log.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "core/json.hpp"
#include "core/log.hpp"
#include "core/turns.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::size_t waiting_bytes_max = 8u << 20;
/// Lines are gathered for so long, so that a busy server writes hundreds at once.
constexpr std::chrono::milliseconds gather{50};

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) return false;
  return true;
}

/// Most values need no escape, and then no JSON value is made of them.
void append_text(std::string& line, std::string_view name, std::string_view value) {
  line += ",\"";
  line += name;
  line += "\":";
  if (is_plain(value)) {
    line += '"';
    line += value;
    line += '"';
  } else {
    line += json::dump(json::Value(boost::json::string(value)));
  }
}

}  // namespace

std::string access_line(const http::AccessRecord& record, Clock::Time now) {
  std::string line = fmt::format("{{\"time\":\"{}\"", format_time(now));
  append_text(line, "method", record.method);
  append_text(line, "path", record.path);
  line += fmt::format(",\"status\":{},\"ms\":{:.3f},\"bytes_in\":{},\"bytes_out\":{}",
                      record.status, record.seconds * 1e3, record.bytes_in, record.bytes_out);
  append_text(line, "peer", record.peer);
  append_text(line, "request_id", record.request_id);
  append_text(line, "trace_id", record.trace_id);
  if (!record.caller.empty()) append_text(line, "caller", record.caller);
  if (!record.user_agent.empty()) append_text(line, "user_agent", record.user_agent);
  if (!record.complete) line += ",\"complete\":false";
  for (const auto& [name, value] : record.notes)
    append_text(line, is_plain(name) ? name : std::string_view("note"), value);
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
  take_short_turns();
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
