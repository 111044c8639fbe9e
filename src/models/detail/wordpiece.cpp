#include "models/detail/wordpiece.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// `bert_class` of ASCII without a call: words are scanned byte by byte.
const std::array<BertClass, 128>& ascii_classes() {
  static const auto classes = [] {
    std::array<BertClass, 128> table{};
    for (char32_t c = 0; c < table.size(); ++c) table[c] = bert_class(c);
    return table;
  }();
  return classes;
}

std::size_t room(std::size_t tokens_max, std::size_t specials) {
  return tokens_max > specials ? tokens_max - specials : 0;
}

/// How much of two texts stays when `size_max` tokens may: as tokenizers' TruncationStrategy.
std::pair<std::size_t, std::size_t> longest_first(std::size_t a, std::size_t b,
                                                  std::size_t size_max) {
  if (a + b <= size_max) return {a, b};
  const bool is_swapped = a > b;
  std::size_t shorter = std::min(a, b);
  std::size_t longer = shorter > size_max ? shorter : std::max(shorter, size_max - shorter);
  if (shorter + longer > size_max) {
    shorter = size_max / 2;
    longer = shorter + size_max % 2;
  }
  return is_swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

}  // namespace

/// One text on its way to ids. The buffers are reused from word to word.
class WordPiece::Run {
 public:
  Run(const Parts& parts, std::vector<TokenId>& ids, std::size_t ids_max)
      : parts_(parts), ids_(ids), ids_max_(ids_max), hashes_(parts.vocabulary.bytes_max() + 1) {}

  void text(std::string_view text) {
    for (const Part& part : parts_.raw_tokens.split(text)) {
      if (full()) return;
      part.id ? ids_.push_back(*part.id) : raw(part.text);
    }
  }

  /// As `text`, with a span for every id.
  void traced_text(std::string_view text, std::vector<TokenSpan>& spans) {
    for (const Part& part : parts_.raw_tokens.split(text)) {
      const auto start = static_cast<std::size_t>(part.text.data() - text.data());
      if (part.id) {
        ids_.push_back(*part.id);
        spans.push_back({start, start + part.text.size()});
        continue;
      }
      normalized_.clear();
      trace_.clear();
      std::vector<TokenSpan> in_normalized;
      pieces_ = &in_normalized;
      parts_.normalizer.append_traced(part.text, normalized_, trace_);
      normalized();
      pieces_ = nullptr;
      for (const TokenSpan span : in_normalized) spans.push_back(source_of(span, start));
    }
  }

 private:
  bool full() const { return ids_.size() >= ids_max_; }

  void raw(std::string_view text) {
    normalized_.clear();
    parts_.normalizer.append(text, normalized_);
    normalized();
  }

  void normalized() {
    if (parts_.normalized_tokens.empty()) return words(normalized_);
    for (const Part& part : parts_.normalized_tokens.split(normalized_))
      part.id ? add(*part.id, part.text) : words(part.text);
  }

  /// `piece` stands in the normalized text.
  void add(TokenId id, std::string_view piece) {
    ids_.push_back(id);
    if (pieces_ == nullptr) return;
    const auto start = static_cast<std::size_t>(piece.data() - normalized_.data());
    pieces_->push_back({start, start + piece.size()});
  }

  /// The bytes that became a stretch of the normalized text of the part that starts at `base`.
  TokenSpan source_of(TokenSpan span, std::size_t base) const {
    const auto part_at = [&](std::size_t at) {
      return *std::prev(std::upper_bound(
          trace_.begin(), trace_.end(), at,
          [](std::size_t value, const NormalizedPart& part) { return value < part.start; }));
    };
    return {base + part_at(span.start).source_start,
            base + part_at(std::max(span.end, span.start + 1) - 1).source_end};
  }

  void words(std::string_view text) {
    const auto& classes = ascii_classes();
    std::size_t start = 0;
    std::size_t chars = 0;
    for (std::size_t at = 0; at < text.size() && !full();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      std::size_t size = 1;
      BertClass kind;
      if (byte < 0x80) {
        kind = classes[byte];
      } else {
        const unicode::Decoded decoded = unicode::decode(text, at);
        size = decoded.bytes;
        kind = bert_class(decoded.code_point);
      }
      if (kind == BertClass::word) {
        ++chars;
      } else {
        if (chars > 0) word(text.substr(start, at - start), chars);
        if (kind == BertClass::punctuation) word(text.substr(at, size), 1);
        start = at + size;
        chars = 0;
      }
      at += size;
    }
    if (chars > 0) word(text.substr(start), chars);
  }

