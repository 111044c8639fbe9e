// How many are recorded when more come than one wants to record.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace slipway::trace::detail {

/// Safe to use from many threads; never waits.
class Pace {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  /// So many within a second are all recorded. 0: any number.
  explicit Pace(std::int64_t per_second) : per_second_(per_second) {}

  /// Counts one that comes, and says which share of those that come now is to be recorded: all
  /// until the last second had `per_second`, then the square of what would fit.
  double share(Moment now);

 private:
  static constexpr std::size_t windows = 10;  ///< Of a tenth of a second.
  void begin_window(std::int64_t before, std::int64_t now);

  const std::int64_t per_second_;
  std::atomic<std::int64_t> window_{0};
  std::atomic<std::int64_t> here_{0};                        ///< Came in this window,
  std::atomic<std::int64_t> last_{0};                        ///< in the one before,
  std::atomic<std::int64_t> others_{0};                      ///< in all others of the last second:
  std::array<std::atomic<std::int64_t>, windows> counts_{};  ///< in each.
};

}  // namespace slipway::trace::detail
