// The end of old traces.
#pragma once

#include "trace/store.hpp"

namespace slipway::trace {

/// Deletes the traces that began before `time`, the oldest first; how many. Stops when the context
/// ends. Fails: as the store.
Result<std::int64_t> remove_before(const Context& context, TraceStore& store, Nanoseconds time);

}  // namespace slipway::trace
