// The sources that slipway.yaml declares: when each last ran, when it is due, how it is brought in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

struct DeclaredSource {
  std::string name;
  SourceConfig config;
  std::optional<rag::SourceRun> last;
  std::optional<Clock::Time> due_at;  ///< Nothing: it has no schedule.

  /// Its time has come, and nobody is at it.
  bool is_due(Clock::Time now) const;
};

/// All of them, by name. Fails: as a read of the database.
Result<std::vector<DeclaredSource>> declared_sources(const Context& context, const Config& config,
                                                     rag::Library& library);

/// The ingest that brings it in.
rag::IngestRequest request_of(const Config& config, const DeclaredSource& source);

}  // namespace slipway::app::detail
