// Traces and runs as the JSON that our own API answers with.
#pragma once

#include <string>

#include "trace/store.hpp"

namespace slipway::trace {

/// {"items":[summary ...],"next_cursor":null}
std::string to_json_text(const Page<TraceSummary>& page);
/// {"items":[run ...],"next_cursor":null}
std::string to_json_text(const Page<Run>& page);
/// The summary with `roots`, each with its `children`. Without payloads inputs, outputs, events and
/// attributes are left out.
std::string to_json_text(const Trace& trace, bool with_payload);
/// One run, on one line.
std::string to_json_text(const Run& run);

}  // namespace slipway::trace
