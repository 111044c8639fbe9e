// Time zones by their IANA names, as the machine's tz database has them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway {

/// Times are seconds since 1970 in UTC. A value; safe to read from many threads.
class TimeZone {
 public:
  /// UTC.
  TimeZone() = default;
  /// "Europe/Berlin"; "UTC" needs no database. Fails: invalid_argument (there is none of that name,
  /// or the machine has no database: names the package that brings it).
  static Result<TimeZone> find(std::string_view name,
                               const std::filesystem::path& database = "/usr/share/zoneinfo");
  /// The content of a TZif file (RFC 9636, versions 1 to 4). Fails: invalid_argument.
  static Result<TimeZone> parse(std::string_view bytes);

  /// How far clocks there are ahead of UTC.
  std::int64_t offset_at(std::int64_t time) const;

  struct Change {
    std::int64_t time = 0;  ///< From here on.
    std::int64_t offset = 0;
  };
  /// The first change after `time`; nothing: clocks are never changed again. Rules for the future
  /// are followed until the year 2200.
  std::optional<Change> next_change(std::int64_t time) const;

 private:
  std::int64_t first_offset_ = 0;  ///< Before all changes.
  std::vector<Change> changes_;    ///< By time.
};

}  // namespace slipway
