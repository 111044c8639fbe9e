#include "trace/detail/segment_store.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "core/turns.hpp"
#include "trace/detail/import.hpp"

namespace slipway::trace::detail {

namespace {

/// Runs of one commit, so that who waits is not kept waiting.
constexpr std::size_t commit_runs_max = 20'000;
/// Runs that are priced again, or traces that are deleted, at once.
constexpr std::size_t change_at_once = 20'000;
/// A run itself, beside what it holds.
constexpr std::size_t run_bytes = 512;
/// How long a commit waits for memory.
constexpr std::chrono::seconds room_patience{20};

std::size_t bytes_of(const RunPatch& run) {
  std::size_t bytes = run_bytes + run.id.size() + run.trace_id.size();
  for (const auto* payload : {&run.inputs, &run.outputs})
    if (*payload) bytes += (*payload)->bytes.size();
  if (run.error) bytes += run.error->size();
  return bytes;
}

}  // namespace

SegmentTraceStore::SegmentTraceStore(Options options, std::unique_ptr<Folder> folder)
    : options_(std::move(options)),
      folder_(std::move(folder)),
      shelf_(folder_->path(), !folder_->is_private()),
      sums_({.may_write = !options_.is_read_only}),
      filing_(std::make_unique<Filing>(Filing::Options{.shelf = shelf_, .sums = &sums_})) {}

Result<std::unique_ptr<TraceStore>> SegmentTraceStore::open(Options options) {
  auto folder =
      TRY(options.is_read_only ? Folder::look_at(options.path) : Folder::open(options.path));
  auto store = std::make_unique<SegmentTraceStore>(std::move(options), std::move(folder));
  TRY((store->options_.is_read_only ? store->look() : store->start()).within("opening the traces"));
  return std::unique_ptr<TraceStore>(std::move(store));
}

Result<void> SegmentTraceStore::start() {
  const auto known = TRY(read_manifest(folder_->path()));
  const Manifest manifest = known.value_or(Manifest());
  delete_strays(folder_->path(), manifest);
  TRY(filing_->open(manifest));
  arrivals_ = {manifest.next_run, manifest.next_trace};
  if (!folder_->is_private()) {
    std::filesystem::path database = options_.path;
    database += ".db";
    TRY(import_database({.path = database, .is_done = known.has_value()}, *filing_, arrivals_));
  }
  TRY(replay(manifest));
  TRY(next_journal());
  filing_->start();
  const std::lock_guard writing(writing_);
  make_room();
  return {};
}

/// Files may go while they are opened; then the manifest is another one already.
Result<void> SegmentTraceStore::look() {
  constexpr int attempts = 5;
  Result<void> seen;
  for (int i = 0; i < attempts; ++i) {
    const Manifest manifest = TRY(read_manifest(folder_->path())).value_or(Manifest());
    seen = [&]() -> Result<void> {
      TRY(filing_->open(manifest));
      return replay(manifest);
    }();
    if (seen || seen.error().code() != Code::not_found) break;
  }
  return seen;
}

Result<void> SegmentTraceStore::replay(const Manifest& manifest) {
  journal_number_ = manifest.journal - 1;
  for (const std::uint64_t number : journals_from(folder_->path(), manifest.journal)) {
    journal_number_ = std::max(journal_number_, number);
    const auto path = journal_path(folder_->path(), number);
    const std::uint64_t left = TRY(read_journal(path, [&](std::string_view bytes) -> Result<void> {
      const auto book = prices();  // Only where there is something: it is read for the first one.
      Batch batch(shelf_, *book, arrivals_);
      TRY(batch.replay(bytes).within(path.string()));
      batch.finish();
      batch.install();
      return {};
    }));
    std::error_code error;
    if (!options_.is_read_only && std::filesystem::file_size(path, error) == 0 && !error)
      std::filesystem::remove(path, error);
    if (left > 0)
      log::info("traces: {} bytes at the end of {} were not acknowledged", left, path.string());
  }
  return {};
}

std::shared_ptr<const PriceBook> SegmentTraceStore::prices() const {
  auto book = options_.prices ? options_.prices() : nullptr;
  return book ? book
              : std::make_shared<const PriceBook>(std::vector<PriceRow>(), std::vector<PriceRow>());
}

// --- What comes in

Result<void> SegmentTraceStore::ingest(const Context& context, std::vector<RunPatch> runs) {
  TRY(context.check());
  Delivery delivery;
  for (RunPatch& run : runs) {
    if (run.id.empty()) return fail(Code::invalid_argument, "id: is required of every run");
    if (options_.mask) options_.mask(run);
    delivery.bytes += bytes_of(run);
  }
  const std::size_t count = runs.size();
  {
    const std::lock_guard lock(mutex_);
    counters_.received += count;
    if (counters_.queued_bytes > 0 &&
        counters_.queued_bytes + delivery.bytes > options_.queued_bytes_max) {
      counters_.rejected += count;
      return fail(Code::unavailable, "{} bytes of traces wait to be written; send this again later",
                  counters_.queued_bytes);
    }
    counters_.queued_bytes += delivery.bytes;
  }
  // Words are found by whoever brings them, many at once.
  delivery.runs.reserve(count);
  for (RunPatch& run : runs) {
    delivery.runs.push_back(prepare(std::move(run)));
    end_turn_if_over();
  }
  std::unique_lock lock(mutex_);
  queue_.push_back(&delivery);
  // Who finds nobody committing commits for all that wait: they share the sync of the disk.
  delivered_.wait(lock, [&] { return delivery.outcome || !is_committing_; });
  while (!delivery.outcome) {
    is_committing_ = true;
    const std::vector<Delivery*> taken = take_deliveries();
    lock.unlock();
    commit(taken);
    lock.lock();
    is_committing_ = false;
  }
  lock.unlock();
  delivered_.notify_all();
  return *delivery.outcome;
}

/// Held: `mutex_`.
std::vector<SegmentTraceStore::Delivery*> SegmentTraceStore::take_deliveries() {
  std::vector<Delivery*> taken;
  std::size_t total = 0;
  while (!queue_.empty() &&
         (taken.empty() || total + queue_.front()->runs.size() <= commit_runs_max)) {
    total += queue_.front()->runs.size();
    taken.push_back(queue_.front());
    queue_.pop_front();
  }
  return taken;
}

void SegmentTraceStore::commit(const std::vector<Delivery*>& deliveries) {
  const auto book = prices();
  std::vector<Result<void>> outcomes(deliveries.size());
  std::vector<std::size_t> counts;
  {
    const std::lock_guard writing(writing_);
    Batch batch(shelf_, *book, arrivals_);
    const Result<void> room = wait_for_room();
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
      counts.push_back(deliveries[i]->runs.size());
      outcomes[i] = room;
      for (PreparedPatch& run : deliveries[i]->runs) {
        if (outcomes[i]) outcomes[i] = batch.apply(std::move(run));
        end_turn_if_over();
      }
    }
    const Result<void> written = write(batch);
    if (!written)
      for (Result<void>& outcome : outcomes) outcome = written;
    make_room();
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    (outcomes[i] ? counters_.stored : counters_.rejected) += counts[i];
    counters_.queued_bytes -= deliveries[i]->bytes;
    // Then whoever brought it may be gone.
    deliveries[i]->outcome = std::move(outcomes[i]);
  }
}

