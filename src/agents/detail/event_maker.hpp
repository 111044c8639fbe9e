// Events from the records of a thread, and from what happens between them.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agents/detail/thread.hpp"
#include "agents/event.hpp"
#include "core/clock.hpp"

namespace slipway::agents::detail {

/// For one thread at a time. The same records give the same events.
class EventMaker {
 public:
  /// What a record tells. `scope` is that of its address (null: of the outermost, or unknown);
  /// `thread` stands after it.
  void of_record(const Value& record, const Scope* scope, const Thread& thread,
                 std::vector<Event>& out);
  // As it happens.
  void step_started(const Scope& scope, std::vector<Event>& out);
  void task_started(const Place& place, const Task& task, std::vector<Event>& out);

 private:
  void of_task(const Value& record, const Scope& scope, std::vector<Event>& out);
  void of_call(const Value& call, Value data, std::vector<Event>& out);
  void of_merged_tasks(const Value& record, const Scope& scope, const Thread& thread,
                       std::vector<Event>& out);
  void of_step(const Value& record, const Scope& scope, const Thread& thread,
               std::vector<Event>& out);
  void of_end(const Value& record, const Thread& thread, std::vector<Event>& out);
  void budget(const Thread& thread, std::vector<Event>& out);
  void note_step(const Value& record, const Scope& scope, std::vector<Event>& out);

  std::set<std::string> started_, finished_, calls_;  ///< Of the outermost superstep.
  std::map<std::string, Value> states_;               ///< Of scopes, as their superstep began.
};

/// The events of a run that goes on, with their ids, in their order. Safe to use from many threads.
class Watch {
 public:
  Watch(const Thread& thread, EventSink sink, const Clock& clock, RunPlacePtr place)
      : thread_(thread), sink_(std::move(sink)), clock_(clock), place_(std::move(place)) {}

  /// Held while a record is written and told, so that events come in the order of the log.
  std::mutex& order() { return order_; }
  /// With `order` held.
  void recorded(std::uint64_t number, const Value& record, const Scope* scope);
  void step_started(const Scope& scope);
  void task_started(const Place& place, const Task& task);
  /// What it is asked comes with its beginning.
  void model_called(const std::string& key, const ModelCall& call);
  void token(const Place& place, const Task& task, const std::string& call, std::string_view text);
  void emitted(const Place& place, const Task& task, const Value& value);

 private:
  void tell_of_task(const Place& place, const Task& task, Event event);
  void tell(std::vector<Event> events);
  const Thread& thread_;
  const EventSink sink_;
  const Clock& clock_;
  const RunPlacePtr place_;  ///< May be null.
  std::mutex order_;
  EventMaker maker_;
  std::map<std::string, Value> asked_;  ///< By the key of the call.
  std::uint64_t next_id_ = 0;
};

/// {tokens, usd, calls}
Value usage_value(const Usage& usage);

}  // namespace slipway::agents::detail
