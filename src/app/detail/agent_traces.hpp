// Runs of agents as traces: the run, its tasks, the calls of models and tools below them.
#pragma once

#include <functional>
#include <string>

#include "agents/event.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

/// What is told the events of runs; `recorder` must outlive it. Safe to call from many threads.
std::function<void(const std::string& thread, const agents::Event& event)> trace_runs(
    trace::Recorder& recorder);

/// The trace of a run: 32 hex digits, the same whenever it goes on.
std::string trace_of_run(const std::string& run);

}  // namespace slipway::app::detail
