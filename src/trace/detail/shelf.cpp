#include "trace/detail/shelf.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace slipway::trace::detail {

namespace {

bool is_dead(const DeadPtr& dead, std::size_t trace) { return dead && dead->traces[trace]; }

/// A trace of a segment as memory keeps it.
Result<MemTracePtr> load_trace(const Segment& segment, std::size_t trace) {
  auto loaded = std::make_shared<MemTrace>();
  loaded->id = segment.trace_id(trace);
  loaded->head.number(TraceNumber::n) = segment.number(TraceNumber::n, trace);
  const auto first = static_cast<std::size_t>(segment.number(TraceNumber::first_run, trace));
  const auto count = static_cast<std::size_t>(segment.number(TraceNumber::run_count, trace));
  for (std::size_t run = first; run < std::min(first + count, segment.runs()); ++run) {
    Row row = TRY(segment.row(run, true));
    TRY(complete_terms(row));
    loaded->rows.push_back(std::make_shared<const Row>(std::move(row)));
  }
  if (loaded->rows.empty())
    return fail(Code::invalid_argument, "{}: a trace in it is damaged", segment.path().string());
  settle_trace(*loaded);
  return MemTracePtr(std::move(loaded));
}

/// Rows of several segments that died.
class Deaths {
 public:
  explicit Deaths(std::vector<Shelved>& segments) : segments_(segments), rows_(segments.size()) {}
  void add(const std::string& trace_id) {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const auto row = segments_[i].segment->find_trace(trace_id);
      if (!row || is_dead(segments_[i].live, *row)) continue;
      rows_[i].push_back(*row);
      return;
    }
  }
  void finish() {
    for (std::size_t i = 0; i < segments_.size(); ++i)
      if (!rows_[i].empty())
        segments_[i].live = with_dead(segments_[i].live, segments_[i].segment->traces(), rows_[i]);
  }

 private:
  std::vector<Shelved>& segments_;
  std::vector<std::vector<std::size_t>> rows_;
};

std::vector<std::uint32_t> rows_of(const DeadPtr& dead) {
  std::vector<std::uint32_t> rows;
  if (dead)
    for (std::size_t row = 0; row < dead->traces.size(); ++row)
      if (dead->traces[row]) rows.push_back(static_cast<std::uint32_t>(row));
  return rows;
}

/// The dead of segments as rows of what was merged out of them.
DeadPtr moved_dead(const std::vector<Shelved>& from, DeadPtr Shelved::*which,
                   const std::vector<std::vector<std::uint32_t>>& new_rows, std::size_t traces) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < from.size(); ++i)
    for (const std::uint32_t row : rows_of(from[i].*which))
      if (new_rows[i][row] != no_row) rows.push_back(new_rows[i][row]);
  return rows.empty() ? nullptr : with_dead(nullptr, traces, rows);
}

}  // namespace

View Shelf::view() {
  View view;
  const std::lock_guard lock(mutex_);
  view.reserve(segments_.size() + 2);
  view.push_back({mem_.part(), nullptr});
  if (aside_) view.push_back({aside_->part(), nullptr});
  for (const Shelved& one : segments_) view.push_back({one.segment, one.live});
  return view;
}

Result<Shelf::Found> Shelf::find(const std::string& trace_id) {
  std::vector<std::pair<SegmentPtr, std::size_t>> found;
  {
    const std::lock_guard lock(mutex_);
    if (MemTracePtr trace = mem_.find(trace_id)) return Found{std::move(trace), false};
    if (aside_)
      if (MemTracePtr trace = aside_->find(trace_id)) return Found{std::move(trace), true};
    const std::uint64_t hash = id_hash(pack_id(trace_id));
    for (const Shelved& one : segments_) {
      if (!one.segment->may_have(hash)) continue;
      const auto row = one.segment->find_trace(trace_id);
      if (row && !is_dead(one.live, *row)) found.emplace_back(one.segment, *row);
    }
  }
  if (found.empty()) return Found();
  return Found{TRY(load_trace(*found.front().first, found.front().second)), true};
}

bool Shelf::has(const std::string& trace_id) {
  const std::lock_guard lock(mutex_);
  if (mem_.find(trace_id) || (aside_ && aside_->find(trace_id))) return true;
  return std::any_of(segments_.begin(), segments_.end(), [&](const Shelved& one) {
    const auto row = one.segment->find_trace(trace_id);
    return row && !is_dead(one.live, *row);
  });
}

std::string Shelf::trace_of_run(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  std::int64_t n = -1;
  std::string found = mem_.trace_of_run(run_id, &n);
  if (aside_)
    if (std::string older = aside_->trace_of_run(run_id, &n); !older.empty())
      found = std::move(older);
  for (const Shelved& one : segments_)
    for (const std::size_t run : one.segment->find_runs(run_id)) {
      const std::size_t trace = one.segment->trace_of(run);
      const std::int64_t its = one.segment->number(RunNumber::n, run);
      if (its <= n || is_dead(one.live, trace)) continue;
      n = its;
      found = one.segment->trace_id(trace);
    }
  return found;
}

