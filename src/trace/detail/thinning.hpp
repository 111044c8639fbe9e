// Finds the traces that ended outside of the sample.
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "trace/detail/part.hpp"
#include "trace/sampling.hpp"

namespace slipway::trace::detail {

/// Looks at each trace once: soon after it came, or when its root has ended. What a restart finds
/// in the store stays. Not safe to use from many threads.
class Thinning {
 public:
  using Steady = std::chrono::steady_clock;
  explicit Thinning(const SamplingConfig& config) : config_(config) {}
  const SamplingConfig& config() const { return config_; }

  struct Found {
    std::vector<std::string> traces;
    std::vector<std::int64_t> runs;  ///< Of each.
  };
  /// Of what came `patience` before `now` at least; `next_trace` is the number that the next trace
  /// gets. Fails: invalid_argument (damaged).
  struct Moment {
    Steady::time_point now;
    std::int64_t next_trace = 0;
    std::chrono::milliseconds patience{0};
  };
  Result<Found> find(const View& view, const Moment& moment);
  /// It is gone: what comes for it later goes too.
  void gone(const std::string& trace_id);
  /// Traces that have not ended.
  std::size_t waiting() const { return open_.size(); }

 private:
  /// More that are open are kept, whatever becomes of them.
  static constexpr std::size_t open_max = 10'000;
  static constexpr std::size_t gone_max = 200'000;
  enum class Verdict { keep, leave_out, open };
  Result<Verdict> judge(const Part& part, std::size_t trace, const std::string& trace_id) const;
  Result<void> look(const Part& part, std::size_t trace, Found& found);

  const SamplingConfig config_;
  struct Mark {
    Steady::time_point time;
    std::int64_t next_trace = 0;
  };
  std::deque<Mark> marks_;
  std::int64_t begin_ = -1;  ///< Traces from here on were not looked at yet; -1: nobody knows.
  std::vector<std::string> open_;
  std::deque<std::uint64_t> gone_in_order_;
  std::unordered_set<std::uint64_t> gone_;
};

}  // namespace slipway::trace::detail