Result<void> SegmentTraceStore::write(Batch& batch) {
  const std::string journal = batch.finish();
  if (journal.empty()) return {};
  if (!journal_) return fail(Code::forbidden, "the traces are open for reading only");
  if (journal_->is_broken()) TRY(next_journal());
  TRY(journal_->append(journal));
  batch.install();
  return {};
}

Result<void> SegmentTraceStore::next_journal() {
  journal_ = TRY(
      Journal::create(journal_path(folder_->path(), journal_number_ + 1), !folder_->is_private()));
  ++journal_number_;
  return {};
}

/// Sets the table in memory aside when it is full.
void SegmentTraceStore::make_room() {
  if (shelf_.mem_bytes() < options_.memory_bytes_max || shelf_.has_set_aside()) return;
  if (const auto made = next_journal(); !made)
    return log::warning("traces: {}", made.error().message());
  shelf_.set_aside();
  filing_->seal_from(journal_number_, arrivals_);
}

/// A table that is written while the next one is full already holds commits up.
Result<void> SegmentTraceStore::wait_for_room() {
  if (shelf_.mem_bytes() < 2 * options_.memory_bytes_max) return {};
  make_room();
  if (shelf_.mem_bytes() < 2 * options_.memory_bytes_max ||
      filing_->wait_until_sealed(room_patience)) {
    make_room();
    return {};
  }
  return fail(Code::unavailable,
              "traces cannot be written to {} as quickly as they come, or not at all; see the log",
              folder_->path().string());
}

// --- What changes

