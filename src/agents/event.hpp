// What happens in a run, as its followers are told.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agents/value.hpp"

namespace slipway::agents {

struct RunPlace;

/// run.started step.started task.started model token tool custom task.finished step.finished
/// interrupt budget run.finished
///
/// Data, a map. `graph` is the path of the sub-agent that it is of ("" is the outermost, "writer"
/// its node, "writer/check" one below); of tasks and what they do also {node, index?, step, visit}:
///   run.started    {agent, input?, resumed?}
///   step.started   {graph, step, state, tasks: [{node, index?}]}
///   task.started   {.., attempt}
///   model          {.., call, model, state: "begun"|"done"|"failed", text?, tool_calls?, usage?}
///   token          {.., call, text}
///   tool           {.., call, tool, args, state, result?, error?}
///   custom         {.., value}: what a node of C++ told, not kept (`FunctionCall::emit`)
///   task.finished  {.., attempt, status: "done"|"failed"|"stopped"|"waiting"|"cut", writes,
///                  error?: {kind, message}}
///   step.finished  {graph, step, state, next: [names], checkpoint?, parent?} (outermost: those
///   two) interrupt      {id, node, path, kind, value, expires?} budget         {settled: {tokens,
///   usd, calls}, reserved: {..}, left?: {..}} run.finished   RunResult::json()
/// A member that cannot be told may be absent, but not graph, node, writes, state, checkpoint.
/// Calls that have ended tell also {begun_ms, took_ms}, models {input_tokens, output_tokens}.
///
/// Those that a record of the thread's log tells are durable: read from the log they have the same
/// ids as when they happened. A token, and a beginning, is told as it happens and not kept; from
/// the log a beginning is told with the first thing that shows that it was.
struct Event {
  std::uint64_t id = 0;  ///< Grows within a thread.
  std::string type, run;
  std::int64_t time_ms = 0;  ///< Since 1970; of an old one that of the record.
  Value data;
  std::shared_ptr<const RunPlace> place;  ///< As the run's options say it; may be null.
  Value detail;  ///< Of a model's call that begins, as it happens: its messages. For traces.
};

/// Called from the threads of a run, one call at a time. It must not wait.
using EventSink = std::function<void(Event)>;

/// The number of the record of the log that it came with, or after; and back.
constexpr std::uint64_t record_of_event(std::uint64_t id) { return id >> 20; }
constexpr std::uint64_t first_event_of(std::uint64_t record) { return record << 20; }

}  // namespace slipway::agents
