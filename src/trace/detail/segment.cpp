#include "trace/detail/segment.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "trace/detail/segment_writer.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int serial_shift = 34, stream_shift = 32;  ///< Of a key of the cache.

Bounds range_of(const ColumnView& column) {
  Bounds all;
  for (std::size_t block = 0; block < column.blocks(); ++block) {
    all.least = block == 0 ? column.least(block) : std::min(all.least, column.least(block));
    all.most = block == 0 ? column.most(block) : std::max(all.most, column.most(block));
  }
  return all;
}

/// The end of a file. Fails: invalid_argument (damaged, or something else).
template <std::size_t Sections>
Result<void> read_end(std::string_view bytes, FooterOf<Sections>& footer) {
  const bool is_before = Sections == sections_before;
  if (bytes.size() < sizeof footer)
    return fail(Code::invalid_argument, "it is too short for a file of traces");
  std::memcpy(&footer, bytes.data() + bytes.size() - sizeof footer, sizeof footer);
  if (std::memcmp(footer.magic, is_before ? segment_magic_before : segment_magic,
                  sizeof segment_magic) != 0)
    return fail(Code::invalid_argument, "it is no file of traces of this version");
  if (footer.hash != hash64(footer.hashed()))
    return fail(Code::invalid_argument, "its table is damaged");
  return {};
}

/// So many zeroes.
std::string zero_column(std::size_t rows) {
  ColumnWriter zeros;
  for (std::size_t i = 0; i < rows; ++i) zeros.add(0);
  return zeros.finish();
}

}  // namespace

std::string_view TextPoolView::text(std::size_t number) const {
  if (number + 1 >= offsets.rows()) return {};
  const auto begin = static_cast<std::uint64_t>(offsets.at(number)) + number * first_size;
  const auto end = static_cast<std::uint64_t>(offsets.at(number + 1)) + (number + 1) * first_size;
  if (begin > end || end > bytes.size()) return {};
  return bytes.substr(begin, end - begin);
}

Result<std::shared_ptr<const Segment>> Segment::open(const std::filesystem::path& path,
                                                     std::uint64_t serial, BlockCache& cache) {
  auto file = TRY(MappedFile::open(path));
  std::shared_ptr<Segment> segment(new Segment(path, std::move(file), serial, cache));
  const auto opened = [&]() -> Result<void> {
    TRY(segment->read_footer());
    TRY(segment->open_columns());
    return segment->open_pools();
  }();
  if (!opened)
    return fail(opened.error().code(), "{}: {}; restore it from a backup", path.string(),
                opened.error().message());
  return std::shared_ptr<const Segment>(std::move(segment));
}

Result<void> Segment::read_footer() {
  const std::string_view bytes = file_.bytes();
  SegmentFooterBefore before;
  if (bytes.size() < sizeof before)
    return fail(Code::invalid_argument, "it is too short for a file of traces");
  is_before_ = bytes.ends_with(std::string_view(segment_magic_before, sizeof segment_magic_before));
  if (is_before_) {
    TRY(read_end(bytes, before));
    footer_.counts = before.counts;
    footer_.hash = before.hash;
    std::copy(std::begin(before.sections), std::end(before.sections), footer_.sections);
  } else {
    TRY(read_end(bytes, footer_));
  }
  place_.hash = footer_.hash;
  constexpr std::uint64_t rows_max = 1u << 31;
  const SegmentCounts& counts = footer_.counts;
  if (counts.traces > rows_max || counts.runs > rows_max || counts.texts > rows_max ||
      counts.terms > rows_max)
    return fail(Code::invalid_argument, "its table is damaged");
  return {};
}

Result<std::string_view> Segment::section(std::size_t which) const {
  const SegmentSection& place = footer_.sections[which];
  const std::string_view bytes = file_.bytes();
  if (place.offset % 8 != 0 || place.offset > bytes.size() ||
      place.size > bytes.size() - place.offset)
    return fail(Code::invalid_argument, "section {} is not inside", which);
  return bytes.substr(place.offset, place.size);
}

Result<ColumnView> Segment::column(std::size_t which, std::size_t rows) const {
  return ColumnView::open(TRY(section(which)), rows);
}

