// Makes the file of a segment, trace by trace.
#pragma once

#include <memory>
#include <unordered_map>

#include "trace/detail/blocks.hpp"
#include "trace/detail/mem_table.hpp"
#include "trace/detail/segment_format.hpp"

namespace slipway::trace::detail {

/// A run as it goes into columns. Texts are borrowed.
struct RunInput {
  std::int64_t numbers[run_numbers] = {};
  std::optional<std::string_view> texts[run_texts];
  std::string_view packed_id, rest;
  std::int64_t parent = 0;                       ///< Of the trace's runs, from 1; 0: see below.
  std::optional<std::string_view> outer_parent;  ///< That has not arrived.
  std::int64_t inputs = 0, outputs = 0;          ///< Numbers of payloads, from 1.
};

struct TraceInput {
  const TraceHead& head;
  std::string_view packed_id;
  std::string_view previews;  ///< See `pack_previews`.
};

std::string pack_previews(const Previews& previews);
Previews unpack_previews(std::string_view bytes);

/// Words of runs, or of segments that are merged.
class TermWriter {
 public:
  /// Terms come in their order, each once; so do the runs of a term.
  void begin(Term term);
  void add(std::uint32_t run);
  std::size_t terms() const { return count_; }
  void finish(std::string& hashes, std::string& offsets, std::string& runs);

 private:
  ColumnWriter hashes_, offsets_;
  std::string runs_;
  std::size_t count_ = 0;
  std::uint32_t last_ = 0;
};

class SegmentWriter {
 public:
  static Result<std::unique_ptr<SegmentWriter>> create(const std::filesystem::path& path,
                                                       bool is_durable);
  ~SegmentWriter();

  /// Traces come by start; the runs of a trace follow it.
  Result<void> begin_trace(const TraceInput& trace);
  Result<void> add_run(const RunInput& run);
  /// Its number, from 1; that of an equal one if there is one.
  Result<std::int64_t> add_payload(std::string_view bytes);
  std::size_t runs() const;
  TermWriter& terms();
  /// The file is whole and on disk.
  Result<void> finish();

 private:
  struct State;
  explicit SegmentWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A segment of traces in memory. Fails: unavailable (the disk), invalid_argument (a payload of a
/// damaged segment).
Result<void> write_segment(const std::filesystem::path& path, bool is_durable,
                           std::vector<MemTracePtr> traces);

}  // namespace slipway::trace::detail
