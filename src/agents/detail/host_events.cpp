// Events of threads: the newest in memory, older ones from the log.
#include <algorithm>

#include "agents/detail/own_host.hpp"

namespace slipway::agents::detail {

namespace {
constexpr std::size_t recent_max = 4096;
constexpr std::size_t slots_max = 256;  ///< That nobody runs.
}  // namespace

/// Made with what the log holds behind it, and with the run that waits for its time.
Result<SlotPtr> OwnHost::slot_of(const std::string& thread, Lock& lock) {
  for (;;) {
    if (const auto found = slots_.find(thread); found != slots_.end()) {
      found->second->used = ++uses_;
      return found->second;
    }
    const std::string asleep = run_asleep(thread);
    lock.unlock();
    const auto records = options_.runtime.records(thread);
    auto row = asleep.empty() ? Result<RunRow>(RunRow()) : store_->run(asleep);
    lock.lock();
    // Others were here meanwhile.
    if (slots_.contains(thread) || run_asleep(thread) != asleep) continue;
    if (!row) return row.error();
    forget_idle();
    auto slot = std::make_shared<Slot>(thread);
    slot->used = ++uses_;
    slot->recent_from = first_event_of((records ? *records : 0) + 1);
    slot->last_id = slot->recent_from - 1;
    if (!asleep.empty()) {
      slot->active = job_of(*std::move(row));
      slot->active->is_timed = slot->active->may_sleep = true;
      timer_of_[thread].run.clear();
    }
    slots_.emplace(thread, slot);
    return slot;
  }
}

void OwnHost::forget_idle() {
  if (slots_.size() < slots_looked_at_) return;
  const auto is_idle = [](const SlotPtr& slot) {
    const bool rests = !slot->active || (slot->active->is_timed && slot->active->may_sleep);
    return rests && slot->queue.empty() && !slot->is_starting && slot.use_count() == 1;
  };
  std::vector<std::uint64_t> uses;
  for (const auto& [id, slot] : slots_)
    if (is_idle(slot)) uses.push_back(slot->used);
  slots_looked_at_ = slots_.size() + slots_max;
  if (uses.empty()) return;
  // The half that was not used for longest.
  std::nth_element(uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 2),
                   uses.end());
  const std::uint64_t middle = uses[uses.size() / 2];
  std::erase_if(slots_, [&](const auto& entry) {
    const auto& [thread, slot] = entry;
    if (!is_idle(slot) || slot->used > middle) return false;
    if (slot->active) timer_of_[thread].run = slot->active->row.info.id;
    return true;
  });
  slots_looked_at_ = slots_.size() + slots_max;
}

/// Called by the threads of a run, one at a time.
void OwnHost::deliver(const SlotPtr& slot, const std::string& run, Event event) {
  event.run = run;
  {
    const std::lock_guard lock(mutex_);
    if (event.id <= slot->last_id) event.id = slot->last_id + 1;
    slot->last_id = event.id;
    slot->recent.push_back(event);
    slot->recent.back().detail = {};
    if (slot->recent.size() > recent_max) {
      slot->recent_from = slot->recent.front().id + 1;
      slot->recent.pop_front();
    }
    ++slot->changes;
  }
  slot->changed.notify_all();
  if (options_.on_event) options_.on_event(slot->thread, event);
}

/// With the runs as they are known here.
Result<std::vector<Event>> OwnHost::past_events(const std::string& thread) {
  constexpr int runs_max = 100'000;
  const std::vector<RunRow> rows = TRY(store_->runs(thread, runs_max, 0));
  auto events = options_.runtime.events(thread, 0);
  if (!events) {
    if (events.error().code() == Code::not_found) return std::vector<Event>();
    return events.error();
  }
  for (Event& event : *events) {
    const std::uint64_t record = record_of_event(event.id);
    for (const RunRow& row : rows) {
      const bool is_its = record > row.first && (row.last == 0 || record <= row.last);
      if (!is_its) continue;
      event.run = row.info.id;
      break;
    }
  }
  return *std::move(events);
}

namespace {

/// The first after `seen` and before `until`, of `run` if it is not empty.
template <typename List>
const Event* find_event(const List& list, const std::string& run, std::uint64_t seen,
                        std::uint64_t until) {
  auto at = std::upper_bound(list.begin(), list.end(), seen,
                             [](std::uint64_t id, const Event& event) { return id < event.id; });
  for (; at != list.end() && at->id < until; ++at)
    if (run.empty() || at->run == run) return &*at;
  return nullptr;
}

}  // namespace

/// Until something has changed, or the context ends.
void OwnHost::await(Slot& slot, Lock& lock, const Context& context) {
  const std::uint64_t before = slot.changes;
  const auto has_changed = [&] { return slot.changes != before || is_closing_; };
  if (context.deadline())
    slot.changed.wait_until(lock, context.stop(), *context.deadline(), has_changed);
  else
    slot.changed.wait(lock, context.stop(), has_changed);
}

Result<std::optional<Event>> OwnHost::next_event(const Context& context, const std::string& thread,
                                                 const std::string& run, std::uint64_t seen) {
  if (!run.empty()) {
    const RunRow row = TRY(store_->run(run));
    if (row.info.thread != thread)
      return fail(Code::not_found, "thread '{}' has no run '{}'", thread, run);
  }
  Lock lock(mutex_);
  const SlotPtr slot = TRY(slot_of(thread, lock));
  for (;;) {
    TRY(context.check());
    const bool is_behind = seen + 1 < slot->recent_from;
    if (is_behind && slot->past)
      if (const Event* event = find_event(*slot->past, run, seen, slot->recent_from))
        return std::optional<Event>(*event);
    if (is_behind && slot->past_until < slot->recent_from) {
      const std::uint64_t until = slot->recent_from;
      lock.unlock();
      auto past = past_events(thread);
      if (!past) return past.error();
      auto kept = std::make_shared<const std::vector<Event>>(*std::move(past));
      lock.lock();
      slot->past = std::move(kept);
      slot->past_until = until;
      continue;
    }
    if (const Event* event = find_event(slot->recent, run, seen, UINT64_MAX))
      return std::optional<Event>(*event);
    const bool is_over = !run.empty() && !find_job(*slot, run);
    if (is_over) return std::optional<Event>();
    if (is_closing_) return fail(Code::cancelled, "the host ends");
    await(*slot, lock, context);
  }
}

}  // namespace slipway::agents::detail
