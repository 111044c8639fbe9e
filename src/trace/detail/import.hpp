// Traces of the version before, which kept them in a SQLite file.
#pragma once

#include "trace/detail/filing.hpp"

namespace slipway::trace::detail {

/// Reads all of them into segments, and sets the file aside under another name. Nothing happens
/// when it is not there. Fails: as opening the database, as writing segments; then the next start
/// begins anew.
Result<void> import_database(const std::filesystem::path& path, Filing& filing, Arrivals& arrivals);

}  // namespace slipway::trace::detail
