#include "documents/detail/mapped_text.hpp"

#include <algorithm>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

constexpr char32_t non_joiner = 0x200C;
constexpr char32_t joiner = 0x200D;

bool joins(char32_t c) { return c >= 0x590 && !unicode::is_space(c) && !unicode::is_invisible(c); }

}  // namespace

void MappedText::unit(std::string_view text, std::size_t byte_start, std::size_t byte_end) {
  if (text.empty()) return;
  const bool is_same_length = text.size() == byte_end - byte_start;
  if (is_same_length && !pieces_.empty()) {
    SourceMap::Piece& last = pieces_.back();
    const bool goes_on = last.text_start + last.length == text_.size() &&
                         last.byte_end == byte_start &&
                         last.length == last.byte_end - last.byte_start;
    if (goes_on) {
      last.length += text.size();
      last.byte_end = byte_end;
      text_ += text;
      return;
    }
  }
  pieces_.push_back({text_.size(), text.size(), byte_start, byte_end});
  text_ += text;
}

std::vector<SourceMap::Piece> compose(const std::vector<SourceMap::Piece>& outer,
                                      const SourceMap& inner) {
  std::vector<SourceMap::Piece> composed;
  composed.reserve(outer.size());
  for (const SourceMap::Piece& piece : outer) {
    if (piece.length != piece.byte_end - piece.byte_start) {
      const Place place = inner.place({piece.byte_start, piece.byte_end});
      composed.push_back({piece.text_start, piece.length, place.byte_start.value_or(0),
                          place.byte_end.value_or(0)});
      continue;
    }
    auto part = std::partition_point(
        inner.pieces.begin(), inner.pieces.end(),
        [&](const SourceMap::Piece& p) { return p.text_start + p.length <= piece.byte_start; });
    for (; part != inner.pieces.end() && part->text_start < piece.byte_end; ++part) {
      const std::size_t from = std::max(part->text_start, piece.byte_start);
      const std::size_t to = std::min(part->text_start + part->length, piece.byte_end);
      const Place place = inner.place({from, to});
      composed.push_back({piece.text_start + (from - piece.byte_start), to - from,
                          *place.byte_start, *place.byte_end});
    }
  }
  return composed;
}

bool is_hidden_character(char32_t before, char32_t c, char32_t after) {
  if (c < 0xAD) return false;
  if (c == joiner || c == non_joiner) return !(joins(before) && joins(after));
  return unicode::is_invisible(c) || unicode::is_private_use(c);
}

Invisible find_invisible(std::string_view text) {
  Invisible found;
  char32_t before = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      before = static_cast<unsigned char>(text[at++]);
      continue;
    }
    const unicode::Decoded now = unicode::decode(text, at);
    const std::size_t next = at + now.bytes;
    const bool may_be = now.code_point >= 0xAD;
    const char32_t after =
        may_be && next < text.size() ? unicode::decode(text, next).code_point : 0;
    if (may_be && is_hidden_character(before, now.code_point, after)) {
      ++found.characters;
      if (!found.spans.empty() && found.spans.back().end == at)
        found.spans.back().end = next;
      else
        found.spans.push_back({at, next});
    } else {
      before = now.code_point;
    }
    at = next;
  }
  return found;
}

void remove_spans(std::string& text, std::vector<SourceMap::Piece>& pieces,
                  const std::vector<Span>& spans) {
  if (spans.empty()) return;
  MappedText kept;
  kept.reserve(text.size());
  auto gap = spans.begin();
  for (const SourceMap::Piece& piece : pieces) {
    const std::size_t end = piece.text_start + piece.length;
    const bool is_verbatim = piece.length == piece.byte_end - piece.byte_start;
    std::size_t at = piece.text_start;
    while (at < end) {
      while (gap != spans.end() && gap->end <= at) ++gap;
      const bool is_gone = gap != spans.end() && gap->start <= at;
      const std::size_t to =
          std::min(end, gap == spans.end() ? end : (is_gone ? gap->end : gap->start));
      const std::string_view part = std::string_view(text).substr(at, to - at);
      if (!is_gone && is_verbatim) kept.verbatim(part, piece.byte_start + (at - piece.text_start));
      if (!is_gone && !is_verbatim) kept.unit(part, piece.byte_start, piece.byte_end);
      at = to;
    }
  }
  text = kept.take_text();
  pieces = kept.take_pieces();
}

void VisibleText::synthetic(std::string_view text) {
  mapped_.synthetic(text);
  before_ = 0;
}

void VisibleText::add(std::string_view text, std::size_t byte_start, std::size_t byte_end) {
  const bool is_verbatim = text.size() == byte_end - byte_start;
  std::size_t start = 0;  // Of the stretch that is seen and not appended yet.
  const auto flush = [&](std::size_t end) {
    if (end == start) return;
    const std::string_view part = text.substr(start, end - start);
    if (is_verbatim)
      mapped_.verbatim(part, byte_start + start);
    else
      mapped_.unit(part, byte_start, byte_end);
  };
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded now = unicode::decode(text, at);
    const std::size_t next = at + now.bytes;
    const char32_t c = now.code_point;
    const bool is_control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    const char32_t after =
        c >= 0xAD && next < text.size() ? unicode::decode(text, next).code_point : 0;
    const bool is_hidden = !is_control && is_hidden_character(before_, c, after);
    if (is_control || is_hidden) {
      flush(at);
      start = next;
      invisible_ += is_hidden;
    } else {
      before_ = c;
    }
    at = next;
  }
  flush(text.size());
}

}  // namespace slipway::documents::detail
