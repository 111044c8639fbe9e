// The youngest traces, in memory, until they become a segment.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/detail/part.hpp"

namespace slipway::trace::detail {

/// A trace as it is built; then it never changes.
struct MemTrace {
  std::string id;
  TraceHead head;
  std::vector<RowPtr> rows;           ///< In the order of arrival.
  std::vector<std::uint16_t> counts;  ///< `counts_tokens`, `counts_cost` of each.
  std::size_t bytes = 0;
};
using MemTracePtr = std::shared_ptr<const MemTrace>;

/// Root, times and sums, from the rows; see `mark_counted`.
void settle_trace(MemTrace& trace);

/// A moment of a table.
class MemPart;

/// Not safe to use from many threads.
class MemTable {
 public:
  std::size_t size() const { return places_.size(); }  ///< Traces.
  std::size_t runs() const { return runs_; }
  std::size_t bytes() const { return bytes_; }
  MemTracePtr find(const std::string& trace_id) const;
  /// The trace of the youngest run with that id; empty: none has it.
  std::string trace_of_run(const std::string& run_id, std::int64_t* n) const;
  void put(MemTracePtr trace);
  bool erase(const std::string& trace_id);
  /// What is there now. Made again only when something has changed.
  std::shared_ptr<const MemPart> part();
  std::vector<MemTracePtr> traces() const;

 private:
  std::vector<MemTracePtr> slots_;  ///< Null: moved or deleted.
  std::unordered_map<std::string, std::uint32_t> places_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> runs_by_id_;  ///< Slots, by the id's hash.
  std::shared_ptr<const MemPart> part_;
  std::size_t runs_ = 0, bytes_ = 0;
};

class MemPart final : public Part {
 public:
  explicit MemPart(std::vector<MemTracePtr> traces);

  std::size_t traces() const override { return traces_.size(); }
  std::size_t runs() const override { return rows_.size(); }
  std::int64_t number(TraceNumber which, std::size_t trace) const override {
    if (which == TraceNumber::first_run) return first_runs_[trace];
    return traces_[trace]->head.number(which);
  }
  std::int64_t number(RunNumber which, std::size_t run) const override;
  std::size_t trace_of(std::size_t run) const override { return rows_[run].trace; }
  std::uint64_t code(RunText which, std::size_t run) const override;
  std::uint64_t project_code(std::size_t trace) const override;
  std::optional<std::uint64_t> code_of(std::string_view text) const override;
  std::optional<std::string> text(RunText which, std::size_t run) const override {
    return row_of(run).text(which);
  }
  std::string project(std::size_t trace) const override { return traces_[trace]->head.project; }
  Bounds bounds(TraceNumber which, std::size_t block) const override;
  Bounds bounds(RunNumber which, std::size_t block) const override;
  Bounds range(TraceNumber which) const override { return bounds(which, 0); }
  Bounds range(RunNumber which) const override { return bounds(which, 0); }
  std::string trace_id(std::size_t trace) const override { return traces_[trace]->id; }
  std::string run_id(std::size_t run) const override { return row_of(run).id; }
  std::optional<std::string> parent_id(std::size_t run) const override {
    return row_of(run).parent_id;
  }
  std::optional<std::size_t> find_trace(std::string_view id) const override;
  std::vector<std::size_t> find_runs(std::string_view id) const override;
  Result<Row> row(std::size_t run, bool is_whole) const override;
  Result<Previews> previews(std::size_t trace) const override;
  Result<std::vector<std::uint32_t>> with_term(Term term) const override;

 private:
  struct Place {
    std::uint32_t trace = 0, row = 0;
  };
  const Row& row_of(std::size_t run) const {
    return *traces_[rows_[run].trace]->rows[rows_[run].row];
  }

  const std::vector<MemTracePtr> traces_;
  std::vector<std::uint32_t> first_runs_;
  std::vector<Place> rows_;
};

/// At most 300 characters of the strings in the root's payloads.
Result<Previews> previews_of(const MemTrace& trace);

}  // namespace slipway::trace::detail
