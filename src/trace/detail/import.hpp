// Traces of the version before, which kept them in a SQLite file.
#pragma once

#include "trace/detail/filing.hpp"

namespace slipway::trace::detail {

/// Reads all of them into segments, unless that was done before a start was cut off (`is_done`),
/// and sets the file aside under another name. Nothing happens when it is not there. Fails: as
/// opening the database, as writing segments; then the next start begins anew.
struct Import {
  std::filesystem::path path;
  bool is_done = false;
};
Result<void> import_database(const Import& import, Filing& filing, Arrivals& arrivals);

}  // namespace slipway::trace::detail