Result<void> Segment::open_columns() {
  if (is_before_) zeros_ = zero_column(footer_.counts.runs);
  for (std::size_t i = 0; i < trace_numbers; ++i)
    trace_numbers_[i] = TRY(column(trace_columns + i, footer_.counts.traces));
  for (std::size_t i = 0; i < run_numbers; ++i)
    run_numbers_[i] = TRY(column(run_columns_begin + i, footer_.counts.runs));
  for (std::size_t i = 0; i < run_texts; ++i)
    run_texts_[i] = i < told_texts || !is_before_
                        ? TRY(column(text_section(i), footer_.counts.runs))
                        : TRY(ColumnView::open(zeros_, footer_.counts.runs));
  for (std::size_t i = 0; i < trace_numbers; ++i) trace_ranges_[i] = range_of(trace_numbers_[i]);
  for (std::size_t i = 0; i < run_numbers; ++i) run_ranges_[i] = range_of(run_numbers_[i]);
  projects_ = TRY(column(trace_project, footer_.counts.traces));
  run_traces_ = TRY(column(run_trace, footer_.counts.runs));
  parents_ = TRY(column(run_parent, footer_.counts.runs));
  inputs_ = TRY(column(run_inputs, footer_.counts.runs));
  outputs_ = TRY(column(run_outputs, footer_.counts.runs));
  for (std::size_t i = 0; i < streams; ++i) {
    const std::size_t first = stream_begin + i * stream_sections;
    BlockView::Parts parts{.file = file_.bytes()};
    parts.lengths = TRY(section(first));
    parts.firsts = TRY(section(first + 1));
    parts.offsets = TRY(section(first + 2));
    parts.sizes = TRY(section(first + 3));
    parts.blocks = footer_.counts.blocks[i];
    parts.items = footer_.counts.items[i];
    streams_[i] = TRY(BlockView::open(parts));
  }
  return {};
}

Result<void> Segment::open_pools() {
  const auto pool = [this](std::size_t first, std::size_t count,
                           std::size_t first_size) -> Result<TextPoolView> {
    TextPoolView view;
    view.offsets = TRY(column(first, count + 1));
    view.bytes = TRY(section(first + 1));
    view.hashes = TRY(column(first + 2, count));
    view.places = TRY(column(first + 3, count));
    view.first_size = first_size;
    return view;
  };
  trace_ids_ = TRY(pool(trace_id_offsets, footer_.counts.traces, footer_.counts.trace_id_size));
  run_ids_ = TRY(pool(run_id_offsets, footer_.counts.runs, footer_.counts.run_id_size));
  texts_ = TRY(pool(text_offsets, footer_.counts.texts, footer_.counts.text_size));
  bloom_ = TRY(section(trace_bloom));
  if (bloom_.size() < bloom_block_bytes)
    return fail(Code::invalid_argument, "its filter is damaged");
  term_hashes_ = TRY(column(term_hashes, footer_.counts.terms));
  term_offsets_ = TRY(column(term_offsets, footer_.counts.terms + 1));
  term_runs_ = TRY(section(term_runs));
  return {};
}

std::size_t Segment::trace_of(std::size_t run) const {
  return std::min<std::size_t>(static_cast<std::size_t>(run_traces_.at(run)),
                               footer_.counts.traces - 1);
}

std::string_view Segment::text_of(std::uint64_t code) const {
  return code == 0 ? std::string_view() : texts_.text(code - 1);
}

std::optional<std::uint64_t> Segment::code_of(std::string_view text) const {
  std::optional<std::uint64_t> code;
  texts_.find(text, [&](std::size_t number) {
    code = number + 1;
    return true;
  });
  return code;
}

std::optional<std::string> Segment::text(RunText which, std::size_t run) const {
  const std::uint64_t code = this->code(which, run);
  if (code == 0) return {};
  return std::string(text_of(code));
}

Bounds Segment::bounds(TraceNumber which, std::size_t block) const {
  const ColumnView& column = trace_numbers_[static_cast<std::size_t>(which)];
  return {column.least(block), column.most(block)};
}

Bounds Segment::bounds(RunNumber which, std::size_t block) const {
  const ColumnView& column = run_numbers_[static_cast<std::size_t>(which)];
  return {column.least(block), column.most(block)};
}

