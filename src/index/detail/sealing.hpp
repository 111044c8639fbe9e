// What is in memory becomes segment files, small files become larger ones.
#pragma once

#include "index/detail/segment.hpp"
#include "index/detail/tables.hpp"

namespace slipway::index {

/// Writes and merges what `snapshot` suggests and puts it into the manifest. Gives whether anything
/// changed; false too when another process was faster. `snapshot` must be of the committed state.
Result<bool> seal(const Context& context, store::Database& database, const Index::Options& options,
                  const Snapshot& snapshot, const SealOptions& seal_options);

/// Takes files that were found damaged out of the manifest and renames them to *.bad.
Result<void> quarantine(const Context& context, store::Database& database,
                        const Index::Options& options, const std::vector<std::string>& files);

}  // namespace slipway::index
