#include "trace/detail/segment_writer.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/turns.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t rest_block_bytes = 64u << 10;
constexpr std::size_t preview_block_bytes = 32u << 10;
constexpr std::size_t payload_block_bytes = 256u << 10;
constexpr int level = 3;
/// Payloads that are remembered to be known again.
constexpr std::size_t known_payloads_max = 400'000;
constexpr std::size_t terms_a_turn = 1024;

/// Texts one after the other; each is found by its number, and by its hash.
class TextPool {
 public:
  std::size_t size() const { return count_; }
  std::size_t first_size() const { return first_size_; }
  void add(std::string_view text) {
    if (count_ == 0) first_size_ = text.size();
    // What is left when all have the size of the first one: nothing.
    offsets_.add(static_cast<std::int64_t>(bytes_.size()) -
                 static_cast<std::int64_t>(count_ * first_size_));
    bytes_ += text;
    hashes_.push_back({static_cast<std::uint32_t>(table_hash(id_hash(text))),
                       static_cast<std::uint32_t>(count_)});
    ++count_;
  }
  struct Columns {
    std::string offsets, bytes, hashes, places;
  };
  Columns finish() {
    offsets_.add(static_cast<std::int64_t>(bytes_.size()) -
                 static_cast<std::int64_t>(count_ * first_size_));
    std::sort(hashes_.begin(), hashes_.end());
    ColumnWriter hashes, places;
    for (const auto& [hash, place] : hashes_) {
      hashes.add(hash);
      places.add(place);
    }
    hashes_ = {};
    return {offsets_.finish(), std::move(bytes_), hashes.finish(), places.finish()};
  }

 private:
  ColumnWriter offsets_;
  std::string bytes_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> hashes_;
  std::size_t count_ = 0, first_size_ = 0;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return id_hash(text); }
};

struct PayloadKey {
  std::uint64_t first = 0, second = 0;
  bool operator==(const PayloadKey&) const = default;
};
struct PayloadKeyHash {
  std::size_t operator()(const PayloadKey& key) const { return key.first; }
};

}  // namespace

std::string pack_previews(const Previews& previews) {
  std::string bytes;
  Packer packer(bytes);
  packer.text(previews.inputs);
  packer.text(previews.outputs);
  return bytes;
}

Previews unpack_previews(std::string_view bytes) {
  Unpacker in(bytes);
  Previews previews;
  previews.inputs = in.text();
  previews.outputs = in.text();
  return previews;
}

void TermWriter::begin(Term term) {
  if (count_ % terms_a_turn == 0) end_turn_if_over();
  hashes_.add(static_cast<std::int64_t>(term));
  offsets_.add(static_cast<std::int64_t>(runs_.size()));
  ++count_;
  last_ = 0;
}

void TermWriter::add(std::uint32_t run) {
  Packer(runs_).count(run - last_);
  last_ = run;
}

void TermWriter::finish(std::string& hashes, std::string& offsets, std::string& runs) {
  offsets_.add(static_cast<std::int64_t>(runs_.size()));
  hashes = hashes_.finish();
  offsets = offsets_.finish();
  runs = std::move(runs_);
}

struct SegmentWriter::State {
  std::unique_ptr<NewFile> file;
  BlockWriter rests, previews, payloads;
  ColumnWriter trace_numbers_[trace_numbers], run_numbers_[run_numbers], run_texts_[run_texts];
  ColumnWriter projects, run_traces, parents, inputs, outputs;
  TextPool trace_ids, run_ids, texts;
  std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>> text_codes;
  std::vector<std::uint64_t> trace_hashes;
  std::unordered_map<PayloadKey, std::int64_t, PayloadKeyHash> known_payloads;
  const std::uint64_t seed = system_random().next();
  TermWriter terms;
  SegmentFooter footer;
  std::size_t traces = 0, runs = 0;

  explicit State(std::unique_ptr<NewFile> file_)
      : file(std::move(file_)),
        rests(*file, rest_block_bytes, level),
        previews(*file, preview_block_bytes, level),
        payloads(*file, payload_block_bytes, level) {}

  /// 0 is no text.
  std::int64_t code_of(std::string_view text) {
    if (const auto known = text_codes.find(text); known != text_codes.end()) return known->second;
    texts.add(text);
    const auto code = static_cast<std::int64_t>(texts.size());
    text_codes.emplace(text, code);
    return code;
  }
  Result<void> section(std::size_t which, std::string_view bytes) {
    TRY(file->align());
    footer.sections[which] = {TRY(file->append(bytes)), bytes.size(), hash64(bytes)};
    end_turn_if_over();
    return {};
  }
  Result<void> stream(Stream which, BlockWriter& writer);
  Result<void> pool(std::size_t first, TextPool::Columns columns);
  std::string bloom() const;
};

