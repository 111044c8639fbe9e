// The way in for runs of our own: calls of the gateway, questions, searches, jobs.
//
//   if (recorder.takes(trace_id)) recorder.record(std::make_unique<MyDraft>(...));
//
// Who records never waits: a draft is put into a bounded queue without a lock, since whoever holds
// one may be the thread of lower priority that makes runs of drafts and gives them to the store: on
// a busy machine it may lose its processor for long. What does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "trace/store.hpp"

namespace slipway::trace {

namespace detail {
class Pace;
}

/// What runs are made of, away from the caller's path.
class Draft {
 public:
  virtual ~Draft() = default;
  /// What it holds in memory, about.
  virtual std::size_t bytes() const = 0;
  /// Called at most once, on the recorder's thread.
  virtual void make(std::vector<RunPatch>& runs) = 0;

 private:
  friend class Recorder;
  Draft* before_ = nullptr;  ///< In the recorder's queue.
  std::size_t size_ = 0;     ///< `bytes` when it was recorded.
};

/// Safe to use from many threads. The destructor writes what is queued.
class Recorder {
 public:
  struct Options {
    TraceStore& store;                           ///< Must outlive this.
    double sample = 1;                           ///< Share of the traces that are kept, 0..1.
    std::int64_t per_second_max = 0;             ///< Traces that are all kept. 0: no limit.
    bool payloads = true;                        ///< Whether inputs and outputs are kept.
    std::size_t bytes_max = 32u << 20;           ///< Of drafts that wait.
    std::chrono::milliseconds pause{20};         ///< For which drafts gather, for one commit.
    std::chrono::milliseconds patience{30'000};  ///< With a store that cannot take them now.
  };
  explicit Recorder(Options options);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Whether runs of that trace are in the sample: all of a trace or none, in every process alike.
  /// What failed is worth recording also when they are not.
  /// The first `per_second_max` within a second are all taken. Beyond, the share is the square of
  /// what would fit: the more there are, the fewer. What is left out counts as dropped.
  bool takes(std::string_view trace_id);
  bool keeps_payloads() const { return options_.payloads; }

  /// Never waits, never fails.
  void record(std::unique_ptr<Draft> draft);
  void record(std::vector<RunPatch> runs);

  /// Waits until all that was recorded before is stored or dropped. For tests and shutdown.
  void flush();

  struct Counters {
    std::uint64_t recorded = 0, dropped = 0;  ///< Drafts; runs.
    std::size_t queued_bytes = 0;
  };
  Counters counters() const;

 private:
  using Drafts = std::vector<std::unique_ptr<Draft>>;
  Drafts taken();
  void wake();
  void work();
  void store(Drafts drafts);
  void ingest(std::vector<RunPatch> runs);

  const Options options_;
  const std::unique_ptr<detail::Pace> pace_;
  std::atomic<Draft*> newest_{nullptr};    ///< Of the queue, linked from newest to oldest. Owned.
  std::atomic<std::size_t> bytes_{0};      ///< Of drafts that are not stored yet.
  std::atomic<std::uint64_t> waiting_{0};  ///< Drafts that are not stored yet.
  std::atomic<std::uint32_t> signal_{0};   ///< Changes with each reason to look at the queue.
  std::atomic<bool> is_closing_{false}, is_hurried_{false};
  std::atomic<std::uint64_t> recorded_{0}, dropped_{0};
  std::mutex mutex_;  ///< For pauses and `flush`; never taken by who records.
  std::condition_variable hurry_, progress_;
  std::thread thread_;  // Last: it uses all above.
};

/// About what a run holds in memory.
std::size_t bytes_of(const RunPatch& run);

/// What is left of a payload of `whole` bytes that is too long: text of at most `bytes_max` and a
/// note that it is cut. `text` is its beginning, or all of it; a broken character at its end is
/// left out.
Payload cut_text(std::string text, std::size_t bytes_max, std::size_t whole);

}  // namespace slipway::trace
