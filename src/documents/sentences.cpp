// Two questions, two files: where blocks end (detail/blocks.cpp) and where sentences end inside one
// (detail/sentence_rules.cpp).
#include "core/unicode.hpp"
#include "documents/detail/blocks.hpp"
#include "documents/detail/sentence_rules.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

std::vector<Span> split_sentences(std::string_view text) {
  std::vector<Span> sentences;
  for (const detail::Block& block : detail::find_blocks(text)) {
    if (block.is_divisible)
      detail::append_sentences(text, block.span, sentences);
    else
      sentences.push_back(block.span);
  }
  return sentences;
}

std::string_view clip_words(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t cut = unicode::floor_boundary(text, bytes_max);
  const auto is_break = [&](std::size_t at) {
    const char32_t after = unicode::decode(text, at).code_point;
    if (unicode::is_space(after)) return true;
    const std::size_t before = unicode::floor_boundary(text, at - 1);
    const char32_t last = unicode::decode(text, before).code_point;
    // Scripts without spaces may be cut between characters, but not before what belongs to them.
    return unicode::is_space(last) || ((unicode::is_cjk(last) || unicode::is_cjk(after)) &&
                                       !unicode::is_mark(after) && !unicode::is_punctuation(after));
  };
  while (cut > 0 && !is_break(cut)) cut = unicode::floor_boundary(text, cut - 1);
  std::string_view clipped = text.substr(0, cut);
  while (!clipped.empty()) {
    const std::size_t last = unicode::floor_boundary(clipped, clipped.size() - 1);
    if (!unicode::is_space(unicode::decode(clipped, last).code_point)) break;
    clipped = clipped.substr(0, last);
  }
  return clipped;
}

}  // namespace slipway::documents
