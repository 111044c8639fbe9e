// A collection is made anew beside the one that serves, measured, and takes its place.
#pragma once

#include "rag/detail/shelf.hpp"
#include "rag/detail/texts.hpp"

namespace slipway::rag::detail {

Result<MigrationReport> migrate(const Context&, Shelf&, Texts&, const MigrateRequest&,
                                const ProgressSink&);
Result<MigrationReport> roll_back(const Context&, Shelf&, Texts&, const std::string& collection,
                                  const ProgressSink&);

}  // namespace slipway::rag::detail
