// The store of traces: a journal that acknowledges, memory that answers at once, segments that
// stay. Why so: docs/decisions/0020-trace-segments.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "trace/detail/filing.hpp"
#include "trace/detail/folder.hpp"
#include "trace/detail/journal.hpp"
#include "trace/detail/part_reads.hpp"
#include "trace/detail/thinning.hpp"
#include "trace/sampling.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

class SegmentTraceStore final : public TraceStore, public Upkeep {
 public:
  /// As `TraceStore::open`.
  static Result<std::unique_ptr<TraceStore>> open(Options options);
  SegmentTraceStore(Options options, std::unique_ptr<Folder> folder);

  Result<void> ingest(const Context& context, std::vector<RunPatch> runs) override;
  Result<Trace> trace(const Context& context, const std::string& trace_id,
                      bool with_payload) override;
  Result<Run> run(const Context& context, const std::string& id,
                  const std::string& trace_id) override;
  Result<std::vector<std::string>> child_ids(const Context& context, const Run& run) override;
  Result<void> remove(const Context& context, const std::string& trace_id) override;
  Result<std::int64_t> erase(const Context& context, const Query& query) override;
  Result<std::int64_t> remove_before(const Context& context, Nanoseconds time) override;
  Result<Page<TraceSummary>> traces(const Context& context, const Query& query) override;
  Result<Page<Run>> runs(const Context& context, const Query& query) override;
  Result<Stats> stats(const Context& context, const Query& query,
                      std::optional<GroupBy> group_by) override;
  Result<CostReport> costs(const Context& context, const Query& query, GroupBy group_by) override;
  Result<Page<Project>> projects(const Context& context, int limit,
                                 const std::string& cursor) override;
  Result<RepricingReport> reprice(const Context& context, const Repricing& wish) override;
  StoreCounters counters() const override;
  Result<void> settle(const Context& context) override;

  void set_sampling(const SamplingConfig& config, Needed needed) override;
  SamplingConfig sampling() const override;
  LeftOut left_out() const override;
  Result<void> tend(const Context& context, std::chrono::milliseconds patience) override;

 private:
  /// What a caller waits for.
  struct Delivery {
    std::vector<PreparedPatch> runs;
    std::size_t bytes = 0;
    std::optional<Result<void>> outcome;
  };

  Result<void> start();
  Result<void> look();
  Result<void> replay(const Manifest& manifest);
  std::shared_ptr<const PriceBook> prices() const;
  std::vector<Delivery*> take_deliveries();
  void commit(const std::vector<Delivery*>& deliveries);
  /// Journal, then readers. Held: `writing_`.
  Result<void> write(Batch& batch);
  Result<void> next_journal();
  void make_room();
  Result<void> wait_for_room();
  /// All traces are in files, and the journals that they were in are gone. Held: `writing_`.
  Result<void> seal_all();
  Result<std::int64_t> remove_all(const Context& context, const std::vector<std::string>& traces);
  Result<std::vector<std::string>> traces_with(const Context& context, const Query& query,
                                               std::uint32_t flags);

  const Options options_;
  const std::unique_ptr<Folder> folder_;
  Shelf shelf_;
  PartSums sums_;
  std::unique_ptr<Filing> filing_;

  std::mutex writing_;                ///< Held by whoever changes traces; guards the next three.
  std::unique_ptr<Journal> journal_;  ///< None in a store that is read only.
  std::uint64_t journal_number_ = 0;
  Arrivals arrivals_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable delivered_;
  std::deque<Delivery*> queue_;
  bool is_committing_ = false;
  StoreCounters counters_;
  SamplingConfig sampling_;
  LeftOut left_out_;

  /// Projects of parts that were counted, as long as they are read.
  struct Counted {
    PartView view;
    std::shared_ptr<const ProjectMap> projects;
  };
  std::mutex counting_;
  std::vector<Counted> counted_;

  Result<void> thin_out(const Context& context, std::chrono::milliseconds patience);
  std::mutex thinning_mutex_;         // Guards what follows; held while traces are deleted.
  std::optional<Thinning> thinning_;  ///< None: every trace is kept.
  Needed needed_;
  /// Of `tend`: memory that other files take than those of traces.
  std::atomic<std::size_t> other_file_bytes_{0};
};

}  // namespace slipway::trace::detail
