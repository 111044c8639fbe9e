// How a segment's file is made: blocks of texts, then columns, then a table of where they are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/detail/part.hpp"

namespace slipway::trace::detail {

inline constexpr char segment_magic[8] = {'S', 'L', 'P', 'W', 'T', 'R', 'C', '2'};
/// Of the version before, whose runs have no columns for `RunText::key` and `prompt`.
inline constexpr char segment_magic_before[8] = {'S', 'L', 'P', 'W', 'T', 'R', 'C', '1'};

/// Texts of runs, one stream each.
enum class Stream : std::uint8_t { rests, previews, payloads };
inline constexpr std::size_t streams = 3;
inline constexpr std::size_t stream_sections = 4;  ///< lengths, firsts, offsets, sizes

/// Numbered as they stand in the table. Columns, but for those that say bytes.
enum Section : std::uint8_t {
  trace_columns = 0,
  run_columns_begin = trace_columns + trace_numbers,
  run_text_columns = run_columns_begin + run_numbers,
  trace_project = run_text_columns + told_texts,
  run_trace,
  run_parent,  ///< 0: none; k: the k-th run of the trace; -k: the text k.
  run_inputs,  ///< Number of the payload, from 1; 0: none.
  run_outputs,
  trace_id_offsets,
  trace_id_bytes,  ///< Bytes.
  trace_hashes,    ///< Sorted.
  trace_places,    ///< Rows in the order of the hashes.
  trace_bloom,     ///< Bytes.
  run_id_offsets,
  run_id_bytes,  ///< Bytes.
  run_hashes,
  run_places,
  text_offsets,
  text_bytes,  ///< Bytes.
  text_hashes,
  text_places,
  term_hashes,   ///< Sorted.
  term_offsets,  ///< One more than terms.
  term_runs,     ///< Bytes: differences of rows.
  stream_begin,
  sections_before = stream_begin + streams * stream_sections,  ///< Of the version before.
  derived_text_columns = sections_before,
  section_count = derived_text_columns + run_texts - told_texts
};

/// Where the column of a text of runs is.
inline constexpr std::size_t text_section(std::size_t text) {
  return text < told_texts ? run_text_columns + text : derived_text_columns + text - told_texts;
}

struct SegmentSection {
  std::uint64_t offset = 0, size = 0, hash = 0;
};

struct SegmentCounts {
  std::uint64_t traces = 0, runs = 0, texts = 0, terms = 0;
  std::uint64_t items[streams] = {}, blocks[streams] = {};
  std::uint64_t trace_id_size = 0, run_id_size = 0, text_size = 0;  ///< Of the first ones, packed.
};
/// The last bytes of the file.
template <std::size_t Sections>
struct FooterOf {
  SegmentCounts counts;
  SegmentSection sections[Sections];
  std::uint64_t hash = 0;  ///< Of what stands before it.
  char magic[8] = {};

  std::string_view hashed() const {
    return {reinterpret_cast<const char*>(this), sizeof *this - sizeof hash - sizeof magic};
  }
};
using SegmentFooter = FooterOf<section_count>;
using SegmentFooterBefore = FooterOf<sections_before>;

inline constexpr std::uint64_t id_seed = 5;
/// Of ids and texts in their tables of hashes.
inline std::uint64_t id_hash(std::string_view text) { return hash64(text, id_seed); }
inline std::int64_t table_hash(std::uint64_t hash) {
  return static_cast<std::int64_t>(hash & 0xFFFFFFFFu);
}

/// A filter of hashes: says no for nearly all that was never added. Ten bits or so for each.
inline constexpr std::size_t bloom_block_bytes = 64;
inline constexpr int bloom_probes = 6;
inline std::size_t bloom_bytes(std::size_t entries) {
  constexpr std::size_t per_block = 42;
  return (entries / per_block + 1) * bloom_block_bytes;
}
/// Calls `visit(byte, bit)` for each probe.
template <typename Visit>
void bloom_visit(std::size_t bytes, std::uint64_t hash, const Visit& visit) {
  const std::size_t block = (hash >> 32) % (bytes / bloom_block_bytes) * bloom_block_bytes;
  std::uint64_t rest = hash * 0x9E3779B97F4A7C15u;
  for (int i = 0; i < bloom_probes; ++i) {
    const std::size_t bit = rest >> 55;  // One of 512.
    visit(block + bit / 8, bit % 8);
    rest *= 0xD1342543DE82EF95u;
  }
}

}  // namespace slipway::trace::detail