Result<void> SegmentWriter::State::stream(Stream which, BlockWriter& writer) {
  const auto number = static_cast<std::size_t>(which);
  const BlockSections sections = TRY(writer.finish());
  footer.counts.items[number] = sections.items;
  footer.counts.blocks[number] = sections.blocks;
  const std::size_t first = stream_begin + number * stream_sections;
  TRY(section(first, sections.lengths));
  TRY(section(first + 1, sections.firsts));
  TRY(section(first + 2, sections.offsets));
  return section(first + 3, sections.sizes);
}

Result<void> SegmentWriter::State::pool(std::size_t first, TextPool::Columns columns) {
  TRY(section(first, columns.offsets));
  TRY(section(first + 1, columns.bytes));
  TRY(section(first + 2, columns.hashes));
  return section(first + 3, columns.places);
}

std::string SegmentWriter::State::bloom() const {
  std::string bits(bloom_bytes(trace_hashes.size()), '\0');
  for (const std::uint64_t hash : trace_hashes)
    bloom_visit(bits.size(), hash, [&](std::size_t byte, std::size_t bit) {
      bits[byte] = static_cast<char>(bits[byte] | (1 << bit));
    });
  return bits;
}

SegmentWriter::SegmentWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
SegmentWriter::~SegmentWriter() = default;

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::filesystem::path& path,
                                                             bool is_durable) {
  auto file = TRY(NewFile::create(path, is_durable));
  auto state = std::make_unique<State>(std::move(file));
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(state)));
}

std::size_t SegmentWriter::runs() const { return state_->runs; }
TermWriter& SegmentWriter::terms() { return state_->terms; }

Result<void> SegmentWriter::begin_trace(const TraceInput& trace) {
  State& s = *state_;
  for (std::size_t i = 0; i < trace_numbers; ++i) {
    const bool is_first_run = i == static_cast<std::size_t>(TraceNumber::first_run);
    s.trace_numbers_[i].add(is_first_run ? static_cast<std::int64_t>(s.runs)
                                         : trace.head.numbers[i]);
  }
  s.projects.add(s.code_of(trace.head.project));
  s.trace_ids.add(trace.packed_id);
  s.trace_hashes.push_back(id_hash(trace.packed_id));
  ++s.traces;
  return s.previews.add(trace.previews);
}

Result<void> SegmentWriter::add_run(const RunInput& run) {
  end_turn_if_over();
  State& s = *state_;
  for (std::size_t i = 0; i < run_numbers; ++i) s.run_numbers_[i].add(run.numbers[i]);
  for (std::size_t i = 0; i < run_texts; ++i)
    s.run_texts_[i].add(run.texts[i] ? s.code_of(*run.texts[i]) : 0);
  s.run_traces.add(static_cast<std::int64_t>(s.traces) - 1);
  s.parents.add(run.outer_parent ? -s.code_of(*run.outer_parent) : run.parent);
  s.inputs.add(run.inputs);
  s.outputs.add(run.outputs);
  s.run_ids.add(run.packed_id);
  ++s.runs;
  return s.rests.add(run.rest);
}

Result<std::int64_t> SegmentWriter::add_payload(std::string_view bytes) {
  State& s = *state_;
  const PayloadKey key{hash64(bytes, s.seed), hash64(bytes, ~s.seed)};
  const auto next = static_cast<std::int64_t>(s.payloads.count()) + 1;
  if (s.known_payloads.size() >= known_payloads_max) s.known_payloads.clear();
  const auto [known, is_new] = s.known_payloads.try_emplace(key, next);
  if (is_new) TRY(s.payloads.add(bytes));
  return known->second;
}

