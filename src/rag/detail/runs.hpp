// The last run of each declared source: when it is due again, and whether somebody is at it.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

Result<bool> begin_run(const Context&, Shelf&, const std::string& name);
Result<void> keep_run_alive(const Context&, Shelf&, const std::string& name);
/// `error` is empty when it went well.
Result<void> end_run(const Context&, Shelf&, const std::string& name, const json::Value& report,
                     const std::string& error);
Result<std::vector<SourceRun>> source_runs(const Context&, Shelf&);

}  // namespace slipway::rag::detail
