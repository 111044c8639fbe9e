#include "trace/detail/filing.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "core/turns.hpp"
#include "trace/detail/merge_plan.hpp"
#include "trace/detail/segment_writer.hpp"
#include "trace/detail/sum_files.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::chrono::milliseconds pause_after_failure{500};
constexpr std::size_t hurried_share = 4;
constexpr Nanoseconds day = 86'400'000'000'000;

Nanoseconds day_of(Nanoseconds time) { return time / day - (time % day < 0 ? 1 : 0); }

bool is_mostly_dead(const Shelved& one) {
  constexpr std::size_t share = 3;
  return one.manifest && one.manifest->count * share > one.segment->traces();
}

Result<Shelved> open_segment(Shelf& shelf, std::uint64_t number) {
  const auto path = segment_path(shelf.folder(), number);
  auto segment = TRY(Segment::open(path, number, shelf.cache()));
  return Shelved{number, std::move(segment), nullptr, nullptr, nullptr};
}

std::vector<std::uint64_t> numbers_of(const std::vector<Shelved>& segments) {
  std::vector<std::uint64_t> numbers;
  for (const Shelved& one : segments) numbers.push_back(one.number);
  return numbers;
}

}  // namespace

Filing::~Filing() {
  {
    const std::lock_guard lock(mutex_);
    merges_.request_stop();
  }
  for (std::jthread* thread : {&sealer_, &merger_, &hurried_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
}

void Filing::start() {
  sealer_ = std::jthread([this](const std::stop_token& stop) { seal_until_stopped(stop); });
  merger_ = std::jthread([this](const std::stop_token& stop) { merge_until_stopped(stop, 0); });
  hurried_ = std::jthread(
      [this](const std::stop_token& stop) { merge_until_stopped(stop, options_.hurry_from); });
}

Result<Manifest> Filing::open(const Manifest& manifest) {
  std::vector<Shelved> segments;
  for (const Manifest::Segment& one : manifest.segments) {
    Shelved shelved = TRY(open_segment(options_.shelf, one.number));
    shelved.segment->release();  // What was read to check it.
    const std::size_t traces = shelved.segment->traces();
    std::vector<std::size_t> dead;
    for (const std::uint32_t row : one.dead)
      if (row < traces) dead.push_back(row);
    if (!dead.empty()) shelved.manifest = with_dead(nullptr, traces, dead);
    shelved.live = shelved.set_aside = shelved.manifest;
    segments.push_back(std::move(shelved));
  }
  options_.shelf.open(std::move(segments));
  const std::lock_guard lock(mutex_);
  manifest_ = manifest;
  manifest_.segments.clear();
  ++changes_;
  return manifest_;
}

Manifest Filing::header() const {
  const std::lock_guard lock(mutex_);
  return manifest_;
}

std::uint64_t Filing::take_number() {
  const std::lock_guard lock(mutex_);
  return manifest_.next_segment++;
}

void Filing::seal_from(std::uint64_t journal, const Arrivals& arrivals) {
  const std::lock_guard lock(mutex_);
  next_journal_ = journal;
  next_arrivals_ = arrivals;
  ++seals_asked_;
  has_work_.notify_all();
}

bool Filing::wait_until_sealed(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return sealed_.wait_for(lock, timeout, [this] { return seals_done_ == seals_asked_; });
}

/// One segment for each day: retention deletes files.
Result<std::vector<Shelved>> Filing::write(std::vector<MemTracePtr> traces) {
  std::map<Nanoseconds, std::vector<MemTracePtr>> days;
  for (MemTracePtr& trace : traces) {
    const Nanoseconds start = trace->head.number(TraceNumber::start);
    days[day_of(start)].push_back(std::move(trace));
  }
  traces.clear();
  std::vector<Shelved> written;
  for (auto& [day, of_day] : days) {
    const std::uint64_t number = take_number();
    Shelf& shelf = options_.shelf;
    const auto made = [&]() -> Result<Shelved> {
      TRY(write_segment(segment_path(shelf.folder(), number), shelf.is_durable(),
                        std::move(of_day)));
      return open_segment(shelf, number);
    }();
    if (!made) {
      delete_files(numbers_of(written));
      return made.error();
    }
    written.push_back(*made);
  }
  return written;
}

Result<void> Filing::seal() {
  Shelf::Replacement replacement;
  replacement.added = TRY(write(options_.shelf.aside()));
  replacement.is_seal = true;
  const std::lock_guard filing(filing_);
  Manifest next = header();
  {
    const std::lock_guard lock(mutex_);
    next.journal = next_journal_;
    next.next_run = next_arrivals_.next_run;
    next.next_trace = next_arrivals_.next_trace;
  }
  const std::vector<std::uint64_t> written = numbers_of(replacement.added);
  if (const auto replaced = options_.shelf.replace(next, std::move(replacement)); !replaced) {
    discard(written);
    return replaced;
  }
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = std::exchange(manifest_.journal, next.journal);
  manifest_.next_run = next.next_run;
  manifest_.next_trace = next.next_trace;
  std::error_code error;
  for (std::uint64_t old = first; old < next.journal; ++old)
    std::filesystem::remove(journal_path(options_.shelf.folder(), old), error);
  return {};
}

void Filing::seal_until_stopped(const std::stop_token& stop) {
  // At the priority of requests: those that wait for room in memory wait for this thread, and a
  // lower one would take its share from other programs' work to them.
  take_long_turns();
  for (;;) {
    std::uint64_t asked = 0;
    {
      std::unique_lock lock(mutex_);
      if (!has_work_.wait(lock, stop, [this] { return seals_done_ != seals_asked_; })) return;
      asked = seals_asked_;
    }
    const auto sealed = seal();
    std::unique_lock lock(mutex_);
    if (sealed) {
      seals_done_ = asked;
      ++changes_;
      sealed_.notify_all();
      has_work_.notify_all();
      lock.unlock();
      release_pages();
      continue;
    }
    log::warning("traces stay in memory and in their journal for now: {}",
                 sealed.error().message());
    has_work_.wait_for(lock, stop, pause_after_failure, [] { return false; });
    if (stop.stop_requested()) return;
  }
}

// --- Merges

/// Ends the merges that run, and waits for it.
class Filing::MergePause {
 public:
  explicit MergePause(Filing& filing) : filing_(filing) {
    std::unique_lock lock(filing_.mutex_);
    filing_.is_merging_paused_ = true;
    filing_.merges_.request_stop();
    filing_.merged_.wait(lock, [this] { return filing_.merging_.empty(); });
  }
  ~MergePause() {
    const std::lock_guard lock(filing_.mutex_);
    filing_.is_merging_paused_ = false;
    filing_.merges_ = {};
    ++filing_.changes_;
    filing_.has_work_.notify_all();
  }
  MergePause(const MergePause&) = delete;
  MergePause& operator=(const MergePause&) = delete;

 private:
  Filing& filing_;
};

Filing::Merge Filing::take_merge(std::size_t waiting_least) {
  const std::lock_guard lock(mutex_);
  Merge taken{{}, Context(merges_.get_token())};
  if (is_merging_paused_) return taken;
  const std::vector<Shelved> all = options_.shelf.segments();
  std::vector<MergeCandidate> files;
  for (const Shelved& one : all)
    files.push_back({.day = day_of(one.segment->range(TraceNumber::start).least),
                     .runs = one.segment->runs(),
                     .bytes = one.segment->file_bytes(),
                     .is_alone = is_mostly_dead(one) || one.segment->is_before(),
                     .is_busy = merging_.contains(one.number)});
  MergeLimits limits = options_.limits;
  // It is the small files that are many, and two merges take memory at once.
  if (waiting_least > 0) limits.runs_max /= hurried_share;
  const MergePlan plan = plan_merge(files, limits);
  if (plan.waiting < waiting_least) return taken;
  for (const std::size_t place : plan.inputs) {
    taken.inputs.push_back(all[place]);
    merging_.insert(all[place].number);
  }
  return taken;
}

Result<bool> Filing::merge_more(std::size_t waiting_least) {
  const Merge taken = take_merge(waiting_least);
  if (taken.inputs.empty()) return false;
  const auto merged = merge(taken.context, taken.inputs);
  {
    const std::lock_guard lock(mutex_);
    for (const Shelved& one : taken.inputs) merging_.erase(one.number);
    merged_.notify_all();
  }
  if (!taken.context.check()) return false;  // Whoever paused it wakes this thread again.
  TRY(merged);
  return true;
}

Result<void> Filing::purge(const Context& context) {
  // A merge has read rows that are dead by now, and its file would have them until it is replaced.
  const MergePause pause(*this);
  for (;;) {
    const std::vector<Shelved> all = options_.shelf.segments();
    const auto found = std::find_if(all.begin(), all.end(), [](const Shelved& one) {
      return one.manifest && one.manifest->count > 0;
    });
    if (found == all.end()) return {};
    TRY(merge(context, {*found}));
  }
}

Result<void> Filing::merge(const Context& context, const std::vector<Shelved>& inputs) {
  Shelf& shelf = options_.shelf;
  Shelf::Replacement replacement;
  replacement.removed = numbers_of(inputs);
  const std::uint64_t number = take_number();
  replacement.new_rows = TRY(
      merge_segments(context, segment_path(shelf.folder(), number), shelf.is_durable(), inputs));
  replacement.added.push_back(TRY(open_segment(shelf, number)));
  inherit_sums(context, inputs, replacement.added.front());
  const std::vector<std::uint64_t> removed = replacement.removed;
  const std::lock_guard filing(filing_);
  // Somebody may have dropped one of them meanwhile.
  const std::vector<Shelved> now = shelf.segments();
  const bool are_there = std::all_of(removed.begin(), removed.end(), [&](std::uint64_t old) {
    return std::any_of(now.begin(), now.end(),
                       [old](const Shelved& one) { return one.number == old; });
  });
  if (!are_there) {
    delete_files({number});
    return {};
  }
  if (replacement.added.front().segment->traces() == 0) {
    replacement.added.clear();
    replacement.new_rows.clear();
    delete_files({number});
  }
  if (const auto replaced = shelf.replace(header(), std::move(replacement)); !replaced) {
    discard({number});
    return replaced.error();
  }
  delete_files(removed);
  return {};
}

void Filing::inherit_sums(const Context& context, const std::vector<Shelved>& inputs,
                          const Shelved& merged) {
  // Runs of an older form gain texts when they are written anew.
  const bool is_same = std::none_of(inputs.begin(), inputs.end(),
                                    [](const Shelved& one) { return one.segment->is_before(); });
  if (options_.sums == nullptr || !is_same) return;
  View from;
  for (const Shelved& one : inputs) from.push_back({one.segment, one.manifest});
  if (const auto done = options_.sums->inherit(context, from, *merged.segment); !done)
    log::debug("sums of merged traces are made later: {}", done.error().message());
}

void Filing::add_sums_to_files(const Context& context, std::uint64_t changes) {
  if (options_.sums == nullptr) return;
  for (const Shelved& one : options_.shelf.segments()) {
    {
      const std::lock_guard lock(mutex_);
      if (changes_ != changes || !context.check()) return;
      if (summed_.contains(one.number)) continue;
    }
    const auto done = options_.sums->prepare(context, one.segment);
    one.segment->release();
    if (!done) {
      log::debug("sums of traces are made when they are asked for: {}", done.error().message());
      continue;
    }
    const std::lock_guard lock(mutex_);
    summed_.insert(one.number);
  }
}

void Filing::merge_until_stopped(const std::stop_token& stop, std::size_t waiting_least) {
  if (waiting_least == 0) yield_to_others();
  const Context context(stop);
  std::uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!has_work_.wait(lock, stop, [&] { return changes_ != seen; })) return;
      seen = changes_;
    }
    Result<bool> more = true;
    while (more && *more) more = merge_more(waiting_least);
    if (more && waiting_least == 0) add_sums_to_files(context, seen);
    if (more || stop.stop_requested()) continue;
    log::warning("small files of traces stay for now: {}", more.error().message());
    std::unique_lock lock(mutex_);
    has_work_.wait_for(lock, stop, pause_after_failure, [] { return false; });
    ++changes_;
  }
}