std::optional<std::string> Segment::parent_id(std::size_t run) const {
  const std::int64_t code = parents_.at(run);
  if (code == 0) return {};
  if (code < 0) return std::string(text_of(static_cast<std::uint64_t>(-code)));
  const auto first = static_cast<std::size_t>(number(TraceNumber::first_run, trace_of(run)));
  const std::size_t parent = first + static_cast<std::size_t>(code) - 1;
  return parent < runs() ? run_id(parent) : std::string();
}

bool Segment::may_have(std::uint64_t hash) const {
  bool may = true;
  bloom_visit(bloom_.size(), hash, [&](std::size_t byte, std::size_t bit) {
    may = may && ((static_cast<unsigned char>(bloom_[byte]) >> bit) & 1) != 0;
  });
  return may;
}

std::optional<std::size_t> Segment::find_trace(std::string_view id) const {
  const std::string packed = pack_id(id);
  std::optional<std::size_t> found;
  if (!may_have(id_hash(packed))) return found;
  trace_ids_.find(packed, [&](std::size_t number) {
    found = number;
    return true;
  });
  return found;
}

std::vector<std::size_t> Segment::find_runs(std::string_view id) const {
  std::vector<std::size_t> found;
  run_ids_.find(pack_id(id), [&](std::size_t number) {
    found.push_back(number);
    return false;
  });
  return found;
}

Result<BlockText> Segment::stream_text(Stream which, std::size_t item) const {
  const BlockView& view = stream(which);
  if (item >= view.count())
    return fail(Code::invalid_argument, "{}: a number is damaged", path().string());
  const std::size_t number = view.block_of(item);
  const std::uint64_t key =
      (serial_ << serial_shift) | (static_cast<std::uint64_t>(which) << stream_shift) | number;
  Block block = cache_.find(key);
  if (!block) {
    block = TRY(view.read_block(number).within(path().string()));
    cache_.put(key, block);
  }
  const std::string_view text = view.item_in(*block, number, item);
  return BlockText{std::move(block), text};
}

Result<Row> Segment::row(std::size_t run, bool is_whole) const {
  Row row;
  for (std::size_t i = 0; i < run_numbers; ++i) row.numbers[i] = run_numbers_[i].at(run);
  for (std::size_t i = 0; i < run_texts; ++i) row.texts[i] = text(static_cast<RunText>(i), run);
  row.id = run_id(run);
  row.parent_id = parent_id(run);
  if (!is_whole) return row;
  row.rest = std::string(TRY(stream_text(Stream::rests, run)).text);
  const auto payload = [&](std::int64_t number, RunFlags text_flag) -> PayloadPtr {
    if (number <= 0) return nullptr;
    auto made = std::make_shared<StoredPayload>();
    made->source = shared_from_this();
    made->number = static_cast<std::uint32_t>(number - 1);
    made->is_text = row.has(text_flag);
    return made;
  };
  row.inputs = payload(inputs_.at(run), inputs_text);
  row.outputs = payload(outputs_.at(run), outputs_text);
  return row;
}

Result<Previews> Segment::previews(std::size_t trace) const {
  return unpack_previews(TRY(stream_text(Stream::previews, trace)).text);
}

Result<std::string> Segment::payload(std::uint32_t number) const {
  return std::string(TRY(stream_text(Stream::payloads, number)).text);
}

std::vector<std::uint32_t> Segment::runs_of_term(std::size_t number) const {
  const auto begin = static_cast<std::uint64_t>(term_offsets_.at(number));
  const auto end = static_cast<std::uint64_t>(term_offsets_.at(number + 1));
  std::vector<std::uint32_t> found;
  if (begin > end || end > term_runs_.size()) return found;
  Unpacker in(term_runs_.substr(begin, end - begin));
  for (std::uint64_t run = 0; !in.is_at_end();) {
    run += in.count();
    if (!in.is_sound() || run >= runs()) break;
    found.push_back(static_cast<std::uint32_t>(run));
  }
  return found;
}

Result<std::vector<std::uint32_t>> Segment::with_term(Term term) const {
  const std::size_t at = term_hashes_.lower_bound(static_cast<std::int64_t>(term));
  if (at >= terms() || this->term(at) != term) return std::vector<std::uint32_t>();
  return runs_of_term(at);
}

void Segment::release() const {
  const std::string_view bytes = file_.bytes();
  ::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_DONTNEED);
}

}  // namespace slipway::trace::detail
