#include <algorithm>
#include <queue>

#include "trace/detail/matching.hpp"
#include "trace/detail/segment_writer.hpp"
#include "trace/detail/shelf.hpp"

namespace slipway::trace::detail {

namespace {

/// Traces after which pages of the inputs are given back.
constexpr std::size_t rows_of_pages = 8 * block_rows;

/// One of the segments on its way into the new one.
class Input {
 public:
  explicit Input(const Shelved& shelved)
      : shelved_(shelved),
        segment_(*shelved.segment),
        rests_(segment_.stream(Stream::rests)),
        previews_(segment_.stream(Stream::previews)),
        payloads_(segment_.stream(Stream::payloads)),
        traces_(segment_.traces(), no_row),
        runs_(segment_.runs(), no_row) {
    skip_dead();
  }

  bool is_at_end() const { return trace_ >= segment_.traces(); }
  std::pair<std::int64_t, std::int64_t> key() const {
    return {segment_.number(TraceNumber::start, trace_), segment_.number(TraceNumber::n, trace_)};
  }
  /// Writes the next trace, as number `row` of the new segment.
  Result<void> move_trace(SegmentWriter& writer, std::uint32_t row) {
    TraceHead head;
    for (std::size_t i = 0; i < trace_numbers; ++i)
      head.numbers[i] = segment_.number(static_cast<TraceNumber>(i), trace_);
    const auto [begin, end] = runs_of(segment_, trace_);
    head.project = segment_.project(trace_);
    const std::string_view previews = TRY(previews_.item(trace_));
    TRY(writer.begin_trace({head, segment_.packed_trace_id(trace_), previews}));
    for (std::size_t run = begin; run < end; ++run) {
      runs_[run] = static_cast<std::uint32_t>(writer.runs());
      TRY(move_run(writer, run));
    }
    traces_[trace_++] = row;
    skip_dead();
    return {};
  }
  const Segment& segment() const { return segment_; }
  /// Of the runs of a term those that live, in their new places.
  std::vector<std::uint32_t> new_runs(std::size_t term) const {
    std::vector<std::uint32_t> found;
    for (const std::uint32_t run : segment_.runs_of_term(term))
      if (runs_[run] != no_row) found.push_back(runs_[run]);
    return found;
  }
  std::vector<std::uint32_t> take_new_traces() { return std::move(traces_); }

 private:
  void skip_dead() {
    while (!is_at_end() && shelved_.manifest && shelved_.manifest->traces[trace_]) ++trace_;
  }

  Result<void> move_run(SegmentWriter& writer, std::size_t run) {
    RunInput input;
    for (std::size_t i = 0; i < run_numbers; ++i)
      input.numbers[i] = segment_.number(static_cast<RunNumber>(i), run);
    for (std::size_t i = 0; i < run_texts; ++i)
      if (const std::uint64_t code = segment_.code(static_cast<RunText>(i), run); code != 0)
        input.texts[i] = segment_.text_of(code);
    input.packed_id = segment_.packed_run_id(run);
    input.rest = TRY(rests_.item(run));
    if (segment_.is_before()) TRY(take_texts(run, input));
    const std::int64_t parent = segment_.parent_code(run);
    if (parent < 0)
      input.outer_parent = segment_.text_of(static_cast<std::uint64_t>(-parent));
    else
      input.parent = parent;
    input.inputs = TRY(move_payload(writer, segment_.inputs_of(run)));
    input.outputs = TRY(move_payload(writer, segment_.outputs_of(run)));
    return writer.add_run(input);
  }
  /// Texts that a segment of the version before has in its rests only.
  Result<void> take_texts(std::size_t run, RunInput& input) {
    row_ = TRY(segment_.row(run, false));
    row_.rest = std::string(input.rest);
    take_callers(row_, TRY(stored_of(row_)).run);
    for (std::size_t i = told_texts; i < run_texts; ++i)
      if (row_.texts[i]) input.texts[i] = *row_.texts[i];
    return {};
  }
  Result<std::int64_t> move_payload(SegmentWriter& writer, std::int64_t number) {
    if (number <= 0) return std::int64_t(0);
    return writer.add_payload(TRY(payloads_.item(static_cast<std::size_t>(number) - 1)));
  }

  const Shelved& shelved_;
  const Segment& segment_;
  BlockWalk rests_, previews_, payloads_;
  std::vector<std::uint32_t> traces_, runs_;  ///< New rows.
  std::size_t trace_ = 0;
  Row row_;  ///< That owns texts of the run that is written.
};

/// The words of all inputs, in order.
Result<void> move_terms(const Context& context, const std::vector<std::unique_ptr<Input>>& inputs,
                        TermWriter& writer) {
  struct Place {
    Term term;
    std::size_t input, number;
    bool operator>(const Place& other) const { return term > other.term; }
  };
  std::priority_queue<Place, std::vector<Place>, std::greater<>> next;
  const auto push = [&](std::size_t input, std::size_t number) {
    const Segment& segment = inputs[input]->segment();
    if (number < segment.terms()) next.push({segment.term(number), input, number});
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) push(i, 0);
  std::vector<std::uint32_t> runs;
  for (std::size_t count = 0; !next.empty(); ++count) {
    if (count % block_rows == 0) TRY(context.check());
    const Term term = next.top().term;
    runs.clear();
    while (!next.empty() && next.top().term == term) {
      const Place place = next.top();
      next.pop();
      const auto more = inputs[place.input]->new_runs(place.number);
      runs.insert(runs.end(), more.begin(), more.end());
      push(place.input, place.number + 1);
    }
    if (runs.empty()) continue;
    std::sort(runs.begin(), runs.end());
    writer.begin(term);
    for (const std::uint32_t run : runs) writer.add(run);
  }
  return {};
}

}  // namespace

Result<std::vector<std::vector<std::uint32_t>>> merge_segments(const Context& context,
                                                               const std::filesystem::path& path,
                                                               bool is_durable,
                                                               const std::vector<Shelved>& inputs) {
  auto writer = TRY(SegmentWriter::create(path, is_durable));
  std::vector<std::unique_ptr<Input>> all;
  for (const Shelved& one : inputs) all.push_back(std::make_unique<Input>(one));
  for (std::uint32_t row = 0;; ++row) {
    if (row % block_rows == 0) TRY(context.check());
    // Files that are merged are larger than what the program may take.
    if (row % rows_of_pages == 0)
      for (const auto& input : all) input->segment().release();
    Input* first = nullptr;
    for (const auto& input : all)
      if (!input->is_at_end() && (first == nullptr || input->key() < first->key()))
        first = input.get();
    if (first == nullptr) break;
    TRY(first->move_trace(*writer, row));
  }
  TRY(move_terms(context, all, writer->terms()));
  TRY(writer->finish());
  std::vector<std::vector<std::uint32_t>> rows;
  for (const auto& input : all) {
    rows.push_back(input->take_new_traces());
    input->segment().release();
  }
  return rows;
}

}  // namespace slipway::trace::detail
