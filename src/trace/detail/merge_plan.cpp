#include "trace/detail/merge_plan.hpp"

#include <bit>
#include <map>

namespace slipway::trace::detail {

namespace {

unsigned size_class(std::size_t runs) {
  constexpr std::size_t smallest = 1024;
  return static_cast<unsigned>(std::bit_width(runs / smallest)) / 2;
}

/// As many of `files` from `first` on as fit into one.
std::vector<std::size_t> fitting(const std::vector<MergeCandidate>& all,
                                 const std::vector<std::size_t>& files, std::size_t first,
                                 const MergeLimits& limits) {
  std::vector<std::size_t> chosen;
  std::size_t runs = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = first; i < files.size() && chosen.size() < limits.most; ++i) {
    const MergeCandidate& one = all[files[i]];
    if ((runs += one.runs) > limits.runs_max || (bytes += one.bytes) > limits.bytes_max) break;
    chosen.push_back(files[i]);
  }
  return chosen;
}

}  // namespace

MergePlan plan_merge(const std::vector<MergeCandidate>& files, const MergeLimits& limits) {
  MergePlan plan;
  std::map<std::pair<unsigned, std::int64_t>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].is_busy) continue;
    if (files[i].is_alone && plan.inputs.empty()) plan.inputs = {i};
    if (!files[i].is_alone) alike[{size_class(files[i].runs), files[i].day}].push_back(i);
  }
  for (const auto& [key, group] : alike) {
    if (group.size() < limits.least) continue;
    for (std::size_t at = 0; at < group.size();) {
      std::vector<std::size_t> chosen = fitting(files, group, at, limits);
      at += chosen.empty() ? 1 : chosen.size();
      if (chosen.size() < 2) continue;
      plan.waiting += chosen.size();
      if (plan.inputs.empty()) plan.inputs = std::move(chosen);
    }
  }
  return plan;
}

}  // namespace slipway::trace::detail
