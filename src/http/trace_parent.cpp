#include "http/trace_parent.hpp"

#include <algorithm>

#include "core/hex.hpp"

namespace slipway::http {

namespace {

bool is_zero(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view value) {
  constexpr std::size_t size = 55;  // "00-" + 32 + "-" + 16 + "-" + 2
  if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  const std::string_view version = value.substr(0, 2);
  const std::string_view trace = value.substr(3, 32);
  const std::string_view span = value.substr(36, 16);
  if (!hex::is_small(version) || !hex::is_small(trace) || !hex::is_small(span) ||
      !hex::is_small(value.substr(53, 2)))
    return {};
  if (version == "ff" || is_zero(trace) || is_zero(span)) return {};
  const bool is_longer = value.size() > size;
  if (is_longer && (version == "00" || value[size] != '-')) return {};
  return TraceParent{std::string(trace), std::string(span)};
}

}  // namespace slipway::http