void Filing::release_pages() const {
  for (const Shelved& one : options_.shelf.segments()) one.segment->release();
}

void Filing::delete_files(const std::vector<std::uint64_t>& numbers) {
  std::error_code error;
  for (const std::uint64_t number : numbers) {
    const std::filesystem::path path = segment_path(options_.shelf.folder(), number);
    std::filesystem::remove(path, error);
    std::filesystem::remove(sums_path(path), error);
  }
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t number : numbers) summed_.erase(number);
}

/// Files whose manifest could not be written. It may have taken its place all the same, where what
/// failed came after that: then a restart needs them.
void Filing::discard(const std::vector<std::uint64_t>& numbers) {
  const auto known = read_manifest(options_.shelf.folder());
  if (!known) return;  // The next start deletes what nobody names.
  std::vector<std::uint64_t> unnamed;
  for (const std::uint64_t number : numbers) {
    const bool is_named =
        *known && std::any_of((*known)->segments.begin(), (*known)->segments.end(),
                              [number](const auto& one) { return one.number == number; });
    if (!is_named) unnamed.push_back(number);
  }
  delete_files(unnamed);
}

Result<std::vector<std::uint64_t>> Filing::drop(const std::vector<std::uint64_t>& numbers) {
  const std::lock_guard filing(filing_);
  Shelf::Replacement replacement;
  // A trace of it that has moved needs it after a restart, until that is sealed.
  for (const Shelved& one : options_.shelf.segments())
    if (std::find(numbers.begin(), numbers.end(), one.number) != numbers.end() &&
        one.live == one.manifest)
      replacement.removed.push_back(one.number);
  const std::vector<std::uint64_t> gone = replacement.removed;
  if (gone.empty()) return gone;
  TRY(options_.shelf.replace(header(), std::move(replacement)));
  delete_files(gone);
  return gone;
}

