// All parts of the store at this moment: the table in memory, the one that is being written to
// disk, and the segments.
//
// A trace is in one of them. Whoever adds to a trace that has left memory takes all of it back; in
// its segment it is dead from then on. Which traces of a segment are dead is kept three times:
// as readers see it; as of the moment when the table before this one was set aside; and as of the
// journal that a restart reads from. A restart must find what the journal adds to.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "trace/detail/manifest.hpp"
#include "trace/detail/mem_table.hpp"
#include "trace/detail/segment.hpp"

namespace slipway::trace::detail {

struct Shelved {
  std::uint64_t number = 0;
  SegmentPtr segment;
  DeadPtr live, set_aside, manifest;
};

/// Safe to use from many threads. One at a time changes traces (`install`, `set_aside`), one at a
/// time files (`replace`).
class Shelf {
 public:
  explicit Shelf(std::filesystem::path folder, bool is_durable)
      : folder_(std::move(folder)), is_durable_(is_durable) {}

  View view();
  /// A trace with all its runs, wherever it is; null: there is none. Fails: invalid_argument (a
  /// damaged segment).
  struct Found {
    MemTracePtr trace;
    bool is_elsewhere = false;  ///< Not in the table that is written to.
  };
  Result<Found> find(const std::string& trace_id);
  /// Of the youngest run with that id; empty: there is none.
  std::string trace_of_run(const std::string& run_id);
  bool has(const std::string& trace_id);

  /// From now on these traces are so; those of `moved` or `removed` are nowhere else.
  void install(std::vector<MemTracePtr> traces, const std::vector<std::string>& moved,
               const std::vector<std::string>& removed);

  std::size_t mem_runs() const;
  std::size_t mem_bytes() const;
  /// The table becomes the one that is written; false: one is being written already.
  bool set_aside();
  bool has_set_aside() const;
  /// All that was in that table when it was set aside, also what has left it since: later journals
  /// add to it.
  std::vector<MemTracePtr> aside() const;

  /// What takes the place of what. Numbers of `removed` go.
  struct Replacement {
    std::vector<Shelved> added;
    std::vector<std::uint64_t> removed;
    /// The new rows of the traces of each of `removed` in the only one of `added`.
    std::vector<std::vector<std::uint32_t>> new_rows;
    bool is_seal = false;  ///< `added` are what was set aside.
  };
  /// On disk before readers see it. `header` is the manifest without its segments.
  /// Fails: unavailable; nothing has changed then.
  Result<void> replace(Manifest header, Replacement replacement);

  /// The traces of `added` are there from now on, with all at once; where they were before, in
  /// segments, they are dead. Nothing may be in memory, and nobody may change traces meanwhile.
  /// Fails: as `replace`.
  Result<void> exchange(Manifest header, std::vector<Shelved> added);

  std::vector<Shelved> segments() const;
  void open(std::vector<Shelved> segments);
  BlockCache& cache() { return cache_; }
  const std::filesystem::path& folder() const { return folder_; }
  bool is_durable() const { return is_durable_; }

 private:
  const std::filesystem::path folder_;
  const bool is_durable_;
  BlockCache cache_{16u << 20};
  mutable std::mutex mutex_;  // Guards what follows.
  MemTable mem_;
  std::optional<MemTable> aside_;
  std::vector<MemTracePtr> aside_traces_;
  std::vector<Shelved> segments_;
};

/// No row.
inline constexpr std::uint32_t no_row = 0xFFFFFFFFu;

/// Writes one segment out of several, without the traces that are dead in `manifest`. Gives the new
/// rows of each, `no_row` for dead ones. Fails: unavailable, invalid_argument (damaged), and when
/// the context ends.
Result<std::vector<std::vector<std::uint32_t>>> merge_segments(const Context& context,
                                                               const std::filesystem::path& path,
                                                               bool is_durable,
                                                               const std::vector<Shelved>& inputs);

}  // namespace slipway::trace::detail
