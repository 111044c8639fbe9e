#include "models/detail/bert_text.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "core/unicode.hpp"

// The tables list what the real library does with every code point; the script that writes them
// explains why. They are spread over a flat array of flags for the first two planes when the first
// tokenizer opens (0.1 ms); the rare code points beyond are searched for in the lists.
namespace slipway::models::detail {

namespace {

struct Range {
  char32_t first, last;
};
struct LowerRun {
  char32_t first, last;
  std::uint32_t step;
  std::int32_t offset;
};
struct Pair {
  char32_t from, to;
};
struct Sequence {
  char32_t from;
  std::u32string_view to;
};

#include "models/detail/bert_unicode_classes.inc"
#include "models/detail/bert_unicode_mappings.inc"

using Flags = std::uint8_t;
enum Flag : Flags {
  is_removed = 1,      ///< Goes when text is cleaned.
  is_space = 2,        ///< White space.
  is_punctuation = 4,  ///< Stands alone.
  is_word = 8,         ///< \w
  is_dropped = 16,     ///< Goes with the accents.
  is_decomposed = 32,  ///< Becomes something else when accents go.
  is_reordered = 64,   ///< A kept mark whose combining class is not 0.
  is_lowered = 128,    ///< Has a lower case.
};

struct Marked {
  std::span<const Range> ranges;
  Flag flag;
};
constexpr Marked marked[] = {
    {removed, is_removed}, {space, is_space},     {punctuation, is_punctuation},
    {word, is_word},       {dropped, is_dropped},
};
constexpr std::span<const Range> reordered[] = {reordered_1, reordered_2, reordered_3,
                                                reordered_4, reordered_5, reordered_6};

constexpr char32_t hangul_first = 0xAC00, hangul_last = 0xD7A3;
constexpr char32_t capital_i_with_dot = 0x130;

bool contains(std::span<const Range> ranges, char32_t c) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t x, const Range& range) { return x < range.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

template <typename Row>
const Row* find(std::span<const Row> rows, char32_t c) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), c,
                                   [](const Row& row, char32_t x) { return row.from < x; });
  return at != rows.end() && at->from == c ? &*at : nullptr;
}

const LowerRun* find_lower(char32_t c) {
  const auto after =
      std::upper_bound(std::begin(lower_runs), std::end(lower_runs), c,
                       [](char32_t x, const LowerRun& run) { return x < run.first; });
  if (after == std::begin(lower_runs)) return nullptr;
  const LowerRun& run = *std::prev(after);
  return c <= run.last && (c - run.first) % run.step == 0 ? &run : nullptr;
}

Flags search_flags(char32_t c) {
  Flags flags = 0;
  for (const Marked& entry : marked)
    if (contains(entry.ranges, c)) flags |= entry.flag;
  for (const auto ranges : reordered)
    if (contains(ranges, c)) flags |= is_reordered;
  if (find<Pair>(base_of, c) || find<Sequence>(bases_of, c)) flags |= is_decomposed;
  if (find_lower(c)) flags |= is_lowered;
  return flags;
}

/// Flags of the first two planes: nearly all text.
class FlagTable {
 public:
  static constexpr char32_t size = 0x20000;

  FlagTable() : flags_(size) {
    for (const Marked& entry : marked) mark(entry.ranges, entry.flag);
    for (const auto ranges : reordered) mark(ranges, is_reordered);
    for (const Pair& pair : base_of) mark_one(pair.from, is_decomposed);
    for (const Sequence& sequence : bases_of) mark_one(sequence.from, is_decomposed);
    mark(std::span<const Range>({Range{hangul_first, hangul_last}}), is_decomposed);
    for (const LowerRun& run : lower_runs)
      for (char32_t c = run.first; c <= run.last; c += run.step) mark_one(c, is_lowered);
    mark_one(capital_i_with_dot, is_lowered);
  }

  Flags operator[](char32_t c) const { return c < size ? flags_[c] : search_flags(c); }

 private:
  void mark(std::span<const Range> ranges, Flag flag) {
    for (const Range& range : ranges)
      for (char32_t c = range.first; c <= range.last; ++c) mark_one(c, flag);
  }
  void mark_one(char32_t c, Flag flag) {
    if (c < size) flags_[c] |= flag;
  }

  std::vector<Flags> flags_;
};

Flags flags_of(char32_t c) {
  static const FlagTable table;
  return table[c];
}

/// The blocks of the Bert normalizer, which are not all of Han.
bool is_ideograph(char32_t c) {
  if (c < 0x3400) return false;
  return (c >= 0x4E00 && c <= 0x9FFF) || c <= 0x4DBF || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

std::size_t combining_order(char32_t c) {
  for (std::size_t i = 0; i < std::size(reordered); ++i)
    if (contains(reordered[i], c)) return i + 1;
  return 0;
}

}  // namespace