  void word(std::string_view word, std::size_t chars) {
    if (chars > parts_.word_chars_max) return add(parts_.unknown, word);
    const std::size_t before = ids_.size();
    const std::string_view whole = word;
    auto position = Vocabulary::Position::start;
    while (!word.empty()) {
      const std::size_t size = longest_piece(position, word);
      if (size == 0) {
        // One part is unknown, so the word is.
        if (pieces_ != nullptr) pieces_->resize(pieces_->size() - (ids_.size() - before));
        ids_.resize(before);
        return add(parts_.unknown, whole);
      }
      word.remove_prefix(size);
      position = Vocabulary::Position::inside;
    }
  }

  /// Adds the id of the longest token that `rest` starts with; its size, 0 if there is none.
  std::size_t longest_piece(Vocabulary::Position position, std::string_view rest) {
    const std::size_t size_max = std::min(rest.size(), parts_.vocabulary.bytes_max());
    std::uint64_t hash = Vocabulary::seed(position);
    for (std::size_t i = 0; i < size_max; ++i)
      hashes_[i + 1] = hash = Vocabulary::extend(hash, rest[i]);
    for (std::size_t size = size_max; size > 0; --size) {
      // Tokens are whole code points, and so is what is left of the word.
      if (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xC0) == 0x80) continue;
      const TokenId id = parts_.vocabulary.find(position, rest.substr(0, size), hashes_[size]);
      if (id < 0) continue;
      add(id, rest.substr(0, size));
      return size;
    }
    return 0;
  }

  const Parts& parts_;
  std::vector<TokenId>& ids_;
  const std::size_t ids_max_;
  std::vector<std::uint64_t> hashes_;
  std::string normalized_;
  std::vector<NormalizedPart> trace_;
  std::vector<TokenSpan>* pieces_ = nullptr;  ///< In the normalized text; only when traced.
};

std::vector<TokenId> WordPiece::encode(std::string_view text, std::size_t tokens_max) const {
  std::vector<TokenId> ids = parts_.before;
  const std::size_t text_end = std::max(tokens_max, special_tokens()) - parts_.after.size();
  Run(parts_, ids, text_end).text(text);
  if (ids.size() > text_end) ids.resize(text_end);
  ids.insert(ids.end(), parts_.after.begin(), parts_.after.end());
  return ids;
}

std::vector<TokenId> WordPiece::plain(std::string_view text) const {
  std::vector<TokenId> ids;
  Run(parts_, ids, no_limit).text(text);
  return ids;
}

std::size_t WordPiece::count(std::string_view text) const { return plain(text).size(); }

std::vector<TokenSpan> WordPiece::spans(std::string_view text) const {
  std::vector<TokenId> ids;
  std::vector<TokenSpan> spans;
  Run(parts_, ids, no_limit).traced_text(text, spans);
  return spans;
}

WordPiece::Pair WordPiece::encode_pair(std::string_view first, std::string_view second,
                                       std::size_t tokens_max) const {
  SLIPWAY_ASSERT(has_pairs());
  std::vector<TokenId> a = plain(first), b = plain(second);
  const std::size_t specials = parts_.pair.size() - 2;
  const auto [size_a, size_b] = longest_first(a.size(), b.size(), room(tokens_max, specials));
  a.resize(size_a);
  b.resize(size_b);
  Pair pair;
  for (const PairPiece& piece : parts_.pair) {
    if (piece.kind == PairPiece::Kind::special) {
      pair.ids.push_back(piece.id);
    } else {
      const auto& text = piece.kind == PairPiece::Kind::first ? a : b;
      pair.ids.insert(pair.ids.end(), text.begin(), text.end());
    }
    pair.types.resize(pair.ids.size(), piece.type);
  }
  return pair;
}

}  // namespace slipway::models::detail
