// spdlog carries the lines; its headers stay in this file because they cost a second of every
// includer's compile.
#include "core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "core/json.hpp"

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
    const json::Object line{{"level", names[static_cast<int>(level)]}, {"message", message}};
    logger().log(to_spdlog[static_cast<int>(level)], "{}", json::dump(line));
  } else {
    logger().log(to_spdlog[static_cast<int>(level)], "{}", message);
  }
}

}  // namespace slipway::log
