// From the index_* tables and the segment files to what a search works on.
#pragma once

#include <string>
#include <vector>

#include "index/detail/segment_build.hpp"
#include "index/index.hpp"

namespace slipway::index {

struct Loaded {
  Snapshot snapshot;
  std::vector<std::string> damaged;  ///< Segment files that could not be used.
};
/// Brings `snapshot` to the state that `connection` sees; reads only what has changed if it can.
/// Files named in `distrusted` are not used.
Result<Loaded> load(const Context& context, store::Connection& connection,
                    const Index::Options& options, const Snapshot& snapshot,
                    const std::vector<std::string>& distrusted = {});
/// What `version` saw: the segments of the present, without what they have and it had not, and what
/// they have not any more. The caller has made sure that the version is kept.
Result<Snapshot> load_version(const Context& context, store::Connection& connection,
                              const Index::Options& options, const Snapshot& present,
                              std::int64_t version);

}  // namespace slipway::index
