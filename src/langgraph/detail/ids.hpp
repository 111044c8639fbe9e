// Ids and times as LangGraph's clients write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/uuid.hpp"

namespace slipway::langgraph::detail {

/// Version 5 in the name space of URLs: always the same for a name. What LangGraph's server calls
/// the assistants of its graphs.
std::string uuid_of_name(std::string_view name);

/// "2026-11-29T07:53:02.721000+00:00"
std::string time_text(std::int64_t milliseconds);
std::int64_t now_ms(const Clock& clock);

}  // namespace slipway::langgraph::detail
