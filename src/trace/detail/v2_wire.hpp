// Runs as LangSmith's newer clients (v2) read them: an id, and what else they selected.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "trace/detail/routes_feedback.hpp"

namespace slipway::trace::detail {

/// "NAME", "INPUTS", "FEEDBACK_STATS" ...
using Selects = std::set<std::string, std::less<>>;
/// Of a body's member. Fails: invalid_argument (one that there is not, naming the nearest).
Result<Selects> read_selects(const std::vector<std::string>& names);

/// An object each. `base` is where the caller finds this server: "http://localhost:8080".
Result<std::vector<std::string>> v2_run_texts(const Context& context, const Services& services,
                                              const std::vector<Run>& runs, const Selects& selects,
                                              const std::string& base);

/// {"items":[...],"next_cursor":...}, or the same as a stream of patches where the caller takes
/// only events.
http::Response v2_page(const http::Request& request, const std::vector<std::string>& items,
                       const std::optional<std::string>& next_cursor);

/// The value at that share of a sorted list, between neighbours; nothing of an empty one.
std::optional<double> quantile(const std::vector<double>& sorted, double share);

}  // namespace slipway::trace::detail
