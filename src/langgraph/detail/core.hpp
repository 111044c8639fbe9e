// What all routes stand on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "core/pool.hpp"
#include "langgraph/detail/assistants.hpp"
#include "langgraph/detail/crons.hpp"
#include "langgraph/detail/items.hpp"
#include "langgraph/detail/lineage.hpp"
#include "langgraph/detail/notes.hpp"
#include "langgraph/mount.hpp"

namespace slipway::langgraph::detail {

/// Safe to use from many threads.
class Core final : public Keeper {
 public:
  explicit Core(Options given);
  ~Core() override;
  void end_waiting() override { waiting_.request_stop(); }
  /// Stopped when nobody may wait any more.
  std::stop_token waiting() const { return waiting_.get_token(); }
  /// Reads what is due. Once.
  Result<void> begin();

  agents::Host& host() { return options_.host; }
  agents::Runtime& runtime() { return options_.runtime; }
  const Clock& clock() const { return options_.clock; }
  Random& random() { return options_.random; }
  const std::string& version() const { return options_.version; }
  Assistants& assistants() { return assistants_; }
  Notes& notes() { return notes_; }
  Items& items() { return items_; }
  Crons& crons() { return crons_; }
  /// Where what waits for runs waits.
  Pool& followers() { return followers_; }

  /// Does what the note says when its time has come and when its run is over. At most
  /// `watched_max` at once: then unavailable.
  Result<void> watch(const RunNote& note);
  /// What ends by itself is looked for from now on: of runs, threads and items.
  void begin_looking();
  /// A thread that is there for one run stays while somebody holds that run, to read its end.
  /// The core must outlive it.
  std::shared_ptr<void> hold(const std::string& run);
  /// Nothing more is to be done for it.
  void forget(const std::string& run);
  /// Times of life: every minute, and for tests.
  void sweep();
  /// Some were added, changed or removed.
  Result<void> crons_changed(const Context& context);
  /// Begins the runs of those whose time has come: when it comes, and for tests. A time that came
  /// while no server was there is made up for once.
  void begin_crons();

  static constexpr std::size_t watched_max = 10'000;
  static constexpr std::chrono::milliseconds look_every{100}, sweep_every{60'000},
      crons_every{1'000};

 private:
  void look();
  void look_at(const RunNote& note);
  void begin_delayed(RunNote note);
  Result<void> begin_cron(const Context& context, const Cron& cron);
  void end_of(const RunNote& note, const agents::RunInfo& run);
  void call_webhook(const std::string& url, const RunNote& note, const agents::RunInfo& run);

  const Options options_;
  Assistants assistants_;
  Notes notes_;
  Items items_;
  Crons crons_;
  std::mutex crons_mutex_;  // Of who begins them.
  std::mutex mutex_;        // Guards the four below.
  std::map<std::string, RunNote> watched_;
  std::map<std::string, int> held_;
  std::optional<std::int64_t> next_cron_ms_;
  bool is_ending_ = false;
  std::condition_variable changed_;
  std::stop_source stop_, waiting_;
  Pool followers_;
  std::once_flag begun_;
  std::thread looker_;
};

/// {"run_id", "thread_id", ...} of a run; `note` may be null: it was not begun here.
Value run_json(const agents::RunInfo& run, const RunNote* note);
/// One that has not begun.
Value run_json(const RunNote& note);

}  // namespace slipway::langgraph::detail
