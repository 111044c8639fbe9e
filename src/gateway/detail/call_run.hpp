// A call that is over, as a run of its trace.
#pragma once

#include <memory>

#include "gateway/record.hpp"
#include "trace/recorder.hpp"

namespace slipway::gateway::detail {

/// Made into a run on the recorder's thread.
std::unique_ptr<trace::Draft> draft_of(CallRecord record);

/// The run itself.
trace::RunPatch run_of(CallRecord record);

}  // namespace slipway::gateway::detail
