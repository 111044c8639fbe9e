// The words of one document as they are stored, and the dictionary of a segment.
//
// Stored form (a blob of index_documents), all numbers LEB128:
//   format 2 | words | per word, sorted: shared prefix, rest, bytes of the rest
//   chunks | per chunk: length, distinct words | per word, rising: number - previous, count, and as
//   many positions, each less the one before (format 1 has none)
// A document's words stand once however many chunks have them, so that loading a collection looks
// each up once per document.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "index/detail/analyzer.hpp"

namespace slipway::index {

/// How often a word stands in a chunk. BM25 is flat long before the limit.
using Count = std::uint16_t;

struct ChunkWords {
  std::uint32_t length = 0;  ///< Words that count for BM25, with repetitions.
  std::vector<std::pair<std::uint32_t, Count>> counts;  ///< Word number of the document, rising.
  std::vector<std::uint32_t> positions;  ///< Of the first word as many as it counts, and so on.
};

struct DocumentWords {
  std::vector<std::string> words;  ///< Sorted, unique.
  std::vector<ChunkWords> chunks;
};

DocumentWords count_words(const std::vector<std::vector<Token>>& chunks);
std::string encode(const DocumentWords& words);
/// Fails: invalid_argument for bytes that `encode` did not make.
Result<DocumentWords> decode_words(std::string_view bytes);

/// Words with numbers 0, 1, 2 ... in the order of their arrival.
class Dictionary {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  std::uint32_t find_or_add(std::string_view word);
  /// The same for many at once, several times faster: their cache misses overlap.
  void find_or_add(std::span<const std::string> words, std::vector<std::uint32_t>& numbers);
  std::string_view word(std::uint32_t number) const {
    return std::string_view(letters_).substr(starts_[number],
                                             starts_[number + 1] - starts_[number]);
  }
  std::size_t size() const { return starts_.size() - 1; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = none;
    std::uint32_t start = 0;  ///< In letters_; here again, so that a comparison needs no more.
    std::uint32_t length = 0;
  };
  std::uint32_t find_or_add(std::string_view word, std::uint32_t hash);
  std::size_t slot_of(std::string_view word, std::uint32_t hash) const;
  void grow();

  std::string letters_;
  std::vector<std::uint32_t> starts_{0};
  std::vector<Slot> slots_ = std::vector<Slot>(64);  ///< Open addressing, at most half full.
};

}  // namespace slipway::index