Result<void> SegmentTraceStore::remove(const Context& context, const std::string& trace_id) {
  TRY(context.check());
  const auto book = prices();
  const std::lock_guard writing(writing_);
  Batch batch(shelf_, *book, arrivals_);
  TRY(batch.remove(trace_id));
  return write(batch);
}

Result<std::int64_t> SegmentTraceStore::remove_all(const Context& context,
                                                   const std::vector<std::string>& traces) {
  const auto book = prices();
  std::int64_t count = 0;
  for (std::size_t first = 0; first < traces.size(); first += change_at_once) {
    TRY(context.check());
    const std::lock_guard writing(writing_);
    Batch batch(shelf_, *book, arrivals_);
    for (std::size_t i = first; i < std::min(traces.size(), first + change_at_once); ++i)
      count += batch.remove(traces[i]) ? 1 : 0;
    TRY(write(batch));
  }
  return count;
}

/// Those that have a run of the query with one of the flags (0: any).
Result<std::vector<std::string>> SegmentTraceStore::traces_with(const Context& context,
                                                                const Query& query,
                                                                std::uint32_t flags) {
  std::vector<std::string> traces;
  const Part* last_part = nullptr;
  std::size_t last_trace = 0;
  TRY(for_each_match(context, Table::runs, query, shelf_.view(),
                     [&](const Part& part, std::size_t run) {
                       if (flags != 0 && (part.number(RunNumber::flags, run) & flags) == 0) return;
                       const std::size_t trace = part.trace_of(run);
                       if (last_part == &part && last_trace == trace) return;
                       last_part = &part;
                       last_trace = trace;
                       traces.push_back(part.trace_id(trace));
                     }));
  return traces;
}

Result<std::int64_t> SegmentTraceStore::erase(const Context& context, const Query& query) {
  if (options_.is_read_only) return fail(Code::forbidden, "the traces are open for reading only");
  const auto book = prices();
  const std::lock_guard writing(writing_);
  const std::vector<std::string> traces = TRY(traces_with(context, query, 0));
  if (traces.empty()) return 0;
  Batch batch(shelf_, *book, arrivals_);
  std::int64_t count = 0;
  for (const std::string& trace : traces) count += batch.remove(trace) ? 1 : 0;
  TRY(write(batch));
  TRY(seal_all());
  TRY(filing_->purge(context));
  return count;
}

Result<std::int64_t> SegmentTraceStore::remove_before(const Context& context, Nanoseconds time) {
  std::int64_t count = 0;
  if (options_.is_read_only) return fail(Code::forbidden, "the traces are open for reading only");
  {
    // Whole files first.
    const std::lock_guard writing(writing_);
    std::vector<std::uint64_t> old;
    std::map<std::uint64_t, std::int64_t> traces;
    for (const Shelved& one : shelf_.segments()) {
      if (one.segment->range(TraceNumber::start).most >= time) continue;
      old.push_back(one.number);
      traces[one.number] = static_cast<std::int64_t>(PartView{one.segment, one.live}.live_traces());
    }
    for (const std::uint64_t number : TRY(filing_->drop(old))) count += traces[number];
  }
  Query query;
  query.to = time;
  std::vector<std::string> rest;
  TRY(for_each_match(
      context, Table::traces, query, shelf_.view(),
      [&](const Part& part, std::size_t trace) { rest.push_back(part.trace_id(trace)); }));
  return count + TRY(remove_all(context, rest));
}

namespace {

Query query_of(const Repricing& wish) {
  Query query;
  query.model = wish.model;
  query.from = wish.from;
  query.to = wish.to;
  return query;
}

bool wants(const Repricing& wish, const Row& row) {
  const std::int64_t start = row.number(RunNumber::start);
  return row.has(has_usage) && (!wish.model || row.text(RunText::model) == wish.model) &&
         (!wish.from || start >= *wish.from) && (!wish.to || start < *wish.to);
}

}  // namespace

Result<void> SegmentTraceStore::seal_all() {
  // Once more than there is something: a journal may have what is deleted, and a manifest not know
  // who is dead.
  for (bool is_again = false;; is_again = true) {
    if (!filing_->wait_until_sealed(room_patience))
      return fail(Code::unavailable, "traces cannot be written to {}; see the log",
                  folder_->path().string());
    if (is_again && shelf_.mem_runs() == 0) return {};
    TRY(next_journal());
    shelf_.set_aside();
    filing_->seal_from(journal_number_, arrivals_);
  }
}

