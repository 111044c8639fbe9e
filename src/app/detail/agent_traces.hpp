// Runs of agents as traces: the run, its tasks, the calls of models and tools below them.
#pragma once

#include <functional>
#include <string>

#include "agents/event.hpp"
#include "agents/run_place.hpp"
#include "agents/tool.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

/// What is told the events of runs; `recorder` must outlive it. Safe to call from many threads.
std::function<void(const std::string& thread, const agents::Event& event)> trace_runs(
    trace::Recorder& recorder);

/// The trace of a run, the same whenever it goes on: that of who asked for it, or its own of 32 hex
/// digits. `place` may be null.
std::string trace_of_run(const std::string& run, const agents::RunPlace* place);
/// A call by its effect key, in one attempt of its task.
struct NamedCall {
  std::string key;
  std::int64_t attempt = 1;
};
/// The run of the call in that trace.
std::string span_of_call(const std::string& run, const agents::RunPlace* place,
                         const NamedCall& call);
/// W3C's name of that run, for a server that is asked within the call; empty: it is of no run.
std::string traceparent_of_call(const agents::ToolCall& call);

}  // namespace slipway::app::detail
