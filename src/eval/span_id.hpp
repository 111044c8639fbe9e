// Names of stretches of documents: what is relevant, whatever chunks a collection is cut into.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::eval {

/// Half-open range of bytes of a document's text.
struct SpanId {
  std::string document;
  std::size_t start = 0, end = 0;
  bool operator==(const SpanId&) const = default;
};

/// "guides/traces.md#1200-1304"
std::string to_text(const SpanId& id);
/// Nothing where the text is no such name. An empty or reversed range is none.
std::optional<SpanId> parse_span_id(std::string_view text);

}  // namespace slipway::eval