// --- Exchanges

Filing::Exchange::~Exchange() {
  if (!added_.empty()) filing_.discard(numbers_of(added_));
}

Result<void> Filing::Exchange::add(std::vector<MemTracePtr> traces) {
  for (Shelved& one : TRY(filing_.write(std::move(traces)))) added_.push_back(std::move(one));
  return {};
}

Result<void> Filing::Exchange::publish() {
  if (added_.empty()) return {};
  {
    const std::lock_guard filing(filing_.filing_);
    TRY(filing_.options_.shelf.exchange(filing_.header(), added_));
  }
  added_.clear();
  const std::lock_guard lock(filing_.mutex_);
  ++filing_.changes_;
  filing_.has_work_.notify_all();
  return {};
}

// --- Imports

Result<void> Filing::add(std::vector<MemTracePtr> traces) {
  for (Shelved& one : TRY(write(std::move(traces)))) imported_.push_back(std::move(one));
  return {};
}

Result<void> Filing::publish(const Arrivals& arrivals) {
  Manifest next = header();
  next.next_run = arrivals.next_run;
  next.next_trace = arrivals.next_trace;
  Shelf::Replacement replacement;
  replacement.added = std::move(imported_);
  TRY(options_.shelf.replace(next, std::move(replacement)));
  const std::lock_guard lock(mutex_);
  manifest_.next_run = next.next_run;
  manifest_.next_trace = next.next_trace;
  ++changes_;
  return {};
}

}  // namespace slipway::trace::detail
