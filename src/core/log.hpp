// Log lines go to stderr; results never do. Set once at start, safe from all threads afterwards.
#pragma once

#include <fmt/format.h>

#include <boost/describe/enum.hpp>

#include <string_view>

#include "core/result.hpp"

namespace slipway::log {

enum class Level { debug, info, warning, error, off };
BOOST_DESCRIBE_ENUM(Level, debug, info, warning, error, off)

/// Default: warning for commands, info for `serve`.
void set_level(Level level);
Result<Level> parse_level(std::string_view name);
/// One JSON object per line instead of text for people.
void set_json(bool json);

/// One line: control characters and bytes that are not UTF-8 are made visible.
void write(Level level, std::string_view message);
bool enabled(Level level);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning))
    write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace slipway::log
