// Which files of traces become one next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slipway::trace::detail {

struct MergeCandidate {
  std::int64_t day = 0;  ///< Files of one day only become one: retention deletes files.
  std::size_t runs = 0;
  std::uint64_t bytes = 0;
  bool is_alone = false;  ///< To be written anew by itself: mostly dead, or of an older form.
  bool is_busy = false;   ///< Somebody merges it already.
};

struct MergeLimits {
  std::size_t runs_max = 640'000;  ///< Of what comes out.
  std::uint64_t bytes_max = 512u << 20;
  std::size_t least = 6;  ///< Files of about one size; fewer are left as they are.
  std::size_t most = 32;
};

struct MergePlan {
  std::vector<std::size_t> inputs;  ///< Places in what was given; empty: nothing is to be done.
  std::size_t waiting = 0;          ///< Files that would be merged if there were time for it.
};

/// Files that differ less than fourfold in runs are of about one size; small ones come first.
MergePlan plan_merge(const std::vector<MergeCandidate>& files, const MergeLimits& limits);

}  // namespace slipway::trace::detail