/// What changes is written beside what is there and takes its place at once.
Result<RepricingReport> SegmentTraceStore::reprice(const Context& context, const Repricing& wish) {
  RepricingReport report;
  if (options_.is_read_only) return fail(Code::forbidden, "the traces are open for reading only");
  const auto book = prices();
  const PriceRow* row = nullptr;
  if (wish.price_id) {
    for (const PriceRow* one : book->rows(""))
      if (one->price_id == *wish.price_id) row = one;
    if (row == nullptr) return fail(Code::not_found, "there is no price '{}'", *wish.price_id);
  }
  const auto visit = [&](const std::optional<Picodollars>& before,
                         const std::optional<Picodollars>& after) {
    ++report.runs;
    report.changed += before != after ? 1 : 0;
    if (before) report.before += *before;
    if (after) report.after += *after;
  };
  const auto wanted = [&](const Row& one) { return wants(wish, one); };
  // Nobody writes meanwhile: a run is priced by the old or by the new, and counted once.
  const std::lock_guard writing(writing_);
  const std::vector<std::string> traces = TRY(traces_with(context, query_of(wish), has_usage));
  if (traces.empty()) return report;
  TRY(seal_all());
  Filing::Exchange exchange(*filing_);
  for (std::size_t next = 0; next < traces.size();) {
    TRY(context.check());
    Batch batch(shelf_, *book, arrivals_);
    const std::int64_t before = report.runs;
    const auto is_full = [&] {
      return report.runs - before >= static_cast<std::int64_t>(change_at_once);
    };
    for (; next < traces.size() && !is_full(); ++next)
      TRY(batch.reprice(traces[next], row, wanted, visit));
    TRY(exchange.add(batch.take_changed()));
  }
  TRY(exchange.publish());
  return report;
}

// --- What readers see

Result<Trace> SegmentTraceStore::trace(const Context& context, const std::string& trace_id,
                                       bool with_payload) {
  TRY(context.check());
  return read_trace(shelf_.view(), trace_id, with_payload);
}

Result<Run> SegmentTraceStore::run(const Context& context, const std::string& id,
                                   const std::string& trace_id) {
  TRY(context.check());
  return read_one_run(shelf_.view(), id, trace_id);
}

Result<std::vector<std::string>> SegmentTraceStore::child_ids(const Context& context,
                                                              const Run& run) {
  TRY(context.check());
  return read_child_ids(shelf_.view(), run);
}

Result<Page<TraceSummary>> SegmentTraceStore::traces(const Context& context, const Query& query) {
  return read_traces(context, shelf_.view(), query);
}

Result<Page<Run>> SegmentTraceStore::runs(const Context& context, const Query& query) {
  return read_runs(context, shelf_.view(), query);
}

Result<Stats> SegmentTraceStore::stats(const Context& context, const Query& query,
                                       std::optional<GroupBy> group_by) {
  return read_stats(context, shelf_.view(), query, {group_by, &sums_});
}

Result<CostReport> SegmentTraceStore::costs(const Context& context, const Query& query,
                                            GroupBy group_by) {
  return read_costs(context, shelf_.view(), query, {group_by, &sums_});
}

Result<Page<Project>> SegmentTraceStore::projects(const Context& context, int limit,
                                                  const std::string& cursor) {
  TRY(context.check());
  ProjectMap all;
  {
    const std::lock_guard lock(counting_);
    std::vector<Counted> now;
    for (PartView& view : shelf_.view()) {
      const auto known = std::find_if(counted_.begin(), counted_.end(), [&](const Counted& one) {
        return one.view.part == view.part && one.view.dead == view.dead;
      });
      auto projects = known != counted_.end()
                          ? known->projects
                          : std::make_shared<const ProjectMap>(sums_.projects(view));
      for (const auto& [name, count] : *projects) {
        Project& sum = all[name];
        sum.name = name;
        sum.last_run_time =
            sum.runs == 0 ? count.last_run_time : std::max(sum.last_run_time, count.last_run_time);
        sum.traces += count.traces;
        sum.runs += count.runs;
      }
      now.push_back({std::move(view), std::move(projects)});
    }
    counted_ = std::move(now);
  }
  Page<Project> page;
  for (auto place = all.upper_bound(cursor); place != all.end(); ++place) {
    if (page.items.size() == static_cast<std::size_t>(limit)) {
      page.next_cursor = page.items.back().name;
      break;
    }
    page.items.push_back(place->second);
  }
  return page;
}

StoreCounters SegmentTraceStore::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

/// Words are found as soon as their run is.
Result<void> SegmentTraceStore::settle(const Context& context) { return context.check(); }

}  // namespace slipway::trace::detail
