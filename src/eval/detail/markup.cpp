#include "eval/detail/markup.hpp"

#include <algorithm>
#include <cstdint>

namespace slipway::eval::detail {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Words with the white space behind them.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !blank(text[end])) ++end;
    while (end < text.size() && blank(text[end])) ++end;
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string_view bare(std::string_view word) {
  const auto end = word.find_last_not_of(" \n\t\r");
  return end == std::string_view::npos ? std::string_view() : word.substr(0, end + 1);
}

void append(std::vector<DiffPart>& parts, DiffPart::Side side, std::string_view text) {
  if (parts.empty() || parts.back().side != side) parts.push_back({side, ""});
  parts.back().text += text;
}

}  // namespace

std::string markup_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\n': out += "&#10;"; break;
      case '\r': out += "&#13;"; break;
      case '\t': out += "&#9;"; break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          out += replacement;
        } else if (text.substr(i, 2) == "\xEF\xBF" && i + 2 < text.size() &&
                   (text[i + 2] == '\xBE' || text[i + 2] == '\xBF')) {
          out += replacement;  // U+FFFE and U+FFFF
          i += 2;
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::vector<DiffPart> word_difference(std::string_view first, std::string_view second) {
  constexpr std::size_t words_max = 2000;
  std::vector<DiffPart> parts;
  const auto a = words_of(first), b = words_of(second);
  if (a.size() > words_max || b.size() > words_max) {
    append(parts, DiffPart::Side::first, first);
    append(parts, DiffPart::Side::second, second);
    return parts;
  }
  // Longest common subsequence, of the rests.
  const std::size_t width = b.size() + 1;
  std::vector<std::uint16_t> longest((a.size() + 1) * width);
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      longest[i * width + j] =
          bare(a[i]) == bare(b[j])
              ? static_cast<std::uint16_t>(longest[(i + 1) * width + j + 1] + 1)
              : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && bare(a[i]) == bare(b[j])) {
      append(parts, DiffPart::Side::both, b[j]);
      ++i, ++j;
    } else if (i < a.size() &&
               (j == b.size() || longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      append(parts, DiffPart::Side::first, a[i++]);
    } else {
      append(parts, DiffPart::Side::second, b[j++]);
    }
  }
  return parts;
}

}  // namespace slipway::eval::detail
