// What is kept of a thread: a log of records, each a JSON value. Replayed in order they give where
// the thread stands; docs/guides/agents.md tells what they hold.
//
//   run     a run began: its input; a checkpoint
//   step    a superstep was merged; of the outermost scope a checkpoint
//   scope   a sub-agent began
//   task    a task ended, or stopped with questions
//   call    a call of a model or tool begins or ended
//   answer  somebody answered a question
//   end     the run came to its end, for now
//   resume  the run goes on because somebody wants it; wake: because its time has come
//   undone  what stood here was taken back
//   fork    the thread goes on from another checkpoint; a checkpoint itself
#pragma once

#include <string>
#include <vector>

#include "agents/detail/engine.hpp"

namespace slipway::agents::detail {

/// Writes of a task by the names of the keys; one key once.
Value encode_writes(const Agent& agent, const std::vector<Write>& writes);
/// What `agent` does not know is left out. `taints`: of `put_taints`.
std::vector<Write> decode_writes(const Agent& agent, const Value& value, const Value& taints = {});

/// {key: [sources]} of the values of a map that have some, as `name` of a record; nothing if none
/// has. Values themselves are written without.
void put_taints(const Value& values, Value& record, std::string_view name = "taint");
/// The values with what `put_taints` told of them.
Value with_taints(const Value& values, const Value& taints);

Value encode_ready(const Agent& agent, const std::vector<Ready>& list);
std::vector<Ready> decode_ready(const Agent& agent, const Value& value);

/// `next`, `def`, `seen` of a record.
void encode_position(const Scope& scope, Value& record);
void decode_position(const Value& record, Scope& scope);

Value encode_call(const CallRecord& call);
CallRecord decode_call(const Value& value);

Value task_record(const Place& place, const Task& task);
Value call_record(const Place& place, const Task& task, const CallRecord& call);
Value step_record(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks);
Value scope_record(const Scope& scope);

Value state_names(const Agent& agent, const State& state);
/// `taints`: of `put_taints`.
void decode_state(const Agent& agent, const Value& value, const Value& taints, State& state);

Value encode_budget(const Budget& budget);
Budget decode_budget(const Value& value);
Value encode_usage(const Usage& usage);
/// {usd, input_tokens?, ..., estimated, priced?}: what is 0 is left out.
Value encode_spending(const Spending& spending);
std::optional<Spending> decode_spending(const Value& value);
Usage decode_usage(const Value& value);

}  // namespace slipway::agents::detail
