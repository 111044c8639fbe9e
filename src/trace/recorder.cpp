#include "trace/recorder.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "core/turns.hpp"
#include "trace/detail/pace.hpp"
#include "trace/sampling.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t batch_bytes_max = 4u << 20;
constexpr std::size_t batch_runs_max = 512;

/// Runs that are whole already.
class MadeRuns final : public Draft {
 public:
  explicit MadeRuns(std::vector<RunPatch> runs) : runs_(std::move(runs)) {
    for (const RunPatch& run : runs_) bytes_ += bytes_of(run);
  }
  std::size_t bytes() const override { return bytes_; }
  void make(std::vector<RunPatch>& runs) override {
    std::move(runs_.begin(), runs_.end(), std::back_inserter(runs));
  }

 private:
  std::vector<RunPatch> runs_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::size_t bytes_of(const RunPatch& run) {
  constexpr std::size_t member_bytes = 64;  // A guess: names, numbers, short texts.
  std::size_t bytes = sizeof(RunPatch);
  for (const auto* payload : {&run.inputs, &run.outputs})
    if (*payload) bytes += (*payload)->bytes.size();
  if (run.error) bytes += run.error->size();
  bytes += (run.metadata.size() + run.attributes.size() + run.extra.size()) * member_bytes;
  return bytes + run.events.size() * sizeof(Event);
}

Payload cut_text(std::string text, std::size_t bytes_max, std::size_t whole) {
  std::size_t end = std::min(bytes_max, text.size());
  if (end < whole) {
    // Without the last character, which may be broken.
    const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    while (end > 0 && (byte(end - 1) & 0xC0u) == 0x80u) --end;
    if (end > 0 && byte(end - 1) >= 0xC0u) --end;
  }
  text.resize(end);
  if (end == whole) return {std::move(text), true};
  return {fmt::format("{} [cut: {} of {} bytes]", text, end, whole), true};
}

Recorder::Recorder(Options options)
    : options_(options),
      pace_(std::make_unique<detail::Pace>(options.per_second_max)),
      thread_([this] { work(); }) {}

/// Who closes waits for what is left, so it is written here and not by the thread that gives way.
Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  hurry_.notify_all();
  wake();
  store(taken());
  thread_.join();
}

bool Recorder::takes(std::string_view trace_id) {
  const double share = std::min(options_.sample, pace_->share(std::chrono::steady_clock::now()));
  if (share >= 1) return true;
  const double lot = lot_of(trace_id);
  if (lot < share) return true;
  if (lot < options_.sample) dropped_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Recorder::record(std::unique_ptr<Draft> draft) {
  const std::size_t bytes = draft->bytes();
  if (bytes_.fetch_add(bytes) + bytes > options_.bytes_max || is_closing_) {
    bytes_.fetch_sub(bytes);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  waiting_.fetch_add(1);
  draft->size_ = bytes;
  Draft* const added = draft.release();
  Draft* before = newest_.load(std::memory_order_relaxed);
  do {
    added->before_ = before;
  } while (!newest_.compare_exchange_weak(before, added));
  recorded_.fetch_add(1, std::memory_order_relaxed);
  // A thread that gathers finds the others by itself: waking it costs more than all of this.
  if (before == nullptr) wake();
}

/// All that is queued, oldest first.
Recorder::Drafts Recorder::taken() {
  Drafts drafts;
  for (Draft* draft = newest_.exchange(nullptr); draft != nullptr;
       draft = std::exchange(draft->before_, nullptr))
    drafts.emplace_back(draft);
  std::reverse(drafts.begin(), drafts.end());
  return drafts;
}

void Recorder::wake() {
  signal_.fetch_add(1);
  signal_.notify_all();
}

void Recorder::record(std::vector<RunPatch> runs) {
  if (!runs.empty()) record(std::make_unique<MadeRuns>(std::move(runs)));
}

void Recorder::flush() {
  std::unique_lock lock(mutex_);
  is_hurried_ = true;
  hurry_.notify_all();
  progress_.wait(lock, [this] { return waiting_ == 0; });
  is_hurried_ = false;
}

Recorder::Counters Recorder::counters() const {
  return {recorded_.load(), dropped_.load(), bytes_.load()};
}

void Recorder::work() {
  yield_to_others();
  for (;;) {
    const std::uint32_t seen = signal_;
    if (newest_ == nullptr) {
      if (is_closing_) return;
      signal_.wait(seen);
      continue;
    }
    {
      std::unique_lock lock(mutex_);
      hurry_.wait_for(lock, options_.pause, [this] { return is_closing_ || is_hurried_; });
    }
    store(taken());
    const std::lock_guard lock(mutex_);
    progress_.notify_all();
  }
}

/// What they hold is free only when they are stored: until then it fills memory.
void Recorder::store(Drafts drafts) {
  std::vector<RunPatch> runs;
  std::size_t bytes = 0, bytes_of_all = 0;
  for (auto& draft : drafts) {
    bytes += draft->size_;
    bytes_of_all += draft->size_;
    draft->make(runs);
    draft.reset();
    end_turn_if_over();
    if (bytes < batch_bytes_max && runs.size() < batch_runs_max) continue;
    ingest(std::exchange(runs, {}));
    bytes = 0;
  }
  if (!runs.empty()) ingest(std::move(runs));
  bytes_.fetch_sub(bytes_of_all);
  waiting_.fetch_sub(drafts.size());
}

/// A store that has too much to do is asked again; what it refuses for good is dropped.
void Recorder::ingest(std::vector<RunPatch> runs) {
  constexpr std::chrono::milliseconds pause_first{50}, pause_max{2'000};
  const auto end = std::chrono::steady_clock::now() + options_.patience;
  for (auto pause = pause_first;; pause = std::min(pause * 2, pause_max)) {
    const auto stored = options_.store.ingest(Context(), runs);
    if (stored) return;
    const bool may_wait = stored.error().code() == Code::unavailable &&
                          std::chrono::steady_clock::now() + pause < end;
    std::unique_lock lock(mutex_);
    if (!may_wait || is_closing_) {
      dropped_ += runs.size();
      lock.unlock();
      log::warning("{} runs of our own were not stored: {}", runs.size(), stored.error().message());
      return;
    }
    hurry_.wait_for(lock, pause, [this] { return is_closing_.load(); });
  }
}

}  // namespace slipway::trace
