// One run or resume of a thread, from its options to its result. Its caller holds the thread.
#pragma once

#include "agents/detail/answers.hpp"
#include "agents/detail/engine.hpp"
#include "agents/detail/event_maker.hpp"
#include "agents/detail/thread.hpp"
#include "agents/runtime.hpp"

namespace slipway::agents::detail {

/// Writes what the engine tells into the thread's log.
class LogRecorder final : public Recorder {
 public:
  /// `watch` may be null.
  LogRecorder(Thread& thread, Watch* watch, const Clock& clock)
      : thread_(thread), watch_(watch), clock_(clock) {}
  Result<void> task_ended(const Place& place, const Task& task) override;
  Result<void> call_begins(const Place& place, const Task& task, const CallRecord& call,
                           bool leaves) override;
  Result<void> call_ended(const Place& place, const Task& task, const CallRecord& call) override;
  Result<void> merged(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks) override;

  /// Any record; `noted` is what is done before it is told.
  Result<std::uint64_t> append(const Value& record, bool syncs, const Scope* scope = nullptr,
                               const std::function<void(std::uint64_t)>& noted = {});
  /// How long the run was worked on, for records that may be the last of a process.
  void put_time(Value& record) const;

 private:
  Thread& thread_;
  Watch* const watch_;
  const Clock& clock_;
};

class Session {
 public:
  struct Options {
    Context context;
    Thread& thread;
    const Services& services;
    std::vector<std::string> pause_before, pause_after;
    std::optional<int> steps;
    bool trace = false;
    bool waits = true;                   ///< For timers.
    EventSink on_event;                  ///< May be empty.
    RunPlacePtr place;                   ///< May be null.
    const Recorded* recorded = nullptr;  ///< A replay.
  };
  explicit Session(Options options);

  /// Fails before anything is written: kinds "input", "type".
  Outcome<bool> begin_run(const AgentPtr& agent, const Value& input, const std::string& run,
                          const std::optional<Budget>& budget);
  /// Fails: kind "answer".
  Outcome<bool> take_answers(const ResumeOptions& resume);
  /// Fails: kind "checkpoint", "input", "type".
  Outcome<bool> fork(const ResumeOptions& resume);
  /// Says in the log that the run goes on: for what reason, "resume" or "wake", and in whose name.
  Outcome<bool> note_resume(const std::string& kind, const std::string& name);
  /// Runs until it ends, and writes that.
  void go_on();
  RunResult result();
  /// Of a replay: what was not recorded, or null.
  const Value& missing() const { return missing_; }

 private:
  void finish(End end, Engine& engine);
  void write_end();
  void fail_with(const Error& error);
  End work(Engine& engine);
  void note(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks);
  bool wait_for_timer();
  std::string checkpoint() const;

  Options options_;
  std::unique_ptr<Watch> watch_;
  LogRecorder recorder_;
  Status status_ = Status::done;
  bool is_waiting_ = false;
  int steps_made_ = 0;
  std::vector<TraceStep> trace_;
  Value missing_;
};

/// A checkpoint's name: "c12"; and back, 0 if it is none.
std::string checkpoint_name(std::uint64_t id);
std::uint64_t checkpoint_id(std::string_view name);
/// Writes of a map by the keys' names, checked. `allowed`: which keys; null: all.
/// Fails: kinds "input", "type".
Outcome<std::vector<Write>> read_writes(const Agent& agent, const Value& values,
                                        const std::vector<std::size_t>* allowed,
                                        std::string_view seed);
using GivenAnswer = std::pair<Asker, CheckedAnswer>;
/// The answers of `resume` beside their questions. Fails: kind "answer".
Outcome<std::vector<GivenAnswer>> check_answers(Thread& thread, const ResumeOptions& resume,
                                                std::int64_t now_ms);
/// What the thread's end came to.
RunResult result_of(const Thread& thread, Status status);
Interrupt to_interrupt(const OpenQuestion& question);

}  // namespace slipway::agents::detail
