// Writes what was set aside to segments, and small segments to larger ones, on threads of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include "trace/detail/batch.hpp"
#include "trace/detail/merge_plan.hpp"
#include "trace/detail/part_sums.hpp"
#include "trace/detail/shelf.hpp"

namespace slipway::trace::detail {

/// Safe to use from many threads.
class Filing {
 public:
  struct Options {
    Shelf& shelf;              ///< Outlives it.
    PartSums* sums = nullptr;  ///< Of files; outlives it. Null: nobody needs them.
    MergeLimits limits = {};
    /// Files are merged by a thread that gives way to all others. Where that gets no time and so
    /// many wait, another helps it that takes its share as requests do: who brings runs looks for
    /// their traces in every file.
    std::size_t hurry_from = 64;
  };
  explicit Filing(Options options) : options_(options) {}
  /// Ends the threads; a merge is given up, a seal is finished.
  ~Filing();
  Filing(const Filing&) = delete;
  Filing& operator=(const Filing&) = delete;

  /// Opens what the manifest names. Before anything else. Fails: invalid_argument (damaged).
  Result<Manifest> open(const Manifest& manifest);
  void start();

  /// The shelf has set a table aside; what comes later is in journals from `journal` on.
  void seal_from(std::uint64_t journal, const Arrivals& arrivals);
  /// Waits until nothing is set aside. False: it took too long.
  bool wait_until_sealed(std::chrono::milliseconds timeout);

  /// Writes traces straight into segments: for an import. One at a time, before `start`.
  Result<void> add(std::vector<MemTracePtr> traces);
  /// Ends an import.
  Result<void> publish(const Arrivals& arrivals);

  /// Other rows for traces that are in segments: nobody sees any of them before `publish`, and all
  /// of them after it, also after a crash. What was not published is deleted. One at a time, while
  /// nothing is in memory and nobody changes traces.
  class Exchange {
   public:
    /// `filing` must outlive it.
    explicit Exchange(Filing& filing) : filing_(filing) {}
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    /// Whole traces. Fails: unavailable (the disk), invalid_argument (damaged).
    Result<void> add(std::vector<MemTracePtr> traces);
    /// Fails: unavailable; nothing has changed then.
    Result<void> publish();

   private:
    Filing& filing_;
    std::vector<Shelved> added_;
  };

  /// Pages of files are the system's to keep, not the program's.
  void release_pages() const;

  /// Writes all segments anew that have dead traces: no file has a byte of them then, not even one
  /// that was being merged, which is given up. Only after all was sealed, while nobody changes
  /// traces; one at a time. Fails: unavailable, and when the context ends.
  Result<void> purge(const Context& context);

  /// Deletes whole segments; those that cannot go now are left. Gives the numbers of those that
  /// went. No trace may be changed meanwhile.
  Result<std::vector<std::uint64_t>> drop(const std::vector<std::uint64_t>& numbers);

 private:
  void seal_until_stopped(const std::stop_token& stop);
  void merge_until_stopped(const std::stop_token& stop, std::size_t waiting_least);
  Result<void> seal();
  /// While it lives nothing is merged but by who made it.
  class MergePause;
  /// False: there is nothing to merge now.
  Result<bool> merge_more(std::size_t waiting_least);
  Result<void> merge(const Context& context, const std::vector<Shelved>& inputs);
  void inherit_sums(const Context& context, const std::vector<Shelved>& inputs,
                    const Shelved& merged);
  /// Files that nobody merges now get their sums, while there is nothing else to do.
  void add_sums_to_files(const Context& context, std::uint64_t changes);
  /// What is merged next, and nobody else merges meanwhile; nothing where fewer wait.
  struct Merge {
    std::vector<Shelved> inputs;
    Context context;
  };
  Merge take_merge(std::size_t waiting_least);
  std::uint64_t take_number();
  Result<std::vector<Shelved>> write(std::vector<MemTracePtr> traces);
  void delete_files(const std::vector<std::uint64_t>& numbers);
  void discard(const std::vector<std::uint64_t>& numbers);
  Manifest header() const;

  const Options options_;
  mutable std::mutex mutex_;  // Guards what follows, but for the threads.
  std::condition_variable_any has_work_, sealed_, merged_;
  Manifest manifest_;  ///< Without segments.
  std::uint64_t next_journal_ = 0;
  Arrivals next_arrivals_;
  /// How many seals were asked for, and how many of these are done. The next may be asked for
  /// before the one that runs is told to be done.
  std::uint64_t seals_asked_ = 0, seals_done_ = 0;
  std::uint64_t changes_ = 0;        ///< Of what there is to merge.
  std::set<std::uint64_t> merging_;  ///< Numbers of segments.
  std::stop_source merges_;          ///< Ends those that run.
  bool is_merging_paused_ = false;
  std::set<std::uint64_t> summed_;  ///< Those that have what they can have beside them.
  std::mutex filing_;               ///< Held by whoever replaces the manifest.
  std::vector<Shelved> imported_;
  std::jthread sealer_, merger_, hurried_;
};

}  // namespace slipway::trace::detail