void Shelf::install(std::vector<MemTracePtr> traces, const std::vector<std::string>& moved,
                    const std::vector<std::string>& removed) {
  const std::lock_guard lock(mutex_);
  Deaths deaths(segments_);
  for (const std::vector<std::string>* ids : {&moved, &removed})
    for (const std::string& id : *ids)
      if (!(aside_ && aside_->erase(id))) deaths.add(id);
  for (const std::string& id : removed) mem_.erase(id);
  deaths.finish();
  for (MemTracePtr& trace : traces) mem_.put(std::move(trace));
}

std::size_t Shelf::mem_runs() const {
  const std::lock_guard lock(mutex_);
  return mem_.runs();
}

std::size_t Shelf::mem_bytes() const {
  const std::lock_guard lock(mutex_);
  return mem_.bytes();
}

bool Shelf::has_set_aside() const {
  const std::lock_guard lock(mutex_);
  return aside_.has_value();
}

bool Shelf::set_aside() {
  const std::lock_guard lock(mutex_);
  if (aside_) return false;
  aside_traces_ = mem_.traces();
  aside_ = std::move(mem_);
  mem_ = MemTable();
  for (Shelved& one : segments_) one.set_aside = one.live;
  return true;
}

std::vector<MemTracePtr> Shelf::aside() const {
  const std::lock_guard lock(mutex_);
  return aside_traces_;
}

std::vector<Shelved> Shelf::segments() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

void Shelf::open(std::vector<Shelved> segments) {
  const std::lock_guard lock(mutex_);
  segments_ = std::move(segments);
}

Result<void> Shelf::replace(Manifest header, Replacement replacement) {
  const auto goes = [&](const Shelved& one) {
    return std::find(replacement.removed.begin(), replacement.removed.end(), one.number) !=
           replacement.removed.end();
  };
  const auto replaced = [&](const std::vector<Shelved>& all) {
    std::vector<Shelved> found;
    for (const std::uint64_t number : replacement.removed)
      for (const Shelved& one : all)
        if (one.number == number) found.push_back(one);
    return found;
  };
  const bool is_merge = !replacement.new_rows.empty() && !replacement.added.empty();
  const auto move_dead = [&](const std::vector<Shelved>& all, DeadPtr Shelved::*which) {
    Shelved& added = replacement.added.front();
    added.*which = moved_dead(replaced(all), which, replacement.new_rows, added.segment->traces());
  };
  // Only this function changes what is in a manifest, so it still holds when the file is written.
  std::vector<Shelved> all = segments();
  if (is_merge) move_dead(all, &Shelved::manifest);
  for (const Shelved& one : all) {
    if (goes(one)) continue;
    header.segments.push_back(
        {one.number, rows_of(replacement.is_seal ? one.set_aside : one.manifest)});
  }
  for (const Shelved& one : replacement.added)
    header.segments.push_back({one.number, rows_of(one.manifest)});
  TRY(write_manifest(folder_, header));
  std::optional<MemTable> done;  // Freed when readers may look again.
  std::vector<MemTracePtr> done_traces;
  const std::lock_guard lock(mutex_);
  if (is_merge) {
    move_dead(segments_, &Shelved::set_aside);
    move_dead(segments_, &Shelved::live);
  }
  std::erase_if(segments_, goes);
  if (replacement.is_seal) {
    for (Shelved& one : segments_) one.manifest = one.set_aside;
    std::size_t written = 0;
    for (const Shelved& one : replacement.added) written += one.segment->traces();
    for (Shelved& one : replacement.added) {
      if (written == aside_->size()) break;  // Nothing has left meanwhile.
      std::vector<std::size_t> gone;
      for (std::size_t row = 0; row < one.segment->traces(); ++row)
        if (!aside_->find(one.segment->trace_id(row))) gone.push_back(row);
      if (!gone.empty()) one.live = with_dead(nullptr, one.segment->traces(), gone);
    }
    done.swap(aside_);
    done_traces.swap(aside_traces_);
  }
  for (Shelved& one : replacement.added) segments_.push_back(std::move(one));
  return {};
}

Result<void> Shelf::exchange(Manifest header, std::vector<Shelved> added) {
  // Only `replace` and this function change which segments there are, one at a time.
  const std::vector<Shelved> all = segments();
  std::vector<std::vector<std::size_t>> gone(all.size());
  const auto find = [&](const std::string& trace_id) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto row = all[i].segment->find_trace(trace_id);
      if (row && !is_dead(all[i].live, *row)) return gone[i].push_back(*row);
    }
  };
  for (const Shelved& one : added)
    for (std::size_t row = 0; row < one.segment->traces(); ++row) find(one.segment->trace_id(row));
  const auto with_gone = [&](const DeadPtr& dead, std::size_t i) {
    return gone[i].empty() ? dead : with_dead(dead, all[i].segment->traces(), gone[i]);
  };
  for (std::size_t i = 0; i < all.size(); ++i)
    header.segments.push_back({all[i].number, rows_of(with_gone(all[i].manifest, i))});
  for (const Shelved& one : added) header.segments.push_back({one.number, {}});
  TRY(write_manifest(folder_, header));
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    Shelved& one = segments_[i];
    // What was the same stays the same: see `Filing::drop`.
    const DeadPtr before = one.live, now = with_gone(before, i);
    for (DeadPtr* dead : {&one.set_aside, &one.manifest})
      *dead = *dead == before ? now : with_gone(*dead, i);
    one.live = now;
  }
  for (Shelved& one : added) segments_.push_back(std::move(one));
  return {};
}

}  // namespace slipway::trace::detail
