// spdlog carries the lines; its headers stay in this file because they cost a second of every
// includer's compile.
#include "core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/unicode.hpp"

namespace slipway::log {

namespace {
std::atomic<Level> level_now{Level::warning};
std::atomic<bool> as_json{false};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("slipway");
    made->set_level(spdlog::level::trace);
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *instance;
}

constexpr spdlog::level::level_enum to_spdlog[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err,
                                                   spdlog::level::off};
constexpr std::string_view names[] = {"debug", "info", "warning", "error", "off"};

/// One line of valid UTF-8. Messages quote file names and documents, which may hold line breaks
/// (to forge a line), terminal commands, or bytes that would break the JSON.
std::string printable(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  for (std::size_t at = 0; at < message.size();) {
    const unicode::Decoded one = unicode::decode(message, at);
    const char32_t c = one.code_point;
    if (c == '\n')
      text += "\\n";
    else if ((c < 0x20 && c != '\t') || (c >= 0x7F && c < 0xA0))
      text += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      unicode::append(text, c);
    at += one.bytes;
  }
  return text;
}
}  // namespace

void set_level(Level level) { level_now = level; }

Result<Level> parse_level(std::string_view name) {
  for (int i = 0; i < 5; ++i)
    if (names[i] == name) return static_cast<Level>(i);
  return fail(Code::invalid_argument,
              "log level '{}' is not one of debug, info, warning, error, off", name);
}

void set_json(bool json) {
  as_json = json;
  logger().set_pattern(json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
                       spdlog::pattern_time_type::utc);
}

bool enabled(Level level) {
  return level >= level_now.load(std::memory_order_relaxed) && level != Level::off;
}

void write(Level level, std::string_view message) {
  if (!enabled(level)) return;
  if (as_json) {
    const json::Object line{{"time", format_time(system_clock().now())},
                            {"level", names[static_cast<int>(level)]},
                            {"message", printable(message)}};
    logger().log(to_spdlog[static_cast<int>(level)], "{}", json::dump(line));
  } else {
    logger().log(to_spdlog[static_cast<int>(level)], "{}", printable(message));
  }
}

}  // namespace slipway::log
