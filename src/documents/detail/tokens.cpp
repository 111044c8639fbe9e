// LangChain decodes the tokens of each window. Where a token ends inside a character that gives
// U+FFFD, and a chunk that stands nowhere in the text. Here a token is a byte range, so a window is
// one too: it starts at the start of its first token and ends at the end of its last, both moved
// outwards to the next character.
#include "documents/detail/tokens.hpp"

#include <algorithm>

namespace slipway::documents {

namespace detail {

namespace {

Result<void> check_order(const std::vector<Span>& tokens, std::size_t size) {
  std::size_t last_start = 0, last_end = 0;
  for (const Span token : tokens) {
    if (token.start < last_start || token.end < last_end || token.end < token.start ||
        token.end > size)
      return fail(Code::invalid_argument,
                  "the tokenizer gives a token at {}..{} behind one that ends at {} of {} bytes",
                  token.start, token.end, last_end, size);
    last_start = token.start;
    last_end = token.end;
  }
  return {};
}

std::size_t ceiling_boundary(std::string_view text, std::size_t at) {
  while (!unicode::is_boundary(text, at)) ++at;
  return at;
}

/// Moves a cut before token `at` to the start of its unit, if that stands behind `first`.
std::size_t unit_start(const std::vector<Span>& tokens, std::size_t at, std::size_t first) {
  std::size_t start = at;
  while (start > first && start < tokens.size() && tokens[start] == tokens[start - 1] &&
         tokens[start].size() > 0)
    --start;
  return start > first ? start : at;
}

/// A unit of more tokens than a chunk may hold is cut evenly.
std::vector<Span> with_short_units(const std::vector<Span>& tokens, std::size_t size_max) {
  std::vector<Span> result;
  result.reserve(tokens.size());
  for (std::size_t first = 0; first < tokens.size();) {
    std::size_t end = first + 1;
    while (end < tokens.size() && tokens[end] == tokens[first]) ++end;
    const std::size_t count = end - first;
    const Span unit = tokens[first];
    for (std::size_t i = 0; i < count; ++i)
      result.push_back(count <= size_max ? unit
                                         : Span{unit.start + unit.size() * i / count,
                                                unit.start + unit.size() * (i + 1) / count});
    first = end;
  }
  return result;
}

}  // namespace

Result<void> split_by_tokens(std::string_view text, const std::vector<Span>& given,
                             const SplitterSettings& settings, Output& output) {
  TRY(check_order(given, text.size()));
  const std::vector<Span> tokens = with_short_units(given, settings.chunk_size);
  for (std::size_t first = 0; first < tokens.size();) {
    const std::size_t stop =
        unit_start(tokens, std::min(first + settings.chunk_size, tokens.size()), first);
    const std::size_t start = unicode::floor_boundary(text, tokens[first].start);
    output.add({start, std::max(start, ceiling_boundary(text, tokens[stop - 1].end))});
    if (stop == tokens.size()) break;
    const std::size_t back = std::min(settings.chunk_overlap, stop - first - 1);
    first = unit_start(tokens, stop - back, first);
  }
  return {};
}

}  // namespace detail

std::vector<Span> token_spans(std::string_view text,
                              const std::function<std::size_t(std::string_view)>& count) {
  constexpr std::size_t word_bytes_max = 400;  // So that one line of a megabyte is no single unit.
  std::vector<Span> tokens;
  const auto add = [&](Span word) {
    const std::size_t tokens_of_word = count(text.substr(word.start, word.size()));
    tokens.insert(tokens.end(), tokens_of_word, word);
  };
  Span word{0, 0};
  const auto close = [&] {
    if (word.size() > 0) add(word);
  };
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded one = unicode::decode(text, at);
    const char32_t c = one.code_point;
    const std::size_t end = at + one.bytes;
    const bool is_part = (unicode::is_letter(c) && !unicode::is_cjk(c)) || unicode::is_number(c) ||
                         unicode::is_mark(c);
    if (is_part && word.end == at && word.size() < word_bytes_max) {
      word.end = end;
    } else {
      close();
      word = is_part ? Span{at, end} : Span{end, end};
      if (!is_part && !unicode::is_space(c)) add({at, end});
    }
    at = end;
  }
  close();
  return tokens;
}

}  // namespace slipway::documents
