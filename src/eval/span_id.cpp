#include "eval/span_id.hpp"

#include <fmt/format.h>

#include <charconv>

namespace slipway::eval {

namespace {

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(const SpanId& id) {
  return fmt::format("{}#{}-{}", id.document, id.start, id.end);
}

std::optional<SpanId> parse_span_id(std::string_view text) {
  const std::size_t mark = text.rfind('#');
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  const std::string_view range = text.substr(mark + 1);
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto start = number(range.substr(0, dash)), end = number(range.substr(dash + 1));
  if (!start || !end || *start >= *end) return std::nullopt;
  return SpanId{std::string(text.substr(0, mark)), *start, *end};
}

}  // namespace slipway::eval
