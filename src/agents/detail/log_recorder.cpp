// What a run does becomes records of its thread.
#include "agents/detail/session.hpp"

namespace slipway::agents::detail {

Result<std::uint64_t> LogRecorder::append(const Value& record, bool syncs, const Scope* scope,
                                          const std::function<void(std::uint64_t)>& noted) {
  std::unique_lock<std::mutex> order;
  if (watch_ != nullptr) order = std::unique_lock(watch_->order());
  const auto appended = thread_.log->append(record, syncs);
  if (!appended) {
    thread_.is_stale = thread_.is_durable;
    return appended.error();
  }
  const std::uint64_t number = *appended;
  if (noted) noted(number);
  if (watch_ != nullptr) watch_->recorded(number, record, scope);
  return number;
}

void LogRecorder::put_time(Value& record) const {
  if (const std::int64_t worked = thread_.purse->worked_ms(); worked > 0) record.put("ms", worked);
}

Result<void> LogRecorder::task_ended(const Place& place, const Task& task) {
  Value record = task_record(place, task);
  if (task.state == TaskState::waiting) put_time(record);
  TRY(append(record, false, &place.scope));
  return {};
}

Result<void> LogRecorder::call_begins(const Place& place, const Task& task, const CallRecord& call,
                                      bool leaves) {
  TRY(append(call_record(place, task, call), leaves, &place.scope));
  return {};
}

Result<void> LogRecorder::call_ended(const Place& place, const Task& task, const CallRecord& call) {
  TRY(append(call_record(place, task, call), false, &place.scope));
  return {};
}

Result<void> LogRecorder::merged(const Scope& scope,
                                 const std::vector<std::unique_ptr<Task>>& tasks) {
  const bool is_birth = tasks.empty() && !scope.address.empty();
  const auto note = [&](std::uint64_t number) {
    if (!scope.address.empty()) return;
    thread_.checkpoints.push_back({.id = number,
                                   .parent = thread_.head,
                                   .run = thread_.run,
                                   .source = "step",
                                   .step = scope.step});
    thread_.head = number;
  };
  Value record = is_birth ? scope_record(scope) : step_record(scope, tasks);
  const auto now = std::chrono::duration_cast<Milliseconds>(clock_.now().time_since_epoch());
  if (scope.address.empty()) record.put("time", now.count());
  if (!is_birth) put_time(record);
  TRY(append(record, false, &scope, note));
  return {};
}

}  // namespace slipway::agents::detail
