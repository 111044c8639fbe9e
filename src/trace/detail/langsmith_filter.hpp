// LangSmith's filter language: and(eq(run_type,"llm"),gt(latency,2)).
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

/// Adds what the filter says to `filters`, each as a filter of `parse_filter`, and words of
/// `search` to `text`. Fails: invalid_argument (what is wrong with it, or what of it cannot be
/// answered).
Result<void> translate_langsmith_filter(std::string_view filter, json::Array& filters,
                                        std::string& text);

/// A time as that client writes it: in UTC without saying so.
std::string with_zone(std::string_view time);

}  // namespace slipway::trace::detail
