// The run that a request is a part of, for budgets that limit single runs.
#pragma once

#include <string>

#include "http/message.hpp"
#include "trace/origin.hpp"

namespace slipway::trace {

/// The one that header `x-slipway-run`, or `metadata.run_id` of a JSON body, names (512 bytes at
/// most; what is unsound is as if it were not there); else the caller's own, by `langsmith-trace`
/// or `traceparent`; else `own`, what the request itself becomes.
std::string paying_run(const http::Request& request, const Origin& origin, std::string own);

}  // namespace slipway::trace