BertClass bert_class(char32_t c) {
  const Flags flags = flags_of(c);
  if (flags & is_space) return BertClass::space;
  return flags & is_punctuation ? BertClass::punctuation : BertClass::word;
}

bool is_word_character(char32_t c) { return flags_of(c) & is_word; }

bool is_white_space(char32_t c) { return flags_of(c) & is_space; }

/// Puts what is kept into canonical order and lowers it. Kept marks with a combining class are so
/// rare that they wait in a list; all else goes straight out.
class BertNormalizer::Writer {
 public:
  Writer(std::string& out, bool lowers) : out_(out), lowers_(lowers) {}
  ~Writer() { flush(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void put(char32_t c, Flags flags) {
    if (flags & is_reordered) {
      waiting_.emplace_back(combining_order(c), c);
      return;
    }
    flush();
    write(c, flags);
  }
  /// An accent goes, but marks do not move across it if its combining class is 0.
  void drop(char32_t c) {
    if (!waiting_.empty() && contains(barrier, c)) flush();
  }
  void flush() {
    if (waiting_.empty()) return;
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [order, c] : waiting_) write(c, flags_of(c));
    waiting_.clear();
  }
  /// `flags`: of `c`.
  void write(char32_t c, Flags flags) {
    if (lowers_ && (flags & is_lowered)) {
      if (c == capital_i_with_dot) out_ += 'i';
      const LowerRun* run = find_lower(c);
      c = c == capital_i_with_dot ? U'\u0307' : run ? c + run->offset : c;
    }
    unicode::append(out_, c);
  }

 private:
  std::string& out_;
  const bool lowers_;
  std::vector<std::pair<std::size_t, char32_t>> waiting_;
};

BertNormalizer::BertNormalizer(BertNormalizerOptions options) : options_(options) {
  for (char32_t c = 0; c < ascii_.size(); ++c) {
    const Flags flags = flags_of(c);
    keeps_[c] = !(options_.clean_text && (flags & is_removed));
    ascii_[c] = static_cast<char>(c);
    if (options_.clean_text && (flags & is_space)) ascii_[c] = ' ';
    if (options_.lowercase && c >= 'A' && c <= 'Z') ascii_[c] = static_cast<char>(c + 32);
  }
}

void BertNormalizer::append(std::string_view text, std::string& out) const {
  out.reserve(out.size() + text.size());
  Writer writer(out, options_.lowercase);
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      ++at;
      if (!keeps_[byte]) continue;
      writer.flush();
      out += ascii_[byte];
      continue;
    }
    const unicode::Decoded decoded = unicode::decode(text, at);
    at += decoded.bytes;
    append_wide(decoded.code_point, writer);
  }
}

void BertNormalizer::append_traced(std::string_view text, std::string& out,
                                   std::vector<NormalizedPart>& parts) const {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + unicode::decode(text, at).bytes;
    // Marks move among themselves, never across the character that they stand on.
    while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) {
      const unicode::Decoded mark = unicode::decode(text, end);
      if (!(flags_of(mark.code_point) & (is_reordered | is_dropped))) break;
      end += mark.bytes;
    }
    parts.push_back({out.size(), at, end});
    append(text.substr(at, end - at), out);
    at = end;
  }
}

void BertNormalizer::append_wide(char32_t c, Writer& writer) const {
  const Flags flags = flags_of(c);
  if (options_.clean_text) {
    if (flags & is_removed) return;
    if (flags & is_space) return writer.put(U' ', 0);
  }
  const bool stands_alone = options_.handle_chinese_chars && is_ideograph(c);
  if (stands_alone) writer.put(U' ', 0);
  if (!options_.strip_accents || !(flags & (is_dropped | is_decomposed))) {
    // Without decomposition nothing is reordered either.
    options_.strip_accents ? writer.put(c, flags) : writer.write(c, flags);
  } else if (flags & is_dropped) {
    writer.drop(c);
  } else if (c >= hangul_first && c <= hangul_last) {
    const char32_t index = c - hangul_first;
    writer.put(0x1100 + index / 588, 0);
    writer.put(0x1161 + index % 588 / 28, 0);
    if (index % 28 != 0) writer.put(0x11A7 + index % 28, 0);
  } else if (const Pair* pair = find<Pair>(base_of, c)) {
    writer.put(pair->to, flags_of(pair->to));
  } else if (const Sequence* sequence = find<Sequence>(bases_of, c)) {
    for (const char32_t base : sequence->to) writer.put(base, flags_of(base));
  }
  if (stands_alone) writer.put(U' ', 0);
}

}  // namespace slipway::models::detail