Result<void> SegmentWriter::finish() {
  State& s = *state_;
  s.footer.counts.traces = s.traces;
  s.footer.counts.runs = s.runs;
  s.footer.counts.trace_id_size = s.trace_ids.first_size();
  s.footer.counts.run_id_size = s.run_ids.first_size();
  s.footer.counts.texts = s.texts.size();
  s.footer.counts.text_size = s.texts.first_size();
  s.footer.counts.terms = s.terms.terms();
  TRY(s.stream(Stream::rests, s.rests));
  TRY(s.stream(Stream::previews, s.previews));
  TRY(s.stream(Stream::payloads, s.payloads));
  for (std::size_t i = 0; i < trace_numbers; ++i)
    TRY(s.section(trace_columns + i, s.trace_numbers_[i].finish()));
  for (std::size_t i = 0; i < run_numbers; ++i)
    TRY(s.section(run_columns_begin + i, s.run_numbers_[i].finish()));
  for (std::size_t i = 0; i < run_texts; ++i)
    TRY(s.section(text_section(i), s.run_texts_[i].finish()));
  TRY(s.section(trace_project, s.projects.finish()));
  TRY(s.section(run_trace, s.run_traces.finish()));
  TRY(s.section(run_parent, s.parents.finish()));
  TRY(s.section(run_inputs, s.inputs.finish()));
  TRY(s.section(run_outputs, s.outputs.finish()));
  TRY(s.pool(trace_id_offsets, s.trace_ids.finish()));
  TRY(s.section(trace_bloom, s.bloom()));
  TRY(s.pool(run_id_offsets, s.run_ids.finish()));
  TRY(s.pool(text_offsets, s.texts.finish()));
  std::string hashes, offsets, runs;
  s.terms.finish(hashes, offsets, runs);
  TRY(s.section(term_hashes, hashes));
  TRY(s.section(term_offsets, offsets));
  TRY(s.section(term_runs, runs));
  TRY(s.file->align());
  std::memcpy(s.footer.magic, segment_magic, sizeof segment_magic);
  s.footer.hash = hash64(s.footer.hashed());
  TRY(s.file->append({reinterpret_cast<const char*>(&s.footer), sizeof s.footer}));
  return s.file->finish();
}

namespace {

struct RunTerm {
  Term term;
  std::uint32_t run;
  auto operator<=>(const RunTerm&) const = default;
};

void sort_in_parts(std::vector<RunTerm>::iterator begin, std::vector<RunTerm>::iterator end) {
  while (static_cast<std::size_t>(end - begin) > terms_a_turn) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end);
    end_turn_if_over();
    sort_in_parts(begin, middle);
    begin = middle;
  }
  std::sort(begin, end);
  end_turn_if_over();
}

std::int64_t place_of_parent(const MemTrace& trace, std::size_t row,
                             std::unordered_map<std::string_view, std::size_t>& places) {
  if (places.empty())
    for (std::size_t i = 0; i < trace.rows.size(); ++i) places.emplace(trace.rows[i]->id, i);
  const auto place = places.find(*trace.rows[row]->parent_id);
  return place == places.end() ? 0 : static_cast<std::int64_t>(place->second) + 1;
}

Result<void> add_trace(SegmentWriter& writer, const MemTrace& trace, std::vector<RunTerm>& terms) {
  const std::string previews = pack_previews(TRY(previews_of(trace)));
  TRY(writer.begin_trace({trace.head, pack_id(trace.id), previews}));
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < trace.rows.size(); ++i) {
    const Row& row = *trace.rows[i];
    RunInput input;
    std::copy(std::begin(row.numbers), std::end(row.numbers), input.numbers);
    input.numbers[static_cast<std::size_t>(RunNumber::flags)] |= trace.counts[i];
    for (std::size_t text = 0; text < run_texts; ++text)
      if (row.texts[text]) input.texts[text] = *row.texts[text];
    const std::string packed_id = pack_id(row.id);
    input.packed_id = packed_id;
    input.rest = row.rest;
    if (row.parent_id) {
      input.parent = place_of_parent(trace, i, places);
      if (input.parent == 0) input.outer_parent = *row.parent_id;
    }
    if (row.inputs) input.inputs = TRY(writer.add_payload(TRY(row.inputs->read())));
    if (row.outputs) input.outputs = TRY(writer.add_payload(TRY(row.outputs->read())));
    for (const Term term : row.terms)
      terms.push_back({term, static_cast<std::uint32_t>(writer.runs())});
    TRY(writer.add_run(input));
  }
  return {};
}

}  // namespace

Result<void> write_segment(const std::filesystem::path& path, bool is_durable,
                           std::vector<MemTracePtr> traces) {
  std::sort(traces.begin(), traces.end(), [](const MemTracePtr& a, const MemTracePtr& b) {
    const auto key = [](const MemTrace& one) {
      return std::pair(one.head.number(TraceNumber::start), one.head.number(TraceNumber::n));
    };
    return key(*a) < key(*b);
  });
  auto writer = TRY(SegmentWriter::create(path, is_durable));
  std::vector<RunTerm> terms;
  std::size_t terms_of_all = 0;
  for (const MemTracePtr& trace : traces)
    for (const auto& row : trace->rows) terms_of_all += row->terms.size();
  terms.reserve(terms_of_all);
  for (const MemTracePtr& trace : traces) TRY(add_trace(*writer, *trace, terms));
  sort_in_parts(terms.begin(), terms.end());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (i == 0 || terms[i].term != terms[i - 1].term) writer->terms().begin(terms[i].term);
    writer->terms().add(terms[i].run);
  }
  return writer->finish();
}

}  // namespace slipway::trace::detail
