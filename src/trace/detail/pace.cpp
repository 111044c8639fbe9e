#include "trace/detail/pace.hpp"

#include <algorithm>

namespace slipway::trace::detail {

double Pace::share(Moment now) {
  if (per_second_ <= 0) return 1;
  constexpr auto width = std::chrono::nanoseconds(std::chrono::seconds(1)) / windows;
  const std::int64_t window = now.time_since_epoch() / width;
  std::int64_t before = window_.load(std::memory_order_relaxed);
  if (before < window && window_.compare_exchange_strong(before, window))
    begin_window(before, window);
  const std::int64_t here = here_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::int64_t in_a_second = others_.load(std::memory_order_relaxed) + here;
  if (in_a_second <= per_second_) return 1;
  const std::int64_t a_second =
      std::max(in_a_second, static_cast<std::int64_t>(windows) *
                                std::max(here, last_.load(std::memory_order_relaxed)));
  // A sample is enough then, and the processors are wanted by what is recorded.
  const double fits = static_cast<double>(per_second_) / static_cast<double>(a_second);
  return fits * fits;
}

/// By the thread that comes first. What others count meanwhile may go to the wrong window.
void Pace::begin_window(std::int64_t before, std::int64_t now) {
  const auto place = [](std::int64_t window) { return static_cast<std::size_t>(window) % windows; };
  const std::int64_t count = here_.exchange(0, std::memory_order_relaxed);
  counts_[place(before)] = count;
  const auto empty_from = std::max(before + 1, now - static_cast<std::int64_t>(windows) + 1);
  for (std::int64_t window = empty_from; window <= now; ++window) counts_[place(window)] = 0;
  std::int64_t others = 0;
  for (const auto& one : counts_) others += one;
  others_ = others;
  last_ = before + 1 == now ? count : 0;
}

}  // namespace slipway::trace::detail
