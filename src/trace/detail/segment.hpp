// A file of traces that never changes, read in place.
#pragma once

#include <filesystem>
#include <memory>

#include "core/mapped_file.hpp"
#include "trace/detail/blocks.hpp"
#include "trace/detail/segment_format.hpp"

namespace slipway::trace::detail {

/// Texts one after the other, by number and by hash.
struct TextPoolView {
  ColumnView offsets, hashes, places;
  std::string_view bytes;
  std::size_t first_size = 0;

  std::string_view text(std::size_t number) const;
  /// Calls `visit(number)` for those with the same hash, until it gives true.
  template <typename Visit>
  void find(std::string_view text, const Visit& visit) const {
    const std::int64_t hash = table_hash(id_hash(text));
    for (std::size_t at = hashes.lower_bound(hash); at < hashes.rows() && hashes.at(at) == hash;
         ++at) {
      const auto number = static_cast<std::size_t>(places.at(at));
      if (number < places.rows() && this->text(number) == text && visit(number)) return;
    }
  }
};

class Segment final : public Part,
                      public PayloadSource,
                      public std::enable_shared_from_this<Segment> {
 public:
  /// `serial` tells its blocks in the cache, which must outlive it, from those of others.
  /// Fails: not_found, invalid_argument (damaged, or of another version).
  static Result<std::shared_ptr<const Segment>> open(const std::filesystem::path& path,
                                                     std::uint64_t serial, BlockCache& cache);

  std::size_t traces() const override { return footer_.counts.traces; }
  std::size_t runs() const override { return footer_.counts.runs; }
  const PartFile* file() const override { return &place_; }
  std::int64_t number(TraceNumber which, std::size_t trace) const override {
    return trace_numbers_[static_cast<std::size_t>(which)].at(trace);
  }
  std::int64_t number(RunNumber which, std::size_t run) const override {
    return run_numbers_[static_cast<std::size_t>(which)].at(run);
  }
  std::size_t trace_of(std::size_t run) const override;
  std::uint64_t code(RunText which, std::size_t run) const override {
    return static_cast<std::uint64_t>(run_texts_[static_cast<std::size_t>(which)].at(run));
  }
  std::uint64_t project_code(std::size_t trace) const override {
    return static_cast<std::uint64_t>(projects_.at(trace));
  }
  std::optional<std::uint64_t> code_of(std::string_view text) const override;
  std::optional<std::string> text(RunText which, std::size_t run) const override;
  std::string project(std::size_t trace) const override {
    return std::string(text_of(project_code(trace)));
  }
  Bounds bounds(TraceNumber which, std::size_t block) const override;
  Bounds bounds(RunNumber which, std::size_t block) const override;
  Bounds range(TraceNumber which) const override {
    return trace_ranges_[static_cast<std::size_t>(which)];
  }
  Bounds range(RunNumber which) const override {
    return run_ranges_[static_cast<std::size_t>(which)];
  }
  std::string trace_id(std::size_t trace) const override {
    return unpack_id(trace_ids_.text(trace));
  }
  std::string run_id(std::size_t run) const override { return unpack_id(run_ids_.text(run)); }
  std::optional<std::string> parent_id(std::size_t run) const override;
  std::optional<std::size_t> find_trace(std::string_view id) const override;
  std::vector<std::size_t> find_runs(std::string_view id) const override;
  Result<Row> row(std::size_t run, bool is_whole) const override;
  Result<Previews> previews(std::size_t trace) const override;
  Result<std::vector<std::uint32_t>> with_term(Term term) const override;
  Result<std::string> payload(std::uint32_t number) const override;

  /// Whether a trace may be here, without a look at its tables; `hash` is `id_hash` of the packed
  /// id.
  bool may_have(std::uint64_t hash) const;
  std::uint64_t file_bytes() const { return file_.bytes().size(); }
  const std::filesystem::path& path() const { return place_.path; }
  /// Gives the memory of its pages back; they are read again when somebody looks.
  void release() const;

  /// Of the version before: it has no derived texts (`RunText`).
  bool is_before() const { return is_before_; }

  // For a merge.
  const BlockView& stream(Stream which) const { return streams_[static_cast<std::size_t>(which)]; }
  std::string_view packed_trace_id(std::size_t trace) const { return trace_ids_.text(trace); }
  std::string_view packed_run_id(std::size_t run) const { return run_ids_.text(run); }
  /// Of a code; empty for 0.
  std::string_view text_of(std::uint64_t code) const;
  std::int64_t parent_code(std::size_t run) const { return parents_.at(run); }
  std::int64_t inputs_of(std::size_t run) const { return inputs_.at(run); }
  std::int64_t outputs_of(std::size_t run) const { return outputs_.at(run); }
  std::size_t terms() const { return footer_.counts.terms; }
  Term term(std::size_t number) const { return static_cast<Term>(term_hashes_.at(number)); }
  std::vector<std::uint32_t> runs_of_term(std::size_t number) const;

 private:
  Segment(std::filesystem::path path, MappedFile file, std::uint64_t serial, BlockCache& cache)
      : place_{.path = std::move(path)}, file_(std::move(file)), serial_(serial), cache_(cache) {}
  Result<void> read_footer();
  Result<void> open_columns();
  Result<void> open_pools();
  Result<std::string_view> section(std::size_t which) const;
  Result<ColumnView> column(std::size_t which, std::size_t rows) const;
  Result<BlockText> stream_text(Stream which, std::size_t item) const;

  PartFile place_;
  const MappedFile file_;
  const std::uint64_t serial_;
  BlockCache& cache_;
  SegmentFooter footer_;
  bool is_before_ = false;
  std::string zeros_;  ///< A column that the file lacks.
  ColumnView trace_numbers_[trace_numbers], run_numbers_[run_numbers], run_texts_[run_texts];
  Bounds trace_ranges_[trace_numbers], run_ranges_[run_numbers];
  ColumnView projects_, run_traces_, parents_, inputs_, outputs_, term_hashes_, term_offsets_;
  TextPoolView trace_ids_, run_ids_, texts_;
  std::string_view bloom_, term_runs_;
  BlockView streams_[streams];
};
using SegmentPtr = std::shared_ptr<const Segment>;

}  // namespace slipway::trace::detail
